"""Decide most rows at once: unchanged ones, and those that resemble nothing.

In a nightly run nearly all rows are unchanged, in a first migration nearly all are new. If such a
row shares no value with another row, and no other row shares one with its customer, no other
verdict depends on it. `judge` decides the remaining rows, and would return the same verdicts.
"""

from __future__ import annotations

from collections import Counter
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from importer.matching.customers import as_seen, decided_customer, differing
from importer.matching.evidence import lookup_keys, outlines_of
from importer.matching.verdicts import EVIDENCE, Kind, KnownCustomer, Presence, Row, Verdict

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from importer.matching.customers import Index
    from importer.matching.verdicts import MatchOptions


class Usual(NamedTuple):
    """Rows that were decided, and the others.

    `existing` is customer id → its row; `rest` are the rows to be judged, in the sheet's order.
    """

    verdicts: dict[int, Verdict]
    existing: dict[str, Row]
    rest: list[Row]


def decide_usual(rows: Sequence[Row], index: Index, options: MatchOptions) -> Usual:
    """Decide the rows whose verdict is independent of all other rows."""
    keys = [lookup_keys(row.evidence) for row in rows]
    shared = _shared(keys)
    ids, customers = index.ids, index.customers
    existing: dict[str, Row] = {}
    new: list[Row] = []
    disputed: set[str] = set()  # customers that another row may be, or has a value of
    for row, its_keys in zip(rows, keys, strict=True):
        known = as_seen(row, index.looks, ids)
        if shared.isdisjoint(its_keys):
            if known:
                if existing.setdefault(known.id, row) is not row:
                    disputed.add(known.id)
                continue
            if row.decision is None and row.claim is None and not any(map(ids, its_keys)):
                new.append(row)
                continue
        disputed.update(chain.from_iterable(map(ids, its_keys)))
        customer = decided_customer(row)
        disputed.update(id_ for id_ in (known and known.id, row.claim, customer) if id_)
    for id_ in disputed:
        existing.pop(id_, None)
    verdicts = {row.number: _exists(row, customers[id_]) for id_, row in existing.items()}
    waiting = _outlines_of_waiting(customers.values(), existing)
    for row in new:
        if not row.doubtful and (not waiting or waiting.isdisjoint(outlines_of(row.evidence))):
            verdicts[row.number] = Verdict(
                row.number, Kind.CREATE, "M14", unseen=unseen(row.evidence, options.visible)
            )
    return Usual(verdicts, existing, [row for row in rows if row.number not in verdicts])


def unseen(packed: str, visible: frozenset[str]) -> tuple[str, ...]:
    """Return the kinds of evidence of a row that can't be compared with Clopos."""
    if visible == EVIDENCE:
        return ()
    _cid, phones, codes, emails, _rest = packed.split("|", 4)
    kinds = {"cid": True, "phone": phones, "code": codes, "email": emails, "name": True}
    return tuple(sorted({kind for kind, there in kinds.items() if there} - visible))


def _shared(keys: Iterable[tuple[str, ...]]) -> set[str]:
    """Return the keys that several rows have; a name alone doesn't count."""
    counts = Counter(chain.from_iterable(keys))
    return {key for key, count in counts.items() if count > 1 and not key.startswith("n")}


def _outlines_of_waiting(customers: Iterable[KnownCustomer], with_row: Collection[str]) -> set[str]:
    """Return the outlines of the names of customers whose row left the sheet (M12b)."""
    return {
        outline
        for known in customers
        if known.had_row and known.id not in with_row and known.presence is not Presence.GONE
        for look in (*known.seen, known.now)
        if look is not None
        for outline in outlines_of(look)
    }


def _exists(row: Row, known: KnownCustomer) -> Verdict:
    here = known.presence is Presence.HERE
    differs = differing(row, known)
    return Verdict(row.number, Kind.EXISTS, "M3", (known.id,), differs=differs, confirmed=here)
