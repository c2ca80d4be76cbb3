"""Processes, timed from outside: wall clock, processor time, and the most memory they ever had."""

from __future__ import annotations

import os
import subprocess
import time
from statistics import median
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Command = tuple[object, ...]


class Timed(NamedTuple):
    """One run of a process: seconds of the clock and of the processors, megabytes at most."""

    seconds: float
    cpu: float
    megabytes: float
    output: str = ""


def timed(
    command: Command, *, env: dict[str, str] | None = None, ok: Sequence[int] = (0,)
) -> Timed:
    """Run a command to its end. Raises RuntimeError when its exit code isn't one of `ok`."""
    given = os.environ | (env or {})
    given.pop("PYTHONDONTWRITEBYTECODE", None)  # modules are compiled once, as pip does
    started = time.perf_counter()
    with subprocess.Popen(
        [str(part) for part in command],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=given,
    ) as process:
        assert process.stdout
        output = process.stdout.read()
        # wait4 reports the usage of this child alone; Linux counts its memory in KiB.
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in ok:
        raise RuntimeError(f"exit {process.returncode}: {' '.join(map(str, command))}")
    return Timed(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, output)


def alternating(
    contenders: dict[str, Callable[[], Timed]], rounds: int, say: Callable[[str], None]
) -> dict[str, Timed]:
    """Run all of them, one after the other, `rounds` times; return the medians of each.

    Alternating: whatever else the machine does meanwhile hits all alike. The memory is the most
    that was seen.
    """
    found: dict[str, list[Timed]] = {name: [] for name in contenders}
    for number in range(1, rounds + 1):
        for name, run in contenders.items():
            once = run()
            found[name].append(once)
            say(f"  {number}/{rounds} {name}: {once.seconds:.2f} s, {once.megabytes:.0f} MB")
    return {
        name: Timed(
            median(each.seconds for each in runs),
            median(each.cpu for each in runs),
            max(each.megabytes for each in runs),
        )
        for name, runs in found.items()
    }
