"""What a person sees while a run is under way.

Blocks of text, bars and questions go to standard error; standard output is for data. Where there
is no terminal (a log, CI, cron) there are plain lines only, one each half minute of a long wait.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sys
import threading
import time
from collections import Counter
from datetime import datetime
from typing import TYPE_CHECKING, Any, TextIO, cast

from tqdm import tqdm

from importer.cli.prompts import agree
from importer.cli.render import (
    COLUMNS,
    duration,
    error_lines,
    found_lines,
    plan_lines,
    understood_lines,
)
from importer.cli.width import harmless, wrap
from importer.i18n import number, tr, trn
from importer.records import Outcome, Status

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from importer.errors import ImporterError
    from importer.pipeline.prepare import Prepared
    from importer.plan.decide import Plan
    from importer.progress import Live, Progress
    from importer.records import Mapping as Columns
    from importer.records import MappingChoices, Sheet

_MOVE_AFTER = 1.0  # seconds: a shorter wait needs no bar
_MOVE_EVERY = 0.5
_LINE_EVERY = 30.0  # seconds between two lines where there is no terminal
_STEADY = 5.0  # seconds until a rate means something
_QUIET = 10.0  # seconds without a row, three at the pace at least, that a forecast can't explain
_BOLD, _RED, _PLAIN = "\033[1m", "\033[1;31m", "\033[0m"


class _Lasting:
    """A stream whose end ends no run: a closed terminal is no reason to lose results."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        with self._as_long_as_it_is_there():
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with self._as_long_as_it_is_there():
            self._stream.flush()

    @contextlib.contextmanager
    def _as_long_as_it_is_there(self) -> Iterator[None]:
        try:
            yield
        except OSError:
            # What is still in its buffer goes nowhere, without a word at the end of the process.
            with contextlib.suppress(OSError, ValueError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), self._stream.fileno())
        except ValueError:
            pass  # closed

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class Terminal:
    """Shows a run as text on `stream`; moving bars and colours only where that is a terminal.

    `ask`: somebody is there to say whether to send; `ask_columns`: and which columns are meant.
    `env` has NO_COLOR and FORCE_COLOR.
    """

    def __init__(
        self,
        stream: TextIO | None = None,
        *,
        ask: bool = False,
        ask_columns: bool = False,
        env: Mapping[str, str] | None = None,
    ) -> None:
        env = os.environ if env is None else env
        self.stream: TextIO = cast("TextIO", _Lasting(stream or sys.stderr))
        self.ask = ask
        self.pondered = 0.0
        self.ask_columns = ask_columns
        self.moving = self.stream.isatty() and env.get("TERM") != "dumb" and not env.get("CI")
        self.colour = not env.get("NO_COLOR") and (bool(env.get("FORCE_COLOR")) or self.moving)
        self.columns = min(shutil.get_terminal_size((COLUMNS, 24)).columns, COLUMNS) - 1

    def say(self, text: str) -> None:
        """Show one line."""
        tqdm.write(harmless(text), file=self.stream)

    def show(self, lines: list[str], style: str = _BOLD) -> None:
        """Show a block: its heading in bold, where colours are wanted."""
        heading, *rest = map(harmless, lines)
        if self.colour:
            heading = f"{style}{heading}{_PLAIN}"
        tqdm.write("\n".join((heading, *rest)), file=self.stream)

    def complain(self, error: ImporterError) -> None:
        """Show what ended a run; in a log each part is one line, so that it can be searched."""
        self.show(error_lines(error, COLUMNS if self.moving else None), _RED)

    @contextlib.contextmanager
    def busy(self, what: str) -> Iterator[Progress]:
        """Show what is under way and how far it is, and wipe it away at the end."""
        wait = _Wait(self, what)
        with _each(_MOVE_EVERY if self.moving else _LINE_EVERY, wait.tick):
            try:
                yield wait
            finally:
                wait.close()

    def agree(
        self,
        sheet: Sheet,
        choices: MappingChoices,
        mapped: Callable[[MappingChoices], Columns],
        save: Callable[[Columns], str] | None,
    ) -> Columns:
        """Show the file and its columns, and ask whether that is right, where somebody is there."""
        if self.ask_columns:
            agreed = agree(sheet, choices, mapped, tell=self.show, ask=self.answer, save=save)
            self.say("")
            return agreed
        mapping = mapped(choices)
        self.show([*understood_lines(sheet, mapping), ""])
        return mapping

    def found(self, prepared: Prepared) -> None:
        """Show what is wrong with rows."""
        self.show([*found_lines(prepared), ""])

    def answer(self, question: str) -> str:
        """Ask, and return the line that is typed, "" when there is nobody any more."""
        with _ctrl_c_interrupts():
            self.stream.write(harmless("\n".join(wrap(question, COLUMNS - 5, "  "))) + " ")
            self.stream.flush()
            began = time.monotonic()
            try:
                return sys.stdin.readline()
            finally:
                self.pondered += time.monotonic() - began

    def planned(self, plan: Plan, *, dry_run: bool) -> bool:
        """Show the plan and ask whether to go on, where somebody is there to answer."""
        lines = plan_lines(plan, datetime.now().astimezone())
        if dry_run:
            lines.append("  " + tr("a dry run: nothing is sent"))
        if dry_run or not (self.ask and plan.price.creates):
            self.show([*lines, ""])
            return True
        self.show(lines)
        answer = self.answer(tr("Nothing can be undone through the API. Send them? [y/N]"))
        return answer.strip().lower() in tr("y yes").split()

    @contextlib.contextmanager
    def sending(
        self, total: int, per_minute: float | None, live: Callable[[], Live]
    ) -> Iterator[Callable[[Outcome], None]]:
        """Show rows done, the rate, the time left by the quota's arithmetic, and what is open."""
        sending = _Sending(self, total, per_minute, live)
        with _each(_MOVE_EVERY if self.moving else _LINE_EVERY, sending.tick):
            try:
                yield sending.count
            finally:
                sending.close()

    def bar(self, what: str, total: int | None) -> tqdm[Any]:
        """Return a bar that is moved by hand."""
        form = "{desc} {percentage:3.0f}% |{bar}| {n_fmt}/{total_fmt}{postfix}"
        return tqdm(
            total=total,
            desc=harmless(what),
            file=self.stream,
            ncols=self.columns,
            bar_format=form if total else "{desc} … {elapsed}",
            leave=False,
        )


class _Wait:
    """A wait that shows itself when it takes long."""

    def __init__(self, terminal: Terminal, what: str) -> None:
        self.terminal = terminal
        self.what = what
        self.done = 0
        self.total: int | None = None
        self.started = time.monotonic()
        self.bar: tqdm[Any] | None = None

    def __call__(
        self, done: int | None = None, of: int | None = None, *, what: str | None = None
    ) -> None:
        self.done = self.done if done is None else done
        self.total = self.total if of is None else of
        self.what = what or self.what

    def tick(self) -> None:
        waited = time.monotonic() - self.started
        if not self.terminal.moving:
            of = f" {number(self.done)}/{number(self.total)}" if self.total else ""
            self.terminal.say(f"{self.what} …{of} ({duration(waited)})")
        elif waited >= _MOVE_AFTER:
            if self.bar is None or (self.total and not self.bar.total):
                self.close()
                self.bar = self.terminal.bar(self.what, self.total)
                self.bar.start_t -= waited
            self.bar.set_description_str(harmless(self.what), refresh=False)
            self.bar.n = self.done
            self.bar.refresh()

    def close(self) -> None:
        if self.bar is not None:
            self.bar.close()


class _Sending:
    """Rows on their way to Clopos."""

    def __init__(
        self, terminal: Terminal, total: int, per_minute: float | None, live: Callable[[], Live]
    ) -> None:
        self.terminal = terminal
        self.total = total
        self.per_minute = per_minute
        self.live = live
        self.counts: Counter[Status] = Counter()
        self.started = time.monotonic()
        self.last = self.started  # when a row was done
        self.quiet = max(_QUIET, 180 / per_minute if per_minute else 0.0)
        self.bar = terminal.bar(tr("sending"), total) if terminal.moving and total else None

    def count(self, outcome: Outcome) -> None:
        self.counts[outcome.status] += 1
        self.last = time.monotonic()

    def tick(self) -> None:
        done = self.counts.total()
        if self.bar is not None:
            self.bar.n = done
            self.bar.set_postfix_str(", ".join(self.facts()), refresh=False)
            self.bar.refresh()
        elif self.total:
            rows = trn("{done} of {n} row", "{done} of {n} rows", self.total, done=number(done))
            self.terminal.say(f"{tr('sending')}: {', '.join((rows, *self.facts()))}")

    def facts(self) -> list[str]:
        """Return what is worth knowing besides the rows done, most important first."""
        live, done = self.live(), self.counts.total()
        left = self.total - done
        facts = []
        if live.pause >= 1:
            facts.append(tr("Clopos asks to wait {time}", time=duration(live.pause)))
        elif left and live.doubtful >= left:
            facts.append(tr("waiting until what is open must have landed"))
        elif left and (quiet_for := time.monotonic() - self.last) >= self.quiet:
            # Somebody else may use the quota, or answers take their time.
            facts.append(tr("nothing new for {time}", time=duration(quiet_for)))
        else:
            waited = time.monotonic() - self.started
            if done and waited >= _STEADY:
                facts.append(tr("{rate}/min", rate=number(done / waited * 60)))
            seconds = live.left
            if seconds is None and self.per_minute:
                seconds = left / self.per_minute * 60
            if seconds is not None:
                facts.append(tr("{time} left", time=duration(seconds)))
        counted = self.counts.copy()  # the sender goes on counting meanwhile
        quiet = {Status.CREATED, Status.EXISTS}
        facts += [f"{number(n)} {status}" for status, n in counted.items() if status not in quiet]
        if live.doubtful:
            facts.append(trn("{n} open", "{n} open", live.doubtful))
        if live.throttled:
            facts.append(f"429: {number(live.throttled)}")
        return facts

    def close(self) -> None:
        if self.bar is not None:
            self.tick()
            self.bar.close()


@contextlib.contextmanager
def _ctrl_c_interrupts() -> Iterator[None]:
    """Let Ctrl-C end a question at once, though an event loop takes it otherwise."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextlib.contextmanager
def _each(seconds: float, tick: Callable[[], None]) -> Iterator[None]:
    """Call `tick` each so many seconds, from a thread: who waits has no time to show it."""
    done = threading.Event()

    def work() -> None:
        while not done.wait(seconds):
            tick()

    thread = threading.Thread(target=work, daemon=True, name="progress")
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
