"""What was meant and what became of it: SQLite in the state folder, one file per API and brand.

The intention is durable before a request leaves, the outcome after (design: write the intention
before the effect). Statements that arrive while a commit is on its way go into the next one
together (group commit), so durability costs no waiting for the disk per row.

Holds no personal data: `cid`, Clopos ids, and keyed digests to tell which fields differ.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from importer.errors import ServiceError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from types import TracebackType

VERSION = 1

_SCHEMA = """
CREATE TABLE runs (
    id INTEGER PRIMARY KEY, started REAL NOT NULL, finished REAL, file TEXT, results TEXT,
    summary TEXT
);
CREATE TABLE customers (
    cid TEXT PRIMARY KEY, run INTEGER NOT NULL, state TEXT NOT NULL, attempts INTEGER NOT NULL,
    after_id INTEGER, clopos_id TEXT, content TEXT NOT NULL, changed REAL NOT NULL
) WITHOUT ROWID;
CREATE TABLE requests (sent REAL NOT NULL);
CREATE TABLE secret (key BLOB NOT NULL);
"""

SENT = "sent"
CREATED = "created"


@dataclass(frozen=True, slots=True)
class Entry:
    """What the journal holds of one customer.

    `state` is `sent` (a request may have left; no certain answer) or `created`.
    `after_id` is the highest Clopos id known before the request left, None if none was known:
    if the customer was created, its id is higher.
    """

    state: str
    run: int
    attempts: int
    after_id: int | None
    clopos_id: str | None
    content: Mapping[str, str]  # field → keyed digest
    changed: float  # epoch seconds


@dataclass(slots=True)
class _Statement:
    sql: str
    values: tuple[Any, ...]
    durable: asyncio.Future[None] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )


class Journal:
    """An open journal. One process at a time: the caller holds the brand's lock.

    Raises ServiceError when the file can't be opened, is from a newer version, or can't be
    written to any more (nothing is sent that can't be recorded).
    """

    def __init__(self, path: Path, *, now: Any = time.time) -> None:
        self.path = path
        self.now = now
        self.notes: list[str] = []  # what the person should know about this journal
        self.run = 0
        self._waiting: list[_Statement] = []
        self._committer: asyncio.Task[None] | None = None
        self._broken: ServiceError | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="journal")
        self._db = self._open()
        (self.key,) = self._db.execute("SELECT key FROM secret").fetchone()

    # -- before the first request -----------------------------------------------------------

    def begin(self, file: str) -> int:
        """Start a run, or carry on the last one if it didn't finish. Return its number."""
        row = self._db.execute(
            "SELECT id FROM runs WHERE finished IS NULL ORDER BY id DESC LIMIT 1"
        ).fetchone()
        with self._db:
            if row:
                self.run = int(row[0])
                self._db.execute("UPDATE runs SET file = ? WHERE id = ?", (file, self.run))
            else:
                cursor = self._db.execute(
                    "INSERT INTO runs (started, file) VALUES (?, ?)", (self.now(), file)
                )
                self.run = int(cursor.lastrowid or 0)
        return self.run

    def recall(self, cids: Sequence[str]) -> dict[str, Entry]:
        """Return cid → entry for those of the customers that this brand was ever sent."""
        marks = ", ".join("?" * len(cids))
        columns = "cid, state, run, attempts, after_id, clopos_id, content, changed"
        sql = f"SELECT {columns} FROM customers WHERE cid IN ({marks})"  # noqa: S608 - marks alone
        rows = self._db.execute(sql, tuple(cids))
        return {
            cid: Entry(state, run, attempts, after_id, clopos_id, json.loads(content), changed)
            for cid, state, run, attempts, after_id, clopos_id, content, changed in rows
        }

    def recent_requests(self, seconds: float) -> list[float]:
        """Return when requests left in the last `seconds`, epoch seconds, oldest first."""
        with self._db:
            self._db.execute("DELETE FROM requests WHERE sent < ?", (self.now() - seconds,))
        return [sent for (sent,) in self._db.execute("SELECT sent FROM requests ORDER BY sent")]

    # -- while sending ----------------------------------------------------------------------

    async def intend(self, cid: str, content: Mapping[str, str], after_id: int | None) -> None:
        """Return when it is on disk that the customer is about to be sent."""
        await self._write(
            "INSERT INTO customers VALUES (?, ?, 'sent', 1, ?, NULL, ?, ?) "
            "ON CONFLICT (cid) DO UPDATE SET run = excluded.run, state = 'sent', "
            "attempts = attempts + 1, after_id = excluded.after_id, content = excluded.content, "
            "changed = excluded.changed",
            (cid, self.run, after_id, json.dumps(content), self.now()),
        )

    def created(self, cid: str, clopos_id: str) -> None:
        """Note that the customer exists with this id. On disk with the next commit."""
        self._write(
            "UPDATE customers SET state = 'created', clopos_id = ?, changed = ? WHERE cid = ?",
            (clopos_id, self.now(), cid),
        )

    def withdraw(self, cid: str) -> None:
        """Note that the customer was not created, for certain: it may be sent anew."""
        self._write("DELETE FROM customers WHERE cid = ? AND state = 'sent'", (cid,))

    def request_left(self) -> None:
        """Note that a request left now, for the pace of a run that follows within the window."""
        self._write("INSERT INTO requests VALUES (?)", (self.now(),))

    async def flush(self) -> None:
        """Return when everything noted so far is on disk."""
        while self._committer:
            await asyncio.shield(self._committer)
        if self._broken:
            raise self._broken

    def finish(self, *, done: bool, results: str, summary: Mapping[str, Any]) -> None:
        """Note how the run ended. A run that isn't `done` is carried on by the next one."""
        # A disk that is full says so at the next intention; the results are still to be written.
        with contextlib.suppress(sqlite3.Error), self._db:
            self._db.execute(
                "UPDATE runs SET finished = ?, results = ?, summary = ? WHERE id = ?",
                (self.now() if done else None, results, json.dumps(summary), self.run),
            )

    # -- plumbing ---------------------------------------------------------------------------

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._thread.shutdown()
        self._db.close()

    def _open(self) -> sqlite3.Connection:
        try:
            return self._connect()
        except (sqlite3.OperationalError, OSError) as error:
            raise self._unusable(error) from error
        except sqlite3.DatabaseError:
            pass  # not a database, or a damaged one
        aside = self.path.with_name(f"{self.path.name}.damaged-{int(self.now())}")
        for suffix in ("", "-wal", "-shm"):
            damaged = self.path.with_name(self.path.name + suffix)
            if damaged.exists():
                damaged.replace(aside.with_name(aside.name + suffix))
        self.notes.append(
            f"The journal was damaged. It was set aside as {aside} and a new one begun; "
            "what is already at Clopos is found there by its cid."
        )
        return self._connect()

    def _connect(self) -> sqlite3.Connection:
        new = not self.path.exists()
        if new:
            os.close(os.open(self.path, os.O_CREAT | os.O_WRONLY, 0o600))
        db = sqlite3.connect(self.path, check_same_thread=False)
        try:
            db.execute("PRAGMA journal_mode = WAL")
            # An intention lost in a power cut would be a customer sent twice.
            db.execute("PRAGMA synchronous = FULL")
            (version,) = db.execute("PRAGMA user_version").fetchone()
            if version == 0:
                db.executescript(f"BEGIN; {_SCHEMA} PRAGMA user_version = {VERSION}; COMMIT;")
                with db:
                    db.execute("INSERT INTO secret VALUES (?)", (secrets.token_bytes(32),))
            elif version > VERSION:
                raise ServiceError(
                    f"The journal {self.path} was written by a newer version of this program",
                    why=f"it has layout {version}, this program knows {VERSION}",
                    todo="update clopos-import",
                )
            elif db.execute("PRAGMA quick_check").fetchone() != ("ok",):
                raise sqlite3.DatabaseError("quick_check failed")
        except BaseException:
            db.close()
            raise
        return db

    def _unusable(self, error: Exception) -> ServiceError:
        return ServiceError(
            f"The journal can't be written: {self.path}",
            why=str(error),
            todo="nothing is sent that can't be recorded: free some space or mend the "
            "permissions, or point CLOPOS_STATE_DIR to another folder",
        )

    def _write(self, sql: str, values: tuple[Any, ...]) -> asyncio.Future[None]:
        statement = _Statement(sql, values)
        if self._broken:
            statement.durable.set_exception(self._broken)
        else:
            self._waiting.append(statement)
            if self._committer is None:
                self._committer = asyncio.get_running_loop().create_task(self._commit_all())
        # Nobody need await an outcome: a journal that breaks stops the run at the next intention.
        statement.durable.add_done_callback(lambda done: done.cancelled() or done.exception())
        return statement.durable

    async def _commit_all(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while self._waiting:
                batch, self._waiting = self._waiting, []
                try:
                    await loop.run_in_executor(self._thread, self._commit, batch)
                except sqlite3.Error as error:
                    self._broken = self._unusable(error)
                    batch, self._waiting = batch + self._waiting, []
                for statement in batch:
                    if statement.durable.cancelled():
                        continue
                    if self._broken:
                        statement.durable.set_exception(self._broken)
                    else:
                        statement.durable.set_result(None)
        finally:
            self._committer = None

    def _commit(self, batch: list[_Statement]) -> None:
        with self._db:
            for statement in batch:
                self._db.execute(statement.sql, statement.values)
