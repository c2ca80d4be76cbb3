"""How many requests left in each minute of a run, and how many were answered by a 429."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Timeline:
    """Counts by the minute; `clock` returns seconds that never go back."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._started = clock()
        self._minutes: dict[int, list[int]] = {}
        self._throttled = 0

    def count(self, throttled: int) -> None:
        """Count a request that leaves now; `throttled` is how many were answered by a 429 ever."""
        minute = self._minute()
        minute[0] += 1
        minute[1] += throttled - self._throttled
        self._throttled = throttled

    def minutes(self, throttled: int) -> tuple[tuple[int, int], ...]:
        """Return (requests, 429s) for every minute from the start until now."""
        self._minute()[1] += throttled - self._throttled
        self._throttled = throttled
        last = max(self._minutes)
        pairs = (self._minutes.get(minute, (0, 0)) for minute in range(last + 1))
        return tuple((sent, refused) for sent, refused in pairs)

    def seconds(self) -> float:
        """Return how long it has been."""
        return self._clock() - self._started

    def _minute(self) -> list[int]:
        return self._minutes.setdefault(int((self._clock() - self._started) // 60), [0, 0])
