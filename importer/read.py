"""File → table of text, with the row number a spreadsheet shows.

The kind of a file is what its bytes say, not what its name says.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, BinaryIO

from importer.columns import cells_of, frame, text_column
from importer.errors import UsageError
from importer.fields.text import tidy
from importer.reading.container import grid_of
from importer.reading.header import find_header, is_blank, is_total
from importer.records import RESULT_COLUMNS, ReadOptions, Sheet

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from importer.reading import Grid

SHIFTED = "more cells than the header has: its values have moved"


def read(path: Path, options: ReadOptions, stdin: BinaryIO | None = None) -> Sheet:
    """Read a file, or standard input when `path` is "-".

    Raises UsageError, saying what to do, for everything that isn't a table of customers.
    """
    name, data = _bytes(path, stdin)
    if not data.strip():
        raise UsageError(f"{name} is empty", todo="export the customers again")
    grid = grid_of(data, name, options)
    return _sheet(grid, name, options)


def _bytes(path: Path, stdin: BinaryIO | None) -> tuple[str, bytes]:
    if str(path) == "-":
        return "-", (stdin or sys.stdin.buffer).read()
    try:
        return path.name, path.read_bytes()
    except FileNotFoundError as error:
        raise UsageError(
            f"There is no file {path}", todo="check the name and the folder"
        ) from error
    except IsADirectoryError as error:
        raise UsageError(f"{path} is a folder", todo="name the file in it") from error
    except OSError as error:
        raise UsageError(
            f"{path} can't be read",
            why=error.strerror,
            todo="mend its permissions, or copy it to another place",
        ) from error


def _sheet(grid: Grid, name: str, options: ReadOptions) -> Sheet:
    records = grid.records
    start = _header_index(records, grid, name, options)
    headers = [tidy(cell) for cell in records[start]]
    while headers and not headers[-1]:
        headers.pop()
    width = len(headers)
    rows: list[int] = []
    body: list[list[str]] = []
    malformed: dict[int, str] = {}
    blank = 0
    for index in range(start + 1, len(records)):
        record = records[index]
        if is_blank(record):
            blank += 1
            continue
        row = grid.first_row + index
        if reason := grid.malformed.get(index):
            malformed[row] = reason
        elif any(cell.strip() for cell in record[width:]):
            malformed[row] = SHIFTED
        elif is_total(record):
            malformed[row] = "a total, not a customer"
        rows.append(row)
        body.append(record[:width] + [""] * (width - len(record)))
    if not body:
        raise UsageError(
            f"{name} has a header and no rows",
            why=f"the header is in row {grid.first_row + start}: {', '.join(headers[:6])}",
            todo="export the customers again, or name the header's row with --header-row",
        )
    table = frame({n: text_column(cells) for n, cells in enumerate(zip(*body, strict=True))}, rows)
    headers, table = _without_results(headers, table)
    notes = list(grid.notes)
    if start and options.header_row is None and not all(is_blank(r) for r in records[:start]):
        notes.append(f"above the header, not read: {start} rows")
    return Sheet(
        name=name,
        kind=grid.kind,
        headers=tuple(headers),
        table=table,
        header_row=grid.first_row + start,
        encoding=grid.encoding,
        delimiter=grid.delimiter,
        worksheet=grid.worksheet,
        malformed=malformed,
        blank_rows=blank,
        notes=tuple(notes),
        serial_dates=grid.serial_dates,
    )


def _header_index(records: list[list[str]], grid: Grid, name: str, options: ReadOptions) -> int:
    if options.header_row is None:
        found = find_header(records)
        if found is None:
            raise UsageError(f"{name} has no rows", todo="export the customers again")
        return found
    index = options.header_row - grid.first_row
    if not 0 <= index < len(records) or is_blank(records[index]):
        last = grid.first_row + len(records) - 1
        raise UsageError(
            f"Row {options.header_row} of {name} is no header",
            why=f"the file has rows {grid.first_row} to {last}"
            if index >= len(records)
            else "the row is empty",
            todo="give the number that the spreadsheet program shows beside the header",
        )
    return index


def _without_results(headers: list[str], table: pd.DataFrame) -> tuple[list[str], pd.DataFrame]:
    """Leave out the seven columns of a results file and give back what it made harmless."""
    if not set(RESULT_COLUMNS) <= set(headers):
        return headers, table
    kept = [number for number, header in enumerate(headers) if header not in RESULT_COLUMNS]
    columns = {
        new: text_column([_given_back(text) for text in cells_of(table[old])])
        for new, old in enumerate(kept)
    }
    return [headers[number] for number in kept], frame(columns, table.index)


def _given_back(text: str) -> str:
    """Take off the apostrophe that `results` put before what a spreadsheet would run."""
    return text[1:] if text.startswith("'") and text[1:2] in {*"=+-@'\t\r"} and text[1:] else text
