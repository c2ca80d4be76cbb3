"""One SQLite file behind an async interface, and what its errors mean."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Concatenate, Final, ParamSpec, TypeVar

from importer.files import fsync_dir
from importer.store.state import make_private
from importer.store.threads import in_thread

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping
    from pathlib import Path

    from importer.errors import ImporterError

P = ParamSpec("P")
T = TypeVar("T")

SUFFIXES = ("-wal", "-shm", "")
_AT_ONCE: Final = 2000  # values of one IN (…)
# About the content of a file. All others are about the disk or its permissions.
_DAMAGE = {sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}


class Database:
    """An open SQLite file. Work is done one piece at a time, in a thread of its own.

    `unusable` makes the error that is raised for one of SQLite's.
    """

    def __init__(
        self, db: sqlite3.Connection, unusable: Callable[[Exception], ImporterError]
    ) -> None:
        self.db = db
        self._unusable = unusable
        self._turn = asyncio.Lock()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="sqlite")

    async def run(
        self,
        work: Callable[Concatenate[sqlite3.Connection, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Do some work in a transaction of its own, and return its result.

        Raises the error of `unusable` when SQLite fails; the transaction is rolled back then.
        """

        def transaction() -> T:
            with self.db:
                return work(self.db, *args, **kwargs)

        try:
            async with self.turn():
                return await self.in_thread(transaction)
        except sqlite3.Error as error:
            raise self._unusable(error) from error

    @contextlib.asynccontextmanager
    async def turn(self) -> AsyncIterator[sqlite3.Connection]:
        """Give the connection to the caller alone."""
        async with self._turn:
            yield self.db

    async def in_thread(self, work: Callable[[], T]) -> T:
        """Run something in the thread; to be called within `turn`. See `threads.in_thread`."""
        return await in_thread(self._thread, work)

    async def close(self) -> None:
        """Close the file once the work in progress is done."""
        async with self._turn:
            self._thread.shutdown()
            self.db.close()


def connect(path: Path) -> sqlite3.Connection:
    """Open a file, or make one that only its owner can read. Deleted content is overwritten.

    Raises UsageError when it is a link or another user's; OSError, sqlite3.Error.
    """
    if make_private(path):
        fsync_dir(path.parent)  # a power cut must not take its name
    db = sqlite3.connect(path, check_same_thread=False)
    try:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA secure_delete = ON")
    except BaseException:
        db.close()
        raise
    return db


def wipe_deleted(db: sqlite3.Connection) -> None:
    """Rewrite the file and empty its write-ahead log: what was deleted is nowhere any more.

    Deleted cells are overwritten anyway, but not their copies from when a page was rearranged.
    """
    db.commit()  # not within a transaction
    db.execute("VACUUM")
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def read_only(path: Path) -> sqlite3.Connection:
    """Open a file for reading, also while another process writes to it."""
    return sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)


def remove(path: Path) -> None:
    """Delete a file with all that SQLite keeps beside it."""
    for suffix in SUFFIXES:
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def is_damage(error: sqlite3.Error) -> bool:
    """Return whether an error is about the content of a file, not the disk or permissions."""
    # An error without a code was raised by Python or by us: it is about the content.
    return getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF in _DAMAGE


def is_busy(error: sqlite3.Error) -> bool:
    """Return whether another program held a lock on the file for longer than was waited."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in _BUSY


def select_in(
    db: sqlite3.Connection, sql: str, values: Collection[Any], *others: Any
) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of a query that has `IN ({})`, for any number of values.

    `others` are the parameters after it. Sorted values make neighbours meet in the same page.
    """
    ordered = list(set(values))
    with contextlib.suppress(TypeError):  # ids, some of which are no numbers
        ordered.sort()
    for start in range(0, len(ordered), _AT_ONCE):
        part = ordered[start : start + _AT_ONCE]
        yield from db.execute(sql.format(", ".join("?" * len(part))), (*part, *others))


def get_fact(db: sqlite3.Connection, name: str) -> Any:
    """Return a value of the table `facts`, None when it isn't there."""
    row = db.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
    return row[0] if row else None


def set_fact(db: sqlite3.Connection, name: str, value: object) -> None:
    """Write a value to the table `facts`; None removes it."""
    if value is None:
        db.execute("DELETE FROM facts WHERE name = ?", (name,))
    else:
        db.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, value))


def as_json(value: Mapping[str, Any]) -> str:
    """Return a mapping as the text that is stored."""
    return json.dumps(value, ensure_ascii=False, default=str)
