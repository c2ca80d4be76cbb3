"""What is at Clopos, remembered between runs: SQLite in the state folder of a brand.

Refreshed from its end: sorted by id, ascending, new customers come last, so the page on which the
last known ones are and those after it tell all that is new. Whether nothing moved before that page
is seen from its place: of a list of pages of 999, page 6 begins with customer 4996, so 4995 known
customers must have lower ids. Where they don't (somebody was deleted, or created while we were),
the pages before it are read as well, back to where the numbers agree; at worst that is all.

It is a cache: damaged or lost, it is read anew. Holds no personal data: Clopos ids, cids, and the
keyed digests that the journal has too.
"""

from __future__ import annotations

import contextlib
import math
import os
import sqlite3
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Self

from importer.errors import ServiceError
from importer.i18n import tr
from importer.matching.keys import digest, fingerprints, packed, unpacked
from importer.store.records import Index, Known

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from importer.clopos import Clopos, Existing, Page
    from importer.records import Customer

VERSION = 1

_SCHEMA = """
CREATE TABLE customers (id PRIMARY KEY, cid TEXT, content TEXT NOT NULL, seen INTEGER NOT NULL)
    WITHOUT ROWID;
CREATE INDEX cids ON customers (cid);
CREATE TABLE held (digest TEXT, id, PRIMARY KEY (digest, id)) WITHOUT ROWID;
CREATE TABLE facts (name TEXT PRIMARY KEY, value);
"""
_STARTS = 3  # times a list is begun anew because it changed while it was read
_BUFFER = 5000  # own creates that are written together


class Snapshot:
    """An open snapshot. One process at a time: the caller holds the brand's lock.

    `key` is the journal's, with which all digests are made; under another key nothing that was
    kept means anything, and it is forgotten.

    Raises ServiceError when the file can't be written.
    """

    def __init__(self, path: Path, key: bytes) -> None:
        self.path = path
        self.newest_id: int | None = None  # the highest id that was read or created
        self._key = key
        self._fresh: list[tuple[str, str, Mapping[str, str]]] = []
        self._refreshed = False
        self._agreed = False  # what is known from earlier is what is there
        try:
            self._db = self._open()
        except (sqlite3.Error, OSError) as error:
            raise self._unusable(error) from error
        self._generation = int(self._fact("generation") or 0)

    # -- what is there ----------------------------------------------------------------------

    async def refresh(self, api: Clopos, pays: Callable[[int, int], bool]) -> None:
        """Learn what has changed at Clopos since last time.

        `pays` is told how many pages there are to be read beyond the first, and the number of
        customers; reading ends where it says no. Then only what was read is looked up.
        """
        self._generation += 1
        self._refreshed, self._agreed = True, False
        try:
            size = int(self._fact("page size") or 0)
            (known,) = self._db.execute("SELECT count(*) FROM customers").fetchone()
            if not (known and size and await self._read_end(api, pays, known, size)):
                for _ in range(_STARTS):
                    if await self._read_all(api, pays):
                        break
            self._remember("generation", self._generation)
            self._db.commit()
        except sqlite3.Error as error:
            raise self._unusable(error) from error

    def look_up(self, customers: Iterable[Customer]) -> Index:
        """Return the customers at Clopos that share a cid, phone or code with one of these."""
        if not self._refreshed:
            return Index()
        cids, digests = [], []
        for customer in customers:
            cids.append(customer.cid)
            if customer.phone:
                digests.append(digest("phone", customer.phone, self._key))
            if customer.code:
                digests.append(digest("code", customer.code, self._key))
        least = 0 if self._agreed else self._generation
        found = {}
        for clopos_id, cid, content in (
            *self._select("customers WHERE cid", cids, least),
            *self._select("held JOIN customers USING (id) WHERE digest", digests, least),
        ):
            found[clopos_id] = (cid, content)
        index = Index()
        for clopos_id, (cid, content) in sorted(found.items(), key=lambda item: str(item[0])):
            index.add(Known(str(clopos_id), unpacked(content)), cid)
        return index

    def add(self, clopos_id: str, cid: str, content: Mapping[str, str]) -> None:
        """Note a customer that we have created; `content` is field → digest."""
        self._fresh.append((clopos_id, cid, content))
        if len(self._fresh) >= _BUFFER:
            self._flush()

    def _flush(self) -> None:
        # What can't be kept is read from Clopos next time.
        with contextlib.suppress(sqlite3.Error), self._db:
            self._keep((_as_id(number), cid, content) for number, cid, content in self._fresh)
        self._fresh = []

    # -- reading ----------------------------------------------------------------------------

    async def _read_end(
        self, api: Clopos, pays: Callable[[int, int], bool], known: int, size: int
    ) -> bool:
        """Read from where the last known customers are. False: the list isn't what it was."""
        first = number = math.ceil(known / size)
        spent, forward = 0, True
        total: int | None = None
        lowest: Any = None
        while True:
            page = await api.page(number, sort=("id", 1))
            spent += 1
            ids = [_as_id(existing.id) for existing in page.customers]
            if not _regular(ids, page.total, number, size) or _shrank(page.total, total):
                return False
            self._take(page)
            total = page.total
            lowest = ids[0] if lowest is None or ids[0] < lowest else lowest
            if forward and _more(page, number, size):
                number += 1
                left = 1 if total is None else math.ceil(total / size) - number + 1
            elif first == 1 or self._below(lowest) == (first - 1) * size:
                break
            else:
                forward = False
                number = first = first - 1
                left = 1
            if not pays(spent - 1 + left, total or known):
                return True
        self._forget_unseen(None if first == 1 else lowest)
        self._agreed = True
        return True

    async def _read_all(self, api: Clopos, pays: Callable[[int, int], bool]) -> bool:
        """Read from the beginning. False: somebody was deleted meanwhile, so one may be missed."""
        self._generation += 1
        number, seen, size, in_order = 1, 0, 0, True
        highest: int | str | None = None
        total: int | None = None
        while True:
            page = await api.page(number, sort=("id", 1))
            if _shrank(page.total, total):
                return False
            total = page.total
            ids = [_as_id(existing.id) for existing in page.customers]
            in_order &= _ascending(ids if highest is None else [highest, *ids])
            highest = ids[-1] if ids else highest
            new = self._take(page)
            seen += new
            if number == 1:
                # A server that gives fewer than asked for gives no more on the other pages.
                size = len(ids) if total is None or len(ids) < total else api.page_size
            self._remember("page size", size if in_order else 0)
            if not new or (total is not None and seen >= total):
                break
            # As many at a time as it gave now.
            left = 1 if total is None else math.ceil((total - seen) / len(ids))
            if not pays(number - 1 + left, seen if total is None else total):
                return True
            number += 1
        self._forget_unseen(None)
        return True

    def _take(self, page: Page) -> int:
        """Keep what was read, and return how many of it are new to this reading."""
        ids = [_as_id(existing.id) for existing in page.customers]
        marks = ", ".join("?" * len(ids))
        (seen,) = self._db.execute(
            f"SELECT count(*) FROM customers WHERE seen = ? AND id IN ({marks})",  # noqa: S608
            (self._generation, *ids),
        ).fetchone()
        self._keep(
            (number, existing.cid, _content(existing, self._key))
            for number, existing in zip(ids, page.customers, strict=True)
        )
        self._db.commit()
        return len(set(ids)) - int(seen)

    def _keep(self, customers: Iterable[tuple[Any, str | None, Mapping[str, str]]]) -> None:
        rows, held = [], []
        for number, cid, content in customers:
            rows.append((number, cid, packed(content), self._generation))
            values = (*content.get("phone", "").split(), content.get("code", ""))
            held += [(value, number) for value in values if value]
            if isinstance(number, int):
                self.newest_id = max(self.newest_id or 0, number)
        self._db.executemany("INSERT OR REPLACE INTO customers VALUES (?, ?, ?, ?)", rows)
        self._db.executemany("INSERT OR IGNORE INTO held VALUES (?, ?)", held)

    def _forget_unseen(self, lowest: Any) -> None:
        """Forget who was not in the pages that were read, from the id `lowest` on (None: all)."""
        where = "" if lowest is None else " AND id >= ?"
        values = (self._generation,) if lowest is None else (self._generation, lowest)
        self._db.execute(f"DELETE FROM customers WHERE seen < ?{where}", values)  # noqa: S608

    def _below(self, number: Any) -> int:
        """Return how many known customers have a lower id."""
        sql = "SELECT count(*) FROM customers WHERE id < ?"
        return int(self._db.execute(sql, (number,)).fetchone()[0])

    # -- plumbing ---------------------------------------------------------------------------

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._flush()
        self._db.close()

    def _select(self, where: str, values: Sequence[str], least: int) -> list[tuple[Any, str, str]]:
        marks = ", ".join("?" * len(values))
        sql = f"SELECT id, cid, content FROM {where} IN ({marks}) AND seen >= ?"  # noqa: S608
        return self._db.execute(sql, (*values, least)).fetchall()

    def _fact(self, name: str) -> Any:
        row = self._db.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return row[0] if row else None

    def _remember(self, name: str, value: object) -> None:
        self._db.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, value))

    def _open(self) -> sqlite3.Connection:
        try:
            return self._connect()
        except (sqlite3.DatabaseError, _OutdatedError):
            for suffix in ("", "-wal", "-shm"):
                self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)
            return self._connect()

    def _connect(self) -> sqlite3.Connection:
        os.close(os.open(self.path, os.O_CREAT | os.O_WRONLY, 0o600))
        db = sqlite3.connect(self.path)
        try:
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = NORMAL")
            db.execute("PRAGMA cache_size = -32000")  # 32 MB
            (version,) = db.execute("PRAGMA user_version").fetchone()
            mark = digest("", "", self._key)
            if version == 0:
                db.executescript(f"BEGIN; {_SCHEMA} PRAGMA user_version = {VERSION}; COMMIT;")
                with db:
                    db.execute("INSERT INTO facts VALUES ('key', ?)", (mark,))
            kept = db.execute("SELECT value FROM facts WHERE name = 'key'").fetchone()
            if version not in {0, VERSION} or kept != (mark,):
                raise _OutdatedError
        except BaseException:
            db.close()
            raise
        return db

    def _unusable(self, error: Exception) -> ServiceError:
        return ServiceError(
            tr("What is at Clopos can't be kept in {path}", path=self.path),
            why=str(error),
            todo=tr(
                "free some space or mend the permissions, or point CLOPOS_STATE_DIR "
                "to another folder"
            ),
        )


class _OutdatedError(Exception):
    """Of another version, or made with another key."""


def _content(existing: Existing, key: bytes) -> dict[str, str]:
    content = fingerprints(existing, key)
    content["phone"] = " ".join(digest("phone", phone, key) for phone in existing.phones)
    return content


def _as_id(text: str) -> int | str:
    """Return an id as a number where it is one: so it sorts as the server sorts it."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else text


def _ascending(ids: Sequence[Any]) -> bool:
    """Tell whether these are numbers, each above the last."""
    if not all(isinstance(each, int) for each in ids):
        return False
    return all(low < high for low, high in pairwise(ids))


def _regular(ids: Sequence[Any], total: int | None, number: int, size: int) -> bool:
    """Tell whether a page has as many customers as its place says, in the order asked for."""
    if not ids or not _ascending(ids):
        return False
    return len(ids) <= size if total is None else len(ids) == min(size, total - (number - 1) * size)


def _shrank(total: int | None, before: int | None) -> bool:
    return total is not None and before is not None and total < before


def _more(page: Page, number: int, size: int) -> bool:
    """Tell whether there is a page after this one."""
    if page.total is None:
        return len(page.customers) == size
    return page.total > number * size
