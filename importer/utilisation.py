"""How well a quota that is shared with others was used: held against the best pace. Pure.

Times are seconds of one clock, in order; requests count when they come to the server. What came
before 0 takes its places too, but isn't judged.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from importer.clopos.rates import Rate

TEN_MINUTES = 600
_FEW = 50  # requests in ten minutes of which one more or less means nothing


@dataclass(frozen=True, slots=True)
class Use:
    """What came of a pace.

    `used` is our share of what the reserve and others left to us, in the whole and in the worst
    ten minutes (None: there were no ten minutes); `largest` the fullest window, as a share of its
    limit; `reserve_taken` how many of ours came when only the reserve was left, and
    `reserve_seconds` how long after it began to be so the last of these came, at most.
    """

    used: float
    worst_ten_minutes: float | None
    largest: float
    reserve_taken: int
    reserve_seconds: float


def judge(
    rates: Sequence[Rate],
    reserve: float,
    ours: Sequence[float],
    others: Sequence[float],
    seconds: float,
) -> Use:
    """Judge the first `seconds` of requests of ours and others.

    `rates` are the server's, the shortest first; at least one. `reserve` is the share of each
    that was to be left free.
    """
    ours = [at for at in ours if at < seconds]
    others = [at for at in others if at < seconds]
    left = _left_to_us(rates, reserve, others, int(seconds))
    ten = [
        sum(start <= at < start + TEN_MINUTES for at in ours) / best
        for start in range(0, int(seconds) - TEN_MINUTES + 1, 60)
        if (best := sum(left[start : start + TEN_MINUTES])) > _FEW
    ]
    largest, taken, longest = _into_the_reserve(rates, reserve, ours, others)
    used = sum(0 <= at < int(seconds) for at in ours) / (sum(left) or 1.0)
    return Use(used, min(ten, default=None), largest, taken, longest)


def _left_to_us(
    rates: Sequence[Rate], reserve: float, others: Sequence[float], seconds: int
) -> list[float]:
    """Return for each second how many requests the best pace could have sent in it."""
    times = iter(others)
    upcoming = next(times, None)
    windows = [(rate, deque[tuple[int, float]]()) for rate in rates]
    theirs: deque[float] = deque()
    held = [0.0] * len(windows)
    longest = max(rate.seconds for rate in rates)
    left = []
    for second in range(seconds):
        while upcoming is not None and upcoming < second + 1:
            theirs.append(upcoming)
            upcoming = next(times, None)
        while theirs and theirs[0] <= second + 1 - longest:
            theirs.popleft()
        room = []
        for place, (rate, mine) in enumerate(windows):
            while mine and mine[0][0] <= second - rate.seconds:
                held[place] -= mine.popleft()[1]
            strangers = sum(at > second + 1 - rate.seconds for at in theirs)
            room.append(rate.limit * (1 - reserve) - strangers - held[place])
        # Evenly, as the shortest window has it: nobody wants bursts.
        now = max(0.0, min(*room, rates[0].limit * (1 - reserve) / rates[0].seconds))
        left.append(now)
        for place, (_, mine) in enumerate(windows):
            mine.append((second, now))
            held[place] += now
    return left


def _into_the_reserve(
    rates: Sequence[Rate], reserve: float, ours: Sequence[float], others: Sequence[float]
) -> tuple[float, int, float]:
    """Return the fullest window, how many of ours took of the reserve, and for how long."""
    fullest, taken, longest = 0.0, 0, 0.0
    events = sorted([(at, True) for at in ours] + [(at, False) for at in others])
    for rate in rates:
        most = int(rate.limit * (1 - reserve) + 1e-9)
        held: deque[float] = deque()
        since = 0.0  # when only the reserve was left
        for at, mine in events:
            while held and held[0] <= at - rate.seconds:
                held.popleft()
            if len(held) <= most:
                since = at
            held.append(at)
            fullest = max(fullest, len(held) / rate.limit)
            if mine and len(held) > most:
                taken += 1
                longest = max(longest, at - since)
    return fullest, taken, longest
