"""Sending a sheet: begun behind three doors, watched, paused, continued."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from aiohttp import web

from importer.errors import UsageError
from importer.i18n import number, tr, trn
from importer.pipeline.online import require_answers
from importer.pipeline.wording import clock
from importer.records import Status
from importer.results.wording import duration, meanings_of, reported_text
from importer.ui.conflict_routes import open_conflicts
from importer.ui.desk import desk_of, settings_of
from importer.ui.live import error_of, shown_of, state_of, state_words
from importer.ui.plan_routes import FIRST, plan_id
from importer.ui.render import done, page
from importer.ui.sending import Sent
from importer.ui.where import where_of
from importer.ui.work import prepared_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from importer.pipeline.options import Output
    from importer.ui.desk import Sheet
    from importer.ui.tasks import Task


def routes() -> list[web.RouteDef]:
    """Return the routes of sending."""
    return [
        web.post("/sheets/{name}/run", send),
        web.get("/sheets/{name}/run", show_run),
        web.get("/run", show_current),
        web.post("/run/pause", pause),
    ]


async def send(request: web.Request) -> web.StreamResponse:
    """Begin to send the plan that was seen, or continue it. Raises UsageError at a shut door."""
    work, prepared = await prepared_of(request)
    name, desk = work.name, desk_of(request)
    sheet = desk.sheet(name)
    settings = await settings_of(request, work.path)
    form = {key: str(value) for key, value in (await request.post()).items()}
    seen = sheet.planned
    if (
        seen is None
        or not sheet.is_current(prepared, settings)
        or form.get("plan") != plan_id(seen)
    ):
        raise UsageError(
            tr("This is not the plan that was shown last"),
            why=tr(
                "the list, a decision or the plan has changed since, or another tab made a plan"
            ),
            fix=tr("look at the plan, then send it"),
            code="plan_changed",
        )
    require_answers(seen.plan, seen.options.max_new)
    desk.send(name, seen, _limit(form, desk.left_to_send(name)), work.output)
    return done(request, "sheets", name, "run")


def _limit(form: Mapping[str, str], rows: int) -> int | None:
    """Return how many of so many rows may be sent, None for all.

    Raises UsageError where more weren't confirmed.
    """
    if form.get("rows") == "first":
        return FIRST
    if rows > FIRST and form.get("sure") != str(rows):
        raise UsageError(
            trn("{n} customer was not confirmed", "{n} customers were not confirmed", rows),
            why=tr("what is created can't be taken back through the API"),
            fix=tr("tick the box beside the number, or send {n} first", n=number(FIRST)),
            code="not_confirmed",
        )
    return None


async def pause(request: web.Request) -> web.StreamResponse:
    """Stop the task in progress gently: what is in flight is finished."""
    task = desk_of(request).tasks.current
    if task is None:
        return done(request, "run")
    task.stop()
    return done(request, "sheets", task.sheet, part_of(task))


def part_of(task: Task) -> str:
    """Return the last part of the address of the page that shows a task."""
    return {"verify": "results", "undo": "results", "holders": "conflicts"}.get(
        task.kind, task.kind
    )


async def show_current(request: web.Request) -> web.StreamResponse:
    """Go to the page of the task in progress; to the first page where there is none."""
    task = desk_of(request).tasks.current
    return done(request, "sheets", task.sheet, part_of(task)) if task else done(request, "")


async def show_run(request: web.Request) -> web.StreamResponse:
    """Show how far sending is, or what it came to."""
    work, prepared = await prepared_of(request)
    name, desk = work.name, desk_of(request)
    settings = await settings_of(request, work.path)
    sheet, task = desk.sheet(name), desk.tasks.last("run", name)
    current = sheet.is_current(prepared, settings)
    shown = shown_of(task, desk.tasks)
    undecided = 0
    if task and not task.running and isinstance(task.value, Sent):
        undecided = await open_conflicts(work, prepared, settings, sheet)
    if task and state_of(task) == "paused":
        shown["error"] = None  # it stands among the notes of the run
    return page(
        request,
        "run.html",
        step="run",
        work=work,
        where=where_of(settings, desk.seen),
        run=_run(task, sheet, desk.left_to_send(name), undecided, current=current)
        if task
        else None,
        files=_files(task, work.output),
        **shown,
    )


def _run(task: Task, sheet: Sheet, left: int, undecided: int, *, current: bool) -> dict[str, Any]:
    """Return a run as its page shows it.

    `left` is how many rows are still to be sent, `undecided` how many conflicts are open.
    """
    state, now = state_of(task), datetime.now().astimezone()
    seen = sheet.planned
    meanings = meanings_of()
    counts: Mapping[Status, int] = {}
    if isinstance(task.value, Sent):
        summary = task.value.result.summary
        counts = summary.counts or {}
    ended = datetime.fromtimestamp(task.ended).astimezone() if task.ended else None
    return {
        "state": state,
        "title": tr("The first customers are sent")
        if state == "done" and left and sheet.sent
        else state_words(state),
        "conflicts": undecided,
        "invalid": counts.get(Status.INVALID, 0),
        "counts": [(str(status), n, meanings[status]) for status, n in counts.items() if n],
        "at": clock(ended, now) if ended else "",
        "took": duration(task.ended - task.started) if task.ended else "",
        "notes": (
            *_why_paused(task, state),
            *_earlier(task),
            *_reported(task),
            *task.watch.shown.notes,
        ),
        "left": left,
        "sure": left > FIRST,
        "plan": plan_id(seen) if seen and current and left else "",
        "again": not current,
    }


def _files(task: Task | None, output: Output) -> list[tuple[str, str]]:
    """Return what a run wrote: the name of each kind, and where the file is."""
    if task is None or not isinstance(task.value, Sent) or not task.value.result.results:
        return []
    files = [(tr("Results file"), str(task.value.result.results))]
    if output.report and output.report.is_file():
        files.append((tr("Report"), str(output.report)))
    return files


def _earlier(task: Task) -> tuple[str, ...]:
    """Return what it means that customers exist whom an earlier run of the list created."""
    if not isinstance(task.value, Sent) or not task.value.earlier:
        return ()
    return (
        trn(
            "{n} of those that exist was created by an earlier run of this list",
            "{n} of those that exist were created by an earlier run of this list",
            len(task.value.earlier),
        ),
    )


def _reported(task: Task) -> tuple[str, ...]:
    """Return how many rows the last run told of, where the project file says they are known."""
    summary = task.value.result.summary if isinstance(task.value, Sent) else None
    known = summary.more.get("known_problems") if summary else 0
    return (reported_text(known),) if known else ()


def _why_paused(task: Task, state: str) -> tuple[str, ...]:
    """Return what a run that was stopped says: on request, or to be done by a time."""
    error = error_of(task)
    return (error.what,) if error and state == "paused" else ()
