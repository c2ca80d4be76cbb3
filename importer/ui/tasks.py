"""One task at a time beside the page: planning, sending, a rehearsal, a verification.

A task runs in a thread of its own, with an event loop of its own where it needs one. It belongs to
the process: pages come and go, and any of them shows the same task.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from importer.errors import UsageError
from importer.i18n import tr
from importer.matching.caches import clear_caches
from importer.pipeline.online import fastest_loop
from importer.pipeline.session import as_importer_error
from importer.ui.watch import Watch

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from importer.errors import ImporterError
    from importer.plan.schedule import SendingHours

T = TypeVar("T")

logging.getLogger("importer").addHandler(logging.NullHandler())  # else warnings go to the terminal


@dataclass(slots=True)
class Task:
    """A task, in progress or ended.

    `kind` is the part of the address of its page, `sheet` the name of its sheet. `hours` are those
    in which it may send, none for always. `value` is what it came to, None until it has ended and
    where `error` ended it. Times are epoch seconds.
    """

    kind: str
    sheet: str
    watch: Watch = field(default_factory=Watch)
    started: float = field(default_factory=time.time)
    ended: float | None = None
    value: Any = None
    error: ImporterError | None = None
    stopping: bool = False
    writing: bool = False  # nothing is in flight any more, the results are being written
    hours: tuple[SendingHours, ...] = ()
    _stop: Callable[[], object] | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def running(self) -> bool:
        """Return whether the task hasn't ended."""
        return self.ended is None

    def stop(self) -> None:
        """Ask the task to end early: what is in flight is finished first."""
        with self._lock:
            self.stopping = True
            if self._stop:
                self._stop()

    def sent(self) -> None:
        """Note that nothing is in flight any more; what came of it is still being written."""
        clear_caches()
        self.writing = True

    def run(self, story: Callable[[asyncio.Event], Coroutine[Any, Any, T]]) -> T:
        """Run a coroutine on an event loop of its own; its event is set when the task stops."""

        async def stoppable() -> T:
            stop, loop = asyncio.Event(), asyncio.get_running_loop()
            with self._lock:
                self._stop = lambda: loop.call_soon_threadsafe(stop.set)
                if self.stopping:
                    stop.set()
            try:
                return await story(stop)
            finally:
                with self._lock:
                    self._stop = None

        with asyncio.Runner(loop_factory=fastest_loop()) as runner:
            return runner.run(stoppable())


class Tasks:
    """The tasks of a process: at most one in progress, and the last of each kind and sheet."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._current: Task | None = None
        self._last: dict[tuple[str, str], Task] = {}

    @property
    def current(self) -> Task | None:
        """Return the task in progress, None where there is none."""
        task = self._current
        return task if task and task.running else None

    def last(self, kind: str, sheet: str) -> Task | None:
        """Return the newest task of a kind about a sheet, None where there was none."""
        return self._last.get((kind, sheet))

    def forget(self, kind: str) -> None:
        """Forget the tasks of a kind that have ended."""
        ended = [key for key, task in self._last.items() if key[0] == kind and not task.running]
        for key in ended:
            self._last.pop(key, None)

    def start(
        self,
        kind: str,
        sheet: str,
        work: Callable[[Task], Any],
        hours: tuple[SendingHours, ...] = (),
    ) -> Task:
        """Start a task; `work` is called with it in a thread, and returns what it comes to.

        Raises UsageError while another one is in progress.
        """
        with self._lock:
            if self.current:
                raise UsageError(
                    tr("Something else is in progress"),
                    why=self.current.sheet,
                    fix=tr("wait until it has ended, or stop it"),
                    code="busy",
                )
            task = self._current = self._last[kind, sheet] = Task(kind, sheet, hours=hours)
        # Without a context of its own the thread would speak English.
        context = contextvars.copy_context()
        self._thread = threading.Thread(
            target=context.run, args=(_work, task, work), name=f"task {kind}"
        )
        self._thread.start()
        return task

    def join(self, timeout: float | None = None) -> bool:
        """Wait until the task in progress has ended; return whether it has, within so many seconds.

        None: however long that takes.
        """
        if self._thread:
            self._thread.join(timeout)
        return self.current is None


def _work(task: Task, work: Callable[[Task], Any]) -> None:
    try:
        task.value = work(task)
    except Exception as error:  # noqa: BLE001 - the page shows it; a thread has no one to tell
        task.error = as_importer_error(error)
    finally:
        clear_caches()
        task.ended = time.time()
