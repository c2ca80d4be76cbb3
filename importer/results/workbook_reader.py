"""The rows of a results workbook, one after the other, as text.

A library holds all cells at once: of 100,000 rows that is more than the rest of the program.
"""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING
from xml.parsers.expat import ExpatError

from importer.read.number_formats import number_text
from importer.read.xlsx import XlsxBook, column_of, unescaped
from importer.read.xml import Local, make_parser

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ROWS, COLUMNS = 1_048_576, 16_384  # of a worksheet
_PIECE = 1 << 16  # bytes
_TEXTS = frozenset(["t", "v"])
_INSIDE = frozenset(["f", "is", "r", "rPr", "rPh"])  # of a cell


def workbook_rows(path: Path) -> Iterator[list[str]]:
    """Yield the rows of the first worksheet, blank ones between them, too.

    A row ends with its last cell. Raises ValueError, LookupError or BadZipFile where the file is
    no workbook, OSError where it can't be read.
    """
    with zipfile.ZipFile(path) as archive:
        book = XlsxBook(archive)
        cells = _Cells(book.texts)
        with archive.open(book.parts[0].path) as file:
            try:
                while piece := file.read(_PIECE):
                    cells.parser.Parse(piece, False)
                    yield from cells.rows
                    cells.rows.clear()
                cells.parser.Parse(b"", True)
                cells.end_row()
                yield from cells.rows
            except ExpatError as error:
                raise ValueError(str(error)) from error


class _Cells:
    """Collects the rows that have ended in `rows`. Cells may share `texts`.

    Only the beginnings of elements are listened to, for every cell passes through here: the next
    element ends what is open.
    """

    def __init__(self, texts: list[str]) -> None:
        self.rows: list[list[str]] = []
        self.texts = texts
        self.row: list[str] | None = None
        self.last = 0  # number of the row
        self.cell: dict[str, str] | None = None
        self.valued = False
        self.parts: list[str] = []
        self.local = Local()
        self.parser = make_parser()
        self.parser.StartElementHandler = self.start
        self.parser.CharacterDataHandler = self.parts.append

    def start(self, name: str, given: dict[str, str]) -> None:
        """Begin an element."""
        name = self.local[name]
        if name == "c":
            if self.valued:
                self.end_cell()
            self.cell = given
        elif name in _TEXTS:
            if not self.valued:
                self.parts.clear()  # blanks, or the formula
            self.valued = True
        elif name == "row":
            self.end_row()
            number = int(given.get("r", self.last + 1))
            _check(number, ROWS)
            self.rows.extend([] for _ in range(self.last + 1, number))
            self.row, self.last = [], number
        elif name not in _INSIDE:
            self.end_row()

    def end_cell(self) -> None:
        """Put the cell that is open into its row."""
        cell, row = self.cell, self.row
        if cell is not None and row is not None and self.valued:
            letters = cell.get("r", "").rstrip("0123456789")
            column = column_of(letters) if letters else len(row)
            _check(column, COLUMNS)
            if column > len(row):
                row.extend([""] * (column - len(row)))
            text, kind = "".join(self.parts), cell.get("t", "n")
            if kind == "s":
                text = self.texts[int(text)]
            elif kind == "n":
                text = number_text(text.strip())
            elif "_x" in text:
                text = unescaped(text)
            row.append(text)
        self.cell, self.valued = None, False

    def end_row(self) -> None:
        """Put the row that is open among the rows."""
        self.end_cell()
        if self.row is not None:
            self.rows.append(self.row)
        self.row = None


def _check(number: int, most: int) -> None:
    if number > most:
        raise ValueError(number)
