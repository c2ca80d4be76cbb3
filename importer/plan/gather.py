"""Collect everything that store and Clopos hold about the rows of a sheet, for matching."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import islice
from typing import TYPE_CHECKING

from importer.matching.customers import as_seen as as_seen_before
from importer.matching.customers import by_look, decided_customer, first_keys
from importer.matching.evidence import (
    folded_name,
    index_keys,
    lookup_keys,
    row_evidence,
    unpack,
    whole_key,
)
from importer.matching.keys import cid_of
from importer.matching.layout3 import digest, unpacked
from importer.matching.names import equal
from importer.matching.verdicts import Answer, Decision, KnownCustomer, Presence, Row
from importer.plan.fixed_rows import take_sent_before
from importer.plan.rows import KeyedRow, Variant
from importer.store.records import LEGACY, Candidate, Seen, State

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from importer.matching.keys import RowKey
    from importer.plan.rows import Rows
    from importer.records import Customer
    from importer.store.base import Store
    from importer.store.records import Decision as Stored
    from importer.store.records import Entry, Found

_BATCH = 1000  # rows that are looked up together
_GENERATIONS = 50  # of one key; more would mean a loop


@dataclass(slots=True)
class Gathered:
    """Facts about the rows.

    `rows` in the sheet's order; `customers` id → all that is known of each that may matter;
    `generations` row → generation of its key where not 0; `created` rows that this run created in
    an earlier part; `doubts` row → its entry that is in doubt; `waiting` entries whose customer
    may yet appear → whether a row with their cid may be sent, and if there are any, `recorded`
    row → digest of the cid that the journal has of it; `digests` row → digest of its key and name,
    by which the next run finds it; `holders` key → ids of the customers that have it;
    `had_row` ids of those that had a row in the last finished run of this sheet; `before_fixes`
    row → its evidence without fixes, where no other row has that.
    """

    rows: list[Row] = field(default_factory=list)
    customers: dict[str, KnownCustomer] = field(default_factory=dict)
    generations: dict[int, int] = field(default_factory=dict)
    created: set[int] = field(default_factory=set)
    doubts: dict[int, Entry] = field(default_factory=dict)
    recorded: dict[int, str] = field(default_factory=dict)
    waiting: Mapping[Entry, bool] = field(default_factory=dict)
    digests: dict[int, str] = field(default_factory=dict)
    holders: dict[str, Collection[str]] = field(default_factory=dict)
    had_row: frozenset[str] = frozenset()
    before_fixes: dict[int, str] = field(default_factory=dict)

    def add(self, found: Found) -> None:
        """Add customers that a store found."""
        self.holders.update(found.holders)
        for id_, candidate in found.customers.items():
            if id_ not in self.customers:
                self.customers[id_] = _known(candidate, self)

    def ids(self, key: str) -> Collection[str]:
        """Return the ids of the customers that have a key."""
        return self.holders.get(key, ())

    def evidence_except(self, rows: Collection[int]) -> dict[int, str]:
        """Return row → its packed evidence, without these rows."""
        return {row.number: row.evidence for row in self.rows if row.number not in rows}


@dataclass(frozen=True, slots=True)
class Statements:
    """Statements of the sheet about its rows, by row number (a results file has them)."""

    claims: Mapping[int, str] = field(default_factory=dict)  # `clopos_id`
    decisions: Mapping[int, tuple[str, str | None]] = field(default_factory=dict)


async def gather(
    rows: Rows,
    store: Store,
    run: int,
    sheet: str,
    statements: Statements,
    waiting: Mapping[Entry, bool],
) -> Gathered:
    """Look up every row in journal, snapshot and decisions.

    `run` is the number of this run, 0 for none; `sheet` the name by which earlier runs of it are
    found. Customers are UNSEEN where the snapshot doesn't show them. `waiting` is that of
    `Gathered`.
    """
    last = await store.people.rows_of_last_run(sheet)
    had_row = {id_ for id_ in last.values() if id_}
    if run:  # resumed: what its earlier part created had a row, too
        created = await store.journal.created_by(run)
        had_row |= {entry.clopos_id for entry in created if entry.clopos_id}
    gathered = Gathered(had_row=frozenset(had_row), waiting=waiting)
    for batch in _batches(rows.keyed()):
        await _gather_batch(batch, rows, store, run, statements, gathered)
    if waiting:
        _doubt_edited(gathered)
    await take_sent_before(rows, gathered, store)
    # Claimed customers, and those whose row left the sheet: nothing else finds them.
    marked = await store.people.marked()  # a row that was held may share no key with its customer
    decided = {id_ for row in gathered.rows if (id_ := decided_customer(row))}
    wanted = {*statements.claims.values(), *gathered.had_row, *marked, *decided}
    found = await store.people.get(wanted - gathered.customers.keys())
    for id_, candidate in found.items():
        gathered.customers[id_] = _known(candidate, gathered)
    for id_ in decided:
        if id_ in gathered.customers:
            gathered.customers[id_] = gathered.customers[id_]._replace(decided=True)
    return gathered


async def _gather_batch(
    batch: list[KeyedRow],
    rows: Rows,
    store: Store,
    run: int,
    statements: Statements,
    gathered: Gathered,
) -> None:
    entries = await _current(batch, rows, store, gathered)
    digests = {customer.row: row_digest(store, customer, key) for customer, key in batch}
    decisions = await store.people.decisions(digests.values())
    made: list[Row] = []
    for customer, key in batch:
        number = customer.row
        entry, stored = entries.get(number), decisions.get(digests[number])
        if entry and gathered.waiting:
            gathered.recorded[number] = entry.digest
        if entry and entry.in_doubt:
            gathered.doubts[number] = entry
        made.append(
            Row(
                number,
                row_evidence(customer, key.made_of, store.key),
                claim=statements.claims.get(number),
                decision=_decision(statements.decisions.get(number), stored or []),
                doubtful=number in gathered.doubts,
            )
        )
    await _find(made, store, gathered)
    gathered.digests.update(digests)
    gathered.rows += made
    for (customer, _), row in zip(batch, made, strict=True):
        entry = entries.get(row.number)
        if entry and entry.state is State.CREATED and entry.run == run:
            gathered.created.add(row.number)
        if entry and entry.clopos_id and entry.clopos_id not in gathered.customers:
            look = _look(entry, customer, row.evidence, store.key)
            id_ = entry.clopos_id
            gathered.customers[id_] = _known(Candidate(id_, rows=look), gathered)
            for shared in index_keys(look[0]) if look else ():  # it is the row's own customer
                gathered.holders[shared] = (*gathered.holders.get(shared, ()), id_)


def _doubt_edited(gathered: Gathered) -> None:
    """Let rows wait that may be what was sent and isn't seen yet, and were edited since."""
    protected = {*gathered.recorded.values()}
    go = {entry.digest for entry, may_go in gathered.waiting.items() if may_go}
    gathered.doubts = {
        row: entry for row, entry in gathered.doubts.items() if entry.digest not in go
    }
    names = [unpack(each.packed).name for each in gathered.waiting if each.digest not in protected]
    gathered.rows = [
        row._replace(doubtful=row.number in gathered.doubts or _is_edited(row, gathered, names))
        for row in gathered.rows
    ]


def _is_edited(row: Row, gathered: Gathered, names: Collection[str]) -> bool:
    if not names or row.number in gathered.recorded:
        return False
    name = unpack(row.evidence).name
    return any(equal(name, other) for other in names)


async def _find(rows: list[Row], store: Store, gathered: Gathered) -> None:
    """Find the customers that may be these rows: of a row that is as it was, by one key."""
    found = await store.people.find(first_keys(rows))
    gathered.add(found)
    looks = by_look(gathered.customers[id_] for id_ in found.customers)
    others = [row for row in rows if not as_seen_before(row, looks, gathered.ids)]
    keys = {key for row in others for key in lookup_keys(row.evidence)}
    gathered.add(await store.people.find(keys))


async def find_others(gathered: Gathered, store: Store) -> bool:
    """Find other customers for rows whose customer is gone; return whether there are any.

    Such a row was found by how its customer looked, and no other was looked for.
    """
    before = len(gathered.customers)
    keys = {
        key
        for row in gathered.rows
        for id_ in gathered.holders.get(whole_key(row.evidence), ())
        if gathered.customers[id_].presence is Presence.GONE
        for key in lookup_keys(row.evidence)
    }
    if keys:
        gathered.add(await store.people.find(keys))
    return len(gathered.customers) > before


async def _current(
    batch: list[KeyedRow], rows: Rows, store: Store, gathered: Gathered
) -> dict[int, Entry]:
    """Return row → its entry, by the cid of its key's current generation.

    A key whose customer was deleted at Clopos counts on; `batch` is brought to that generation.
    """
    entries: dict[int, Entry] = {}
    pending = dict(enumerate(batch))
    for generation in range(_GENERATIONS):
        recalled = await store.journal.recall([row.customer.cid for row in pending.values()])
        following: dict[int, KeyedRow] = {}
        for place, row in pending.items():
            entry = recalled.get(row.customer.cid)
            if entry is None:
                continue
            if entry.state is State.GONE:
                cid = cid_of(row.key, rows.scope, generation + 1)
                following[place] = KeyedRow(replace(row.customer, cid=cid), row.key)
                gathered.generations[row.customer.row] = generation + 1
            else:
                entries[row.customer.row] = entry
        for place, row in following.items():
            batch[place] = row
        if not following:
            break
        pending = following
    return entries


async def generations_of(rows: Rows, store: Store) -> dict[int, Variant]:
    """Return row → variant, for the rows whose key isn't of the first generation."""
    gathered = Gathered()
    for batch in _batches(rows.keyed()):
        await _current(batch, rows, store, gathered)
    return variants_of(gathered)


def row_digest(store: Store, customer: Customer, key: RowKey) -> str:
    """Return the digest by which the next run knows a row: two of one phone have two names."""
    return store.digest(f"row {key.made_of} {key.text} {folded_name(customer.name)}")


def as_seen(id_: str, packed: str) -> Seen:
    """Return how a customer looked, with the keys by which it is found."""
    return Seen(id_, packed, index_keys(packed))


def variants_of(gathered: Gathered) -> dict[int, Variant]:
    """Return row → variant, for the rows whose key isn't of the first generation."""
    return {row: Variant(generation) for row, generation in gathered.generations.items()}


def _known(candidate: Candidate, gathered: Gathered) -> KnownCustomer:
    id_ = candidate.customer_id
    return KnownCustomer(
        id_,
        now=candidate.remote,
        seen=candidate.rows,
        held=candidate.marks,
        presence=Presence.HERE if candidate.remote is not None else Presence.UNSEEN,
        had_row=id_ in gathered.had_row,
    )


def _look(entry: Entry, customer: Customer, packed: str, key: bytes) -> tuple[str, ...]:
    """Return how the customer of an entry looked, as far as it can be compared.

    An entry of layout 3 has other digests: where its name is the row's, it is the row's customer.
    """
    if not entry.packed.startswith(LEGACY):
        return (entry.packed,) if entry.packed else ()
    content = unpacked(entry.packed.removeprefix(LEGACY))
    same = content.get("name") == digest("name", customer.name, key)
    return (packed,) if same or not content else ()


def _decision(stated: tuple[str, str | None] | None, stored: Sequence[Stored]) -> Decision | None:
    """Return what was decided about a row: by its sheet, else last, oldest first in `stored`.

    `other` was followed where the row became a customer since: a results file says it again. Said
    of a row that was decided to be a customer, it takes that back.
    """
    last = stored[-1] if stored else None
    if stated:
        answer, customer = Answer(stated[0]), stated[1]
    elif last:
        answer, customer = last.answer, last.customer_id
    else:
        return None
    if answer is not Answer.OTHER:
        return Decision(answer, customer if answer is Answer.SAME else None)
    followed = any(each.answer is Answer.OTHER for each in stored)
    if stated and last and last.answer is Answer.SAME and followed:
        return Decision(answer, became=last.customer_id)
    was = [each.customer_id for each in stored if each.answer is Answer.SAME]
    return Decision(answer, was[-1] if was else None)


def _batches(rows: Iterable[KeyedRow]) -> Iterator[list[KeyedRow]]:
    iterator = iter(rows)
    while batch := list(islice(iterator, _BATCH)):
        yield batch
