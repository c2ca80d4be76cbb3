"""The steps that stand above every page of a sheet, each with its state in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from importer.i18n import number, tr
from importer.records import Status

if TYPE_CHECKING:
    from importer.pipeline.prepare import Prepared
    from importer.ui.work import Work


class Step(NamedTuple):
    """A step: the last part of its address, its name, and its state ("" where none is known)."""

    part: str
    title: str
    state: str = ""
    mark: str = ""  # done, open or "": what the state means, for its colour and shape
    current: bool = False


def steps_of(work: Work, current: str) -> tuple[Step, ...]:
    """Return the steps of a sheet; `current` is the part of the one that is shown."""
    steps = (
        Step("columns", tr("Columns"), *_columns(work)),
        Step("questions", tr("Questions"), *_questions(work)),
        Step("problems", tr("Problems"), *_problems(work)),
        Step("customers", tr("Customers"), *_customers(work)),
        Step("plan", tr("Plan"), *_plan(work)),
        Step("rehearsal", tr("Rehearsal"), *_task(work, "rehearsal")),
        Step("run", tr("Send"), *_task(work, "run")),
        Step("results", tr("Results")),
    )
    return tuple(step._replace(current=step.part == current) for step in steps)


def rows_for_a_person(prepared: Prepared) -> int:
    """Return how many rows are held back and not decided by hand."""
    held = {Status.INVALID, Status.CONFLICT}
    return sum(each.status in held and not each.decided for each in prepared.outcomes.values())


def _columns(work: Work) -> tuple[str, str]:
    judged = work.judged
    if judged is None:
        return "", ""
    if judged.mapping is None:
        return tr("open"), "open"
    return (tr("saved"), "done") if judged.opened and judged.opened.saved.pairs else ("", "")


def _questions(work: Work) -> tuple[str, str]:
    if (prepared := work.prepared) is None:
        return "", ""
    many = len(prepared.questions)
    return (number(many), "open") if many else (tr("none"), "done")


def _problems(work: Work) -> tuple[str, str]:
    if (prepared := work.prepared) is None:
        return "", ""
    many = rows_for_a_person(prepared)
    return (number(many), "open") if many else (tr("none"), "done")


def _customers(work: Work) -> tuple[str, str]:
    prepared = work.prepared
    return ("", "") if prepared is None else (number(work.ready), "")


def _plan(work: Work) -> tuple[str, str]:
    """Return how many rows the newest plan creates, and whether it is of the sheet as it is."""
    desk = work.site.desk
    if desk is None:
        return "", ""
    sheet = desk.sheet(work.name)
    planned = sheet.planned
    if planned is None:
        return _task(work, "plan")
    if sheet.outdated or planned.source is not work.prepared:
        return tr("old"), "open"
    return number(len(planned.plan.to_send)), "done"


def _task(work: Work, kind: str) -> tuple[str, str]:
    """Return how the newest task of a kind stands."""
    task = work.site.desk.tasks.last(kind, work.name) if work.site.desk else None
    if task is None:
        return "", ""
    if task.running:
        return tr("in progress"), "open"
    value = getattr(task.value, "result", task.value)
    if task.error or getattr(value, "error", None):
        return tr("ended early"), "open"
    counts = (value.summary.counts or {}) if kind == "run" and value else {}
    left = counts.get(Status.PENDING, 0)
    return (number(left), "open") if left else (tr("done"), "done")
