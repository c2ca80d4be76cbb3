"""Finds out by reading what became of a row, and who holds a value.

Filters and sort orders are a hint, never proof (API facts §5.1): every customer that comes back
is compared here, and a list counts as complete only where its own numbers say so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from importer.identity import digits_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Iterable, Mapping

    from importer.clopos import Clopos, Existing
    from importer.records import Customer


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
    number = 1
    while True:
        page = await api.page(number, sort=("id", -1))
        ids = [int(existing.id) for existing in page.customers if existing.id.isdecimal()]
        found |= {c.cid: c.id for c in page.customers if c.cid is not None and c.cid in wanted}
        if len(found) == len(wanted):
            return found
        new = set(ids) - seen
        seen |= new
        if page.total is not None and len(seen) >= page.total:
            return {cid: found.get(cid, "") for cid in wanted}
        in_order = ids == sorted(ids, reverse=True) and len(ids) == len(page.customers)
        if number == 1 and newest_id is not None:
            in_order &= bool(ids) and ids[0] >= newest_id
        if not in_order or not new:
            return found
        reached = {cid for cid, after in wanted.items() if after is not None and ids[-1] <= after}
        open_rows = len(wanted.keys() - found.keys() - reached)
        if open_rows <= number:
            return dict.fromkeys(reached, "") | found
        number += 1


async def find_holder(
    api: Clopos, customer: Customer, field: str | None
) -> tuple[Existing | None, str | None]:
    """Look up the customer that holds one of the row's unique values (API facts §5.5).

    `field` is the one the API named, None if it named none. Return the holder and the field it
    holds; the row's own cid goes before anything else. (None, field): nobody could be found.
    """
    digits = digits_of(customer.phone)
    candidates: list[Existing] = []
    if digits:
        candidates += await api.by_phone(digits)
    if not clashes(candidates, customer):
        candidates += await api.by_name(customer.name)
    return first_clash(clashes(candidates, customer), field)


async def find_holders(
    everyone: AsyncIterable[Existing], customers: Iterable[tuple[Customer, str | None]]
) -> dict[str, tuple[Existing, str]]:
    """Return cid of the row → its holder and the field, from a scan of all customers.

    `customers` are rows with the field the API named. A row that is missing in the answer clashes
    with nobody who can be seen.
    """
    rows = list(customers)
    candidates: dict[str, list[Existing]] = {}
    values: dict[tuple[str, str | None], list[str]] = {}
    for customer, _ in rows:
        for name, value in _unique_values(customer):
            values.setdefault((name, value), []).append(customer.cid)
    async for existing in everyone:
        for pair in _held(existing) & values.keys():
            for cid in values[pair]:
                candidates.setdefault(cid, []).append(existing)
    found: dict[str, tuple[Existing, str]] = {}
    for customer, field in rows:
        pairs = clashes(candidates.get(customer.cid, []), customer)
        holder, clash = first_clash(pairs, field)
        if holder and clash:
            found[customer.cid] = (holder, clash)
    return found


def clashes(
    candidates: Iterable[Existing], customer: Customer
) -> list[tuple[Existing, frozenset[str]]]:
    """Return the customers that hold a unique value of the row, with the fields that clash."""
    mine: set[tuple[str, str | None]] = {*_unique_values(customer)}
    pairs = (
        (existing, frozenset(name for name, _ in _held(existing) & mine)) for existing in candidates
    )
    return [(existing, fields) for existing, fields in pairs if fields]


def first_clash(
    pairs: Iterable[tuple[Existing, frozenset[str]]], field: str | None
) -> tuple[Existing | None, str | None]:
    """Return the clash that explains most: the row's own cid, the field named, then the others."""
    ordered = list(pairs)
    for name in ("cid", field, "phone", "code"):
        for existing, fields in ordered:
            if name in fields:
                return existing, name
    return None, field


def _held(existing: Existing) -> set[tuple[str, str | None]]:
    pairs: set[tuple[str, str | None]] = {("cid", existing.cid), ("code", existing.code)}
    return pairs | {("phone", phone) for phone in existing.phones}


def _unique_values(customer: Customer) -> list[tuple[str, str]]:
    values = [("cid", customer.cid)]
    if customer.phone:
        values.append(("phone", digits_of(customer.phone)))
    if customer.code:
        values.append(("code", customer.code))
    return values
