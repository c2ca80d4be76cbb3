"""The index of evidence in PostgreSQL; customers at Clopos are in the copy, a local file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from importer.store.people import candidates, decisions_by_row, grouped
from importer.store.postgres_journal import add_looks
from importer.store.postgres_merge import merge_log
from importer.store.records import Found

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from importer.store.postgres_connection import Connection
    from importer.store.postgres_server import Brand
    from importer.store.postgres_snapshot import PostgresSnapshot
    from importer.store.records import Candidate, Decision, Seen

_HOLDERS: Final = "SELECT key, customer FROM keys WHERE brand_id = %s AND key = ANY(%s)"
_LOOKS: Final = """
SELECT customer, packed FROM looks WHERE brand_id = %s AND customer = ANY(%s) ORDER BY run, packed
"""
_MARKS: Final = "SELECT customer, mark FROM marks WHERE brand_id = %s AND customer = ANY(%s)"
_MARK: Final = """
INSERT INTO marks SELECT %s, customer, mark
FROM unnest(%s::text[], %s::text[]) AS m (customer, mark) ON CONFLICT DO NOTHING
"""
_MARKED: Final = "SELECT DISTINCT customer FROM marks WHERE brand_id = %s"
_SHEET_ROWS: Final = """
SELECT row_key, customer FROM sheet_rows
WHERE brand_id = %s AND sheet = (SELECT id FROM sheets WHERE brand_id = %s AND name = %s)
"""
_DECIDE: Final = """
INSERT INTO decisions VALUES (%s, %s, %s, %s, %s, %s)
ON CONFLICT (brand_id, row_key, customer) DO UPDATE
SET verdict = excluded.verdict, packed = excluded.packed, decided = excluded.decided
"""
_DECISIONS: Final = """
SELECT row_key, verdict, customer, packed, decided FROM decisions
WHERE brand_id = %s AND row_key = ANY(%s) ORDER BY decided, customer
"""


@dataclass(frozen=True, slots=True)
class PostgresPeople:
    """`base.People` of a brand and its copy of what is at Clopos."""

    brand: Brand
    snapshot: PostgresSnapshot
    now: Callable[[], float]

    async def find(self, keys: Collection[str]) -> Found:
        """See `base.People`."""
        wanted = list(keys)
        pairs = [*await self.brand.run(_holders, wanted), *await self.snapshot.holders(wanted)]
        return Found(grouped(pairs), await self.get({customer for _, customer in pairs}))

    async def get(self, customer_ids: Collection[str]) -> dict[str, Candidate]:
        """See `base.People`."""
        if not customer_ids:
            return {}
        remote = await self.snapshot.looks(customer_ids)
        looks, marks = await self.brand.run(_looks, list(customer_ids))
        return candidates(remote, looks, marks)

    async def remember(self, looks: Iterable[Seen], run: int) -> None:
        """See `base.People`."""
        await self.brand.run(_remember, list(looks), run)

    async def mark(self, marks: Iterable[tuple[str, str]]) -> None:
        """See `base.People`."""
        await self.brand.run(_mark, list(marks))

    async def marked(self) -> set[str]:
        """See `base.People`."""
        return await self.brand.run(_marked)

    async def rows_of_last_run(self, sheet: str) -> dict[str, str | None]:
        """See `base.People`."""
        return await self.brand.run(_sheet_rows, sheet)

    async def decide(self, decisions: Iterable[Decision]) -> None:
        """See `base.People`."""
        await self.brand.run(_decide, list(decisions), self.now())

    async def decisions(self, row_keys: Collection[str]) -> dict[str, list[Decision]]:
        """See `base.People`."""
        return await self.brand.run(_decisions, list(row_keys))


def _holders(db: Connection, brand: int, keys: list[str]) -> list[tuple[str, str]]:
    merge_log(db, brand)
    return db.execute(_HOLDERS, (brand, keys)).fetchall()


def _looks(
    db: Connection, brand: int, customer_ids: list[str]
) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Return (id, look of a row), oldest run first, and (id, mark)."""
    merge_log(db, brand)
    looks = db.execute(_LOOKS, (brand, customer_ids)).fetchall()
    return looks, db.execute(_MARKS, (brand, customer_ids)).fetchall()


def _remember(db: Connection, brand: int, looks: list[Seen], run: int) -> None:
    merge_log(db, brand)
    add_looks(db, brand, looks, run)


def _mark(db: Connection, brand: int, marks: list[tuple[str, str]]) -> None:
    customers, texts = [customer for customer, _ in marks], [mark for _, mark in marks]
    db.execute(_MARK, (brand, customers, texts))


def _marked(db: Connection, brand: int) -> set[str]:
    return {row[0] for row in db.execute(_MARKED, (brand,))}


def _sheet_rows(db: Connection, brand: int, sheet: str) -> dict[str, str | None]:
    return dict(db.execute(_SHEET_ROWS, (brand, brand, sheet)).fetchall())


def _decide(db: Connection, brand: int, decisions: list[Decision], now: float) -> None:
    rows: list[tuple[Any, ...]] = [
        (brand, d.row_key, d.customer_id or "", d.answer, d.packed, now) for d in decisions
    ]
    with db.cursor() as cursor:
        cursor.executemany(_DECIDE, rows)


def _decisions(db: Connection, brand: int, row_keys: list[str]) -> dict[str, list[Decision]]:
    return decisions_by_row(db.execute(_DECISIONS, (brand, row_keys)))
