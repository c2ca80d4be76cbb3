"""Which requests are let in: ours, from the browser that was let in, on this machine.

A page in the same browser may try to reach this server: by a form, a rebound name, a frame. Another
user of the machine may try the port.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, field
from enum import Enum
from urllib.parse import urlsplit

_LOCAL = frozenset({"127.0.0.1", "localhost", "::1"})
_SECONDS = 120  # that a link is good for
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'; require-trusted-types-for 'script'",
    "X-Content-Type-Options": "nosniff",
    # Not `no-referrer`: under it a form of our own posts `Origin: null`.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
"""Of every answer, errors included."""


class Refusal(Enum):
    """Why a request isn't let in."""

    HOST = "host"  # not addressed to this machine: perhaps a rebound name
    METHOD = "method"  # neither GET nor POST
    SESSION = "session"  # a browser that wasn't let in
    ORIGIN = "origin"  # a form or script of another site


@dataclass(frozen=True, slots=True)
class Asked:
    """Facts of a request that decide. `hosts` are all Host headers; None: no such header."""

    method: str
    path: str
    hosts: tuple[str, ...]
    cookie: str | None = None
    origin: str | None = None
    fetch_site: str | None = None  # Sec-Fetch-Site


def decide(asked: Asked, *, root: str, session: str) -> Refusal | None:
    """Return why a request is refused, None where it is let in.

    `root` begins the paths of this start, `session` is the cookie's value.
    """
    if len(asked.hosts) != 1 or _name(asked.hosts[0]) not in _LOCAL:
        return Refusal.HOST
    if asked.method not in {"GET", "POST"}:
        return Refusal.METHOD
    if asked.path == f"{root}enter" and asked.method == "GET":
        return None
    if not secrets.compare_digest((asked.cookie or "").encode(), session.encode()):
        return Refusal.SESSION
    if asked.method == "POST" and not _from_here(asked):
        return Refusal.ORIGIN
    return None


def _from_here(asked: Asked) -> bool:
    """Return whether a page of this server sent the form. Browsers send one header or both."""
    if asked.origin is None and asked.fetch_site is None:
        return False
    return asked.origin in {None, f"http://{asked.hosts[0]}"} and asked.fetch_site in {
        None,
        "same-origin",
    }


def _name(host: str) -> str | None:
    """Return the name in a Host header without its port, None where it isn't valid."""
    try:
        parts = urlsplit(f"//{host}")
        _ = parts.port
    except ValueError:
        return None
    return parts.hostname if parts.netloc == host and "@" not in host else None


@dataclass(slots=True)
class Door:
    """The links that let a browser in: each is good once, for two minutes."""

    _open: dict[str, float] = field(default_factory=dict, repr=False)  # token → when it was made
    _used: set[str] = field(default_factory=set, repr=False)

    def new_token(self, now: float | None = None) -> str:
        """Return a new token; `now` is on the monotonic clock."""
        token = secrets.token_urlsafe(32)
        self._open[token] = time.monotonic() if now is None else now
        return token

    def enter(self, token: str, now: float | None = None) -> str:
        """Use a token: return "in", or why not: "used", "late" or "unknown"."""
        now = time.monotonic() if now is None else now
        match = next((each for each in self._open if secrets.compare_digest(each, token)), None)
        if match is None:
            return "used" if token in self._used else "unknown"
        made = self._open.pop(match)
        self._used.add(match)
        return "in" if now - made <= _SECONDS else "late"
