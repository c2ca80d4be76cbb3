"""Results as a workbook that a shop owner can work in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import xlsxwriter
from xlsxwriter.exceptions import XlsxFileError

from importer.i18n import tr, tr_noop
from importer.problems import CATALOGUE, Level
from importer.records import FIELDS, RESULT_COLUMNS, RESULTS_WORKSHEET, SENT_WORKSHEET, Status

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from importer.records import Customer, Outcome, Problem, Sheet

LONGEST_CELL = 32_767
CUT = tr_noop(" … (cut: a cell of a workbook holds no more)")
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


class CellNote(NamedTuple):
    """Note about a cell for a person; an error keeps the value from being sent."""

    is_error: bool
    text: str


def write_workbook(
    path: Path,
    header: list[str],
    lines: Iterable[tuple[str, ...]],
    notes: Mapping[int, Mapping[int, CellNote]],
    sent: Iterable[Customer] | None = None,
) -> None:
    """Write a worksheet: frozen header with a filter, the status coloured, bad cells marked.

    Cells are text, so that `+994…` and `007` stay what they are and nothing is run as a formula;
    a text too long for a cell is cut and says so. `notes` is row number → index among the sheet's
    own columns → what to say there. The customers that are sent go into a second worksheet; None:
    there is none.

    Raises OSError when it can't be written.
    """
    try:
        # Text is never taken for a formula or an address, and columns are text even where they
        # are empty: what is typed in later keeps its zeros.
        with xlsxwriter.Workbook(path, {"constant_memory": True}) as book:
            style = _styles(book)
            _fill(book, style, header, lines, notes)
            if sent is not None:
                _fill_sent(book, style, sent)
    except XlsxFileError as error:
        raise OSError(str(error)) from error


def notes_of(
    sheet: Sheet,
    own: list[int],
    outcomes: Mapping[int, Outcome],
    problems: Iterable[Problem],
    columns: Mapping[str, tuple[int, ...]],
) -> dict[int, dict[int, CellNote]]:
    """Return row number → index in `own` → note; `own` are the columns that are shown.

    Of several columns that make a field, the note goes to the one with the problem's text; if none
    has it, or it is an outcome's, to the first with a text that has no note yet. Problems of a
    whole row, or of a field the sheet has no column for, have no cell.
    """
    place = {number: index for index, number in enumerate(own)}
    notes: dict[int, dict[int, CellNote]] = {}

    def add(row: int, field: str, value: str, new: CellNote) -> None:
        shown = [number for number in columns.get(field, ()) if number in place]
        if not shown:
            return
        of_row = notes.setdefault(row, {})

        def likelihood(number: int) -> tuple[bool, bool, bool]:
            text = str(sheet.table.at[row, number])
            return bool(value) and text == value, bool(text), place[number] not in of_row

        index = place[max(shown, key=likelihood)]
        if earlier := of_row.get(index):
            new = CellNote(earlier.is_error or new.is_error, f"{earlier.text}\n{new.text}")
        of_row[index] = new

    for problem in problems:
        entry = CATALOGUE[problem.code]
        text = f"{tr(entry.title)}: {tr(entry.hint)}" if entry.hint else tr(entry.title)
        is_error = entry.level is not Level.REMARK
        add(problem.row, problem.field, problem.value, CellNote(is_error, text))
    for outcome in outcomes.values():
        if outcome.field:
            is_error = outcome.status is not Status.DUPLICATE
            add(outcome.row, outcome.field, "", CellNote(is_error, outcome.message))
    return notes


def _fill(
    book: xlsxwriter.Workbook,
    style: Mapping[str, Any],
    header: list[str],
    lines: Iterable[tuple[str, ...]],
    notes: Mapping[int, Mapping[int, CellNote]],
) -> None:
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
        for index, note in notes.get(int(line[0]), {}).items():
            column = _OURS + index
            look = style["error" if note.is_error else "remark"]
            if line[column]:
                sheet.write_string(last, column, _fitting(line[column]), look)
            else:  # a name that is missing
                sheet.write_blank(last, column, None, look)
            comments += 1
            if comments <= MOST_COMMENTS:
                sheet.write_comment(last, column, note.text, _COMMENT)
        if last <= _LOOKED_AT:
            pairs = zip(widths, line, strict=True)
            widths[_OURS:] = [max(width, _width(cell)) for width, cell in pairs][_OURS:]
    _arrange(sheet, style, widths, last)
    sheet.freeze_panes(1, 2)


def _fill_sent(
    book: xlsxwriter.Workbook, style: Mapping[str, Any], sent: Iterable[Customer]
) -> None:
    """Write the values as Clopos gets them. The worksheet is not read back, so it is locked."""
    sheet = book.add_worksheet(SENT_WORKSHEET)
    header = [RESULT_COLUMNS[0], *FIELDS]
    for column, name in enumerate(header):
        sheet.write_string(0, column, name, style["ours"])
    widths = [_WIDTHS[0], *(_width(name) + _BUTTON for name in FIELDS)]
    last = 0
    for last, customer in enumerate(sent, start=1):
        sheet.write_number(last, 0, customer.row, style["number"])
        for column, value in enumerate((getattr(customer, name) for name in FIELDS), start=1):
            if isinstance(value, int):
                sheet.write_number(last, column, value, style["number"])
            elif value is not None:
                sheet.write_string(last, column, _fitting(value), style["text"])
                if last <= _LOOKED_AT:
                    widths[column] = max(widths[column], _width(value))
    _arrange(sheet, style, widths, last)
    sheet.freeze_panes(1, 1)
    sheet.protect(options={"autofilter": True, "sort": True, "format_columns": True})


def _arrange(sheet: Any, style: Mapping[str, Any], widths: list[int], last: int) -> None:
    """Set widths, filter and print layout of a worksheet whose last row is `last` (from 0)."""
    for column, width in enumerate(widths):
        sheet.set_column(column, column, width, style["text"])
    sheet.autofilter(0, 0, last, len(widths) - 1)
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
        "error": text | {"bg_color": "#F8CBAD", "border": 1, "border_color": "#C00000"},
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
