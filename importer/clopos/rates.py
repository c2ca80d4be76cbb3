"""Rates: so many requests in any window of so many seconds."""

from __future__ import annotations

import re
from dataclasses import dataclass

from importer.errors import UsageError
from importer.i18n import tr

_SECONDS = {
    "s": 1,
    "sec": 1,
    "second": 1,
    "min": 60,
    "m": 60,
    "minute": 60,
    "h": 3600,
    "hour": 3600,
    "d": 86400,
    "day": 86400,
}
_RATE = re.compile(r"\s*([0-9]+)\s*/\s*([a-z]+)\s*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Rate:
    """So many requests in any window of so many seconds."""

    limit: int
    seconds: float


def parse_rates(text: str) -> tuple[Rate, ...]:
    """Read `100/min,1000/hour`; `none` is no rate at all.

    Raises UsageError for anything else.
    """
    if text.strip().lower() == "none":
        return ()
    rates = []
    for part in text.split(","):
        match = _RATE.fullmatch(part)
        seconds = _SECONDS.get(match[2].lower().rstrip("s") or "s") if match else None
        if not match or not seconds or int(match[1]) == 0:
            raise UsageError(
                tr("--rate {text} is not a rate", text=text),
                why=tr("«{part}» can't be read", part=part.strip()),
                fix=tr('write it like --rate "100/min,1000/hour" or --rate none'),
            )
        rates.append(Rate(int(match[1]), float(seconds)))
    return tuple(rates)


def default_rates(version: int) -> tuple[Rate, ...]:
    """Return the quota of an API version (API facts §7.1, §7.3)."""
    return (Rate(300, 60.0),) if version == 2 else (Rate(100, 60.0), Rate(1000, 3600.0))
