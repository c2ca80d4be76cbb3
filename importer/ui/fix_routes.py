"""Acts of the problem pages: on disk before they are answered, and taken back, any of them."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import TYPE_CHECKING

from aiohttp import web

from importer.errors import UsageError
from importer.fixes.acts import TakeBack, standing
from importer.fixes.log_file import append
from importer.i18n import tr, trn
from importer.ui.fix_forms import OF_A_KIND, OutdatedError, change_of, mark
from importer.ui.fix_words import act_words, bar_of, lines_of, log_of, of_one_click
from importer.ui.paging import paging
from importer.ui.problem_routes import read_cell
from importer.ui.render import done, page, refused, texts, wants_json
from importer.ui.work import prepared_of, work_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from importer.fixes.acts import Act
    from importer.pipeline.prepare import Prepared
    from importer.ui.fix_forms import Change
    from importer.ui.work import Work


def routes() -> list[web.RouteDef]:
    """Return the routes of the fixes."""
    return [
        web.get("/sheets/{name}/fixes", show_fixes),
        web.post("/sheets/{name}/fixes", fix),
        web.post("/sheets/{name}/fixes/take-back", take_back),
        web.post("/sheets/{name}/fixes/{n}/take-back", take_back),
        web.post("/sheets/{name}/fixes/{n}/again", do_again),
    ]


async def show_fixes(request: web.Request) -> web.StreamResponse:
    """Show all fixes of a sheet, the newest first, each to be taken back."""
    work, _ = await prepared_of(request, now=False)
    lines = lines_of(work)
    shown, place = paging(request.query, len(lines))
    return page(
        request,
        "fixes.html",
        step="problems",
        work=work,
        lines=lines[place],
        paging=shown,
        file=work.fixes_file.name,
    )


async def fix(request: web.Request) -> web.StreamResponse:
    """Keep what a form asks for. Raises UsageError and ServiceError as `change_of` and `append`."""
    work = work_of(request)
    judged = await work.latest()
    form = {name: str(value) for name, value in (await request.post()).items()}
    if work.sheet_changed or (work.stale and form.get("do") in OF_A_KIND):
        judged = await work.current()
    opened, prepared = judged.opened, judged.prepared
    if opened is None or prepared is None:
        raise judged.error or UsageError(
            tr("The list can't be read"), fix=tr("load the page again")
        )
    try:
        async with work.acting:
            change = await asyncio.to_thread(change_of, opened, prepared, form)
            (*_, last) = await asyncio.to_thread(_keep, work, change.acts)
    except OutdatedError as error:
        return _outdated(request, work, error, form)
    work.changed()
    back = form.get("back", "problems").strip("/").split("/")
    if not wants_json(request) or not form.get("line") or isinstance(last, TakeBack):
        query = {name: form[name] for name in ("by", "page") if form.get(name)}
        return done(request, "sheets", work.name, *back, **query)
    return await asyncio.to_thread(_answer, work, prepared, change, last, form["line"][:30])


async def take_back(request: web.Request) -> web.StreamResponse:
    """Take a fix back, whatever came after it."""
    return await _undo(request, again=False)


async def do_again(request: web.Request) -> web.StreamResponse:
    """Let a fix hold again that was taken back."""
    return await _undo(request, again=True)


async def _undo(request: web.Request, *, again: bool) -> web.StreamResponse:
    work = work_of(request)
    await work.latest()
    form = await request.post()
    n = request.match_info.get("n") or str(form.get("n", ""))
    async with work.acting:
        acts = {str(act.n): act for act in log_of(work).acts}
        if n not in acts:
            raise web.HTTPNotFound
        held = standing(acts.values())
        holds = acts[n] in held
        if holds == again:
            error = OutdatedError(
                tr("This fix holds already") if again else tr("This fix was taken back already")
            )
            return _outdated(request, work, error, {})
        if again:
            undone = _taken_back_by(list(acts.values()), int(n))
        elif "n" in request.match_info:
            undone = [int(n)]
        else:  # the bar is about the last click
            upto = [act for act in held if act.n <= int(n)]
            undone = [act.n for act in of_one_click(upto)]
        await asyncio.to_thread(_keep, work, [TakeBack(each) for each in undone])
    work.changed()
    site, back = work.site, str(form.get("back", ""))
    if back.startswith(site.root) and not wants_json(request):
        return web.Response(status=303, headers={"Location": back})
    return done(request, "sheets", work.name, "fixes")


def _taken_back_by(acts: Sequence[Act], n: int) -> list[int]:
    """Return the acts that hold and take an act back."""
    lifted: set[int] = set()
    found = []
    for act in reversed(acts):
        if isinstance(act, TakeBack) and act.n not in lifted:
            lifted.add(act.act)
            if act.act == n:
                found.append(act.n)
    return found


def _keep(work: Work, acts: Sequence[Act]) -> list[Act]:
    given = work.judged.given if work.judged else None
    if given and given.sheet.no_fixes:
        raise UsageError(
            tr("Fixes are switched off"),
            why=tr("{path} says no-fixes", path=given.project),
            fix=tr("take it out there"),
        )
    now = datetime.now().astimezone()
    return append(work.fixes_file, acts, of=work.path.name, now=now)


def _answer(
    work: Work, prepared: Prepared, change: Change, act: Act, line: str
) -> web.StreamResponse:
    """Return the texts that stand beside a field once it is set."""
    note = trn("saved, {n} cell", "saved, {n} cells", change.number)
    found: dict[str, str] = {}
    values: dict[str, str] = {"bar-n": str(act.n)}
    if bar := bar_of(work):
        found = {
            "bar": act_words(bar.act, change.number),
            "bar-saved": tr("Saved {when}", when=bar.saved),
            "bar-fixes": trn("{n} fix", "{n} fixes", bar.fixes),
        }
    if change.column is not None and change.text is not None:
        if change.row is not None:
            read = read_cell(prepared, change.column, change.row, change.text)
            note += f" · {read}" if read else ""
        values[f"is-{line}"] = change.text
        if "-" in line:  # of one cell
            values[f"mark-{line}"] = mark(change.text)
        else:
            values[f"instead-{line}"] = str(act.n)
    found[f"note-{line}"] = "✓ " + note
    return texts(found, values)


def _outdated(
    request: web.Request, work: Work, error: OutdatedError, form: Mapping[str, str]
) -> web.StreamResponse:
    """Answer 409, with what the cell holds by now."""
    line = form.get("line", "")[:30]
    if not wants_json(request):
        response = refused(request, error, work=work)
        response.set_status(409)
        return response
    values = {}
    if error.now is not None:
        values = {f"is-{line}": error.now, f"mark-{line}": mark(error.now)}
    return web.json_response(
        {"error": error.as_dict(), "text": {f"note-{line}": error.what}, "value": values},
        status=409,
    )
