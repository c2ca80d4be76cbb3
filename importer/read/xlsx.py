"""XLSX → worksheets, by ECMA-376 as Excel, other programs and libraries write it.

Own code rather than a library: those that are fast enough return failed and never calculated
formulas as empty cells and 00042 as 42, know one namespace only, and ask for as much memory as a
file of two kilobytes claims to need.
"""

from __future__ import annotations

import posixpath
import re
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from importer.read.grid import Worksheet
from importer.read.limits import MOST_COLUMNS, check_letters
from importer.read.number_formats import (
    PLAIN,
    NumberFormat,
    built_in,
    date_text,
    number_format,
    number_text,
    shown_number,
)
from importer.read.xml import Local, Unpacked, feed, make_parser, without_prefix
from importer.records import CellKind

if TYPE_CHECKING:
    import zipfile
    from collections.abc import Callable

NOT_CALCULATED = "#CALC!"
_COLUMNS = 16_384
_TEXTS = frozenset(["v", "t"])
_LETTERS = [chr(ord("A") + number) for number in range(26)]
_NAMES = _LETTERS + [one + two for one in _LETTERS for two in _LETTERS]
_NAMES += [one + two for one in _LETTERS for two in _NAMES[26:]]
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")  # ECMA-376 22.4.2.4, ST_Xstring
_PLACE = re.compile(r"\$?([A-Za-z]{1,3})\$?([0-9]{1,7})")


class _Part(NamedTuple):
    """A worksheet in the archive."""

    name: str
    path: str
    hidden: bool


class XlsxBook:
    """A workbook whose worksheets are read one by one. Raises KeyError, ValueError, TooLarge."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self._unpacked = Unpacked()
        self.from_1904 = False
        self.styles: list[NumberFormat] = []
        self.texts: list[str] = []
        self.parts = self._read_book()

    def _read_book(self) -> list[_Part]:
        relations: dict[str, tuple[str, str]] = {}  # id → kind and path
        sheets: list[tuple[str, str, bool]] = []
        book = self._main_part()
        folder = posixpath.dirname(book)

        def relation(name: str, given: dict[str, str]) -> None:
            if name == "Relationship":
                kind = given.get("Type", "").rpartition("/")[2]
                path = posixpath.normpath(posixpath.join("/", folder, given.get("Target", "")))
                relations[given.get("Id", "")] = (kind, path.lstrip("/"))

        def sheet(name: str, given: dict[str, str]) -> None:
            if name == "workbookPr":
                self.from_1904 = given.get("date1904", "") in {"1", "true"}
            elif name == "sheet":
                hidden = given.get("state", "visible") != "visible"
                sheets.append((given.get("name", ""), given.get("id", ""), hidden))

        self._each_start(f"{folder}/_rels/{posixpath.basename(book)}.rels".lstrip("/"), relation)
        self._each_start(book, sheet)
        names = set(self._archive.namelist())
        for kind, path in relations.values():
            if kind == "sharedStrings" and path in names:
                self.texts = self._read_texts(path)
            elif kind == "styles" and path in names:
                self.styles = self._read_styles(path)
        found = [(name, relations.get(each, ("", "")), hidden) for name, each, hidden in sheets]
        return [
            _Part(name, path, hidden)
            for name, (kind, path), hidden in found
            if kind == "worksheet" and path in names
        ]

    def _main_part(self) -> str:
        """Return the path of the workbook's own part, which a program may call as it likes."""
        found: list[str] = []

        def relation(name: str, given: dict[str, str]) -> None:
            if name == "Relationship" and given.get("Type", "").endswith("/officeDocument"):
                found.append(given.get("Target", "").lstrip("/"))

        if "_rels/.rels" in self._archive.namelist():
            self._each_start("_rels/.rels", relation)
        return found[0] if found else "xl/workbook.xml"

    def _each_start(self, path: str, handle: Callable[[str, dict[str, str]], None]) -> None:
        """Call `handle` for each element of a part, with names that have no prefix."""
        local = Local()
        parser = make_parser()
        parser.StartElementHandler = lambda name, given: handle(local[name], without_prefix(given))
        with self._archive.open(path) as file:
            feed(parser, file, self._unpacked)

    def _read_styles(self, path: str) -> list[NumberFormat]:
        """Return the number format of each cell style."""
        own: dict[str, str] = {}
        styles: list[NumberFormat] = []
        inside: list[str] = []

        def start(name: str, given: dict[str, str]) -> None:
            if name == "numFmt":
                own[given.get("numFmtId", "")] = given.get("formatCode", "")
            elif name in {"cellXfs", "cellStyleXfs", "dxfs", "cellStyles"}:
                inside[:] = [name]
            elif name == "xf" and inside == ["cellXfs"]:
                number = given.get("numFmtId", "")
                if number in own:
                    styles.append(number_format(own[number]))
                else:
                    styles.append(built_in(int(number)) if number.isdecimal() else PLAIN)

        self._each_start(path, start)
        return styles

    def _read_texts(self, path: str) -> list[str]:
        """Return the texts that cells share. How they are pronounced is left out."""
        texts: list[str] = []
        parts: list[str] = []
        local = Local()
        parser = make_parser()

        def start(name: str, _: Any) -> None:
            name = local[name]
            if name == "t":
                parser.CharacterDataHandler = parts.append
            elif name == "rPh":
                parser.StartElementHandler = None

        def end(name: str) -> None:
            name = local[name]
            if name == "t":
                parser.CharacterDataHandler = None
                if len(parts) > 1:
                    check_letters(sum(map(len, parts)))
            elif name == "si":
                texts.append(unescaped(parts[0] if len(parts) == 1 else "".join(parts)))
                parts.clear()
            elif name == "rPh":
                parser.StartElementHandler = start

        parser.StartElementHandler, parser.EndElementHandler = start, end
        with self._archive.open(path) as file:
            feed(parser, file, self._unpacked)
        return texts

    def names(self) -> list[str]:
        """Return the names of the worksheets."""
        return [part.name for part in self.parts]

    def read(self, only: str | None) -> list[Worksheet]:
        """Read all worksheets, or the one of that name."""
        found: list[Worksheet] = []
        for part in self.parts:
            if only is None or part.name == only:
                before = found[-1].cells() if found else 0
                sheet = Worksheet(part.name, part.hidden, before=before)
                reader = _CellReader(sheet, self)
                with self._archive.open(part.path) as file:
                    feed(reader.parser, file, self._unpacked)
                reader.finish()
                found.append(sheet)
        return found


def unescaped(text: str) -> str:
    """Return text with the characters that a workbook writes as `_x000D_`."""
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text) if "_x" in text else text


class _CellReader:
    """Collects the cells of one worksheet in their places.

    Every cell passes through here, so the handlers do as little as they can: what ends a cell is
    the beginning of the next one, and the ends of elements are listened to only in a text of
    several pieces. Blanks after a value may come with it: they are taken off everywhere.
    """

    __slots__ = (
        "book",
        "cell",
        "column",
        "formula",
        "local",
        "parser",
        "parts",
        "record",
        "row",
        "row_name",
        "sheet",
        "valued",
    )

    def __init__(self, sheet: Worksheet, book: XlsxBook) -> None:
        self.sheet, self.book = sheet, book
        self.parts: list[str] = []
        self.cell: dict[str, str] | None = None  # attributes of the one that is open
        self.valued = self.formula = False
        self.local = Local()
        self.parser = make_parser()
        self.parser.StartElementHandler = self.start
        self.parser.CharacterDataHandler = self.parts.append
        self.begin_row(-1)

    def start(self, name: str, given: dict[str, str]) -> None:
        """Begin an element."""
        name = self.local[name]
        if name == "c":
            if self.cell is not None:
                self.finish()
            self.cell = given
        elif name in _TEXTS:
            # What came before it are blanks, or the formula; in a text of several pieces, a piece.
            if self.parser.EndElementHandler is None:
                self.parts.clear()
            else:
                self.parser.CharacterDataHandler = self.parts.append
            self.valued = True
        elif name == "row":
            self.finish()
            number = given.get("r", "")
            plain = number.isdecimal() and len(number) < 8
            self.begin_row(int(number) - 1 if plain else self.row + 1)
            if given.get("hidden") in {"1", "true"}:
                self.sheet.hidden_rows.add(self.row)
        elif name != "is":
            self.start_other(name, given)

    def start_other(self, name: str, given: dict[str, str]) -> None:
        """Begin a formula, a piece of a text or what stands around the cells."""
        if name == "f":
            self.formula = True
        elif name == "r" and self.cell is not None:
            if self.parser.EndElementHandler is None:
                self.parts.clear()
            self.parser.CharacterDataHandler = None
            self.parser.EndElementHandler = self.end
        elif name == "rPh":  # how a text is pronounced
            self.parser.CharacterDataHandler = self.parser.StartElementHandler = None
            self.parser.EndElementHandler = self.end
        elif self.parser.EndElementHandler is None:  # not inside a text
            self.finish()
            _take_other(self.sheet, name, given)

    def end(self, name: str) -> None:
        """End a piece of a text."""
        name = self.local[name]
        if name == "t":
            self.parser.CharacterDataHandler = None
        elif name == "rPh":
            self.parser.StartElementHandler = self.start
        elif name == "c":
            self.parser.EndElementHandler = None
            self.finish()
            self.parser.CharacterDataHandler = self.parts.append

    def begin_row(self, row: int) -> None:
        """Begin a row; its record is made when a cell of it has content."""
        self.row, self.column, self.row_name = row, -1, str(row + 1)
        self.record: list[str] | None = None

    def finish(self) -> None:
        """Put the open cell into its place."""
        cell = self.cell
        if cell is None:
            return
        self.cell = None
        self.column = column = self.column + 1
        place = cell.get("r")
        if place is not None and place != _NAMES[column] + self.row_name:
            column = self.move(place)
        if not (self.valued or self.formula):
            return
        parts = self.parts
        text = "" if not self.valued else parts[0] if len(parts) == 1 else "".join(parts)
        kind = cell.get("t")
        what: CellKind | None = None
        if kind == "s":
            text = self.book.texts[int(text)] if text.strip() else ""
        elif kind is None and not self.formula and "s" not in cell and _is_plain(text):
            pass
        elif kind != "inlineStr" or "_x" in text:
            text, what = self.value(text, cell)
        self.valued = self.formula = False
        self.put(column, text, what)

    def put(self, column: int, text: str, what: CellKind | None) -> None:
        """Put a text into the row; most often it is the next cell of it."""
        record = self.record
        if record is not None and len(text) < 100 and column == len(record) < self.sheet.width:
            if text:
                record.append(text)
                if what is not None:
                    self.sheet.kinds.setdefault(column, {})[self.row] = what
        elif text:
            self.sheet.put(max(self.row, 0), column, text, what)
            self.record = self.sheet.records[max(self.row, 0)]
        elif self.row == 0 and record is not None and column == len(record) < MOST_COLUMNS:
            record.append("")  # a header without a name, as our own results may have one
            self.sheet.width = max(self.sheet.width, column + 1)

    def move(self, place: str) -> int:
        """Go to the place that a cell names. Return its column."""
        if found := _place(place):
            row, self.column = found
            if row != self.row:
                self.begin_row(row)
                self.column = found[1]
        return self.column

    def value(self, text: str, cell: dict[str, str]) -> tuple[str, CellKind | None]:
        """Return the text that a cell shows, apart from mere styling, and its kind."""
        kind = cell.get("t", "n")
        if kind in {"str", "inlineStr"}:
            return unescaped(text), None
        text = text.strip()
        if not text and self.formula:
            self.sheet.not_calculated += 1
            return NOT_CALCULATED, CellKind.ERROR
        if kind == "n" and text:
            style, styles = int(cell.get("s", "0")), self.book.styles
            shape = styles[style] if style < len(styles) else PLAIN
            return _number(text, shape, from_1904=self.book.from_1904)
        if kind == "b" and text:
            return ("FALSE" if text in {"0", "false"} else "TRUE"), CellKind.BOOLEAN
        if kind == "d":
            day, _, clock = text.partition("T")
            midnight = not clock.strip("0:.Z")
            return (day if midnight else f"{day} {clock}"), CellKind.DATE
        return text, CellKind.ERROR if kind == "e" else None


def _is_plain(number: str) -> bool:
    return len(number) < 16 and number.isdecimal() and number.isascii() and number[0] != "0"


def _take_other(sheet: Worksheet, name: str, given: dict[str, str]) -> None:
    """Take what else a worksheet says: hidden columns, merged cells."""
    if name == "col" and given.get("hidden") in {"1", "true"}:
        first, last = int(given.get("min", "1")), int(given.get("max", "1"))
        # They don't overlap in an honest file: so many there are, so far they reach.
        first = max(first - 1, len(sheet.hidden_columns))
        sheet.hidden_columns.update(range(first, min(last, _COLUMNS)))
    elif name == "mergeCell":
        first_place, _, last_place = given.get("ref", "").partition(":")
        start, stop = _place(first_place), _place(last_place or first_place)
        if start and stop:
            sheet.merged.append((*start, *stop))


def _number(text: str, shape: NumberFormat, *, from_1904: bool) -> tuple[str, CellKind | None]:
    if not shape.date:
        return (number_text(text) if shape is PLAIN else shown_number(text, shape)), None
    try:
        return date_text(float(text), shape, from_1904=from_1904)
    except (ValueError, OverflowError):
        return number_text(text), None


@cache
def column_of(letters: str) -> int:
    """Return the number of a column from 0 by its letters."""
    number = 0
    for letter in letters.upper():
        number = number * 26 + ord(letter) - 64
    return number - 1


def _place(reference: str) -> tuple[int, int] | None:
    """Return (row, column) from 0 of a reference, e.g. B2, None when it is none."""
    if not (found := _PLACE.fullmatch(reference)) or not int(found[2]):
        return None
    return int(found[2]) - 1, column_of(found[1])
