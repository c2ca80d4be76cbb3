"""Settle first what earlier runs left in doubt, whatever the sheet says now.

A row whose phone was corrected after a crash has another key, and its first attempt may have
landed: so intentions are looked for at Clopos by their own `cid` before anything is planned.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from importer.matching.evidence import cid_key, customer_evidence, index_keys, look_keys, unpack
from importer.plan.read_back import Twins, find_created
from importer.store.records import LEGACY

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from importer.clopos import Clopos, Existing
    from importer.store.base import Store
    from importer.store.records import Entry


_LATEST = 3600.0  # seconds by which no list is late
_MOST_ASKED = 10  # customers that are asked for by id
_FEW_CREATED = 3  # of which one is likely still there and shows its cid


async def until_landed(entries: Sequence[Entry], settle: float, now: Callable[[], float]) -> None:
    """Wait until what was in flight when an earlier run ended must have landed.

    `settle` is how long that takes (seconds), `now` the wall clock (epoch seconds). A clock that
    was set back doesn't make it longer.
    """
    if entries:
        newest = max(entry.changed for entry in entries)
        await asyncio.sleep(min(settle, max(0.0, newest + settle - now())))


async def keeps_cids(api: Clopos, store: Store) -> bool:
    """Return whether the latest customers have the cids they were created with.

    They are asked for by id, as lists may be late. One that has is enough: a person may have
    decided that another, with a cid of its own, is the row's. True where none of them shows a cid.
    """
    others = False
    for entry in await _created_lately(store):
        existing = await api.get(entry.clopos_id or "")
        if existing and existing.cid:
            if store.digest(existing.cid) == entry.digest:
                return True
            others = True
    return not others


async def _created_lately(store: Store) -> list[Entry]:
    """Return a few entries of the latest run that created anything."""
    for run in await store.journal.runs():
        if created := await store.journal.created_by(run.id):
            return created[:_FEW_CREATED]
    return []


async def settle_earlier(
    api: Clopos,
    store: Store,
    entries: Sequence[Entry],
    listed: Mapping[str, str] | None,
    newest_id: int | None,
    region: str,
    now: float,
    *,
    without_cids: bool = False,
) -> dict[Entry, bool]:
    """Note of every entry whether its customer exists, as far as that can be determined.

    Return those of the last hour that stay in doubt → whether a row with their cid may be sent all
    the same; one that was edited since has another cid, which protects nothing. It may where a list
    should show the customer and doesn't: then it is the list that may be late, whomever else it
    shows, for a request may land after others that left later.

    `listed` is digest of each cid → customer id, "" for none, from a complete list read just now;
    None: there is no such list, and the newest customers are read back. National phones at Clopos
    belong to `region`; `now` is in epoch seconds. `without_cids`: Clopos doesn't keep cids, so that
    no cid protects a row that is sent again.

    Raises ServiceError when Clopos can't be reached.
    """
    if not entries:
        return {}
    gone: set[int] = set()
    wanted = {entry.digest: entry.after_id for entry in entries}
    if listed is not None:
        # A list that ends before the request left is older than the request, unless the customer
        # that was the newest then is gone.
        known = {entry.after_id or 0 for entry in entries}
        later = sorted(id_ for id_ in known if id_ > (newest_id or 0))[:_MOST_ASKED]
        gone = {id_ for id_ in later if await api.get(str(id_)) is None}
        found = {
            entry.digest: listed[entry.digest]
            for entry in entries
            if listed[entry.digest]
            or (newest_id or 0) >= (entry.after_id or 0)
            or entry.after_id in gone
        }
        there = await _listed_twins(store, entries)
    else:
        looks = {each.digest: each.packed for each in entries if _comparable(each)}

        def as_seen(existing: Existing) -> str:
            return customer_evidence(existing.fields(), region, store.key)

        twins = Twins(looks, as_seen, store.journal)
        found = await find_created(api, wanted, None, store.digest, twins=twins)
        there = await twins.of(wanted)
    waiting: dict[Entry, bool] = {}
    for entry in entries:
        clopos_id = found.get(entry.digest)
        if not clopos_id and entry.digest in there:
            # Created from this row, under a cid of Clopos' own; a name alone doesn't prove it.
            ids = there[entry.digest]
            clopos_id = ids[0] if len(ids) == 1 and unpack(entry.packed).phones else None
        if not clopos_id and _comparable(entry) and abs(now - entry.changed) < _LATEST:
            waiting[entry] = clopos_id == "" and not without_cids
        elif clopos_id is not None:
            keys = index_keys(entry.packed) if _comparable(entry) else ()
            store.journal.settled(entry, clopos_id or None, keys)
    await store.journal.flush()
    return waiting


def _comparable(entry: Entry) -> bool:
    return bool(entry.packed) and not entry.packed.startswith(LEGACY)


async def _listed_twins(store: Store, entries: Sequence[Entry]) -> dict[str, tuple[str, ...]]:
    """Return digest → newer customers of the snapshot that look as an entry, and are no row's."""
    looks = {each.digest: each for each in entries if _comparable(each)}
    keys = {digest: index_keys(entry.packed) for digest, entry in looks.items()}
    found = await store.people.find({key for each in keys.values() for key in each})
    twins = {}
    for digest, entry in looks.items():
        look, after_id = {*look_keys(entry.packed)}, entry.after_id or 0
        ids = {id_ for key in keys[digest] for id_ in found.holders.get(key, ())}
        customers = [found.customers[id_] for id_ in sorted(ids)]
        twins[digest] = tuple(
            each.customer_id
            for each in customers
            if each.remote
            and cid_key(each.remote)
            and not each.rows
            and not look.isdisjoint(look_keys(each.remote))
            and not (each.customer_id.isdecimal() and int(each.customer_id) <= after_id)
        )
    return {digest: ids for digest, ids in twins.items() if ids}
