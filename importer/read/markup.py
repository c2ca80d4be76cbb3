"""HTML pages, often called .xls → worksheets, one for each table."""

from __future__ import annotations

import re
from collections.abc import Callable

from importer.errors import UsageError
from importer.i18n import tr
from importer.read.grid import Worksheet
from importer.read.html_tags import Tag, tags
from importer.read.number_formats import number_text
from importer.read.workbook import lists_customers, named

_CELLS = frozenset(["td", "th"])
_BREAKS = frozenset(["br", "p", "div", "li"])
_SKIPPED = frozenset(["script", "style", "comment", "title"])
_SPACE = re.compile(r"\s+")
_COVERED = 100  # columns in which a cell may go over several rows; beyond is no table of people
_MOST_ROWS, _MOST_COLUMNS = 1_048_576, 16_384
_MOST_TEXTS, _MOST_LETTERS = 20, 100  # of a table in a cell; of more the cell is no value
_ROUNDED = re.compile(r"[0-9]+[.,][0-9]+[eE]\+?[0-9]{1,3}")


def tables_of_customers(page: str, name: str, wanted: str | None) -> list[Worksheet]:
    """Return the tables of a page that list customers, numbered from 1, where there are several.

    Else the one that has the most rows. `wanted` is the number of the table to return alone.

    Raises UsageError when there is no table, or not the wanted one; TooLarge.
    """
    tables = html_tables(page)
    lists = [t for t in tables if len(t.records) > 1 and lists_customers(t.records)]
    if len(lists) > 1:
        for number, table in enumerate(lists, start=1):
            table.name = str(number)
        only = named([table.name for table in lists], wanted, name) if wanted is not None else None
        return [table for table in lists if only is None or table.name == only]
    if wanted is not None:
        raise UsageError(
            tr("{name} has no worksheet «{worksheet}»", name=name, worksheet=wanted),
            fix=tr("leave --sheet out: it is a web page"),
        )
    if not tables:
        raise UsageError(tr("{name} holds no table", name=name), fix=tr("export it as CSV"))
    return [max(tables, key=lambda table: len(table.records))]


def html_tables(page: str) -> list[Worksheet]:
    """Return the tables of a page that have rows. Raises TooLarge."""
    reader = _Page()
    for part in tags(page):
        if isinstance(part, str):
            reader.add(part)
        elif handle := (_ENDS if part.ends else _STARTS).get(part.name):
            handle(reader, part)
    reader.close_cell()
    return [table.sheet for table in reader.tables if table.sheet.records]


class _Table:
    def __init__(self, before: int) -> None:
        self.sheet = Worksheet(before=before)
        self.row = -1
        self.column = 0
        self.covered: dict[int, int] = {}  # column → the last row that a cell above reaches


class _Page:
    """Collects the cells of rows.

    A cell over several columns or rows leaves the others empty, as a spreadsheet shows it.
    """

    def __init__(self) -> None:
        self.tables: list[_Table] = []
        self.open: list[_Table] = []  # tables in cells of tables
        self.cell: list[str] | None = None  # texts of the cell that is open
        self.table: _Table | None = None  # the one it belongs to
        self.around: list[tuple[list[str] | None, _Table | None, dict[str, str]]] = []
        self.given: dict[str, str] = {}
        self.skipping = ""

    def begin_table(self, _: Tag) -> None:
        before = self.tables[-1].sheet.cells() if self.tables else 0
        self.tables.append(_Table(before))
        self.around.append((self.cell, self.table, self.given))
        self.cell = None
        self.open.append(self.tables[-1])

    def end_table(self, _: Tag) -> None:
        self.close_cell()
        if self.open:
            self.open.pop()
            self.cell, self.table, self.given = self.around.pop()

    def begin_row(self, tag: Tag) -> None:
        self.close_cell()
        if not self.open:
            self.begin_table(tag)
        self.open[-1].row += 1
        self.open[-1].column = 0
        if "display:none" in tag.attributes.get("style", "").replace(" ", "").lower():
            self.open[-1].sheet.hidden_rows.add(self.open[-1].row)

    def begin_cell(self, tag: Tag) -> None:
        if not self.open or self.open[-1].row < 0:
            return
        self.close_cell()
        table = self.table = self.open[-1]
        while table.covered.get(table.column, -1) >= table.row:
            table.column += 1
        self.given, self.cell = tag.attributes, []

    def begin_skipped(self, tag: Tag) -> None:
        self.skipping = self.skipping or tag.name

    def end_skipped(self, tag: Tag) -> None:
        if tag.name == self.skipping:
            self.skipping = ""

    def end_cell(self, _: Tag) -> None:
        self.close_cell()

    def begin_line(self, _: Tag) -> None:
        if self.cell:
            self.cell.append("\n")

    def add(self, text: str) -> None:
        """Add text to the cell that is open."""
        if self.cell is not None and not self.skipping:
            self.cell.append(_SPACE.sub(" ", text))

    def close_cell(self) -> None:
        """Put the open cell into its place."""
        cell, table, self.cell = self.cell, self.table, None
        if cell is None or table is None:
            return
        across = _span(self.given, "colspan", _MOST_COLUMNS)
        down = _span(self.given, "rowspan", _MOST_ROWS)
        row, column = table.row, table.column
        if down > 1:
            last = row + down - 1
            covered = range(column, min(column + across, _COVERED))
            table.covered |= dict.fromkeys(covered, last)
            if across == 1:
                table.sheet.merged.append((row, column, last, column))
        lines = (" ".join(line.split()) for line in "".join(cell).split("\n"))
        text = "\n".join(lines).strip()
        if "num" in self.given and _ROUNDED.fullmatch(text):
            text = number_text(self.given["num"])  # what Excel keeps beside what it shows
        table.sheet.put(row, column, text)
        table.column = column + across
        outer = self.around[-1][0] if self.around else None
        if outer is not None and len(outer) < _MOST_TEXTS:  # the cell says what its table says
            outer.append(text[:_MOST_LETTERS] + "\n")


def _span(given: dict[str, str], name: str, most: int) -> int:
    number = given.get(name, "")
    return min(max(int(number), 1), most) if number.isdecimal() and len(number) < 9 else 1


_Handler = Callable[[_Page, Tag], None]
_STARTS: dict[str, _Handler] = {
    "table": _Page.begin_table,
    "tr": _Page.begin_row,
    **dict.fromkeys(_CELLS, _Page.begin_cell),
    **dict.fromkeys(_SKIPPED, _Page.begin_skipped),
    **dict.fromkeys(_BREAKS, _Page.begin_line),
}
_ENDS: dict[str, _Handler] = {
    "table": _Page.end_table,
    "tr": _Page.end_cell,
    **dict.fromkeys(_CELLS, _Page.end_cell),
    **dict.fromkeys(_SKIPPED, _Page.end_skipped),
}
