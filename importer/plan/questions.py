"""Questions that only matching can ask: about codes, and about customers that are gone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from importer.i18n import tr, trn
from importer.questions.question import Question, as_it_is, take

if TYPE_CHECKING:
    from importer.matching.verdicts import SheetQuestion

_EXAMPLES = 5  # rows that are named


def as_question(question: SheetQuestion) -> Question:
    """Return a question of matching in the form of all other questions."""
    rows, code = len(question.rows), question.code
    match code:
        case "shared_codes":
            field = "code"
            message = trn(
                "{n} row has the code of another customer: is the code of this list its own?",
                "{n} rows have the codes of other customers: are the codes of this list its own?",
                rows,
            )
            assumed = tr("the codes don't identify customers")
            answers: tuple[str, ...] = (as_it_is(code), take("code", ""))
        case "two_codes":
            field = "code"
            message = trn(
                "{n} row repeats a name and phone with another code",
                "{n} rows repeat a name and phone with another code",
                rows,
            )
            assumed = tr("they are the same people")
            answers = (as_it_is(code),)
        case _:
            field = "sheet"
            message = trn(
                "{n} customer that this list created is no longer at Clopos",
                "{n} customers that this list created are no longer at Clopos",
                rows,
            )
            assumed = tr("they were deleted on purpose and are not created again")
            answers = (as_it_is(code), f"--recreate {rows}")
    examples = tuple(tr("row {row}", row=row) for row in question.rows[:_EXAMPLES])
    return Question(code, field, message, (), rows, examples, assumed, answers)
