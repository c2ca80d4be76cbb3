"""Workbooks (XLSX, XLS, XLSB, ODS) → records of text."""

from __future__ import annotations

import io
import re
import zipfile
from datetime import date, datetime, time

from python_calamine import (
    CalamineError,
    CalamineSheet,
    CalamineWorkbook,
    PasswordError,
    SheetTypeEnum,
    SheetVisibleEnum,
    ZipError,
)

from importer.errors import UsageError
from importer.reading import Grid

_DAY_ZERO = "1899-12-31"  # what a date cell holding 0 means; shown as 00.01.1900
_CLEARLY_LARGER = 5  # a sheet with so many times the rows of any other is the one that is meant


def read_workbook(data: bytes, name: str, kind: str, worksheet: str | None) -> Grid:
    """Read one worksheet: the one named, else the only one with rows, else the clearly largest.

    Numbers become their shortest text (`994501234567`, not `994501234567.0`), dates ISO 8601.

    Raises UsageError when the workbook can't be read or the worksheet can't be chosen.
    """
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(data))
    except PasswordError as error:
        raise UsageError(
            f"{name} is protected with a password",
            todo="open it in the spreadsheet program and save it without one",
        ) from error
    except (CalamineError, ZipError, OSError, ValueError) as error:
        raise _unreadable(name, error) from error
    notes: list[str] = []
    chosen = _choose(book, name, worksheet, notes)
    try:
        sheet = book.get_sheet_by_name(chosen)
        records = [[_text(cell) for cell in row] for row in sheet.to_python(skip_empty_area=False)]
    except (CalamineError, ZipError, OSError, ValueError) as error:
        raise _unreadable(name, error) from error
    grid = Grid(records, kind, worksheet=chosen, notes=notes)
    grid.serial_dates = 1904 if _counts_from_1904(data) else 1900
    for row in _section_rows(sheet):
        if row < len(records):
            grid.malformed[row] = "a heading across several columns, not a customer"
    return grid


def _choose(book: CalamineWorkbook, name: str, worksheet: str | None, notes: list[str]) -> str:
    sheets = [meta for meta in book.sheets_metadata if meta.typ == SheetTypeEnum.WorkSheet]
    if worksheet is not None:
        names = [meta.name for meta in sheets]
        match = [each for each in names if each.strip().lower() == worksheet.strip().lower()]
        if match:
            return match[0]
        raise UsageError(
            f"{name} has no worksheet «{worksheet}»",
            todo=f"give one of these with --sheet: {', '.join(names)}",
        )
    sizes = {meta.name: book.get_sheet_by_name(meta.name).total_height for meta in sheets}
    visible = [meta.name for meta in sheets if meta.visible == SheetVisibleEnum.Visible]
    filled = [each for each in visible if sizes[each] > 1] or [
        each for each in visible if sizes[each]
    ]
    if not filled:
        hidden = [each for each in sizes if sizes[each] and each not in visible]
        raise UsageError(
            f"{name} has no rows",
            why=f"only hidden sheets have any: {', '.join(hidden)}" if hidden else None,
            todo="choose one with --sheet" if hidden else "export the customers again",
        )
    filled.sort(key=lambda each: -sizes[each])
    if len(filled) > 1 and sizes[filled[0]] < _CLEARLY_LARGER * sizes[filled[1]]:
        told = ", ".join(f"«{each}» ({sizes[each]} rows)" for each in filled)
        raise UsageError(
            f"{name} has several worksheets with rows",
            why=told,
            todo=f'say which one with --sheet "{filled[0]}"',
        )
    others = [meta.name for meta in sheets if meta.name != filled[0]]
    if others:
        notes.append(f"worksheets not read: {', '.join(others)}")
    return filled[0]


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


def _section_rows(sheet: CalamineSheet) -> list[int]:
    """Return the rows, from 0, whose first cell is merged across three columns or more."""
    ranges = sheet.merged_cell_ranges or []
    return [
        first_row
        for (first_row, first_column), (last_row, last_column) in ranges
        if first_row == last_row and last_column - first_column >= 2
    ]


def _counts_from_1904(data: bytes) -> bool:
    """Tell whether an XLSX file counts its days from 1904, as old Macs did."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            book = archive.read("xl/workbook.xml")
    except (zipfile.BadZipFile, KeyError, NotImplementedError, RuntimeError):
        return False
    return re.search(rb'date1904="(1|true)"', book) is not None


def _unreadable(name: str, error: Exception) -> UsageError:
    return UsageError(
        f"{name} can't be read as a workbook",
        why=" ".join(str(error).split())[:200] or None,
        todo="open it in the spreadsheet program and save it anew as .xlsx or .csv",
    )
