"""The rate limiter beside another client on the same quota, which sends at any moments."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from importer.clopos import Rate, RateLimiter
from importer.sandbox.virtual_time import run

if TYPE_CHECKING:
    from importer.clopos.sliding_window import Sent


SHORT = (Rate(10, 10.0),)
BOTH = (Rate(10, 10.0), Rate(40, 100.0))  # as on v1, where headers show only the tighter limit


async def beside(
    theirs: list[float], latency: float, seconds: float, rates: tuple[Rate, ...] = SHORT
) -> tuple[list[float], list[float]]:
    """Send for some seconds beside another client, for which three of ten are reserved.

    Return the arrival times of our requests and of all; the server refuses none.
    """
    loop = asyncio.get_running_loop()
    quota = RateLimiter(rates, reserve=0.3)
    ours: list[float] = []

    def arrived(now: float) -> list[float]:
        return sorted([*ours, *(at for at in theirs if at <= now)])

    async def answer(sent: Sent, remaining: int, limit: int) -> None:
        await asyncio.sleep(latency)
        told = {"RateLimit-Limit": str(limit), "RateLimit-Remaining": str(max(0, remaining))}
        quota.observe(told, sent.at)
        quota.release(sent)

    async def send() -> None:
        while True:
            sent = await quota.acquire()
            ours.append(sent.at)
            there = arrived(sent.at)
            rooms = [
                (rate.limit - sum(at > sent.at - rate.seconds for at in there), rate.limit)
                for rate in rates
            ]
            answers.append(loop.create_task(answer(sent, *min(rooms))))

    answers: list[asyncio.Task[None]] = []
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(send(), seconds)
    await asyncio.gather(*answers)
    return ours, arrived(seconds)


moments = st.lists(st.floats(-10.0, 60.0), max_size=120)
latencies = st.sampled_from([0.0, 0.3, 4.0, 12.0])


@settings(max_examples=60, deadline=None)
@given(moments, latencies)
def test_other_client_within_reserve_does_not_slow_us_down(
    theirs: list[float], latency: float
) -> None:
    """At any moments, noticed or not: no window is exceeded, and ours continue."""
    few: list[float] = []
    for at in sorted(theirs):
        if len(few) < 3 or at - few[-3] > 10.0:
            few.append(at)
    ours, arrived = run(beside(few, latency, 60.0))
    assert all(last - first >= 10.0 for first, last in zip(arrived, arrived[10:], strict=False))
    assert len(ours) >= 4 * 4  # of at least 7 - 3 in ten seconds, some wait for headers


@settings(max_examples=60, deadline=None)
@given(moments, latencies)
def test_full_quota_is_used_again_after_the_other_client_stopped(
    theirs: list[float], latency: float
) -> None:
    """It sends in bursts for a while, more than is reserved."""
    ours, _ = run(beside(theirs, latency, 140.0))
    assert sum(at >= 90.0 for at in ours) >= 0.95 * 7 * 5


@settings(max_examples=60, deadline=None)
@given(moments, latencies)
def test_longer_window_is_used_again_after_the_other_client_stopped(
    theirs: list[float], latency: float
) -> None:
    """Its expected requests stay reserved without headers, but not for ever."""
    ours, _ = run(beside(theirs, latency, 500.0, BOTH))
    assert sum(at >= 200.0 for at in ours) >= 0.8 * 28 * 3
