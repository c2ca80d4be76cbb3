"""Estimate when requests are done, at the pace of a rate limiter, within given hours."""

from __future__ import annotations

from typing import TYPE_CHECKING

from importer.plan.schedule import finish

if TYPE_CHECKING:
    from collections.abc import Sequence

    from importer.clopos import RateLimiter
    from importer.plan.forecast import Progress
    from importer.plan.schedule import SendingHours


def done_at(
    limiter: RateLimiter, windows: Sequence[SendingHours], requests: int, now: float
) -> float:
    """Return when so many requests that begin `now` are done; both in epoch seconds."""
    seconds = limiter.seconds_of(requests) or 0.0
    return finish(windows, limiter.reserve, now, seconds)


def seconds_left(
    limiter: RateLimiter,
    windows: Sequence[SendingHours],
    progress: Progress,
    *,
    settle: float,
    page_size: int,
    now: float,
) -> float | None:
    """Return how many seconds until all is done, as it went so far. None: no limit.

    `settle` is how long an uncertain row is left before it is looked for (seconds), `page_size`
    how many customers one reading tells of, `now` is in epoch seconds.
    """
    requests = progress.requests_left
    seconds = limiter.seconds_of(requests, of_late=True)
    if seconds is None:
        return None
    settling = progress.settling(
        settle, limiter.latencies, requests / seconds if seconds else 0.0, page_size
    )
    return finish(windows, limiter.reserve, now, seconds) - now + settling
