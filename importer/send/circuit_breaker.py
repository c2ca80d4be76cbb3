"""Tuning of sending, and the decision to pause or stop.

A few consecutive failures are normal while several requests are in flight. After `FREE` of them one
request at a time probes whether Clopos is back, after growing pauses.
"""

from __future__ import annotations

from dataclasses import dataclass

from importer.clopos.responses import ClassifiedResponse, Verdict
from importer.errors import ServiceError
from importer.i18n import tr

FREE = 5  # failures in a row before a pause
LONGEST = 60.0  # seconds of a pause
ENOUGH = 20  # answers before a share of them means anything


@dataclass(frozen=True, slots=True)
class SendTuning:
    """Fine tuning of sending. Times are in seconds."""

    concurrency: int = 128  # requests in flight, at most; the quota decides how many are needed
    settle: float = 10.0  # from an uncertain response to the look-up (the gateway waits 8)
    attempts: int = 4  # to send one row, before it ends as unknown
    give_up_after: float = 600.0  # stop after failures only for so long
    max_rejected: float = 0.5  # stop above this: rows (int), or a share of the responses (float)


@dataclass(slots=True)
class CircuitBreaker:
    """Counts responses, to pause when none succeeds and to stop when most are refusals."""

    pace: SendTuning
    not_before: float = 0.0  # loop time until which sending pauses
    _answers: int = 0  # certain ones
    _refusals: int = 0
    _last_refusal: str = ""
    _failures: int = 0  # in a row
    _failing_since: float = 0.0
    _pauses: int = 0
    _paused_at: float = 0.0

    @property
    def failing(self) -> bool:
        """Return whether Clopos seems to be down: one request at a time is enough to find out."""
        return self._failures > FREE

    def count(self, answer: ClassifiedResponse, left: float, now: float) -> None:
        """Take an answer into account; its request left at `left` (both loop time).

        Raises ServiceError when it is time to stop.
        """
        if answer.verdict is Verdict.THROTTLED:
            return  # says nothing about the row, nor whether creating works
        if answer.verdict is Verdict.DOUBT and answer.unreadable:
            return  # Clopos is there; what it did is found out by reading
        if answer.verdict is Verdict.DOUBT:
            self._failed(answer, left, now)
            return
        self._answers += 1
        self._failures = self._pauses = 0
        if answer.verdict is Verdict.REJECTED or answer.verdict is Verdict.FAILED:
            self._refusals += 1
            self._last_refusal = answer.reason
        if self._refusals:
            self._judge_refusals()

    def _failed(self, answer: ClassifiedResponse, left: float, now: float) -> None:
        self._failures += 1
        if self._failures == 1:
            self._failing_since = now
        if not self.failing:
            return
        lasted = now - self._failing_since
        if lasted > self.pace.give_up_after:
            raise ServiceError(
                tr(
                    "Clopos has answered with nothing but failures for {lasted:.0f} seconds",
                    lasted=lasted,
                ),
                why=answer.reason or None,
                fix=tr("run it again later: it continues"),
            )
        # Requests that left together fail together: that is one reason to pause, not many.
        if not self._pauses or left >= self._paused_at:
            self._pauses += 1
            self._paused_at = now
            self.not_before = now + min(LONGEST, 2.0 ** (self._pauses - 1))

    def _judge_refusals(self) -> None:
        most = self.pace.max_rejected
        if isinstance(most, int):
            over = self._refusals > most
        else:
            over = self._answers >= ENOUGH and self._refusals > most * self._answers
        if over:
            raise ServiceError(
                tr(
                    "Clopos rejected {refusals} of the first {answers} rows",
                    refusals=self._refusals,
                    answers=self._answers,
                ),
                why=self._last_refusal or None,
                fix=tr(
                    "look at import_message in the results and at the mapping of the "
                    "columns; --max-rejected allows more"
                ),
            )
