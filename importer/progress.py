"""Progress of a run as values, and the interface of displays.

A reporter gets numbers and decides nothing: decisions are returned to the caller.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from contextlib import AbstractContextManager

    from importer.records import Status


@dataclass(frozen=True, slots=True)
class SendProgress:
    """Progress of sending at one moment.

    `total` is the number of rows to send or settle; `counts` is status → how many of them have it.
    `per_minute` is the pace in requests, None when there is no limit.
    """

    total: int
    counts: Mapping[Status, int] = field(default_factory=dict)
    per_minute: float | None = None
    throttled: int = 0  # requests that Clopos answered with 429
    uncertain: int = 0  # rows without a definite response
    pause: float = 0.0  # seconds until requests leave again; 0: they do
    left: float | None = None  # seconds until all is done, as it went so far; None: no limit

    @property
    def done(self) -> int:
        """Return how many rows have their outcome."""
        return sum(self.counts.values())


class StepProgress(Protocol):
    """Shows the progress of one step. Arguments that are left out keep their values."""

    def __call__(
        self, done: int | None = None, of: int | None = None, *, what: str | None = None
    ) -> None:
        """Show that `done` of `of` are done; `what` names what is being done now."""


class ProgressReporter(Protocol):
    """Shows the progress of a run. Subclass `NullReporter` to implement only some methods."""

    def say(self, text: str) -> None:
        """Show one line."""

    def step(self, what: str) -> AbstractContextManager[StepProgress]:
        """Show that something is in progress that may take a while."""

    def sending(self, progress: SendProgress) -> None:
        """Show how far sending is. Called about once a second, and once after the end."""


class NullReporter:
    """A reporter that shows nothing."""

    def say(self, text: str) -> None:
        """Show nothing."""

    @contextlib.contextmanager
    def step(self, what: str) -> Iterator[StepProgress]:  # noqa: ARG002 - the interface
        """Show nothing."""
        yield lambda *_, **__: None

    def sending(self, progress: SendProgress) -> None:
        """Show nothing."""
