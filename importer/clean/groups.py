"""Names of customer groups → their ids at Clopos (API facts §6).

The API can't create groups, and Clopos would refuse an unknown one row by row: a missing group is
an error before anything is sent.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pyarrow as pa

from importer.arrow import arrow, cells_of, frame
from importer.errors import UsageError
from importer.i18n import tr, trn
from importer.mapping.header_words import key
from importer.records import FIELDS
from importer.text import fold, is_nothing, one_line

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping

    import pandas as pd

    from importer.records import Sheet

    Groups = Iterable[tuple[int, str]]

_SHOWN = 20  # groups listed in a message


@dataclass(frozen=True, slots=True)
class Wanted:
    """Group, by name or id as it was written → the rows that are to be in it.

    `optional`: where Clopos has no such group, the rows go without one.
    """

    rows: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    optional: bool = False

    def counts(self) -> dict[str, int]:
        """Return group → number of rows, the largest first."""
        return {name: len(rows) for name, rows in sorted(self.rows.items(), key=_by_size)}


def wanted_groups(
    sheet: Sheet, rows: pd.Index[int], *, column: str | None, group: str | None, optional: bool
) -> Wanted:
    """Return which of `rows` want which group: all the one named, or each what its cell says.

    Raises UsageError when both are asked for, or the sheet has no such column.
    """
    if column is None and group is None:
        return Wanted()
    if column is not None and group is not None:
        raise UsageError(
            tr("Both --group and --group-column are given"), fix=tr("take one of them")
        )
    if column is None:
        return Wanted({one_line(group or ""): tuple(rows.tolist())}, optional)
    places = [n for n, header in enumerate(sheet.headers) if header and key(header) == key(column)]
    if not places:
        raise UsageError(
            tr("--group-column {column}: the sheet has no such column", column=column),
            why=tr(
                "its columns are {columns}",
                columns=", ".join(header for header in sheet.headers if header)[:300],
            ),
            fix=tr("take one of these"),
        )
    found: dict[str, list[int]] = {}
    for row, text in zip(rows.tolist(), cells_of(sheet.table.loc[rows, places[0]]), strict=True):
        name = one_line(text)
        if not is_nothing(name):
            found.setdefault(name, []).append(row)
    return Wanted({name: tuple(theirs) for name, theirs in found.items()}, optional)


async def look_up(
    values: pd.DataFrame, wanted: Wanted | None, read: Callable[[], Awaitable[Groups]]
) -> tuple[pd.DataFrame, dict[int, str]]:
    """Return what `with_groups` does, asking for the groups at Clopos only if any is wanted."""
    if not wanted or not wanted.rows:
        return values, {}
    return with_groups(values, wanted, await read())


def with_groups(
    values: pd.DataFrame, wanted: Wanted, groups: Groups
) -> tuple[pd.DataFrame, dict[int, str]]:
    """Return `values` with a group id in each row that wants one, and row → remark about it.

    `groups` are (id, name) at Clopos.

    Raises UsageError when a group doesn't exist, or several have the same name.
    """
    there = list(groups)
    ids = {name: _id_of(name, there) for name in wanted.rows}
    unknown = [name for name, found in ids.items() if found is None]
    if unknown and not wanted.optional:
        raise _unknown(wanted, unknown, there)
    given = dict(zip(values.index.tolist(), cells_of(values["group_id"]), strict=True))
    messages: dict[int, str] = {}
    for name, rows in wanted.rows.items():
        found = ids[name]
        given |= dict.fromkeys(rows, found)
        if found is None:
            messages |= dict.fromkeys(
                rows, tr("group «{name}»: not at Clopos, left out", name=name)
            )
        elif name != str(found):
            text = tr("group {number} read from {name}", number=found, name=name)
            messages |= dict.fromkeys(rows, text)
    columns = {name: arrow(values[name]) for name in FIELDS}
    columns["group_id"] = pa.array(list(given.values()), pa.int64())
    return frame(columns, values.index), messages


def _id_of(wanted: str, groups: list[tuple[int, str]]) -> int | None:
    """Return the group with this id or name, None when there is none."""
    for same in (
        lambda group: wanted == str(group[0]),
        lambda group: wanted == group[1],
        lambda group: fold(wanted) == fold(one_line(group[1])),
    ):
        found = [group for group in groups if same(group)]
        if len(found) > 1:
            raise UsageError(
                tr("Several groups at Clopos are called «{name}»", name=wanted),
                why=", ".join(f"{name}: {number}" for number, name in found),
                fix=tr("use the id of the right group instead"),
            )
        if found:
            return found[0][0]
    return None


def _unknown(wanted: Wanted, unknown: list[str], groups: list[tuple[int, str]]) -> UsageError:
    counts = wanted.counts()
    shown = [
        trn("«{name}» ({n} row)", "«{name}» ({n} rows)", counts[name], name=name)
        for name in counts
        if name in unknown
    ]
    there = ", ".join(f"{name} ({number})" for number, name in groups[:_SHOWN])
    return UsageError(
        tr("Clopos has no group {names}", names=", ".join(shown[:_SHOWN])),
        why=tr("its groups are {names}", names=there) if there else tr("it has no groups"),
        fix=tr(
            "create them in Clopos; or give all rows one with --group; "
            "or send these rows without a group with --drop-bad-values"
        ),
    )


def _by_size(item: tuple[str, tuple[int, ...]]) -> int:
    return -len(item[1])
