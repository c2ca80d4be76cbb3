"""Forecast of the end of a run, by the time it took so far."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

_SENT_AGAIN = 0.5  # of rows in doubt: the others are found at Clopos
_SLOW = 0.95  # of the answers are faster than one that is waited for at the end
_CERTAIN = 0.01  # rows in doubt of which nothing comes any more


@dataclass(frozen=True, slots=True)
class Progress:
    """Position of a run. Of `rows` in all, `done` have an outcome and `doubtful` are uncertain.

    `doubted` is how many ever were in doubt by this run, `answered` how many requests were spent.
    """

    rows: int
    done: int
    doubtful: int = 0
    doubted: int = 0
    answered: int = 0

    @property
    def _tried(self) -> int:
        # Some are neither: read in vain, they wait to be sent again.
        return max(self.done + self.doubtful, self.doubted, 1)

    @property
    def _new(self) -> int:
        return self.rows - self.done - self.doubtful

    @property
    def requests_left(self) -> int:
        """Return how many requests are still needed, when the rest goes as it went until now.

        A row takes one request, and some more where others hold its values or answers are lost.
        """
        settled = max(0, self.doubted - self.doubtful)
        extra = max(0.0, self.answered - self._tried - settled * _SENT_AGAIN)
        each = 1 + (extra + self.doubted * _SENT_AGAIN) / self._tried
        return round(self._new * each + self.doubtful * _SENT_AGAIN)

    def settling(
        self, wait: float, latencies: Collection[float], per_second: float, page: int
    ) -> float:
        """Return how many seconds are likely to pass at the end in which nothing is sent.

        Rows in doubt are read `wait` seconds after the last of them; some of those that are sent
        again then are in doubt again. `latencies` are those of the last answers (seconds; one at
        least), `per_second` is how many requests leave, `page` how many rows are settled together
        at most.
        """
        share = self.doubted / self._tried
        usual = sum(latencies) / len(latencies)
        slow = sorted(latencies)[int(_SLOW * len(latencies))]
        rows = min(self.doubtful + share * self._new, max(self.doubtful, share * page))
        often = share * per_second
        # The last of them was some while before the end, maybe long enough.
        waits = wait - (1 - math.exp(-often * wait)) / often if often else wait
        seconds, chance = 0.0, 1.0
        while rows > _CERTAIN:
            chance *= 1 - math.exp(-rows)
            # For the last answers, slow ones too; then for those to what reads and is sent again.
            seconds += chance * (slow + waits + 2 * usual)
            waits = wait
            rows *= _SENT_AGAIN * share
        return seconds
