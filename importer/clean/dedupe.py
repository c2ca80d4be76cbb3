"""Valid rows → which of them repeat an earlier one (R9). Pure.

`phone`, `code` and `cid` are unique at Clopos. Rows are taken in the sheet's order, the first is
kept, and a row that is dropped claims nothing.
"""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import TYPE_CHECKING

from importer.arrow import cells_of
from importer.records import UNIQUE_FIELDS, Duplicate, Problem

if TYPE_CHECKING:
    from collections.abc import Collection

    import pandas as pd


def dedupe(
    values: pd.DataFrame, held: Collection[int]
) -> tuple[tuple[Duplicate, ...], tuple[Problem, ...]]:
    """Return the rows that repeat an earlier one, one entry a field, and remarks on e-mails.

    `held` rows are not sent and claim nothing. Phones are in E.164, so equal digits are equal text.
    """
    contested = values[_contested(values) & ~values.index.isin(list(held))]
    duplicates: list[Duplicate] = []
    remarks: list[Problem] = []
    owners: dict[str, dict[str, int]] = {name: {} for name in (*UNIQUE_FIELDS, "email")}
    rows = contested.index.tolist()
    columns = [cells_of(contested[name]) for name in ("email", *UNIQUE_FIELDS)]
    for row, email, *cells in zip(rows, *columns, strict=True):
        claims = [(name, value) for name, value in zip(UNIQUE_FIELDS, cells, strict=True) if value]
        repeats = [
            Duplicate(row, name, owners[name][value])
            for name, value in claims
            if value in owners[name]
        ]
        if repeats:
            duplicates += repeats
            continue
        for name, value in claims:
            owners[name][value] = row
        if email and owners["email"].setdefault(email, row) != row:
            remarks.append(Problem(row, "email", "duplicate_email", email))
    return tuple(duplicates), tuple(remarks)


def _contested(values: pd.DataFrame) -> pd.Series[bool]:
    """Tell of each row whether another one has its phone, code, cid or e-mail address."""
    masks = [
        values[name].duplicated(keep=False) & values[name].notna()
        for name in (*UNIQUE_FIELDS, "email")
    ]
    return reduce(or_, masks)
