"""Forecast of a run: rows left to send, and settling at the end."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from importer.plan.forecast import Progress


def test_forecast_begins_with_one_request_a_row_and_follows_the_observed_ratio() -> None:
    assert Progress(900, 0).requests_left == 900
    assert Progress(900, 100, answered=100).requests_left == 800
    # Every second row needs a look-up: another customer has its phone.
    assert Progress(900, 100, answered=150).requests_left == 1200


def test_half_of_the_uncertain_rows_are_expected_to_be_resent() -> None:
    assert Progress(100, 90, doubtful=10, doubted=10, answered=100).requests_left == 5
    # Ten requests settled twenty rows; they don't add to the requests a row.
    assert Progress(200, 100, doubted=20, answered=110).requests_left == 110


def test_forecast_without_uncertain_rows_has_no_time_for_settling() -> None:
    assert Progress(900, 100, answered=100).settling(10.0, [0.3], 4.5, 999) == 0.0
    assert Progress(900, 0).settling(10.0, [0.0], 0.0, 999) == 0.0


def test_forecast_includes_the_settling_of_the_last_uncertain_row() -> None:
    last = Progress(100, 80, doubtful=20, doubted=20, answered=100)
    # The response, ten seconds, reading, sending again; more for rows in doubt again.
    assert last.settling(10.0, [1.0], 0.0, 999) > 1.4 * (10.0 + 3.0)
    rare = Progress(10_000, 9_500, doubtful=5, doubted=5, answered=9_505)
    # One in about ninety seconds: mostly long before the end.
    assert rare.settling(10.0, [0.1], 4.5, 999) < 2.0


def test_rows_that_wait_to_be_sent_again_were_all_in_doubt() -> None:
    waiting = Progress(100, 1, doubted=50, answered=60)
    assert waiting.requests_left == pytest.approx(99 * 1.5, abs=1)
    assert waiting.settling(10.0, [1.0], 4.5, 999) < 300.0


def test_uncertain_rows_of_an_earlier_run_do_not_change_the_forecast() -> None:
    resumed = Progress(10_000, 100, doubtful=400, answered=101)
    assert resumed.requests_left == pytest.approx(9_500 + 200, abs=1)


@given(
    st.integers(0, 500),
    st.integers(0, 500),
    st.integers(0, 500),
    st.lists(st.floats(0.0, 20.0), min_size=1, max_size=9),
)
def test_forecast_of_settling_grows_with_the_share_in_doubt_and_is_finite(
    new: int, done: int, doubtful: int, latencies: list[float]
) -> None:
    rows = new + done + doubtful

    def seconds(doubted: int) -> float:
        progress = Progress(rows, done, doubtful, doubted, done + doubtful)
        return progress.settling(10.0, latencies, 4.5, 999)

    assert 0.0 <= seconds(doubtful) <= seconds(done + doubtful)
    # Half of them, at most, are in doubt each time once more.
    assert seconds(done + doubtful) <= (10.0 + 3 * max(latencies)) * 20


def test_share_in_doubt_applies_to_rows_still_to_be_sent() -> None:
    often = Progress(1000, 90, doubtful=10, doubted=10, answered=100)
    assert often.requests_left == pytest.approx(900 * 1.05 + 5, abs=1)
