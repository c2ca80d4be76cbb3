"""Rows against the customers of Clopos and the journal: which row is which customer."""

from __future__ import annotations

from collections import defaultdict
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from importer.matching.evidence import (
    as_at_clopos,
    cid_key,
    index_keys,
    is_name_only,
    lookup_keys,
    outlines_of,
    unpack,
    whole_key,
)
from importer.matching.fit import (
    Person,
    consistent,
    fit,
    held_before,
    same,
)
from importer.matching.names import equal
from importer.matching.sheet import SharedKeys
from importer.matching.verdicts import Answer, Presence, Reason

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

    from importer.matching.evidence import Evidence
    from importer.matching.fit import Fit
    from importer.matching.verdicts import KnownCustomer, Row


_MOST_HOLDERS = 30  # of one value; with more it doesn't identify a person


class Holder:
    """A customer as matching sees it."""

    __slots__ = ("_person", "gone", "id", "known")

    def __init__(self, known: KnownCustomer) -> None:
        self.known = known
        self.id = known.id
        self.gone = known.presence is Presence.GONE
        self._person: Person | None = None

    @property
    def person(self) -> Person:
        """Return all values of the customer: those at Clopos now, and those it was seen with."""
        if self._person is None:
            packed = dict.fromkeys(self.known.seen)
            if self.known.now is not None:
                packed.setdefault(self.known.now)
            self._person = Person(map(unpack, packed), map(unpack, self.known.held))
        return self._person


class Candidate(NamedTuple):
    """A customer that shares something with a row. `rule`: of `same`, or M1; None: another."""

    holder: Holder
    fit: Fit
    rule: str | None

    @property
    def is_it(self) -> bool:
        """Return whether the row is that customer; M13 doesn't hold a claim that is proven."""
        return self.rule is not None and (self.rule == "M1" or self.fit.birthday is not False)


class Matched(NamedTuple):
    """A row that is a customer, by a rule; `fit` is None where everything is as it was seen."""

    holder: Holder
    rule: str
    fit: Fit | None


class Index:
    """Finds customers by the keys of a row, or by id."""

    def __init__(
        self,
        customers: Mapping[str, KnownCustomer],
        holders: Mapping[str, Collection[str]] | None = None,
    ) -> None:
        """Index customers by their evidence, or by `holders`: key → ids, as a store found them."""
        self.customers = customers
        self.looks = by_look(customers.values())
        self._holders: dict[str, Holder] = {}
        self._found = holders or {}
        self._indexed: defaultdict[str, list[str]] = defaultdict(list)
        self._named: dict[str, dict[str, list[str]]] = {}
        for known in customers.values():
            if holders is not None and not known.held:
                continue
            keys = {key for text in known.held for key in _shared_keys(text)}
            if holders is None:  # a store finds customers by their own values only
                now = () if known.now is None else (known.now,)
                keys.update(key for text in (*known.seen, *now) for key in index_keys(text))
            for key in keys:
                self._indexed[key].append(known.id)

    def get(self, id_: str | None) -> Holder | None:
        """Return a customer by its id, None if there is none."""
        if id_ is None or id_ not in self.customers:
            return None
        holder = self._holders.get(id_)
        if holder is None:
            holder = self._holders[id_] = Holder(self.customers[id_])
        return holder

    def ids(self, key: str) -> Collection[str]:
        """Return the ids of the customers that have a key."""
        found, indexed = self._found.get(key, ()), self._indexed.get(key, ())
        return [*found, *indexed] if found and indexed else found or indexed

    def find(self, keys: Iterable[str], packed: str) -> list[Holder]:
        """Return the customers that have one of the keys of packed evidence, each once.

        What many have, as the shop's own phone, identifies a person only beside an equal name.
        """
        found: dict[str, None] = {}
        for key in keys:
            ids = self.ids(key)
            most = None if key.startswith("n") else _MOST_HOLDERS
            found.update(dict.fromkeys(islice(ids, most)))
            if most and len(ids) > most:
                named = self._by_name(key, ids)
                for outline in outlines_of(packed):
                    found.update(dict.fromkeys(named.get(outline, ())[:most]))
        return [holder for id_ in found if (holder := self.get(id_))]

    def _by_name(self, key: str, ids: Iterable[str]) -> dict[str, list[str]]:
        """Return outline of a name → the customers of a key that have such a name."""
        named = self._named.get(key)
        if named is None:
            named = self._named[key] = defaultdict(list)
            for id_ in ids:
                holder = self.get(id_)
                looks = holder.person.looks if holder else ()
                for outline in {outline for look in looks for outline in look.outlines}:
                    named[outline].append(id_)
        return named


def by_look(customers: Iterable[KnownCustomer]) -> dict[str, KnownCustomer | None]:
    """Return look of a row → the only customer that was seen with it, None where several were."""
    looks: dict[str, KnownCustomer | None] = {}
    for known in customers:
        for look in known.seen:
            looks[look] = known if looks.get(look, known) is known else None
    return looks


def as_seen(
    row: Row,
    looks: Mapping[str, KnownCustomer | None],
    ids: Callable[[str], Collection[str]],
) -> KnownCustomer | None:
    """Return the customer that a row was before, looking as it does now; then no other fits better.

    `looks` are all customers with one of the `first_keys` of the row, `by_look`; `ids` gives the
    ids of those that have a key. None for a customer that is gone, another claim, and a row that a
    person decided about. Of equal names the row's cid tells one, where only that customer has it.
    """
    packed = row.evidence
    known = looks.get(packed)
    if known is None or row.decision is not None or known.presence is Presence.GONE:
        return None
    if row.claim is not None and row.claim != known.id:
        return None
    if is_name_only(packed) and (packed.endswith("|") or [*ids(cid_key(packed))] != [known.id]):
        return None
    return known


def decided_customer(row: Row) -> str | None:
    """Return the customer that a row is by a person's decision."""
    decision = row.decision
    if decision is None:
        return None
    return decision.customer if decision.answer is Answer.SAME else decision.became


def first_keys(rows: Iterable[Row]) -> set[str]:
    """Return the keys that tell which rows are `as_seen`; a row that isn't needs more."""
    looks = [row.evidence for row in rows]
    names = [packed for packed in looks if is_name_only(packed)]
    return {*map(whole_key, looks), *map(cid_key, names)}


class CustomerMatch:
    """Matches of all rows with customers; filled in steps, in the order of the methods.

    `matched` is row → customer; `candidates` row → customers that share something, of the rows
    that weren't matched at the first look; `conflicts` row → reason, customers and rows, where it
    fits two customers, or one customer no better than another row does. `shared` are the keys
    that several rows have.
    """

    def __init__(self, rows: Sequence[Row], index: Index) -> None:
        self.rows = {row.number: row for row in rows}
        self.index = index
        self.shared = SharedKeys()
        self.matched: dict[int, Matched] = {}
        self.candidates: dict[int, list[Candidate]] = {}
        self.conflicts: dict[int, tuple[Reason, tuple[str, ...], tuple[int, ...]]] = {}
        self.dropped_claims: list[int] = []

    def match(self) -> None:
        """Give each row the customer it is, as far as its own evidence says."""
        for row in self.rows.values():
            keys = lookup_keys(row.evidence)
            self.shared.note(row.number, keys)
            if (id_ := decided_customer(row)) and not ((it := self.index.get(id_)) and it.gone):
                continue  # a person gave it its customer, who has another row all the same
            if not self.index.customers and not row.claim:
                continue  # no customer
            known = as_seen(row, self.index.looks, self.index.ids)
            if known and (holder := self.index.get(known.id)):
                self.matched[row.number] = Matched(holder, "M3", None)
            else:
                self._weigh(row, self.index.find(keys, row.evidence))
        self._one_person_each()

    def _weigh(self, row: Row, holders: list[Holder]) -> None:
        evidence = unpack(row.evidence)
        claimed = self.index.get(row.claim)
        if claimed and claimed not in holders:
            holders = [*holders, claimed]
        found = []
        for holder in holders:
            shared = fit(evidence, holder.person, claimed=holder is claimed)
            rule = same(evidence, holder.person, shared)
            if holder is claimed and _proves(shared, holder):
                rule = "M1"
            found.append(Candidate(holder, shared, rule))
        if found:
            self.candidates[row.number] = found
        if row.claim and not any(c.fit.claimed and (c.rule or c.fit.alike) for c in found):
            self.dropped_claims.append(row.number)
        self._choose(row, evidence, [candidate for candidate in found if candidate.is_it])

    def _choose(self, row: Row, evidence: Evidence, fitting: list[Candidate]) -> None:
        """Take the customer that fits best; two that fit equally well are a conflict."""
        if not fitting:
            return
        if row.decision and row.decision.answer is Answer.OTHER and row.decision.customer:
            no = row.decision.customer
            others = [each for each in fitting if each.holder.gone or each.holder.id != no]
            if not others:
                ids = tuple(each.holder.id for each in fitting)
                self.conflicts[row.number] = (Reason.OTHER_NAME, ids, ())
                return
            fitting = others
        if any(not candidate.holder.gone for candidate in fitting):
            fitting = [candidate for candidate in fitting if not candidate.holder.gone]
        score = max(candidate.fit.score for candidate in fitting)
        best = [candidate for candidate in fitting if candidate.fit.score == score]
        if len(best) == 1:
            self.matched[row.number] = Matched(best[0].holder, best[0].rule or "", best[0].fit)
        elif not evidence.name_only:
            ids = tuple(candidate.holder.id for candidate in best)
            self.conflicts[row.number] = (Reason.TWO_CUSTOMERS, ids, ())

    def _one_person_each(self) -> None:
        """Rows that are one customer must be alike; else the best evidence keeps it."""
        by_customer: defaultdict[str, list[int]] = defaultdict(list)
        for number, found in self.matched.items():
            by_customer[found.holder.id].append(number)
        for id_, numbers in by_customer.items():
            if len(numbers) > 1:
                self._keep_the_best(id_, numbers)

    def _keep_the_best(self, id_: str, numbers: list[int]) -> None:
        evidences = {number: unpack(self.rows[number].evidence) for number in numbers}
        scores = {number: self._score(number) for number in numbers}
        lost = {
            number: tuple(
                other
                for other, theirs in evidences.items()
                if scores[other] >= scores[number] and not consistent(evidence, Person([theirs]))
            )
            for number, evidence in evidences.items()
        }
        for number, others in lost.items():
            if others:
                del self.matched[number]
                self.conflicts[number] = (Reason.TWO_PEOPLE, (id_,), others)

    def _score(self, number: int) -> tuple[int, ...]:
        found = self.matched[number]
        shared = found.fit or fit(unpack(self.rows[number].evidence), found.holder.person)
        return shared.score

    def count_names(self) -> None:
        """Give rows with a name only the customers of that name that had no more either (M12)."""
        taken = self.taken()
        for number, evidence, candidates in self.open_rows():
            if not evidence.name_only:
                continue
            for candidate in candidates:
                holder = candidate.holder
                if holder.id not in taken and not holder.gone and _as_name_only(evidence, holder):
                    self.matched[number] = Matched(holder, "M12", candidate.fit)
                    taken.add(holder.id)
                    break

    def with_new_phone(self) -> None:
        """Match rows by name and birthday to customers whose own row left the sheet (M11b)."""
        taken = self.taken()
        fitting: defaultdict[str, list[tuple[int, Candidate]]] = defaultdict(list)
        for number, evidence, candidates in self.open_rows():
            for candidate in candidates:
                holder = candidate.holder
                if (
                    candidate.fit.birthday
                    and candidate.fit.equal
                    and holder.known.had_row
                    and holder.id not in taken
                    and not holder.gone
                    and not held_before(evidence, holder.person)
                ):
                    fitting[holder.id].append((number, candidate))
        for options in fitting.values():
            if len(options) == 1:
                number, candidate = options[0]
                self.matched.setdefault(number, Matched(candidate.holder, "M11b", candidate.fit))

    def taken(self) -> set[str]:
        """Return the ids of customers that have a row of their own in this sheet."""
        return {found.holder.id for found in self.matched.values()}

    def open_rows(self) -> Iterator[tuple[int, Evidence, list[Candidate]]]:
        """Yield the rows with candidates that are neither matched nor a conflict."""
        for number, candidates in self.candidates.items():
            if number not in self.matched and number not in self.conflicts:
                yield number, unpack(self.rows[number].evidence), candidates


def _shared_keys(held: str) -> list[str]:
    """Return the keys of a row that was held back, except its look: it isn't a customer."""
    whole = whole_key(held)
    return [key for key in index_keys(held) if key != whole]


def _proves(shared: Fit, holder: Holder) -> bool:
    """Return whether a claim of this customer's id holds (M1)."""
    values = shared.cid or shared.phone or shared.code or shared.loose or shared.email
    return values or (shared.alike and bool(holder.known.seen))


def _as_name_only(row: Evidence, holder: Holder) -> bool:
    """Return whether the journal has the customer from a row with this name and nothing else."""
    seen = map(unpack, holder.known.seen)
    return any(look.name_only and equal(row.name, look.name) for look in seen)


def differing(row: Row, known: KnownCustomer) -> tuple[str, ...]:
    """Return the fields of a row that Clopos holds otherwise, or not at all."""
    now = known.now or (known.seen[-1] if known.seen else None)
    if now is None or now in (row.evidence, as_at_clopos(row.evidence)):
        return ()
    mine, theirs = unpack(row.evidence), unpack(now)
    pairs = {
        "name": not equal(mine.name, theirs.name),
        "phone": not set(mine.phones) <= set(theirs.phones),
        "email": not set(mine.emails) <= set(theirs.emails),
        "code": not set(mine.codes) <= set(theirs.codes),
        "gender": mine.gender not in {"", theirs.gender},
        "date_of_birth": mine.birthday not in {"", theirs.birthday},
        "description": mine.description not in {"", theirs.description},
    }
    return tuple(name for name, other in pairs.items() if other)
