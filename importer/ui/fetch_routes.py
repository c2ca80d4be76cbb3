"""A sheet of the project file that is fetched from elsewhere, and how far that is."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from aiohttp import web

from importer.errors import StoppedError
from importer.i18n import tr
from importer.ui.desk import desk_at, desk_of
from importer.ui.live import shown_of
from importer.ui.project_sheets import project_sheet
from importer.ui.render import done, page
from importer.ui.site import SITE

if TYPE_CHECKING:
    from importer.ui.tasks import Task


def routes() -> list[web.RouteDef]:
    """Return the routes of fetching."""
    return [
        web.get("/sheets/{name}/fetch", show_fetch),
        web.post("/sheets/{name}/fetch", fetch),
    ]


async def fetch(request: web.Request) -> web.StreamResponse:
    """Begin to fetch a sheet, as the commands do. Raises UsageError where that can't be."""
    site, name = request.app[SITE], request.match_info["name"]
    sheet = await asyncio.to_thread(project_sheet, site, name)
    if sheet is None or not sheet.source:
        raise web.HTTPNotFound
    path = sheet.path

    def work(task: Task) -> bool:
        with task.watch.step(tr("waiting for the first byte")) as show:

            def report(done: int, of: int | None) -> None:
                if task.stopping:
                    raise StoppedError(tr("Stopped: nothing was fetched"), fix=tr("fetch it again"))
                show(done // 1024, of and of // 1024, what=tr("KB fetched"))

            site.project.fetch(site.folder, path, report)
        return True

    desk_at(site).tasks.start("fetch", name, work)
    return done(request, "sheets", name, "fetch")


async def show_fetch(request: web.Request) -> web.StreamResponse:
    """Show how far the fetch of a sheet is, or why it failed; open the sheet that came."""
    name, desk = request.match_info["name"], desk_of(request)
    task = desk.tasks.last("fetch", name)
    if task is None:
        return done(request, "")
    if task.value:
        return done(request, "sheets", name, "columns")
    return page(request, "fetch.html", name=name, **shown_of(task, desk.tasks))
