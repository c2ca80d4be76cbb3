"""File → table of text, with the row number a spreadsheet shows.

The kind of a file is what its bytes say, not what its name says.
"""

from __future__ import annotations

import contextlib
import gc
import re
import sys
from typing import TYPE_CHECKING, BinaryIO

import pyarrow as pa
import pyarrow.compute as pc

from importer.arrow import arrow, cells_of, frame, text_column
from importer.errors import UsageError
from importer.i18n import everywhere, later, tr, trn
from importer.mapping.header_words import meaning
from importer.problems import CATALOGUE
from importer.read.delimited_fast import read_plain
from importer.read.detect import grid_of
from importer.read.header import LOOK_AT, RESULTS, find_header, is_blank, not_a_customer
from importer.records import RESULT_COLUMNS, RESULTS_WORKSHEET, ReadOptions, Sheet
from importer.text import tidy

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pandas as pd

    from importer.read.grid import Grid

_WHO = frozenset(["full", "first", "middle", "last", "phone", "email", "code", "cid"])

_NOTED = 3  # merged cells that are named
SHIFTED = later("more cells than the header has: its values have moved")


def read(path: Path, options: ReadOptions, stdin: BinaryIO | None = None) -> Sheet:
    """Read a file, or standard input when `path` is "-".

    Raises UsageError, saying what to do, for everything that isn't a table of customers.
    """
    name, data = _bytes(path, stdin)
    if not data or data.isspace():
        raise UsageError(tr("{name} is empty", name=name), todo=tr("export the customers again"))

    def careful(data: bytes) -> Sheet:
        return _sheet(grid_of(data, name, options), name, options)

    with _no_collecting():
        return read_plain(data, name, options, careful) or careful(data)


@contextlib.contextmanager
def _no_collecting() -> Iterator[None]:
    """Keep the garbage collector away: of many lists that all stay it finds nothing, slowly."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


def _bytes(path: Path, stdin: BinaryIO | None) -> tuple[str, bytes]:
    if str(path) == "-":
        return "-", (stdin or sys.stdin.buffer).read()
    try:
        return path.name, path.read_bytes()
    except FileNotFoundError as error:
        raise UsageError(
            tr("There is no file {path}", path=path), todo=tr("check the name and the folder")
        ) from error
    except IsADirectoryError as error:
        raise UsageError(
            tr("{path} is a folder", path=path), todo=tr("name the file in it")
        ) from error
    except OSError as error:
        raise UsageError(
            tr("{path} can't be read", path=path),
            why=error.strerror,
            todo=tr("mend its permissions, or copy it to another place"),
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
            todo=tr("export the customers again, or name the header's row with --header-row"),
        )
    width, nameless = _width(headers, [records[index] for index in kept], shifts=grid.shifts)
    headers = (headers + [""] * width)[:width]
    rows: list[int] = []
    body: list[list[str]] = []
    malformed: dict[int, str] = {}
    for index in kept:
        record = records[index]
        row = grid.first_row + index
        if reason := grid.malformed.get(index):
            malformed[row] = reason
        elif len(record) > nameless and any(cell.strip() for cell in record[nameless:]):
            malformed[row] = SHIFTED
        elif reason := not_a_customer(record, header):
            malformed[row] = reason
        rows.append(row)
        fits = len(record) == width
        body.append(record if fits else record[:width] + [""] * (width - len(record)))
    table = frame({n: text_column(cells) for n, cells in enumerate(zip(*body, strict=True))}, rows)
    own = RESULTS.issubset(headers)
    if own:
        malformed = _held_earlier(headers, table) | malformed
        headers, table = _without_results(headers, table, grid)
    notes = list(grid.notes)
    above = sum(not is_blank(record) for record in records[:start])
    if above and options.header_row is None:
        notes.append(
            trn(
                "above the header, not read: {n} row",
                "above the header, not read: {n} rows",
                above,
            )
        )
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
        blank_rows=len(records) - start - 1 - len(kept),
        notes=tuple(notes),
        # A workbook's days without a format are numbers in its results, whatever their kind.
        serial_dates=grid.serial_dates or (1900 if own else None),
    )


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
    if RESULTS.issubset(headers):
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

    Not where the column is who the customer is: two rows of one name are a person's to judge.
    """
    filled: list[str] = []
    for first, reach, column in grid.merged:
        word = meaning(headers[column]) if column < len(headers) else None
        if first <= start or (word and word.field in _WHO):
            continue
        last = min(reach, len(grid.records) - 1)
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
                tr("{name} has no rows", name=name), todo=tr("export the customers again")
            )
        return found
    index = options.header_row - grid.first_row
    if not 0 <= index < len(records) or is_blank(records[index]):
        last = grid.first_row + len(records) - 1
        raise UsageError(
            tr("Row {header_row} of {name} is no header", header_row=options.header_row, name=name),
            why=tr("the file has rows {first_row} to {last}", first_row=grid.first_row, last=last)
            if index >= len(records)
            else tr("the row is empty"),
            todo=tr("give the number that the spreadsheet program shows beside the header"),
        )
    return index


def _held_earlier(headers: list[str], table: pd.DataFrame) -> dict[int, str]:
    """Return row → why it was held back as a whole by the run that wrote these results.

    What was wrong with it may be gone from its cells: values that moved stand under some header
    now. Only a person can tell that it was mended, by taking the message away.
    """
    if "import_message" not in headers:
        return {}
    said = arrow(table[headers.index("import_message")])
    hints = everywhere(CATALOGUE["malformed_row"].hint)
    after = "|".join(sorted(re.escape(f": {hint}") for hint in hints))
    places = pc.indices_nonzero(pc.match_substring_regex(said, after)).to_numpy()
    texts = said.take(pa.array(places)).to_pylist()
    return {
        int(row): re.split(after, text, maxsplit=1)[0]
        for row, text in zip(table.index[places], texts, strict=True)
    }


def _without_results(
    headers: list[str], table: pd.DataFrame, grid: Grid
) -> tuple[list[str], pd.DataFrame]:
    """Leave out the columns of a results file and give back what it made harmless.

    Only CSV is made harmless; a workbook may be such a CSV file, saved as one.
    """
    kept = [number for number, header in enumerate(headers) if header not in RESULT_COLUMNS]
    own_workbook = grid.worksheet == RESULTS_WORKSHEET
    back = given_back if grid.kind not in {"jsonl", "parquet"} and not own_workbook else str
    columns = {
        new: text_column([back(text) for text in cells_of(table[old])])
        for new, old in enumerate(kept)
    }
    return [back(headers[number]) for number in kept], frame(columns, table.index)


def given_back(text: str) -> str:
    """Take off the apostrophe that `results` puts before what a spreadsheet would run."""
    return text[1:] if text.startswith("'") and text[1:2] in {*"=+-@'\t\r"} and text[1:] else text
