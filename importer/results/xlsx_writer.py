"""Results as a workbook that a shop owner can work in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import xlsxwriter
from xlsxwriter.exceptions import XlsxFileError

from importer.i18n import later, tr
from importer.records import RESULT_COLUMNS, RESULTS_WORKSHEET, Status

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from importer.results.marks import Mark

LONGEST_CELL = 32_767
CUT = later(" … (cut: a cell of a workbook holds no more)")
MOST_COMMENTS = 5_000  # Excel gets slow with more; the colour and import_message stay

_OURS = len(RESULT_COLUMNS)
_WIDTHS = (13, 16, 12, 15, 21, 22, 60)
_LETTERS = 66  # of a message on a line, as letters go
_NARROWEST, _WIDEST = 10, 40
_BUTTON = 2  # letters that the button of the filter takes
_LINE, _HIGHEST = 15, 409  # points; Excel knows no higher row
_LOOKED_AT = 200  # lines that decide how wide a column is
_COMMENT = {"x_scale": 2, "author": "clopos-import"}
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
    lines: Iterable[tuple[str, ...]],
    marks: Mapping[int, Mapping[int, Mark]],
) -> None:
    """Write one worksheet: frozen header with a filter, the status coloured, bad cells marked.

    Cells are text, so that `+994…` and `007` stay what they are and nothing is run as a formula;
    a text too long for a cell is cut and says so. `marks` is row number → index among the sheet's
    own columns → what to say there.

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
    lines: Iterable[tuple[str, ...]],
    marks: Mapping[int, Mapping[int, Mark]],
) -> None:
    style = _styles(book)
    sheet = book.add_worksheet(RESULTS_WORKSHEET)
    for column, name in enumerate(header):
        sheet.write_string(0, column, _fitting(name), style["ours" if column < _OURS else "theirs"])
    widths = [*_WIDTHS, *(_width(name) + _BUTTON for name in header[_OURS:])]
    comments = last = 0
    for last, line in enumerate(lines, start=1):
        sheet.set_row(last, _height(line[_OURS - 1]))
        _write_ours(sheet, last, line, style)
        for column in range(_OURS, len(line)):
            if cell := line[column]:
                sheet.write_string(last, column, _fitting(cell), style["text"])
        for index, mark in marks.get(int(line[0]), {}).items():
            column = _OURS + index
            look = style["grave" if mark.grave else "remark"]
            if line[column]:
                sheet.write_string(last, column, _fitting(line[column]), look)
            else:  # a name that is missing
                sheet.write_blank(last, column, None, look)
            comments += 1
            if comments <= MOST_COMMENTS:
                sheet.write_comment(last, column, mark.text, _COMMENT)
        if last <= _LOOKED_AT:
            pairs = zip(widths, line, strict=True)
            widths[_OURS:] = [max(width, _width(cell)) for width, cell in pairs][_OURS:]
    for column, width in enumerate(widths):
        sheet.set_column(column, column, width, style["text"])
    sheet.freeze_panes(1, 2)
    sheet.autofilter(0, 0, last, len(header) - 1)
    sheet.ignore_errors({"number_stored_as_text": f"A1:XFD{last + 1}"})
    sheet.set_landscape()
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(0)


def _styles(book: xlsxwriter.Workbook) -> dict[str, Any]:
    """Return name → format; the statuses are among the names."""
    text = {"num_format": "@", "valign": "top"}
    title = {"bold": True, "valign": "top", "text_wrap": True, "num_format": "@"}
    looks = {
        "text": text,
        "number": {"valign": "top", "align": "left"},
        "message": text | {"text_wrap": True},
        "ours": title | {"bg_color": "#1F4E78", "font_color": "#FFFFFF"},
        "theirs": title | {"bg_color": "#D9D9D9"},
        "grave": text | {"bg_color": "#F8CBAD", "border": 1, "border_color": "#C00000"},
        "remark": text | {"bg_color": "#FFF2CC"},
        **{status.value: text | {"bg_color": colour} for status, colour in _COLOURS.items()},
    }
    return {name: book.add_format(look) for name, look in looks.items()}


def _write_ours(sheet: Any, at: int, line: tuple[str, ...], style: Mapping[str, Any]) -> None:
    row, status, *ids, of, message = line[:_OURS]
    # As numbers, else 10 would be sorted before 2.
    sheet.write_number(at, 0, int(row), style["number"])
    sheet.write_string(at, 1, status, style[status])
    for column, text in enumerate(ids, start=2):
        if text:
            sheet.write_string(at, column, _fitting(text), style["text"])
    if of:
        sheet.write_number(at, _OURS - 2, int(of), style["number"])
    if message:
        sheet.write_string(at, _OURS - 1, _fitting(message), style["message"])


def _fitting(text: str) -> str:
    """Return text that a cell can hold; Excel counts in UTF-16."""
    if len(text) > LONGEST_CELL // 2 and len(text.encode("utf-16-le")) > 2 * LONGEST_CELL:
        cut = tr(CUT)
        kept = text.encode("utf-16-le")[: 2 * (LONGEST_CELL - len(cut))]
        text = kept.decode("utf-16-le", errors="ignore") + cut
    # The library takes this for markup of its own and would write it unescaped.
    return text + " " if text.startswith("<r>") and text.endswith("</r>") else text


def _height(message: str) -> float | None:
    """Return the height that a message takes, None for a line; not every program works it out."""
    lines = sum(-(-len(part) // _LETTERS) for part in message.split("\n"))
    return None if lines < 2 else min(_LINE * lines, _HIGHEST)


def _width(text: str) -> int:
    longest = max(map(len, text.split("\n")))
    return min(max(longest + 2, _NARROWEST), _WIDEST)
