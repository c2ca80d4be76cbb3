"""Plan and rehearsal of a sheet: what sending creates, costs and where it goes."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from aiohttp import web

from importer.clopos import RateLimiter, default_rates
from importer.credentials import check_one_restaurant
from importer.errors import UsageError
from importer.i18n import number, tr
from importer.pipeline.guards import check_rows, unchanged
from importer.pipeline.online import creates_more
from importer.pipeline.options import SendOptions
from importer.pipeline.rehearse import SCENARIOS, Scenario, rehearse_prepared
from importer.pipeline.wording import clock, plan_paragraphs, rehearsal_paragraphs
from importer.plan.cost import price_of
from importer.plan.schedule import parse_finish, parse_window
from importer.results.wording import duration, meanings_of
from importer.settings import require_credentials
from importer.ui.desk import OLD, desk_at, desk_of, settings_of
from importer.ui.live import shown_of
from importer.ui.paging import number_in
from importer.ui.render import done, page
from importer.ui.where import where_of
from importer.ui.work import prepared_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from importer.pipeline.prepare import Prepared
    from importer.pipeline.rehearse import Rehearsal
    from importer.plan.decide import Plan
    from importer.questions.question import Question
    from importer.settings import Settings
    from importer.ui.desk import Desk, Sheet
    from importer.ui.sending import Planned
    from importer.ui.tasks import Task
    from importer.ui.work import Work

FIRST = 10
"""Rows that are sent first, to be looked at."""

RESERVES = (0, 10, 20, 30, 50)  # percent


def routes() -> list[web.RouteDef]:
    """Return the routes of plan and rehearsal."""
    return [
        web.get("/sheets/{name}/plan", show_plan),
        web.post("/sheets/{name}/plan", make_plan),
        web.post("/sheets/{name}/plan/answer", answer_question),
        web.get("/sheets/{name}/rehearsal", show_rehearsal),
        web.post("/sheets/{name}/rehearsal", rehearse),
    ]


async def show_plan(request: web.Request) -> web.StreamResponse:
    """Show the newest plan of a sheet; without credentials, what can be said without Clopos."""
    work, prepared = await prepared_of(request)
    name, desk = work.name, desk_of(request)
    settings = await settings_of(request, work.path)
    sheet, task = desk.sheet(name), desk.tasks.last("plan", name)
    options = _options(work)
    choices = _choices(options)
    planned = sheet.planned if sheet.is_current(prepared, settings) else None
    missing, unknown = _missing(work.site.environment(work.path), settings)
    return page(
        request,
        "plan.html",
        step="plan",
        work=work,
        where=where_of(settings, desk.seen),
        missing=missing,
        unknown=unknown,
        open_questions=len(prepared.questions),
        estimate=None if planned else _estimate(prepared, settings, options),
        **shown_of(task, desk.tasks),
        outdated=sheet.planned is not None and planned is None,
        plan=_plan(planned, sheet, desk, name) if planned else None,
        choices=choices,
        reserves=sorted({*RESERVES, choices["reserve"]}),
    )


async def make_plan(request: web.Request) -> web.StreamResponse:
    """Ask Clopos and plan. Raises UsageError while that can't be done."""
    work, prepared = await prepared_of(request)
    name, desk = work.name, desk_of(request)
    form = await request.post()
    if "reserve" in form:
        chosen = _chosen({key: str(form[key]) for key in form}, _options(work))
        desk.sheet(name).chosen |= chosen
    settings = await settings_of(request, work.path)
    missing, _ = _missing(work.site.environment(work.path), settings)
    if missing:
        raise missing
    _check_answered(prepared)
    await asyncio.to_thread(_check_whole, work, prepared)
    desk.plan(name, prepared, settings, _options(work))
    return done(request, "sheets", name, "plan")


async def answer_question(request: web.Request) -> web.StreamResponse:
    """Answer what planning asked about the rows, and plan again."""
    work, prepared = await prepared_of(request)
    name, desk = work.name, desk_of(request)
    form = await request.post()
    if form.get("code") == "max_new":
        _allow_more(desk.sheet(name), str(form.get("answer", "")))
        return done(request, "sheets", name, "plan")
    sheet, code, answer = desk.sheet(name), str(form.get("code", "")), str(form.get("answer", ""))
    questions = sheet.planned.plan.questions if sheet.planned else ()
    question = next((each for each in questions if each.code == code), None)
    if question is None or answer not in question.answers:
        raise UsageError(tr("This question is not open any more"), fix=tr("plan again"))
    if answer.startswith("--accept "):
        sheet.accept = (*sheet.accept, code)
    elif answer.startswith("--recreate "):
        sheet.chosen["recreate"] = question.rows
    else:
        return done(request, "sheets", name, "columns")
    desk.plan(name, prepared, await settings_of(request, work.path), _options(work))
    return done(request, "sheets", name, "plan")


def _allow_more(sheet: Sheet, rows: str) -> None:
    """Let the plan that is shown create as many as it says. Raises UsageError for another one."""
    planned = sheet.planned
    if planned is None or rows != str(len(planned.plan.to_send)):
        raise UsageError(tr("This question is not open any more"), fix=tr("plan again"))
    sheet.chosen["max_new"] = int(rows)
    sheet.planned = replace(planned, options=replace(planned.options, max_new=int(rows)))


async def show_rehearsal(request: web.Request) -> web.StreamResponse:
    """Show the newest rehearsal of a sheet, or how far it is."""
    work, prepared = await prepared_of(request)
    name, desk = work.name, desk_of(request)
    task = desk.tasks.last("rehearsal", name)
    ended = task if task and not task.running else None
    return page(
        request,
        "rehearsal.html",
        step="rehearsal",
        work=work,
        open_questions=len(prepared.questions),
        ready=work.ready,
        rehearsal=_rehearsal(ended.value) if ended and ended.value else None,
        **shown_of(task, desk.tasks),
    )


async def rehearse(request: web.Request) -> web.StreamResponse:
    """Start a rehearsal: into a sandbox, on a clock that jumps. Nothing is sent to Clopos."""
    work, prepared = await prepared_of(request)
    name, desk = work.name, desk_of(request)
    faults = str((await request.post()).get("faults", ""))
    settings = await settings_of(request, work.path)
    _check_answered(prepared)
    options = replace(_options(work), windows=(), finish_by=None)
    scenario = SCENARIOS.get(faults, Scenario())

    def task(running: Task) -> Rehearsal:
        return rehearse_prepared(
            prepared,
            settings,
            options,
            scenario,
            reporter=running.watch,
            stopping=lambda: running.stopping,
        )

    desk.tasks.start("rehearsal", name, task)
    return done(request, "sheets", name, "rehearsal")


def _missing(env: Mapping[str, str], settings: Settings) -> tuple[UsageError | None, bool]:
    """Return what is missing of the credentials, and whether that is all of them."""
    try:
        check_one_restaurant(env)
    except UsageError as error:
        return error, False
    try:
        require_credentials(settings)
    except UsageError as error:
        return error, not (settings.brand or settings.client_id or settings.client_secret)
    return None, False


def _check_answered(prepared: Prepared) -> None:
    if prepared.questions:
        raise UsageError(
            tr("A question about the list is open"),
            why=prepared.questions[0].message,
            fix=tr("answer it first"),
        )


def _check_whole(work: Work, prepared: Prepared) -> None:
    """Raise UsageError where the project file would keep a run from sending the sheet."""
    given = work.judged.given if work.judged else None
    if given is None:
        return
    with unchanged(work.path, given.min_age):
        if given.min_rows:
            check_rows(prepared, given.min_rows)


def _options(work: Work) -> SendOptions:
    """Return the options of sending: those of the project file, and what was chosen here."""
    given = work.judged.given if work.judged else None
    chosen = desk_at(work.site).sheet(work.name).chosen
    return replace(given.sending if given else SendOptions(), **chosen)


def _chosen(form: Mapping[str, str], now: SendOptions) -> dict[str, Any]:
    """Return what the form says about sending: fields of SendOptions that differ from now.

    Raises UsageError for what can't be read.
    """
    shown = _choices(now)
    reserve = number_in(form.get("reserve", ""))
    start, end, by = (form.get(key, "").strip() for key in ("from", "until", "by"))
    if bool(start) != bool(end):
        raise UsageError(
            tr("Hours to send need a beginning and an end"), fix=tr("give both, or neither")
        )
    chosen: dict[str, Any] = {}
    if reserve in RESERVES and reserve != shown["reserve"]:
        chosen["reserve"] = reserve / 100
    if (start, end) != (shown["from"], shown["until"]):
        chosen["windows"] = (parse_window(f"{start}-{end}"),) if start else ()
    if by != shown["by"]:
        chosen["finish_by"] = parse_finish(by) if by else None
    return chosen


def _choices(options: SendOptions) -> dict[str, Any]:
    """Return what was chosen, as the form shows it."""
    window = options.windows[0] if options.windows else None
    return {
        "reserve": round(options.reserve * 100),
        "from": f"{window.start:%H:%M}" if window else "",
        "until": f"{window.end:%H:%M}" if window else "",
        "by": f"{options.finish_by:%H:%M}" if options.finish_by else "",
    }


def _estimate(prepared: Prepared, settings: Settings, options: SendOptions) -> dict[str, Any]:
    """Return rows and time as far as they are known without Clopos."""
    version = settings.version if settings.brand else 2
    limiter = RateLimiter(default_rates(version), reserve=options.reserve)
    rows = len(prepared.ready)
    price = price_of(rows, 0, limiter.seconds_of, signed_in=False, reserve=options.reserve)
    return {
        "rows": rows,
        "time": duration((price.minutes or 0.0) * 60),
        "held": len(prepared.sheet.table) - rows,
    }


def _plan(planned: Planned, sheet: Sheet, desk: Desk, name: str) -> dict[str, Any]:
    """Return a plan as its page shows it."""
    now = datetime.now().astimezone()
    made = datetime.fromtimestamp(planned.at).astimezone()
    plan = planned.plan
    left = desk.left_to_send(name)
    return {
        "id": plan_id(planned),
        "rows": left,
        "first": FIRST if left > FIRST else 0,
        "sent": sheet.sent,
        "paragraphs": list(plan_paragraphs(plan, now))[1:],  # the first is the number above them
        "conflicts": plan.undecided,
        "held": sum(not each.decided for each in planned.prepared.invalid.values()),
        "questions": [_question(each) for each in plan.questions],
        "too_many": creates_more(plan, planned.options.max_new),
        "at": clock(made, now),
        "old": now.timestamp() - planned.at > OLD,
        "counts": _counts(plan),
    }


def plan_id(planned: Planned) -> str:
    """Return what a form says about the plan that was seen."""
    return f"{planned.at:.6f}"


def _counts(plan: Plan) -> list[tuple[str, str]]:
    """Return the figures that stand large above a plan."""
    price = plan.price
    counts = [(tr("to create"), number(len(plan.to_send)))]
    if price.requests:
        counts.append((tr("requests"), number(price.requests)))
    if price.requests and price.minutes is not None:
        counts.append((tr("to take"), duration(price.minutes * 60)))
    return counts


def _question(question: Question) -> dict[str, Any]:
    """Return a question about the rows with its answers in words."""
    return {
        "code": question.code,
        "message": question.message,
        "examples": question.examples,
        "answers": [(answer, _answer_words(answer, question)) for answer in question.answers],
    }


def _answer_words(answer: str, question: Question) -> str:
    if answer.startswith("--accept "):
        return tr("Yes: {assumed}", assumed=question.assumed)
    if answer.startswith("--recreate "):
        return tr("Create them anew")
    return tr("Change the columns")


def _rehearsal(rehearsal: Rehearsal) -> dict[str, Any]:
    summary, meanings = rehearsal.summary, meanings_of()
    counts = summary.counts or {}
    return {
        "counts": [(str(status), n, meanings[status]) for status, n in counts.items() if n],
        "paragraphs": [text for _, text in rehearsal_paragraphs(summary)],
        "took": duration(summary.seconds),
    }
