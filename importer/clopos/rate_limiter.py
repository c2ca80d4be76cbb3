"""The pace: no more requests than the quota allows in any window, evenly spaced.

Tokens that trickle into a bucket let through nearly twice the quota when the bucket was full;
even spacing can't. Why a sliding window at the server never holds more than its limit, and how
others on the same quota are noticed, is told in `window`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
from collections import deque
from typing import TYPE_CHECKING

from importer.clopos.sliding_window import Sent, Window

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping

    from importer.clopos.rates import Rate
    from importer.plan.schedule import Opening

_log = logging.getLogger(__name__)
_STRICT_SECONDS = 600.0  # after a 429, for which places come back with answers alone
_REMEMBERED = 300  # answers of which it is known how long they took
_LOOK_AGAIN = 60.0  # seconds: a clock may be set while sending is closed


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
        rates = tuple(rates)
        shortest = min((rate.seconds for rate in rates), default=0.0)
        self.windows = [Window(rate, reserve, ahead=rate.seconds > shortest) for rate in rates]
        self.reserve = reserve
        self.under_way = 0  # requests without an answer
        self.latencies = deque([0.0], _REMEMBERED)  # seconds the last answers took
        self._shortest = min(self.windows, key=lambda window: window.length, default=None)
        self._recent = sorted(recent, reverse=True)
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
        """Return for how many seconds from `now` (loop time) nothing leaves, 0 for not at all."""
        return max(0.0, max(self._paused_until, self._opens_at) - now)

    def seconds_of(self, requests: int, *, of_late: bool = False) -> float | None:
        """Return how long so many requests take to leave from now on, None for no limit.

        At the share that is ours now, after the reserve and what others use; `of_late`: that was
        ours in the mean of the last minutes, for somebody may come and go. Hours in which
        nothing is sent aren't counted.
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

    def keep_hours(self, hours: Callable[[], Opening]) -> None:
        """Send only when `hours` says so, with the reserve it names, from now on."""
        self._hours = hours
        self._look_again_at = -math.inf

    async def turn(self, prepare: Callable[[], Awaitable[None]] = _nothing) -> Sent:
        """Wait for a turn, first come first served. The request is under way until `answered`.

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
            return self._leave(loop.time())

    async def first_turn(self) -> Sent:
        """Wait, without queueing, for a turn of a request that all others wait for.

        It may use the reserve, but no more than the quota; nobody needs to be let in front of it.
        """
        await self._wait(self._first_at)
        return self._leave(asyncio.get_running_loop().time())

    def answered(self, sent: Sent) -> None:
        """Note that a request was answered, or that nobody waits for its answer any more."""
        sent.answered = asyncio.get_running_loop().time()
        self.under_way -= 1
        self.latencies.append(sent.answered - sent.at)
        self._changed.set()

    async def _wait(self, ready_at: Callable[[float], float]) -> None:
        loop = asyncio.get_running_loop()
        while (ready := ready_at(loop.time())) > loop.time():
            self._changed.clear()
            await _until(self._changed, ready)

    def pause(self, seconds: float) -> None:
        """Let nobody go for so long: Clopos asked for it, though by our count there was room."""
        now = asyncio.get_running_loop().time()
        self._strict_until = now + _STRICT_SECONDS
        self.rest(seconds)
        _log.warning("Clopos asks to wait: nothing is sent for %.0f seconds", seconds)

    def rest(self, seconds: float) -> None:
        """Let nobody go for so long, for a reason that isn't the quota's."""
        until = asyncio.get_running_loop().time() + seconds
        self._paused_until = max(self._paused_until, until)
        self._changed.set()

    def observe(self, headers: Mapping[str, str], sent_at: float) -> None:
        """Learn from the headers of an answer how many requests others send.

        `sent_at` is when the request left. Both header families are read (API facts §7.2, §7.3);
        a limit that isn't one of ours says nothing.
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
                            longer.gather(new, sent_at - window.rate.seconds, sent_at)
                self._tell(window)
        self._changed.set()

    def _tell(self, window: Window) -> None:
        others = window.others(asyncio.get_running_loop().time())
        yields = others > window.rate.limit // 20 if not self._yielded else others > 0
        if yields != self._yielded:
            self._yielded = yields
            if yields:
                _log.info("somebody else uses the quota: theirs is left to them")
            else:
                _log.info("nobody else uses the quota any more")

    def _first_at(self, now: float) -> float:
        ready = self._open_at(now)
        for window in self.windows:
            ready = max(ready, window.first_at(now))
        return ready

    def _ready_at(self, now: float) -> float:
        ready = self._open_at(now)
        if self.windows:
            ready = max(ready, self._next_at)
        for window in self.windows:
            ready = max(ready, window.ready_at(now))
        return ready

    def _open_at(self, now: float) -> float:
        """Return until when nothing leaves at all, and keep the windows up to date."""
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
                    window.keep_free(hours.reserve)
        closed = min(self._opens_at, self._look_again_at)
        return max(self._paused_until, closed if self._opens_at > now else -math.inf)

    def _count_recent(self, now: float) -> None:
        for age in self._recent:
            for window in self.windows:
                window.add(Sent(now - age, now - age))
        self._recent = []

    def _leave(self, now: float) -> Sent:
        sent = Sent(now)
        self.under_way += 1
        for window in self.windows:
            window.add(sent)
        if self._shortest:
            # Only the shortest window is spread evenly: a small sheet needn't wait for the hour's.
            # From when the turn was, not from when we woke up for it: delays don't add up.
            spacing = self._shortest.spacing(now)
            self._next_at = spacing + (self._next_at if now < self._next_at + spacing else now)
        return sent


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 10


async def _until(changed: asyncio.Event, when: float) -> None:
    """Wait for a change, but no longer than until `when`."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout_at(None if when == math.inf else when):
            await changed.wait()
