"""Evidence that the dates of a whole column give about each other."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from importer.clean.date import EMPTY, proven_order, time_of
from importer.records import CellKind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from importer.records import Sheet

_CELL = re.compile(r"(\d{4})-(\d\d)-(\d\d)(?=$|[ T])")
_YEAR_FIRST = re.compile(r"\s*([0-9]{4})[-/.]([0-9]{1,2})[-/.]([0-9]{1,2})(?=$|[ T])")
_BARE = re.compile(r"[0-9]{5,6}")
_LAST_BIRTH_SERIAL = 60_000  # a day in 2064
_DAY, _MONTH = "(?:0[1-9]|[12][0-9]|3[01])", "(?:0[1-9]|1[0-2])"
_TYPED = tuple(
    re.compile(parts)
    for parts in (
        f"{_DAY}{_MONTH}[0-9]{{2}}",
        f"{_MONTH}{_DAY}[0-9]{{2}}",
        f"[0-9]{{2}}{_MONTH}{_DAY}",
    )
)
_NUMERIC = re.compile(r"([0-9]{1,2})([-/.])([0-9]{1,2})\2[0-9]{4}")
_MOST = 0.6
_FEWEST = 3  # cells that are evidence


def common_times(texts: Sequence[str]) -> frozenset[str]:
    """Return the one or two times of day that most dates of a column have; () if there are none."""
    times = [time for text in texts if (time := time_of(text))]
    filled = sum(bool(text.strip()) for text in texts)
    if not times or len(times) < _MOST * filled:
        return frozenset()
    common = Counter(times).most_common(2)
    most = sum(count for _, count in common)
    return frozenset(time for time, _ in common) if most >= 0.9 * len(times) else frozenset()


def are_empty(dates: pa.Array) -> bool:
    """Return whether impossible dates stand for none: three cells that were read have one (R7)."""
    return int(pc.sum(pc.is_in(dates, pa.array(sorted(EMPTY)))).as_py() or 0) >= _FEWEST


def are_typed_digits(texts: Sequence[str]) -> bool:
    """Return whether the bare numbers of a column were typed as DDMMYY and are no day serials.

    A third of them are too large for the serial of a birthday, but are valid as DDMMYY: 210990.
    Those with a small day, 70990 or 10290, would be read as serials.
    """
    numbers = [text for text in texts if _BARE.fullmatch(text)]
    beyond = [text for text in numbers if int(text) > _LAST_BIRTH_SERIAL]
    typed = sum(any(order.fullmatch(text.zfill(6)) for order in _TYPED) for text in beyond)
    return len(beyond) * 3 >= len(numbers) > 0 and typed == len(beyond) >= _FEWEST


def are_year_day_month(texts: Sequence[str]) -> bool:
    """Return whether dates of a column are 1990-25-03, and none is 1990-03-25."""
    found = [(int(day[2]), int(day[3])) for text in texts if (day := _YEAR_FIRST.match(text))]
    contrary = sum(second > 12 >= third > 0 for second, third in found)
    return contrary >= _FEWEST and not any(third > 12 >= second for second, third in found)


def turned_back(sheet: Sheet, column: int, order: str, texts: list[str]) -> list[str]:
    """Return the texts of a column with its date cells as they were typed, in `order`.

    They are unchanged unless the column is half turned (`half_turned`). `texts` are those of the
    rows that aren't malformed.
    """
    if half_turned(sheet, column) != order:
        return texts
    kinds = sheet.kinds.get(column)
    rows = [row for row in sheet.table.index.tolist() if row not in sheet.malformed]
    return [
        _CELL.sub(r"\1-\3-\2", text) if not kinds or kinds.get(row) is CellKind.DATE else text
        for row, text in zip(rows, texts, strict=True)
    ]


def half_turned(sheet: Sheet, column: int) -> str | None:
    """Return the order of the texts of a column whose date cells are swapped, else None.

    A spreadsheet of another country turns each date whose day can be a month into a date cell, with
    day and month swapped, and leaves the others as text. Saved as text, the cells may be
    written as 1990-05-11, or as 4/3/1990 beside 25.04.1990.
    """
    texts = sheet.table[column]
    if kinds := sheet.kinds.get(column):
        cells = texts.index.isin([row for row, kind in kinds.items() if kind is CellKind.DATE])
    else:
        texts = texts.drop_duplicates()
        cells = texts.str.match("[0-9]{4}-[0-9]{2}-[0-9]{2}(?:$|[ T])").to_numpy(bool)
        if not cells.any():
            cells = texts.isin(_of_small_numbers(texts.tolist())).to_numpy(bool)
    if cells.sum() < _FEWEST:
        return None
    found = [_CELL.match(text) for text in texts[cells].tolist()]
    days = [int(match[3]) for match in found if match]
    others = [text for text in texts[~cells].tolist() if text.strip()]
    order = proven_order(others)
    if max(days, default=0) > 12 or order is None:
        return None
    proving = sum(proven_order([text]) == order for text in others)
    return order if proving >= 0.8 * len(others) else None


def _of_small_numbers(texts: list[str]) -> list[str]:
    """Return the dates with the one separator of two that never has a number above 12 before it."""
    numbers: dict[str, list[int]] = {}
    found = [(text, match) for text in texts if (match := _NUMERIC.match(text))]
    for _, match in found:
        numbers.setdefault(match[2], []).extend((int(match[1]), int(match[3])))
    small = [separator for separator, of in numbers.items() if max(of) <= 12]
    if len(numbers) != 2 or len(small) != 1:
        return []
    return [text for text, match in found if match[2] == small[0]]
