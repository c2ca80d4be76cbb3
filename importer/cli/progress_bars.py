"""Progress of a step and of sending: a moving bar, or a line each half minute."""

from __future__ import annotations

import contextlib
import contextvars
import threading
from typing import TYPE_CHECKING, Any

from importer.i18n import number, tr, trn
from importer.progress import SendProgress
from importer.records import Status
from importer.results.wording import duration
from importer.text import strip_control

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tqdm import tqdm

    from importer.cli.terminal import Terminal


class StepBar:
    """A wait that shows itself when it takes long."""

    def __init__(self, terminal: Terminal, what: str) -> None:
        self.terminal = terminal
        self.what = what
        self.done = 0
        self.total: int | None = None
        self.started = terminal.clock()
        self.bar: tqdm[Any] | None = None

    def __call__(
        self, done: int | None = None, of: int | None = None, *, what: str | None = None
    ) -> None:
        """Take how far the step is."""
        self.done = self.done if done is None else done
        self.total = self.total if of is None else of
        self.what = what or self.what

    def tick(self) -> None:
        """Show how far the step is; a bar only where it takes long."""
        waited = self.terminal.clock() - self.started
        if not self.terminal.interactive:
            of = f" {number(self.done)}/{number(self.total)}" if self.total else ""
            self.terminal.say(f"{self.what} …{of} ({duration(waited)})")
        elif waited >= self.terminal.tempo.move_after:
            if self.bar is None or (self.total and not self.bar.total):
                self.close()
                self.bar = self.terminal.bar(self.what, self.total)
                self.bar.start_t -= waited
            self.bar.set_description_str(strip_control(self.what), refresh=False)
            self.bar.n = self.done
            self.bar.refresh()

    def close(self) -> None:
        """Wipe the bar away."""
        if self.bar is not None:
            self.bar.close()


class SendingBar:
    """Shows how far sending is, from the last progress that came."""

    def __init__(self, terminal: Terminal) -> None:
        self.terminal = terminal
        self.progress = SendProgress(0)
        self.started = self.last = self.updated = terminal.clock()  # last: when a row was done
        self.bar: tqdm[Any] | None = None

    def update(self, progress: SendProgress) -> None:
        """Take how far sending is."""
        now = self.terminal.clock()
        if progress.done != self.progress.done:
            self.last = now
        self.progress, self.updated = progress, now
        if self.bar is None and self.terminal.interactive and progress.total:
            self.bar = self.terminal.bar(tr("sending"), progress.total)

    def tick(self) -> None:
        """Show how far sending is."""
        done, total = self.progress.done, self.progress.total
        if self.bar is not None:
            self.bar.n = done
            self.bar.set_postfix_str(", ".join(self.facts()), refresh=False)
            self.bar.refresh()
        elif total:
            rows = trn("{done} of {n} row", "{done} of {n} rows", total, done=number(done))
            self.terminal.say(f"{tr('sending')}: {', '.join((rows, *self.facts()))}")

    def facts(self) -> list[str]:
        """Return what is worth knowing besides the rows done, most important first."""
        progress, now = self.progress, self.terminal.clock()
        since = now - self.updated  # a second at most, but where the machine is busy
        left_rows = progress.total - progress.done
        quiet_from = max(
            self.terminal.tempo.quiet, 180 / progress.per_minute if progress.per_minute else 0.0
        )
        facts = []
        if progress.pause - since >= 1:
            facts.append(tr("Clopos asks to wait {time}", time=duration(progress.pause - since)))
        elif left_rows and progress.uncertain >= left_rows:
            facts.append(
                trn(
                    "waiting before {n} uncertain row is checked",
                    "waiting before {n} uncertain rows are checked",
                    progress.uncertain,
                )
            )
        elif left_rows and (quiet_for := now - self.last) >= quiet_from:
            # Another client may use the quota, or answers take their time.
            facts.append(tr("no progress for {time}", time=duration(quiet_for)))
        else:
            facts += self._pace(left_rows, now, since)
        quiet = {Status.CREATED, Status.EXISTS}
        facts += [
            f"{number(n)} {status}" for status, n in progress.counts.items() if status not in quiet
        ]
        if progress.uncertain:
            facts.append(trn("{n} uncertain", "{n} uncertain", progress.uncertain))
        if progress.throttled:
            facts.append(f"429: {number(progress.throttled)}")
        return facts

    def _pace(self, left_rows: int, now: float, since: float) -> list[str]:
        """Return the rate, where it means something yet, and the time that is left."""
        facts, progress, waited = [], self.progress, now - self.started
        if progress.done and waited >= self.terminal.tempo.steady:
            facts.append(tr("{rate}/min", rate=number(progress.done / waited * 60)))
        seconds = progress.left
        if seconds is None and progress.per_minute:
            seconds = left_rows / progress.per_minute * 60
        if seconds is not None:
            facts.append(tr("{time} left", time=duration(max(0.0, seconds - since))))
        return facts

    def close(self) -> None:
        """Show the last progress and wipe the bar away."""
        if self.bar is not None:
            self.tick()
            self.bar.close()


@contextlib.contextmanager
def each(seconds: float, tick: Callable[[], None]) -> Iterator[None]:
    """Call `tick` each so many seconds, from a thread: who waits has no time to show it."""
    done = threading.Event()

    def work() -> None:
        while not done.wait(seconds):
            tick()

    context = contextvars.copy_context()  # with its language
    thread = threading.Thread(target=context.run, args=(work,), daemon=True, name="progress")
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
