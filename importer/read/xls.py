"""XLS (Excel 5 to 2003) → worksheets, by xlrd."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import xlrd
from xlrd.biffh import (
    XL_CELL_BOOLEAN,
    XL_CELL_DATE,
    XL_CELL_ERROR,
    XL_CELL_NUMBER,
    error_text_from_code,
)

from importer.read.grid import Worksheet
from importer.read.number_formats import (
    PLAIN,
    NumberFormat,
    built_in,
    date_text,
    number_format,
    number_text,
    shown_number,
)
from importer.records import CellKind

if TYPE_CHECKING:
    from xlrd.sheet import Sheet as XlrdSheet


class XlsBook:
    """A workbook whose worksheets are read one by one.

    Raises any exception of xlrd for a damaged file, TooLarge.
    """

    def __init__(self, data: bytes) -> None:
        # xlrd prints warnings about odd files; they don't matter here.
        self._book = xlrd.open_workbook(
            file_contents=data,
            formatting_info=True,  # merged and hidden cells, number formats
            ragged_rows=True,
            on_demand=True,
            logfile=io.StringIO(),
        )
        self.from_1904 = self._book.datemode == 1
        formats = self._book.format_map
        self._shapes = [
            _shape(style.format_key, formats.get(style.format_key)) for style in self._book.xf_list
        ]

    def names(self) -> list[str]:
        """Return the names of the worksheets."""
        names: list[str] = self._book.sheet_names()
        return names

    def read(self, only: str | None) -> list[Worksheet]:
        """Read all worksheets, or the one of that name."""
        found: list[Worksheet] = []
        for number, name in enumerate(self.names()):
            if only is None or name == only:
                source = self._book.sheet_by_index(number)
                before = found[-1].cells() if found else 0
                found.append(self._read(source, before))
                self._book.unload_sheet(number)
        return found

    def _read(self, source: XlrdSheet, before: int) -> Worksheet:
        sheet = Worksheet(source.name, hidden=source.visibility > 0, before=before)
        for row in range(source.nrows):
            styles = source._cell_xf_indexes[row]  # noqa: SLF001 - by rows it has no other way
            cells = zip(source.row_types(row), source.row_values(row), styles, strict=True)
            for column, (kind, value, style) in enumerate(cells):
                sheet.put(row, column, *self._text(kind, value, style))
        sheet.merged = [
            (first, left, last - 1, right - 1) for first, last, left, right in source.merged_cells
        ]
        sheet.hidden_rows = {row for row, info in source.rowinfo_map.items() if info.hidden}
        sheet.hidden_columns = {
            column for column, info in source.colinfo_map.items() if info.hidden
        }
        return sheet

    def _text(self, kind: int, value: Any, style: int) -> tuple[str, CellKind | None]:
        if kind in {XL_CELL_NUMBER, XL_CELL_DATE}:
            shape = self._shapes[style] if style < len(self._shapes) else PLAIN
            if shape.date:
                try:
                    return date_text(value, shape, from_1904=self.from_1904)
                except (ValueError, OverflowError):
                    return number_text(repr(value)), None
            return shown_number(repr(value), shape), None
        if kind == XL_CELL_BOOLEAN:
            return ("TRUE" if value else "FALSE"), CellKind.BOOLEAN
        if kind == XL_CELL_ERROR:
            return error_text_from_code.get(value, "#ERROR!"), CellKind.ERROR
        return str(value), None


def _shape(key: int, known: Any) -> NumberFormat:
    return number_format(known.format_str) if known and known.format_str else built_in(key)
