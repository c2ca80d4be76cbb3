"""When requests may be sent, and when so many of them will be done. Pure: the time is given.

Hours are those of the wall clock where the program runs, also on the days it is set.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING

from importer.errors import UsageError
from importer.i18n import tr

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_WINDOW = re.compile(
    r"\s*([0-9]{1,2}:[0-9]{2})\s*-\s*([0-9]{1,2}:[0-9]{2})(?:\s+reserve=([0-9.]+)%?)?\s*"
)
_DAYS_AHEAD = 3650  # a forecast that ends later is none


@dataclass(frozen=True, slots=True)
class Window:
    """Hours of each day in which to send, and the share of the quota left for others meanwhile.

    An `end` before `start` is on the next day. `reserve` None: as it is at other times.
    """

    start: time
    end: time
    reserve: float | None = None

    def holds(self, moment: time) -> bool:
        """Tell whether a time of the day is within."""
        if self.start < self.end:
            return self.start <= moment < self.end
        return moment >= self.start or moment < self.end


@dataclass(frozen=True, slots=True)
class Opening:
    """Whether to send now, and for how many seconds that stays so.

    `reserve` is the share of the quota that is left for others; None: nothing is sent.
    """

    reserve: float | None
    seconds: float


def parse_window(text: str) -> Window:
    """Read `22:00-08:00` or `22:00-08:00 reserve=0%`.

    Raises UsageError for anything else.
    """
    match = _WINDOW.fullmatch(text)
    try:
        if match:
            start, end = (_time(part) for part in match.groups()[:2])
            reserve = float(match[3]) / 100 if match[3] else None
            if start != end and (reserve is None or reserve < 1):
                return Window(start, end, reserve)
    except ValueError:
        pass  # 25:00, or a reserve of 1.2.3
    raise UsageError(
        tr("--window {text} is not a time to send in", text=text),
        todo=tr('write it like --window 22:00-08:00 or --window "22:00-08:00 reserve=0%"'),
    )


def parse_finish(text: str) -> time:
    """Read `06:00`. Raises UsageError for what is not a time of the day."""
    try:
        return _time(text.strip())
    except ValueError:
        raise UsageError(
            tr("--finish-by {text} is not a time of the day", text=text),
            todo=tr("write it like --finish-by 06:00"),
        ) from None


def next_at(wanted: time, now: float) -> float:
    """Return when it is next so late; `now` and the answer in epoch seconds."""
    return min(moment for moment in _moments(wanted, now) if moment > now)


def opening(windows: Sequence[Window], reserve: float, now: float) -> Opening:
    """Return whether to send at `now` (epoch seconds), and with which reserve.

    Always, with `reserve`, where there are no windows. Of several that hold, the first counts.
    """
    if not windows:
        return Opening(reserve, float("inf"))
    edges = [edge for window in windows for edge in (window.start, window.end)]
    change = min(moment for edge in edges for moment in _moments(edge, now) if moment > now)
    moment = datetime.fromtimestamp(now).time()  # noqa: DTZ006 - the wall clock is meant
    for window in windows:
        if window.holds(moment):
            kept = reserve if window.reserve is None else window.reserve
            return Opening(kept, change - now)
    return Opening(None, change - now)


def finish(windows: Sequence[Window], reserve: float, now: float, seconds: float) -> float:
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


def _time(text: str) -> time:
    hour, minute = text.split(":")
    return time(int(hour), int(minute))


def _moments(edge: time, now: float) -> Iterator[float]:
    """Yield when it is so late of yesterday, today and the two days after, in epoch seconds.

    Twice where the clock is set back.
    """
    today = datetime.fromtimestamp(now).date()  # noqa: DTZ006 - the wall clock is meant
    for days in (-1, 0, 1, 2):
        for fold in (0, 1):
            moment = edge.replace(fold=fold)
            yield datetime.combine(today + timedelta(days), moment).timestamp()
