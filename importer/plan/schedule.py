"""Hours in which requests may be sent, and the time when a number of them is done.

Hours are those of the wall clock where the program runs, or of the time zone that a `time` has,
also on the days that clock is set.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, time, timedelta, tzinfo
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from importer.errors import UsageError
from importer.i18n import tr

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_WINDOW = re.compile(
    r"\s*([0-9]{1,2}:[0-9]{2})\s*-\s*([0-9]{1,2}:[0-9]{2})(?:\s+reserve=([0-9.]+)%?)?\s*"
)
_DAYS_AHEAD = 3650  # a forecast that ends later is not given


@dataclass(frozen=True, slots=True)
class SendingHours:
    """Hours of each day in which to send, and the share of the quota left for the tills then.

    An `end` before `start` is on the next day. `reserve` None: that of `SendOptions`.
    """

    start: time
    end: time
    reserve: float | None = None

    def holds(self, moment: time) -> bool:
        """Return whether a time of the day is within."""
        if self.start < self.end:
            return self.start <= moment < self.end
        return moment >= self.start or moment < self.end


@dataclass(frozen=True, slots=True)
class Opening:
    """State of the sending hours: open or not, and for how many seconds.

    `reserve` is the share of the quota that is left for others; None: nothing is sent.
    """

    reserve: float | None
    seconds: float


def parse_zone(name: str) -> tzinfo:
    """Return a time zone by its name, e.g. `Asia/Baku`. Raises UsageError for any other name."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise UsageError(
            tr("--time-zone {name} is not a time zone", name=name),
            fix=tr("write it like {example}", example="--time-zone Asia/Baku"),
        ) from None


def parse_window(text: str, zone: tzinfo | None = None) -> SendingHours:
    """Read `22:00-08:00` or `22:00-08:00 reserve=0%`; `zone` None: that of the machine.

    Raises UsageError for anything else.
    """
    match = _WINDOW.fullmatch(text)
    try:
        if match:
            start, end = (_time(part, zone) for part in match.groups()[:2])
            reserve = float(match[3]) / 100 if match[3] else None
            if start != end and (reserve is None or reserve < 1):
                return SendingHours(start, end, reserve)
    except ValueError:
        pass  # 25:00, or a reserve of 1.2.3
    raise UsageError(
        tr("--window {text} is not a time to send in", text=text),
        fix=tr('write it like --window 22:00-08:00 or --window "22:00-08:00 reserve=0%"'),
    )


def parse_finish(text: str, zone: tzinfo | None = None) -> time:
    """Read `06:00`; `zone` None: that of the machine.

    Raises UsageError for what is not a time of the day.
    """
    try:
        return _time(text.strip(), zone)
    except ValueError:
        raise UsageError(
            tr("--finish-by {text} is not a time of the day", text=text),
            fix=tr("write it like --finish-by 06:00"),
        ) from None


def next_at(wanted: time, now: float) -> float:
    """Return when it is next so late; `now` and the answer in epoch seconds."""
    return min(moment for moment in _moments(wanted, now) if moment > now)


def opening(windows: Sequence[SendingHours], reserve: float, now: float) -> Opening:
    """Return whether to send at `now` (epoch seconds), and with which reserve.

    Always, with `reserve`, where there are no windows. Of several that hold, the first counts.
    """
    if not windows:
        return Opening(reserve, float("inf"))
    edges = [edge for window in windows for edge in (window.start, window.end)]
    change = min(moment for edge in edges for moment in _moments(edge, now) if moment > now)
    for window in windows:
        if window.holds(datetime.fromtimestamp(now, window.start.tzinfo).timetz()):
            kept = reserve if window.reserve is None else window.reserve
            return Opening(kept, change - now)
    return Opening(None, change - now)


def finish(windows: Sequence[SendingHours], reserve: float, now: float, seconds: float) -> float:
    """Return when work is done that takes so many seconds with `reserve`, in epoch seconds.

    With another reserve it takes more or less by the share of the quota that is ours.
    """
    moment, last = now, now + timedelta(days=_DAYS_AHEAD).total_seconds()
    while moment < last:
        hours = opening(windows, reserve, moment)
        if hours.reserve is not None:
            speed = (1 - hours.reserve) / (1 - reserve)
            if seconds <= hours.seconds * speed:
                return moment + seconds / speed
            seconds -= hours.seconds * speed
        moment += hours.seconds
    return last


def _time(text: str, zone: tzinfo | None) -> time:
    hour, minute = text.split(":")
    return time(int(hour), int(minute), tzinfo=zone)


def _moments(edge: time, now: float) -> Iterator[float]:
    """Yield when it is so late of yesterday, today and the two days after, in epoch seconds.

    Twice where the clock is set back.
    """
    today = datetime.fromtimestamp(now, edge.tzinfo).date()
    for days in (-1, 0, 1, 2):
        for fold in (0, 1):
            moment = edge.replace(fold=fold)
            yield datetime.combine(today + timedelta(days), moment).timestamp()
