"""Excel's XML of 2003, which many programs write and call .xls → worksheets."""

from __future__ import annotations

import io
from datetime import datetime
from typing import TYPE_CHECKING

from importer.read.grid import Worksheet
from importer.read.limits import check_letters
from importer.read.number_formats import (
    PLAIN,
    NumberFormat,
    moment_text,
    number_format,
    number_text,
    shown_number,
)
from importer.read.xlsx import NOT_CALCULATED
from importer.read.xml import Local, Unpacked, feed, make_parser, without_prefix
from importer.records import CellKind

if TYPE_CHECKING:
    from collections.abc import Callable

_NAMED = {  # formats that have a name instead of a code
    "short date": "yyyy-mm-dd",
    "medium date": "yyyy-mm-dd",
    "long date": "yyyy-mm-dd",
    "general date": "yyyy-mm-dd h:mm",
    "short time": "h:mm",
    "medium time": "h:mm",
    "long time": "h:mm",
}


class ExcelXmlBook:
    """A workbook whose worksheets are read in one pass. Raises ValueError, TooLarge."""

    from_1904 = False  # dates are no numbers here

    def __init__(self, text: str) -> None:
        self._reader = _Reader()
        data = text.lstrip().encode("utf-8", "surrogatepass")
        feed(self._reader.parser, io.BytesIO(data), Unpacked())

    def names(self) -> list[str]:
        """Return the names of the worksheets."""
        return [sheet.name for sheet in self._reader.sheets]

    def read(self, only: str | None) -> list[Worksheet]:
        """Return all worksheets, or the one of that name."""
        return [sheet for sheet in self._reader.sheets if only is None or sheet.name == only]


class _Reader:
    """Collects the cells of all worksheets; styles come before them."""

    def __init__(self) -> None:
        self.sheets: list[Worksheet] = []
        self.local = Local()
        # What the document says of its encoding was true of the bytes that the text came from.
        self.parser = make_parser("utf-8")
        self.parser.StartElementHandler = self.start
        self.parser.EndElementHandler = self.end
        self.styles: dict[str, NumberFormat] = {}
        self.parents: dict[str, str] = {}
        self.style = ""
        self.row = self.column = self.next_column = -1
        self.row_style = ""
        self.column_styles: dict[int, str] = {}
        self.cell: dict[str, str] | None = None
        self.kind = ""
        self.comment = False
        self.parts: list[str] = []

    def start(self, name: str, given: dict[str, str]) -> None:
        """Begin an element."""
        handle = _START.get(self.local[name])
        if handle:
            handle(self, without_prefix(given))

    def end(self, name: str) -> None:
        """End an element."""
        name = self.local[name]
        if name == "Data":
            self.parser.CharacterDataHandler = None
        elif name == "Comment":
            self.comment = False
        elif name == "Cell":
            self.end_cell()
        elif name == "Visible":
            self.parser.CharacterDataHandler = None

    def begin_style(self, given: dict[str, str]) -> None:
        self.style = given.get("ID", "")
        self.parents[self.style] = given.get("Parent", "")

    def begin_format(self, given: dict[str, str]) -> None:
        code = given.get("Format", "")
        self.styles[self.style] = number_format(_NAMED.get(code.lower(), code))

    def begin_worksheet(self, given: dict[str, str]) -> None:
        before = self.sheets[-1].cells() if self.sheets else 0
        self.sheets.append(Worksheet(given.get("Name", ""), before=before))
        self.row = self.next_column = -1
        self.column_styles = {}

    def begin_column(self, given: dict[str, str]) -> None:
        first = max(_place(given, self.next_column + 1), self.next_column + 1)
        last = min(first + _number(given, "Span"), 16_384)
        self.next_column = last
        if given.get("Hidden") == "1" and self.sheets:
            self.sheets[-1].hidden_columns.update(range(first, last + 1))
        if style := given.get("StyleID"):
            self.column_styles |= dict.fromkeys(range(first, last + 1), style)

    def begin_row(self, given: dict[str, str]) -> None:
        self.row = _place(given, self.row + 1, 1_048_576)
        self.column, self.row_style = -1, given.get("StyleID", "")
        if given.get("Hidden") == "1" and self.sheets:
            self.sheets[-1].hidden_rows.add(self.row)

    def begin_cell(self, given: dict[str, str]) -> None:
        self.cell, self.column = given, _place(given, self.column + 1)
        self.kind = ""
        self.parts.clear()

    def begin_data(self, given: dict[str, str]) -> None:
        if self.cell is not None and not self.comment:
            self.kind = given.get("Type", "String")
            self.parser.CharacterDataHandler = self.parts.append

    def begin_comment(self, _: dict[str, str]) -> None:
        self.comment = True

    def begin_visible(self, _: dict[str, str]) -> None:
        if self.sheets:
            self.parser.CharacterDataHandler = self.hide

    def hide(self, text: str) -> None:
        """Take what a worksheet says of whether it is shown."""
        self.sheets[-1].hidden |= "Hidden" in text

    def end_cell(self) -> None:
        cell, self.cell = self.cell, None
        if cell is None or not self.sheets or self.row < 0:
            return
        sheet = self.sheets[-1]
        text, kind = self.value(cell, "".join(self.parts))
        if text == NOT_CALCULATED:
            sheet.not_calculated += 1
        sheet.put(self.row, self.column, text, kind)
        down, across = _number(cell, "MergeDown"), _number(cell, "MergeAcross")
        if down or across:
            last = (self.row + down, self.column + across)
            sheet.merged.append((self.row, self.column, *last))
        self.column += across

    def value(self, cell: dict[str, str], text: str) -> tuple[str, CellKind | None]:
        check_letters(len(text))
        if self.kind == "Number":
            return shown_number(text.strip(), self.shape(cell)), None
        if self.kind == "DateTime":
            return self.date(text.strip(), self.shape(cell)), CellKind.DATE
        if self.kind == "Boolean":
            return ("TRUE" if text.strip() == "1" else "FALSE"), CellKind.BOOLEAN
        if self.kind == "Error":
            return text.strip(), CellKind.ERROR
        if not text and not self.kind and cell.get("Formula"):
            return NOT_CALCULATED, CellKind.ERROR
        return text, None

    def shape(self, cell: dict[str, str]) -> NumberFormat:
        """Return the number format of a cell: its own, its row's, its column's."""
        style = cell.get("StyleID") or self.row_style or self.column_styles.get(self.column, "")
        for _ in range(5):  # styles that follow others; a circle ends
            if style in self.styles:
                return self.styles[style]
            style = self.parents.get(style, "")
        return PLAIN

    def date(self, text: str, shape: NumberFormat) -> str:
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            return number_text(text)
        return moment_text(moment, shape)


def _number(given: dict[str, str], name: str) -> int:
    number = given.get(name, "0")
    return min(int(number), 1_048_576) if number.isdecimal() and len(number) < 9 else 0


def _place(given: dict[str, str], following: int, most: int = 16_384) -> int:
    """Return the place from 0 that an element names, else the one that follows."""
    number = _number(given, "Index")
    return min(number, most) - 1 if number else following


_START: dict[str, Callable[[_Reader, dict[str, str]], None]] = {
    "Style": _Reader.begin_style,
    "NumberFormat": _Reader.begin_format,
    "Worksheet": _Reader.begin_worksheet,
    "Column": _Reader.begin_column,
    "Row": _Reader.begin_row,
    "Cell": _Reader.begin_cell,
    "Data": _Reader.begin_data,
    "Comment": _Reader.begin_comment,
    "Visible": _Reader.begin_visible,
}
