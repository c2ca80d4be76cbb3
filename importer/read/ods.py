"""OpenDocument spreadsheets → worksheets (ODF 1.3, part 3)."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from importer.read.grid import Worksheet
from importer.read.limits import MOST_CELLS, check_cells, check_letters
from importer.read.number_formats import (
    NumberFormat,
    code_as_shown,
    moment_text,
    number_text,
    shown_number,
)
from importer.read.xml import Local, Unpacked, feed, make_parser, without_prefix
from importer.records import CellKind

if TYPE_CHECKING:
    import zipfile
    from collections.abc import Callable

_FAILED = ("#", "Err:")
_HIDDEN = frozenset(["collapse", "filter"])


class OdsBook:
    """A workbook whose worksheets are read in one pass. Raises KeyError, ValueError, TooLarge."""

    from_1904 = False  # dates are no numbers here

    def __init__(self, archive: zipfile.ZipFile) -> None:
        unpacked = Unpacked()
        reader = _Reader()
        for part in ("styles.xml", "content.xml"):
            if part == "content.xml" or part in archive.namelist():
                reader.parser = make_parser()
                reader.listen()
                with archive.open(part) as file:
                    feed(reader.parser, file, unpacked)
        self._sheets = reader.sheets

    def names(self) -> list[str]:
        """Return the names of the worksheets."""
        return [sheet.name for sheet in self._sheets]

    def read(self, only: str | None) -> list[Worksheet]:
        """Return all worksheets, or the one of that name."""
        return [sheet for sheet in self._sheets if only is None or sheet.name == only]


class _Reader:
    """Collects the cells of all worksheets; styles come before them."""

    def __init__(self) -> None:
        self.sheets: list[Worksheet] = []
        self.local = Local()
        self.parser: Any = None
        self.formats: dict[str, set[str]] = {}  # data style → what it shows
        self.styles: dict[str, str] = {}  # cell style → its data style
        self.hidden_tables: set[str] = set()
        self.style = self.format = ""
        self.defaults: list[tuple[int, str]] = []  # the columns' own cell style, and to which
        self.row = self.column = self.rows = 0
        self.cell: dict[str, str] | None = None
        self.lines: list[str] = []
        self.repeat = 1
        self.annotation = 0

    def listen(self) -> None:
        """Set the handlers of the parser."""
        self.parser.StartElementHandler = self.start
        self.parser.EndElementHandler = self.end

    def start(self, name: str, given: dict[str, str]) -> None:
        """Begin an element."""
        handle = _START.get(self.local[name])
        if handle:
            handle(self, without_prefix(given))

    def end(self, name: str) -> None:
        """End an element."""
        handle = _END.get(self.local[name])
        if handle:
            handle(self)

    def begin_style(self, given: dict[str, str]) -> None:
        self.style = given.get("name", "")
        self.styles[self.style] = given.get("data-style-name", "")

    def begin_properties(self, given: dict[str, str]) -> None:
        if given.get("display") == "false":
            self.hidden_tables.add(self.style)

    def begin_format(self, given: dict[str, str]) -> None:
        self.format = given.get("name", "")
        self.formats[self.format] = set()

    def shows(self, what: str) -> None:
        self.formats.setdefault(self.format, set()).add(what)

    def begin_table(self, given: dict[str, str]) -> None:
        before = self.sheets[-1].cells() if self.sheets else 0
        hidden = given.get("style-name", "") in self.hidden_tables
        self.sheets.append(Worksheet(given.get("name", ""), hidden, before=before))
        self.defaults, self.row, self.rows = [], 0, 0

    def begin_column(self, given: dict[str, str]) -> None:
        first = self.defaults[-1][0] if self.defaults else 0
        last = first + _times(given, "number-columns-repeated")
        self.defaults.append((last, given.get("default-cell-style-name", "")))
        if given.get("visibility") in _HIDDEN and self.sheets:
            self.sheets[-1].hidden_columns.update(range(first, min(last, 16_384)))

    def begin_row(self, given: dict[str, str]) -> None:
        self.row += self.rows
        self.column, self.rows = 0, _times(given, "number-rows-repeated")
        if given.get("visibility") in _HIDDEN and self.sheets:
            self.sheets[-1].hidden_rows.update(
                range(self.row, min(self.row + self.rows, 1_048_576))
            )

    def end_row(self) -> None:
        """Repeat a row with content as often as it says."""
        if self.sheets and len(self.sheets[-1].records) == self.row + 1:
            records = self.sheets[-1].records
            records.extend(list(records[-1]) for _ in range(self.rows - 1))

    def begin_cell(self, given: dict[str, str]) -> None:
        self.cell, self.repeat = given, _times(given, "number-columns-repeated")
        self.lines = []

    def end_cell(self) -> None:
        cell, self.cell = self.cell, None
        if cell is None or not self.sheets:
            return
        text, kind = self.value(cell, "\n".join(self.lines))
        sheet = self.sheets[-1]
        if text:
            last = self.column + self.repeat
            check_cells(self.row + self.rows, max(last, sheet.width), sheet.before)
            for column in range(self.column, last):
                sheet.put(self.row, column, text, kind)
        down, across = _times(cell, "number-rows-spanned"), _times(cell, "number-columns-spanned")
        if down > 1 or across > 1:
            corner = (self.row + down - 1, self.column + across - 1)
            sheet.merged.append((self.row, self.column, *corner))
        self.column += self.repeat

    def value(self, cell: dict[str, str], shown: str) -> tuple[str, CellKind | None]:
        kind = cell.get("value-type", "")
        if "formula" in cell and shown.startswith(_FAILED):
            return shown, CellKind.ERROR
        if kind == "percentage" and "value" in cell:
            return shown_number(cell["value"], NumberFormat(percent=True)), None
        if kind in {"float", "currency"} and "value" in cell:
            number = number_text(cell["value"])
            return (code_as_shown(number, shown) if kind == "float" else number), None
        if kind == "date" and "date-value" in cell:
            return self.date(cell), CellKind.DATE
        if kind == "boolean":
            return ("TRUE" if cell.get("boolean-value") == "true" else "FALSE"), CellKind.BOOLEAN
        if kind == "time":
            return shown or cell.get("time-value", ""), CellKind.TIME
        return shown or cell.get("string-value", ""), None

    def date(self, cell: dict[str, str]) -> str:
        try:
            moment = datetime.fromisoformat(cell["date-value"])
        except ValueError:
            return cell["date-value"]
        style = cell.get("style-name") or next(
            (style for last, style in self.defaults if self.column < last), ""
        )
        what = self.formats.get(self.styles.get(style, ""), set())
        if not what:
            what = {"year", "month", "day"}
        return moment_text(
            moment,
            NumberFormat(True, "year" in what, "month" in what, "day" in what, "hours" in what),
        )

    def begin_text(self, _: dict[str, str]) -> None:
        if self.cell is not None and not self.annotation:
            self.lines.append("")
            self.parser.CharacterDataHandler = self.add

    def end_text(self) -> None:
        if not self.annotation:
            self.parser.CharacterDataHandler = None

    def add(self, text: str) -> None:
        """Add text to the paragraph that is open."""
        if self.cell is not None and self.lines and not self.annotation:
            check_letters(len(self.lines[-1]) + len(text))
            self.lines[-1] += text

    def begin_annotation(self, _: dict[str, str]) -> None:
        self.annotation += 1

    def end_annotation(self) -> None:
        self.annotation -= 1


def _times(given: dict[str, str], name: str) -> int:
    """Return how often something is repeated, never more than may be read."""
    number = given.get(name, "1")
    return min(int(number), MOST_CELLS) if number.isdecimal() and len(number) < 10 else 1


_START: dict[str, Callable[[_Reader, dict[str, str]], None]] = {
    "style": _Reader.begin_style,
    "table-properties": _Reader.begin_properties,
    "date-style": _Reader.begin_format,
    "year": lambda reader, _: reader.shows("year"),
    "month": lambda reader, _: reader.shows("month"),
    "day": lambda reader, _: reader.shows("day"),
    "hours": lambda reader, _: reader.shows("hours"),
    "table": _Reader.begin_table,
    "table-column": _Reader.begin_column,
    "table-row": _Reader.begin_row,
    "table-cell": _Reader.begin_cell,
    "covered-table-cell": _Reader.begin_cell,
    "p": _Reader.begin_text,
    "s": lambda reader, given: reader.add(" " * min(_times(given, "c"), 1000)),
    "tab": lambda reader, _: reader.add("\t"),
    "line-break": lambda reader, _: reader.add("\n"),
    "annotation": _Reader.begin_annotation,
}
_END: dict[str, Callable[[_Reader], None]] = {
    "table-cell": _Reader.end_cell,
    "covered-table-cell": _Reader.end_cell,
    "table-row": _Reader.end_row,
    "p": _Reader.end_text,
    "annotation": _Reader.end_annotation,
}
