"""File → table of text, with the row number a spreadsheet shows.

The kind of a file is recognised by its bytes, not by its name.
"""

from __future__ import annotations

import sys
from itertools import pairwise
from typing import TYPE_CHECKING, BinaryIO

from importer.arrow import frame, text_column
from importer.collector import no_collecting
from importer.errors import UsageError
from importer.i18n import tr, tr_noop, trn
from importer.mapping.header_words import meaning
from importer.read.broken_rows import broken_rows
from importer.read.delimited_fast import read_plain
from importer.read.detect import grid_of
from importer.read.header import (
    HEADER_AGAIN,
    HEADING,
    LOOK_AT,
    OTHER_ORDER,
    TOTAL,
    find_header,
    is_blank,
    is_subtotal,
    not_a_customer,
    of_results,
)
from importer.read.limits import TooLarge, check_bytes, check_cells, refusal
from importer.read.own_results import own_results
from importer.read.report_rows import (
    BELOW,
    LAST_LINE,
    OTHER_TABLE,
    RULER,
    SECOND_HEADER,
    UNDER_HEADER,
    begins_another_table,
    belongs_to_header,
    headings,
    is_example,
    is_last_line,
    is_odd_word,
    is_ruler,
)
from importer.records import CellKind, ReadOptions, Sheet
from importer.text import tidy

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from importer.read.grid import Grid

_WHO = frozenset(["full", "first", "middle", "last", "phone", "email", "code", "cid"])

_ABOVE = 200  # rows above the last one that it is compared with
_NOTED = 3  # merged cells that are named
MERGED = tr_noop("a merged cell: its value is in the row where it begins")
SHIFTED = tr_noop("more cells than the header has: its values have moved")


def read(path: Path, options: ReadOptions, stdin: BinaryIO | None = None) -> Sheet:
    """Read a file, or standard input when `path` is "-".

    Raises UsageError, saying what to do, for everything that isn't a table of customers.
    """
    name, data = _bytes(path, stdin)
    if not data or data.isspace():
        raise UsageError(tr("{name} is empty", name=name), fix=tr("export the customers again"))

    def careful(data: bytes) -> Sheet:
        return _sheet(grid_of(data, name, options), name, options)

    try:
        with no_collecting():
            return read_plain(data, name, options, careful) or careful(data)
    except TooLarge as error:
        raise refusal(name, error) from error
    except MemoryError as error:
        raise refusal(name, TooLarge(tr("this machine's memory can't hold it"))) from error


def _bytes(path: Path, stdin: BinaryIO | None) -> tuple[str, bytes]:
    if str(path) == "-":
        return "-", (stdin or sys.stdin.buffer).read()
    try:
        return path.name, path.read_bytes()
    except FileNotFoundError as error:
        raise UsageError(
            tr("There is no file {path}", path=path), fix=tr("check the name and the folder")
        ) from error
    except IsADirectoryError as error:
        raise UsageError(
            tr("{path} is a folder", path=path), fix=tr("name the file in it")
        ) from error
    except OSError as error:
        raise UsageError(
            tr("{path} can't be read", path=path),
            why=error.strerror,
            fix=tr("change its permissions, or copy it to another place"),
        ) from error


def _sheet(grid: Grid, name: str, options: ReadOptions) -> Sheet:
    records = grid.records
    start = _header_index(records, grid, name, options)
    header = _with_merged(grid, start)
    headers = [tidy(cell) for cell in header]
    _fill_down(grid, headers, start)
    kept = [index for index in range(start + 1, len(records)) if not is_blank(records[index])]
    if not kept:
        raise UsageError(
            tr("{name} has a header and no rows", name=name),
            why=tr(
                "the header is in row {first_row}: {headers}",
                first_row=grid.first_row + start,
                headers=_listed(headers),
            ),
            fix=tr("export the customers again, or name the header's row with --header-row"),
        )
    width, nameless = _width(headers, [records[index] for index in kept], shifts=grid.shifts)
    check_cells(len(kept), width)
    headers = (headers + [""] * width)[:width]
    rows = [grid.first_row + index for index in kept]
    malformed = {
        grid.first_row + index: reason
        for index, reason in _no_customers(grid, header, kept, start, nameless).items()
    }
    body: list[list[str]] = []
    letters = 0
    for index in kept:
        record = records[index]
        fits = len(record) == width
        body.append(record if fits else record[:width] + [""] * (width - len(record)))
        letters += sum(map(len, record))
    check_bytes(letters)
    table = frame({n: text_column(cells) for n, cells in enumerate(zip(*body, strict=True))}, rows)
    above = sum(not is_blank(record) for record in records[:start])
    hidden_rows = tuple(row for row in rows if row - grid.first_row in grid.hidden_rows)
    hidden_columns = tuple(
        column for column in range(width) if column in grid.hidden_columns and headers[column]
    )
    notes = _notes(
        grid,
        above if options.header_row is None else 0,
        len(hidden_rows),
        [headers[column] for column in hidden_columns],
    )
    sheet = Sheet(
        name=name,
        kind=grid.kind,
        headers=tuple(headers),
        table=table,
        header_row=grid.first_row + start,
        encoding=grid.encoding,
        delimiter=grid.delimiter,
        worksheet=grid.worksheet,
        malformed=malformed,
        blank_rows=len(records) - start - 1 - len(kept),
        notes=tuple(notes),
        serial_dates=grid.serial_dates,
        kinds=_kinds(grid, width, set(rows)),
        hidden_rows=hidden_rows,
        hidden_columns=hidden_columns,
        others=tuple(grid.others),
    )
    return own_results(sheet) if of_results(headers) else sheet


def _no_customers(
    grid: Grid, header: list[str], kept: list[int], start: int, nameless: int
) -> dict[int, str]:
    """Return index → why a row's values can't be trusted, or why it is no customer."""
    records = grid.records
    found: dict[int, str] = {}
    if grid.shifts:
        width = len(records[start])
        found = broken_rows(records, kept, width, open_end=grid.open_end)
    for index in kept:
        record = records[index]
        if reason := grid.malformed.get(index):
            found[index] = reason
        elif len(record) > nameless and any(cell.strip() for cell in record[nameless:]):
            found[index] = SHIFTED
        elif index not in found and (reason := not_a_customer(record, header)):
            found[index] = reason
    if not of_results(header) and len(header) > 1:
        found = _report_rows(records, kept) | found
        rows = [(index, records[index]) for index in kept if index not in found]
        found |= dict.fromkeys(headings(rows), HEADING)
        if HEADING in found.values():
            found |= _subtotals(records, kept, found)
        found |= _other_tables(records, kept, header, found)
    return found


def _other_tables(
    records: list[list[str]], kept: list[int], header: list[str], found: dict[int, str]
) -> dict[int, str]:
    """Return the rows of tables below the list whose columns are others, or in another order."""
    below: dict[int, str] = {}
    for before, index in pairwise(kept):
        again = found.get(index) == HEADER_AGAIN
        starts = index > before + 1 and begins_another_table(records[index], header)
        if found.get(index) == OTHER_ORDER or (starts and not again):
            below[index] = found.get(index, OTHER_TABLE)
        elif before in below and not again:
            below[index] = found.get(index, BELOW)
    return below


def _report_rows(records: list[list[str]], kept: list[int]) -> dict[int, str]:
    """Return index → why, of the rows that a report puts around its customers."""
    found: dict[int, str] = {}
    for index in kept[:UNDER_HEADER]:
        if not (reason := belongs_to_header(records[index])):
            break
        found[index] = reason
    if len(kept) > 2 and not found and is_example(records[kept[0]], [records[n] for n in kept[1:]]):
        found[kept[0]] = SECOND_HEADER
    if len(kept) > 2 and is_example(records[kept[-1]], [records[n] for n in kept[:-1]]):
        found[kept[-1]] = LAST_LINE  # Prepared by: …
    trailing = True
    for index in reversed(kept):
        record = records[index]
        alone = sum(map(bool, record)) == 1
        if alone and (
            is_last_line(next(filter(None, record)), trailing=trailing)
            or (trailing and _is_odd(records, kept, index))
        ):
            found[index] = LAST_LINE
        elif not (record[0][:1].isalnum()) and is_ruler(record):
            found[index] = RULER
        elif not alone:
            trailing = False
    return found if len(found) < len(kept) else {}


def _subtotals(records: list[list[str]], kept: list[int], found: Collection[int]) -> dict[int, str]:
    """Return the sums of groups that stand right above a heading, a total or the end."""
    ends = [before for before, after in pairwise([*kept, -1]) if after in found or after < 0]
    return {n: TOTAL for n in ends if n not in found and is_subtotal(records[n])}


def _is_odd(records: list[list[str]], kept: list[int], index: int) -> bool:
    word = next(filter(None, records[index]))
    above = [records[n] for n in kept if n < index][-_ABOVE:]
    return is_odd_word(word, records[index].index(word), above)


def _kinds(grid: Grid, width: int, rows: set[int]) -> dict[int, dict[int, CellKind]]:
    """Return what cells were, by the columns and rows of the table."""
    found = {
        column: {
            grid.first_row + index: kind
            for index, kind in kinds.items()
            if grid.first_row + index in rows
        }
        for column, kinds in grid.kinds.items()
        if column < width
    }
    return {column: kinds for column, kinds in found.items() if kinds}


def _notes(grid: Grid, above: int, hidden_rows: int, hidden_columns: list[str]) -> list[str]:
    """Return what the person should know about how the file was read."""
    notes = list(grid.notes)
    if above:
        notes.append(
            trn(
                "above the header, not read: {n} row",
                "above the header, not read: {n} rows",
                above,
            )
        )
    if hidden_rows:
        notes.append(
            trn(
                "hidden in the spreadsheet, read all the same: {n} row",
                "hidden in the spreadsheet, read all the same: {n} rows",
                hidden_rows,
            )
        )
    if hidden_columns:
        notes.append(
            tr(
                "hidden in the spreadsheet, read all the same: the columns {headers}",
                headers=_listed(hidden_columns),
            )
        )
    return notes


def _with_merged(grid: Grid, start: int) -> list[str]:
    """Return the header with the names that stand above it, merged down into its row."""
    header = list(grid.records[start])
    for first, last, column in grid.merged:
        if first < start <= last and column < len(header) and not header[column]:
            header[column] = grid.records[first][column]
    return header


def _width(headers: list[str], body: list[list[str]], *, shifts: bool) -> tuple[int, int]:
    """Return how many columns the table has, and from which on a row's content has been moved.

    Columns without a header at the right end belong to the table where they are in use. In
    delimited text, a few rows that reach there have a cell too many; in a workbook every cell
    stands where it was put.
    """
    named = max((n for n, header in enumerate(headers, start=1) if header), default=0)
    if of_results(headers):
        named = len(headers)
    most = max(len(headers), *map(len, body)) if not shifts else len(headers)
    used = [0] * (most - named)
    for record in body:
        for place, cell in enumerate(record[named:most]):
            used[place] += bool(cell.strip())
    enough = 0.5 * len(body) if shifts else 1
    width = max((n for n, count in enumerate(used, start=1) if count >= enough), default=0)
    return named + width, named + width


def _fill_down(grid: Grid, headers: list[str], start: int) -> None:
    """Give every row the value of a cell that is merged down a column.

    Not in columns that identify the customer: a person must judge two rows of one name. Where a
    part of it is merged, a surname or a phone of two people, the rows below the first are held.
    """
    filled: list[str] = []
    for first, reach, column in grid.merged:
        word = meaning(headers[column]) if column < len(headers) else None
        last = min(reach, len(grid.records) - 1)
        if first <= start or (word and word.field in _WHO):
            if first > start and word and word.field != "full" and grid.records[first][column]:
                grid.malformed |= dict.fromkeys(range(first + 1, last + 1), MERGED)
            continue
        for record in grid.records[first + 1 : last + 1]:
            record.extend([""] * (column + 1 - len(record)))
            record[column] = grid.records[first][column]
        filled.append(
            tr(
                "merged cells: «{headers}» of row {first_row} stands for rows up to {last_row}",
                headers=headers[column] if column < len(headers) else "",
                first_row=grid.first_row + first,
                last_row=grid.first_row + last,
            )
        )
    if (more := len(filled) - _NOTED) > 0:
        filled[_NOTED:] = [trn("… and {n} more of that kind", "… and {n} more of that kind", more)]
    grid.notes += filled


def _listed(headers: list[str]) -> str:
    return ", ".join(header for header in headers if header)[:200]


def _header_index(records: list[list[str]], grid: Grid, name: str, options: ReadOptions) -> int:
    if options.header_row is None:
        merged = range(min(LOOK_AT, len(records))) if grid.merged else ()
        found = find_header([_with_merged(grid, at) for at in merged] or records)
        if found is None:
            raise UsageError(
                tr("{name} has no rows", name=name), fix=tr("export the customers again")
            )
        return found
    index = options.header_row - grid.first_row
    if not 0 <= index < len(records) or is_blank(records[index]):
        last = grid.first_row + len(records) - 1
        raise UsageError(
            tr(
                "Row {header_row} of {name} is not a header",
                header_row=options.header_row,
                name=name,
            ),
            why=tr("the file has rows {first_row} to {last}", first_row=grid.first_row, last=last)
            if index >= len(records)
            else tr("the row is empty"),
            fix=tr("give the number that the spreadsheet program shows beside the header"),
        )
    return index
