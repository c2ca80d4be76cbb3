"""End a worker that was paused for longer than the fleet waits for it, or whose loop is stuck.

By then other workers have its brands. The lease keeps it from sending; this ends the process.
"""

from __future__ import annotations

import logging
import os
import threading
import time

EXIT = 75  # EX_TEMPFAIL: start it again

_log = logging.getLogger(__name__)
# Goes on while the machine sleeps, where the system has such a clock.
_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class Watchdog:
    """Expects a `tick` of the event loop at least every `dead` seconds."""

    def __init__(self, dead: float) -> None:
        self._dead = dead
        self._ticked = _now()
        self._done = threading.Event()

    @property
    def age(self) -> float:
        """Return seconds since the last tick."""
        return _now() - self._ticked

    def tick(self) -> None:
        """Note that the loop runs; end the process where it hadn't run for too long."""
        self._check()
        self._ticked = _now()

    def start(self) -> None:
        """Watch, in a thread of its own, until `stop`."""
        self._ticked = _now()
        threading.Thread(target=self._watch, daemon=True, name="watchdog").start()

    def stop(self) -> None:
        """Watch no more."""
        self._done.set()

    def _watch(self) -> None:
        while not self._done.wait(min(1.0, self._dead / 4)):
            self._check()

    def _check(self) -> None:
        if self.age > self._dead and not self._done.is_set():
            _log.error("paused for %.0f s: others have the brands by now, ending", self.age)
            os._exit(EXIT)  # the journal has all that left; nothing else may be written


def _now() -> float:
    return time.clock_gettime(_CLOCK)
