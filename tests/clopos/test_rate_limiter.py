"""The rate limiter uses the allowed rate and never exceeds a sliding window of the server."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.pace import V1, Case, Row, measure
from importer.clopos import Rate, RateLimiter, default_rates, parse_rates
from importer.clopos.sliding_window import Sent, SlidingWindow
from importer.errors import UsageError
from importer.plan.schedule import Opening
from importer.sandbox.virtual_time import run

if TYPE_CHECKING:
    from collections.abc import Callable

MINUTE = 60.0

SLOW = pytest.mark.slow(reason="the same with another reserve")


def hour(name: str = "", **options: Any) -> Row:
    [row] = measure([Case(name, **({"seconds": 900.0} | options))])
    return row


@pytest.mark.parametrize("reserve", [0.1, *(pytest.param(each, marks=SLOW) for each in (0.0, 0.5))])
@pytest.mark.parametrize("latency", ["20 ms", "20 ms to 9 s", "9 s", "mostly 100 ms, some 8 s"])
def test_allowed_rate_is_used_at_any_latency(latency: str, reserve: float) -> None:
    row = hour(latency=latency, reserve=reserve)
    assert row.throttled == 0
    assert row.use.worst_ten_minutes
    assert row.use.worst_ten_minutes >= 0.99
    assert row.use.largest <= 1 - reserve + 1e-9


def test_several_rates_are_kept_at_once() -> None:
    row = hour(rates=V1, seconds=4000.0)
    assert row.throttled == 0
    assert row.use.used >= 0.99
    # 900 at the minute's rate, and after an hour the next ones.
    assert row.sent == 900 + int((4000 - 3600.05) * 90 / 60.05) + 1


def test_requests_that_overtake_one_another_are_not_taken_for_another_client() -> None:
    row = hour(on_the_way=1.0)
    assert row.throttled == 0
    assert row.use.used >= 0.99
    assert row.use.reserve_seconds <= 1.0


@pytest.mark.parametrize(("share", "used"), [(0.3, 0.98), (0.6, 0.975)])
def test_quota_of_another_client_is_reserved_and_then_released(share: float, used: float) -> None:
    row = hour(others=share, seconds=1200.0)
    assert row.throttled == 0
    assert row.use.used >= used
    assert row.use.largest < 0.97  # hardly any of the reserve is used before a response


@pytest.mark.parametrize("share", [0.3, 0.6])
def test_reserve_is_breached_for_at_most_a_second(share: float) -> None:
    """Another client sends evenly, five minutes of ten."""
    row = hour(others=share, evenly=True, seconds=1200.0)
    assert row.throttled == 0
    assert row.use.used >= 0.98
    assert row.use.reserve_seconds <= 1.0


def test_other_client_on_the_hourly_quota_is_seen_in_the_headers_of_the_minute() -> None:
    """Its expected requests stay reserved for the rest of the hour, without headers."""
    row = hour(rates=V1, others=0.3, seconds=4000.0)
    assert row.throttled == 0
    assert row.use.used >= 0.9
    assert row.use.largest < 0.97
    assert row.use.reserve_taken <= 10
    assert row.use.reserve_seconds <= 1.0


@settings(max_examples=25, deadline=None)
@given(
    limit=st.integers(1, 12),
    reserve=st.sampled_from([0.0, 0.1, 0.4]),
    latencies=st.lists(st.floats(0.0, 25.0), min_size=1, max_size=40),
    ways=st.lists(st.floats(0.0, 0.5), min_size=1, max_size=40),
)
def test_no_window_of_the_server_exceeds_the_limit(
    limit: int, reserve: float, latencies: list[float], ways: list[float]
) -> None:
    """Requests are counted within half a second of leaving, and answered at any time."""
    arrivals: list[float] = []

    async def scenario() -> None:
        loop = asyncio.get_running_loop()
        quota = RateLimiter([Rate(limit, 10.0)], reserve=reserve)

        async def send(number: int) -> None:
            sent = await quota.acquire()
            await asyncio.sleep(ways[number % len(ways)])
            arrivals.append(loop.time())
            await asyncio.sleep(latencies[number % len(latencies)])
            quota.release(sent)

        await asyncio.gather(*(send(number) for number in range(limit * 4)))

    run(scenario())
    arrivals.sort()
    for first, last in zip(arrivals, arrivals[limit:], strict=False):
        assert last - first >= 10.0


async def leave(quota: RateLimiter, number: int) -> list[float]:
    """Return the times at which requests left; each is answered at once."""
    times = []
    for _ in range(number):
        quota.release(await quota.acquire())
        times.append(asyncio.get_running_loop().time())
    return times


def test_requests_are_spaced_evenly_from_the_first_on() -> None:
    times = run(leave(RateLimiter(default_rates(2)), 5))
    gaps = [round(b - a, 4) for a, b in pairwise(times)]
    assert gaps == [round(60.05 / 270, 4)] * 4


async def test_requests_without_rates_do_not_wait() -> None:
    quota = RateLimiter(())
    assert await leave(quota, 3) == [0.0, 0.0, 0.0]
    assert (quota.per_minute, quota.seconds_of(9)) == (None, None)


async def test_late_request_does_not_delay_the_next_ones() -> None:
    """A request that wakes after its slot doesn't move the slots after it."""
    quota = RateLimiter([Rate(60, 60.0)], reserve=0.0)
    times = await leave(quota, 2)
    await asyncio.sleep(1.4)
    times = [*times, *await leave(quota, 2)]
    assert [round(each / (60.05 / 60), 2) for each in times] == [0.0, 1.0, 2.4, 3.0]


async def test_restart_counts_requests_sent_before_it() -> None:
    # Ten in a minute are allowed; nine left 50 to 42 seconds ago.
    quota = RateLimiter([Rate(10, 60.0)], reserve=0.0, recent=[float(n) for n in range(42, 51)])
    times = await leave(quota, 3)
    assert times[0] == 0.0
    assert times[1] >= 60.05 - 50
    assert times[2] >= times[1] + 1


async def test_throttling_pauses_all_requests_and_frees_places_only_after_responses() -> None:
    loop = asyncio.get_running_loop()
    quota = RateLimiter([Rate(2, 10.0)], reserve=0.0)
    quota.throttle(30.0)
    assert quota.pause_left(loop.time()) == 30.0
    answered: list[float] = []

    async def slow() -> None:
        sent = await quota.acquire()
        await asyncio.sleep(9.0)
        answered.append(loop.time())
        quota.release(sent)

    slow_ones = [loop.create_task(slow()) for _ in range(2)]
    await asyncio.sleep(1)
    [left] = await leave(quota, 1)
    await asyncio.gather(*slow_ones)
    assert answered[0] == 39.0
    assert left >= answered[0] + 10.0


@pytest.mark.parametrize("strict", [False, True])
async def test_slow_response_holds_one_place_in_the_window(*, strict: bool) -> None:
    """Requests sent after it free their places earlier."""
    loop = asyncio.get_running_loop()
    quota = RateLimiter([Rate(20, 20.0)], reserve=0.0)
    if strict:
        quota.throttle(0.0)
    times: list[float] = []

    async def send(seconds: float) -> None:
        sent = await quota.acquire()
        times.append(loop.time())
        await asyncio.sleep(seconds)
        quota.release(sent)

    await asyncio.gather(*(send(15.0 if n == 0 else 0.1) for n in range(60)))
    assert len(times) == 60
    assert sum(at < 40.0 for at in times) >= 38


async def test_sign_in_may_use_the_reserve_but_not_more() -> None:
    loop = asyncio.get_running_loop()
    quota = RateLimiter([Rate(10, 60.0)], reserve=0.5)
    await leave(quota, 5)
    times = []
    for _ in range(6):
        quota.release(await quota.acquire_priority())
        times.append(loop.time())
    assert times[4] - times[0] < 1.0
    assert times[5] >= 60.05


async def test_cancelled_wait_uses_no_place() -> None:
    quota = RateLimiter([Rate(1, 60.0)], reserve=0.0)
    await leave(quota, 1)
    waiting = asyncio.ensure_future(leave(quota, 1))
    await asyncio.sleep(1)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert await leave(quota, 1) == [pytest.approx(60.05)]


async def test_sending_hours_stop_requests_and_change_the_reserve() -> None:
    loop = asyncio.get_running_loop()
    quota = RateLimiter([Rate(10, 10.0)], reserve=0.0)
    await leave(quota, 1)

    def hours() -> Opening:
        now = loop.time()
        if now < 200:
            return Opening(None, 200 - now)
        return Opening(0.5, 1000.0)

    quota.set_schedule(hours)
    assert (await leave(quota, 1))[0] == 200.0
    assert quota.per_minute == 30.0
    assert (await leave(quota, 2))[1] >= 203.9


HEADERS: dict[str, Callable[[int], dict[str, str]]] = {
    "v2": lambda left: {"RateLimit-Limit": "300", "RateLimit-Remaining": str(left)},
    "v1": lambda left: {"X-RateLimit-Limit": "300", "X-RateLimit-Remaining": str(left)},
}


@pytest.mark.parametrize("family", HEADERS)
async def test_both_families_of_headers_show_other_clients(family: str) -> None:
    loop = asyncio.get_running_loop()
    quota = RateLimiter(default_rates(2))
    await leave(quota, 1)
    quota.observe(HEADERS[family](300 - 1 - 134), loop.time())
    await asyncio.sleep(0.5)
    assert quota.seconds_of(2 * (270 - 134)) == pytest.approx(2 * 60.05)
    await asyncio.sleep(61)  # without headers all of them may have been sent
    assert quota.seconds_of(270) == pytest.approx(60.05)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"RateLimit-Limit": "300"},
        {"RateLimit-Limit": "600", "RateLimit-Remaining": "0"},
        {"RateLimit-Limit": "many", "RateLimit-Remaining": "few"},
        {"RateLimit-Limit": "٣٠٠", "RateLimit-Remaining": "٠"},
        {"RateLimit-Limit": "300", "RateLimit-Remaining": "9" * 5000},
    ],
)
async def test_headers_of_another_quota_are_ignored(
    headers: dict[str, str],
) -> None:
    quota = RateLimiter(default_rates(2))
    quota.observe(headers, 0.0)
    assert quota.seconds_of(270) == pytest.approx(60.05)


def test_headers_of_an_older_request_are_ignored() -> None:
    window = SlidingWindow(Rate(300, MINUTE), 0.1)
    window.add(Sent(10.0))
    window.observe(299 - 50, 10.0, 10.1)
    assert window.observe(299 - 200, 9.0, 10.2) == ()
    assert window.foreign(10.2) == 50


async def test_duration_of_a_number_of_requests_is_predicted() -> None:
    v2, v1 = RateLimiter(default_rates(2)), RateLimiter(V1)
    assert v2.seconds_of(0) == 0.0
    assert v2.seconds_of(27_000) == pytest.approx(6005.0)
    assert v1.seconds_of(90) == pytest.approx(60.05)
    # 900 go in ten minutes, then the hour has to pass.
    assert v1.seconds_of(1000) == pytest.approx(3600.05 + 100 * 60.05 / 90)
    times = await leave(v1, 901)
    assert times[-1] == pytest.approx(3600.05, abs=1)


@pytest.mark.parametrize(
    ("text", "rates"),
    [
        ("none", ()),
        ("100/min,1000/hour", V1),
        ("300 / Minute", (Rate(300, 60.0),)),
        ("5/s, 7/d", (Rate(5, 1.0), Rate(7, 86400.0))),
    ],
)
def test_rates_are_parsed(text: str, rates: tuple[Rate, ...]) -> None:
    assert parse_rates(text) == rates


@pytest.mark.parametrize("text", ["", "0/min", "5", "5/fortnight", "-1/min", "5/min,", "1e3/min"])
def test_invalid_rate_is_an_error(text: str) -> None:
    with pytest.raises(UsageError, match="not a rate"):
        parse_rates(text)


def test_forecast_assumes_the_mean_use_by_other_clients() -> None:
    """A client with 90 a minute, five minutes of ten, counts as 45, active or not."""
    window = SlidingWindow(Rate(300, MINUTE), 0.1)
    for second in range(0, 1200, 5):
        theirs = 90 if second % 600 < 300 else 0
        window.observe(300 - theirs, float(second), second + 0.1)
    assert window.typical() == pytest.approx(270 - 45, abs=20)
    assert window.foreign(1195.1) == 0
    quiet = SlidingWindow(Rate(300, MINUTE), 0.1)
    assert quiet.typical() == 270
    quiet.observe(300, 0.0, 0.1)
    quiet.observe(300, 500.0, 500.1)  # no headers for long
    assert quiet.typical() == 270


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 40), st.floats(0.0, 130.0), st.integers(1, 60))
def test_predicted_end_is_the_time_of_the_last_request(
    sent: int, pause: float, number: int
) -> None:
    """After a burst or a pause; the rates are 5 in ten seconds and 12 in a hundred."""

    async def scenario() -> None:
        loop = asyncio.get_running_loop()
        quota = RateLimiter([Rate(5, 10.0), Rate(12, 100.0)], reserve=0.0)
        await leave(quota, sent)
        await asyncio.sleep(pause)
        told, now = quota.seconds_of(number), loop.time()
        await leave(quota, number)
        assert told == pytest.approx(loop.time() - now, abs=12.0)

    run(scenario())
