"""Due times of a brand: cron by the clock of its own zone, as moments in UTC.

Where the clock is set forward, a time that is skipped counts as the moment after the gap: once.
Where it is set back, a time that comes twice counts the first time: once.
"""

from __future__ import annotations

import difflib
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, available_timezones

from croniter import croniter
from croniter.croniter import CroniterError

from importer.errors import UsageError
from importer.i18n import tr

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_DELAY = 6 * 3600.0  # seconds by which a missed time is made up for
_SET = timedelta(hours=3)  # more than any change of a clock
_FIELDS = (5, 6)  # of cron: the sixth are seconds


def check_schedule(schedule: str | None, zone: str, where: str) -> None:
    """Raise UsageError, naming `where`, for a schedule or zone that can't be."""
    try:
        ZoneInfo(zone)
    except (OSError, ValueError, KeyError) as error:
        raise _no_zone(zone, where) from error
    if schedule is None:
        return
    try:
        if len(schedule.split()) not in _FIELDS:
            raise ValueError
        croniter(schedule, datetime(2026, 1, 1)).get_next()  # noqa: DTZ001 - any time will do
    except (CroniterError, ValueError, KeyError) as error:
        raise UsageError(
            tr("{where}: {schedule} is not a schedule", where=where, schedule=schedule),
            why=tr("it takes minute, hour, day, month and weekday, as cron does"),
            fix=tr('write it like schedule = "15 3 * * *" (each night at 03:15)'),
        ) from error


def last_due(schedule: str, zone: str, now: float) -> float | None:
    """Return the latest moment of a schedule up to `now` within MAX_DELAY, else None.

    Epoch seconds in, epoch seconds out.
    """
    there = ZoneInfo(zone)
    wall = datetime.fromtimestamp(now, there).replace(tzinfo=None)
    found = None
    for time in _walk(schedule, wall + _SET, forward=False):
        if wall - time > _SET + timedelta(seconds=MAX_DELAY):
            break
        moment = time.replace(tzinfo=there).timestamp()
        if moment <= now:
            found = max(found or moment, moment)
            if wall - time > _SET:
                break
    return found if found is not None and now - found <= MAX_DELAY else None


def next_due(schedule: str, zone: str, now: float) -> float:
    """Return the first moment of a schedule after `now`, in epoch seconds."""
    there = ZoneInfo(zone)
    wall = datetime.fromtimestamp(now, there).replace(tzinfo=None)
    found: float | None = None
    end = wall + timedelta(days=366 * 100)
    for time in _walk(schedule, wall - _SET, forward=True):
        if time > end:
            break
        moment = time.replace(tzinfo=there).timestamp()
        if moment > now:
            if found is None:
                end = time + _SET  # a time in a gap may count as later than one after it
            found = min(found or moment, moment)
    assert found is not None  # noqa: S101 - check_schedule has found a time
    return found


def _walk(schedule: str, start: datetime, *, forward: bool) -> Iterator[datetime]:
    """Yield the times of a schedule from `start` on, as a clock on the wall shows them."""
    # Without a zone: croniter would count the hours of a day on which the clock is set its own way.
    times = croniter(schedule, start)
    while True:
        yield times.get_next(datetime) if forward else times.get_prev(datetime)


def _no_zone(zone: str, where: str) -> UsageError:
    nearest = difflib.get_close_matches(zone, sorted(available_timezones()), 1, 0.0)
    return UsageError(
        tr("{where}: there is no time zone {zone}", where=where, zone=zone),
        fix=tr("did you mean {nearest}?", nearest=nearest[0]) if nearest else None,
    )
