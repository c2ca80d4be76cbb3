"""The command, with a clock on its journal: what share of the processor's time it takes.

    python -m benchmarks.accounted SHARES run FILE …

A line is added to the file SHARES. Runs with and without a journal tell less: they differ from each
other by more than what is looked for. What isn't in it: handing a commit to its thread, and waking
the rows that waited for it.
"""

from __future__ import annotations

import functools
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from importer.cli.commands import main
from importer.store.sqlite_journal import Journal

if TYPE_CHECKING:
    from collections.abc import Callable

# None of them calls another; `_commit` is in a thread of its own.
PARTS = "begin recall recent_requests intend created withdraw request_left finish _write _commit"


def clocked(spent: list[float], part: Callable[..., Any]) -> Callable[..., Any]:
    """Return the same function, which adds the seconds of processor it took."""

    @functools.wraps(part)
    def timed(*args: Any, **kwargs: Any) -> Any:
        began = time.thread_time()
        try:
            return part(*args, **kwargs)
        finally:
            spent.append(time.thread_time() - began)

    return timed


if __name__ == "__main__":
    shares, spent = Path(sys.argv.pop(1)), list[float]()
    for name in PARTS.split():
        setattr(Journal, name, clocked(spent, getattr(Journal, name)))
    try:
        main()
    finally:
        with shares.open("a", encoding="utf-8") as file:
            file.write(f"{sum(spent) / time.process_time():.4f}\n")
