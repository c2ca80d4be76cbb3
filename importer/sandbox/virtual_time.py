"""An event loop whose clock jumps to the next timer when there is nothing else to do.

Hours of pacing pass in seconds, with real sockets of this machine and real threads.

The clock moves by jumps alone: computing takes no time on it. Before a jump the loop makes sure
that no socket can be read, looks again for what may still be on its way over loopback, and waits
for work given to `run_in_executor`. It doesn't see what other processes do: server and client must
both live on this loop. That is why it isn't looptime, which neither waits for threads nor for data
on its way over loopback (600 creates: 1.8 s here; unfinished after 120 s there).
"""

from __future__ import annotations

import asyncio
import os
import selectors
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar, TypeVarTuple, Unpack

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from concurrent.futures import Executor

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

EPOCH = 1_767_225_600.0
"""Wall time at which a loop begins, 1 January 2026 UTC: the same in each run."""

LOOKS = 5
LONG_JUMP = 1.0
GRACE = 0.001
# A jump past data that is on its way would fire timeouts that should not. Over loopback data
# arrives when its sender's call returns, or when the kernel runs next: so each jump lets it run.
# Timeouts are long: before a long jump, if a socket had data since the last, the loop also waits
# for GRACE real seconds.
_give_way: Callable[[], object] = getattr(os, "sched_yield", partial(time.sleep, 0))


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """An event loop whose `time()` begins at 0 and jumps ahead when nothing is ready.

    A job in an executor holds the clock still until it is done: one that itself waits for a timer
    of this loop never is.
    """

    def __init__(self, start: float = EPOCH) -> None:
        """Begin at wall time `start` (epoch seconds)."""
        self._elapsed = 0.0
        self._start = start
        self._jobs = 0
        self._threads: ThreadPoolExecutor | None = None
        super().__init__(_Jumping(self))

    def time(self) -> float:
        """Return the virtual seconds since the loop was made."""
        return self._elapsed

    @property
    def wall(self) -> float:
        """Return the virtual wall clock, in epoch seconds."""
        return self._start + self._elapsed

    @property
    def waits_for_threads(self) -> bool:
        """Return whether work given to an executor isn't done yet."""
        return self._jobs > 0

    def jump(self, seconds: float) -> None:
        """Move the clock ahead."""
        self._elapsed += seconds

    def run_in_executor(
        self, executor: Executor | None, func: Callable[[Unpack[Ts]], T], *args: *Ts
    ) -> asyncio.Future[T]:
        """Run `func` in a thread; the clock stands still until it returns."""
        if executor is None:
            if self._threads is None:
                self._threads = ThreadPoolExecutor(thread_name_prefix="virtual-time")
                self.set_default_executor(self._threads)
            executor = self._threads
        job = executor.submit(func, *args)
        self._jobs += 1
        future = asyncio.wrap_future(job, loop=self)
        # After wrap_future: the result is under way to its awaiter before the clock may go on.
        # By the job's own end, not the future's: a cancelled future leaves its thread running.
        job.add_done_callback(self._job_ended)
        return future

    def _job_ended(self, _job: object) -> None:
        if not self.is_closed():
            self.call_soon_threadsafe(self._forget_job)

    def _forget_job(self) -> None:
        self._jobs -= 1


class _Jumping(selectors.DefaultSelector):
    """A selector that lets the clock jump instead of waiting."""

    def __init__(self, loop: VirtualTimeLoop) -> None:
        super().__init__()
        self._loop = loop
        self._heard = False

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Return what is ready; really wait only for threads, or when there is no timer."""
        if timeout is None or self._loop.waits_for_threads:
            # A timer that is due, or a callback that is ready, doesn't wait for the threads.
            return self._really(0 if timeout is not None and timeout <= 0 else None)
        ready = self._really(0)
        if ready or timeout <= 0:
            return ready
        for _ in range(LOOKS):
            _give_way()
            if ready := self._really(0):
                return ready
        if self._heard and timeout >= LONG_JUMP:
            if ready := self._really(GRACE):
                return ready
            self._heard = False
        self._loop.jump(timeout)
        return []

    def _really(self, timeout: float | None) -> list[tuple[selectors.SelectorKey, int]]:
        ready: list[tuple[selectors.SelectorKey, int]] = super().select(timeout)
        self._heard = self._heard or bool(ready)
        return ready


def run(main: Coroutine[Any, Any, T], start: float = EPOCH) -> T:
    """Run a coroutine to its end on a loop of its own, as `asyncio.run` does."""
    with asyncio.Runner(loop_factory=lambda: VirtualTimeLoop(start)) as runner:
        return runner.run(main)
