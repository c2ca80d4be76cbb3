"""Show a number as a spreadsheet's number format does.

Written for ECMA-376 18.8.31, whose formats all spreadsheet programs share. A code is what the cell
shows (`00042`, `CL-0042`), a date without a year was typed without one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache

from importer.records import CellKind

_LOST_DIGITS = 10**15  # from here on it has more than the 15 digits that a spreadsheet keeps (R8)
_BUILT_IN = {  # the ones that show a date, a time, a percentage or an exponent
    9: "0%",
    10: "0.00%",
    11: "0.00E+00",
    14: "m/d/yyyy",
    15: "d-mmm-yy",
    16: "d-mmm",
    17: "mmm-yy",
    18: "h:mm AM/PM",
    19: "h:mm:ss AM/PM",
    20: "h:mm",
    21: "h:mm:ss",
    22: "m/d/yyyy h:mm",
    45: "mm:ss",
    46: "[h]:mm:ss",
    47: "mm:ss.0",
    48: "##0.0E+0",
} | dict.fromkeys((*range(27, 32), 36, *range(50, 59)), "yyyy/m/d")  # of East Asia
_FEWEST_LOST = 2  # zeros at the end of a number that an exponent hides: fewer are by chance
_DAY_ZERO = "1899-12-31"  # what a date cell holding 0 means; shown as 00.01.1900
_LAST_SERIAL = 2_958_465  # 31 December 9999
_DIGITS = frozenset("0#?")
_CODES = frozenset("ymdhse0#?@.,%/")  # with . , % / the number itself is meant
_PARTS_OF_TIME = frozenset(["h", "s", "[h]", "[m]", "[s]"])
_TOKEN = re.compile(
    # A text, a bracket, an escaped letter, room as wide as a letter, a word, any letter.
    r'"([^"]*)"?|\[([^\]]*)\]?|\\(.?)|[_*].?|(general|am/pm|a/p)|(.)',
    re.IGNORECASE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class NumberFormat:
    """Number format. `parts` are literal texts and `0`, `#`, `?`, `@` as one-letter codes."""

    date: bool = False
    year: bool = False
    month: bool = False
    day: bool = False
    time: bool = False
    parts: tuple[tuple[str, bool], ...] | None = None  # (text, is it a literal)
    percent: bool = False
    mantissa: int | None = None  # digits of 1.2E+03 before the E


PLAIN = NumberFormat()


def built_in(number: int) -> NumberFormat:
    """Return the format of a number that Excel gives the formats it has of its own."""
    return number_format(_BUILT_IN.get(number, ""))


@lru_cache(maxsize=4096)
def number_format(code: str) -> NumberFormat:
    """Return what a format code like `dd.mm.yyyy` or `"CL-"0000` shows of values above zero."""
    parts = _parts(code[:255])
    letters = {text for text, literal in parts if not literal}
    if letters & {"y", "m", "d"} or letters & _PARTS_OF_TIME:
        hours = bool(letters & _PARTS_OF_TIME)
        year, day = bool(letters & {"y", "e"}), "d" in letters
        # Beside hours an m may be minutes.
        month = "m" in letters and (not hours or year or day)
        return NumberFormat(True, year, month, day, hours)
    marks = [text for text, literal in parts if not literal]
    if "%" in marks:
        return NumberFormat(percent=True)
    if "e" in marks:
        return NumberFormat(mantissa=sum(mark in _DIGITS for mark in marks[: marks.index("e")]))
    if any(mark not in _DIGITS and mark not in {"general", "@"} for mark in marks):
        return PLAIN
    shown = any(literal for _, literal in parts) or marks.count("0") > 1
    return NumberFormat(parts=tuple(parts)) if shown and marks else PLAIN


def _parts(code: str) -> list[tuple[str, bool]]:
    """Return literals and codes of the format's first section."""
    parts: list[tuple[str, bool]] = []
    for token in _TOKEN.finditer(code):
        quoted, bracket, escaped, word, letter = token.groups()
        if letter == ";":
            break
        if quoted or escaped:
            parts.append((quoted or escaped, True))
        elif bracket and bracket.startswith("$"):  # a currency, a language or both: [$₼-42C]
            parts.append((bracket[1:].partition("-")[0], True))
        elif bracket and set(bracket.lower()) in ({"h"}, {"m"}, {"s"}):
            parts.append((f"[{bracket[0].lower()}]", False))
        elif word:
            parts.append(("general" if word.lower() == "general" else "h", False))
        elif letter:
            code_letter = letter.lower()
            parts.append((code_letter, False) if code_letter in _CODES else (letter, True))
    return [(text, literal) for text, literal in parts if text]


def number_text(text: str) -> str:
    """Return the shortest text of a number: `42` of `42.0`, no exponent where no digit is lost.

    One of more than 15 digits has an exponent, since its last digits are gone: `9.9…E+15`.
    """
    if len(text) < 16 and text.isdecimal() and text.isascii() and text[0] != "0":
        return text
    try:
        number = float(text)
    except ValueError:
        return text
    if number != number or number in (float("inf"), float("-inf")):  # noqa: PLR0124 - NaN
        return text
    if abs(number) >= _LOST_DIGITS:
        return f"{number:.14E}"
    return str(int(number)) if number.is_integer() else repr(number)


def shown_number(text: str, shape: NumberFormat) -> str:
    """Return the text of a number as a format without dates shows it, where it is a whole one.

    A percentage is shown as one: 42 typed there is kept as 0.42. So is a number that has lost the
    digits that its exponent hides: `9.95E+11`, of which a spreadsheet made 995000000000.
    """
    digits = number_text(text)
    if shape.percent:
        return _percentage(digits)
    if shape.mantissa is not None and digits.isdecimal():
        kept = len(digits.rstrip("0"))
        rounded = kept <= shape.mantissa < len(digits) - _FEWEST_LOST
        return f"{int(digits):.{max(shape.mantissa - 1, 0)}E}" if rounded else digits
    if shape.parts is None or not (digits.isdecimal() and digits.isascii()):
        return digits
    places = sum(not literal for _, literal in shape.parts)
    rest = digits.rjust(places) if digits != "0" else " " * places
    out: list[str] = []
    first = len(rest) - places + 1  # the first place takes what is more
    for part, literal in shape.parts:
        if literal:
            out.append(part)
            continue
        if part in {"general", "@"}:
            return "".join(digits if not is_literal else text for text, is_literal in shape.parts)
        taken, rest, first = rest[:first], rest[first:], 1
        out.append(taken.replace(" ", "0") if part == "0" else taken.replace(" ", ""))
    shown = "".join(out).strip()
    bare = "".join(shown.split())
    # Blanks between thousands are no part of a code.
    return digits if not bare or bare == digits else shown


def _percentage(digits: str) -> str:
    try:
        return f"{number_text(repr(round(float(digits) * 100, 10)))}%"
    except ValueError:
        return digits


def date_text(serial: float, shape: NumberFormat, *, from_1904: bool) -> tuple[str, CellKind]:
    """Return a day number as ISO 8601, as far as the format shows it.

    A date without a year is `--05-14`, one without a day `1990-05-XX`. Raises ValueError when the
    number is no date.
    """
    if not 0 <= serial <= _LAST_SERIAL:
        raise ValueError(serial)
    seconds = round(serial * 86_400)
    if serial < 1 and not from_1904:
        if seconds == 0:
            return _DAY_ZERO, CellKind.DATE
        return str(timedelta(seconds=seconds)), CellKind.TIME
    # The 1900 count has a 29 February 1900 that never was.
    start = date(1904, 1, 1) if from_1904 else date(1899, 12, 30 if serial >= 60 else 31)
    moment = datetime.combine(start, time()) + timedelta(seconds=seconds)
    return moment_text(moment, shape), CellKind.DATE


def moment_text(moment: datetime, shape: NumberFormat) -> str:
    """Return a moment as ISO 8601, as far as the format shows it."""
    if shape.month and not shape.year:
        return f"--{moment:%m-%d}" if shape.day else f"--{moment:%m}"
    if shape.month and shape.year and not shape.day:
        return f"{moment:%Y-%m}-XX"
    if shape.year and not shape.month and not shape.day:
        return f"{moment:%Y}"
    midnight = moment.hour == moment.minute == moment.second == 0
    return moment.date().isoformat() if midnight else moment.isoformat(" ", "seconds")


def code_as_shown(number: str, shown: str) -> str:
    """Return `shown` where it is a whole number with zeros or words in front, else the number.

    For formats that keep what a cell shows beside its value, e.g. OpenDocument.
    """
    mantissa, exponent, _ = shown.partition("E+")
    if exponent:
        return shown_number(number, NumberFormat(mantissa=sum(map(str.isdecimal, mantissa))))
    digits = "".join(letter for letter in shown if letter.isdecimal())
    bare = "".join(shown.split()).replace(",", "").replace(".", "").replace("'", "")
    if not number.isdecimal() or digits.lstrip("0") != number.lstrip("0") or bare == number:
        return number
    return " ".join(shown.split())
