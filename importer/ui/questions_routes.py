"""Page of questions: one click an answer, each with its number."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from aiohttp import web

from importer.errors import UsageError
from importer.i18n import tr
from importer.mapping.saved import load_saved, write_saved
from importer.pipeline.answers import answered, save_answers
from importer.ui import words
from importer.ui.frame import rows_for_a_person
from importer.ui.paging import number_in
from importer.ui.render import done, page
from importer.ui.work import judge, prepared_of

if TYPE_CHECKING:
    from pathlib import Path

    from importer.pipeline.prepare import Prepared
    from importer.questions.question import Question
    from importer.ui.site import Site
    from importer.ui.work import Work

_TRIED_UP_TO = 20_000  # rows; of a larger sheet answers are shown without what they come to


class _Answer(NamedTuple):
    """An answer as the page shows it. `ready`: rows that could be sent then; None: not tried."""

    number: int
    title: str
    ready: int | None
    best: bool


def routes() -> list[web.RouteDef]:
    """Return the routes of the questions."""
    return [
        web.get("/sheets/{name}/questions", show_questions),
        web.post("/sheets/{name}/questions", answer_question),
        web.post("/sheets/{name}/questions/again", ask_again),
        web.get("/sheets/{name}/next", show_next),
    ]


async def show_questions(request: web.Request) -> web.StreamResponse:
    """Show what is open, and what was answered earlier."""
    work, prepared = await prepared_of(request)
    asked = await asyncio.to_thread(_asked, work, prepared)
    kept = work.opened.saved.reading.get("none_value", ()) if work.opened else ()
    settled = {
        tr("Answered: it is right as it is"): [
            (code, words.settled_words(code, evidence))
            for code, evidence in prepared.accepted.items()
        ],
        tr("Answered: it stands for none"): [(text, text.partition("=")[2]) for text in kept],
    }
    return page(
        request,
        "questions.html",
        step="questions",
        work=work,
        asked=asked,
        settled=settled,
        ready=work.ready,
        rows=len(prepared.sheet.table),
        held=rows_for_a_person(prepared),
    )


async def answer_question(request: web.Request) -> web.StreamResponse:
    """Keep an answer beside the sheet. Raises UsageError where the question isn't open."""
    work, prepared = await prepared_of(request)
    form = await request.post()
    code, number = str(form.get("code", "")), number_in(form.get("answer", ""))
    question = next((each for each in prepared.questions if each.code == code), None)
    places = range(1, len(question.answers) + 1) if question else ()
    if question is None or number is None or number not in places:
        raise UsageError(
            tr("This question is not open any more"),
            why=tr("it was answered elsewhere, or the list has changed"),
            fix=tr("go back to the questions"),
        )
    await asyncio.to_thread(_keep, work.site, work.path, question, question.answers[number - 1])
    work.changed()
    return done(request, "sheets", work.name, "next")


async def show_next(request: web.Request) -> web.StreamResponse:
    """Go to the first page that has something to do: questions, problems, customers."""
    work, prepared = await prepared_of(request)
    if prepared.questions:
        part = "questions"
    else:
        part = "problems" if rows_for_a_person(prepared) else "customers"
    return done(request, "sheets", work.name, part)


async def ask_again(request: web.Request) -> web.StreamResponse:
    """Forget that a question was settled, or that a value stands for none: it is asked again."""
    work, _ = await prepared_of(request)
    code = str((await request.post()).get("code", ""))
    opened = work.opened
    if opened and opened.agreed:
        saved = load_saved(opened.saved_in)
        accepted = {name: each for name, each in saved.accepted.items() if name != code}
        reading = dict(saved.reading)
        none = [text for text in reading.pop("none_value", ()) if text != code]
        reading |= {"none_value": none} if none else {}
        write_saved(opened.saved_in, replace(saved, accepted=accepted, reading=reading))
        work.changed()
    return done(request, "sheets", work.name, "questions")


def _keep(site: Site, path: Path, question: Question, answer: str) -> None:
    """Judge the sheet with an answer, as the prompt of `check` does, and keep what came of it.

    Raises UsageError where the project file says otherwise: its options go before what is kept.
    """
    now = judge(site, path)
    if now.opened is None or now.error:
        raise now.error or UsageError(tr("The list can't be read"), fix=tr("load the page again"))
    judged = judge(site, path, answered(now.opened.options, answer))
    if judged.opened is None or judged.prepared is None:
        raise judged.error or UsageError(
            tr("The list can't be read with this answer"), fix=tr("choose another answer")
        )
    save_answers(judged.opened, judged.prepared)
    if now.given and now.given.names:
        then = judge(site, path, earlier=judged.opened).prepared
        if then and any(each.code == question.code for each in then.questions):
            raise UsageError(
                tr("The answer is kept, but {path} goes before it", path=now.given.project),
                why=tr("it sets {names}", names=", ".join(now.given.names)),
                fix=tr("change it there: {answer}", answer=answer),
            )


def _asked(work: Work, prepared: Prepared) -> list[dict[str, Any]]:
    """Return the open questions with their answers in words, and what each answer comes to."""
    opened = work.opened
    tried = opened is not None and len(prepared.sheet.table) <= _TRIED_UP_TO
    return [
        {
            "code": question.code,
            "title": words.field_name(question.field),
            "message": words.question_words(question),
            "examples": question.examples,
            "assumed": question.assumed,
            "rows": question.rows,
            "columns": question.columns,
            "answers": [
                _Answer(
                    number,
                    words.answer_words(answer),
                    _ready(work, answer) if tried else None,
                    number == 1,
                )
                for number, answer in enumerate(question.answers, start=1)
            ],
        }
        for question in prepared.questions
    ]


def _ready(work: Work, answer: str) -> int | None:
    """Return how many rows could be sent with an answer, None where it leads nowhere."""
    if work.opened is None:
        return None
    if answer not in work.tried:
        options = answered(work.opened.options, answer)
        judged = judge(work.site, work.path, options, earlier=work.opened)
        work.tried[answer] = judged.ready if judged.prepared else None
    return work.tried[answer]
