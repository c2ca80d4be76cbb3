"""Erase what a journal knows of people; what keeps them from being created again stays.

That is, of each customer: the keyed digest of its `cid`, its id, and the state of the entry.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from importer.matching.layout3 import PACKED
from importer.store.records import LEGACY, Erased
from importer.store.sqlite_layout import merge_log

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable

NOTHING = LEGACY + ";" * (len(PACKED) - 1)
"""Evidence without any digest: an entry with it is known by its cid alone."""


def erase(
    db: sqlite3.Connection, is_meant: Callable[[str], bool] | None, before: float | None
) -> Erased:
    """Erase evidence in a journal, in the transaction of the caller. See `base.Store.erase`."""
    merge_log(db)
    results = tuple(
        path
        for (path,) in db.execute("SELECT DISTINCT results FROM runs WHERE results IS NOT NULL")
        if path
    )
    everyone = is_meant is None
    meant = is_meant or (lambda _: True)
    customers = _customers(db, meant, before)
    entries = [
        digest
        for digest, customer, packed in _old_entries(db, before)
        if packed not in {"", NOTHING} and (customer in customers or meant(packed))
    ]
    db.executemany("UPDATE entries SET packed = ? WHERE digest = ?", _pairs(NOTHING, entries))
    for table in ("looks", "keys", "marks", "sheet_rows"):
        sql = f"DELETE FROM {table} WHERE customer = ?"  # noqa: S608 - our names
        db.executemany(sql, [(customer,) for customer in customers])
    marks = [(mark,) for (mark,) in db.execute("SELECT DISTINCT mark FROM marks") if meant(mark)]
    if before is None:
        db.executemany("DELETE FROM marks WHERE mark = ?", marks)
    decisions = [
        (row_key, customer)
        for row_key, customer, packed, decided in db.execute(
            "SELECT row_key, customer, packed, decided FROM decisions"
        )
        if _is_old(decided, before) and (customer in customers or meant(packed))
    ]
    db.executemany("DELETE FROM decisions WHERE row_key = ? AND customer = ?", decisions)
    if everyone:
        _erase_runs(db, before)
    return Erased(len(customers), len(entries), results)


def _customers(
    db: sqlite3.Connection, meant: Callable[[str], bool], before: float | None
) -> set[str]:
    """Return the ids of customers any look of whom is meant; of old ones all looks are old."""
    sql = "SELECT customer, packed, coalesce(started, 0) FROM looks LEFT JOIN runs ON id = run"
    found, recent = set(), set()
    for customer, packed, seen in db.execute(sql):
        if not _is_old(seen, before):
            recent.add(customer)
        elif meant(packed):
            found.add(customer)
    found |= {
        customer
        for _, customer, packed in _old_entries(db, before)
        if customer and packed not in {"", NOTHING} and meant(packed)
    }
    return found - recent


def _old_entries(db: sqlite3.Connection, before: float | None) -> list[tuple[str, str | None, str]]:
    sql = "SELECT digest, clopos_id, packed, changed FROM entries"
    return [
        (digest, customer, packed)
        for digest, customer, packed, changed in db.execute(sql)
        if _is_old(changed, before)
    ]


def _erase_runs(db: sqlite3.Connection, before: float | None) -> None:
    """Erase runs that have ended, with what they knew of sheets; of the newest all but its number.

    The number of a run is never given again, so the newest stays.
    """
    old = [
        (number,)
        for number, started in db.execute(
            "SELECT id, started FROM runs WHERE finished IS NOT NULL"
        ).fetchall()
        if _is_old(started, before)
    ]
    db.executemany(
        "DELETE FROM sheet_rows WHERE sheet IN (SELECT id FROM sheets WHERE run = ?)", old
    )
    db.executemany("DELETE FROM sheets WHERE run = ?", old)
    db.executemany(
        "UPDATE runs SET file = '', sheet = '', results = NULL, summary = '{}', options = '{}' "
        "WHERE id = ?",
        old,
    )
    db.executemany("DELETE FROM runs WHERE id = ? AND id < (SELECT max(id) FROM runs)", old)


def _is_old(moment: float, before: float | None) -> bool:
    return before is None or moment < before


def _pairs(first: str, others: Iterable[str]) -> list[tuple[str, str]]:
    return [(first, other) for other in others]
