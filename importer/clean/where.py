"""Rows that are wanted: `--where "Son alış >= 2020"`, a column, a comparison and a value."""

from __future__ import annotations

import operator
import re
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from importer.arrow import cells_of
from importer.clean.date import parse_date, proven_order
from importer.clean.shape import column_named
from importer.errors import UsageError
from importer.i18n import tr, trn
from importer.text import fold, is_nothing, one_line

if TYPE_CHECKING:
    from collections.abc import Callable

    from importer.records import Sheet

_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    "!=": operator.ne,
    "=": operator.eq,
    ">": operator.gt,
    "<": operator.lt,
}
_SIGN = re.compile(">=|<=|!=|=|>|<")
_YEAR = re.compile(r"(?<![0-9])(1[89]|20)[0-9]{2}(?![0-9])")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_NUMBER = re.compile(r"-?[0-9]+(?:[.,][0-9]+)?")
_THOUSANDS = re.compile(
    r"-?[0-9]{1,3}(?:([.,' \u00a0\u202f])[0-9]{3})(?:\1[0-9]{3})*(?:[.,][0-9]+)?"
)


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition on the rows of one sheet. `text` is how it was written."""

    text: str
    column: int
    sign: str
    value: str


@dataclass(frozen=True, slots=True)
class Unwanted:
    """Rows that don't fulfil all conditions, and what to say of them."""

    rows: frozenset[int]
    notes: tuple[str, ...]


def conditions_of(texts: tuple[str, ...], sheet: Sheet) -> tuple[Condition, ...]:
    """Return conditions of their texts. Raises UsageError for one that can't be read."""
    return tuple(_condition(text, sheet) for text in texts)


def unwanted(sheet: Sheet, conditions: tuple[Condition, ...], dates: str | None) -> Unwanted:
    """Return the rows that conditions leave out; `dates` is the order of day, month and year.

    A year is compared with the year that a cell holds, a date as YYYY-MM-DD with its date, a number
    with its number, any other text without regard to case. A cell that holds no such value doesn't
    fulfil a condition; the notes say how many there are.

    Raises UsageError for a value that is ambiguous or not a date.
    """
    left_out: set[int] = set()
    notes: list[str] = []
    for condition in conditions:
        cells = cells_of(sheet.table[condition.column])
        read = _reader(condition, cells, dates)
        wanted = read(condition.value)
        if wanted is None:  # 1.234 may be either of two numbers, 2020-13-45 is no date
            raise _no_condition(condition.text)
        known = {text: read(text) for text in set(cells)}
        compare = _COMPARISONS[condition.sign]
        fits = {text: value is not None and compare(value, wanted) for text, value in known.items()}
        rows = sheet.table.index.tolist()
        out = [row for row, text in zip(rows, cells, strict=True) if not fits[text]]
        vague = sum(known[text] is None for text in cells)
        left_out.update(out)
        note = trn(
            "--where {condition}: {n} row left out",
            "--where {condition}: {n} rows left out",
            len(out),
            condition=condition.text,
        )
        if vague:
            note += trn(
                ", {n} of them because the cell holds nothing to compare",
                ", {n} of them because the cells hold nothing to compare",
                vague,
            )
        notes.append(note)
    return Unwanted(frozenset(left_out), tuple(notes))


def _condition(text: str, sheet: Sheet) -> Condition:
    error = None
    for found in _SIGN.finditer(text):  # a header may hold such a sign, too
        header, value = text[: found.start()].strip(), text[found.end() :].strip()
        try:
            return Condition(text, column_named(sheet, header, "--where"), found[0], value)
        except UsageError as unknown:
            error = error or unknown
    raise error or _no_condition(text)


def _no_condition(text: str) -> UsageError:
    return UsageError(
        tr("--where {text} is not a condition", text=text),
        fix=tr('write it like --where "{example}"', example="Son alış >= 2020"),
    )


def _reader(
    condition: Condition, cells: list[str], dates: str | None
) -> Callable[[str], int | float | str | None]:
    value = condition.value
    if _DATE.fullmatch(value):
        order = dates or proven_order(list(set(cells)))
        return partial(_date, order=order)
    if not value or (condition.sign in {"=", "!="} and not _NUMBER.fullmatch(value)):
        return lambda text: "" if is_nothing(one_line(text)) else fold(one_line(text))
    if _YEAR.fullmatch(value) and not any(_is_large_number(text) for text in cells):
        return _year
    if _NUMBER.fullmatch(value) or _THOUSANDS.fullmatch(value):
        return _number
    return lambda text: fold(one_line(text)) or None


def _date(text: str, order: str | None) -> str | None:
    found = parse_date(text, order, None).value
    return found if isinstance(found, str) else None


def _year(text: str) -> int | None:
    found = {int(each[0]) for each in _YEAR.finditer(text)}
    return found.pop() if len(found) == 1 else None


def _number(text: str) -> float | None:
    """Return the number of a cell; None also for 1.234, which may be either of two."""
    plain = one_line(text)
    if _THOUSANDS.fullmatch(plain):
        separators = re.findall(r"[^0-9-]", plain)
        if len(separators) == 1 and separators[0] in ".,":
            return None
        if len(set(separators)) == 1:
            return float(re.sub(r"[^0-9-]", "", plain))
        whole, _, rest = plain.rpartition(separators[-1])
        return float(f"{re.sub(r'[^0-9-]', '', whole)}.{rest}")
    return float(plain.replace(",", ".")) if _NUMBER.fullmatch(plain) else None


def _is_large_number(text: str) -> bool:
    """Return whether a cell holds a number that is no year: 2020 is then a number, too."""
    return bool(_NUMBER.fullmatch(text.strip())) and not _YEAR.fullmatch(text.strip())
