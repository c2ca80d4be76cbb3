"""Faults in action: the upstream's work with something going wrong around it (API facts §13)."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from importer.sandbox.auth import TEST_MODE, RefusedError, expired, refuse
from importer.sandbox.faults import AFTER_KINDS, SPOILT_KINDS

if TYPE_CHECKING:
    from collections.abc import Callable

    from importer.sandbox.config import Config
    from importer.sandbox.faults import Fault

ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
JUST_UNDER = 0.97  # of the gateway's patience
PAGE = b"<html><head><title>%b</title></head><body><h1>%b</h1></body></html>\n"


@dataclass(frozen=True, slots=True)
class Answer:
    """A response to the client."""

    status: int
    body: bytes
    kind: str = "application/json"


def as_json(status: int, data: Any) -> Answer:
    """Return an answer in JSON, in UTF-8."""
    return Answer(status, ENCODER.encode(data).encode())


def _failure(status: int, message: str, error: str) -> Answer:
    return as_json(status, {"success": False, "message": message, "error": error})


FORBIDDEN = Answer(403, PAGE % ((b"403 Forbidden",) * 2), "text/html")
"""Of a firewall in front of Clopos."""

TIMED_OUT = _failure(504, "Gateway Timeout", "gateway_timeout")
FAILED = _failure(500, "Server Error", "internal_error")
BAD_GATEWAY = Answer(502, PAGE % ((b"502 Bad Gateway",) * 2), "text/html")
UNAVAILABLE = Answer(503, PAGE % ((b"503 Service Unavailable",) * 2), "text/html")
CUT = Answer(0, b"")
"""No answer: the connection is cut."""


def spoilt(kind: str, answer: Answer) -> Answer:
    """Return a success as one of SPOILT_KINDS leaves it."""
    body = answer.body
    match kind:
        case "garbage":
            return Answer(200, b'{"success":true,"data":{"name":"')
        case "no_id":
            return Answer(200, b'{"success":true,"data":{}}')
        case "text_success":
            return Answer(201, body.replace(b'"success":true', b'"success":"true"', 1))
        case "refused_done":
            return Answer(200, body.replace(b'"success":true', b'"success":false', 1))
        case "float_id":
            return Answer(200, re.sub(rb'"id":([0-9]+)', rb'"id":\1.0', body))
        case _:
            return Answer(202, b"", "text/plain")


INSTEAD = {
    "404": Answer(404, PAGE % ((b"404 Not Found",) * 2), "text/html"),
    "login_page": Answer(200, PAGE % ((b"Sign in to the network",) * 2), "text/html"),
    "403": _failure(403, "This action is unauthorized.", "forbidden"),
    "success_false": _failure(200, TEST_MODE, TEST_MODE),
    "500": FAILED,
    "500b": FAILED,
    "502": BAD_GATEWAY,
    "502b": BAD_GATEWAY,
    "503": UNAVAILABLE,
    "504a": TIMED_OUT,
    "504b": TIMED_OUT,
    "504c": TIMED_OUT,
    "drop": CUT,
    "drop_before": CUT,
    "timeout": CUT,
    "timeout_b": CUT,
}
"""Response to the client in place of the upstream's answer."""


def spoil_token(fault: Fault | None, now: float) -> None:
    """Raise RefusedError, 401, when the fault is one of the token."""
    match fault.kind if fault else None:
        case "expired401":
            raise expired(now - 1)
        case "invalid401":
            raise refuse(401, "Invalid token")
        case "message401":
            # The upstream's own token, inside of ours, has expired.
            raise refuse(401, "Unauthenticated.", form="message")


async def upstream(
    fault: Fault | None,
    work: Callable[[], Answer],
    config: Config,
    closing: asyncio.Event,
    later: Callable[[float, Callable[[], Answer]], None],
) -> Answer:
    """Return the answer of `work`, or what a fault makes of it.

    `closing`: set when the server goes down. `later`: has work done after some seconds.

    Raises RefusedError as `work` does.
    """
    kind = fault.kind if fault else ""
    seconds = fault.seconds if fault else None
    if kind == "slow":
        await asyncio.sleep(config.gateway_seconds * JUST_UNDER if seconds is None else seconds)
    if kind in {"", "slow", "late_answer"}:
        return work()
    if kind in SPOILT_KINDS:
        return spoilt(kind, work())
    if kind in AFTER_KINDS:
        # Where the upstream refuses, what happens to its answer happens all the same.
        with contextlib.suppress(RefusedError):
            work()
    if kind.startswith("504"):
        await asyncio.sleep(config.gateway_seconds)
    if kind == "504c":
        later(config.late_seconds if seconds is None else seconds, work)
    if kind.startswith("timeout"):
        await closing.wait()
    return INSTEAD[kind]
