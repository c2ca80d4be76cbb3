"""Results as a workbook that a shop owner can work in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import xlsxwriter

from importer.records import RESULT_COLUMNS, Status

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_LONGEST_CELL = 32_767
_CUT = " … (cut: a cell of a workbook holds no more)"
_WIDTHS = (8, 12, 11, 10, 12, 12, 60)
_COLOURS = {
    Status.CREATED: "#E2F0D9",
    Status.READY: "#E2F0D9",
    Status.EXISTS: "#DDEBF7",
    Status.DUPLICATE: "#EDEDED",
    Status.PENDING: "#FFF2CC",
    Status.UNKNOWN: "#FFE0B2",
    Status.CONFLICT: "#F8CBAD",
    Status.INVALID: "#F8CBAD",
    Status.REJECTED: "#F8CBAD",
    Status.FAILED: "#F8CBAD",
}


def write_workbook(path: Path, header: list[str], lines: Iterator[list[str]]) -> None:
    """Write one worksheet: frozen header with a filter, the status coloured, everything text.

    Text, so that `+994…` and `007` stay what they are and nothing is run as a formula.
    """
    options = {
        "constant_memory": True,
        "strings_to_numbers": False,
        "strings_to_formulas": False,
        "strings_to_urls": False,
    }
    with xlsxwriter.Workbook(path, options) as book:
        sheet = book.add_worksheet("results")
        text = book.add_format({"num_format": "@", "valign": "top"})
        wrapped = book.add_format({"num_format": "@", "valign": "top", "text_wrap": True})
        ours = book.add_format({"bold": True, "bg_color": "#1F4E78", "font_color": "#FFFFFF"})
        theirs = book.add_format({"bold": True, "bg_color": "#D9D9D9", "num_format": "@"})
        status = {
            str(name): book.add_format({"bg_color": colour, "valign": "top", "num_format": "@"})
            for name, colour in _COLOURS.items()
        }
        for column, width in enumerate(_WIDTHS):
            sheet.set_column(column, column, width, text)
        sheet.set_column(len(_WIDTHS), max(len(header) - 1, len(_WIDTHS)), 20, text)
        sheet.freeze_panes(1, 2)
        for column, name in enumerate(header):
            sheet.write_string(0, column, name, ours if column < len(RESULT_COLUMNS) else theirs)
        last = 0
        for last, line in enumerate(lines, start=1):
            formats = [text, status[line[1]], *[text] * 4, wrapped]
            for column, cell in enumerate(line):
                if cell:
                    form = formats[column] if column < len(formats) else text
                    sheet.write_string(last, column, _fitting(cell), form)
        sheet.autofilter(0, 0, last, len(header) - 1)


def _fitting(text: str) -> str:
    return text if len(text) <= _LONGEST_CELL else text[: _LONGEST_CELL - len(_CUT)] + _CUT
