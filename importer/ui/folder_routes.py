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
from importer.i18n import number, tr, trn
from importer.mapping.saved import saved_mapping_path
from importer.store import history
from importer.store.records import Kind
from importer.ui.folder import list_sheets, save_upload
from importer.ui.render import done, page
from importer.ui.site import SITE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from importer.store.records import RunRecord
    from importer.ui.folder import Listed
    from importer.ui.site import Site

_CHUNK = 256 * 1024


class _Line(NamedTuple):
    """A sheet as the page lists it, in words."""

    name: str
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
    listed = list_sheets(site.folder)
    runs: dict[str, RunRecord] = {}
    error = None
    try:
        runs = await _last_runs(site)
    except ImporterError as raised:  # of settings or the journal: the lists are there all the same
        error = raised
    sheets = [
        (each, runs.get(str(each.path)), _counted(site, each.name))
        for each in listed
        if not each.results
    ]
    lines = await asyncio.to_thread(lambda: [_line(*each) for each in sheets])
    results = [each.name for each in listed if each.results]
    return page(request, "folder.html", lines=lines, results=results, error=error)


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


def _line(listed: Listed, run: RunRecord | None, rows: int | None) -> _Line:
    return _Line(
        listed.name,
        size=_size(listed.size) if rows is None else _rows(rows),
        when=_when(listed.modified),
        begun=_begun(listed.path),
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
    return datetime.fromtimestamp(epoch).astimezone().strftime("%Y-%m-%d %H:%M")


def _size(size: int) -> str:
    if size < 1024**2:
        return tr("{n} KB", n=number(max(1, round(size / 1024))))
    return tr("{n} MB", n=number(size / 1024**2, 1))
