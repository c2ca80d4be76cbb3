"""Whose row is whose: what a run keeps of its sheet for the next run of the same sheet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from importer.arrow import cells_of
from importer.matching.evidence import index_keys, row_evidence
from importer.records import FIELDS, Customer

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

    import pandas as pd

    from importer.matching.verdicts import KnownCustomer
    from importer.plan.gather import Gathered
    from importer.records import Outcome

_MOST_BEHIND = 10  # customers for each row without an owner; more are another list


def rows_of_customers(
    gathered: Gathered,
    outcomes: Mapping[int, Outcome],
    invalid: Iterable[str],
    digest: Callable[[str], str],
) -> dict[str, str]:
    """Return digest of a row → id of its customer, of the rows that have one.

    A row that is held because of a customer who had a row keeps it for that customer until
    a person decides: edited once more, it is held again. So does any other row that is held back
    and may be that customer's: there the key is a digest of the customer's id. `invalid` is the
    packed evidence of the rows that weren't compared.
    """
    found: dict[str, str] = {}
    held: list[str] = []
    for row in gathered.rows:
        outcome = outcomes.get(row.number)
        if outcome and outcome.clopos_id:
            # A row that repeats another has its digest, too, and no id.
            found.setdefault(gathered.digests[row.number], outcome.clopos_id)
            continue
        held.append(row.evidence)
        if outcome and outcome.existing_id in gathered.had_row:
            found.setdefault(gathered.digests[row.number], outcome.existing_id or "")
    left = gathered.had_row.difference(found.values())
    if left:
        customers = [gathered.customers[id_] for id_ in left if id_ in gathered.customers]
        for id_ in _behind(customers, (*held, *invalid)):
            found[digest(f"held {id_}")] = id_
    return found


def evidence_of_invalid(values: pd.DataFrame, key: bytes) -> Iterator[str]:
    """Yield the packed evidence of rows that can't be sent, of what could be read of them.

    `values` has a column for each of FIELDS; `key` is the secret of the digests.
    """
    columns = [cells_of(values[name]) for name in FIELDS]
    for row, cells in zip(values.index.tolist(), zip(*columns, strict=True), strict=True):
        fields = dict(zip(FIELDS, cells, strict=True))
        fields |= {"name": fields["name"] or "", "cid": fields["cid"] or ""}
        yield row_evidence(Customer(row=row, **fields), "own", key)


def _behind(customers: Collection[KnownCustomer], held: Iterable[str]) -> set[str]:
    """Return the ids of the customers whose row one of these held rows may be.

    Those with whom it shares anything, or a part of the name. A row that shares nothing with any
    of them may be any customer's: then all are, unless they are too many for that.
    """
    by_key: dict[str, list[str]] = {}
    for known in customers:
        looks = known.seen if known.now is None else (*known.seen, known.now)
        for key in {key for look in looks for key in index_keys(look)}:
            by_key.setdefault(key, []).append(known.id)
    found: set[str] = set()
    anybodys = 0
    for packed in held:
        ids = {id_ for key in index_keys(packed) for id_ in by_key.get(key, ())}
        found |= ids
        anybodys += not ids
    if len(customers) <= anybodys * _MOST_BEHIND:
        return {known.id for known in customers}
    return found
