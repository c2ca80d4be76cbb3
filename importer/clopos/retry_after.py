"""The wait that a response asks for (API facts §7.2, §7.3, §7.4)."""

from __future__ import annotations

import re
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_LONGEST = 3600.0  # seconds of one wait: the longest window of the quota
_FIRST_EPOCH = 1e8  # a smaller number is seconds from now, not a point in time
_LAST_EPOCH = 1e11  # a larger number is milliseconds, or finer
_NUMBER = re.compile(r"[0-9]{1,19}(\.[0-9]+)?", re.ASCII)


def seconds_to_wait(headers: Mapping[str, str], now: float) -> float | None:
    """Return the seconds a 429 asks to wait, None when it doesn't say.

    Each header may hold seconds from now or a point in time, in seconds or milliseconds since
    1970; the documents differ, and gateways do too. `now` in epoch seconds. At most an hour.
    """
    by_name = {name.lower(): value.strip() for name, value in headers.items()}
    # By the server's clock, where it states it: the clock of this machine may be wrong.
    now = _date(by_name.get("date", "")) or now
    waits = [
        wait
        for name in ("retry-after", "ratelimit-reset", "x-ratelimit-reset")
        if (wait := _seconds(by_name.get(name, ""), now)) is not None
    ]
    return min(max(0.0, *waits), _LONGEST) if waits else None


def _seconds(value: str, now: float) -> float | None:
    if not _NUMBER.fullmatch(value):
        moment = _date(value)
        return None if moment is None else moment - now
    number = float(value)
    while number >= _LAST_EPOCH:
        number /= 1000
    return number if number < _FIRST_EPOCH else number - now


def _date(value: str) -> float | None:
    """Return the date of a header in epoch seconds, None when it isn't valid."""
    try:
        return parsedate_to_datetime(value).timestamp()
    except (ValueError, OverflowError, OSError):
        return None
