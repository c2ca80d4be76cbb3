"""Prompts about what only a person can decide of a sheet."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from importer.cli.render import COLUMNS
from importer.cli.render_sheet import question_lines
from importer.cli.width import wrap
from importer.i18n import tr
from importer.mapping.choices import address
from importer.pipeline.answers import answered, save_answers

if TYPE_CHECKING:
    from collections.abc import Callable

    from importer.pipeline.options import SheetOptions
    from importer.pipeline.prepare import Opened, Prepared
    from importer.questions.question import Question
    from importer.records import ColumnMapping


def answer_questions(
    opened: Opened,
    prepared: Prepared,
    again: Callable[[SheetOptions], tuple[Opened, Prepared]],
    *,
    tell: Callable[[list[str]], None],
    ask: Callable[[str], str],
) -> Prepared:
    """Ask the open questions one by one, and return the sheet as it is with the answers.

    Each answer may change all that follows: `again` opens and prepares the sheet with other
    options. The answers are kept beside the sheet. One that is left open stays in what is returned.

    Raises KeyboardInterrupt at the end of the input, ServiceError when they can't be kept.
    """
    number, answers = 1, 0
    left: set[str] = set()
    while waiting := [each for each in prepared.questions if each.code not in left]:
        question = waiting[0]
        tell(question_lines(question, number, number + len(waiting) - 1))
        number += 1
        answer = _chosen_answer(question, tell, ask)
        if answer is None:
            tell(["  " + tr("left open")])
            left.add(question.code)
            continue
        tell(wrap(tr("taken: {answer}", answer=answer), COLUMNS, "  "))
        opened, prepared = again(answered(opened.options, answer))
        answers += 1
    if answers and opened.path.is_file():
        save_answers(opened, prepared)
        tell(wrap(tr("saved in {path}", path=opened.saved_in), COLUMNS, "  "))
    return prepared


def with_confirmed_columns(opened: Opened, mapping: ColumnMapping) -> Opened:
    """Return the sheet with the columns that the user chose at the prompt as if by `--map`."""
    headers = opened.sheet.headers
    pinned = [
        (name, header)
        for name, reason in mapping.reasons.items()
        if reason == "--map"
        for header in [address(headers, column) for column in mapping.columns.get(name, ())] or [""]
    ]
    choices = replace(opened.options.choices, given=tuple(pinned))
    return replace(opened, options=replace(opened.options, choices=choices))


def _chosen_answer(
    question: Question, tell: Callable[[list[str]], None], ask: Callable[[str], str]
) -> str | None:
    """Return the answer that is chosen by its number, None where the question is left open."""
    while True:
        line = ask(tr("Number of the answer, Enter for the first, 0 to leave it open:"))
        if not line:  # Ctrl-D
            raise KeyboardInterrupt
        line = line.strip() or "1"
        if line == "0":
            return None
        if line.isdecimal() and int(line) <= len(question.answers):
            return question.answers[int(line) - 1]
        last = len(question.answers)
        tell(["  " + tr("the answers have the numbers 1 to {last}", last=last)])
