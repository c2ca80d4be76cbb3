"""Signals that end a run: Ctrl-C, SIGTERM, and the terminal that closes."""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING

from importer.errors import Exit
from importer.i18n import tr

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP")


def raise_keyboard_interrupt_on_signals() -> None:
    """Let all of them do what Ctrl-C does: before the first request there is nothing to finish."""
    for number in _heard():
        if number != signal.SIGINT:
            signal.signal(number, _like_ctrl_c)


def stop_on_signals(
    stop: asyncio.Event, loop: asyncio.AbstractEventLoop, say: Callable[[str], None]
) -> None:
    """Let the first signal finish what is in flight and the second leave at once."""
    asked = 0.0

    def heard() -> None:
        stop.set()
        say(tr("Stopping after requests in flight; press Ctrl-C again to quit now"))

    def on_signal(*_: object) -> None:
        nonlocal asked
        if asked and time.monotonic() - asked > 0.2:  # one key press may arrive as two signals
            os._exit(Exit.STOPPED)  # the journal has all that left
        if asked:
            return
        asked = time.monotonic()
        if loop.is_closed():  # all is sent; the results are being written
            stop.set()
        else:
            # From the loop: a line may be half written at this very moment.
            loop.call_soon_threadsafe(heard)

    for number in _heard():
        signal.signal(number, on_signal)


def _heard() -> list[int]:
    """Return the signals that are there (on Windows there is no SIGHUP) and that we are to hear.

    The caller may have chosen otherwise: nohup for a terminal that closes, a shell for Ctrl-C
    while we are in the background.
    """
    numbers = [getattr(signal, name) for name in _NAMES if hasattr(signal, name)]
    return [number for number in numbers if signal.getsignal(number) is not signal.SIG_IGN]


def _like_ctrl_c(*_: object) -> None:
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        raise KeyboardInterrupt
    signal.raise_signal(signal.SIGINT)
