"""Valid rows → which repeat an earlier one, and which hold another person's value (R9).

`matching` decides who is who, here by the sheet alone. The first row is kept; a row that isn't sent
claims no value.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Any

from importer.arrow import cells_of
from importer.matching.evidence import row_evidence
from importer.matching.keys import row_key
from importer.matching.match import match
from importer.matching.verdicts import Kind, MatchOptions, Row
from importer.records import FIELDS, UNIQUE_FIELDS, Customer, Duplicate, Problem

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    import pandas as pd

    from importer.matching.verdicts import Verdict

_KEY = b"digests of one sheet, compared and forgotten"
_REPEATED = (*UNIQUE_FIELDS, "email")


@dataclass(frozen=True, slots=True)
class Deduped:
    """Rows that aren't sent because of an earlier one, one entry per field; remarks on the others.

    `without_phone` are rows that are sent without their phone, which is another person's.
    """

    duplicates: tuple[Duplicate, ...]
    remarks: tuple[Problem, ...]
    without_phone: tuple[int, ...] = ()


def dedupe(values: pd.DataFrame, held: Collection[int], *, share_phones: bool = False) -> Deduped:
    """Compare the rows of a sheet with each other, in its order.

    `held` rows are not sent and claim nothing. `share_phones` (--shared-phone without): who has
    the phone of another person is sent without it.
    """
    contested = values[_contested(values) & ~values.index.isin(list(held))]
    columns = [cells_of(contested[name]) for name in FIELDS]
    rows: dict[int, dict[str, Any]] = {
        row: dict(zip(FIELDS, cells, strict=True))
        for row, cells in zip(contested.index.tolist(), zip(*columns, strict=True), strict=True)
    }
    seen: Counter[str] = Counter()
    made = [Row(row, _evidence(row, fields, seen)) for row, fields in rows.items()]
    verdicts = match(made, {}, MatchOptions(share_phones=share_phones)).verdicts
    held_back = [v for v in verdicts if v.kind in {Kind.DUPLICATE, Kind.CONFLICT}]
    sent = [verdict for verdict in verdicts if verdict.kind is Kind.CREATE]
    return Deduped(
        tuple(duplicate for verdict in held_back for duplicate in _duplicates(verdict, rows)),
        tuple(_repeated_emails({verdict.row: rows[verdict.row]["email"] for verdict in sent})),
        tuple(verdict.row for verdict in sent if "phone" in verdict.without),
    )


def _evidence(row: int, fields: dict[str, Any], seen: Counter[str]) -> str:
    key = row_key(fields, seen)
    cid = fields["cid"] or key.text
    return row_evidence(Customer(row=row, **(fields | {"cid": cid})), key.made_of, _KEY)


def _duplicates(verdict: Verdict, rows: Mapping[int, dict[str, Any]]) -> Iterator[Duplicate]:
    """Yield an entry for each field that two rows share, or one for the key that makes them one."""
    conflict = verdict.kind is Kind.CONFLICT
    fields = [
        (name, other)
        for name in UNIQUE_FIELDS
        for other in verdict.rows
        if rows[verdict.row][name] is not None and rows[verdict.row][name] == rows[other][name]
    ]
    if not fields:
        fields = [(_by_what(verdict), verdict.rows[0])]
    for name, other in fields:
        yield Duplicate(verdict.row, name, other, conflict=conflict)


def _by_what(verdict: Verdict) -> str:
    if verdict.field:
        return verdict.field
    return {"M10": "email", "M11": "date_of_birth"}.get(verdict.rule, "name")


def _repeated_emails(emails: Mapping[int, str | None]) -> Iterator[Problem]:
    owners: set[str] = set()
    for row, email in emails.items():
        if email in owners:
            yield Problem(row, "email", "duplicate_email", email or "")
        elif email:
            owners.add(email)


def _contested(values: pd.DataFrame) -> pd.Series[bool]:
    """Return for each row whether another has its phone, code, cid, e-mail, or name and birthday.

    Rows that share none of these can't be one person and can't clash.
    """
    masks = [values[name].duplicated(keep=False) & values[name].notna() for name in _REPEATED]
    born = values[["date_of_birth", "name"]]
    masks.append(born.duplicated(keep=False) & born["date_of_birth"].notna())
    return reduce(or_, masks)
