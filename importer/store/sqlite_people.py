"""The index of evidence in SQLite: rows in the journal's file, customers at Clopos in the copy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from importer.store.people import candidates, decisions_by_row, grouped
from importer.store.records import Found
from importer.store.sqlite_file import select_in
from importer.store.sqlite_layout import merge_log

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Collection, Iterable

    from importer.store.records import Candidate, Decision, Seen
    from importer.store.sqlite_file import Database
    from importer.store.sqlite_snapshot import SqliteSnapshot


@dataclass(frozen=True, slots=True)
class SqlitePeople:
    """`base.People` on a journal's database and a snapshot."""

    database: Database
    snapshot: SqliteSnapshot
    now: Callable[[], float]

    async def find(self, keys: Collection[str]) -> Found:
        """See `base.People`."""
        wanted = list(keys)
        pairs = [*await self.database.run(_holders, wanted), *await self.snapshot.holders(wanted)]
        return Found(grouped(pairs), await self.get({customer for _, customer in pairs}))

    async def get(self, customer_ids: Collection[str]) -> dict[str, Candidate]:
        """See `base.People`."""
        if not customer_ids:
            return {}
        remote = await self.snapshot.looks(customer_ids)
        looks, marks = await self.database.run(_looks, customer_ids)
        return candidates(remote, looks, marks)

    async def remember(self, looks: Iterable[Seen], run: int) -> None:
        """See `base.People`."""
        if seen := list(looks):  # else the log is merged later, when something is looked up
            await self.database.run(_remember, seen, run)

    async def mark(self, marks: Iterable[tuple[str, str]]) -> None:
        """See `base.People`."""
        await self.database.run(_insert, "INSERT OR IGNORE INTO marks VALUES (?, ?)", list(marks))

    async def marked(self) -> set[str]:
        """See `base.People`."""
        return await self.database.run(_marked)

    async def rows_of_last_run(self, sheet: str) -> dict[str, str | None]:
        """See `base.People`."""
        return await self.database.run(_sheet_rows, sheet)

    async def decide(self, decisions: Iterable[Decision]) -> None:
        """See `base.People`."""
        now = self.now()
        rows = [(d.row_key, d.customer_id or "", d.answer, d.packed, now) for d in decisions]
        sql = "INSERT OR REPLACE INTO decisions VALUES (?, ?, ?, ?, ?)"
        await self.database.run(_insert, sql, rows)

    async def decisions(self, row_keys: Collection[str]) -> dict[str, list[Decision]]:
        """See `base.People`."""
        return await self.database.run(_decisions, row_keys)


def _insert(db: sqlite3.Connection, sql: str, rows: list[tuple[Any, ...]]) -> None:
    db.executemany(sql, rows)


def _marked(db: sqlite3.Connection) -> set[str]:
    return {customer for (customer,) in db.execute("SELECT DISTINCT customer FROM marks")}


def _holders(db: sqlite3.Connection, keys: Collection[str]) -> list[tuple[Any, ...]]:
    merge_log(db)
    return list(select_in(db, "SELECT key, customer FROM keys WHERE key IN ({})", keys))


def _looks(
    db: sqlite3.Connection, customer_ids: Collection[str]
) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    """Return (id, look of a row), oldest run first, and (id, mark)."""
    merge_log(db)
    looks = "SELECT customer, packed FROM looks WHERE customer IN ({}) ORDER BY run"
    marks = "SELECT customer, mark FROM marks WHERE customer IN ({})"
    return [*select_in(db, looks, customer_ids)], [*select_in(db, marks, customer_ids)]


def _remember(db: sqlite3.Connection, looks: list[Seen], run: int) -> None:
    merge_log(db)
    rows = sorted((seen.customer_id, seen.packed, run) for seen in looks)
    db.executemany("INSERT OR IGNORE INTO looks VALUES (?, ?, ?)", rows)
    keys = sorted((key, seen.customer_id) for seen in looks for key in seen.keys)
    db.executemany("INSERT OR IGNORE INTO keys VALUES (?, ?)", keys)


def _sheet_rows(db: sqlite3.Connection, sheet: str) -> dict[str, str | None]:
    sql = (
        "SELECT row_key, customer FROM sheet_rows "
        "WHERE sheet = (SELECT id FROM sheets WHERE name = ?)"
    )
    return dict(db.execute(sql, (sheet,)).fetchall())


def _decisions(db: sqlite3.Connection, row_keys: Collection[str]) -> dict[str, list[Decision]]:
    sql = (
        "SELECT row_key, verdict, customer, packed, decided FROM decisions "
        "WHERE row_key IN ({}) ORDER BY decided, customer"
    )
    return decisions_by_row(select_in(db, sql, row_keys))
