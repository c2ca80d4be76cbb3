"""The rows that a report shows one by one, from the sheet or from its results file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from importer.errors import UsageError
from importer.i18n import tr
from importer.records import Outcome, Status
from importer.results.reader import read_results

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from pathlib import Path

    from importer.pipeline.prepare import Prepared
    from importer.results.outcomes import Outcomes

_CLASHES = (Status.CONFLICT, Status.REJECTED, Status.FAILED, Status.UNKNOWN)
SHOWN = frozenset({*_CLASHES, Status.INVALID})
"""Statuses that need a person, one by one. Pending rows need only a second run."""


@dataclass(frozen=True, slots=True)
class Line:
    """One row of the sheet: its outcome, and its cells by header."""

    outcome: Outcome
    cells: Mapping[str, str]

    def text(self, headers: Iterable[str]) -> str:
        """Return what the row has in these columns, joined."""
        return " ".join(filter(None, (self.cells.get(header, "") for header in headers)))


@dataclass(frozen=True, slots=True)
class Lines:
    """The rows that are shown, and which row of the sheet made or found which customer."""

    shown: Sequence[Line]
    row_of: Mapping[str, int]  # Clopos id → row


def from_sheet(prepared: Prepared, outcomes: Outcomes, wanted: Collection[int]) -> Lines:
    """Return the rows that need a person, and those in `wanted`, in the sheet's order."""
    headers, table = prepared.sheet.headers, prepared.sheet.table
    explicit = outcomes.explicit.values()
    rows = sorted({outcome.row for outcome in explicit if outcome.status in SHOWN} | {*wanted})
    cells = table.loc[rows]
    columns = [cells[number].tolist() for number in range(len(headers))]
    shown = [
        Line(outcomes[row], dict(zip(reversed(headers), reversed(texts), strict=True)))
        for row, texts in zip(rows, zip(*columns, strict=True), strict=True)
    ]
    return Lines(shown, _row_of(explicit))


def from_results(path: Path, wanted: Collection[int]) -> tuple[Lines, dict[str, int]]:
    """Return the same from a results file, and status → number of rows.

    Raises UsageError when it isn't one.
    """
    header, columns = read_results(path)
    outcomes: list[Outcome] = []
    shown: list[Line] = []
    for record in zip(*(column.to_pylist() for column in columns), strict=True):
        outcome = _outcome(path, record[:7])
        outcomes.append(outcome)
        if outcome.status in SHOWN or outcome.row in wanted:
            shown.append(Line(outcome, dict(zip(reversed(header), reversed(record), strict=True))))
    counts = {str(status): 0 for status in Status}
    for outcome in outcomes:
        counts[outcome.status] += 1
    return Lines(shown, _row_of(outcomes)), {name: n for name, n in counts.items() if n}


def _outcome(path: Path, cells: Sequence[str]) -> Outcome:
    """Return what the seven columns say. Raises UsageError when they don't make an outcome."""
    row, status, clopos_id, field, existing_id, of, message = cells
    try:
        return Outcome(
            int(row),
            Status(status),
            clopos_id=clopos_id or None,
            field=field or None,
            existing_id=existing_id or None,
            duplicate_of=int(of) if of else None,
            message=message,
        )
    except ValueError as error:
        raise UsageError(
            tr("{path} is incomplete", path=path),
            why=tr("a row has {error}", error=error),
            fix=tr("run `check` or `run` again"),
        ) from error


def _row_of(outcomes: Iterable[Outcome]) -> dict[str, int]:
    return {outcome.clopos_id: outcome.row for outcome in outcomes if outcome.clopos_id}
