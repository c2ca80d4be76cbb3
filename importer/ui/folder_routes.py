"""The first page: the sheets of the folder, and the place to drop one. Needs no pandas."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from aiohttp import BodyPartReader, web

from importer.errors import ImporterError, UsageError
from importer.fixes.acts import standing
from importer.fixes.log_file import fixes_path, load_log
from importer.i18n import date_and_time, number, tr, trn
from importer.mapping.saved import saved_mapping_path
from importer.store import history
from importer.store.records import Kind, RunRecord
from importer.ui.folder import SUFFIXES, list_sheets, save_upload
from importer.ui.given import ProjectFiles
from importer.ui.project_sheets import sheets_of
from importer.ui.render import done, page
from importer.ui.site import SITE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from importer.ui.project_sheets import FolderSheet
    from importer.ui.site import Site

_CHUNK = 256 * 1024


class _Line(NamedTuple):
    """A sheet as the page lists it, in words."""

    name: str
    there: bool  # False: it is to be fetched first, or no file matches
    origin: str  # what the project file says of it, "" for nothing
    fetched: bool  # from elsewhere
    size: str  # and rows, where they were counted
    when: str
    begun: str  # what was done to it so far, "" for nothing
    last: str  # what its last run came to
    unfinished: bool  # that run is to be continued


def routes() -> list[web.RouteDef]:
    """Return the routes of the first page."""
    return [
        web.get("/", show_folder),
        web.post("/sheets", upload),
        web.post("/language", choose_language),
        web.post("/end", end),
    ]


async def show_folder(request: web.Request) -> web.StreamResponse:
    """Show the sheets of the folder."""
    site = request.app[SITE]
    project, runs = ProjectFiles(), dict[str, RunRecord]()
    error = None
    try:
        project = await asyncio.to_thread(site.project.files, site.folder)
        runs = await _last_runs(site)
    except ImporterError as raised:  # of settings or the journal: the lists are there all the same
        error = raised
    found, results = sheets_of(site.folder, list_sheets(site.folder), project)
    sheets = [(each, runs.get(str(each.path)), _counted(site, each.name)) for each in found]
    lines = await asyncio.to_thread(lambda: [_line(*each) for each in sheets])
    return page(
        request, "folder.html", lines=lines, results=results, suffixes=SUFFIXES, error=error
    )


async def upload(request: web.Request) -> web.StreamResponse:
    """Keep an uploaded sheet in the folder and open it. Raises UsageError or ServiceError."""
    site = request.app[SITE]
    reader = await request.multipart()
    async for part in reader:
        if isinstance(part, BodyPartReader) and part.name == "file" and part.filename:
            name = await save_upload(site.folder, part.filename, _chunks(part))
            other = name if name != part.filename else None
            return done(request, "sheets", name, "columns", kept=other)
    raise UsageError(tr("No file was chosen"), fix=tr("choose one, then press the button again"))


async def choose_language(request: web.Request) -> web.StreamResponse:
    """Speak another language, and go back to where the menu was."""
    site, form = request.app[SITE], await request.post()
    site.choose_language(str(form.get("language", "")))
    back = str(form.get("back", ""))
    if not back.startswith(site.root):
        back = site.root
    return web.Response(status=303, headers={"Location": back})


async def end(request: web.Request) -> web.StreamResponse:
    """End the server, after this answer; while rows are being sent only where that is meant."""
    site = request.app[SITE]
    if site.running and not (await request.post()).get("sure"):
        return page(request, "end.html")
    if site.ended:
        asyncio.get_running_loop().call_later(0.3, site.ended.set)
    return page(request, "ended.html")


async def _chunks(part: BodyPartReader) -> AsyncIterator[bytes]:
    while chunk := await part.read_chunk(_CHUNK):
        yield chunk


async def _last_runs(site: Site) -> dict[str, RunRecord]:
    """Return the newest run of each sheet, by its path."""
    found = await history(site.settings())
    runs: dict[str, RunRecord] = {}
    for run in found.runs:
        if run.kind is Kind.RUN:
            runs.setdefault(str(site.folder / run.file), run)
    return runs


def _line(sheet: FolderSheet, run: RunRecord | None, rows: int | None) -> _Line:
    listed, project = sheet.file, sheet.project
    origin = ""
    if project and project.source:
        origin = tr("from {source}", source=project.source)
    elif project and project.newest_of:
        origin = tr("the newest of {pattern}", pattern=project.newest_of)
    size = "" if listed is None else _size(listed.size) if rows is None else _rows(rows)
    return _Line(
        sheet.name,
        there=listed is not None,
        origin=origin,
        fetched=bool(project and project.source),
        size=size,
        when=_when(listed.modified) if listed else "",
        begun=_begun(sheet.path) if listed else "",
        last=_run_words(run) if run else "",
        unfinished=run is not None and run.finished is None,
    )


def _counted(site: Site, name: str) -> int | None:
    """Return how many rows a sheet has, None where it wasn't read since the start."""
    work = site.works.get(name)
    return len(work.opened.sheet.table) if work and work.opened else None


def _rows(rows: int) -> str:
    return trn("{n} row", "{n} rows", rows)


def _begun(sheet: Path) -> str:
    """Return how many fixes hold, or that columns and answers are kept."""
    path, fixes = fixes_path(sheet), 0
    with contextlib.suppress(UsageError):  # the page of the sheet says so
        fixes = len(standing(load_log(path).acts)) if path.is_file() else 0
    if fixes:
        return trn("{n} fix", "{n} fixes", fixes)
    return tr("begun") if saved_mapping_path(sheet).is_file() else ""


def _run_words(run: RunRecord) -> str:
    """Return when a sheet was sent, and how many of its rows are at Clopos."""
    if run.finished is None:
        return tr("interrupted on {when}", when=_when(run.started))
    counts = (run.summary.get("report") or {}).get("counts") or run.summary
    there = int(counts.get("created") or 0) + int(counts.get("exists") or 0)
    conflicts = int(counts.get("conflict") or 0)
    text = trn(
        "sent on {when}: {n} customer is at Clopos",
        "sent on {when}: {n} customers are at Clopos",
        there,
        when=_when(run.finished),
    )
    if conflicts:
        text += ", " + trn("{n} conflict", "{n} conflicts", conflicts)
    return text


def _when(epoch: float) -> str:
    return date_and_time(datetime.fromtimestamp(epoch).astimezone())


def _size(size: int) -> str:
    if size < 1024**2:
        return tr("{n} KB", n=number(max(1, round(size / 1024))))
    return tr("{n} MB", n=number(size / 1024**2, 1))
