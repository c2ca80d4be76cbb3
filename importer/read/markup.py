"""HTML pages and Excel's XML of 2003, both found in files called .xls → records."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

from importer.errors import UsageError
from importer.i18n import tr

_CELLS = frozenset(["td", "th", "cell"])
_TABLES = frozenset(["table"])
_SKIPPED = frozenset(["script", "style", "comment", "title"])  # a note at a cell is no value
_SPACE = re.compile(r"\s+")
_COVERED = 100  # columns in which a cell may go over several rows; beyond is no table of people
_MOST_ROWS, _MOST_COLUMNS = 1_048_576, 16_384


Merged = list[tuple[int, int, int]]


def markup_records(
    text: str, name: str, worksheet: str | None, *, breaks: bool
) -> tuple[list[list[str]], Merged]:
    """Return the records of the largest table, or of the worksheet that is named.

    And (first, last, column) of cells over several rows, as a `Grid` has them. `breaks` tells
    whether line breaks of the text are meant, as they are in XML.

    Raises UsageError when there is no worksheet of that name, or no table.
    """
    page = _Page(breaks=breaks)
    try:
        page.feed(text)
        page.close()
    except AssertionError as error:  # how the parser says that a declaration is none
        raise UsageError(
            tr("{name} can't be read", name=name), why=str(error)[:200], todo=tr("export it as CSV")
        ) from error
    tables = [table for table in page.tables if table.records]
    if worksheet is not None:
        tables = [table for table in tables if table.name.lower() == worksheet.strip().lower()]
    if not tables:
        names = ", ".join(table.name for table in page.tables if table.name)
        raise UsageError(
            tr("{name} has no worksheet «{worksheet}»", name=name, worksheet=worksheet)
            if worksheet
            else tr("{name} holds no table", name=name),
            todo=tr("give one of these with --sheet: {names}", names=names)
            if names
            else tr("export it as CSV"),
        )
    largest = max(tables, key=lambda table: len(table.records))
    return largest.records, largest.merged


class _Table:
    def __init__(self, name: str) -> None:
        self.name = name
        self.records: list[list[str]] = []
        self.merged: Merged = []
        self.covered: dict[int, int] = {}  # column → the last record that a cell above reaches


class _Page(HTMLParser):
    """Collects the cells of `tr` and `td` (HTML) or `Row` and `Cell` (Excel 2003 XML).

    A cell over several columns or rows leaves the others empty, as a spreadsheet shows it.
    """

    def __init__(self, *, breaks: bool) -> None:
        super().__init__(convert_charrefs=True)
        self.breaks = breaks
        self.tables: list[_Table] = []
        self.worksheet = ""
        self.cell: list[str] | None = None  # texts of the cell that is open
        self.record: list[str] = []  # the one it belongs to
        self.table = _Table("")  # and the table that one is in
        self.span = 1
        self.rows = 1
        self.skipping = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begin a table, a record or a cell."""
        tag = tag.rpartition(":")[2]
        given = {key.rpartition(":")[2]: value or "" for key, value in attrs}
        if tag in _SKIPPED:
            self.skipping = self.skipping or tag
        elif tag == "worksheet":
            self.worksheet = given.get("name", "")
        elif tag in _TABLES:
            self.tables.append(_Table(self.worksheet))
        elif tag in {"tr", "row"}:
            self._close()
            if not self.tables:
                self.tables.append(_Table(""))
            records = self.tables[-1].records
            _pad(records, given, list, _MOST_ROWS)
            records.append([])
        elif tag in _CELLS and self.tables and self.tables[-1].records:
            self._close()
            self.table = self.tables[-1]
            self.record = self.table.records[-1]
            _pad(self.record, given, str, _MOST_COLUMNS)
            while self.table.covered.get(len(self.record), -1) >= len(self.table.records) - 1:
                self.record.append("")
            self.span = _span(given, "colspan", "mergeacross", _MOST_COLUMNS)
            self.rows = _span(given, "rowspan", "mergedown", _MOST_ROWS)
            self.cell = []
        elif tag in {"br", "p", "div"} and self.cell:
            self.cell.append("\n")

    def handle_endtag(self, tag: str) -> None:
        """End a cell."""
        tag = tag.rpartition(":")[2]
        if tag == self.skipping:
            self.skipping = ""
        elif tag in _CELLS or tag in {"tr", "row", "table"}:
            self._close()

    def handle_data(self, data: str) -> None:
        """Add text to the cell."""
        if self.cell is not None and not self.skipping:
            self.cell.append(data if self.breaks else _SPACE.sub(" ", data))

    def _close(self) -> None:
        if self.cell is None:
            return
        lines = "".join(self.cell).split("\n")
        record, table = self.record, self.table
        if self.rows > 1:
            first, column = len(table.records) - 1, len(record)
            last = first + self.rows - 1
            covered = range(column, min(column + self.span, _COVERED))
            table.covered |= dict.fromkeys(covered, last)
            if self.span == 1:
                table.merged.append((first, last, column))
        record.append("\n".join(" ".join(line.split()) for line in lines).strip())
        record += [""] * (self.span - 1)
        self.cell = None


def _span(given: dict[str, str], html: str, excel: str, most: int) -> int:
    """Return over how many columns or rows a cell goes; Excel counts those beside it."""
    number, more = given.get(html, ""), given.get(excel, "")
    span = int(number) if number.isdecimal() else 1 + int(more) if more.isdecimal() else 1
    return min(max(span, 1), most)


def _pad(items: list[Any], given: dict[str, str], empty: Any, most: int) -> None:
    """Fill up to the place that Excel's XML gives when it leaves empty ones out."""
    place = given.get("index", "")
    if place.isdecimal() and len(place) < 9:
        items += [empty() for _ in range(min(int(place), most) - 1 - len(items))]
