"""The pace: no more requests than the quota allows in any window, evenly spaced.

A permit comes back one window after the *answer*. The request arrived somewhere between leaving
and answer, so whatever the latency, no window at the server can hold more than the quota:
arrival(j) ≥ sent(j) ≥ answered(i) + window ≥ arrival(i) + window.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import re
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from importer.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping

_SECONDS = {
    "s": 1,
    "sec": 1,
    "second": 1,
    "min": 60,
    "m": 60,
    "minute": 60,
    "h": 3600,
    "hour": 3600,
    "d": 86400,
    "day": 86400,
}
_RATE = re.compile(r"\s*([0-9]+)\s*/\s*([a-z]+)\s*", re.IGNORECASE)
_MARGIN = 0.05  # seconds added to a window: clocks differ in speed, a little


@dataclass(frozen=True, slots=True)
class Rate:
    """So many requests in any window of so many seconds."""

    limit: int
    seconds: float


def parse_rates(text: str) -> tuple[Rate, ...]:
    """Read `100/min,1000/hour`; `none` is no rate at all.

    Raises UsageError for anything else.
    """
    if text.strip().lower() == "none":
        return ()
    rates = []
    for part in text.split(","):
        match = _RATE.fullmatch(part)
        seconds = _SECONDS.get(match[2].lower().rstrip("s") or "s") if match else None
        if not match or not seconds or int(match[1]) == 0:
            raise UsageError(
                f"--rate {text} is not a rate",
                why=f"«{part.strip()}» can't be read",
                todo='write it like --rate "100/min,1000/hour" or --rate none',
            )
        rates.append(Rate(int(match[1]), float(seconds)))
    return tuple(rates)


def default_rates(version: int) -> tuple[Rate, ...]:
    """Return the quota of an API version (API facts §7.1, §7.3)."""
    return (Rate(300, 60.0),) if version == 2 else (Rate(100, 60.0), Rate(1000, 3600.0))


class _Window:
    """One rate: what left and what was answered within its window."""

    def __init__(self, rate: Rate, reserve: float) -> None:
        self.rate = rate
        self.allowed = max(1, math.floor(rate.limit * (1 - reserve) + 1e-9))
        self.length = rate.seconds + _MARGIN
        self.sent: deque[float] = deque()
        self.answered: deque[float] = deque()
        self.strangers = 0  # requests of others in the window, as the server's count tells
        self.strangers_until = 0.0

    def usable(self, now: float) -> int:
        """Return how many of a window are ours now, when others keep using it as they do."""
        if now >= self.strangers_until:
            self.strangers = 0
        return max(1, self.allowed - self.strangers)

    def forget(self, now: float) -> None:
        for times in (self.sent, self.answered):
            while times and times[0] <= now - self.length:
                times.popleft()

    def ready_at(self, now: float, in_flight: int, usable: int) -> float:
        """Return when the next request may leave, infinity when an answer has to come first."""
        self.forget(now)
        ready = now
        if len(self.sent) >= usable:
            ready = self.sent[len(self.sent) - usable] + self.length
        over = in_flight + len(self.answered) + 1 - self.rate.limit
        if over > len(self.answered):
            return math.inf
        if over > 0:
            ready = max(ready, self.answered[over - 1] + self.length)
        return ready


async def _nothing() -> None:
    """Prepare nothing."""


class Quota:
    """One limiter for all requests of a brand, look-ups and sign-ins included.

    `rates` are kept all at once; none means no limit. `reserve` is the share of each that is left
    for others. `recent` says how many seconds ago requests left before this one began to count.
    Times are the event loop's.
    """

    def __init__(
        self, rates: Iterable[Rate], *, reserve: float = 0.1, recent: Iterable[float] = ()
    ) -> None:
        self.windows = [_Window(rate, reserve) for rate in rates]
        self._recent = sorted(recent, reverse=True)
        self._turn = asyncio.Lock()
        self._changed = asyncio.Event()
        self._in_flight = 0
        self._next_at = -math.inf
        self._paused_until = -math.inf

    @property
    def per_minute(self) -> float | None:
        """Return the requests a minute that are ours in the long run, None for no limit."""
        return min((w.allowed / w.rate.seconds * 60 for w in self.windows), default=None)

    def pause_left(self, now: float) -> float:
        """Return for how many seconds from `now` (loop time) nothing leaves, 0 for not at all."""
        return max(0.0, self._paused_until - now)

    def seconds_of(self, requests: int) -> float | None:
        """Return how long so many requests take, None for no limit."""
        return None if self.per_minute is None else requests / self.per_minute * 60

    @contextlib.asynccontextmanager
    async def slot(self, prepare: Callable[[], Awaitable[None]] = _nothing) -> AsyncIterator[None]:
        """Wait for a turn, first come first served; the request is under way inside.

        `prepare` is awaited when the turn has come, before anything is counted. Cancelling while
        waiting costs nothing.
        """
        loop = asyncio.get_running_loop()
        async with self._turn:
            prepared = False
            while not prepared:
                await self._wait(self._ready_at)
                await prepare()
                # That may have taken its time, and a request of its own.
                prepared = self._ready_at(loop.time()) <= loop.time()
            self._leave(loop.time())
        async with self._under_way():
            yield

    @contextlib.asynccontextmanager
    async def first(self) -> AsyncIterator[None]:
        """Wait, without queueing, for a turn of a request that all others wait for.

        It may use the reserve, but no more than the quota; nobody needs to be let in front of it.
        """
        loop = asyncio.get_running_loop()
        await self._wait(self._first_at)
        self._leave(loop.time())
        async with self._under_way():
            yield

    async def _wait(self, ready_at: Callable[[float], float]) -> None:
        loop = asyncio.get_running_loop()
        while (ready := ready_at(loop.time())) > loop.time():
            self._changed.clear()
            await _until(self._changed, ready)

    @contextlib.asynccontextmanager
    async def _under_way(self) -> AsyncIterator[None]:
        loop = asyncio.get_running_loop()
        try:
            yield
        finally:
            self._in_flight -= 1
            for window in self.windows:
                window.answered.append(loop.time())
            self._changed.set()

    def pause(self, seconds: float) -> None:
        """Let nobody go for so long."""
        until = asyncio.get_running_loop().time() + seconds
        self._paused_until = max(self._paused_until, until)
        self._changed.set()

    def observe(self, headers: Mapping[str, str]) -> None:
        """Compare the server's count with ours: what we didn't send, somebody else did.

        Their share is left to them for a window from now; the counts are compared anew with every
        answer, so it comes back when they stop. Both header families are read (API facts §7.2,
        §7.3); a limit that isn't one of ours says nothing.
        """
        named = {name.lower().removeprefix("x-"): value for name, value in headers.items()}
        limit, remaining = named.get("ratelimit-limit", ""), named.get("ratelimit-remaining", "")
        if not (limit.isdecimal() and remaining.isdecimal()):
            return
        now = asyncio.get_running_loop().time()
        for window in self.windows:
            if window.rate.limit != int(limit):
                continue
            window.forget(now)
            # Requests under way may or may not have been counted yet: in doubt they were.
            strangers = int(limit) - int(remaining) - len(window.sent)
            if strangers > 0 or now >= window.strangers_until:
                window.strangers = max(0, strangers)
                window.strangers_until = now + window.length
            elif strangers <= 0:
                window.strangers = 0

    def _first_at(self, now: float) -> float:
        self._count_recent(now)
        ready = self._paused_until
        for window in self.windows:
            ready = max(ready, window.ready_at(now, self._in_flight, window.rate.limit))
        return ready

    def _ready_at(self, now: float) -> float:
        self._count_recent(now)
        ready = max(self._next_at, self._paused_until) if self.windows else self._paused_until
        for window in self.windows:
            ready = max(ready, window.ready_at(now, self._in_flight, window.usable(now)))
        return ready

    def _count_recent(self, now: float) -> None:
        if self._recent:
            for window in self.windows:
                past = [now - age for age in self._recent]
                window.sent.extend(past)
                window.answered.extend(past)
            self._recent = []

    def _leave(self, now: float) -> None:
        self._in_flight += 1
        spacing = 0.0
        for window in self.windows:
            window.sent.append(now)
            # Only the shortest window is spread evenly: a small sheet needn't wait for the hour's.
            if window.length == min(each.length for each in self.windows):
                spacing = window.length / window.usable(now)
        self._next_at = now + spacing


async def _until(changed: asyncio.Event, when: float) -> None:
    """Wait for a change, but no longer than until `when`."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout_at(None if when == math.inf else when):
            await changed.wait()
