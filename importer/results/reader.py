"""A results file, in any of its formats, back into columns of text. Shares nothing with writing."""

from __future__ import annotations

import itertools
import json
import zipfile
import zlib
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq

from importer.errors import UsageError
from importer.i18n import tr
from importer.read.limits import TooLarge
from importer.records import RESULT_COLUMNS
from importer.results.workbook_reader import workbook_rows

if TYPE_CHECKING:
    from pathlib import Path

_BLOCK = 10_000  # rows of a workbook at a time
_UNREADABLE = (
    OSError,
    ValueError,
    LookupError,
    TypeError,  # pyarrow's, for a number in place of text
    pa.ArrowException,
    EOFError,
    RuntimeError,  # an archive with a password, or packed in an unknown way
    TooLarge,
    zipfile.BadZipFile,
    zlib.error,
)


def read_results(path: Path, first: int | None = None) -> tuple[list[str], list[pa.Array]]:
    """Return the header and the columns below it, as they are in the file.

    `first`: only so many columns, None for all.

    Raises UsageError when it can't be read, or isn't a results file.
    """
    if not path.exists():
        raise UsageError(
            tr("There is no results file {path}", path=path), fix=tr("name it with --results")
        )
    try:
        match path.suffix.lower():
            case ".xlsx":
                header, columns = _from_workbook(path, first)
            case ".jsonl":
                header, columns = _from_jsonl(path)
            case ".parquet":
                table = pq.read_table(path)
                header, columns = table.column_names, table.columns
            case _:
                header, columns = _from_csv(path, first)
        expected = [*RESULT_COLUMNS[:first]]
        if header[: len(expected)] != expected:
            raise UsageError(
                tr("{path} is not a results file", path=path),
                why=tr("it doesn't begin with {result_columns}", result_columns=RESULT_COLUMNS[0]),
                fix=tr("name the file that `run` wrote"),
            )
        texts = [_text(column) for column in columns[:first]]
    except _UNREADABLE as error:
        raise UsageError(
            tr("{path} can't be read", path=path),
            why=str(error),
            fix=tr("run it again"),
        ) from error
    return header[:first], texts


def _text(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    whole = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    return whole.cast(pa.string()).fill_null("")


def _from_csv(path: Path, first: int | None) -> tuple[list[str], list[pa.Array]]:
    with path.open("rb") as file:
        begin = file.read(64).removeprefix(b"\xef\xbb\xbf")
    # What follows the first column's name is the separator.
    separator = begin.removeprefix(b'"').removeprefix(RESULT_COLUMNS[0].encode()).lstrip(b'"')[:1]
    if separator not in {b",", b";", b"\t"}:
        return [], []
    parsing = pc.ParseOptions(delimiter=separator.decode(), newlines_in_values=True)
    reading = pc.ReadOptions(autogenerate_column_names=True, block_size=16 << 20)
    width = first or _width(path, parsing, reading)
    names = [f"f{number}" for number in range(width)]
    table = pc.read_csv(
        path,
        read_options=reading,
        parse_options=parsing,
        convert_options=pc.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()), include_columns=names
        ),
    )
    header = [column[0].as_py() for column in table.columns]
    return header, [column.slice(1) for column in table.columns]


def _width(path: Path, parsing: pc.ParseOptions, reading: pc.ReadOptions) -> int:
    with pc.open_csv(path, read_options=reading, parse_options=parsing) as reader:
        return len(reader.schema)


def _from_jsonl(path: Path) -> tuple[list[str], list[pa.Array]]:
    with path.open(encoding="utf-8") as file:
        lines = [json.loads(line) for line in file]
    if not all(isinstance(line, dict) for line in lines):
        return [], []
    header = list(lines[0]) if lines else []
    return header, [pa.array([line[name] for line in lines], pa.string()) for name in header]


def _from_workbook(path: Path, first: int | None) -> tuple[list[str], list[pa.ChunkedArray]]:
    lines = (line[:first] for line in workbook_rows(path))
    header, rows = next(lines, []), 0
    columns: list[list[pa.Array]] = [[] for _ in header]
    while block := list(itertools.islice(lines, _BLOCK)):
        found = list(itertools.zip_longest(*block, fillvalue=""))
        columns += ([pa.repeat("", rows)] for _ in found[len(columns) :])
        for number, column in enumerate(columns):
            inside = number < len(found)
            column.append(
                pa.array(found[number], pa.string()) if inside else pa.repeat("", len(block))
            )
        rows += len(block)
    header += [""] * (len(columns) - len(header))
    return header, [pa.chunked_array(column, pa.string()) for column in columns]
