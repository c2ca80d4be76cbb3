"""The way of a request: address limit → token → quota → upstream, with faults on request.

In the order of Clopos (API facts §7.1): a request that is refused early isn't counted by later
limits.
"""

from __future__ import annotations

import asyncio
import json
import math
from collections import deque
from dataclasses import dataclass, field, replace
from email.utils import formatdate
from typing import TYPE_CHECKING, Any

from aiohttp import web

from importer.sandbox import customers
from importer.sandbox import responses as bodies
from importer.sandbox.auth import RefusedError, identify, refuse, sign_in
from importer.sandbox.fault_responses import (
    CUT,
    FORBIDDEN,
    TIMED_OUT,
    Answer,
    as_json,
    spoil_token,
    upstream,
)
from importer.sandbox.faults import Faults
from importer.sandbox.limits import Room, Windows, tightest
from importer.sandbox.responses import Failure

if TYPE_CHECKING:
    from collections.abc import Callable

    from importer.sandbox.auth import Caller
    from importer.sandbox.config import Config
    from importer.sandbox.faults import Fault
    from importer.sandbox.store import Store

MINUTE, HOUR = 60.0, 3600.0
THROTTLED = Failure(429, "Too many requests", "too_many_requests", "Too Many Attempts.")
THROTTLE_SECONDS = 5.0  # of a 429 that is scripted
LATE_ANSWER_SECONDS = 0.05  # after the 504 of the same request


@dataclass(slots=True)
class Seen:
    """One request in the log. `status` None: no answer was sent (yet)."""

    wall: float  # of arrival, epoch seconds
    clock: float  # of arrival, seconds of the event loop
    version: int
    route: str
    method: str
    path: str
    caller: str | None = None  # what its quota is counted by; None: not known
    status: int | None = None
    fault: str | None = None
    cid: str | None = None


@dataclass(slots=True)
class Visit:
    """A request on its way."""

    request: web.Request
    route: str
    version: int
    body: Any  # parsed; None when it isn't JSON
    clock: float
    seen: Seen
    rooms: list[Room] = field(default_factory=list)
    seconds: float | None = None  # of its fault


class Gateway:
    """Core of the sandbox, without the server around it."""

    def __init__(self, config: Config, store: Store, now: Callable[[], float]) -> None:
        self.config = config
        self.store = store
        self.now = now
        self.faults = Faults(config.seed)
        self.log: deque[Seen] = deque(maxlen=config.log_size)
        self.closing = asyncio.Event()
        self._late: set[asyncio.TimerHandle] = set()
        self._auth = Windows(MINUTE)
        self._failed = Windows(MINUTE)
        self._minute = Windows(MINUTE)
        self._hour = Windows(HOUR)

    async def answer(self, request: web.Request, route: str, version: int) -> web.Response:
        """Answer one request to the API, or cut its connection."""
        clock = asyncio.get_running_loop().time()
        seen = Seen(self.now(), clock, version, route, request.method, request.path)
        self.log.append(seen)
        visit = Visit(request, route, version, await _json(request), clock, seen)
        try:
            answer = await self._let_in(visit)
        except RefusedError as refused:
            answer = self._refusal(refused.failure, visit)
        if answer is CUT:
            if request.transport:
                request.transport.abort()
            return web.Response(status=500)
        if seen.fault == "late_answer" and answer.status < 400:
            self._answer_late(visit, answer)
            answer = TIMED_OUT
        seen.status = answer.status
        if version == 2 and route != "auth" and answer.status >= 400:
            self._failed.count(request.remote or "", asyncio.get_running_loop().time())
        headers = self._rate_headers(visit, answer.status) | {
            "Content-Type": answer.kind,
            "Date": formatdate(self.now(), usegmt=True),
        }
        return web.Response(status=answer.status, body=answer.body, headers=headers)

    def others(self, version: int, at: float) -> bool:
        """Let another client's request on the same quota through at `at` (loop time), if it fits.

        It does nothing but take a place.
        """
        config = self.config
        if version == 2:
            key = f"{config.integrators[0]}:{config.brands[0]}"
            limits = [(self._minute, config.per_minute)]
        else:
            key = config.client_id
            limits = [(self._minute, config.v1_per_minute), (self._hour, config.v1_per_hour)]
        held = [(windows, limit) for windows, limit in limits if limit]
        allowed = all(windows.look(key, at, limit).allowed for windows, limit in held)
        if allowed:
            for windows, _ in held:
                windows.count(key, at)
        return allowed

    def close(self) -> None:
        """Cancel requests that are never answered, and late effects."""
        self.closing.set()
        for handle in self._late:
            handle.cancel()

    def _answer_late(self, visit: Visit, answer: Answer) -> None:
        """Let the answer follow on the same connection, where the client expects none."""
        head = f"HTTP/1.1 {answer.status} OK\r\nContent-Type: {answer.kind}\r\n"
        head += f"Content-Length: {len(answer.body)}\r\n\r\n"
        transport = visit.request.transport
        seconds = LATE_ANSWER_SECONDS if visit.seconds is None else visit.seconds
        if isinstance(transport, asyncio.Transport):
            loop = asyncio.get_running_loop()
            loop.call_later(seconds, transport.write, head.encode() + answer.body)

    async def _let_in(self, visit: Visit) -> Answer:
        config = self.config
        given = visit.body if isinstance(visit.body, dict) else {}
        if isinstance(given.get("cid"), str):
            visit.seen.cid = given["cid"]
        fault = self.faults.next(visit.route, given, config.rates, config.rates_on)
        if fault:
            visit.seen.fault, visit.seconds = fault.kind, fault.seconds
        if visit.route == "auth":
            if visit.version == 2:
                self._take(
                    visit, [(self._auth, visit.request.remote or "", config.auth_per_minute)]
                )
            caller = None
            self._throttle(visit, fault, 1)
        else:
            caller = self._check(visit, fault)
            words = json.dumps(given, ensure_ascii=False)
            if visit.route == "create" and any(word in words for word in config.firewall):
                return FORBIDDEN
        if any(config.latency):
            await asyncio.sleep(self.faults.between(*config.latency))
        return await upstream(
            fault, lambda: self._work(visit, caller), self.config, self.closing, self._later
        )

    def _check(self, visit: Visit, fault: Fault | None) -> Caller:
        """Return who is let through to the upstream. Raises RefusedError."""
        config = self.config
        if visit.version == 2 and config.failed_per_minute:
            address = visit.request.remote or ""
            room = self._failed.look(address, visit.clock, config.failed_per_minute)
            visit.rooms.append(room)
            if not room.allowed:
                raise RefusedError(THROTTLED)
        caller = identify(visit.request.headers, visit.version, config, self.now())
        visit.seen.caller = caller.key
        spoil_token(fault, self.now())
        if visit.version == 2:
            limits = [(self._minute, caller.key, config.per_minute)]
        else:
            limits = [
                (self._minute, caller.key, config.v1_per_minute),
                (self._hour, caller.key, config.v1_per_hour),
            ]
        self._throttle(visit, fault, limits[0][2] or 1)
        self._take(visit, limits)
        if not config.permitted and visit.route in {"create", "list", "get"}:
            raise refuse(403, "This action is unauthorized.", "forbidden")
        return caller

    def _take(self, visit: Visit, limits: list[tuple[Windows, str, int | None]]) -> None:
        """Take a place in all windows, or in none. Raises RefusedError, 429."""
        held = [(windows, key, limit) for windows, key, limit in limits if limit]
        allowed = all(windows.look(key, visit.clock, limit).allowed for windows, key, limit in held)
        if allowed or self.config.count_refused:
            for windows, key, _ in held:
                windows.count(key, visit.clock)
        visit.rooms += [windows.look(key, visit.clock, limit) for windows, key, limit in held]
        if not allowed:
            raise RefusedError(THROTTLED)

    def _throttle(self, visit: Visit, fault: Fault | None, limit: int) -> None:
        """Raise RefusedError, 429, when the fault says so."""
        if fault and fault.kind == "429":
            seconds = THROTTLE_SECONDS if fault.seconds is None else fault.seconds
            visit.rooms[:] = [Room(allowed=False, limit=limit, remaining=0, seconds=seconds)]
            raise RefusedError(THROTTLED)

    def _work(self, visit: Visit, caller: Caller | None) -> Answer:
        """Do what the upstream does."""
        config, version, now = self.config, visit.version, self.now()
        if caller is None:
            return as_json(200, sign_in(visit.body, version, config, now))
        match visit.route:
            case "create":
                data = customers.create(self.store, caller, visit.body, config, version, now)
                answer: Any = {"success": True, "data": data}
                if version == 1:
                    answer |= {"message": bodies.DONE} | _times(visit, now)
                return as_json(config.created_status, answer)
            case "get":
                number = visit.request.match_info["number"]
                data = customers.get(self.store, caller, number, config, version)
                return as_json(200, data if config.bare_single else {"success": True, "data": data})
            case "list":
                query = visit.request.query.items()
                rows, total, page, limit = customers.find(
                    self.store, caller, query, config, version, now
                )
                form = config.list_form
                if form == "usual":
                    form = "full" if version == 1 else "plain"
                listed = bodies.listed(
                    rows, total, form, page=page, limit=limit, times=_times(visit, now)
                )
                return as_json(200, listed)
            case "groups":
                page, limit = customers.paging(visit.request.query, 50, 200)
                numbers = range(1, len(config.groups) + 1)[(page - 1) * limit : page * limit]
                groups = [bodies.group(number, config) for number in numbers]
                answer = {"success": True, "data": groups, "total": len(config.groups)}
                return as_json(200, answer | _times(visit, now) | {"sorts": bodies.GROUP_SORTS})
            case _:
                return as_json(200, {"success": True, "data": [bodies.VENUE]})

    def _later(self, seconds: float, work: Callable[[], Answer]) -> None:
        def commit() -> None:
            self._late.discard(handle)
            try:
                work()
            except RefusedError:
                # Another customer has taken its values meanwhile; the client isn't informed.
                return

        handle = asyncio.get_running_loop().call_later(seconds, commit)
        self._late.add(handle)

    def _refusal(self, failure: Failure, visit: Visit) -> Answer:
        config = self.config
        if config.echo:
            sent = f" {json.dumps(visit.body)} {visit.request.headers.get('x-token', '')}"
            failure = replace(failure, message=failure.message + sent)
        if failure.status == 429 and config.throttle_body != "json":
            text = failure.message if config.throttle_body == "text" else ""
            return Answer(429, text.encode(), "text/plain")
        return as_json(failure.status, bodies.failure_body(failure, config.error_form))

    def _rate_headers(self, visit: Visit, status: int) -> dict[str, str]:
        """Return the headers of the tightest window (API facts §7.2, §7.3)."""
        room = tightest(visit.rooms)
        if room is None:
            return {}
        headers = room.headers(visit.version, visit.seen.wall)
        if status == 429 and self.config.retry_after:
            headers["Retry-After"] = str(math.ceil(room.seconds))
        return headers


def _times(visit: Visit, now: float) -> dict[str, Any]:
    return bodies.times(now, asyncio.get_running_loop().time() - visit.clock)


async def _json(request: web.Request) -> Any:
    """Return the parsed body, None when it is missing or isn't declared to be JSON."""
    if request.content_type != "application/json":
        return None
    try:
        return json.loads(await request.read())
    except (ValueError, RecursionError):
        return None
