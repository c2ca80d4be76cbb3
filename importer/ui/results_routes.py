"""Pages of results: counts, tables, downloads; the check of everything, the undo list."""

from __future__ import annotations

import asyncio
import re
import tempfile
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from aiohttp import web

from importer.errors import UsageError
from importer.i18n import tr
from importer.pipeline.undo import undo_list
from importer.pipeline.verify import verify_prepared
from importer.pipeline.wording import clock, verification_paragraphs
from importer.records import Status
from importer.report.rebuild import rebuild_report
from importer.results.csv_writer import write_csv
from importer.results.wording import meanings_of, run_again
from importer.settings import require_credentials
from importer.store import history
from importer.store.records import Kind
from importer.ui import words
from importer.ui.conflict_routes import open_conflicts
from importer.ui.desk import desk_of, settings_of
from importer.ui.live import error_of, live
from importer.ui.paging import number_in, paging
from importer.ui.render import done, page
from importer.ui.results_table import results_of
from importer.ui.site import SITE
from importer.ui.where import where_of
from importer.ui.work import prepared_of, work_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from importer.pipeline.prepare import Prepared
    from importer.pipeline.undo import Created
    from importer.pipeline.verify import Verified
    from importer.settings import Settings
    from importer.store.records import RunRecord
    from importer.ui.results_table import ResultRow, ResultsTable
    from importer.ui.tasks import Task
    from importer.ui.work import Work

_UNDONE = 5  # runs that can be taken back, the newest
_SHOWN = 100  # differences that are shown one by one
_UNDO = re.compile(r"undo-run-([1-9][0-9]{0,8})\.xlsx")
_FIELDS = ("name", "phone", "code")


def routes() -> list[web.RouteDef]:
    """Return the routes of results."""
    return [
        web.get("/sheets/{name}/results", show_results),
        web.get("/sheets/{name}/download/{what}", download),
        web.post("/sheets/{name}/verify", verify),
        web.post("/sheets/{name}/undo", list_undo),
    ]


async def show_results(request: web.Request) -> web.StreamResponse:
    """Show the outcomes of the rows by the results file, all or those of one status."""
    work, prepared = await prepared_of(request)
    name, desk = work.name, desk_of(request)
    settings = await settings_of(request, work.path)
    table = await results_of(work, desk.sheet(name))
    runs = await _runs(settings, work.path)
    tasks = [desk.tasks.last(kind, name) for kind in ("verify", "undo")]
    ended = [task for task in tasks if task and not task.running]
    current = next((task for task in tasks if task and task.running), None)
    context: dict[str, Any] = {}
    if table:
        context = _table(request, table, prepared, desk.sheet(name).earlier)
        context["undecided"] = await open_conflicts(work, prepared, settings, desk.sheet(name))
    return page(
        request,
        "results.html",
        step="results",
        work=work,
        where=where_of(settings, desk.seen),
        table=table is not None,
        run=_run(runs[0]) if runs else None,
        live=live(current) if current else None,
        live_kind=current.kind if current else "",
        live_title=tr("Everything is checked")
        if current and current.kind == "verify"
        else tr("Customers are read at Clopos"),
        error=next((error for task in ended if (error := error_of(task))), None),
        verified=next(
            (_verified(task.value) for task in ended if task.kind == "verify" and task.value), None
        ),
        undo=_undo(work, runs),
        other=desk.tasks.current if desk.tasks.current is not current else None,
        **context,
    )


def _table(
    request: web.Request, table: ResultsTable, prepared: Prepared, earlier: Mapping[str, float]
) -> dict[str, Any]:
    wanted = request.query.get("status", "")
    status = Status(wanted) if wanted in list(Status) else None
    places = table.places(status)
    shown, place = paging(request.query, len(places))
    counts, meanings = table.counts, meanings_of()
    written = datetime.fromtimestamp(table.stamp[0] / 1e9).astimezone()
    columns = columns_of(prepared)
    return {
        "counts": [(str(each), n, meanings[each]) for each, n in counts.items()],
        "chosen": str(status) if status else "",
        "conflicts": counts.get(Status.CONFLICT, 0),
        "again": run_again(counts),
        "file": table.path.name,
        "at": clock(written, datetime.now().astimezone()),
        "titles": [words.field_name(field) for field in columns],
        "rows": [_row(row, columns, earlier) for row in table.rows(places[place])],
        "paging": shown,
    }


def columns_of(prepared: Prepared) -> dict[str, list[str]]:
    """Return field → headers of the sheet, for what tells customers apart."""
    headers, secret = prepared.sheet.headers, set(prepared.mapping.secret)
    found = {
        field: [headers[n] for n in prepared.mapping.columns.get(field, ()) if n not in secret]
        for field in _FIELDS
    }
    return {field: names for field, names in found.items() if names}


def cells_of(row: ResultRow, columns: dict[str, list[str]]) -> list[str]:
    """Return what a row has in the columns of each field."""
    return [
        " ".join(text for header in headers if (text := row.cells.get(header, "")))
        for headers in columns.values()
    ]


def _row(
    row: ResultRow, columns: dict[str, list[str]], earlier: Mapping[str, float]
) -> dict[str, Any]:
    """Return a row as its page shows it; `earlier` is id → when an earlier run created it."""
    outcome = row.outcome
    message = outcome.message
    created = earlier.get(outcome.clopos_id or "") if outcome.status is Status.EXISTS else None
    if created:
        when = clock(datetime.fromtimestamp(created).astimezone(), datetime.now().astimezone())
        text = tr("created by an earlier run of this list, at {when}", when=when)
        message = "; ".join(filter(None, (text, message)))
    return {
        "row": outcome.row,
        "status": str(outcome.status),
        "id": outcome.clopos_id or "",
        "message": message,
        "cells": cells_of(row, columns),
    }


async def _runs(settings: Settings, path: Path) -> list[RunRecord]:
    """Return the runs of a sheet into this brand, the newest first."""
    found = await history(settings)
    return [
        run
        for run in found.runs
        if run.kind is Kind.RUN
        and (run.file, run.brand, run.base_url) == (str(path), settings.brand, settings.base_url)
    ]


def _run(run: RunRecord) -> dict[str, Any]:
    error = (run.summary.get("report") or {}).get("error")
    return {"unfinished": run.finished is None, "error": error[0] if error else ""}


def _created(run: RunRecord) -> int:
    """Return how many customers a run created, as far as it noted that."""
    facts = run.summary.get("report") or {}
    return int((facts.get("counts") or {}).get("created", 0))


def _undo(work: Work, runs: Iterable[RunRecord]) -> list[dict[str, Any]]:
    """Return the runs whose customers can be listed, as the page shows them: the first ten, too."""
    found = [
        {"number": run.id, "created": _created(run), "list": _undo_of(work, run)} for run in runs
    ]
    return [each for each in found if each["created"] or each["list"]][:_UNDONE]


def _verified(verified: Verified) -> dict[str, Any]:
    texts = [text for _, text in verification_paragraphs(verified, _SHOWN)]
    return {"agrees": not verified.differences, "title": texts[0], "lines": texts[1:]}


async def verify(request: web.Request) -> web.StreamResponse:
    """Check the results against the sheet, the journal and Clopos."""
    work, prepared = await prepared_of(request)
    name, desk = work.name, desk_of(request)
    settings = await settings_of(request, work.path)
    table = await results_of(work, desk.sheet(name))
    if table is None:
        raise UsageError(tr("There are no results yet"), fix=tr("send the list first"))
    desk.tasks.start(
        "verify",
        name,
        lambda task: verify_prepared(prepared, settings, table.path, reporter=task.watch),
    )
    return done(request, "sheets", name, "results")


async def list_undo(request: web.Request) -> web.StreamResponse:
    """List what a run created, the last one unless the form names another.

    It is for deleting that by hand in the back office.
    """
    work = work_of(request)
    name, desk = work.name, desk_of(request)
    settings = await settings_of(request, work.path)
    require_credentials(settings)
    wanted = number_in(str((await request.post()).get("run", "")))
    runs = await _runs(settings, work.path)
    run = next((run for run in runs if wanted in {None, run.id}), None)
    if run is None:
        raise UsageError(tr("There are no results yet"), fix=tr("send the list first"))
    to = _undo_path(work, run)

    def list_created(task: Task) -> Created:
        return undo_list(run.id, to, settings, reporter=task.watch, stopping=lambda: task.stopping)

    desk.tasks.start("undo", name, list_created)
    return done(request, "sheets", name, "results")


def _undo_of(work: Work, run: RunRecord) -> str:
    """Return the name of the undo list of a run, "" where there is none."""
    path = _undo_path(work, run)
    return path.name if _is_plain(path) else ""


def _undo_path(work: Work, run: RunRecord) -> Path:
    return work.path.with_name(f"undo-run-{run.id}.xlsx")


def _is_plain(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()


async def download(request: web.Request) -> web.StreamResponse:
    """Send results, report or undo list as a file: never shown among our own pages."""
    work, what = work_of(request), request.match_info["what"]
    await work.latest()
    path = work.results_file
    if _UNDO.fullmatch(what):
        listed = work.path.with_name(what)
        if not _is_plain(listed):
            raise web.HTTPNotFound
        return _file(await asyncio.to_thread(listed.read_bytes), what)
    if path is None:
        raise web.HTTPNotFound
    match what:
        case "results":
            return _file(await asyncio.to_thread(path.read_bytes), path.name)
        case "results.csv":
            table = await results_of(work, desk_of(request).sheet(work.name))
            if table is None:
                raise web.HTTPNotFound
            data = await asyncio.to_thread(_as_csv, table)
            return _file(data, f"{path.stem}.csv")
        case "report.html" | "report-private.html":
            runs = await history(await asyncio.to_thread(request.app[SITE].settings, work.path))
            private = what == "report-private.html"
            data = await asyncio.to_thread(_report, path, runs.runs, private=private)
            return _file(data, f"{work.path.name}.{what}")
        case _:
            raise web.HTTPNotFound


def _as_csv(table: ResultsTable) -> bytes:
    with tempfile.TemporaryDirectory(prefix="clopos-ui-") as folder:
        part = Path(folder) / "results.csv"
        write_csv(part, table.header, [table.columns], ",")
        return part.read_bytes()


def _report(results: Path, runs: tuple[RunRecord, ...], *, private: bool) -> bytes:
    with tempfile.TemporaryDirectory(prefix="clopos-ui-") as folder:
        part = Path(folder) / "report.html"
        rebuild_report(results, part, runs, private=private)
        return part.read_bytes()


def _file(data: bytes, name: str) -> web.Response:
    return web.Response(
        body=data,
        content_type="application/octet-stream",
        headers={"Content-Disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}"},
    )
