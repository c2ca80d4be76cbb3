"""When a run will be done, by what it took so far. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a run is. Of `rows` in all, `done` have their outcome and `doubtful` are in doubt.

    `answered` requests were spent on them.
    """

    rows: int
    done: int
    doubtful: int
    answered: int

    @property
    def requests_left(self) -> int:
        """Return how many requests are still needed, when the rest goes as it went until now.

        A row takes one request, and some more where others hold its values or answers are lost.
        """
        tried = self.done + self.doubtful
        each = max(1.0, self.answered / tried) if tried else 1.0
        return round((self.rows - self.done) * each)
