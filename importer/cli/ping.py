"""Pings for a heartbeat monitor: a service that notices a missing run."""

from __future__ import annotations

import time
import urllib.request
from http.client import HTTPException
from urllib.error import HTTPError
from urllib.parse import urlsplit, urlunsplit

from importer.errors import UsageError
from importer.i18n import tr

_TRIES = 3
_TIMEOUT = 10.0  # seconds of a try
_PAUSE = 1.0  # seconds between two


def check_ping(url: str) -> None:
    """Raise UsageError, without showing it, for an address that can't be asked for."""
    try:
        parts = urlsplit(url)
        known = parts.scheme in {"http", "https"} and bool(parts.hostname)
        valid = known and parts.username is None and url.isprintable() and parts.port != 0
    except ValueError:
        valid = False
    if not valid or " " in url:
        raise UsageError(
            tr("--ping is not an address"),
            fix=tr("write it like {example}", example="--ping https://hc.example/uuid"),
        )


def ping(url: str, event: str = "") -> str | None:
    """Ask for an address; `event`, "start" or "fail", is added to its path.

    Return why there was no answer, None where there was one.
    """
    parts = urlsplit(url)
    path = f"{parts.path.rstrip('/')}/{event}" if event else parts.path
    request = urllib.request.Request(  # noqa: S310 - `check_ping` lets http and https through
        urlunsplit(parts._replace(path=path)), headers={"User-Agent": "clopos-import"}
    )
    why = ""
    for place in range(_TRIES):
        if place:
            time.sleep(_PAUSE)
        try:
            with urllib.request.urlopen(request, timeout=_TIMEOUT):  # noqa: S310
                return None
        except HTTPError as error:
            why = tr("answer {status}", status=error.code)
            if error.code < 500:
                break
        except (OSError, ValueError, HTTPException) as error:
            reason = getattr(error, "reason", error)
            why = str(getattr(reason, "strerror", None) or reason)[:100]
    return why
