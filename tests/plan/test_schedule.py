"""Sending hours, deadlines, and the end of a given amount of work."""

from __future__ import annotations

import time as clock
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from importer.errors import UsageError
from importer.plan.schedule import (
    Opening,
    SendingHours,
    finish,
    next_at,
    opening,
    parse_finish,
    parse_window,
    parse_zone,
)
from importer.sandbox import Config
from importer.sandbox.virtual_time import EPOCH, run
from tests.harness import harness, people, status_by_row

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.harness import Sent

HOUR = 3600.0
NIGHT = SendingHours(time(22), time(8), 0.0)


@pytest.fixture(autouse=True)
def _utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Set the time zone of the machine to UTC, where virtual time begins at midnight."""
    yield from zone(monkeypatch, "UTC")


def zone(monkeypatch: pytest.MonkeyPatch, name: str) -> Iterator[None]:
    monkeypatch.setenv("TZ", name)
    clock.tzset()
    yield
    monkeypatch.undo()
    clock.tzset()


@pytest.mark.parametrize(
    ("text", "window"),
    [
        ("22:00-08:00", SendingHours(time(22), time(8))),
        (" 9:30 - 17:05 ", SendingHours(time(9, 30), time(17, 5))),
        ("22:00-08:00 reserve=0%", NIGHT),
        ("00:00-06:00  reserve=12.5", SendingHours(time(0), time(6), 0.125)),
    ],
)
def test_sending_hours_are_parsed(text: str, window: SendingHours) -> None:
    assert parse_window(text) == window


@pytest.mark.parametrize(
    "text",
    [
        *("", "22-8", "22:00", "25:00-08:00", "22:60-08:00", "08:00-08:00", "22:00-08:00 0%"),
        *("22:00-08:00 reserve=100%", "22:00-08:00 reserve=1.2.3", "22:00-08:00 reserve=-1%"),
        *("٢٢:00-08:00", "22:00-08:00 reserve=", "22:00-08:00,9:00-10:00"),
    ],
)
def test_invalid_sending_hours_are_an_error(text: str) -> None:
    with pytest.raises(UsageError, match="not a time to send in"):
        parse_window(text)


@pytest.mark.parametrize("text", ["", "6", "24:00", "06:00:00", "six", "06:00 tomorrow"])
def test_invalid_time_of_the_day_is_an_error(text: str) -> None:
    assert parse_finish(" 6:05 ") == time(6, 5)
    with pytest.raises(UsageError, match="not a time of the day"):
        parse_finish(text)


def test_next_time_of_day_is_today_or_tomorrow() -> None:
    assert next_at(time(6), EPOCH) == EPOCH + 6 * HOUR
    assert next_at(time(6), EPOCH + 6 * HOUR) == EPOCH + 30 * HOUR
    assert next_at(time(6), EPOCH + 7 * HOUR) == EPOCH + 30 * HOUR


@pytest.mark.parametrize("machine", ["UTC", "Asia/Baku", "America/New_York"])
def test_hours_of_a_time_zone_are_the_same_on_every_machine(
    machine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """22:00 in Baku is 18:00 UTC; 06:00 there is 02:00."""
    for _ in zone(monkeypatch, machine):
        window = parse_window("22:00-08:00", parse_zone("Asia/Baku"))
        six = datetime(2026, 11, 26, 18, tzinfo=UTC).timestamp()
        assert opening([window], 0.1, six - 1) == Opening(None, 1.0)
        assert opening([window], 0.1, six) == Opening(0.1, 10 * HOUR)
        assert next_at(parse_finish("06:00", parse_zone("Asia/Baku")), six) == six + 8 * HOUR


@pytest.mark.parametrize("name", ["Asia/Bakuu", "", "../etc/passwd", "\0", "x" * 300])
def test_unknown_time_zone_is_an_error(name: str) -> None:
    with pytest.raises(UsageError, match="is not a time zone"):
        parse_zone(name)


def test_hours_over_midnight_have_their_own_reserve() -> None:
    assert opening([], 0.1, EPOCH) == Opening(0.1, float("inf"))
    assert opening([NIGHT], 0.1, EPOCH) == Opening(0.0, 8 * HOUR)
    assert opening([NIGHT], 0.1, EPOCH + 8 * HOUR) == Opening(None, 14 * HOUR)
    assert opening([NIGHT], 0.1, EPOCH + 22 * HOUR) == Opening(0.0, 2 * HOUR + 8 * HOUR)
    both = [NIGHT, SendingHours(time(7), time(10))]
    assert opening(both, 0.1, EPOCH + 7 * HOUR) == Opening(0.0, HOUR)
    assert opening(both, 0.1, EPOCH + 8 * HOUR) == Opening(0.1, 2 * HOUR)


def test_work_pauses_outside_of_the_hours_and_is_faster_without_a_reserve() -> None:
    # At 20:00 for six hours of work at 90 %: two hours' wait, then it takes nine tenths.
    assert finish([NIGHT], 0.1, EPOCH + 20 * HOUR, 6 * HOUR) == pytest.approx(
        EPOCH + 22 * HOUR + 5.4 * HOUR
    )
    # Ten hours fit into a night; the rest of twelve is done in the next one.
    night = SendingHours(time(22), time(8))
    assert finish([night], 0.1, EPOCH + 22 * HOUR, 12 * HOUR) == EPOCH + (46 + 2) * HOUR
    assert finish([], 0.1, EPOCH, 5.0) == EPOCH + 5.0
    assert finish([night], 0.1, EPOCH, 1e12) == EPOCH + timedelta(days=3650).total_seconds()


def test_hour_that_is_repeated_by_the_end_of_summer_time_ends_twice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In Berlin on 25 October 2026 it is 2:30 at 0:30 UTC and again at 1:30."""
    for _ in zone(monkeypatch, "Europe/Berlin"):
        early = [SendingHours(time(1), time(2, 30))]
        second = datetime(2026, 10, 25, 1, 10, tzinfo=UTC).timestamp()
        assert opening(early, 0.1, second) == Opening(0.1, 20 * 60)
        assert opening(early, 0.1, second + 20 * 60).reserve is None


_edges = st.builds(time, st.integers(0, 23), st.sampled_from([0, 1, 30, 59]))
_windows = st.lists(
    st.tuples(_edges, _edges, st.sampled_from([None, 0.0, 0.5])).filter(lambda w: w[0] != w[1]),
    max_size=3,
)


@settings(max_examples=40, deadline=None)
@given(_windows, st.integers(0, 86_400), st.integers(0, 1000))
def test_work_of_the_forecast_is_done_by_its_end(
    given_windows: list[tuple[time, time, float | None]], start: int, seconds: int
) -> None:
    """Counted naively, minute by minute, the work done until the forecast end is all of it."""
    windows = [SendingHours(*each) for each in given_windows]
    now = EPOCH + start
    end = finish(windows, 0.1, now, seconds)
    done, moment = 0.0, now
    while moment < end:
        step = min(60.0 - moment % 60.0, end - moment)
        at = datetime.fromtimestamp(moment, UTC).time()
        held = next((w for w in windows if w.holds(at)), None)
        if held or not windows:
            kept = held.reserve if held and held.reserve is not None else 0.1
            done += step * (1 - kept) / 0.9
        moment += step
    assert done == pytest.approx(seconds, abs=0.01)


def send_people(folder: Path, number: int, **options: Any) -> tuple[Sent, list[float]]:
    """Send people from midnight on; return the run and the arrival of requests in seconds."""

    async def scenario() -> tuple[Sent, list[float]]:
        async with harness(folder, Config(latency=(0.1, 0.1))) as here:
            uploaded = await here.send(*people(number), **options)
            log = [seen.clock for seen in here.sandbox._gateway.log if seen.route == "create"]
            return uploaded, log

    return run(scenario())


@pytest.mark.slow(reason="a day on the clock of the sandbox, second by second")
@pytest.mark.usefixtures("untraced")
def test_no_row_is_sent_outside_of_the_sending_hours(tmp_path: Path) -> None:
    windows = (SendingHours(time(0), time(0, 1)), SendingHours(time(3), time(3, 1), 0.5))
    uploaded, times = send_people(tmp_path, 500, windows=windows, match="never")
    assert set(status_by_row(uploaded).values()) == {"created"}
    first = [at for at in times if at < 60]
    second = [at for at in times if 3 * HOUR <= at < 3 * HOUR + 60]
    assert len(first) == pytest.approx(270, abs=2)
    assert len(second) == pytest.approx(150, abs=2)  # half of the quota is left
    rest = [at for at in times if at >= 24 * HOUR]
    assert len(first) + len(second) + len(rest) == 500
    assert uploaded.plan
    assert uploaded.plan.price.finish == pytest.approx(EPOCH + times[-1], abs=2)


def test_deadline_that_can_be_met_ends_no_run_early(tmp_path: Path) -> None:
    uploaded, _ = send_people(tmp_path, 100, finish_by=time(0, 1), match="never")
    assert uploaded.error is None
    assert uploaded.plan
    assert uploaded.plan.price.fits is True
    shown = uploaded.plan.as_dict()
    assert (shown["fits"], shown["created_in_time"]) == (True, 100)
    assert shown["finish_by"] == "2026-01-01T00:01:00+00:00"


@pytest.mark.usefixtures("untraced")
async def test_missed_deadline_ends_the_run_in_time_and_the_next_run_continues(
    tmp_path: Path,
) -> None:
    async with harness(tmp_path, Config(latency=(0.1, 0.1))) as here:
        first = await here.send(*people(720), finish_by=time(0, 3), match="never")
        assert here.now < 180
        assert first.plan
        assert first.plan.price.fits is False
        assert first.error
        assert first.error.exit_code == 130
        assert first.error.what == "Stopped to be done by 00:03"
        created = sum(status == "created" for status in status_by_row(first).values())
        assert first.plan.price.in_time == pytest.approx(created, abs=2)
        here.stop.clear()
        second = await here.send(*people(720), match="never")
        assert second.error is None
        assert set(here.names().values()) == {1}
        assert len(here.names()) == 720
