"""Names, codes, cids, group ids and notes (R2, R8, R10)."""

from __future__ import annotations

import re
import uuid
from typing import TYPE_CHECKING

from importer.clean.date import MONTHS
from importer.clean.parsed import NOTHING, Parsed
from importer.text import (
    bare,
    fold,
    has_lost_letters,
    is_cell_error,
    is_dash,
    is_null,
    looks_like_formula,
    one_line,
    tidy,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

_SCIENTIFIC = re.compile(r"([0-9]+)(?:[.,]([0-9]*))?[eE]\+?0{0,2}([0-9]{1,2})")
# How the reader writes a date or a time that a cell holds, and a truth value (R8).
_NOT_AS_TYPED = re.compile(
    r"(?:[0-9]{4}-[0-9]{2}-(?:[0-9]{2}|XX)|--[0-9]{2}(?:-[0-9]{2})?)"
    r"(?:[ T][0-9]{2}:[0-9]{2}\S{0,20})?|[0-9]{1,2}:[0-9]{2}:[0-9]{2}|TRUE|FALSE"
)
_TWO_NUMBERS = re.compile(r"[0-9]{1,4}[-./][0-9]{1,4}")
_WITH_YEAR = re.compile(r"[0-9]{1,2}([-./])[0-9]{1,2}\1(?:19|20)[0-9]{2}")
_DAY_OF_MONTH = re.compile(r"(?:[0-9]{1,4}[-. ]([^\W\d_]+)|([^\W\d_]+)[-. ][0-9]{1,4})\.?")
_LIKE_A_DAY = re.compile(r"(?:[12]?[0-9]|3[01]|0[1-9])[-. ][^\W\d_]{3,9}\.?")
_NEARLY_ALL = 0.9
_DECIMALS = re.compile(r"(-?[0-9]+)[.,]0{1,2}")
_PERCENT = re.compile(r"-?[0-9]+(?:[.,][0-9]+)?\s?%")  # of 42 a percent cell makes 0.42
_DIGITS = re.compile(r"-?[0-9]+(?:[.,][0-9]*)?")
# A name that is all in brackets, or what a program writes of a list of values: JSON, PHP, XML.
_ONE_BRACKET = re.compile(r"\([^()]*\)|\[[^\[\]]*\]|\{[^{}]*\}|<[^<>]*>")
_OF_A_PROGRAM = re.compile(
    r"""[{\[(]\s*['"][^'"]*['"]\s*[:,]|(?<!\w)[asOC]:[0-9]{1,6}:[{"]|<(\w{1,30})>[^<]*</\1>"""
)
# Ditto marks: the value of the row above.
_DITTO = re.compile(r"""[-–—\s]*(?:["'“”„«»〃″/\\]|,,)[-–—\s"'“”„«»〃″/\\,]*""")
# What is left of Cyrillic that was read in the encoding of another system, in some rows.
_OF_ANOTHER_SYSTEM = re.compile("[\u2500-\u259f]|[€®¤¢£¥©¬±µ°¦§¶][\u0400-\u04ff]")
# Names that a program shows in part: A***** Q*****, Ra••••v, Qxxxx.
_MASKED = re.compile(r"(?<!\w)\w{1,2}(?:[*•●#]{2,}|[xх]{3,})|\w[*•●]{2,}\w", re.IGNORECASE)
_QUESTIONED = 0.5  # share of question marks at which a name counts as lost


def parse_name(cells: tuple[str, ...]) -> Parsed:
    """Join the parts of a name, without those that are empty or dashes."""
    parts = [one_line(cell) for cell in cells]
    if any(_NOT_AS_TYPED.fullmatch(part) or _is_day_of_month(part) for part in parts):
        return Parsed(None, "not_as_typed")
    if len(parts) > 1 and any(_DITTO.fullmatch(part) for part in parts):
        return Parsed(None, "not_a_name")
    name = " ".join(
        without_repeated(
            part
            for part in parts
            if part and not is_dash(part) and not is_null(part) and not is_cell_error(part)
        )
    )
    if not name:
        error = any(is_cell_error(part) for part in parts)
        return Parsed(None, "cell_error" if error else None)
    if _ONE_BRACKET.fullmatch(name) or _OF_A_PROGRAM.search(name) or _MASKED.search(name):
        return Parsed(None, "not_a_name")
    lost = name.count("?") + name.count("\ufffd")
    if lost and lost >= _QUESTIONED * len(name.replace(" ", "")):
        return Parsed(None, "name_lost")
    if not any(map(str.isalnum, name)) or _OF_ANOTHER_SYSTEM.search(name):
        return Parsed(None, "not_a_name")
    remarks = [
        *(["formula_like_text"] if looks_like_formula(name) else []),
        *(["name_replacement_char"] if has_lost_letters(name) else []),
    ]
    return Parsed(name, None, tuple(remarks))


def without_repeated(parts: Iterable[str]) -> list[str]:
    """Return the parts of a name without those that another part begins or ends with.

    Of `Rəşad Məmmədov` and `Məmmədov` the surname is there twice. Two equal parts stay: people have
    such names.
    """
    found = list(parts)
    if len(found) < 2 or not any(" " in part for part in found):
        return found
    return [part for part in found if not any(holds_part(other, part) for other in found)]


def holds_part(whole: str, part: str) -> bool:
    """Return whether a text of several words begins or ends with these words."""
    if len(part) >= len(whole):
        return False
    whole, part = whole.casefold(), part.casefold()
    return whole.endswith(f" {part}") or whole.startswith(f"{part} ")


def _is_day_of_month(part: str) -> bool:
    """Return whether a spreadsheet turned a part of a name into a date: 01.mar from Mar 1."""
    match = "-" in part or "." in part
    day = _DAY_OF_MONTH.fullmatch(part) if match else None
    return day is not None and " " not in part and fold(day[1] or day[2]) in MONTHS


def all_decimals(texts: Iterable[str]) -> bool:
    """Return whether all numbers of a column end in `.0`: then a program added it.

    `1.000` beside `1.001` is a thousand (R8).
    """
    plain = [bare(text) for text in texts]
    numbers = [text for text in plain if _DIGITS.fullmatch(text)]
    return bool(numbers) and all(map(_DECIMALS.fullmatch, numbers))


def are_two_numbers(texts: Iterable[str]) -> bool:
    """Return whether codes of a column are two numbers, e.g. 13-20.

    Then a spreadsheet turned 12-05 and 5-05 into `12-May` and `May-05` (R8).
    """
    return any(_TWO_NUMBERS.fullmatch(bare(text)) for text in texts)


def are_mostly_two_numbers(texts: Iterable[str]) -> bool:
    """Return whether nearly all codes are two numbers, or one and a word where a month may stand.

    Then such a word is a month in a language we don't know: `02.лют` among 13-20.
    """
    plain = [bare(text) for text in texts]
    numbers = sum(bool(_TWO_NUMBERS.fullmatch(text)) for text in plain)
    days = sum(bool(_LIKE_A_DAY.fullmatch(text)) for text in plain)
    return numbers > days and numbers + days >= _NEARLY_ALL * len(plain)


def parse_code(
    text: str, *, decimals: bool = False, two_numbers: bool = False, mostly: bool = False
) -> Parsed:
    """Read a code as text: leading zeros stay, `0` is nothing.

    `decimals`: all numbers of the column end in `.0`, which goes. `two_numbers`: the column's codes
    are two numbers (`are_two_numbers`), `mostly`: nearly all (`are_mostly_two_numbers`).
    """
    plain = bare(text)
    if decimals and (number := _DECIMALS.fullmatch(plain)):
        plain = number[1]
    if plain in {"", "0"}:
        return NOTHING
    if match := _SCIENTIFIC.fullmatch(plain):
        fraction, exponent = match[2] or "", int(match[3])
        if len(fraction) < exponent:
            return Parsed(None, "code_precision_lost")
        plain = match[1] + fraction[:exponent]
    day = two_numbers and _DAY_OF_MONTH.fullmatch(plain)
    month = day and (fold(day[1] or day[2]) in MONTHS or (mostly and _LIKE_A_DAY.fullmatch(plain)))
    if _NOT_AS_TYPED.fullmatch(plain) or month or (two_numbers and _WITH_YEAR.fullmatch(plain)):
        return Parsed(None, "not_as_typed")
    if _PERCENT.fullmatch(plain):
        return Parsed(None, "invalid_code")
    remarks = ("formula_like_text",) if looks_like_formula(plain) else ()
    return Parsed(plain, None, remarks)


def parse_cid(text: str) -> Parsed:
    """Read a UUID, whatever its case and brackets (RFC 9562), as 36 lower-case characters."""
    plain = bare(text)
    if not plain:
        return NOTHING
    try:
        return Parsed(str(uuid.UUID(plain)))
    except ValueError:
        return Parsed(None, "invalid_cid")


def parse_group(text: str) -> Parsed:
    """Read the number of a customer group."""
    plain = bare(text)
    if decimals := _DECIMALS.fullmatch(plain):
        plain = decimals[1]
    if not plain or plain == "0":
        return NOTHING
    if plain.isascii() and plain.isdecimal() and len(plain) < 10:
        return Parsed(int(plain))
    return Parsed(None, "invalid_group")


def parse_note(text: str) -> Parsed:
    """Read free text; its line breaks stay."""
    plain = tidy(text)
    return NOTHING if not plain or is_dash(plain) else Parsed(plain)
