"""What was meant and what became of it: SQLite in the state folder, one file per API and brand.

The intention is durable before a request leaves, the outcome after. Statements that arrive while
a commit is on its way to the disk, in a thread, go into the next one together (group commit): so
durability costs no waiting for the disk per row.

Holds no personal data: `cid`, Clopos ids, and keyed digests to tell which fields differ.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import secrets
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from importer.aside import make_durable
from importer.errors import ServiceError
from importer.messages import tr

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

VERSION = 2

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
_FACTS = "CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;"
_KEY = "INSERT INTO secret VALUES (x'{}');"
_UPGRADES = {1: _FACTS}  # layout → what makes it the next one
_COLUMNS = {
    "runs": "id, started, finished, file, results, summary",
    "customers": "cid, run, state, attempts, after_id, clopos_id, content, changed",
    "requests": "sent",
    "facts": "name, value",
}
# What every row of `customers` says, unless it was damaged.
_SENSE = (
    "state IN ('sent', 'created') AND json_valid(content) "
    "AND (state = 'created') = (typeof(clopos_id) = 'text') "
    "AND length(cid) + length(content) = length(CAST(cid || content AS BLOB))"  # ASCII
)
# Not what the disk or its permissions say, but what is in the file.
_DAMAGE = {sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}

_INTEND = """
INSERT INTO customers VALUES (?, ?, 'sent', 1, ?, NULL, ?, ?)
ON CONFLICT (cid) DO UPDATE SET run = excluded.run, state = 'sent', attempts = attempts + 1,
after_id = excluded.after_id, content = excluded.content, changed = excluded.changed
WHERE state != 'created'
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


class _Statement(NamedTuple):
    sql: str
    values: tuple[Any, ...]
    durable: asyncio.Future[None] | None  # None: nobody waits for it


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
        self._waiting: list[_Statement] = []
        self._committer: asyncio.Task[None] | None = None
        self._broken: ServiceError | None = None
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
                "SELECT id FROM runs WHERE finished IS NULL ORDER BY id DESC LIMIT 1"
            ).fetchone()
            if row:
                self.run = int(row[0])
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
        sql = f"SELECT {_COLUMNS['customers']} FROM customers WHERE cid IN ({marks})"  # noqa: S608
        try:
            rows = self._db.execute(sql, tuple(cids)).fetchall()
        except sqlite3.Error as error:
            raise self._unusable(error) from error
        return {
            cid: Entry(state, run, attempts, after_id, clopos_id, json.loads(content), changed)
            for cid, run, state, attempts, after_id, clopos_id, content, changed in rows
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
                "INSERT OR IGNORE INTO customers VALUES (?, 0, 'created', 0, NULL, ?, ?, ?)",
                [
                    (cid, number, json.dumps({**content}), self.now())
                    for cid, number, content in found
                ],
            )
            db.execute("DELETE FROM facts WHERE name = 'to rebuild'")
        self.to_rebuild = False

    # -- while sending ----------------------------------------------------------------------

    async def intend(self, cid: str, content: Mapping[str, str], after_id: int | None) -> None:
        """Return when it is on disk that the customer is about to be sent."""
        durable: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        values = (cid, self.run, after_id, json.dumps(content), self.now())
        self._write(_INTEND, values, durable)
        await durable

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
            return self._connect()
        except OSError as error:
            raise self._unusable(error) from error
        except sqlite3.Error as error:
            if _primary_code(error) not in _DAMAGE:
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
        db = self._connect()
        with db:
            db.execute("INSERT INTO facts VALUES ('to rebuild', '')")
        return db

    def _connect(self) -> sqlite3.Connection:
        if not self.path.exists():
            # What a journal left that somebody took away would be taken for a part of this one.
            for suffix in ("-wal", "-shm"):
                self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)
            os.close(os.open(self.path, os.O_CREAT | os.O_WRONLY, 0o600))
            make_durable(self.path.parent)
        db = sqlite3.connect(self.path, check_same_thread=False)
        try:
            db.execute("PRAGMA journal_mode = WAL")
            # An intention lost in a power cut would be a customer sent twice.
            db.execute("PRAGMA synchronous = FULL")
            db.execute("PRAGMA fullfsync = 1")  # on a Mac, fsync alone doesn't reach the disk
            (version,) = db.execute("PRAGMA user_version").fetchone()
            if version > VERSION:
                raise ServiceError(
                    tr(
                        "The journal {path} was written by a newer version of this program",
                        path=self.path,
                    ),
                    why=tr(
                        "it has layout {version}, this program knows {known}",
                        version=version,
                        known=VERSION,
                    ),
                    todo=tr("update clopos-import"),
                )
            if version == 0:
                key = secrets.token_hex(32)
                _to_version(db, VERSION, _SCHEMA + _FACTS + _KEY.format(key))
            for old in range(version or VERSION, VERSION):
                _to_version(db, old + 1, _UPGRADES[old])
            _check(db)
        except BaseException:
            db.close()
            raise
        return db

    @contextlib.contextmanager
    def _changing(self) -> Iterator[sqlite3.Connection]:
        """Change something at once, while nothing is being sent."""
        try:
            with self._db:
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

    def _write(
        self, sql: str, values: tuple[Any, ...], durable: asyncio.Future[None] | None = None
    ) -> None:
        """Write with the next commit; `durable` is done when that is on disk.

        A journal that is broken stops the run at the next intention, not at an outcome.
        """
        if self._broken:
            if durable:
                durable.set_exception(self._broken)
            return
        self._waiting.append(_Statement(sql, values, durable))
        if self._committer is None:
            self._committer = asyncio.get_running_loop().create_task(self._commit_all())

    async def _commit_all(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while self._waiting:
                batch, self._waiting = self._waiting, []
                try:
                    self._execute(batch)
                    # The disk alone is waited for in a thread: with every statement there, the two
                    # would wait for the interpreter's lock again and again.
                    await loop.run_in_executor(self._thread, self._commit)
                except sqlite3.Error as error:
                    self._broken = self._unusable(error)
                    batch, self._waiting = batch + self._waiting, []
                for durable in (each.durable for each in batch if each.durable):
                    if durable.cancelled():
                        continue
                    if self._broken:
                        durable.set_exception(self._broken)
                    else:
                        durable.set_result(None)
        finally:
            self._committer = None

    def _execute(self, batch: list[_Statement]) -> None:
        """Execute statements in their order, those alike and side by side at once."""
        try:
            for sql, alike in itertools.groupby(batch, attrgetter("sql")):
                self._db.executemany(sql, (each.values for each in alike))
        except sqlite3.Error:
            self._db.rollback()
            raise

    def _commit(self) -> None:
        with self._db:
            pass


def _to_version(db: sqlite3.Connection, version: int, script: str) -> None:
    """Change the layout in one step: a process that is killed meanwhile leaves the old one."""
    db.executescript(f"BEGIN IMMEDIATE; {script} PRAGMA user_version = {version}; COMMIT;")


def _check(db: sqlite3.Connection) -> None:
    """Raise sqlite3.Error when something of a journal is missing or unreadable."""
    for table, columns in _COLUMNS.items():
        db.execute(f"SELECT {columns} FROM {table} LIMIT 1").fetchall()  # noqa: S608 - our names
    sound = db.execute("PRAGMA quick_check").fetchone() == ("ok",)
    strange = db.execute(f"SELECT 1 FROM customers WHERE NOT ({_SENSE}) LIMIT 1").fetchone()  # noqa: S608
    if not sound or strange or db.execute("SELECT count(*) FROM secret").fetchone() != (1,):
        raise sqlite3.DatabaseError(tr("something of it is missing or unreadable"))


def _primary_code(error: sqlite3.Error) -> int:
    """Return what SQLite calls the error; what Python or we raise is about the content."""
    return getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF
