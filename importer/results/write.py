"""Outcomes → the user's own rows with the outcome in front.

One line for each row of the sheet, in its order, its columns as they were. The suffix of the path
decides about the format. In CSV, texts that a spreadsheet would run as a formula are made
harmless, and `read` gives them back as they were; the other formats know text as text.
"""

from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from importer.arrow import arrow, frame
from importer.errors import ServiceError, UsageError
from importer.files import atomic_write, check_writable
from importer.i18n import tr
from importer.records import DECISION_COLUMN, RESULT_COLUMNS, Sheet, Status
from importer.results.csv_writer import write_csv
from importer.results.xlsx_writer import notes_of, write_workbook

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
    from pathlib import Path

    import pandas as pd

    from importer.records import Customer, Problem
    from importer.results.outcomes import Outcomes

SUFFIXES = (".csv", ".xlsx", ".jsonl", ".parquet")
WORKSHEET = (1_048_576, 16_384)  # rows, the header included, and columns that Excel can hold
_SUBSTITUTES = 20  # names tried beside a path that can't be written any more


def preflight(path: Path) -> None:
    """Find out before anything is sent that results can be written to `path`.

    The folder is made if need be.

    Raises UsageError when they can't: an unknown suffix, a folder that can't be written to, or
    a file that another program holds open.
    """
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise UsageError(
            tr("Results can't be written as {name}", name=path.suffix or path.name),
            why=tr("supported: {suffixes}", suffixes=", ".join(SUFFIXES)),
            fix=tr("use one of these file extensions"),
        )
    check_writable(path)


def write_results(
    path: Path,
    sheet: Sheet,
    outcomes: Outcomes,
    secret: Collection[int] = (),
    *,
    problems: Iterable[Problem] = (),
    columns: Mapping[str, tuple[int, ...]] | None = None,
    sent: Callable[[], Iterable[Customer]] | None = None,
    mode: int | None = None,
    make_room: Callable[[Path], None] | None = None,
) -> Path:
    """Write the results and return where they are.

    `outcomes` has every row of the sheet. `secret` columns are left out. `problems` and `columns`
    (field → positions) say which cells a workbook marks; `sent` returns the customers of
    its second worksheet. `mode` is as in `atomic_write`. `make_room` is called with the path just
    before results are put there; where it raises OSError or ServiceError, they go elsewhere.

    When `path` can't be written any more (open in Excel, say) the results go beside it under a
    name that is free: something may have been sent, nothing may be lost. What is too large for a
    worksheet goes beside it as CSV.

    Raises ServiceError when they can be written nowhere.
    """
    own = [number for number in range(len(sheet.headers)) if number not in secret]
    header = [*RESULT_COLUMNS, *(sheet.headers[number] for number in own)]
    if sheet.decisions:
        header.append(DECISION_COLUMN)
    failed: ServiceError | None = None
    for place in _places(path, len(sheet.table), len(header)):
        blocks = _blocks(sheet, outcomes, own)
        try:
            with atomic_write(place, mode) as part:
                match place.suffix.lower():
                    case ".csv":
                        write_csv(part, header, blocks, sheet.delimiter)
                    case ".xlsx":
                        notes = notes_of(sheet, own, outcomes, problems, columns or {})
                        customers = _sent(sent(), outcomes) if sent else None
                        write_workbook(part, header, _lines(blocks), notes, customers)
                    case ".jsonl":
                        _write_jsonl(part, header, _lines(blocks))
                    case _:
                        _write_parquet(part, header, blocks)
                if make_room:
                    make_room(place)
        except ServiceError as error:
            failed = failed or error
        else:
            return place
    raise failed or AssertionError("no place was tried")


def _sent(customers: Iterable[Customer], outcomes: Outcomes) -> Iterator[Customer]:
    """Yield the customers except those that need not be sent."""
    return (each for each in customers if outcomes[each.row].status is not Status.EXISTS)


def results_frame(sheet: Sheet, outcomes: Outcomes, secret: Collection[int] = ()) -> pd.DataFrame:
    """Return what a results file has as a frame of text; its index is the row number.

    A header that stands twice is numbered the second time.
    """
    own = [number for number in range(len(sheet.headers)) if number not in secret]
    names = _distinct([*RESULT_COLUMNS, *(sheet.headers[number] for number in own)])
    columns = outcomes.columns(0, len(sheet.table))
    columns += [arrow(sheet.table[number]) for number in own]
    return frame(dict(zip(names, columns, strict=True)), sheet.table.index)


def _places(path: Path, rows: int, columns: int) -> Iterator[Path]:
    """Yield where to try: the path itself, then two beside it at which nothing is yet."""
    fits = rows < WORKSHEET[0] and columns <= WORKSHEET[1]
    if path.suffix.lower() == ".xlsx" and not fits:
        path = path.with_suffix(".csv")
    yield path
    beside = (path.with_name(f"{path.stem}.{n}{path.suffix}") for n in range(2, 2 + _SUBSTITUTES))
    yield from itertools.islice((place for place in beside if not place.exists()), 2)


def _blocks(sheet: Sheet, outcomes: Outcomes, own: list[int]) -> Iterator[list[pa.Array]]:
    """Yield the columns, some rows at a time: seven of the outcome, then the sheet's own.

    The decisions that a person wrote into earlier results are the last.
    """
    columns = [arrow(sheet.table[number]) for number in own]
    if sheet.decisions:
        decisions = (sheet.decisions.get(row) for row in sheet.table.index)
        columns.append(pa.array([each[0] if each else "" for each in decisions], pa.string()))
    for start, block in outcomes.blocks():
        yield [*block, *(column.slice(start, len(block[0])) for column in columns)]


def _lines(blocks: Iterable[list[pa.Array]]) -> Iterator[tuple[str, ...]]:
    for columns in blocks:
        yield from zip(*(column.to_pylist() for column in columns), strict=True)


def _write_jsonl(path: Path, header: list[str], lines: Iterable[tuple[str, ...]]) -> None:
    names = _distinct(header)
    encode = json.JSONEncoder(ensure_ascii=False).encode
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(encode(dict(zip(names, line, strict=True))) + "\n" for line in lines)


def _write_parquet(path: Path, header: list[str], blocks: Iterable[list[pa.Array]]) -> None:

    schema = pa.schema([(name, pa.string()) for name in _distinct(header)])
    with pq.ParquetWriter(path, schema) as writer:
        for columns in blocks:
            writer.write_table(pa.Table.from_arrays(columns, schema=schema))


def _distinct(header: list[str]) -> list[str]:
    """Return names for formats in which a name stands once only: repeats are numbered."""
    names: list[str] = []
    for name in header:
        number, tried = 1, name
        while tried in names:
            number += 1
            tried = f"{name} {number}".strip()
        names.append(tried)
    return names
