"""Failed answers of all brands of this machine, so that no address is blocked for them.

Clopos allows 600 failed requests a minute from one address, for all brands together (API facts
§7.1): two runs that get 409 for each row could reach that. So all runs count in one file, and all
pause when they come near it.
"""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Self

from importer.errors import UsageError
from importer.store.state import make_private

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

WINDOW = 60.0  # seconds
MOST = 480  # of 600: several runs may have requests under way when the last place is taken
MARGIN = 0.5  # seconds: what fails was counted at Clopos some moments before we know


class Failures:
    """The failed answers of the last minute, in a file that all processes of this user share.

    `now` is the wall clock in epoch seconds. If the file is unusable, counting is off: the guard
    must never stop a run.
    """

    def __init__(self, path: Path, now: Callable[[], float]) -> None:
        self._now = now
        self._db: sqlite3.Connection | None = None
        try:
            make_private(path)
            # One process waits for another's write, which takes no time to speak of.
            self._db = sqlite3.connect(path, timeout=1.0, isolation_level=None)
            self._db.execute("PRAGMA synchronous = OFF")
            self._db.execute("CREATE TABLE IF NOT EXISTS failures (at REAL NOT NULL)")
        except (sqlite3.Error, OSError, UsageError):
            self._close()

    def add(self) -> float:
        """Count a failed answer. Return for how many seconds to send nothing, 0 for not at all."""
        if self._db is None:
            return 0.0
        now = self._now()
        try:
            self._db.execute("BEGIN IMMEDIATE")
            # What lies ahead was written before the clock was set back.
            self._db.execute("DELETE FROM failures WHERE at <= ? OR at > ?", (now - WINDOW, now))
            self._db.execute("INSERT INTO failures VALUES (?)", (now,))
            sql = "SELECT at FROM failures ORDER BY at DESC LIMIT 1 OFFSET ?"
            row = self._db.execute(sql, (MOST - 1,)).fetchone()
            self._db.execute("COMMIT")
        except sqlite3.Error:
            self._close()
            return 0.0
        return row[0] + WINDOW + MARGIN - now if row else 0.0

    def _close(self) -> None:
        if self._db is not None:
            self._db.close()
        self._db = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._close()
