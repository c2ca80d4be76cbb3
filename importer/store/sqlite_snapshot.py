"""The copy of the customers at Clopos in SQLite. A cache: damaged, it is begun anew.

Keys are appended to `fresh_keys` and merged into `keys`, sorted, at the next lookup: one by one
they would go anywhere in an index that is larger than the memory for it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sqlite3
from typing import TYPE_CHECKING, Any

from importer.errors import ImporterError, ServiceError
from importer.i18n import tr
from importer.store.records import as_id
from importer.store.sqlite_file import (
    Database,
    connect,
    get_fact,
    remove,
    select_in,
    set_fact,
    wipe_deleted,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from pathlib import Path

    from importer.store.records import Seen

VERSION = 2

_SCHEMA = """
CREATE TABLE customers (id PRIMARY KEY, packed TEXT NOT NULL, seen INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE keys (key TEXT, id, PRIMARY KEY (key, id)) WITHOUT ROWID;
CREATE TABLE fresh_keys (key TEXT, id);
CREATE TABLE keys_of (id PRIMARY KEY, keys TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE facts (name TEXT PRIMARY KEY, value);
"""
_BUFFER = 5000  # own creates that are written together


class SqliteSnapshot:
    """`base.Snapshot` on a file. `key_check` identifies the key its digests were made with."""

    def __init__(self, path: Path, key_check: str) -> None:
        def unusable(error: Exception) -> ImporterError:
            return _unusable(path, error)

        try:
            self._database = Database(_open(path), unusable)
        except (sqlite3.Error, OSError) as error:
            raise unusable(error) from error
        self._key_check = key_check
        self._fresh: list[Seen] = []
        self._writing: asyncio.Task[None] | None = None
        self._generation = 0
        self._lowest_seen: int | None = None  # generation; None: nothing was read yet

    # -- for `importer.plan.sync` ------------------------------------------------------------

    async def start_reading(self, scope: str) -> tuple[int, int]:
        """See `base.Snapshot`."""
        await self._write_fresh()
        scope = f"{self._key_check} {scope}"
        held, size, self._generation = await self._database.run(_start_reading, scope)
        self._lowest_seen = self._generation
        return held, size

    async def put(self, customers: Sequence[Seen], page_size: int) -> int:
        """See `base.Snapshot`."""
        return await self._database.run(_put, customers, self._generation, page_size)

    async def count_below(self, customer_id: str) -> int:
        """See `base.Snapshot`."""
        return await self._database.run(_count_below, as_id(customer_id))

    async def finish_reading(self, drop_from: str | None = None) -> None:
        """See `base.Snapshot`."""
        lowest = None if drop_from is None else as_id(drop_from)
        await self._database.run(_drop_unseen, self._generation, lowest)
        self._lowest_seen = 0

    def add(self, customer: Seen) -> None:
        """See `base.Snapshot`."""
        if self._lowest_seen is None:
            return
        self._fresh.append(customer)
        if len(self._fresh) >= _BUFFER and (self._writing is None or self._writing.done()):
            self._writing = asyncio.get_running_loop().create_task(self._write_fresh())

    async def newest_id(self) -> int | None:
        """See `base.Snapshot`."""
        if self._lowest_seen is None:
            return None
        await self._write_fresh()
        return await self._database.run(_newest_id, self._lowest_seen)

    # -- for `sqlite_people` -----------------------------------------------------------------

    async def holders(self, keys: Collection[str]) -> list[tuple[str, str]]:
        """Return (key, id) of the customers seen that have any of the keys."""
        if self._lowest_seen is None:
            return []
        await self._write_fresh()
        return await self._database.run(_holders, keys, self._lowest_seen)

    async def looks(self, customer_ids: Collection[str]) -> dict[str, str]:
        """Return id → packed of those of the customers that are seen."""
        if self._lowest_seen is None:
            return {}
        await self._write_fresh()
        return await self._database.run(_looks, customer_ids, self._lowest_seen)

    async def erase(self) -> None:
        """Erase all that is held, on disk too: the next reading begins anew."""
        self._fresh.clear()
        self._lowest_seen = None
        await self._database.run(_erase)
        await self._database.run(wipe_deleted)

    async def close(self) -> None:
        """Write what was added, and close the file."""
        if self._writing:
            await self._writing
        await self._write_fresh()
        await self._database.close()

    async def _write_fresh(self) -> None:
        fresh, self._fresh = self._fresh, []
        if fresh:
            # What can't be kept is read from Clopos next time.
            with contextlib.suppress(ImporterError):
                await self._database.run(_keep, fresh, self._generation)


def _erase(db: sqlite3.Connection) -> None:
    for table in ("customers", "keys", "keys_of", "fresh_keys"):
        db.execute(f"DELETE FROM {table}")  # noqa: S608 - our names
    set_fact(db, "page size", 0)


def _start_reading(db: sqlite3.Connection, scope: str) -> tuple[int, int, int]:
    """Return how many are held, the page size, and the generation of the new reading."""
    if get_fact(db, "scope") != scope:
        _erase(db)
        set_fact(db, "scope", scope)
    generation = int(get_fact(db, "generation") or 0) + 1
    set_fact(db, "generation", generation)
    (held,) = db.execute("SELECT count(*) FROM customers").fetchone()
    return held, int(get_fact(db, "page size") or 0), generation


def _put(db: sqlite3.Connection, customers: Sequence[Seen], generation: int, size: int) -> int:
    ids = {as_id(customer.customer_id) for customer in customers}
    sql = "SELECT count(*) FROM customers WHERE id IN ({}) AND seen = ?"
    known = sum(int(count) for (count,) in select_in(db, sql, ids, generation))
    _keep(db, customers, generation)
    set_fact(db, "page size", size)
    return len(ids) - known


def _keep(db: sqlite3.Connection, customers: Iterable[Seen], generation: int) -> None:
    new = {as_id(customer.customer_id): customer for customer in customers}
    keys = {number: json.dumps(customer.keys) for number, customer in new.items()}
    old = dict(select_in(db, "SELECT id, keys FROM keys_of WHERE id IN ({})", new))
    changed = [number for number in new if keys[number] != old.get(number)]
    _drop_keys(db, [(number, old[number]) for number in changed if number in old])
    db.executemany(
        "INSERT INTO fresh_keys VALUES (?, ?)",
        ((key, number) for number in changed for key in new[number].keys),
    )
    db.executemany(
        "INSERT OR REPLACE INTO keys_of VALUES (?, ?)",
        ((number, keys[number]) for number in changed),
    )
    db.executemany(
        "INSERT OR REPLACE INTO customers VALUES (?, ?, ?)",
        ((number, each.packed, generation) for number, each in new.items()),
    )


def _merge_keys(db: sqlite3.Connection) -> None:
    if db.execute("SELECT 1 FROM fresh_keys LIMIT 1").fetchone():
        db.execute("INSERT OR IGNORE INTO keys SELECT key, id FROM fresh_keys ORDER BY key, id")
        db.execute("DELETE FROM fresh_keys")


def _drop_keys(db: sqlite3.Connection, customers: Sequence[tuple[Any, str]]) -> None:
    if not customers:
        return
    _merge_keys(db)
    db.executemany(
        "DELETE FROM keys WHERE key = ? AND id = ?",
        [(key, number) for number, keys in customers for key in json.loads(keys)],
    )


def _count_below(db: sqlite3.Connection, number: int | str) -> int:
    return int(db.execute("SELECT count(*) FROM customers WHERE id < ?", (number,)).fetchone()[0])


def _drop_unseen(db: sqlite3.Connection, generation: int, lowest: int | str | None) -> None:
    where = "seen < ?" if lowest is None else "seen < ? AND id >= ?"
    values = (generation,) if lowest is None else (generation, lowest)
    _merge_keys(db)
    sql = f"SELECT id, keys FROM customers JOIN keys_of USING (id) WHERE {where}"  # noqa: S608
    _drop_keys(db, db.execute(sql, values).fetchall())
    gone = f"SELECT id FROM customers WHERE {where}"  # noqa: S608 - our names
    db.execute(f"DELETE FROM keys_of WHERE id IN ({gone})", values)  # noqa: S608
    db.execute(f"DELETE FROM customers WHERE {where}", values)  # noqa: S608


def _newest_id(db: sqlite3.Connection, lowest_seen: int) -> int | None:
    sql = "SELECT max(id) FROM customers WHERE typeof(id) = 'integer' AND seen >= ?"
    newest = db.execute(sql, (lowest_seen,)).fetchone()[0]
    return None if newest is None else int(newest)


def _holders(
    db: sqlite3.Connection, keys: Collection[str], lowest_seen: int
) -> list[tuple[str, str]]:
    _merge_keys(db)
    sql = "SELECT key, id FROM keys JOIN customers USING (id) WHERE key IN ({}) AND seen >= ?"
    if not lowest_seen:
        sql = "SELECT key, id FROM keys WHERE key IN ({}) AND 0 >= ?"
    return [(key, str(number)) for key, number in select_in(db, sql, keys, lowest_seen)]


def _looks(
    db: sqlite3.Connection, customer_ids: Collection[str], lowest_seen: int
) -> dict[str, str]:
    sql = "SELECT id, packed FROM customers WHERE id IN ({}) AND seen >= ?"
    ids = [as_id(each) for each in customer_ids]
    return {str(number): packed for number, packed in select_in(db, sql, ids, lowest_seen)}


def _open(path: Path) -> sqlite3.Connection:
    with contextlib.suppress(sqlite3.DatabaseError):
        if db := _connect(path):
            return db
    remove(path)  # damaged, or of another version
    db = _connect(path)
    assert db is not None  # noqa: S101 - a new file has our version
    return db


def _connect(path: Path) -> sqlite3.Connection | None:
    """Open the file, None when it is of another version."""
    db = connect(path)
    try:
        db.execute("PRAGMA synchronous = NORMAL")
        db.execute("PRAGMA secure_delete = OFF")  # it never held more than digests
        db.execute("PRAGMA cache_size = -64000")  # 64 MB
        (version,) = db.execute("PRAGMA user_version").fetchone()
        if version == 0:
            db.executescript(f"BEGIN; {_SCHEMA} PRAGMA user_version = {VERSION}; COMMIT;")
        elif version != VERSION:
            db.close()
            return None
    except BaseException:
        db.close()
        raise
    return db


def _unusable(path: Path, error: Exception) -> ServiceError:
    return ServiceError(
        tr("What is at Clopos can't be kept in {path}", path=path),
        why=str(error),
        fix=tr(
            "free some space or correct the permissions, or point CLOPOS_STATE_DIR to another "
            "folder"
        ),
    )
