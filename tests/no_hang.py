"""A guard against hangs: code that uses far too much processor time is interrupted."""

from __future__ import annotations

import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def no_hang(seconds: float = 30.0) -> Iterator[None]:
    """Raise AssertionError in the block once it has used so many seconds of processor time.

    The bound is a multiple of what the slowest case needs, so a busy machine changes nothing.
    Regular expressions are interrupted, too. The error is raised again at the end,
    in case the interrupted code caught it.
    """
    hung, message = False, f"more than {seconds:g} seconds of the processor"

    def interrupt(_number: int, _frame: object) -> None:
        nonlocal hung
        hung = True
        raise AssertionError(message)

    before = signal.signal(signal.SIGPROF, interrupt)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
        if hung:
            raise AssertionError(message)
