"""Requests in each minute of a run, and how many of them were answered by a 429."""

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

    def count(self, *, throttled: bool) -> None:
        """Count a request whose response is here."""
        minute = self._minute()
        minute[0] += 1
        minute[1] += throttled

    def minutes(self) -> tuple[tuple[int, int], ...]:
        """Return (requests, 429s) for every minute from the start until now."""
        self._minute()
        pairs = (self._minutes.get(minute, (0, 0)) for minute in range(max(self._minutes) + 1))
        return tuple((requests, throttled) for requests, throttled in pairs)

    def seconds(self) -> float:
        """Return the seconds since the start."""
        return self._clock() - self._started

    def _minute(self) -> list[int]:
        return self._minutes.setdefault(int((self._clock() - self._started) // 60), [0, 0])
