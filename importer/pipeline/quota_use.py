"""Measure the use of a shared quota against the best possible pace.

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
_HELD_BACK = 60.0  # seconds without a request of ours that end a breach
_FEW = 0.3  # skip ten minutes with less of our share than this: the ratio is noise


@dataclass(frozen=True, slots=True)
class QuotaUse:
    """Result of a pace.

    `used` is the share we used of what the reserve and other clients left to us, overall and in the
    worst ten minutes (None: none had enough left). `largest` is the fullest window, as a share of
    its limit. `reserve_taken` is how many requests of ours came when only the reserve was left,
    `reserve_seconds` the longest such period: from the first of them to the last, until the reserve
    was free again or we paused for a minute. A single request, which can't be avoided, counts 0.
    """

    used: float
    worst_ten_minutes: float | None
    largest: float
    reserve_taken: int
    reserve_seconds: float


def measure_quota_use(
    rates: Sequence[Rate],
    reserve: float,
    ours: Sequence[float],
    others: Sequence[float],
    seconds: float,
) -> QuotaUse:
    """Measure the first `seconds` of our requests and those of other clients.

    `rates` are the server's, the shortest first; at least one. `reserve` is the share of each
    that was to be left free.
    """
    ours = [at for at in ours if at < seconds]
    others = [at for at in others if at < seconds]
    left = _left_to_us(rates, reserve, others, int(seconds))
    few = _FEW * TEN_MINUTES * rates[0].limit * (1 - reserve) / rates[0].seconds
    ten = [
        sum(start <= at < start + TEN_MINUTES for at in ours) / best
        for start in range(0, int(seconds) - TEN_MINUTES + 1, 60)
        if (best := sum(left[start : start + TEN_MINUTES])) > few
    ]
    largest, taken, longest = _into_the_reserve(rates, reserve, ours, others)
    used = sum(0 <= at < int(seconds) for at in ours) / (sum(left) or 1.0)
    return QuotaUse(used, min(ten, default=None), largest, taken, longest)


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
            taken = sum(at > second + 1 - rate.seconds for at in theirs)
            room.append(rate.limit * (1 - reserve) - taken - held[place])
        # Evenly, as the shortest window has it: no bursts.
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
        first, last = None, 0.0  # of ours that came when only the reserve was left
        for at, mine in events:
            while held and held[0] <= at - rate.seconds:
                held.popleft()
            if len(held) <= most:
                first = None
            held.append(at)
            fullest = max(fullest, len(held) / rate.limit)
            if mine and len(held) > most:
                taken += 1
                first = at if first is None or at - last > _HELD_BACK else first
                longest, last = max(longest, at - first), at
    return fullest, taken, longest
