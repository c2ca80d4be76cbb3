"""Display of a run on a terminal.

Blocks of text, bars and questions go to standard error; standard output is for data. Where there
is no terminal (a log, CI, cron) there are plain lines only, one each half minute of a long wait.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TextIO, cast

from tqdm import tqdm

from importer.cli.progress_bars import SendingBar, StepBar, each
from importer.cli.render import COLUMNS, error_lines
from importer.cli.width import wrap
from importer.i18n import percent_sign
from importer.text import strip_control

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from importer.errors import ImporterError
    from importer.progress import SendProgress, StepProgress

_BOLD, _RED, _PLAIN = "\033[1m", "\033[1;31m", "\033[0m"


@dataclass(frozen=True, slots=True)
class Tempo:
    """Intervals between displays, in seconds."""

    move_after: float = 1.0  # a shorter wait needs no bar
    move_every: float = 0.5
    line_every: float = 30.0  # between two lines where there is no terminal
    steady: float = 5.0  # until a rate means something
    quiet: float = 10.0  # without a row, before it is reported; or three rows' time, if longer


class _BestEffortStream:
    """Stream that ignores write errors: a closed terminal must not lose results."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        with self._ignoring_errors():
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with self._ignoring_errors():
            self._stream.flush()

    @contextlib.contextmanager
    def _ignoring_errors(self) -> Iterator[None]:
        try:
            yield
        except OSError:
            # Discard the buffer, so that no error is printed at the end of the process.
            with contextlib.suppress(OSError, ValueError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), self._stream.fileno())
        except ValueError:
            pass  # closed

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class Terminal:
    """Shows a run as text on `stream`; with bars and colours only on a terminal.

    `env` has NO_COLOR and FORCE_COLOR, `clock` returns seconds that never go back.
    """

    def __init__(
        self,
        stream: TextIO | None = None,
        *,
        env: Mapping[str, str] | None = None,
        tempo: Tempo | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.tempo = tempo or Tempo()
        self.clock = clock
        env = os.environ if env is None else env
        self.stream: TextIO = cast("TextIO", _BestEffortStream(stream or sys.stderr))
        self.prompt_seconds = 0.0
        self._sending: SendingBar | None = None
        self.interactive = self.stream.isatty() and env.get("TERM") != "dumb" and not env.get("CI")
        self.colour = not env.get("NO_COLOR") and (bool(env.get("FORCE_COLOR")) or self.interactive)
        self.columns = min(shutil.get_terminal_size((COLUMNS, 24)).columns, COLUMNS) - 1

    @property
    def _interval(self) -> float:
        return self.tempo.move_every if self.interactive else self.tempo.line_every

    def say(self, text: str) -> None:
        """Show one line."""
        tqdm.write(strip_control(text), file=self.stream)

    def show(self, lines: list[str], style: str = _BOLD) -> None:
        """Show a block: its heading in bold, where colours are wanted."""
        heading, *rest = map(strip_control, lines)
        if self.colour:
            heading = f"{style}{heading}{_PLAIN}"
        tqdm.write("\n".join((heading, *rest)), file=self.stream)

    def complain(self, error: ImporterError) -> None:
        """Show what ended a run; in a log each part is one line, so that it can be searched."""
        self.show(error_lines(error, COLUMNS if self.interactive else None), _RED)

    @contextlib.contextmanager
    def step(self, what: str) -> Iterator[StepProgress]:
        """Show what is in progress and how far it is; remove it at the end."""
        wait = StepBar(self, what)
        with each(self._interval, wait.tick):
            try:
                yield wait
            finally:
                wait.close()

    def answer(self, question: str) -> str:
        """Ask; return the line that was typed, "" at the end of the input."""
        with _ctrl_c_interrupts():
            self.stream.write(strip_control("\n".join(wrap(question, COLUMNS - 5, "  "))) + " ")
            self.stream.flush()
            began = self.clock()
            try:
                return sys.stdin.readline()
            finally:
                self.prompt_seconds += self.clock() - began

    @contextlib.contextmanager
    def watch_sending(self) -> Iterator[None]:
        """Show rows done, the rate, the time left and what is uncertain, until the context ends."""
        self._sending = shown = SendingBar(self)
        with each(self._interval, shown.tick):
            try:
                yield
            finally:
                shown.close()
                self._sending = None

    def sending(self, progress: SendProgress) -> None:
        """Take how far sending is; shown within `watch_sending`."""
        if self._sending:
            self._sending.update(progress)

    def bar(self, what: str, total: int | None) -> tqdm[Any]:
        """Return a bar that is moved by hand."""
        done = percent_sign("{percentage:.0f}")
        form = "{desc} " + done + " |{bar}| {n_fmt}/{total_fmt}{postfix}"
        return tqdm(
            total=total,
            desc=strip_control(what),
            file=self.stream,
            ncols=self.columns,
            bar_format=form if total else "{desc} … {elapsed}",
            leave=False,
        )


@contextlib.contextmanager
def _ctrl_c_interrupts() -> Iterator[None]:
    """Let Ctrl-C end a question at once, though an event loop takes it otherwise."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
