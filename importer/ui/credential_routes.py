"""The page of the credentials: found where, tried, kept, forgotten. No value is ever shown."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from aiohttp import web
from yarl import URL

from importer.environment import ENV_FILES, env_file_in
from importer.errors import ImporterError, UsageError
from importer.i18n import tr
from importer.settings import DEFAULT_BASE_URL, LOOPBACK, read_settings
from importer.ui.credentials import (
    NAMES,
    keep_in_file,
    sources_of,
    take_from_file,
    try_soon,
)
from importer.ui.desk import desk_of
from importer.ui.flags import credential_titles
from importer.ui.render import done, page, refused, wants_json
from importer.ui.site import SITE
from importer.ui.where import where_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from importer.ui.site import Site


def routes() -> list[web.RouteDef]:
    """Return the routes of the credentials."""
    return [
        web.get("/credentials", show_credentials),
        web.post("/credentials", keep_credentials),
        web.post("/credentials/forget", forget_credentials),
    ]


async def show_credentials(request: web.Request) -> web.StreamResponse:
    """Show which credentials were found, and where."""
    return await _page(request)


async def keep_credentials(request: web.Request) -> web.StreamResponse:
    """Try what was typed, with what was found for the rest; keep it only where it works."""
    site, form = request.app[SITE], await request.post()
    typed = {name: str(form.get(name, "")).strip() for name in NAMES}
    typed = {name: value for name, value in typed.items() if value}
    try:
        env = await asyncio.to_thread(site.environment, None, typed)
        if str(form.get("address")) != "on" and _is_strange(env):
            raise UsageError(
                tr("The credentials would go to another address than that of Clopos"),
                why=read_settings(env).base_url,
                fix=tr("tick that the address is right, or correct CLOPOS_BASE_URL"),
            )
        seen = await try_soon(read_settings(env))
        if form.get("keep") == "file":
            await asyncio.to_thread(_keep_in_file, site, site.credentials | typed)
            site.credentials.clear()
        else:
            site.credentials |= typed
    except ImporterError as error:
        # The script leaves the fields as they are: no page ever has a value in it.
        return refused(request, error) if wants_json(request) else await _page(request, error)
    desk_of(request).seen = seen
    desk_of(request).tasks.forget("plan")  # with the refusal that these may have cured
    return done(request, "credentials")


async def forget_credentials(request: web.Request) -> web.StreamResponse:
    """Forget what was typed; also what the file .env holds, where that is asked for."""
    site, form = request.app[SITE], await request.post()
    site.credentials.clear()
    desk_of(request).seen = None
    if form.get("file") == "on":
        try:
            await asyncio.to_thread(take_from_file, _env_file(site))
        except ImporterError as error:
            return await _page(request, error)
    return done(request, "credentials")


def _keep_in_file(site: Site, values: Mapping[str, str]) -> None:
    for name, value in values.items():
        if site.environ.get(name, value).strip() != value:
            raise UsageError(
                tr("{name} is in the environment, too, with another value", name=name),
                why=tr("the environment goes before a file .env"),
                fix=tr("take it out of the environment, or keep it until the program ends"),
            )
    keep_in_file(_env_file(site), values)


def _env_file(site: Site) -> Path:
    """Return the file of the folder that is read, a new one where there is none."""
    return env_file_in(site.folder) or site.folder / ENV_FILES[0]


def _is_strange(env: Mapping[str, str]) -> bool:
    """Return whether the address is neither that of Clopos nor this machine's."""
    url = read_settings(env).base_url
    return url != DEFAULT_BASE_URL and URL(url).host not in LOOPBACK


async def _page(request: web.Request, error: ImporterError | None = None) -> web.Response:
    site, desk = request.app[SITE], desk_of(request)
    context: dict[str, Any] = {"where": None, "strange": False}
    env: dict[str, str] = {}
    try:
        env = await asyncio.to_thread(site.environment)
        context = {
            "where": where_of(read_settings(env), desk.seen),
            "strange": _is_strange(env),
        }
    except ImporterError as found:
        error = error or found
    sources = sources_of(site.credentials, site.environ, site.found, env)
    return page(
        request,
        "credentials.html",
        status=200 if error is None else 400,
        error=error,
        seen=None if error else desk.seen,
        fields=[
            {
                "name": name,
                "title": title,
                "hint": hint,
                "secret": name == "CLOPOS_CLIENT_SECRET",
                "found": _found(sources[name]),
            }
            for name, title, hint in _titles()
        ],
        typed=bool(site.credentials),
        in_file="file" in sources.values(),
        last=next(reversed(site.works), ""),
        **context,
    )


def _found(source: str) -> str:
    return {
        "typed": tr("typed here, kept until the program ends"),
        "environment": tr("found in the environment"),
        "file": tr("found in the file .env of this folder"),
        "kept": tr("kept by clopos-import login"),
        "": "",
    }[source]


def _titles() -> list[tuple[str, str, str]]:
    """Return variable, name and hint of each field."""
    office = tr("back office: Add-ons, Open API")
    hints = {
        "CLOPOS_INTEGRATOR_ID": tr(
            "from Clopos, for version 2 of the API; leave it empty if you have none"
        ),
        "CLOPOS_VENUE_ID": tr("the number of the venue, 1 where there is only one"),
    }
    return [(name, title, hints.get(name, office)) for name, title in credential_titles().items()]
