"""The application: the routes of all areas, below one address that can't be guessed."""

from __future__ import annotations

import asyncio
import importlib
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiohttp import web
from yarl import URL

from importer.errors import FaultError, ImporterError
from importer.i18n import tr
from importer.ui import folder_routes
from importer.ui.guard import HEADERS, Asked, Refusal, decide
from importer.ui.render import STATIC, page, refused, speak, static_digest, wants_json
from importer.ui.site import SITE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from aiohttp.typedefs import Handler

    from importer.ui.site import Site

_MOST_BYTES = 8 * 1024**2  # of a form; uploads are streamed and have a limit of their own
_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


def make_app(site: Site) -> web.Application:
    """Return the application of one start."""
    app = web.Application(
        middlewares=[_secure, _guard, _errors],
        client_max_size=_MOST_BYTES,
    )
    app[SITE] = site
    prefix = site.root.rstrip("/")
    add_routes(
        app.router,
        prefix,
        [
            web.get("/enter", _enter),
            web.get(f"/static/{static_digest()}/{{file}}", _static),
            *folder_routes.routes(),
        ],
    )
    app[PAGES] = Pages(prefix)
    app.router.register_resource(app[PAGES])
    return app


def add_routes(router: web.UrlDispatcher, prefix: str, routes: Iterable[web.RouteDef]) -> None:
    """Add routes whose paths begin with "/" below a prefix."""
    for route in routes:
        router.add_route(route.method, prefix + route.path, route.handler)


class Pages(web.AbstractResource):
    """The routes of `pages`, imported when one is asked for: pandas takes its time.

    The server listens, and shows the folder, before they are there.
    """

    def __init__(self, prefix: str) -> None:
        super().__init__()
        self._prefix = prefix
        self._router: web.UrlDispatcher | None = None

    async def load(self) -> web.UrlDispatcher:
        """Return the routes; the first call imports them in a thread."""
        if self._router is None:
            pages = await asyncio.to_thread(importlib.import_module, "importer.ui.pages")
            router = web.UrlDispatcher()
            add_routes(router, self._prefix, pages.routes())
            router.freeze()
            self._router = router
        return self._router

    async def resolve(
        self, request: web.Request
    ) -> tuple[web.UrlMappingMatchInfo | None, set[str]]:
        """Find the route of a request, as aiohttp asks each resource."""
        found = await (await self.load()).resolve(request)
        if isinstance(found.http_exception, web.HTTPMethodNotAllowed):
            return None, set(found.http_exception.allowed_methods)
        return (None if found.http_exception else found), set()

    @property
    def canonical(self) -> str:
        """Return where in the addresses these pages begin."""
        return self._prefix

    def url_for(self, **_: str) -> URL:
        """Return the address: pages make theirs with `render.link`."""
        return URL(self._prefix)

    def add_prefix(self, prefix: str) -> None:
        """Move the pages below a prefix."""
        self._prefix = prefix + self._prefix

    def get_info(self) -> Any:
        """Return what a person who inspects the application may see."""
        return {"path": self._prefix}

    def raw_match(self, path: str) -> bool:
        """Return whether another resource of this path may be joined to it: never."""
        del path
        return False

    def __len__(self) -> int:
        return 0

    def __iter__(self) -> Iterator[web.AbstractRoute]:
        return iter(())


PAGES = web.AppKey("pages", Pages)


@web.middleware
async def _secure(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Send every answer under the headers of `guard`, errors of aiohttp included."""
    request.app[SITE].last_request = time.monotonic()
    speak(request)
    try:
        response = await handler(request)
    except web.HTTPRedirection as error:
        response = web.Response(status=303, headers={"Location": error.headers["Location"]})
    except web.HTTPException as error:
        response = _plain(error.status, _status_words(error.status))
    if not response.prepared:
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
    return response


@web.middleware
async def _guard(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Admit the requests that `decide` accepts."""
    site = request.app[SITE]
    asked = Asked(
        request.method,
        request.path,
        tuple(request.headers.getall("Host", ())),
        request.cookies.get(site.cookie),
        request.headers.get("Origin"),
        request.headers.get("Sec-Fetch-Site"),
    )
    refusal = decide(asked, root=site.root, session=site.session)
    if refusal is None:
        return await handler(request)
    return _plain(405 if refusal is Refusal.METHOD else 403, _refusal_words(refusal))


@web.middleware
async def _errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Show an error in its three parts; of a bug only its place is shown."""
    try:
        return await handler(request)
    except ImporterError as error:
        return refused(request, error)
    except web.HTTPNotFound:
        if wants_json(request):
            return web.json_response(
                {"error": {"what": tr("This page does not exist")}}, status=404
            )
        return page(request, "missing.html", status=404)
    except (web.HTTPException, asyncio.CancelledError, ConnectionError):
        raise
    except Exception as error:  # noqa: BLE001 - the page goes on; without the words: they may hold data
        frames = traceback.extract_tb(error.__traceback__)
        where = " ← ".join(f"{Path(f.filename).name}:{f.lineno}" for f in reversed(frames[-4:]))
        return refused(
            request,
            FaultError(
                tr("Internal error in clopos-import"),
                why=f"{type(error).__name__}: {where}",
                fix=tr("tell the developers; what was done before it is kept"),
            ),
        )


async def _enter(request: web.Request) -> web.StreamResponse:
    """Admit the browser that has the link, once."""
    site = request.app[SITE]
    result = site.door.enter(request.query.get("token", ""))
    if result != "in":
        return _plain(403, _entry_words(result))
    response = web.Response(status=303, headers={"Location": site.root})
    response.set_cookie(site.cookie, site.session, path=site.root, httponly=True, samesite="Strict")
    return response


async def _static(request: web.Request) -> web.StreamResponse:
    name = request.match_info["file"]
    path = next((each for each in STATIC.iterdir() if each.name == name), None)
    if path is None or path.suffix not in _TYPES:
        raise web.HTTPNotFound
    body = await asyncio.to_thread(path.read_bytes)
    response = web.Response(body=body, content_type=_TYPES[path.suffix], charset="utf-8")
    response.headers["Cache-Control"] = "private, max-age=86400, immutable"
    return response


def _plain(status: int, words: str) -> web.Response:
    """Return a page without style sheet: its address is secret to a browser without access."""
    return web.Response(text=words + "\n", status=status, content_type="text/plain")


def _refusal_words(refusal: Refusal) -> str:
    if refusal is Refusal.SESSION:
        return tr(
            "This browser has no access, or clopos-import was restarted. Press Enter in the "
            "terminal where it runs: it shows a new link."
        )
    if refusal is Refusal.METHOD:
        return tr("This address doesn't accept such requests.")
    return tr("This request doesn't come from a page of clopos-import on this machine.")


def _entry_words(result: str) -> str:
    again = tr("Press Enter in the terminal where clopos-import runs: it shows a new link.")
    if result == "used":
        return tr("This link was used already; if not by you, end clopos-import.") + " " + again
    if result == "late":
        return tr("This link is older than two minutes.") + " " + again
    return tr("This link isn't valid.") + " " + again


def _status_words(status: int) -> str:
    if status == 413:
        return tr("The form is too large.")
    return tr("This address doesn't accept such requests.") if status in {400, 405} else str(status)
