"""Problems and clashes → the cells of the sheet they are about. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from importer.i18n import tr
from importer.problems import CATALOGUE, Level
from importer.records import Status

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from importer.records import Outcome, Problem, Sheet


class Mark(NamedTuple):
    """What a person should know about a cell; `grave` when it keeps the value from being sent."""

    grave: bool
    text: str


def marks_of(
    sheet: Sheet,
    own: list[int],
    outcomes: Mapping[int, Outcome],
    problems: Iterable[Problem],
    columns: Mapping[str, tuple[int, ...]],
) -> dict[int, dict[int, Mark]]:
    """Return row number → index in `own` → mark, `own` being the columns that are shown.

    Of several columns that make a field, the one with the problem's text is meant; if none has it,
    or it is an outcome's, the first with a text that has no problem of its own. Problems of a whole
    row, or of a field the sheet has no column for, mark nothing.
    """
    place = {number: index for index, number in enumerate(own)}
    found: dict[int, dict[int, Mark]] = {}

    def mark(row: int, field: str, value: str, new: Mark) -> None:
        shown = [number for number in columns.get(field, ()) if number in place]
        if not shown:
            return
        marks = found.setdefault(row, {})

        def likely(number: int) -> tuple[bool, bool, bool]:
            text = str(sheet.table.at[row, number])
            return bool(value) and text == value, bool(text), place[number] not in marks

        index = place[max(shown, key=likely)]
        if earlier := marks.get(index):
            new = Mark(earlier.grave or new.grave, f"{earlier.text}\n{new.text}")
        marks[index] = new

    for problem in problems:
        level, title, hint = CATALOGUE[problem.code]
        text = f"{tr(title)}: {tr(hint)}" if hint else tr(title)
        mark(problem.row, problem.field, problem.value, Mark(level is not Level.REMARK, text))
    for outcome in outcomes.values():
        if outcome.field:
            grave = outcome.status is not Status.DUPLICATE
            mark(outcome.row, outcome.field, "", Mark(grave, outcome.message))
    return found
