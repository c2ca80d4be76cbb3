"""The stream of a task in progress: finished texts, at most four times a second.

Each event is the whole state: after a reconnect nothing is replayed and nothing is missed.
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from aiohttp import web

from importer.ui.desk import desk_of
from importer.ui.guard import HEADERS
from importer.ui.live import live
from importer.ui.site import SITE

if TYPE_CHECKING:
    from importer.ui.desk import Desk

MOST_STREAMS = 3
"""Browsers open six connections to one host: the seventh tab would never load."""

_LOOK = 0.25  # seconds
_QUIET = 15.0  # seconds after which a comment keeps the connection open
_SAY = 30.0  # seconds between what a screen reader reads aloud


class Streams:
    """The open streams, oldest first; the oldest is sent away for a new one."""

    def __init__(self) -> None:
        self._open: list[asyncio.Event] = []

    def enter(self) -> asyncio.Event:
        """Add a stream; return the event that is set when it has to leave."""
        leave = asyncio.Event()
        self._open.append(leave)
        while len(self._open) > MOST_STREAMS:
            self._open.pop(0).set()
        return leave

    def leave(self, event: asyncio.Event) -> None:
        """Remove a stream."""
        if event in self._open:
            self._open.remove(event)


def routes() -> list[web.RouteDef]:
    """Return the routes of what is in progress."""
    return [web.get("/events", stream), web.get("/state", state)]


async def state(request: web.Request) -> web.StreamResponse:
    """Return the state once, for a page without a stream."""
    return web.json_response(_state(desk_of(request), request))


async def stream(request: web.Request) -> web.StreamResponse:
    """Send the state of a task with every change, until it has ended or another tab needs it."""
    desk = desk_of(request)
    if desk.streams is None:
        desk.streams = Streams()
    response = web.StreamResponse(headers={**HEADERS, "Content-Type": "text/event-stream"})
    await response.prepare(request)
    leave = desk.streams.enter()
    try:
        await _send(request, desk, response, leave)
    except ConnectionError:
        pass  # the tab was closed
    finally:
        desk.streams.leave(leave)
    return response


async def _send(
    request: web.Request, desk: Desk, response: web.StreamResponse, leave: asyncio.Event
) -> None:
    loop = asyncio.get_running_loop()
    sent: dict[str, Any] = {}
    spoken: tuple[str, float] = ("", 0.0)  # the key of the last line to be read aloud, and when
    heard = loop.time()
    number = 0
    ended = request.app[SITE].ended
    while not leave.is_set() and not (ended and ended.is_set()):
        now = _state(desk, request)
        line = now.pop("say", "")
        if now != sent:
            sent, number, heard = now, number + 1, loop.time()
            if now["key"] != spoken[0] or heard - spoken[1] >= _SAY:
                spoken = (now["key"], heard)
                now = now | {"say": line}
            text = json.dumps(now, ensure_ascii=False)
            await response.write(f"id: {number}\ndata: {text}\n\n".encode())
        elif loop.time() - heard >= _QUIET:
            heard = loop.time()
            await response.write(b": here\n\n")
        try:
            await asyncio.wait_for(leave.wait(), _LOOK)
        except TimeoutError:
            continue
    await response.write(b"event: bye\ndata: {}\n\n")


def _state(desk: Desk, request: web.Request) -> dict[str, Any]:
    """Return the state of the task that the page shows: the newest of its kind and sheet."""
    task = desk.tasks.last(request.query.get("kind", ""), request.query.get("sheet", ""))
    return live(task) if task else {"key": "", "text": {}, "value": {}, "say": ""}
