"""What was meant and what became of it: SQLite in the state folder, one file per API and brand.

The intention is durable before a request leaves, the outcome after. What is noted while a commit is
on its way to the disk, in a thread, goes into the next one together (group commit): so durability
costs no waiting for the disk per row. And it goes to the end of a log, which is one place of the
file; where it belongs by its `cid` is anywhere, and is where it gets in one go, sorted, when the
next run asks what is known.

Holds no personal data: `cid`, Clopos ids, and keyed digests to tell which fields differ.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from importer.errors import ServiceError
from importer.i18n import tr
from importer.matching.keys import packed, unpacked
from importer.store.sqlite_layout import CUSTOMER, connect, is_damage, sort_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

SENT = "sent"
CREATED = "created"
_WITHDRAWN = "withdrawn"
_NOTHING = packed({})
_GATHERING = 0.0025  # seconds; a commit costs as much as noting ten rows


@dataclass(frozen=True, slots=True)
class Entry:
    """What the journal holds of one customer.

    `state` is `sent` (a request may have left; no certain answer) or `created`.
    `after_id` is the highest Clopos id known before the request left, None if none was known:
    if the customer was created, its id is higher.
    """

    state: str
    run: int
    after_id: int | None
    clopos_id: str | None
    content: Mapping[str, str]  # field → keyed digest
    changed: float  # epoch seconds


class Journal:
    """An open journal. One process at a time: the caller holds the brand's lock.

    A damaged journal is set aside and a new one begun; `to_rebuild` is true then until `rebuilt`.

    Raises ServiceError when the file can't be opened, is from a newer version, or can't be
    written to any more (nothing is sent that can't be recorded).
    """

    def __init__(self, path: Path, *, now: Callable[[], float] = time.time) -> None:
        self.path = path
        self.now = now
        self.notes: list[str] = []  # what the person should know about this journal
        self.run = 0
        self.carried_on: Mapping[str, Any] = {}  # what `finish` told of this run's earlier parts
        self._notes: list[tuple[Any, ...]] = []  # rows of `log`, to be written
        self._left: list[tuple[float]] = []  # rows of `requests`, to be written
        self._intentions: list[asyncio.Future[None]] = []  # done when their notes are on disk
        self._under_way = 0  # rows that left without an outcome: what is noted of them comes soon
        self._committer: asyncio.Task[None] | None = None
        self._broken: ServiceError | None = None
        self._in_turn = threading.Lock()  # a commit in the thread, and changes outside of it
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="journal")
        self._db = self._open()
        (self.key,) = self._db.execute("SELECT key FROM secret").fetchone()
        self.to_rebuild = bool(
            self._db.execute("SELECT 1 FROM facts WHERE name = 'to rebuild'").fetchone()
        )

    # -- before the first request -----------------------------------------------------------

    def begin(self, file: str) -> int:
        """Start a run, or carry on the last one if it didn't finish. Return its number."""
        with self._changing() as db:
            row = db.execute(
                "SELECT id, summary FROM runs WHERE finished IS NULL ORDER BY id DESC LIMIT 1"
            ).fetchone()
            if row:
                self.run = int(row[0])
                self.carried_on = json.loads(row[1] or "{}")
                db.execute("UPDATE runs SET file = ? WHERE id = ?", (file, self.run))
            else:
                cursor = db.execute(
                    "INSERT INTO runs (started, file) VALUES (?, ?)", (self.now(), file)
                )
                self.run = int(cursor.lastrowid or 0)
        return self.run

    def recall(self, cids: Sequence[str]) -> dict[str, Entry]:
        """Return cid → entry for those of the customers that this brand was ever sent."""
        marks = ", ".join("?" * len(cids))
        sql = f"SELECT {CUSTOMER} FROM customers WHERE cid IN ({marks})"  # noqa: S608
        with self._changing() as db:
            sort_in(db)
            rows = db.execute(sql, tuple(cids)).fetchall()
        return {
            cid: Entry(state, run, after_id, clopos_id, unpacked(content), changed)
            for cid, run, state, after_id, clopos_id, content, changed in rows
        }

    def recent_requests(self, seconds: float) -> list[float]:
        """Return when requests left in the last `seconds`, epoch seconds, oldest first."""
        now = self.now()
        with self._changing() as db:
            # A clock that was set back: when they left is not known any more.
            db.execute("UPDATE requests SET sent = ? WHERE sent > ?", (now, now))
            db.execute("DELETE FROM requests WHERE sent < ?", (now - seconds,))
            return [sent for (sent,) in db.execute("SELECT sent FROM requests ORDER BY sent")]

    def rebuilt(self, found: Iterable[tuple[str, str, Mapping[str, str]]]) -> None:
        """Take over what was found at Clopos: cid, id there, and field → keyed digest.

        That is what a journal that was damaged or lost had of them.
        """
        with self._changing() as db:
            db.executemany(
                "INSERT OR IGNORE INTO customers VALUES (?, 0, 'created', NULL, ?, ?, ?)",
                [(cid, number, packed(content), self.now()) for cid, number, content in found],
            )
            db.execute("DELETE FROM facts WHERE name = 'to rebuild'")
        self.to_rebuild = False

    # -- while sending ----------------------------------------------------------------------

    def intend(
        self, cid: str, content: Mapping[str, str], after_id: int | None
    ) -> asyncio.Future[None]:
        """Return what is done when it is on disk that the customer is about to be sent."""
        durable: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._intentions.append(durable)
        self._note(cid, SENT, after_id, None, packed(content))
        return durable

    def created(self, cid: str, clopos_id: str) -> None:
        """Note that the customer exists with this id. On disk with the next commit."""
        self._under_way = max(0, self._under_way - 1)
        self._note(cid, CREATED, None, clopos_id, _NOTHING)

    def withdraw(self, cid: str) -> None:
        """Note that the customer was not created, for certain: it may be sent anew."""
        self._under_way = max(0, self._under_way - 1)
        self._note(cid, _WITHDRAWN, None, None, _NOTHING)

    def request_left(self) -> None:
        """Note that a request left now, for the pace of a run that follows within the window."""
        self._left.append((self.now(),))
        self._commit_soon()

    async def flush(self) -> None:
        """Return when everything noted so far is on disk."""
        while self._committer:
            await asyncio.shield(self._committer)
        if self._broken:
            raise self._broken

    def finish(self, *, done: bool, results: str, summary: Mapping[str, Any]) -> None:
        """Note how the run ended. A run that isn't `done` is carried on by the next one."""
        # A disk that is full says so at the next intention; the results are still to be written.
        with contextlib.suppress(ServiceError), self._changing() as db:
            db.execute(
                "UPDATE runs SET finished = ?, results = ?, summary = ? WHERE id = ?",
                (self.now() if done else None, results, json.dumps(summary), self.run),
            )

    # -- plumbing ---------------------------------------------------------------------------

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.shutdown()
        self._db.close()

    def _open(self) -> sqlite3.Connection:
        try:
            return connect(self.path)
        except OSError as error:
            raise self._unusable(error) from error
        except sqlite3.Error as error:
            if not is_damage(error):
                raise self._unusable(error) from error
        aside = self.path.with_name(f"{self.path.name}.damaged-{int(self.now())}")
        for suffix in ("", "-wal", "-shm"):
            damaged = self.path.with_name(self.path.name + suffix)
            if damaged.exists():
                damaged.replace(aside.with_name(aside.name + suffix))
        self.notes.append(
            tr(
                "The journal was damaged. It was set aside as {aside} and a new one "
                "begun; what is already at Clopos is found there by its cid.",
                aside=aside,
            )
        )
        db = connect(self.path)
        with db:
            db.execute("INSERT INTO facts VALUES ('to rebuild', '')")
        return db

    @contextlib.contextmanager
    def _changing(self) -> Iterator[sqlite3.Connection]:
        """Change something at once, after a commit that is under way."""
        try:
            with self._in_turn, self._db:
                yield self._db
        except sqlite3.Error as error:
            raise self._unusable(error) from error

    def _unusable(self, error: Exception) -> ServiceError:
        return ServiceError(
            tr("The journal can't be written: {path}", path=self.path),
            why=str(error),
            todo=tr(
                "nothing is sent that can't be recorded: free some space or mend the "
                "permissions, or point CLOPOS_STATE_DIR to another folder"
            ),
        )

    def _note(
        self, cid: str, state: str, after_id: int | None, clopos_id: str | None, content: str
    ) -> None:
        self._notes.append((cid, self.run, state, after_id, clopos_id, content, self.now()))
        self._commit_soon()

    def _commit_soon(self) -> None:
        if self._committer is None:
            self._committer = asyncio.get_running_loop().create_task(self._commit_all())

    async def _commit_all(self) -> None:
        """Write and commit until nothing is left to be written.

        A journal that is broken stops the run at the next intention, not at an outcome.
        """
        loop = asyncio.get_running_loop()
        try:
            while self._notes or self._left:
                if len(self._intentions) < self._under_way:
                    await asyncio.sleep(_GATHERING)
                notes, self._notes = self._notes, []
                left, self._left = self._left, []
                intentions, self._intentions = self._intentions, []
                try:
                    if not self._broken:
                        self._write(notes, left)
                        # The disk alone is waited for in a thread: with every statement there,
                        # the two would wait for the interpreter's lock again and again.
                        await loop.run_in_executor(self._thread, self._commit)
                except sqlite3.Error as error:
                    self._broken = self._unusable(error)
                for durable in intentions:
                    if durable.cancelled():
                        continue
                    if self._broken:
                        durable.set_exception(self._broken)
                    else:
                        durable.set_result(None)
                self._under_way += len(intentions)
        finally:
            self._committer = None

    def _write(self, notes: list[tuple[Any, ...]], left: list[tuple[float]]) -> None:
        try:
            self._db.executemany("INSERT INTO log VALUES (?, ?, ?, ?, ?, ?, ?)", notes)
            self._db.executemany("INSERT INTO requests VALUES (?)", left)
        except sqlite3.Error:
            self._db.rollback()
            raise

    def _commit(self) -> None:
        with self._in_turn, self._db:  # rolled back where it fails
            pass
