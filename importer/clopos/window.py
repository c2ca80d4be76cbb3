"""One sliding window of the quota: what we sent in it, and what others did. Pure: `now` is given.

A strict sliding window at the server counts a request when it arrives, which is some time between
leaving and answer. So a place is taken as given back one window after the answer: then, whatever
the latency, no window at the server can hold more than the limit:
arrival(j) ≥ sent(j) ≥ answered(i) + window ≥ arrival(i) + window.

Answers may take seconds, though, because the gateway waits for its upstream after it has counted
(API facts §7.1), and to wait for those would cost up to a seventh of the quota. So a request is
taken as counted `grace` seconds after it left even when it has no answer yet. The reserve pays for
the grace: with 10 % of 300 a minute a request may be six seconds on its way. Without a reserve it
is half a second, and one 429 makes the window wait for answers again.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections import deque
from dataclasses import dataclass
from operator import attrgetter, itemgetter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from importer.clopos.rates import Rate

MARGIN = 0.05  # seconds added to a window: clocks differ in speed, a little
LEAST_GRACE = 0.5  # seconds on the way that cost less than 1 % of a minute's quota
_LATE = 60.0  # seconds after which no answer comes any more
_BETWEEN = 1.0  # seconds between two answers, where others leave us little
_LOOK_BACK = 600.0  # seconds: somebody who comes and goes is in a forecast by the mean
_TREND = 3.0  # seconds over which a change in what others send is looked at


@dataclass(slots=True)
class Sent:
    """A request that left, and when it was answered or given up (inf: not yet)."""

    at: float
    answered: float = math.inf


_at = attrgetter("at")


class Window:
    """One rate, shared with others. All times in seconds of one clock.

    `reserve` is the share of the limit that is left for others, from 0 to below 1.
    """

    def __init__(self, rate: Rate, reserve: float) -> None:
        self.rate = rate
        self.length = rate.seconds + MARGIN
        self.strict = False  # True: nothing is taken as counted before its answer
        self._requests: deque[Sent] = deque()  # in the order they left
        self._free = 0  # how many of the first of them have given back their place
        self._gathered: deque[tuple[float, float]] = deque()  # what shorter windows told of
        self._news = 0.0  # seconds from one look at the server's count to the next
        self._seen: deque[tuple[float, int]] = deque()  # (time, server's count less ours)
        self._others: deque[tuple[float, int]] = deque()  # (time, requests of others in a window)
        self._first: float | None = None  # when the server's count was seen first
        self._typical = 0.0  # of others, in the time a forecast looks back on
        self.keep_free(reserve)

    def keep_free(self, reserve: float) -> None:
        """Leave this share of the limit for others from now on."""
        limit = self.rate.limit
        self.allowed = max(1, math.floor(limit * (1 - reserve) + 1e-9))
        # What the reserve leaves to spare, less a tenth for chance.
        self._grace = max(LEAST_GRACE, 0.9 * (limit / self.allowed - 1) * self.length)

    @property
    def spacing(self) -> float:
        """Return the seconds between two requests when nobody else sends any."""
        return self.length / self.allowed

    def add(self, sent: Sent) -> None:
        """Count a request that leaves now, or left before this process began."""
        self._requests.append(sent)

    def usable(self, now: float) -> int:
        """Return how many of a window are ours while others send as they do; at least one."""
        return max(1, self.allowed - self.others(now))

    def typical(self) -> int:
        """Return how many of a window were ours of late, in the mean; at least one."""
        return max(1, self.allowed - round(self._typical))

    def others(self, now: float) -> int:
        """Return how many requests of others a window holds, as far as the server's count tells.

        What it told last is some moments old: when it rose, it is taken to have risen further,
        but not for longer than news takes to come.
        """
        while self._gathered and self._gathered[0][0] <= now - self.length:
            self._gathered.popleft()
        gathered = round(sum(count for _, count in self._gathered))
        at, count = self._others[-1] if self._others else (-math.inf, 0)
        if count == 0 or at <= now - self.length:
            return min(gathered, self.rate.limit)
        age = min(now - at, self._news)
        first = bisect_left(self._others, at - max(_TREND, age), key=itemgetter(0))
        since, before = self._others[first]
        rising = max(0.0, (count - before) / (at - since)) if at > since else 0.0
        # What comes by chance before there is news, beside what comes as it did.
        chance = math.sqrt(age * max(rising, count / self.rate.seconds))
        count = math.ceil(count + rising * age + chance)
        return min(max(count, gathered), self.rate.limit)

    def observe(self, remaining: int, sent_at: float, now: float) -> None:
        """Learn what the server had left when a request of `sent_at` came to it.

        What it counted then and we didn't send, somebody else did. Requests that overtake one
        another make the difference waver, below nothing as well, where nobody else can be: so far
        it may waver above.
        """
        if self._seen and sent_at <= self._seen[-1][0]:
            return  # a slow answer tells old news
        before = self._seen[-1][0] if self._seen else sent_at
        self._news = now - sent_at + _BETWEEN
        until = bisect_right(self._requests, sent_at, key=_at)
        since = bisect_right(self._requests, sent_at - self.rate.seconds, key=_at)
        self._seen.append((sent_at, self.rate.limit - remaining - (until - since)))
        while self._seen[0][0] < sent_at - _LATE:
            self._seen.popleft()
        wavering = min(0, min(self._seen, key=itemgetter(1))[1])
        count = max(0, self._seen[-1][1] + wavering)
        if self._first is None:
            self._first, self._typical = sent_at, float(count)
        else:
            looked_back = min(_LOOK_BACK, sent_at - self._first)
            passed = min(looked_back, sent_at - before)
            self._typical += (count - self._typical) * passed / looked_back
        self._others.append((sent_at, count))
        while self._others[0][0] < sent_at - _LATE:
            self._others.popleft()

    def gather(self, count: float, now: float) -> None:
        """Note requests of others that a shorter window told of: headers describe only one."""
        if count:
            self._gathered.append((now, count))

    def ready_at(self, now: float, places: int) -> float:
        """Return when the next request may leave so that none of our windows holds more `places`.

        Infinity when an answer has to come first.
        """
        self._forget(now)
        ready = now
        if len(self._requests) >= places:
            ready = self._requests[-places].at + self.length
        taken = len(self._requests) - self._free
        if (over := taken - self.rate.limit) >= 0:
            waiting = (self._back_at(self._requests[self._free + n]) for n in range(over + 1))
            ready = max(ready, *waiting)
        return ready

    def seconds_of(self, requests: int, spacing: float, now: float) -> float:
        """Return in how many seconds so many more will have left, that far apart at least.

        The last of them leaves a window after the one that is a window's share before it: that is
        one of those that have left already, or one of the same that are still to leave.
        """
        first = bisect_right(self._requests, now - self.length, key=_at)
        held, share = len(self._requests) - first, self.usable(now)
        place = held + requests - share  # of the one before, from 1 on; held are there already
        rounds = max(0, math.ceil((place - held) / share))
        place -= rounds * share
        last = (requests - rounds * share) * spacing
        if place > 0:
            last = max(last, self._requests[first + place - 1].at + self.length - now)
        return max(requests * spacing, rounds * self.length + last)

    def _back_at(self, sent: Sent) -> float:
        """Return when the place of a request is free again."""
        counted = sent.answered if self.strict else min(sent.answered, sent.at + self._grace)
        return counted + self.length

    def _forget(self, now: float) -> None:
        requests = self._requests
        while self._free < len(requests) and self._back_at(requests[self._free]) <= now:
            self._free += 1
        # Answers that are still to come compare the server's count with what we had sent then.
        while self._free and requests[0].at < now - self.length - _LATE:
            requests.popleft()
            self._free -= 1
