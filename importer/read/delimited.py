"""Delimited text → records (RFC 4180, and what the old systems make of it)."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from typing import TYPE_CHECKING

from importer.errors import UsageError
from importer.i18n import tr, tr_noop
from importer.read.limits import check_cells

if TYPE_CHECKING:
    from collections.abc import Iterator

DELIMITERS = (",", ";", "\t", "|")
_SELDOM = "~^¦§¬#" + "".join(map(chr, [*range(1, 9), *range(0x1C, 0x20)]))
_ENOUGH = 0.6  # share of the records with the same number of cells that makes a delimiter likely
_LOOK_AT = 50  # records that decide about the delimiter
_MOST_LINES = 500  # of one record
_SEP_LINE = re.compile(r'"?sep=([^"\r\n])"?(?:\r\n|\r|\n)', re.IGNORECASE)

_TYPOGRAPHIC = re.compile("[“”„«»]")
_SINGLE = re.compile(r"(?m)^'|'(?=\r?$)|(?<=[,;\t|])'|'(?=[,;\t|])")
_IN_SINGLE = re.compile(r"(?m)^'.*'[,;\t|]'.*'\r?$")
_IN_DOUBLED = re.compile(r'(?m)^""[^"\s].*""[,;\t|]"".*""\r?$')
_DATA = re.compile(r"[^@\s]{1,100}@[^@\s]{1,100}|\s*\+?[\d\s().-]{7,30}")
_HEAD = 20_000  # letters that show how a text is quoted

UNCLOSED = tr_noop("a quote is opened and not closed")


def parse(text: str, delimiter: str | None) -> tuple[list[list[str]], str, dict[int, str]]:
    """Split text into records; the delimiter is found when none is given.

    Return the records, the delimiter, and index → what is wrong with a record. A cell may hold
    line breaks; a quote that is never closed spoils only its own row.
    """
    # The module refuses cells above 128 KiB otherwise.
    csv.field_size_limit(2**31 - 1)
    text = text.replace("\0", "").removeprefix("\ufeff")
    text = _with_straight_quotes(text)
    if said := _SEP_LINE.match(text):
        delimiter = delimiter or said[1]
        text = text[said.end() :]
    if delimiter is None:
        delimiter = find_delimiter(text)
    elif len(delimiter) != 1 or delimiter in '"\r\n':
        raise UsageError(
            tr("--delimiter {delimiter!r} can't separate cells", delimiter=delimiter),
            fix=tr("give one character, e.g. , ; | or tab"),
        )
    lines = list(io.StringIO(text, newline=""))
    if regular := _regular(lines, delimiter):
        return regular, delimiter, {}
    if escaped := _with_backslashes(text, delimiter):
        return escaped, delimiter, {}
    records: list[list[str]] = []
    malformed: dict[int, str] = {}
    start = 0
    while start < len(lines):
        start = _parse_from(lines, start, delimiter, records, malformed)
    if wrapped := _all_unwrapped(records):
        return *wrapped, malformed
    _unwrap(records, delimiter)
    return records, delimiter, malformed


def _with_straight_quotes(text: str) -> str:
    """Return text whose cells stand in typographic, single or doubled quotes, with plain ones."""
    lines = [line for line in text[:_HEAD].splitlines() if line.strip()]
    if '"' in text:
        doubled = 2 * len(_IN_DOUBLED.findall(text[:_HEAD])) > len(lines)
        return text.replace('""', '"') if doubled else text
    if 2 * len(_IN_SINGLE.findall(text[:_HEAD])) > len(lines):
        return _SINGLE.sub('"', text)
    if not _TYPOGRAPHIC.search(text[:_HEAD]):
        return text
    quoted = sum(line.strip()[:1] in "“”„«" and line.strip()[-1:] in "“”»" for line in lines)
    return _TYPOGRAPHIC.sub('"', text) if 2 * quoted > len(lines) else text


def _with_backslashes(text: str, delimiter: str) -> list[list[str]] | None:
    """Return the records of text in which a database put backslashes before quotes, delimiters.

    None where that doesn't make a regular table of it.
    """
    pairs = (("\\" + delimiter, "\ue000", delimiter), ('\\"', "\ue001", '"'))
    if not any(written in text for written, _, _ in pairs) or "\ue000" in text:
        return None
    for written, aside, _ in pairs:
        text = text.replace(written, aside)
    records = _regular(list(io.StringIO(text, newline="")), delimiter)
    if records is None:
        return None
    meant = str.maketrans({aside: meant for _, aside, meant in pairs})
    return [[cell.translate(meant) for cell in record] for record in records]


def _all_unwrapped(records: list[list[str]]) -> tuple[list[list[str]], str] | None:
    """Return the records of a text whose every line is in quotes, and their delimiter; or None."""
    cells = [record[0] if record else "" for record in records]
    header = next(filter(None, cells), "")
    if any(len(record) > 1 for record in records) or any("\n" in cell for cell in cells):
        return None
    text = "\n".join(cells)
    delimiter = find_delimiter(text)
    if delimiter not in header:
        return None
    inner = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    same = {len(record) for record in inner if record}
    return (inner, delimiter) if len(inner) == len(records) and len(same) == 1 else None


def _unwrap(records: list[list[str]], delimiter: str) -> None:
    """Split cells that hold a whole row: a spreadsheet put quotes round the line (R11).

    And a header whose delimiter is another than that of the rows; of the rows only those that hold
    a phone or an address then.
    """
    widths = Counter(len(record) for record in records if len(record) > 1)
    if not widths:
        return
    width = max(widths.items(), key=lambda item: item[1])[0]
    first = next(index for index, record in enumerate(records) if any(record))
    for index, record in enumerate(records):
        filled = [cell for cell in record if cell.strip()]
        if len(filled) != 1 or filled[0] != record[0]:
            continue
        for inner_delimiter in (delimiter, *DELIMITERS):
            if inner_delimiter not in record[0]:
                continue
            inner = list(csv.reader(io.StringIO(record[0], newline=""), delimiter=inner_delimiter))
            if len(inner) != 1 or len(inner[0]) != width:
                continue
            fits = inner_delimiter == delimiter or index == first
            if fits or any(map(_is_data, inner[0])) or _is_alike(inner[0], records[index - 1]):
                records[index] = inner[0]
                break


def _is_alike(cells: list[str], beside: list[str]) -> bool:
    """Return whether a cell behind the first has digits in the form of the row above: A11, A12."""
    return any(
        any(letter.isdigit() for letter in cell) and _form(cell) == _form(other)
        for cell, other in zip(cells[1:], beside[1:], strict=False)
    )


def _form(cell: str) -> str:
    return re.sub(r"[^\W\d_]+", "a", re.sub(r"\d+", "0", cell.strip()))


def _is_data(cell: str) -> bool:
    return _DATA.fullmatch(cell) is not None


def _regular(lines: list[str], delimiter: str) -> list[list[str]] | None:
    """Return the records of well-formed text: no stray quote, each record as wide as the first."""
    records: list[list[str]] = []
    try:
        for record in csv.reader(lines, delimiter=delimiter, strict=True):
            if record and records and len(record) != len(records[0]):
                return None
            if not records:
                check_cells(1, len(record))
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

    Stops at a record that swallows the following ones: that line becomes a record of its own.
    """
    first = start  # line of the record that is under way

    def feed() -> Iterator[str]:
        for at in range(start, len(lines)):
            if at - first >= _MOST_LINES:  # no cell is that long: don't read to the end of the file
                return
            yield lines[at]

    reader = csv.reader(feed(), delimiter=delimiter)
    for record in reader:
        check_cells(1, len(record))
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
    """Return whether a record of several lines is rows swallowed by a quote that wasn't meant.

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
    `Anar;1,5`), if only into fewer cells, and then the one that splits into more cells.
    """
    best, best_score = ",", (0.0, 0, 0, 0)
    for delimiter in DELIMITERS:
        widths = [len(record) for record in _first_records(text, delimiter)]
        counts = Counter(width for width in widths if width > 1)
        if not counts:
            continue
        width, count = max(counts.items(), key=lambda item: (item[1], item[0]))
        score = (
            round(count / len(widths), 1),
            -widths.index(width),
            min(widths[: widths.index(width)], default=width),
            width,
        )
        if score > best_score:
            best, best_score = delimiter, score
    return best if best_score[0] >= _ENOUGH else _seldom_delimiter(text) or best


def _seldom_delimiter(text: str) -> str | None:
    """Return the other delimiter that splits all records, none into more cells than the header.

    None if there is none. It is no sign that addresses, numbers, dates and names are made of.
    """
    for delimiter in sorted(set(_SELDOM).intersection(text.partition("\n")[0])):
        widths = [len(record) for record in _first_records(text, delimiter)]
        if len(widths) > 1 and min(widths) > 1 and max(widths) == widths[0]:
            return delimiter
    return None


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
