"""The command, with a clock on its store: what share of the processor's time it takes.

    python -m benchmarks.accounted SHARES run FILE …

A line is added to the file SHARES. Runs with and without a store tell less: they differ from each
other by more than what is looked for. What isn't in it: handing a commit to its thread, and waking
the rows that waited for it.
"""

from __future__ import annotations

import functools
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from importer.cli.main import main
from importer.store import sqlite_journal
from importer.store.sqlite_file import Database
from importer.store.sqlite_journal import SqliteJournal

if TYPE_CHECKING:
    from collections.abc import Callable

NOTES = "intend created existed withdrawn settled gone request_sent"


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


def arm(spent: list[float]) -> None:
    """Put a clock on all that the store does: its notes, and its work in threads."""
    in_thread = Database.in_thread

    async def clocked_in_thread(self: Database, work: Callable[[], Any]) -> Any:
        return await in_thread(self, clocked(spent, work))

    for name in NOTES.split():
        setattr(SqliteJournal, name, clocked(spent, getattr(SqliteJournal, name)))
    setattr(sqlite_journal, "_write", clocked(spent, sqlite_journal._write))  # noqa: B010
    setattr(Database, "in_thread", clocked_in_thread)  # noqa: B010 - mypy knows it is a method


if __name__ == "__main__":
    shares, spent = Path(sys.argv.pop(1)), list[float]()
    arm(spent)
    try:
        main()
    finally:
        with shares.open("a", encoding="utf-8") as file:
            file.write(f"{sum(spent) / time.process_time():.4f}\n")
