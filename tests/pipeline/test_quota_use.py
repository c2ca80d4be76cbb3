"""Use of a quota, computed by hand: ten requests in ten seconds, two of them left to others."""

from __future__ import annotations

import pytest

from importer.clopos import Rate
from importer.pipeline.quota_use import QuotaUse, measure_quota_use

RATES = [Rate(10, 10.0)]


def measured_use(ours: list[float], others: list[float], seconds: float = 100.0) -> QuotaUse:
    return measure_quota_use(RATES, 0.2, ours, others, seconds)


def test_eight_requests_in_ten_seconds_are_full_use_without_the_reserve() -> None:
    use = measured_use([n * 1.25 for n in range(80)], [])
    assert use.used == pytest.approx(1.0)
    assert use.worst_ten_minutes is None  # the run is shorter than ten minutes
    assert (use.largest, use.reserve_taken, use.reserve_seconds) == (0.8, 0, 0.0)


def test_requests_of_other_clients_are_not_in_our_share() -> None:
    evenly = [n * 2.5 for n in range(40)]
    assert measured_use(evenly, evenly).used > 0.95
    assert measured_use(evenly, []).used == pytest.approx(0.5)


def test_single_request_into_reserve_counts_but_has_zero_duration() -> None:
    use = measured_use([1.0], [n / 10 for n in range(8)])
    assert (use.largest, use.reserve_taken, use.reserve_seconds) == (0.9, 1, 0.0)


def test_reserve_breach_ends_when_the_reserve_is_free() -> None:
    theirs = [n / 10 for n in range(8)]
    assert measured_use([1.0, 3.0, 4.0], theirs).reserve_seconds == 3.0
    assert (
        measured_use([1.0, 12.0], theirs).reserve_seconds == 0.0
    )  # requests of other clients had left the window meanwhile


def test_client_idle_for_a_minute_is_not_expected_to_continue() -> None:
    theirs = [n * 0.5 for n in range(400)]  # other clients use the whole reserve all the time
    assert measured_use([50.0, 55.0, 116.0, 117.0], theirs, 200.0).reserve_seconds == 5.0


def test_worst_ten_minutes_are_those_with_unused_quota() -> None:
    evenly = [n * 1.25 for n in range(960)]
    silent = [at for at in evenly if not 700.0 <= at < 760.0]
    assert measured_use(evenly, [], 1200.0).worst_ten_minutes == pytest.approx(1.0)
    assert measured_use(silent, [], 1200.0).worst_ten_minutes == pytest.approx(0.9)
    everything = [n * 1.0 for n in range(1200)]
    assert measured_use([], everything, 1200.0).worst_ten_minutes is None
