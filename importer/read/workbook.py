"""Workbooks (XLSX, XLS, XLSB, ODS) → records of text."""

from __future__ import annotations

import io
import re
import zipfile
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any

from python_calamine import (
    CalamineSheet,
    CalamineWorkbook,
    PasswordError,
    SheetTypeEnum,
    SheetVisibleEnum,
)

from importer.errors import UsageError
from importer.i18n import tr
from importer.mapping.header_words import meaning
from importer.read.grid import Grid
from importer.read.header import LOOK_AT, find_header
from importer.read.xls import xls_facts
from importer.read.xlsx import Extras, check_size, extras_of

if TYPE_CHECKING:
    from collections.abc import Iterable

_DAY_ZERO = "1899-12-31"  # what a date cell holding 0 means; shown as 00.01.1900
_NAMES = frozenset(["full", "first", "last"])
_CLEARLY_LARGER = 5  # a sheet with so many times the rows of any other is the one that is meant


def read_workbook(data: bytes, name: str, kind: str, worksheet: str | None) -> Grid:
    """Read one worksheet: the one named, else the only one that lists customers.

    Where several do, or none can be told to, it is the clearly largest.

    Numbers become their shortest text (`994501234567`, not `994501234567.0`; 42 that is shown as
    00042 becomes that), dates ISO 8601, failed formulas their error.

    Raises UsageError when the workbook can't be read or the worksheet can't be chosen.
    """
    old = xls_facts(data, name) if kind == "xls" else None
    if kind == "xlsx":
        check_size(data, name)
    notes: list[str] = []
    beside = ThreadPoolExecutor(1)  # the library leaves the other processor free
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(data))
        names = [meta.name for meta in book.sheets_metadata]
        alone = kind == "xlsx" and len(names) == 1
        meanwhile = beside.submit(extras_of, data, names[0]) if alone else None
        sheet = _choose(book, name, worksheet, notes)
        chosen = sheet.name
        rows = sheet.to_python(skip_empty_area=False)
        merged = sheet.merged_cell_ranges or []
    except UsageError:
        raise
    except PasswordError as error:
        raise UsageError(
            tr("{name} is protected with a password", name=name),
            todo=tr("open it in the spreadsheet program and save it without one"),
        ) from error
    except BaseException as error:  # a damaged file may make the library panic
        if isinstance(error, KeyboardInterrupt | SystemExit | MemoryError):
            raise
        raise UsageError(
            tr("{name} can't be read as a workbook", name=name),
            why=" ".join(str(error).split())[:200] or None,
            todo=tr("open it in the spreadsheet program and save it anew as .xlsx or .csv"),
        ) from error
    finally:
        beside.shutdown()
    grid = Grid([], kind, worksheet=chosen, notes=notes)
    from_1904 = old.from_1904 if old else _counts_from_1904(data)
    grid.serial_dates = 1904 if from_1904 else 1900
    extras = Extras()
    if old and (place := names.index(chosen)) < len(old.errors):
        extras.texts = old.errors[place]
    elif kind == "xlsx":
        extras = meanwhile.result() if meanwhile else extras_of(data, chosen)
    grid.records = _with_extras(rows, extras, notes)
    _note_merged(grid, merged)
    return grid


def _with_extras(rows: list[list[Any]], extras: Extras, notes: list[str]) -> list[list[str]]:
    for (row, column), digits in extras.zeros.items():
        if row < len(rows) and isinstance(number := rows[row][column], float) and number >= 0:
            rows[row][column] = f"{number:0{digits}.0f}"
    records = [[c if type(c) is str else _text(c) for c in row] for row in rows]
    for (row, column), text in extras.texts.items():
        if row < len(records) and column < len(records[row]):
            records[row][column] = text
    if extras.not_calculated:
        notes.append(
            tr(
                "formulas without a value: {not_calculated}; open the file in the "
                "spreadsheet program and save it to have them calculated",
                not_calculated=extras.not_calculated,
            )
        )
    return records


def _note_merged(grid: Grid, merged: Iterable[tuple[tuple[int, int], tuple[int, int]]]) -> None:
    """Tell headings across the table from cells that are merged down a column."""
    records = grid.records
    heading = min(3, max(2, len(records[0]) if records else 0))  # columns it is wide at least
    for (first, left), (last, right) in merged:
        if last >= len(records):
            continue
        if first == last and right - left + 1 >= heading and sum(map(bool, records[first])) == 1:
            grid.malformed[first] = tr("a heading across several columns, not a customer")
        elif last > first and left == right:
            grid.merged.append((first, last, left))


def _choose(
    book: CalamineWorkbook, name: str, worksheet: str | None, notes: list[str]
) -> CalamineSheet:
    sheets = [meta for meta in book.sheets_metadata if meta.typ == SheetTypeEnum.WorkSheet]
    if worksheet is not None:
        names = [meta.name for meta in sheets]
        match = [each for each in names if each.strip().lower() == worksheet.strip().lower()]
        if match:
            return book.get_sheet_by_name(match[0])
        raise UsageError(
            tr("{name} has no worksheet «{worksheet}»", name=name, worksheet=worksheet),
            todo=tr("give one of these with --sheet: {names}", names=", ".join(names)),
        )
    # Reading is what takes long: the one that is chosen isn't read again.
    read = {meta.name: book.get_sheet_by_name(meta.name) for meta in sheets}
    sizes = {each: sheet.total_height for each, sheet in read.items()}
    visible = [meta.name for meta in sheets if meta.visible == SheetVisibleEnum.Visible]
    filled = [each for each in visible if sizes[each] > 1] or [
        each for each in visible if sizes[each]
    ]
    if not filled:
        hidden = [each for each in sizes if sizes[each] and each not in visible]
        raise UsageError(
            tr("{name} has no rows", name=name),
            why=tr("only hidden sheets have any: {hidden}", hidden=", ".join(hidden))
            if hidden
            else None,
            todo=tr("choose one with --sheet") if hidden else tr("export the customers again"),
        )
    if len(visible) > 1:
        filled = [
            each for each in visible if sizes[each] and _lists_customers(read[each])
        ] or filled
    filled.sort(key=lambda each: -sizes[each])
    if len(filled) > 1 and sizes[filled[0]] < _CLEARLY_LARGER * sizes[filled[1]]:
        told = ", ".join(f"«{each}» ({sizes[each]} rows)" for each in filled)
        raise UsageError(
            tr("{name} has several worksheets with rows", name=name),
            why=told,
            todo=tr('say which one with --sheet "{filled}"', filled=filled[0]),
        )
    others = [meta.name for meta in sheets if meta.name != filled[0]]
    if others:
        notes.append(tr("worksheets not read: {others}", others=", ".join(others)))
    return read[filled[0]]


def _lists_customers(sheet: CalamineSheet) -> bool:
    """Tell whether a worksheet has a header of names and of something else we know."""
    top = [list(map(_text, row)) for row in sheet.to_python(nrows=LOOK_AT)]
    found = find_header(top)
    words = [meaning(cell) for cell in top[found]] if found is not None else []
    known = {word.field for word in words if word}
    return len(known) > 1 and not known.isdisjoint(_NAMES)


def _text(cell: object) -> str:
    if isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return "TRUE" if cell else "FALSE"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() else repr(cell)
    if isinstance(cell, datetime):
        midnight = cell.time() == time(0)
        return cell.date().isoformat() if midnight else cell.isoformat(" ", "seconds")
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, time) and cell == time(0):
        return _DAY_ZERO
    return str(cell)


def _counts_from_1904(data: bytes) -> bool:
    """Tell whether an XLSX file counts its days from 1904, as old Macs did."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            book = archive.read("xl/workbook.xml")
    except (zipfile.BadZipFile, KeyError, NotImplementedError, RuntimeError):
        return False
    return re.search(rb'date1904="(1|true)"', book) is not None
