"""Outcomes → the user's own rows with the outcome in front.

One line for each row of the sheet, in its order, its columns as they were. The suffix of the path
decides about the format. Texts that a spreadsheet would run as a formula are made harmless, and
`read` gives them back as they were.
"""

from __future__ import annotations

import csv
import json
import re
from typing import TYPE_CHECKING, Any, TypeAlias

from importer.aside import can_be_written, written_aside
from importer.errors import ServiceError, UsageError
from importer.records import RESULT_COLUMNS, Outcome, Sheet

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping
    from pathlib import Path

_PHONE = re.compile(r"\+[0-9 ()-]+")
_SHEET_ROWS = 1_048_576  # of a worksheet

Lines: TypeAlias = "Callable[[], Iterator[list[str]]]"


def preflight(path: Path) -> None:
    """Find out before anything is sent that results can be written to `path`.

    Raises UsageError when they can't.
    """
    _writer(path)
    if path.suffix.lower() == ".parquet":
        _parquet()
    can_be_written(path)


def write_results(
    path: Path, sheet: Sheet, outcomes: Mapping[int, Outcome], secret: Collection[int] = ()
) -> Path:
    """Write the results and return where they are.

    `secret` columns are left out. When `path` can't be written any more (open in Excel, say), the
    results go beside it under another name: something may have been sent, nothing may be lost.

    Raises ServiceError when they can be written nowhere.
    """
    write = _writer(path)
    columns = [number for number in range(len(sheet.headers)) if number not in secret]
    header = [*RESULT_COLUMNS, *(sheet.headers[number] for number in columns)]
    for place in _places(path):
        try:
            with written_aside(place) as aside:
                write(aside, header, lambda: _rows(sheet, outcomes, columns), sheet)
        except ServiceError as error:
            failed = error
        else:
            return place
    raise failed


def _places(path: Path) -> list[Path]:
    return [path, *(path.with_name(f"{path.stem}.{n}{path.suffix}") for n in (2, 3))]


def _rows(sheet: Sheet, outcomes: Mapping[int, Outcome], columns: list[int]) -> Iterator[list[str]]:
    """Yield the lines: seven cells of the outcome, then the sheet's own."""
    own = [sheet.table[number].tolist() for number in columns]
    for row, *cells in zip(sheet.table.index.tolist(), *own, strict=True):
        outcome = outcomes[row]
        of = "" if outcome.duplicate_of is None else str(outcome.duplicate_of)
        yield [
            str(row),
            str(outcome.status),
            outcome.clopos_id or "",
            outcome.field or "",
            outcome.existing_id or "",
            of,
            outcome.message,
            *cells,
        ]


def _writer(path: Path) -> Callable[[Path, list[str], Lines, Sheet], None]:
    writers = {
        ".csv": _write_csv,
        ".xlsx": _write_xlsx,
        ".jsonl": _write_jsonl,
        ".parquet": _write_parquet,
    }
    try:
        return writers[path.suffix.lower()]
    except KeyError:
        raise UsageError(
            f"Results can't be written as {path.suffix or path.name}",
            todo=f"let the path end in one of {', '.join(writers)}",
        ) from None


def harmless(text: str) -> str:
    """Return text that no spreadsheet runs: an apostrophe in front where it would be a formula.

    Phones such as `+994…` stay as they are. An apostrophe that would be taken for ours gets one
    more, so that reading back is exact.
    """
    first = text[:1]
    if first in {"=", "-", "@", "\t", "\r"} and text:
        return "'" + text
    if first == "+" and not _PHONE.fullmatch(text):
        return "'" + text
    if first == "'" and text[1:2] in {*"=+-@'\t\r"}:
        return "'" + text
    return text


def _write_csv(path: Path, header: list[str], lines: Lines, sheet: Sheet) -> None:
    # Excel opens it with a double click: it needs the mark, and the delimiter its owner uses.
    delimiter = sheet.delimiter if sheet.delimiter in {",", ";", "\t"} else ","
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file, delimiter=delimiter)
        writer.writerow([harmless(cell) for cell in header])
        writer.writerows([harmless(cell) if cell else cell for cell in line] for line in lines())


def _write_jsonl(path: Path, header: list[str], lines: Lines, sheet: Sheet) -> None:  # noqa: ARG001
    names = _distinct(header)
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for line in lines():
            file.write(json.dumps(dict(zip(names, line, strict=True)), ensure_ascii=False) + "\n")


def _write_parquet(path: Path, header: list[str], lines: Lines, sheet: Sheet) -> None:  # noqa: ARG001
    pa, pq = _parquet()
    columns = list(zip(*lines(), strict=True)) or [()] * len(header)
    pq.write_table(
        pa.table([pa.array(column, pa.string()) for column in columns], names=_distinct(header)),
        path,
    )


def _parquet() -> tuple[Any, Any]:
    try:
        import pyarrow as pa  # noqa: PLC0415 - an extra
        import pyarrow.parquet as pq  # noqa: PLC0415
    except ImportError as error:
        raise UsageError(
            "Parquet files need a library that isn't there",
            todo='install it: pip install "clopos-import[parquet]", or take .csv',
        ) from error
    return pa, pq


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


def _write_xlsx(path: Path, header: list[str], lines: Lines, sheet: Sheet) -> None:
    from importer.results_workbook import write_workbook  # noqa: PLC0415 - most want CSV

    if len(sheet.table) >= _SHEET_ROWS:
        raise UsageError(
            f"{len(sheet.table)} rows don't fit into a worksheet", todo="write them as .csv"
        )
    write_workbook(path, header, lines())
