"""Strict sliding windows that let requests through (API facts §7)."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Room:
    """The verdict of one window on one request."""

    allowed: bool
    limit: int
    remaining: int
    seconds: float  # until the oldest counted request leaves the window

    def headers(self, version: int, wall: float) -> dict[str, str]:
        """Return the rate headers: seconds left on v2, epoch seconds on v1 (API facts §7.2, §7.3).

        Rounded up, so that a client that waits so long gets through.
        """
        prefix, reset = (
            ("RateLimit", self.seconds) if version == 2 else ("X-RateLimit", wall + self.seconds)
        )
        return {
            f"{prefix}-Limit": str(self.limit),
            f"{prefix}-Remaining": str(self.remaining),
            f"{prefix}-Reset": str(math.ceil(reset)),
        }


@dataclass(slots=True)
class Windows:
    """Requests counted per key in sliding windows of one length, in seconds."""

    seconds: float
    _counted: dict[str, deque[float]] = field(default_factory=dict)

    def look(self, key: str, now: float, limit: int) -> Room:
        """Return whether one more request fits, and what is left; nothing is counted."""
        times = self._recent(key, now)
        # The request that has to leave before another one fits. There are more than the limit
        # in the window when refused ones are counted too.
        index = max(len(times) - limit, 0)
        left = times[index] + self.seconds - now if times else 0.0
        return Room(len(times) < limit, limit, max(limit - len(times), 0), left)

    def count(self, key: str, now: float) -> None:
        """Count a request."""
        self._recent(key, now).append(now)

    def _recent(self, key: str, now: float) -> deque[float]:
        times = self._counted.setdefault(key, deque())
        while times and times[0] <= now - self.seconds:
            times.popleft()
        return times


def tightest(rooms: list[Room]) -> Room | None:
    """Return the window that leaves least; on a tie the one that opens last."""
    return min(rooms, key=lambda room: (room.remaining, -room.seconds), default=None)
