"""One sliding window of the quota: our requests in it, and those of other clients.

`now` is always an argument: nothing here reads a clock.

A strict sliding window at the server counts a request when it arrives, which is some time between
leaving and answer. So a place is taken as given back one window after the answer: then, whatever
the latency, no window at the server can hold more than the limit:
arrival(j) ≥ sent(j) ≥ answered(i) + window ≥ arrival(i) + window.

Answers may take seconds, though, because the gateway waits for its upstream after it has counted
(API facts §7.1), and to wait for those would cost up to a seventh of the quota. So a request is
taken as counted `grace` seconds after it left even when it has no answer yet. The reserve pays for
the grace: with 10 % of 300 a minute a request may be six seconds on its way. Without a reserve it
is half a second, and one 429 makes the window wait for answers again.

The headers of each response state how many requests the server had counted; those that aren't ours
are foreign: of other clients. New ones arrived since the previous response, and fall out of the
window one length later. How many arrived since the last response is estimated from their recent
rate, with a margin for chance.

The hourly quota can run out in minutes, after which no headers arrive until the hour ends. So we
reserve what other clients will need by then at their recent rate; otherwise the tills would get
429s.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import deque
from dataclasses import dataclass
from itertools import islice
from operator import attrgetter, itemgetter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from importer.clopos.rates import Rate

MARGIN = 0.05  # seconds added to a window: clocks differ in speed, a little
LEAST_GRACE = 0.5  # seconds on the way that cost less than 1 % of a minute's quota
_LATE = 60.0  # seconds after which no answer comes any more
_LOOK_BACK = 600.0  # seconds: a client that comes and goes enters a forecast by its mean
# How foreign requests are estimated; found by measuring (benchmarks/pace.py).
_OF_LATE = 1 / 6  # of a window, over which their recent rate is taken
_BEGUN = 1 / 8  # of a window, before which they aren't expected to last for all of it
_SILENCE = 1 / 30  # of a window without headers, after which the estimate stops growing
_CHANCE = 0.5  # standard deviations added to the estimate
_CAUTIOUS = 2.0  # the same after one of our requests used the reserve


@dataclass(slots=True)
class Sent:
    """A request: when it left, and when it was answered or given up (inf: not yet)."""

    at: float
    answered: float = math.inf


_at = attrgetter("at")


class SlidingWindow:
    """Sliding window of one rate, shared with other clients. Times in seconds of one clock.

    `reserve` is the share of the limit that is left free, from 0 to below 1. `ahead` is for a
    window beside a shorter one: it leaves room for what other clients will send, not only for what
    they have sent.
    """

    def __init__(self, rate: Rate, reserve: float, *, ahead: bool = False) -> None:
        self.rate = rate
        self._ahead = ahead
        self.length = rate.seconds + MARGIN
        self.strict = False  # True: a place is released by the response alone
        self._requests: deque[Sent] = deque()  # in the order they left
        self._released = 0  # how many of the first of them have released their place
        self._foreign_times: list[float] = []  # arrivals of foreign requests, in order
        # When the request left whose response described this window last …
        self._last_header_at = -math.inf
        self._last_observed_at = -math.inf  # … this window, or a shorter one
        self._known_since = math.inf  # foreign requests are known from then on
        self._reorder_slack = 0  # places for our own requests arriving out of order
        self._reserve_breached = False  # our last observed request used the reserve
        self._surpluses: deque[tuple[float, int]] = deque()  # (time, server's count less ours)
        self._first: float | None = None  # when the server's count was observed first
        self._foreign_mean = 0.0  # foreign requests in a window, mean of the last minutes
        self.set_reserve(reserve)

    def set_reserve(self, reserve: float) -> None:
        """Leave this share of the limit free from now on."""
        limit = self.rate.limit
        self.allowed = max(1, math.floor(limit * (1 - reserve) + 1e-9))
        # What the reserve leaves to spare, less a tenth for chance.
        self._grace = max(LEAST_GRACE, 0.9 * (limit / self.allowed - 1) * self.length)

    def spacing(self, now: float) -> float:
        """Return the least seconds from the request that leaves now to the next.

        In the first window the share of other clients is left out of every second: after a burst
        all places are released in a burst, too, and in between neither requests nor headers would
        come.
        """
        first = now < self._requests[0].at + self.length
        return self.length / (self.usable(now) if first else self.allowed)

    def add(self, sent: Sent) -> None:
        """Count a request that leaves now, or left before this process began."""
        self._requests.append(sent)

    def usable(self, now: float) -> int:
        """Return how many places of a window are ours at present; at least one."""
        return max(1, self.allowed - self.foreign(now))

    def typical(self) -> int:
        """Return how many places of a window were ours in the last minutes' mean; at least one."""
        return max(1, self.allowed - round(self._foreign_mean))

    def foreign(self, now: float) -> int:
        """Return how many places of a window other clients use, by the last observation.

        0 when that is a window ago: they may all have stopped.
        """
        if now >= self._last_observed_at + self.length:
            return 0
        return max(
            self._foreign_in_window(self._last_observed_at),
            self._expected_foreign(self._pace_window_start()),
        )

    def _pace_window_start(self) -> float:
        """Return since when foreign requests are counted for their recent rate."""
        return max(self._known_since, self._last_observed_at - _OF_LATE * self.length)

    def _expected_foreign(self, since: float) -> int:
        """Return how many foreign requests a whole window may hold, at their rate since `since`.

        With one standard deviation for chance: they were counted over a sixth of it at most.
        """
        mean = self._pace(since) * self.length if self._ahead else 0.0
        return math.ceil(mean + math.sqrt(mean))

    def _pace(self, since: float) -> float:
        """Return the foreign requests a second from `since` to the last observation."""
        number = len(self._foreign_times) - bisect_right(self._foreign_times, since)
        return number / (self._last_observed_at - since) if number else 0.0

    def observe(self, remaining: int, sent_at: float, now: float) -> Sequence[float]:
        """Take in what the server had left when our request of `sent_at` arrived.

        Return the arrivals of foreign requests that weren't known before.

        What it counted and we didn't send is foreign. Requests that overtake one another make the
        difference fluctuate; as far as it falls below zero, where nothing can be foreign, it may
        rise above by mere reordering. One place is kept free for those.
        """
        if sent_at <= self._last_header_at:
            return ()  # a slow response is older than what is known
        until = bisect_right(self._requests, sent_at, key=_at)
        since = bisect_right(self._requests, sent_at - self.rate.seconds, key=_at)
        counted = self.rate.limit - remaining
        self._surpluses.append((sent_at, counted - (until - since)))
        while self._surpluses[0][0] < sent_at - _LATE:
            self._surpluses.popleft()
        wavering = min(0, min(self._surpluses, key=itemgetter(1))[1])
        count = max(0, self._surpluses[-1][1] + wavering)
        self._reorder_slack = int(wavering < 0)
        held = self._foreign_in_window(sent_at)
        # Fewer than expected: the oldest fell out earlier than estimated.
        self._foreign_times = self._foreign_times[len(self._foreign_times) - min(held, count) :]
        new = self._arrival_times(count - held, sent_at)
        before, self._last_header_at = self._last_header_at, sent_at
        self._reserve_breached = counted > self.allowed
        self._merge(new, sent_at - self.rate.seconds, sent_at)
        # What we leave free for their sake, whether they come or not.
        unused = (
            self._reorder_slack + self._chance_margin(self._expected_since_observed(now)) + 1
            if count
            else self._reorder_slack
        )
        self._update_mean(count + unused, before)
        return new

    def _arrival_times(self, number: int, at: float) -> list[float]:
        """Return estimated arrivals of so many foreign requests that were observed at `at`.

        During a time without headers they are assumed to have continued at their rate; the rest
        arrived before anything was known.
        """
        begin = at - self.rate.seconds
        silent_since = max(min(self._last_observed_at, at), begin)
        if self._known_since <= begin:
            return _spread(silent_since, at, number)
        went_on = round(self._pace(self._pace_window_start()) * (at - silent_since))
        late = max(0, min(number, went_on))
        before = _spread(begin, min(self._known_since, at), number - late)
        return [*before, *_spread(silent_since, at, late)]

    def merge_observations(self, new: Sequence[float], since: float, at: float) -> None:
        """Add arrivals of foreign requests from `since` to `at`, observed by a shorter window.

        For a time without headers before that, they are assumed to have continued.
        """
        silence = (
            min(max(0.0, since - self._last_observed_at), self.length)
            if self._foreign_times
            else 0.0
        )
        guessed = _spread(
            since - silence, since, round(self._pace(self._pace_window_start()) * silence)
        )
        self._merge([*guessed, *(each for each in new if each > self._last_header_at)], since, at)

    def _merge(self, new: Sequence[float], since: float, at: float) -> None:
        theirs = sorted([*self._foreign_times, *new])
        self._foreign_times = theirs[bisect_right(theirs, at - self.length - _LATE) :]
        self._last_observed_at = max(self._last_observed_at, at)
        self._known_since = min(self._known_since, since)

    def _update_mean(self, left: float, before: float) -> None:
        """Update the mean that a forecast uses; the last header before was of `before`."""
        at = self._last_header_at
        if self._first is None:
            self._first, self._foreign_mean = at, left
            return
        looked_back = min(_LOOK_BACK, at - self._first)
        passed = min(looked_back, at - before)
        self._foreign_mean += (left - self._foreign_mean) * passed / looked_back

    def _foreign_in_window(self, at: float) -> int:
        """Return how many known foreign requests are in the window that ends then."""
        return len(self._foreign_times) - bisect_right(self._foreign_times, at - self.length)

    def _foreign_since_observed(self, now: float) -> float:
        """Return how many foreign requests may have arrived since the last observation."""
        mean = self._expected_since_observed(now)
        return mean + self._chance_margin(mean)

    def _chance_margin(self, mean: float) -> float:
        """Return how many more may arrive by chance where so many are expected."""
        return (_CAUTIOUS if self._reserve_breached else _CHANCE) * math.sqrt(mean)

    def _expected_since_observed(self, now: float) -> float:
        """Return how many foreign requests are expected since the last observation.

        After a silence the estimate stops growing, while known ones keep falling out: so there is
        room in the end for one of ours, whose response brings new headers.
        """
        if not self._foreign_times:
            return 0.0
        silence = max(0.0, now - self._last_news_expected_at() - _SILENCE * self.length)
        passed = now - self._last_observed_at - silence
        return self._pace(self._last_observed_at - max(_OF_LATE * self.length, passed)) * passed

    def _last_news_expected_at(self) -> float:
        """Return when headers came last, or our last request left, whose response brings some."""
        return max(self._last_observed_at, self._requests[-1].at if self._requests else -math.inf)

    def ready_at(self, now: float) -> float:
        """Return when the next request may leave; or, later than `now`, when to ask again.

        It may when it, ours and others' leave the reserve free. Infinity when an answer has to
        come first.
        """
        ready = self.quota_free_at(now)
        first = bisect_right(self._requests, now - self.length, key=_at)
        ours, theirs = len(self._requests) - first, self._foreign_in_window(now)
        # A client that has just begun may stop again soon. And after a long time without headers
        # there is room for one of ours, to get some.
        since = min(self._pace_window_start(), self._last_observed_at - _BEGUN * self.length)
        asks_at = self._last_news_expected_at() + _OF_LATE * self.length
        left = max(
            theirs + self._foreign_since_observed(now),
            self._expected_foreign(since) if now < asks_at else 0,
        )
        if not ours or ours + left + self._reorder_slack <= self.allowed - 1:
            return ready
        # When the next one falls out. Never now: what is added and taken away again is rounded.
        falls_out = self._requests[first].at
        if theirs:
            falls_out = min(falls_out, self._foreign_times[-theirs])
        again = falls_out + self.length
        if self._ahead and now < asks_at:
            again = min(again, asks_at)
        return max(ready, again, math.nextafter(now, math.inf))

    def quota_free_at(self, now: float) -> float:
        """Return when a request may leave that may use the reserve and ignores other clients."""
        self._forget(now)
        limit, ready = self.rate.limit, now
        if len(self._requests) >= limit:
            ready = max(ready, self._requests[-limit].at + self.length)
        if len(self._requests) - self._released >= limit:
            # Requests that left after a slow one may have released their places before it.
            backs = map(self._released_at, islice(self._requests, self._released, None))
            taken = sorted(back for back in backs if back > now)
            if (over := len(taken) - limit) >= 0:
                ready = max(ready, taken[over])
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

    def _released_at(self, sent: Sent) -> float:
        """Return when the place of a request is released."""
        counted = sent.answered if self.strict else min(sent.answered, sent.at + self._grace)
        return counted + self.length

    def _forget(self, now: float) -> None:
        requests = self._requests
        while self._released < len(requests) and self._released_at(requests[self._released]) <= now:
            self._released += 1
        # Responses still to come compare the server's count with what we had sent then.
        while self._released and requests[0].at < now - self.length - _LATE:
            requests.popleft()
            self._released -= 1


def _spread(since: float, until: float, number: int) -> list[float]:
    """Return so many moments up to `until`; none for a number below 1."""
    return [until - (until - since) * n / number for n in reversed(range(number))]
