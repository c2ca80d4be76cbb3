"""Conflicts side by side: the row and the customer at Clopos, and what a person decides."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from aiohttp import web

from importer.errors import ImporterError, UsageError
from importer.i18n import tr
from importer.matching.verdicts import Answer
from importer.pipeline.customers_by_id import read_customers
from importer.pipeline.decisions import decisions_about, keep_decisions, keyed_rows
from importer.records import Status
from importer.ui import words
from importer.ui.desk import Keyed, desk_of, settings_of
from importer.ui.kinds import used_columns
from importer.ui.live import shown_of
from importer.ui.paging import number_in, paging
from importer.ui.render import done, page
from importer.ui.results_table import results_of
from importer.ui.where import where_of
from importer.ui.work import prepared_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import pandas as pd

    from importer.clopos import Existing
    from importer.pipeline.prepare import Prepared
    from importer.records import Outcome
    from importer.settings import Settings
    from importer.ui.desk import Sheet
    from importer.ui.results_table import ResultRow
    from importer.ui.tasks import Task
    from importer.ui.work import Work

PAGE = 20  # conflicts of a page
_FIELDS = ("name", "phone", "code", "email", "date_of_birth")


def routes() -> list[web.RouteDef]:
    """Return the routes of conflicts."""
    return [
        web.get("/sheets/{name}/conflicts", show_conflicts),
        web.post("/sheets/{name}/conflicts", decide),
        web.post("/sheets/{name}/conflicts/read", read_holders),
    ]


async def show_conflicts(request: web.Request) -> web.StreamResponse:
    """Show conflicts by the newest plan or run, else by the results file."""
    work, prepared = await prepared_of(request)
    name, desk = work.name, desk_of(request)
    settings = await settings_of(request, work.path)
    sheet = desk.sheet(name)
    conflicts = await _conflicts(work, prepared, settings, sheet)
    shown, place = paging(request.query, len(conflicts), PAGE)
    listed = conflicts[place]
    task = desk.tasks.last("holders", name)
    undecided = [each for each in conflicts if _is_open(each, sheet)]
    return page(
        request,
        "conflicts.html",
        step="results" if work.results_file else "plan",
        work=work,
        where=where_of(settings, desk.seen),
        conflicts=[_conflict(each, prepared, sheet) for each in listed],
        undecided=len(undecided),
        decided=len(conflicts) - len(undecided),
        unread=len(_unread(listed, sheet)),
        paging=shown,
        **shown_of(task, desk.tasks),
        outdated=sheet.outdated,
        changed=sheet.planned is not None and sheet.planned.source is not prepared,
    )


async def decide(request: web.Request) -> web.StreamResponse:
    """Keep what was decided about a row, or all that are open, where the next run finds it.

    Raises UsageError for a row that isn't in conflict, ServiceError while a run is in progress.
    """
    work, prepared = await prepared_of(request)
    name, desk = work.name, desk_of(request)
    form = {key: str(value) for key, value in (await request.post()).items()}
    settings = await settings_of(request, work.path)
    sheet = desk.sheet(name)
    conflicts = await _conflicts(work, prepared, settings, sheet)
    answer, meant = form.get("answer", ""), _meant(form, conflicts, sheet)
    if not meant or any(answer not in answers_for(each) for each in meant):
        raise UsageError(
            tr("This conflict is not the one that was shown"),
            why=tr("the plan or the results have changed since"),
            fix=tr("look at the conflicts, then decide"),
        )
    kept = {each.row: (Answer(answer), each.existing_id) for each in meant}
    keyed = sheet.keyed.rows if sheet.keyed else {}
    if not keyed.keys() >= kept.keys():  # a run was in progress when they were to be made
        keyed = await asyncio.to_thread(keyed_rows, prepared, settings, kept.keys())
    await asyncio.to_thread(keep_decisions, [*keyed.values()], settings, str(work.path), kept)
    sheet.decided |= dict.fromkeys(kept, Answer(answer))
    sheet.outdated = True
    return done(
        request,
        "sheets",
        name,
        "conflicts",
        fragment=f"row-{meant[0].row}" if len(meant) == 1 else "",
        page=number_in(form.get("page", "")),
    )


def _meant(form: Mapping[str, str], conflicts: Iterable[Outcome], sheet: Sheet) -> list[Outcome]:
    """Return the conflicts that a form decides: one as it was shown, or all that are open.

    Of all, none where their number isn't the one on the button.
    """
    if form.get("row") == "all":
        found = [each for each in conflicts if _is_open(each, sheet)]
        return found if form.get("about") == str(len(found)) else []
    return [
        each
        for each in conflicts
        if str(each.row) == form.get("row") and (each.existing_id or "") == form.get("about")
    ]


def _is_open(outcome: Outcome, sheet: Sheet) -> bool:
    return outcome.row not in sheet.decided and not outcome.decided


async def read_holders(request: web.Request) -> web.StreamResponse:
    """Read the customers that the conflicts of a page name: one request each."""
    work, prepared = await prepared_of(request)
    name, desk = work.name, desk_of(request)
    settings = await settings_of(request, work.path)
    sheet = desk.sheet(name)
    form = {key: str(value) for key, value in (await request.post()).items()}
    conflicts = await _conflicts(work, prepared, settings, sheet)
    shown, place = paging(form, len(conflicts), PAGE)
    ids = _unread(conflicts[place], sheet)

    def read(task: Task) -> None:
        sheet.holders |= read_customers(
            ids,
            settings,
            str(work.path),
            reporter=task.watch,
            stopping=lambda: task.stopping,
        )

    if ids:
        desk.tasks.start("holders", name, read)
    return done(request, "sheets", name, "conflicts", page=shown.page)


def answers_for(outcome: Outcome) -> tuple[str, ...]:
    """Return what may be decided of a conflict; «same» needs a customer at Clopos."""
    with_customer = outcome.existing_id is not None
    return ("same", "other", "skip") if with_customer else ("other", "skip")


async def open_conflicts(work: Work, prepared: Prepared, settings: Settings, sheet: Sheet) -> int:
    """Return how many conflicts of a sheet are still to be decided."""
    found = await _conflicts(work, prepared, settings, sheet)
    return sum(_is_open(each, sheet) for each in found)


async def _conflicts(
    work: Work, prepared: Prepared, settings: Settings, sheet: Sheet
) -> list[Outcome]:
    """Return the conflicts of a sheet, and fill in what was decided at an earlier start."""
    if sheet.planned and sheet.planned.source is prepared:
        found = list(sheet.planned.outcomes.values())
    else:
        table = await results_of(work, sheet)
        rows = table.rows(table.places(Status.CONFLICT)) if table else []
        found = [each.outcome for each in rows if _is_unchanged(each, prepared)]
    here = set(prepared.values.index)
    conflicts = [each for each in found if each.status is Status.CONFLICT and each.row in here]
    await _recall(work, prepared, settings, sheet, frozenset(each.row for each in conflicts))
    return sorted(conflicts, key=lambda each: each.row)


def _is_unchanged(row: ResultRow, prepared: Prepared) -> bool:
    """Return whether a row of earlier results is still the row of this number in the sheet."""
    table, headers = prepared.sheet.table, prepared.sheet.headers
    number = row.outcome.row
    return number in table.index and all(
        table.loc[number, n] == row.cells.get(headers[n], "") for n in used_columns(prepared)
    )


async def _recall(
    work: Work, prepared: Prepared, settings: Settings, sheet: Sheet, rows: frozenset[int]
) -> None:
    """Make the keys of the rows in conflict, and read what was decided about them earlier."""
    if not rows or (sheet.keyed and sheet.keyed.is_of(prepared, settings, rows)):
        return
    keyed = await asyncio.to_thread(keyed_rows, prepared, settings, rows)
    if not sheet.planned:  # else the plan knows
        try:
            earlier = await asyncio.to_thread(
                decisions_about, list(keyed.values()), settings, str(work.path)
            )
        except ImporterError:
            return  # a run is in progress: asked again with the next page
        sheet.decided = earlier
    sheet.keyed = Keyed(prepared, settings, keyed)


def _unread(conflicts: Iterable[Outcome], sheet: Sheet) -> list[str]:
    ids = [each.existing_id for each in conflicts if each.existing_id]
    return [id_ for id_ in dict.fromkeys(ids) if id_ not in sheet.holders]


def _conflict(outcome: Outcome, prepared: Prepared, sheet: Sheet) -> dict[str, Any]:
    """Return a conflict as its page shows it: both sides field by field."""
    ours = _of_row(prepared.values, outcome.row)
    id_ = outcome.existing_id
    existing = sheet.holders.get(id_) if id_ else None
    theirs = _of_customer(existing) if existing else {}
    beside = tr("Customer {id} at Clopos", id=id_) if id_ else ""
    of = outcome.duplicate_of
    # The customer of Clopos may be that row, and not have the value: then the row shows it.
    if of is not None and not (existing and _has(existing, outcome.field, ours)):
        theirs = _of_row(prepared.values, of)
        beside = " · ".join(filter(None, (tr("Row {row} of the list", row=of), beside)))
    decided = sheet.decided.get(outcome.row)
    return {
        "row": outcome.row,
        "id": id_ or "",
        "of": outcome.duplicate_of,
        "beside": beside,
        "message": outcome.message,
        "decided": str(decided or ("skip" if outcome.decided else "")),
        "answers": answers_for(outcome),
        "known": bool(theirs),
        "gone": bool(id_) and id_ in sheet.holders and sheet.holders[id_] is None,
        "fields": [
            {
                "title": words.field_name(field),
                "ours": ours.get(field, ""),
                "theirs": theirs.get(field, ""),
                "clash": field == outcome.field,
            }
            for field in _FIELDS
            if ours.get(field) or theirs.get(field)
        ],
    }


def _of_row(values: pd.DataFrame, row: int) -> dict[str, str]:
    if row not in values.index:
        return {}
    cells = values.loc[row]
    return {field: str(cells[field]) for field in _FIELDS if isinstance(cells[field], str)}


def _has(existing: Existing, field: str | None, ours: Mapping[str, str]) -> bool:
    """Return whether a customer has the value of a field that a row has."""
    if field == "phone":
        return ours.get(field, "").lstrip("+") in existing.phones
    return field is not None and _of_customer(existing).get(field) == ours.get(field)


def _of_customer(existing: Existing) -> dict[str, str]:
    found = {
        "name": existing.name,
        "phone": ", ".join(existing.typed_phones),
        "code": existing.code,
        "email": existing.email,
        "date_of_birth": existing.date_of_birth,
    }
    return {field: text for field, text in found.items() if text}
