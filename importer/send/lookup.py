"""Finds out by reading what became of a row, and who holds a value.

Filters and sort orders are a hint, never proof (API facts §5.1): every customer that comes back
is compared here, and a list counts as complete only where its own numbers say so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from importer.matching.keys import digits_of, fingerprints

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Iterable, Mapping

    from importer.clopos import Clopos, Existing
    from importer.records import Customer


@dataclass(frozen=True, slots=True)
class Clash:
    """Who holds a unique value of a row, and of which field."""

    holder: Existing
    field: str


async def read_back(
    api: Clopos, wanted: Mapping[str, int | None], newest_id: int | None
) -> dict[str, str]:
    """Read the newest customers until every `wanted` one is found or certainly not there.

    `wanted` is cid → the highest id known before the request left (None: not known), `newest_id`
    the highest known now. Return cid → id, "" for certainly not there. A cid that is missing in
    the answer could not be told: the list isn't in the order asked for, or looking the last rows
    up one by one is cheaper than reading further back.
    """
    found: dict[str, str] = {}
    seen: set[int] = set()
    total: int | None = None
    number = 1
    while True:
        page = await api.page(number, sort=("id", -1))
        ids = [int(existing.id) for existing in page.customers if existing.id.isdecimal()]
        found |= {c.cid: c.id for c in page.customers if c.cid is not None and c.cid in wanted}
        if len(found) == len(wanted):
            return found
        new = set(ids) - seen
        seen |= new
        # New customers push the others on, so that some come twice. Where somebody deletes, the
        # others move up, and one may slip from an unread page onto one that was read.
        moved_up = None not in {total, page.total} and (page.total or 0) < (total or 0)
        total = page.total
        if total is not None and len(seen) >= total and not moved_up:
            return {cid: found.get(cid, "") for cid in wanted}
        in_order = ids == sorted(ids, reverse=True) and len(ids) == len(page.customers)
        if number == 1 and newest_id is not None:
            in_order &= bool(ids) and ids[0] >= newest_id
        if moved_up or not in_order or not new:
            return found
        reached = {cid for cid, after in wanted.items() if after is not None and ids[-1] <= after}
        open_rows = len(wanted.keys() - found.keys() - reached)
        if open_rows <= number:
            return dict.fromkeys(reached, "") | found
        number += 1


async def find_holder(api: Clopos, customer: Customer, field: str | None) -> Clash | None:
    """Look up the customer that holds one of the row's unique values (API facts §5.5).

    `field` is the one the API named, None if it named none. The row's own cid goes before
    anything else. None: nobody could be found.
    """
    digits = digits_of(customer.phone)
    candidates: list[Existing] = []
    if digits:
        candidates += await api.by_phone(digits)
    if not _clashes(candidates, customer):
        candidates += await api.by_name(customer.name)
    return _first(_clashes(candidates, customer), field)


async def find_holders(
    everyone: AsyncIterable[Existing], customers: Iterable[tuple[Customer, str | None]]
) -> dict[str, Clash]:
    """Return cid of the row → who is in its way, from a scan of all customers.

    `customers` are rows with the field the API named. A row that is missing in the answer clashes
    with nobody who can be seen.
    """
    rows = list(customers)
    candidates: dict[str, list[Existing]] = {}
    values: dict[tuple[str, str | None], list[str]] = {}
    for customer, _ in rows:
        for pair in _unique_values(customer):
            values.setdefault(pair, []).append(customer.cid)
    async for existing in everyone:
        for pair in _held(existing) & values.keys():
            for cid in values[pair]:
                candidates.setdefault(cid, []).append(existing)
    found = {
        customer.cid: _first(_clashes(candidates.get(customer.cid, []), customer), field)
        for customer, field in rows
    }
    return {cid: clash for cid, clash in found.items() if clash}


def differing(customer: Customer, existing: Existing) -> tuple[str, ...]:
    """Return the fields that the row has and that are something else at Clopos."""
    # The digests are compared at once and never kept: they need no key.
    mine, theirs = fingerprints(customer, b""), fingerprints(existing, b"")
    if digits_of(customer.phone) in existing.phones:
        mine.pop("phone", None)
    return tuple(name for name, value in mine.items() if theirs.get(name) != value)


def _clashes(
    candidates: Iterable[Existing], customer: Customer
) -> list[tuple[Existing, frozenset[str]]]:
    """Return the customers that hold a unique value of the row, with the fields that clash."""
    mine: set[tuple[str, str | None]] = {*_unique_values(customer)}
    pairs = (
        (existing, frozenset(name for name, _ in _held(existing) & mine)) for existing in candidates
    )
    return [(existing, fields) for existing, fields in pairs if fields]


def _first(pairs: Iterable[tuple[Existing, frozenset[str]]], field: str | None) -> Clash | None:
    """Return the clash that explains most: the row's own cid, the field named, then the others."""
    ordered = list(pairs)
    for name in ("cid", field, "phone", "code"):
        for existing, fields in ordered:
            if name in fields:
                return Clash(existing, name)
    return None


def _held(existing: Existing) -> set[tuple[str, str | None]]:
    pairs: set[tuple[str, str | None]] = {("cid", existing.cid), ("code", existing.code)}
    return pairs | {("phone", phone) for phone in existing.phones}


def _unique_values(customer: Customer) -> list[tuple[str, str | None]]:
    values: list[tuple[str, str | None]] = [("cid", customer.cid)]
    if customer.phone:
        values.append(("phone", digits_of(customer.phone)))
    if customer.code:
        values.append(("code", customer.code))
    return values
