"""Ask Clopos by id for customers that matter and that the list doesn't show: lists may be late."""

from __future__ import annotations

from typing import TYPE_CHECKING

from importer.matching.evidence import customer_evidence, name_of
from importer.matching.verdicts import Presence

if TYPE_CHECKING:
    from importer.clopos import Clopos
    from importer.matching.verdicts import KnownCustomer
    from importer.plan.gather import Gathered, Statements

MOST_NAMED = 100  # customers that hold a row back and are asked for by id
_FEW_ABSENT = 10  # customers that are asked for by id, each, where the list lacks them


async def wrong_decisions(
    gathered: Gathered, statements: Statements, api: Clopos
) -> frozenset[int]:
    """Return the rows that were decided, by a slip, to be a customer that isn't at Clopos."""
    ids = {row: id_ for row, (answer, id_) in statements.decisions.items() if answer == "same"}
    absent: set[str] = set()
    for id_ in {id_ for id_ in ids.values() if id_}:
        known = gathered.customers.get(id_)
        seen = known is not None and known.now is not None
        if not seen and not (id_.isdecimal() and await api.get(id_)):
            absent.add(id_)
    return frozenset(row for row, id_ in ids.items() if id_ in absent)


async def find_gone(gathered: Gathered, api: Clopos, *, every: bool) -> bool:
    """Find out which customers of the journal are no longer at Clopos. False: the list is stale.

    A customer is gone only where a complete list lacks it and Clopos, asked for its id, answers
    404 (who-is-this-customer §3). Of more than a few only some are asked for, unless `every` one
    is to be created anew: then it is a question.
    """
    absent = [
        id_
        for id_, each in gathered.customers.items()
        if each.now is None and each.seen and each.presence is not Presence.GONE
    ]
    many = len(absent) > _FEW_ABSENT and len(absent) * 20 > len(gathered.customers)
    asked = absent[:3] if many and not every else absent
    for id_ in asked:
        if await api.get(id_) is not None:
            return False  # a list that lacks existing customers proves nothing
    for id_ in absent:
        gathered.customers[id_] = gathered.customers[id_]._replace(presence=Presence.GONE)
    return True


def _only_held(known: KnownCustomer) -> bool:
    return bool(known.held) and known.now is None and not known.seen


async def see_holders(gathered: Gathered, api: Clopos, region: str, key: bytes) -> None:
    """Ask for customers that held a row back before and that nothing shows now: lists may lag."""
    held = {id_: each.held for id_, each in gathered.customers.items() if _only_held(each)}
    names = {name_of(row.evidence) for row in gathered.rows} if held else set()
    unseen = [id_ for id_, looks in held.items() if not names.isdisjoint(map(name_of, looks))]
    for id_ in unseen[:MOST_NAMED]:
        existing = await api.get(id_)
        gathered.customers[id_] = (
            gathered.customers[id_]._replace(presence=Presence.GONE)
            if existing is None
            else gathered.customers[id_]._replace(
                now=customer_evidence(existing.fields(), region, key),
                presence=Presence.HERE,
            )
        )
