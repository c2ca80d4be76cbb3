"""Rate limiter: no more requests than the quota allows in any window, evenly spaced.

A token bucket admits up to twice the quota in one window (full burst plus refill). Even spacing
cannot. `sliding_window` explains why a window at the server never exceeds its limit, and how other
clients on the same quota are noticed.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
from collections import deque
from typing import TYPE_CHECKING

from importer.clopos.sliding_window import Sent, SlidingWindow

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping

    from importer.clopos.rates import Rate
    from importer.plan.schedule import Opening

_log = logging.getLogger(__name__)
_STRICT_SECONDS = 600.0  # after a 429, in which places are released by responses only
_REMEMBERED = 300  # responses whose duration is remembered
_LOOK_AGAIN = 60.0  # seconds: the clock may be changed outside the sending hours


async def _nothing() -> None:
    """Prepare nothing."""


class RateLimiter:
    """One limiter for all requests of a brand, look-ups and sign-ins included.

    `rates` are kept all at once; none means no limit. `reserve` is the share of each that is left
    for others. `recent` are the ages (seconds) of requests of earlier runs, and `record` is called
    for each of this run, so that the next one knows. Times are the event loop's.
    """

    def __init__(
        self,
        rates: Iterable[Rate],
        *,
        reserve: float = 0.1,
        recent: Iterable[float] = (),
        record: Callable[[], None] = lambda: None,
    ) -> None:
        rates = tuple(rates)
        shortest = min((rate.seconds for rate in rates), default=0.0)
        self.windows = [
            SlidingWindow(rate, reserve, ahead=rate.seconds > shortest) for rate in rates
        ]
        self.reserve = reserve
        self.under_way = 0  # requests without an answer
        self.latencies = deque([0.0], _REMEMBERED)  # seconds the last answers took
        self._shortest = min(self.windows, key=lambda window: window.length, default=None)
        self._recent = sorted(recent, reverse=True)
        self._record = record
        self._hours: Callable[[], Opening] | None = None
        self._opens_at = -math.inf
        self._look_again_at = -math.inf
        self._turn = asyncio.Lock()
        self._changed = asyncio.Event()
        self._next_at = -math.inf
        self._paused_until = -math.inf
        self._strict_until = -math.inf
        self._yielded = False

    @property
    def per_minute(self) -> float | None:
        """Return the requests a minute that are ours in the long run, None for no limit."""
        return min((w.allowed / w.rate.seconds * 60 for w in self.windows), default=None)

    def pause_left(self, now: float) -> float:
        """Return for how many seconds from `now` (loop time) nothing may leave; 0: no pause."""
        return max(0.0, max(self._paused_until, self._opens_at) - now)

    def seconds_of(self, requests: int, *, of_late: bool = False) -> float | None:
        """Return the seconds so many requests take to leave from now on, None for no limit.

        By our share at present, after the reserve and other clients; `of_late`: by its mean of the
        last minutes, as other clients come and go. Closed hours aren't counted.
        """
        if self._shortest is None or requests <= 0:
            return None if self._shortest is None else 0.0
        now = asyncio.get_running_loop().time()
        self._count_recent(now)
        share = self._shortest.typical() if of_late else self._shortest.usable(now)
        spacing = self._shortest.length / share
        # Their shares go as fast as the shortest window lets them, then there is a wait.
        others = (window for window in self.windows if window is not self._shortest)
        waits = (window.seconds_of(requests, spacing, now) for window in others)
        return max(requests * spacing, *waits, 0.0)

    def set_schedule(self, hours: Callable[[], Opening]) -> None:
        """Send only when the schedule is open, with the reserve it states, from now on."""
        self._hours = hours
        self._look_again_at = -math.inf

    async def acquire(self, prepare: Callable[[], Awaitable[None]] = _nothing) -> Sent:
        """Wait until a request may leave, first come first served; `release` it when it is done.

        `prepare` is awaited right before, and nothing is counted until it returns. Cancelling
        while waiting costs nothing.
        """
        loop = asyncio.get_running_loop()
        async with self._turn:
            prepared = False
            while not prepared:
                await self._wait(self._ready_at)
                await prepare()
                # That may have taken its time, and a request of its own.
                prepared = self._ready_at(loop.time()) <= loop.time()
            return self._leave(loop.time())

    async def acquire_priority(self) -> Sent:
        """Wait, without queueing, until a request may leave that all others wait for.

        It may use the reserve, but no more than the quota.
        """
        await self._wait(self._priority_ready_at)
        return self._leave(asyncio.get_running_loop().time())

    def release(self, sent: Sent) -> None:
        """Note that a request has its response, or was given up."""
        sent.answered = asyncio.get_running_loop().time()
        self.under_way -= 1
        self.latencies.append(sent.answered - sent.at)
        self._changed.set()

    async def _wait(self, ready_at: Callable[[float], float]) -> None:
        loop = asyncio.get_running_loop()
        while (ready := ready_at(now := loop.time())) > now:
            if ready == self._next_at:
                await asyncio.sleep(ready - now)  # no response brings the spacing forward
            else:
                self._changed.clear()
                await _until(self._changed, ready)

    def throttle(self, seconds: float) -> None:
        """Block all requests for so many seconds after a 429, and count more strictly for a while.

        By our count there was room: the server's differs.
        """
        now = asyncio.get_running_loop().time()
        self._strict_until = now + _STRICT_SECONDS
        self.block_for(seconds)
        _log.warning("Clopos asks to wait: nothing is sent for %.0f seconds", seconds)

    def block_for(self, seconds: float) -> None:
        """Block all requests for so many seconds, for a reason other than the quota."""
        until = asyncio.get_running_loop().time() + seconds
        self._paused_until = max(self._paused_until, until)
        self._changed.set()

    def observe(self, headers: Mapping[str, str], sent_at: float) -> None:
        """Learn from the headers of a response how many requests other clients send.

        `sent_at` is when the request left. Both header families are read (API facts §7.2, §7.3);
        a limit that isn't one of ours is ignored.
        """
        if not self.windows:
            return
        named = {name.lower().removeprefix("x-"): value for name, value in headers.items()}
        limit, remaining = named.get("ratelimit-limit", ""), named.get("ratelimit-remaining", "")
        if not (_is_number(limit) and _is_number(remaining)):
            return
        now = asyncio.get_running_loop().time()
        for window in self.windows:
            if window.rate.limit == int(limit):
                new = window.observe(int(remaining), sent_at, now)
                if window is self._shortest:
                    # Headers describe one window only.
                    for longer in self.windows:
                        if longer is not window:
                            longer.merge_observations(new, sent_at - window.rate.seconds, sent_at)
                self._tell(window)
        self._changed.set()

    def _tell(self, window: SlidingWindow) -> None:
        others = window.foreign(asyncio.get_running_loop().time())
        yields = others > window.rate.limit // 20 if not self._yielded else others > 0
        if yields != self._yielded:
            self._yielded = yields
            if yields:
                _log.info("other clients use the quota: their share is left to them")
            else:
                _log.info("no other client uses the quota any more")

    def _priority_ready_at(self, now: float) -> float:
        ready = self._open_at(now)
        for window in self.windows:
            ready = max(ready, window.quota_free_at(now))
        return ready

    def _ready_at(self, now: float) -> float:
        ready = self._open_at(now)
        if self.windows:
            ready = max(ready, self._next_at)
        for window in self.windows:
            ready = max(ready, window.ready_at(now))
        return ready

    def _open_at(self, now: float) -> float:
        """Return until when nothing may leave at all, and keep the windows up to date."""
        self._count_recent(now)
        for window in self.windows:
            window.strict = now < self._strict_until
        if self._hours and now >= self._look_again_at:
            hours = self._hours()
            self._look_again_at = now + min(hours.seconds, _LOOK_AGAIN)
            self._opens_at = -math.inf if hours.reserve is not None else now + hours.seconds
            if hours.reserve is not None:
                self.reserve = hours.reserve
                for window in self.windows:
                    window.set_reserve(hours.reserve)
        closed = min(self._opens_at, self._look_again_at)
        return max(self._paused_until, closed if self._opens_at > now else -math.inf)

    def _count_recent(self, now: float) -> None:
        for age in self._recent:
            for window in self.windows:
                window.add(Sent(now - age, now - age))
        self._recent = []

    def _leave(self, now: float) -> Sent:
        sent = Sent(now)
        self._record()
        self.under_way += 1
        for window in self.windows:
            window.add(sent)
        if self._shortest:
            # Space requests by the shortest window only, so that small sheets don't wait for the
            # hourly quota. From the planned slot, not the wake-up time: delays don't accumulate.
            spacing = self._shortest.spacing(now)
            self._next_at = spacing + (self._next_at if now < self._next_at + spacing else now)
        return sent


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 10


async def _until(changed: asyncio.Event, when: float) -> None:
    """Wait for a change, at most until `when`."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout_at(None if when == math.inf else when):
            await changed.wait()
