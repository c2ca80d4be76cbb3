"""The journal in SQLite: a write-ahead log with group commit.

Entries noted during a commit join the next one, so rows in flight don't each wait for the disk.
They are appended to `log`, which is one place of the file, and merged into `entries`, sorted by
digest, at the next lookup.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from importer.errors import ImporterError
from importer.store import sqlite_runs
from importer.store.records import Entry, State
from importer.store.sqlite_file import get_fact, select_in, set_fact
from importer.store.sqlite_layout import ENTRY, REBUILD, merge_log

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from importer.store.records import RunEnd, RunRecord, RunStart, Seen
    from importer.store.sqlite_file import Database

_WITHDRAWN = "withdrawn"
_GATHERING = 0.0025  # seconds; a commit costs as much as noting ten rows


@dataclass(frozen=True, slots=True)
class Context:
    """Surroundings of a journal."""

    brand: str
    base_url: str
    digest: Callable[[str], str]
    now: Callable[[], float]  # wall clock, epoch seconds
    check_lock: Callable[[], None]  # raises ServiceError when the brand's lock was lost
    unusable: Callable[[Exception], ImporterError]


class SqliteJournal:
    """`base.Journal` on an open database."""

    def __init__(self, database: Database, context: Context) -> None:
        self._database = database
        self._context = context
        self._run = 0
        self._resumed: Mapping[str, Any] = {}
        self._notes: list[tuple[Any, ...]] = []  # rows of `log`, to be written
        self._requests: list[tuple[float]] = []  # rows of `requests`, to be written
        self._intentions: list[asyncio.Future[None]] = []  # done when their notes are on disk
        self._in_flight = 0  # rows sent without an outcome: their outcomes will be noted soon
        self._committer: asyncio.Task[None] | None = None
        self._broken: ImporterError | None = None
        self.must_rebuild = get_fact(database.db, REBUILD) is not None

    # -- before the first request ------------------------------------------------------------

    async def begin(self, start: RunStart) -> int:
        """See `base.Journal`."""
        self._run, self._resumed = await self._database.run(
            sqlite_runs.begin, start, self._context.brand, self._context.base_url, self._now()
        )
        return self._run

    async def resumed_summary(self) -> Mapping[str, object]:
        """See `base.Journal`."""
        return self._resumed

    async def recall(self, cids: Collection[str]) -> dict[str, Entry]:
        """See `base.Journal`."""
        digest = self._context.digest
        by_digest = {digest(cid): cid for cid in cids}
        entries = await self._database.run(_recall, by_digest)
        return {by_digest[entry.digest]: entry for entry in entries}

    async def in_doubt(self) -> list[Entry]:
        """See `base.Journal`."""
        where = "state = 'sent' ORDER BY changed, digest"
        return await self._database.run(_entries, where)

    async def recent_requests(self, seconds: float) -> list[float]:
        """See `base.Journal`."""
        return await self._database.run(_recent_requests, self._now(), seconds)

    async def rebuild(self, found: Iterable[tuple[str, Seen]]) -> None:
        """See `base.Journal`."""
        digest = self._context.digest
        entries = [(digest(cid), seen) for cid, seen in found]
        await self._database.run(_rebuild, entries, self._now())
        self.must_rebuild = False

    # -- while sending -----------------------------------------------------------------------

    def intend(self, cid: str, packed: str, after_id: int | None = None) -> asyncio.Future[None]:
        """See `base.Journal`."""
        durable: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._intentions.append(durable)
        self._note(self._context.digest(cid), State.SENT, after_id, None, packed)
        return durable

    def created(self, cid: str, clopos_id: str, keys: Sequence[str] = ()) -> None:
        """See `base.Journal`."""
        self._answered(cid, State.CREATED, clopos_id, keys)

    def existed(self, cid: str, clopos_id: str, keys: Sequence[str] = ()) -> None:
        """See `base.Journal`."""
        self._answered(cid, State.EXISTED, clopos_id, keys)

    def withdrawn(self, cid: str) -> None:
        """See `base.Journal`."""
        self._answered(cid, _WITHDRAWN, None, None)

    def settled(self, entry: Entry, clopos_id: str | None, keys: Sequence[str] = ()) -> None:
        """See `base.Journal`."""
        if clopos_id is None:
            self._note(entry.digest, _WITHDRAWN, None, None, "")
        else:
            self._note(entry.digest, State.CREATED, None, clopos_id, "", keys)

    def gone(self, cid: str, clopos_id: str) -> None:
        """See `base.Journal`."""
        self._note(self._context.digest(cid), State.GONE, None, clopos_id, "")

    def request_sent(self) -> None:
        """See `base.Journal`."""
        self._requests.append((self._now(),))
        self._commit_soon()

    async def flush(self) -> None:
        """See `base.Journal`."""
        while self._committer:
            await asyncio.shield(self._committer)
        if self._broken:
            raise self._broken

    # -- afterwards --------------------------------------------------------------------------

    async def finish(self, end: RunEnd) -> None:
        """See `base.Journal`."""
        # A disk that is full says so at the next intention; the results are still to be written.
        with contextlib.suppress(ImporterError):
            await self._database.run(sqlite_runs.finish, self._run, end, self._now())

    async def created_by(self, run: int) -> list[Entry]:
        """See `base.Journal`."""
        where = "run = ? AND state = 'created' ORDER BY CAST(clopos_id AS INTEGER), clopos_id"
        return await self._database.run(_entries, where, run)

    async def forget(self, run: int, customer_ids: Collection[str]) -> int:
        """See `base.Journal`."""
        return await self._database.run(_forget, run, customer_ids, self._now())

    async def runs(self) -> list[RunRecord]:
        """See `base.Journal`."""
        return await self._database.run(sqlite_runs.runs)

    # -- group commit ------------------------------------------------------------------------

    def _now(self) -> float:
        return self._context.now()

    def _answered(
        self, cid: str, state: str, clopos_id: str | None, keys: Sequence[str] | None
    ) -> None:
        self._in_flight = max(0, self._in_flight - 1)
        self._note(self._context.digest(cid), state, None, clopos_id, "", keys)

    def _note(
        self,
        digest: str,
        state: str,
        after_id: int | None,
        clopos_id: str | None,
        packed: str,
        keys: Sequence[str] | None = None,
    ) -> None:
        stored = None if keys is None else json.dumps(keys)
        row = (digest, self._run, state, after_id, clopos_id, packed, self._now(), stored)
        self._notes.append(row)
        self._commit_soon()

    def _commit_soon(self) -> None:
        if self._committer is None:
            self._committer = asyncio.get_running_loop().create_task(self._commit_all())

    async def _commit_all(self) -> None:
        """Write and commit until nothing is left to be written.

        A journal that is broken stops the run at the next intention, not at an outcome.
        """
        try:
            while self._notes or self._requests:
                if len(self._intentions) < self._in_flight:
                    await asyncio.sleep(_GATHERING)
                async with self._database.turn() as db:
                    await self._commit(db)
        finally:
            self._committer = None

    async def _commit(self, db: sqlite3.Connection) -> None:
        notes, self._notes = self._notes, []
        requests, self._requests = self._requests, []
        intentions, self._intentions = self._intentions, []
        try:
            if not self._broken:
                self._context.check_lock()
                _write(db, notes, requests)
                # The disk alone is waited for in the thread: with every statement there, the two
                # would wait for the interpreter's lock again and again.
                await self._database.in_thread(lambda: _commit(db))
        except sqlite3.Error as error:
            self._broken = self._context.unusable(error)
        except ImporterError as error:
            self._broken = error
        for durable in intentions:
            if durable.cancelled():
                continue
            if self._broken:
                durable.set_exception(self._broken)
            else:
                durable.set_result(None)
        self._in_flight += len(intentions)


def _write(
    db: sqlite3.Connection, notes: list[tuple[Any, ...]], requests: list[tuple[float]]
) -> None:
    try:
        db.executemany("INSERT INTO log VALUES (?, ?, ?, ?, ?, ?, ?, ?)", notes)
        db.executemany("INSERT INTO requests VALUES (?)", requests)
    except sqlite3.Error:
        db.rollback()
        raise


def _commit(db: sqlite3.Connection) -> None:
    with db:  # rolled back where it fails
        pass


def _entry(row: tuple[Any, ...]) -> Entry:
    digest, run, state, *others = row
    return Entry(digest, State(state), run, *others)


def _entries(db: sqlite3.Connection, where: str, *values: Any) -> list[Entry]:
    merge_log(db)
    return [_entry(row) for row in db.execute(f"SELECT {ENTRY} FROM entries WHERE {where}", values)]  # noqa: S608


def _recall(db: sqlite3.Connection, digests: Collection[str]) -> list[Entry]:
    merge_log(db)
    sql = f"SELECT {ENTRY} FROM entries WHERE digest IN ({{}})"  # noqa: S608 - our names
    return [_entry(row) for row in select_in(db, sql, digests)]


def _recent_requests(db: sqlite3.Connection, now: float, seconds: float) -> list[float]:
    # A clock that was set back: when they left isn't known any more.
    db.execute("UPDATE requests SET sent = ? WHERE sent > ?", (now, now))
    db.execute("DELETE FROM requests WHERE sent < ?", (now - seconds,))
    return [sent for (sent,) in db.execute("SELECT sent FROM requests ORDER BY sent")]


def _rebuild(db: sqlite3.Connection, found: list[tuple[str, Seen]], now: float) -> None:
    merge_log(db)
    db.executemany(
        "INSERT OR IGNORE INTO entries VALUES (?, 0, 'created', NULL, ?, ?, ?, NULL)",
        [(digest, seen.customer_id, seen.packed, now) for digest, seen in found],
    )
    db.executemany(
        "INSERT OR IGNORE INTO looks VALUES (?, ?, 0)",
        [(seen.customer_id, seen.packed) for _, seen in found],
    )
    db.executemany(
        "INSERT OR IGNORE INTO keys VALUES (?, ?)",
        [(key, seen.customer_id) for digest, seen in found for key in (digest, *seen.keys)],
    )
    set_fact(db, REBUILD, None)


def _forget(db: sqlite3.Connection, run: int, customer_ids: Collection[str], now: float) -> int:
    merge_log(db)
    sql = "SELECT clopos_id FROM entries WHERE clopos_id IN ({}) AND run = ? AND state = 'created'"
    ids = list(select_in(db, sql, customer_ids, run))
    db.executemany(
        "UPDATE entries SET state = 'gone', changed = ? WHERE clopos_id = ?",
        [(now, clopos_id) for (clopos_id,) in ids],
    )
    for table in ("looks", "keys", "marks"):
        db.executemany(f"DELETE FROM {table} WHERE customer = ?", ids)  # noqa: S608 - our names
    db.execute("UPDATE runs SET forgotten = ? WHERE id = ?", (now, run))
    return len(ids)
