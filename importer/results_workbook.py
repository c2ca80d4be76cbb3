"""Results as a workbook that a shop owner can work in."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import xlsxwriter
from xlsxwriter.exceptions import XlsxFileError

from importer.records import RESULT_COLUMNS, Status

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from importer.marks import Mark

LONGEST_CELL = 32_767
CUT = " … (cut: a cell of a workbook holds no more)"
MOST_COMMENTS = 5_000  # Excel gets slow with more; the colour and import_message stay

_OURS = len(RESULT_COLUMNS)
_NUMBERS = frozenset({"import_row", "import_duplicate_of"})  # sorted as numbers, else 10 before 2
_WIDTHS = (11, 14, 12, 13, 19, 21, 60)
_NARROWEST, _WIDEST = 10, 40
_LOOKED_AT = 200  # lines that decide how wide a column is
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


def write_workbook(
    path: Path,
    header: list[str],
    lines: Iterable[list[str]],
    marks: Mapping[tuple[int, int], Mark],
) -> None:
    """Write one worksheet: frozen header with a filter, the status coloured, bad cells marked.

    Cells are text, so that `+994…` and `007` stay what they are and nothing is run as a formula;
    a text too long for a cell is cut and says so. `marks` is (row number, index among the sheet's
    own columns) → what to say there.

    Raises OSError when it can't be written.
    """
    try:
        # Text is never taken for a formula or an address, and columns are text even where they
        # are empty: what is typed in later keeps its zeros.
        with xlsxwriter.Workbook(path, {"constant_memory": True}) as book:
            _fill(book, header, lines, marks)
    except XlsxFileError as error:
        raise OSError(str(error)) from error


def _fill(
    book: xlsxwriter.Workbook,
    header: list[str],
    lines: Iterable[list[str]],
    marks: Mapping[tuple[int, int], Mark],
) -> None:
    base = {"num_format": "@", "valign": "top"}
    text = book.add_format(base)
    number = book.add_format({"valign": "top", "align": "left"})
    wrapped = book.add_format(base | {"text_wrap": True})
    grave = book.add_format(base | {"bg_color": "#F8CBAD", "border": 1, "border_color": "#C00000"})
    remark = book.add_format(base | {"bg_color": "#FFF2CC"})
    title = {"bold": True, "valign": "top", "text_wrap": True}
    ours = book.add_format(title | {"bg_color": "#1F4E78", "font_color": "#FFFFFF"})
    theirs = book.add_format(title | {"bg_color": "#D9D9D9", "num_format": "@"})
    status = {
        name.value: book.add_format(base | {"bg_color": colour}) for name, colour in _COLOURS.items()
    }
    sheet = book.add_worksheet("results")
    sheet.freeze_panes(1, 2)
    for column, name in enumerate(header):
        sheet.write_string(0, column, name, ours if column < _OURS else theirs)
    widths = [*_WIDTHS, *(_width(name) for name in header[_OURS:])]
    comments = itertools.count()
    last = 0
    for last, line in enumerate(lines, start=1):
        row = int(line[0])
        for column, cell in enumerate(line):
            if column >= _OURS:
                mark = marks.get((row, column - _OURS)) if marks else None
                if mark:
                    form = grave if mark.grave else remark
                    # An empty cell can be bad too: a name that is missing.
                    sheet.write_blank(last, column, None, form)
                    if next(comments) < MOST_COMMENTS:
                        sheet.write_comment(last, column, mark.text, {"x_scale": 2})
                else:
                    form = text
                if last <= _LOOKED_AT:
                    widths[column] = max(widths[column], _width(cell))
            elif header[column] in _NUMBERS:
                form = number
            elif column == 1:
                form = status[cell]
            else:
                form = wrapped if column == _OURS - 1 else text
            if form is number and cell:
                sheet.write_number(last, column, int(cell), form)
            elif cell:
                sheet.write_string(last, column, _fitting(cell), form)
    for column, width in enumerate(widths):
        sheet.set_column(column, column, width, text)
    sheet.autofilter(0, 0, last, len(header) - 1)
    sheet.ignore_errors({"number_stored_as_text": f"A1:XFD{last + 1}"})
    sheet.set_landscape()
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(0)


def _width(cell: str) -> int:
    longest = max(map(len, cell.split("\n")))
    return min(max(longest + 2, _NARROWEST), _WIDEST)


def _fitting(cell: str) -> str:
    return cell if len(cell) <= LONGEST_CELL else cell[: LONGEST_CELL - len(CUT)] + CUT
