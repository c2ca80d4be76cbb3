"""Facts → pages: templates, words in the language of the request, the frame, errors."""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from importer.errors import FaultError, ImporterError, UsageError
from importer.i18n import LANGUAGES, language, number, percent, set_language, tr, trn
from importer.results.wording import duration
from importer.text import shorten, strip_control
from importer.ui.fix_words import bar_of
from importer.ui.flags import page_fix, page_words
from importer.ui.frame import steps_of
from importer.ui.site import SITE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from importer.ui.site import Site
    from importer.ui.work import Work

_FOLDER = Path(__file__).parent
STATIC = _FOLDER / "static"
LANGUAGE_NAMES = {"az": "Azərbaycan", "en": "English", "ru": "Русский", "tr": "Türkçe"}


@functools.cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_FOLDER / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {
        "tr": tr,
        "trn": trn,
        "duration": duration,
        "languages": LANGUAGE_NAMES,
    }
    environment.filters |= {
        "number": number,
        "percent": percent,
        "pair": lambda text: (text, text),
        "sentence": _sentence,
        "page_fix": page_fix,
        "page_words": page_words,
        "short": lambda text, letters=60: shorten(strip_control(str(text)), letters),
    }
    return environment


def _sentence(text: str) -> str:
    """Return a text with a capital first letter; that of i has its dot in Azerbaijani, Turkish."""
    dotted = text[:1] == "i" and language() in {"az", "tr"}
    return ("İ" if dotted else text[:1].upper()) + text[1:]


@functools.cache
def static_digest() -> str:
    """Return what the addresses of the static files hold, so that a new version is loaded."""
    files = sorted(path for path in STATIC.iterdir() if path.is_file())
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()[:12]


def link(site: Site, *parts: object, **query: object) -> str:
    """Return the address of a page: `link(site, "sheets", name, "columns", page=2)`.

    A query whose value is None is left out.
    """
    path = "/".join(quote(str(part), safe="") for part in parts)
    pairs = [f"{name}={quote(str(v), safe='')}" for name, v in query.items() if v is not None]
    return site.root + path + ("?" + "&".join(pairs) if pairs else "")


def page(
    request: web.Request,
    template: str,
    *,
    step: str = "",
    work: Work | None = None,
    status: int = 200,
    **context: Any,
) -> web.Response:
    """Return a page within the frame. `step` is the one it belongs to; `work` is its sheet."""
    site = request.app[SITE]
    steps = steps_of(work, step) if work else ()
    text = (
        _environment()
        .get_template(template)
        .render(
            link=functools.partial(link, site),
            static=functools.partial(link, site, "static", static_digest()),
            language=language(),
            folder=str(site.folder),
            here=request.rel_url.path_qs,
            steps=steps,
            sheet=work.name if work else "",
            bar=bar_of(work) if work else None,
            **context,
        )
    )
    response = web.Response(text=text, content_type="text/html", status=status)
    response.enable_compression()  # a hundred forms are alike
    return response


def wants_json(request: web.Request) -> bool:
    """Return whether the script asks: it takes finished texts rather than a page."""
    return "application/json" in request.headers.get("Accept", "")


def done(
    request: web.Request, *parts: object, fragment: str = "", **query: object
) -> web.StreamResponse:
    """Answer an act: go to a page (303), the script's as JSON `{"go": address}`."""
    address = link(request.app[SITE], *parts, **query) + (f"#{fragment}" if fragment else "")
    if wants_json(request):
        return web.json_response({"go": address})
    return web.Response(status=303, headers={"Location": address})


def texts(
    text: Mapping[str, str], value: Mapping[str, float | str] | None = None
) -> web.StreamResponse:
    """Answer the script: texts by id of the element, and values of bars and fields by id."""
    return web.json_response({"text": dict(text), "value": dict(value or {})})


def refused(
    request: web.Request, error: ImporterError, *, work: Work | None = None
) -> web.StreamResponse:
    """Return an error in its three parts, as a page or for the script."""
    status = {UsageError.exit_code: 400, FaultError.exit_code: 500}.get(error.exit_code, 502)
    if wants_json(request):
        parts = {**error.as_dict(), "fix": error.fix and page_fix(error.fix)}
        return web.json_response({"error": parts}, status=status)
    return page(request, "error.html", work=work, error=error, status=status)


def language_of(request: web.Request) -> str:
    """Return the chosen language, else the first that browser and program both speak."""
    site = request.app[SITE]
    if site.language:
        return site.language
    for part in request.headers.get("Accept-Language", "").split(","):
        if (spoken := part.strip()[:2].lower()) in LANGUAGES:
            return spoken
    return "en"


def speak(request: web.Request) -> None:
    """Set the language of the request for all that is called from here on."""
    set_language(language_of(request))
