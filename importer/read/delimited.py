"""Delimited text → records (RFC 4180, and what the old systems make of it)."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from typing import TYPE_CHECKING

from importer.errors import UsageError
from importer.i18n import later, tr

if TYPE_CHECKING:
    from collections.abc import Iterator

DELIMITERS = (",", ";", "\t", "|")
_LOOK_AT = 50  # records that decide about the delimiter
_MOST_LINES = 500  # of one record
_SEP_LINE = re.compile(r'"?sep=([^"\r\n])"?(?:\r\n|\r|\n)', re.IGNORECASE)

UNCLOSED = later("a quote is opened and not closed")


def parse(text: str, delimiter: str | None) -> tuple[list[list[str]], str, dict[int, str]]:
    """Split text into records; the delimiter is found when none is given.

    Return the records, the delimiter, and index → what is wrong with a record. A cell may hold
    line breaks; a quote that is opened and never closed costs its own row only.
    """
    # The module refuses cells above 128 KiB otherwise.
    csv.field_size_limit(2**31 - 1)
    text = text.replace("\0", "").removeprefix("\ufeff")
    if said := _SEP_LINE.match(text):
        delimiter = delimiter or said[1]
        text = text[said.end() :]
    if delimiter is None:
        delimiter = find_delimiter(text)
    elif len(delimiter) != 1 or delimiter in '"\r\n':
        raise UsageError(
            tr("--delimiter {delimiter!r} can't separate cells", delimiter=delimiter),
            todo=tr("give one character, such as , ; | or tab"),
        )
    lines = list(io.StringIO(text, newline=""))
    if regular := _regular(lines, delimiter):
        return regular, delimiter, {}
    records: list[list[str]] = []
    malformed: dict[int, str] = {}
    start = 0
    while start < len(lines):
        start = _parse_from(lines, start, delimiter, records, malformed)
    return records, delimiter, malformed


def _regular(lines: list[str], delimiter: str) -> list[list[str]] | None:
    """Return the records of text by the book: no quote astray, each record as wide as the first."""
    records: list[list[str]] = []
    try:
        for record in csv.reader(lines, delimiter=delimiter, strict=True):
            if record and records and len(record) != len(records[0]):
                return None
            records.append(record)
    except csv.Error:
        return None
    return records if records and len(records[0]) > 1 else None


def _parse_from(
    lines: list[str],
    start: int,
    delimiter: str,
    records: list[list[str]],
    malformed: dict[int, str],
) -> int:
    """Append records from line `start` on. Return the line to go on with.

    Stops at a record that swallows its followers: that line is taken by itself.
    """
    first = start  # line of the record that is under way

    def feed() -> Iterator[str]:
        for at in range(start, len(lines)):
            if at - first >= _MOST_LINES:  # nobody's cell: no need to read to the file's end
                return
            yield lines[at]

    reader = csv.reader(feed(), delimiter=delimiter)
    for record in reader:
        next_first = start + reader.line_num
        several = next_first - first > 1 or next_first == len(lines)
        if several and _swallows(lines[first:next_first], record, delimiter):
            malformed[len(records)] = UNCLOSED
            alone = csv.reader([lines[first]], delimiter=delimiter, quoting=csv.QUOTE_NONE)
            records.append(next(alone))
            return first + 1
        records.append(record)
        first = next_first
    return len(lines)


def _swallows(lines: list[str], record: list[str], delimiter: str) -> bool:
    """Tell whether a record of several lines is rows swallowed by a quote that wasn't meant.

    So it is when its quotes are not even, when one closes in the middle of a cell, or when a line
    inside it has as many cells as a row.
    """
    try:
        list(csv.reader(lines, delimiter=delimiter, strict=True))
    except csv.Error as error:
        return len(lines) > 1 or "unexpected end" in str(error)
    if len(lines) >= _MOST_LINES or sum(line.count('"') for line in lines) % 2:
        return len(lines) > 1
    inside = lines[1:-1]
    width = max(len(record), lines[0].count(delimiter) + 1)
    if width == 2 and len(inside) > 1:
        return all(line.count(delimiter) == 1 for line in inside)
    return width > 2 and any(line.count(delimiter) + 1 >= width for line in inside)


def find_delimiter(text: str) -> str:
    """Return the delimiter by which most records have the same number of cells; a comma if none.

    Where several split evenly, one that splits the header too is right (`Ad;Amount` above
    `Anar;1,5`), and then the one that splits into more cells.
    """
    best, best_score = ",", (0.0, 0, 0)
    for delimiter in DELIMITERS:
        widths = [len(record) for record in _first_records(text, delimiter)]
        counts = Counter(width for width in widths if width > 1)
        if not counts:
            continue
        width, count = max(counts.items(), key=lambda item: (item[1], item[0]))
        score = (round(count / len(widths), 1), -widths.index(width), width)
        if score > best_score:
            best, best_score = delimiter, score
    return best


def _first_records(text: str, delimiter: str) -> Iterator[list[str]]:
    head = text[:200_000]
    reader = csv.reader(io.StringIO(head, newline=""), delimiter=delimiter)
    found = 0
    for record in reader:
        if any(cell.strip() for cell in record):
            yield record
            found += 1
        if found >= _LOOK_AT:
            return
