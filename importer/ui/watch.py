"""Progress of a task in numbers, read by pages from another thread."""

from __future__ import annotations

import contextlib
import threading
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from importer.progress import SendProgress, StepProgress

_MOST_NOTES = 20


@dataclass(frozen=True, slots=True)
class Step:
    """Current step and its progress. None: not known."""

    what: str
    done: int | None = None
    of: int | None = None


@dataclass(frozen=True, slots=True)
class Shown:
    """Progress of a task at one moment."""

    step: Step | None = None
    progress: SendProgress | None = None
    notes: tuple[str, ...] = ()


class Watch:
    """A ProgressReporter that keeps the newest numbers. Any thread may read `shown`."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._shown = Shown()

    @property
    def shown(self) -> Shown:
        """Return how far the task is now."""
        return self._shown

    def say(self, text: str) -> None:
        """Keep a line."""
        with self._lock:
            notes = (*self._shown.notes, text)[-_MOST_NOTES:]
            self._shown = replace(self._shown, notes=notes)

    @contextlib.contextmanager
    def step(self, what: str) -> Iterator[StepProgress]:
        """Keep that something is in progress, until the context ends."""
        before = self._shown.step
        self._set_step(Step(what))

        def show(
            done: int | None = None, of: int | None = None, *, what: str | None = None
        ) -> None:
            step = self._shown.step or Step("")
            self._set_step(
                Step(
                    step.what if what is None else what,
                    step.done if done is None else done,
                    step.of if of is None else of,
                )
            )

        try:
            yield show
        finally:
            self._set_step(before)

    def sending(self, progress: SendProgress) -> None:
        """Keep how far sending is."""
        with self._lock:
            self._shown = replace(self._shown, progress=progress)

    def _set_step(self, step: Step | None) -> None:
        with self._lock:
            self._shown = replace(self._shown, step=step)
