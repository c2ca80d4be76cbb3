"""Rows of a kind of problem, with the cells that can be edited."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from importer.fixes.apply import row_texts
from importer.i18n import tr
from importer.problems import CATALOGUE, Level
from importer.ui.fix_forms import mark
from importer.ui.kinds import Kind, cells_of_kind, columns_for, texts_of, used_columns

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from importer.pipeline.prepare import Prepared
    from importer.records import Problem


class Cell(NamedTuple):
    """A cell of a row; `mark` is "" where it can't be edited here.

    `why` is its message, `wrong` whether it holds the row back.
    """

    id: str
    column: int
    header: str
    text: str
    mark: str = ""
    why: str = ""
    wrong: bool = False


class Line(NamedTuple):
    """A row as a page shows it; `mark` is that of the row as the file has it."""

    row: int
    cells: list[Cell]
    reason: str
    mark: str


def lines_of_kind(
    prepared: Prepared, kind: Kind, rows: Sequence[int], sent: Mapping[int, str]
) -> list[Line]:
    """Return rows of a kind; in a row that is wrong as a whole all cells can be edited.

    The reason of a line is what else is wrong with its row. `sent` is row → id of its customer, of
    rows that are at Clopos: they can't be edited.
    """
    part = kind._replace(rows=tuple(rows))
    wrong: dict[int, dict[int, str | None]]
    wrong = {row: {column: kind.code} for row, column, _ in cells_of_kind(prepared, part)}
    if kind.code == "malformed_row":
        wrong = {row: dict.fromkeys(used_columns(prepared)) for row in rows}
    reasons: defaultdict[int, dict[str, None]] = defaultdict(dict)
    for problem in prepared.problems:
        other = (problem.field, problem.code) != (kind.field, kind.code)
        if problem.row in wrong and other:
            reasons[problem.row][_words(prepared, problem)] = None
    for row, why in prepared.sheet.malformed.items():
        reasons[row][tr(why)] = None
    words = {row: "; ".join(of) for row, of in reasons.items()}
    return _lines(prepared, rows, wrong, words, sent, columns_for(prepared, [kind.field]))


def lines_of_repeats(
    prepared: Prepared, rows: Sequence[int], sent: Mapping[int, str], shown: Sequence[int]
) -> list[tuple[Line, Line | None]]:
    """Return rows that repeat or contradict another, each with that one, by the columns `shown`.

    The cells of the field that both share can be edited.
    """
    outcomes = {row: prepared.outcomes[row] for row in rows}
    columns = prepared.mapping.columns
    wrong = {
        row: dict.fromkeys(columns.get(each.field or "", ())) for row, each in outcomes.items()
    }
    messages = {row: each.message for row, each in outcomes.items()}
    others = sorted({each.duplicate_of for each in outcomes.values() if each.duplicate_of})
    by_row = {line.row: line for line in _lines(prepared, others, {}, {}, {}, shown)}
    return [
        (line, by_row.get(outcomes[line.row].duplicate_of or 0))
        for line in _lines(prepared, rows, wrong, messages, sent, shown)
    ]


def line_of_row(prepared: Prepared, row: int, sent: Mapping[int, str]) -> Line:
    """Return a row in which each cell that makes a field can be edited.

    The problem is shown beside the cell; the reason is the outcome of the row.
    """
    wrong: dict[int, str | None] = dict.fromkeys(used_columns(prepared))
    for problem in prepared.problems:
        if problem.row == row and problem.field != "row":
            kind = Kind(problem.field, problem.code, (row,))
            for _, column, _ in cells_of_kind(prepared, kind):
                if not _is_wrong(wrong[column]):
                    wrong[column] = problem.code
    outcome = prepared.outcomes.get(row)
    reason = outcome.message if outcome else prepared.remarks.get(row, "")
    (line,) = _lines(prepared, [row], {row: wrong}, {row: reason}, sent, used_columns(prepared))
    return line


def _lines(
    prepared: Prepared,
    rows: Sequence[int],
    wrong: Mapping[int, Mapping[int, str | None]],
    reasons: Mapping[int, str],
    sent: Mapping[int, str],
    columns: Sequence[int],
) -> list[Line]:
    """Return rows; `wrong` is row → column → code of the problem of a cell to be edited."""
    sheet = prepared.sheet
    found, texts = texts_of(sheet, rows, columns)
    marks = row_texts(prepared.fixes.as_read if prepared.fixes else sheet, found)
    lines = []
    for row, *cells in zip(found, *texts, strict=True):
        typed = {} if row in sent else wrong.get(row, {})
        reason = reasons.get(row, "")
        if row in sent:
            there = tr("is customer {id} at Clopos: correct it there", id=sent[row])
            reason = f"{reason}; {there}" if reason else there
        shown = [
            Cell(
                f"{row}-{column}",
                column,
                sheet.headers[column],
                text,
                mark(text) if column in typed else "",
                _title(typed.get(column)),
                wrong=_is_wrong(typed.get(column)),
            )
            for column, text in zip(columns, cells, strict=True)
        ]
        lines.append(Line(row, shown, reason, mark(marks[row])))
    return lines


def _title(code: str | None) -> str:
    return tr(CATALOGUE[code].title) if code else ""


def _is_wrong(code: str | None) -> bool:
    return code is not None and CATALOGUE[code].level is not Level.REMARK


def _words(prepared: Prepared, problem: Problem) -> str:
    columns = prepared.mapping.columns.get(problem.field, ())
    title = tr(CATALOGUE[problem.code].title)
    return f"{prepared.sheet.headers[columns[0]]}: {title}" if columns else title
