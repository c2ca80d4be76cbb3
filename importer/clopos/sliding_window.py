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

Each answer tells how many requests the server held when its request came; those that aren't ours
are of others. More of them than were known came since the last such look; from then on it is known
when they fall out of the window. What came since is guessed: as many as of late, and some more,
for chance.

An hour's quota may be used up in minutes, and then there is no news until the hour is over. So as
many are left to others as they will have sent by then, at their pace of late: else the tills would
meet our 429.
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
_LOOK_BACK = 600.0  # seconds: somebody who comes and goes is in a forecast by the mean
# How others are guessed at; found by measuring (benchmarks/pace.py).
_OF_LATE = 1 / 6  # of a window, in which it is counted how fast others send
_BEGUN = 1 / 8  # of a window, before which nobody takes them to go on for all of it
_SILENCE = 1 / 30  # of a window without news, after which a guess grows no more
_CHANCE = 0.5  # standard deviations of what others send before there is news
_CAUTIOUS = 2.0  # the same once one of ours came when only the reserve was left


@dataclass(slots=True)
class Sent:
    """A request that left, and when it was answered or given up (inf: not yet)."""

    at: float
    answered: float = math.inf


_at = attrgetter("at")


class Window:
    """One rate, shared with others. All times in seconds of one clock.

    `reserve` is the share of the limit that is left for others, from 0 to below 1. `ahead` is of a
    window beside a shorter one: what others will send is left to them, not only what they sent.
    """

    def __init__(self, rate: Rate, reserve: float, *, ahead: bool = False) -> None:
        self.rate = rate
        self._ahead = ahead
        self.length = rate.seconds + MARGIN
        self.strict = False  # True: nothing is taken as counted before its answer
        self._requests: deque[Sent] = deque()  # in the order they left
        self._free = 0  # how many of the first of them have given back their place
        self._theirs: list[float] = []  # when requests of others came, in order
        self._looked_at = -math.inf  # when the request left whose answer told of this window last
        self._news_at = -math.inf  # the same, or a shorter window told
        self._known_since = math.inf  # from when on requests of others are known
        self._spare = 0  # places for requests of ours that overtake one another
        self._over = False  # only the reserve was left then
        self._seen: deque[tuple[float, int]] = deque()  # (time, server's count less ours)
        self._first: float | None = None  # when the server's count was seen first
        self._typical = 0.0  # of others, in the time a forecast looks back on
        self.keep_free(reserve)

    def keep_free(self, reserve: float) -> None:
        """Leave this share of the limit for others from now on."""
        limit = self.rate.limit
        self.allowed = max(1, math.floor(limit * (1 - reserve) + 1e-9))
        # What the reserve leaves to spare, less a tenth for chance.
        self._grace = max(LEAST_GRACE, 0.9 * (limit / self.allowed - 1) * self.length)

    def spacing(self, now: float) -> float:
        """Return the least seconds from the request that left now to the next.

        In the first window as if others always were there: what left in a burst comes back in one,
        a window later, and between the two nothing would leave, and nothing be heard of others.
        """
        first = now < self._requests[0].at + self.length
        return self.length / (self.usable(now) if first else self.allowed)

    def add(self, sent: Sent) -> None:
        """Count a request that leaves now, or left before this process began."""
        self._requests.append(sent)

    def usable(self, now: float) -> int:
        """Return how many of a window are ours while others send as they do; at least one."""
        return max(1, self.allowed - self.others(now))

    def typical(self) -> int:
        """Return how many of a window could be ours of late, in the mean; at least one."""
        return max(1, self.allowed - round(self._typical))

    def others(self, now: float) -> int:
        """Return how many of a window are left to others, by what there was news of last.

        0 when that is a window ago: they may all have gone.
        """
        if now >= self._news_at + self.length:
            return 0
        return max(self._held(self._news_at), self._foreseen(self._since_known()))

    def _since_known(self) -> float:
        """Return from when on it is counted how fast others send."""
        return max(self._known_since, self._news_at - _OF_LATE * self.length)

    def _foreseen(self, since: float) -> int:
        """Return how many requests of others a whole window may hold, at their pace from `since`.

        With one standard deviation for chance: they were counted for a sixth of it at most.
        """
        mean = self._pace(since) * self.length if self._ahead else 0.0
        return math.ceil(mean + math.sqrt(mean))

    def _pace(self, since: float) -> float:
        """Return how many requests a second others sent from `since` to when there was news."""
        number = len(self._theirs) - bisect_right(self._theirs, since)
        return number / (self._news_at - since) if number else 0.0

    def observe(self, remaining: int, sent_at: float, now: float) -> Sequence[float]:
        """Learn what the server had left when a request of `sent_at` came to it.

        Return when requests of others came that weren't known before.

        What it counted then and we didn't send, somebody else did. Requests that overtake one
        another make the difference waver, below nothing as well, where nobody else can be: so far
        it may waver above. And as there may be some of ours more at the server than we sent in any
        window, a place is spared for those.
        """
        if sent_at <= self._looked_at:
            return ()  # a slow answer tells old news
        until = bisect_right(self._requests, sent_at, key=_at)
        since = bisect_right(self._requests, sent_at - self.rate.seconds, key=_at)
        counted = self.rate.limit - remaining
        self._seen.append((sent_at, counted - (until - since)))
        while self._seen[0][0] < sent_at - _LATE:
            self._seen.popleft()
        wavering = min(0, min(self._seen, key=itemgetter(1))[1])
        count = max(0, self._seen[-1][1] + wavering)
        self._spare = int(wavering < 0)
        held = self._held(sent_at)
        # Where there are fewer than held, it was wrong when the oldest would fall out.
        self._theirs = self._theirs[len(self._theirs) - min(held, count) :]
        new = self._when(count - held, sent_at)
        before, self._looked_at = self._looked_at, sent_at
        self._over = counted > self.allowed
        self._note(new, sent_at - self.rate.seconds, sent_at)
        # What isn't used for their sake, whether they came or not.
        unused = self._spare + self._chance(self._expected(now)) + 1 if count else self._spare
        self._remember(count + unused, before)
        return new

    def _when(self, number: int, at: float) -> list[float]:
        """Return when so many requests of others came of which it is told only `at` some time.

        In a silence they are taken to have gone on; the others came before anything was known.
        """
        begin = at - self.rate.seconds
        silent_since = max(min(self._news_at, at), begin)
        if self._known_since <= begin:
            return _evenly(silent_since, at, number)
        went_on = round(self._pace(self._since_known()) * (at - silent_since))
        late = max(0, min(number, went_on))
        before = _evenly(begin, min(self._known_since, at), number - late)
        return [*before, *_evenly(silent_since, at, late)]

    def gather(self, new: Sequence[float], since: float, at: float) -> None:
        """Note when requests of others came from `since` to `at`, by what a shorter window told.

        Before that nothing was heard for a while, maybe: they are taken to have gone on.
        """
        silence = min(max(0.0, since - self._news_at), self.length) if self._theirs else 0.0
        guessed = _evenly(since - silence, since, round(self._pace(self._since_known()) * silence))
        self._note([*guessed, *(each for each in new if each > self._looked_at)], since, at)

    def _note(self, new: Sequence[float], since: float, at: float) -> None:
        theirs = sorted([*self._theirs, *new])
        self._theirs = theirs[bisect_right(theirs, at - self.length - _LATE) :]
        self._news_at = max(self._news_at, at)
        self._known_since = min(self._known_since, since)

    def _remember(self, left: float, before: float) -> None:
        """Note how much of a window was left to others, for a forecast; it told of it `before`."""
        at = self._looked_at
        if self._first is None:
            self._first, self._typical = at, left
            return
        looked_back = min(_LOOK_BACK, at - self._first)
        passed = min(looked_back, at - before)
        self._typical += (left - self._typical) * passed / looked_back

    def _held(self, at: float) -> int:
        """Return how many requests of others that are known a window holds that ends then."""
        return len(self._theirs) - bisect_right(self._theirs, at - self.length)

    def _unknown(self, now: float) -> float:
        """Return how many requests of others may have come since there was news."""
        mean = self._expected(now)
        return mean + self._chance(mean)

    def _chance(self, mean: float) -> float:
        """Return how many more may come by chance where so many are expected."""
        return (_CAUTIOUS if self._over else _CHANCE) * math.sqrt(mean)

    def _expected(self, now: float) -> float:
        """Return how many requests of others are expected to have come since there was news.

        After a silence no more are added, while those that are known go on to fall out: so there
        is room at last for one of ours, which brings news.
        """
        if not self._theirs:
            return 0.0
        silence = max(0.0, now - self._last() - _SILENCE * self.length)
        passed = now - self._news_at - silence
        return self._pace(self._news_at - max(_OF_LATE * self.length, passed)) * passed

    def _last(self) -> float:
        """Return when there was news of others, or when one of ours left that will bring it."""
        return max(self._news_at, self._requests[-1].at if self._requests else -math.inf)

    def ready_at(self, now: float) -> float:
        """Return when the next request may leave; or, later than `now`, when to ask again.

        It may when it, ours and others' leave the reserve free. Infinity when an answer has to
        come first.
        """
        ready = self.first_at(now)
        first = bisect_right(self._requests, now - self.length, key=_at)
        ours, theirs = len(self._requests) - first, self._held(now)
        # Who has only begun to send may be gone again soon. And after a long time without news
        # there is room for one of ours, to hear of others.
        since = min(self._since_known(), self._news_at - _BEGUN * self.length)
        asks_at = self._last() + _OF_LATE * self.length
        left = max(theirs + self._unknown(now), self._foreseen(since) if now < asks_at else 0)
        if not ours or ours + left + self._spare <= self.allowed - 1:
            return ready
        # When the next one falls out. Never now: what is added and taken away again is rounded.
        falls_out = self._requests[first].at
        if theirs:
            falls_out = min(falls_out, self._theirs[-theirs])
        again = falls_out + self.length
        if self._ahead and now < asks_at:
            again = min(again, asks_at)
        return max(ready, again, math.nextafter(now, math.inf))

    def first_at(self, now: float) -> float:
        """Return when a request may leave that may use the reserve, whoever else sends."""
        self._forget(now)
        limit, ready = self.rate.limit, now
        if len(self._requests) >= limit:
            ready = max(ready, self._requests[-limit].at + self.length)
        if len(self._requests) - self._free >= limit:
            # Those that left after one that is slowly answered may have their places back.
            backs = map(self._back_at, islice(self._requests, self._free, None))
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


def _evenly(since: float, until: float, number: int) -> list[float]:
    """Return so many moments up to `until`; none for a number below 1."""
    return [until - (until - since) * n / number for n in reversed(range(number))]
