"""Large and regular delimited text → table, at the speed of Arrow's reader.

The careful reader is the reference: it reads the beginning, which shows delimiter and header, and
it reads everything as soon as anything is unusual. Tests compare the two.
"""

from __future__ import annotations

import csv
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv as arrow_csv

from importer.arrow import data_of, frame, offsets_of
from importer.errors import UsageError
from importer.read.encoding import decode
from importer.read.header import LIKE_A_HEADING, LIKE_A_TOTAL, is_blank, not_a_customer
from importer.read.report_rows import has_label, headings, is_last_line
from importer.text import tidy

if TYPE_CHECKING:
    from collections.abc import Callable

    from importer.records import ReadOptions, Sheet

_HEAD = 1_000_000  # bytes that are read carefully; for a shorter file the fast path isn't worth it
_PIECE = 1 << 24
_BESIDE = 200  # rows of customers that headings are held against
_MARK = b"\xef\xbb\xbf"
# What a total and a heading look like; such rows are looked at one by one. Apart, since together
# they cost ten times as much.
_SUSPICIOUS = (
    rf"^[^\pL]*(?:{LIKE_A_TOTAL})",
    r"(?:^.|:)[^\pL\pN]*$",
    LIKE_A_HEADING.replace(r"[^\W\d_]", r"\pL"),
)
# The first byte of a cell that surely holds something: letters up to Cyrillic, digits, +, (.
_HOLDS = np.isin(
    np.arange(256),
    [*b"0123456789+(ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", *range(0xC3, 0xD2)],
)


def read_plain(
    data: bytes, name: str, options: ReadOptions, careful: Callable[[bytes], Sheet]
) -> Sheet | None:
    """Read a file whose every line is a row of as many cells as the header has.

    `careful` is the reader that reads anything; it is given the beginning. None: it is to read all.
    """
    if len(data) <= _HEAD or b"\0" in data[:_HEAD]:
        return None
    try:
        head = careful(data[: data.rfind(b"\n", 0, _HEAD) + 1])
        if head.encoding not in {"utf-8", "utf-8-sig"}:
            text, encoding, damaged = decode(data, name, options.encoding)
            if damaged:
                return None
            head, data = replace(head, encoding=encoding), text.encode()
    except (UsageError, UnicodeEncodeError):
        return None
    return None if _is_strange(head) else _read_on(head, data)


def _is_strange(head: Sheet) -> bool:
    """Return whether the beginning has something unusual."""
    plain = head.kind == "csv" and head.delimiter and head.delimiter.isascii()
    return not plain or head.header_row != 1 or bool(head.malformed) or head.blank_rows > 0


def _read_on(head: Sheet, data: bytes) -> Sheet | None:
    """Return the sheet that begins with `head`; None when anything in it is unusual."""
    delimiter = head.delimiter or ","
    start = len(_MARK) if data.startswith(_MARK) else 0
    stop = len(data)
    while data[stop - 1] in b"\r\n":
        stop -= 1
    first = data[start : data.index(b"\n")].decode().rstrip("\r")
    header = next(csv.reader([first], delimiter=delimiter))
    if re.match('"?sep=', first, re.IGNORECASE) or not _is_regular(data, delimiter):
        return None
    columns = _columns(pa.py_buffer(data)[start:stop], delimiter, len(header))
    if columns is None:
        return None
    headers = len(head.headers)
    if headers != max(n for n, cell in enumerate(header, start=1) if tidy(cell)):
        return None  # results of an earlier run, or columns without a header
    if any(len(data_of(column)) for column in columns[headers:]) or _has_strange_rows(
        columns, header
    ):
        return None
    columns = columns[:headers]
    return replace(
        head,
        table=frame(dict(enumerate(columns)), pd.RangeIndex(2, len(columns[0]) + 2)),
        blank_rows=max(0, data.count(b"\n", stop) - 1),
    )


def _is_regular(data: bytes, delimiter: str) -> bool:
    """Return whether all quotes are regular and each line is a row."""
    breaks = data.count(b"\r")
    if b"\0" in data or (breaks and breaks != data.count(b"\r\n")):
        return False
    start = 0
    while start < len(data) and data.find(b'"', start) >= 0:
        end = data.rfind(b"\n", start, start + _PIECE) + 1
        if end <= start:
            end = len(data) if len(data) - start <= _PIECE else start
        if end == start or not _has_regular_quotes(data[start:end], delimiter):
            return False
        start = end
    return True


def _has_regular_quotes(lines: bytes, delimiter: str) -> bool:
    """Return whether each quote opens or closes a cell, or is one of two inside a quoted cell."""
    letters = np.frombuffer(b"\n" + lines + b"\n", np.uint8)
    quotes = np.flatnonzero(letters == ord('"'))
    if len(quotes) % 2:
        return False
    opening, closing = quotes[::2], quotes[1::2]
    between = np.isin(np.arange(256), [ord(delimiter), ord("\n"), ord("\r")])
    adjacent = opening[1:] == closing[:-1] + 1  # two quotes inside a cell: closed and opened again
    opens = between[letters[opening - 1]]
    opens[1:] |= adjacent
    closes = between[letters[closing + 1]]
    closes[:-1] |= adjacent
    breaks = np.flatnonzero(letters == ord("\n"))
    on_one_line = np.searchsorted(breaks, opening) == np.searchsorted(breaks, closing)
    return bool(opens.all() and closes.all() and on_one_line.all())


def _columns(lines: pa.Buffer, delimiter: str, width: int) -> list[pa.Array] | None:
    """Return the columns of all lines but the first; None when a line has another width."""
    names = [str(number) for number in range(width)]
    try:
        table = arrow_csv.read_csv(
            pa.BufferReader(lines),
            arrow_csv.ReadOptions(column_names=names, skip_rows=1),
            arrow_csv.ParseOptions(delimiter=delimiter, ignore_empty_lines=False),
            arrow_csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string())),
        )
    except pa.ArrowInvalid:
        return None
    columns: list[pa.Array] = []
    for name in names:  # one after the other, so that no more than one is there twice
        columns.append(table.column(name).combine_chunks())
        table = table.drop_columns([name])
    return columns


def _has_strange_rows(columns: list[pa.Array], header: list[str]) -> bool:
    """Return whether a row is blank, or no customer."""
    if has_label([column[-1].as_py() for column in columns]):
        return True
    titles = pa.array([cell for cell in header if cell])
    rows = pa.array(np.arange(len(columns[0])))  # whose cells so far are all empty
    if len(columns) > 1 and _has_lone_cells(columns):
        return True
    strange: list[int] = []
    for column in columns:
        cells = column if len(rows) == len(column) else column.take(rows)
        empty = np.asarray(pc.equal(pc.binary_length(cells), 0))
        holds = ~empty & _HOLDS[_first_bytes(cells)]
        suspicious = ~empty & (~holds | np.asarray(pc.is_in(cells, titles)))
        for pattern in _SUSPICIOUS:
            suspicious |= np.asarray(pc.match_substring_regex(cells, pattern))
        strange += rows.filter(pa.array(suspicious)).to_pylist()
        rows = rows.filter(pa.array(empty))
        if not len(rows):
            break
    if len(rows):
        return True
    cells = [column.take(pa.array(strange, pa.int64())).to_pylist() for column in columns]
    records = map(list, zip(*cells, strict=True))
    return any(is_blank(record) or not_a_customer(record, header) for record in records)


def _has_lone_cells(columns: list[pa.Array]) -> bool:
    """Return whether a report's line stands among the rows, or the last row has one cell only."""
    filled = np.zeros(len(columns[0]), np.int32)
    for column in columns:
        filled += np.asarray(pc.binary_length(column)) > 0
    lone = np.flatnonzero(filled == 1)
    if not len(lone):
        return False
    if lone[-1] == len(filled) - 1:
        return True
    cells = zip(*(column.take(pa.array(lone)).to_pylist() for column in columns), strict=True)
    if any(is_last_line("".join(record), trailing=False) for record in cells):
        return True
    if 2 * len(lone) > len(filled):
        return False
    some = np.sort(np.append(lone, np.flatnonzero(filled > 1)[: len(lone) + _BESIDE]))
    beside = zip(*(column.take(pa.array(some)).to_pylist() for column in columns), strict=True)
    return bool(headings(list(zip(some.tolist(), beside, strict=True))))


def _first_bytes(texts: pa.Array) -> Any:
    """Return the first byte of each text; of an empty one, any."""
    data, starts = data_of(texts), offsets_of(texts)
    if not len(data):
        return np.zeros(len(texts), np.uint8)
    return np.frombuffer(data, np.uint8)[np.minimum(starts[:-1] - starts[0], len(data) - 1)]
