"""Due times of a brand, on normal days and when summer time begins or ends."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from importer.fleet.schedule import MAX_DELAY, last_due, next_due

ZONES = ["Asia/Baku", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "UTC"]


def epoch(text: str, zone: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


def utc(moment: float | None) -> str | None:
    return None if moment is None else f"{datetime.fromtimestamp(moment, UTC):%m-%d %H:%M}"


@pytest.mark.parametrize(
    ("schedule", "zone", "now", "expected"),
    [
        ("15 3 * * *", "Asia/Baku", "2026-01-05 00:00", "01-04 23:15"),
        ("15 3 * * *", "Asia/Baku", "2026-01-05 03:15", "01-05 23:15"),
        # The clock goes from 02:00 to 03:00: what was due at 02:30 is due at 03:30.
        ("30 2 * * *", "Europe/Berlin", "2026-03-29 01:00", "03-29 01:30"),
        ("30 2 * * *", "Europe/Berlin", "2026-03-29 03:30", "03-30 00:30"),
        # From 03:00 back to 02:00: the first of both.
        ("30 2 * * *", "Europe/Berlin", "2026-10-25 01:00", "10-25 00:30"),
        ("30 2 * * *", "Europe/Berlin", "2026-10-25 02:30", "10-26 01:30"),
        ("0 0 29 2 *", "UTC", "2026-01-01 00:00", "02-29 00:00"),
    ],
)
def test_next_due_time_follows_the_schedule_and_the_zone(
    schedule: str, zone: str, now: str, expected: str
) -> None:
    assert utc(next_due(schedule, zone, epoch(now, zone))) == expected


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("2026-01-05 03:15", "01-04 23:15"),
        ("2026-01-05 09:14", "01-04 23:15"),
        ("2026-01-05 09:16", None),  # missed by more than six hours
        ("2026-01-05 03:14", None),
    ],
)
def test_missed_time_is_due_within_six_hours(now: str, expected: str | None) -> None:
    assert utc(last_due("15 3 * * *", "Asia/Baku", epoch(now, "Asia/Baku"))) == expected


@given(
    zone=st.sampled_from(ZONES),
    now=st.integers(1_760_000_000, 1_830_000_000),
    hour=st.integers(0, 23),
    minute=st.integers(0, 59),
)
def test_daily_time_is_due_once_a_day_even_when_summer_time_begins_or_ends(
    zone: str, now: int, hour: int, minute: int
) -> None:
    schedule = f"{minute} {hour} * * *"
    moment, days = float(now), []
    for _ in range(5):
        later = next_due(schedule, zone, moment)
        assert later > moment
        assert last_due(schedule, zone, later) == later
        moment = later
        there = datetime.fromtimestamp(moment, ZoneInfo(zone))
        days.append(there.date())
    assert days == [days[0] + timedelta(days=n) for n in range(5)]


@given(
    zone=st.sampled_from(ZONES),
    now=st.floats(1_760_000_000, 1_830_000_000),
    schedule=st.sampled_from(["*/15 * * * *", "0 */2 * * *", "30 2 * * *", "5 4 * * 1"]),
)
def test_no_time_is_due_between_the_last_and_the_next(zone: str, now: float, schedule: str) -> None:
    last, following = last_due(schedule, zone, now), next_due(schedule, zone, now)
    assert following > now
    if last is None:
        assert following - now > 0
        return
    assert now - MAX_DELAY <= last <= now
    assert next_due(schedule, zone, last) == following
