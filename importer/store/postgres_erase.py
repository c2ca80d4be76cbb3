"""Erase what the database knows of people; what keeps them from being created again stays.

The rules are those of `sqlite_erase`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from importer.store.postgres_merge import merge_log
from importer.store.records import Erased
from importer.store.sqlite_erase import NOTHING

if TYPE_CHECKING:
    from collections.abc import Callable

    from importer.store.postgres_connection import Connection

_RESULTS: Final = """
SELECT DISTINCT results FROM runs WHERE brand_id = %s AND results != '' ORDER BY results
"""
_ENTRIES: Final = """
SELECT digest, clopos_id, packed FROM entries
WHERE brand_id = %s AND changed < %s AND packed NOT IN ('', %s)
"""
_LOOKS: Final = """
SELECT customer, packed, coalesce(started, 0) FROM looks
LEFT JOIN runs ON runs.brand_id = looks.brand_id AND id = run WHERE looks.brand_id = %s
"""
_DECISIONS: Final = """
SELECT row_key, customer, packed FROM decisions WHERE brand_id = %s AND decided < %s
"""
_MARKS: Final = "SELECT DISTINCT mark FROM marks WHERE brand_id = %s"

_NO_EVIDENCE: Final = "UPDATE entries SET packed = %s WHERE brand_id = %s AND digest = ANY(%s)"
_NO_CUSTOMERS: Final = (
    "DELETE FROM looks WHERE brand_id = %s AND customer = ANY(%s)",
    "DELETE FROM keys WHERE brand_id = %s AND customer = ANY(%s)",
    "DELETE FROM marks WHERE brand_id = %s AND customer = ANY(%s)",
    "DELETE FROM sheet_rows WHERE brand_id = %s AND customer = ANY(%s)",
)
_NO_MARKS: Final = "DELETE FROM marks WHERE brand_id = %s AND mark = ANY(%s)"
_NO_DECISIONS: Final = """
DELETE FROM decisions USING unnest(%s::text[], %s::text[]) AS gone (row_key, customer)
WHERE brand_id = %s AND decisions.row_key = gone.row_key AND decisions.customer = gone.customer
"""
_NO_SHEET_ROWS: Final = """
DELETE FROM sheet_rows WHERE brand_id = %s
AND sheet IN (SELECT id FROM sheets WHERE brand_id = %s AND run = ANY(%s))
"""
_NO_SHEETS: Final = "DELETE FROM sheets WHERE brand_id = %s AND run = ANY(%s)"
_OLD_RUNS: Final = """
SELECT id FROM runs WHERE brand_id = %s AND finished IS NOT NULL AND started < %s
"""
_EMPTY_RUNS: Final = """
UPDATE runs SET file = '', sheet = '', results = NULL, summary = '{}', options = '{}'
WHERE brand_id = %s AND id = ANY(%s)
"""
# The number of a run is never given again, so the newest stays.
_NO_RUNS: Final = """
DELETE FROM runs WHERE brand_id = %s AND id = ANY(%s)
AND id < (SELECT max(id) FROM runs WHERE brand_id = %s)
"""
_NO_CHECKS: Final = """
DELETE FROM checks USING brands
WHERE brands.id = %s AND lower(checks.brand) = lower(brands.brand)
AND lower(checks.base_url) = lower(brands.base_url) AND started < %s
"""


def erase(
    db: Connection, brand: int, is_meant: Callable[[str], bool] | None, before: float | None
) -> Erased:
    """Erase evidence of a brand, in the transaction of the caller. See `base.Store.erase`."""
    merge_log(db, brand)
    results = tuple(row[0] for row in db.execute(_RESULTS, (brand,)))
    until = float("inf") if before is None else before
    meant = is_meant or (lambda _: True)
    entries: list[Any] = db.execute(_ENTRIES, (brand, until, NOTHING)).fetchall()
    customers = _customers(db, brand, entries, meant, until)
    digests = [
        digest for digest, customer, packed in entries if customer in customers or meant(packed)
    ]
    db.execute(_NO_EVIDENCE, (NOTHING, brand, digests))
    for sql in _NO_CUSTOMERS:
        db.execute(sql, (brand, list(customers)))
    if before is None:
        marks = [row[0] for row in db.execute(_MARKS, (brand,)) if meant(row[0])]
        db.execute(_NO_MARKS, (brand, marks))
    decisions = [
        (row_key, customer)
        for row_key, customer, packed in db.execute(_DECISIONS, (brand, until))
        if customer in customers or meant(packed)
    ]
    keys, others = [key for key, _ in decisions], [customer for _, customer in decisions]
    db.execute(_NO_DECISIONS, (keys, others, brand))
    if is_meant is None:
        _erase_runs(db, brand, until)
    return Erased(len(customers), len(digests), results)


def _customers(
    db: Connection, brand: int, entries: list[Any], meant: Callable[[str], bool], until: float
) -> set[str]:
    """Return the ids of customers any look of whom is meant; of old ones all looks are old."""
    found, recent = set(), set()
    for customer, packed, seen in db.execute(_LOOKS, (brand,)):
        if seen >= until:
            recent.add(customer)
        elif meant(packed):
            found.add(customer)
    found |= {customer for _, customer, packed in entries if customer and meant(packed)}
    return found - recent


def _erase_runs(db: Connection, brand: int, until: float) -> None:
    """Erase runs that have ended, with what they knew of sheets; of the newest all but its number.

    Checks and dry runs of the brand go with them.
    """
    old = [row[0] for row in db.execute(_OLD_RUNS, (brand, until))]
    db.execute(_NO_SHEET_ROWS, (brand, brand, old))
    db.execute(_NO_SHEETS, (brand, old))
    db.execute(_EMPTY_RUNS, (brand, old))
    db.execute(_NO_RUNS, (brand, old, brand))
    db.execute(_NO_CHECKS, (brand, until))
