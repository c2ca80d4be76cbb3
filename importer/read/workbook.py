"""Workbooks of all kinds → the one worksheet that lists the customers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Protocol

from importer.errors import UsageError
from importer.i18n import tr
from importer.mapping.content import is_like_a_name
from importer.mapping.header_words import meaning
from importer.read.grid import Grid, Worksheet
from importer.read.header import LOOK_AT, find_header, holds_results, is_blank
from importer.read.limits import TooLarge
from importer.records import SENT_WORKSHEET, OtherWorksheet

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_NAMES = frozenset(["full", "first", "last"])
_CLEARLY_LARGER = 5  # a sheet with so many times the rows of any other is the one that is meant
_CONTACT = re.compile(r"[^@\s]{1,100}@[^@\s]{1,100}|[+(]?[0-9](?:[ ()-]{0,2}[0-9]){8,13}")
_LONGEST = 200  # letters of a cell that are looked at
_MOST_MERGED = 100_000
_MOST_WORKSHEETS = 250


class Book(Protocol):
    """A workbook whose worksheets can be read."""

    from_1904: bool

    def names(self) -> list[str]:
        """Return the names of all worksheets."""

    def read(self, only: str | None) -> list[Worksheet]:
        """Read all worksheets, or the one of that name."""


def read_workbook(open_book: Callable[[], Book], name: str, kind: str, wanted: str | None) -> Grid:
    """Read one worksheet: the one named, else the one that lists customers.

    If several do, the largest, and the grid names the others; if none clearly does, the one that is
    clearly larger than all others.

    Raises UsageError when the workbook can't be read or the worksheet can't be chosen, TooLarge.
    """
    try:
        book = open_book()
        only = named(book.names(), wanted, name) if wanted is not None else None
        if len(book.names()) > _MOST_WORKSHEETS:
            raise TooLarge(tr("it has more than {n} worksheets", n=_MOST_WORKSHEETS))
        sheets = book.read(only)
    except (UsageError, TooLarge, MemoryError):
        raise
    except Exception as error:  # a damaged file raises anything
        raise UsageError(
            tr("{name} can't be read as a workbook", name=name),
            why=" ".join(str(error).split())[:200] or None,
            fix=tr("open it in the spreadsheet program and save it anew as .xlsx or .csv"),
        ) from error
    return grid_of_one(sheets, name, kind, 1904 if book.from_1904 else 1900)


def grid_of_one(
    sheets: list[Worksheet], name: str, kind: str, serial_dates: int | None = None
) -> Grid:
    """Choose a worksheet and make a grid of it. Raises UsageError when it can't be chosen."""
    results = next((sheet for sheet in sheets if holds_results(sheet.records)), None)
    if results:  # what we write beside them is a copy
        sheets = [sheet for sheet in sheets if sheet.name != SENT_WORKSHEET or sheet is results]
    only = sheets[0] if len(sheets) == 1 and sheets[0].records else None
    chosen = results or only or _choose(sheets, name)
    others = [_summary(sheet) for sheet in sheets if sheet is not chosen]
    grid = Grid(
        chosen.records,
        kind,
        worksheet=chosen.name or None,
        serial_dates=serial_dates,
        kinds=chosen.kinds,
        hidden_rows=chosen.hidden_rows,
        hidden_columns={column for column in chosen.hidden_columns if column < chosen.width},
        others=others,
    )
    if others:
        names = ", ".join(other.name or "?" for other in others)
        grid.notes.append(tr("worksheets not read: {others}", others=names))
    if chosen.not_calculated:
        grid.notes.append(
            tr(
                "formulas without a value: {not_calculated}; open the file in the "
                "spreadsheet program and save it to have them calculated",
                not_calculated=chosen.not_calculated,
            )
        )
    _note_merged(grid, chosen.merged)
    return grid


def named(names: list[str], wanted: str, name: str) -> str:
    """Return the worksheet with this name. Raises UsageError when the file `name` has none."""
    for each in names:
        if each.strip().lower() == wanted.strip().lower():
            return each
    raise UsageError(
        tr("{name} has no worksheet «{worksheet}»", name=name, worksheet=wanted),
        fix=tr("give one of these with --sheet: {names}", names=", ".join(filter(None, names)))
        if any(names)
        else tr("leave --sheet out"),
    )


def _choose(sheets: list[Worksheet], name: str) -> Worksheet:
    visible = [sheet for sheet in sheets if not sheet.hidden]
    filled = [sheet for sheet in visible if len(sheet.records) > 1] or [
        sheet for sheet in visible if sheet.records
    ]
    if not filled:
        hidden = [sheet.name for sheet in sheets if sheet.records and sheet.hidden]
        raise UsageError(
            tr("{name} has no rows", name=name),
            why=tr("only hidden sheets have any: {hidden}", hidden=", ".join(hidden))
            if hidden
            else None,
            fix=tr("choose one with --sheet") if hidden else tr("export the customers again"),
        )
    filled.sort(key=lambda sheet: -len(sheet.records))
    lists = [sheet for sheet in filled if lists_customers(sheet.records)]
    if lists:
        return lists[0]  # whether it is the only one that is meant, is asked later
    sizes = [len(sheet.records) for sheet in filled]
    if len(filled) > 1 and sizes[0] < _CLEARLY_LARGER * sizes[1]:
        listed = ", ".join(f"«{sheet.name}» ({len(sheet.records)} rows)" for sheet in filled)
        raise UsageError(
            tr("{name} has several worksheets with rows", name=name),
            why=listed,
            fix=tr('say which one with --sheet "{filled}"', filled=filled[0].name),
        )
    return filled[0]


def lists_customers(records: list[list[str]]) -> bool:
    """Return whether a worksheet has a header of names and of something else we know."""
    top = records[:LOOK_AT]
    found = find_header(top)
    words = [meaning(cell) for cell in top[found]] if found is not None else []
    fields = {word.field for word in words if word}
    if not fields:
        return _holds_customers(top)
    return len(fields) > 1 and not fields.isdisjoint(_NAMES)


def _holds_customers(records: list[list[str]]) -> bool:
    """Return whether rows without a header are customers: a name and a phone or address each."""
    filled = [record for record in records if not is_blank(record)]
    customers = [
        record
        for record in filled
        if any(_CONTACT.fullmatch(cell.strip()[:_LONGEST]) for cell in record)
        and any(is_like_a_name(cell.strip()[:_LONGEST]) for cell in record)
    ]
    return len(customers) > 1 and len(customers) >= 0.7 * len(filled)


def _summary(sheet: Worksheet) -> OtherWorksheet:
    start = find_header(sheet.records[:LOOK_AT]) if sheet.records else None
    below = sheet.records[start + 1 :] if start is not None else []
    rows = sum(not is_blank(record) for record in below)
    words = map(meaning, sheet.records[start]) if start is not None and rows else ()
    return OtherWorksheet(
        sheet.name,
        rows,
        bool(rows) and lists_customers(sheet.records),
        sheet.hidden,
        tuple(sorted({word.field for word in words if word})),
    )


def _note_merged(grid: Grid, merged: Iterable[tuple[int, int, int, int]]) -> None:
    """Distinguish headings across the table from cells merged down a column."""
    merged = list(merged)
    if len(merged) > _MOST_MERGED:
        raise TooLarge(tr("it has more than {n} merged cells", n=_MOST_MERGED))
    records = grid.records
    heading = min(3, max(2, len(records[0]) if records else 0))  # columns it is wide at least
    for first, left, last, right in merged:
        if last >= len(records):
            continue
        if first == last and right - left + 1 >= heading and sum(map(bool, records[first])) == 1:
            grid.malformed[first] = tr("a heading across several columns, not a customer")
        elif last > first and left == right:
            grid.merged.append((first, last, left))
