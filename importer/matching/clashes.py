"""Other people who hold a value of a row that would be sent: M4, M6, M8, M9 and M13."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from importer.matching.fit import clash, fit, same
from importer.matching.verdicts import Reason

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from importer.matching.customers import Candidate
    from importer.matching.evidence import Evidence
    from importer.matching.fit import Fit
    from importer.matching.sheet import SheetPerson

_PRIORITY = ("M4", "M13", "M6", "M8")


class Clash(NamedTuple):
    """Another person, a customer or a row of the sheet, who holds a value of the row.

    `without` are the unique fields they share; `shareable`: only the phone, and its holder is in
    the sheet or was decided, so that `--shared-phone without` may leave it out.
    """

    rule: str
    field: str
    reason: Reason
    without: tuple[str, ...]
    customer: str | None
    row: int | None
    shareable: bool


class Clashes(NamedTuple):
    """Clashes of a row as one: the first of the table, with the customers of all."""

    rule: str
    field: str
    reason: Reason
    customers: tuple[str, ...]
    rows: tuple[int, ...]
    without: tuple[str, ...]


def customer_clashes(
    evidence: Evidence, candidates: Iterable[Candidate], with_row: Collection[str]
) -> Iterator[Clash]:
    """Yield the customers that hold a value; `with_row` have a row of their own in the sheet."""
    for candidate in candidates:
        holder = candidate.holder
        if holder.gone:
            continue
        if found := clash(evidence, candidate.fit, candidate.rule):
            fields = shared_fields(candidate.fit, evidence)
            settled = holder.id in with_row or holder.known.decided
            shareable = found[0] == "M6" and fields == ("phone",) and settled
            yield Clash(*found, fields, holder.id, None, shareable)


def sheet_clashes(evidence: Evidence, people: Iterable[SheetPerson]) -> Iterator[Clash]:
    """Yield the people of the sheet that hold a value."""
    for person in people:
        found = fit(evidence, person)
        rule = same(evidence, person, found, in_sheet=True)
        fields = shared_fields(found, evidence)
        why = clash(evidence, found, rule)
        if rule and why is None and fields:  # alike to one row of that person, but not to all
            why = (rule, fields[0], Reason.TWO_PEOPLE)
        if why:
            shareable = why[0] == "M6" and fields == ("phone",)
            yield Clash(*why, fields, person.customer, person.kept, shareable)


def summary(clashes: Sequence[Clash]) -> Clashes:
    """Return the clashes of a row as one; phone of one and code of another is M9."""
    order = {rule: place for place, rule in enumerate(_PRIORITY)}
    first = min(clashes, key=lambda found: order.get(found.rule, len(order)))
    holders: defaultdict[str, set[str | int | None]] = defaultdict(set)
    for found in clashes:
        for field in found.without:
            holders[field].add(found.customer or found.row)
    apart = {"phone", "code"} <= holders.keys() and holders["phone"].isdisjoint(holders["code"])
    return Clashes(
        "M9" if apart else first.rule,
        first.field,
        first.reason,
        tuple(dict.fromkeys(found.customer for found in clashes if found.customer)),
        tuple(dict.fromkeys(found.row for found in clashes if found.row is not None)),
        tuple(holders),
    )


def shared_fields(found: Fit, evidence: Evidence) -> tuple[str, ...]:
    """Return the fields that are unique at Clopos and that both have."""
    own_cid = found.cid and evidence.made_of == "own"
    pairs = (("phone", found.phone), ("code", found.code), ("cid", own_cid))
    return tuple(name for name, there in pairs if there)
