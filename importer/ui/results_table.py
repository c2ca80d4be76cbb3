"""A results file as pages show it: counts, and the rows of one status by the page."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from importer.records import RESULT_COLUMNS, Outcome, Status
from importer.results.reader import read_results
from importer.ui.paging import number_in

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from importer.ui.desk import Sheet
    from importer.ui.work import Work

_OWN = len(RESULT_COLUMNS)


@dataclass(frozen=True, slots=True)
class ResultRow:
    """One row of a results file: its outcome, and the sheet's own cells by header."""

    outcome: Outcome
    cells: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ResultsTable:
    """A results file that was read; `stamp` changes with the file."""

    path: Path
    stamp: tuple[int, int]
    header: list[str]
    columns: list[pa.Array]

    @property
    def counts(self) -> dict[Status, int]:
        """Return status → rows, for each that occurs, in the order of Status."""
        found = Counter(self.columns[1].to_pylist())
        return {status: found[status] for status in Status if found[status]}

    def places(self, status: Status | None) -> pa.Array:
        """Return the places of the rows with a status, of all where None."""
        if status is None:
            return pa.array(range(len(self.columns[0])), pa.uint64())
        return pc.indices_nonzero(pc.equal(self.columns[1], str(status)))

    def rows(self, places: pa.Array) -> list[ResultRow]:
        """Return the rows at some places."""
        taken = [column.take(places).to_pylist() for column in self.columns]
        return [self._row(cells) for cells in zip(*taken, strict=True)]

    def _row(self, cells: tuple[str, ...]) -> ResultRow:
        row, status, clopos_id, field, existing_id, of, message = cells[:_OWN]
        outcome = Outcome(
            number_in(row) or 0,
            Status(status) if status in list(Status) else Status.UNKNOWN,
            clopos_id=clopos_id or None,
            field=field or None,
            existing_id=existing_id or None,
            duplicate_of=number_in(of),
            message=message,
        )
        own = zip(reversed(self.header[_OWN:]), reversed(cells[_OWN:]), strict=True)
        return ResultRow(outcome, dict(own))


def load_results(path: Path, known: ResultsTable | None) -> ResultsTable:
    """Read a results file, unless `known` is it as it is now.

    Raises UsageError when it can't be read, or isn't a results file.
    """
    try:
        facts = path.stat()
        stamp = (facts.st_mtime_ns, facts.st_size)
    except OSError:
        stamp = (0, 0)
    if known and (known.path, known.stamp) == (path, stamp):
        return known
    header, columns = read_results(path)
    return ResultsTable(path, stamp, header, columns)


async def results_of(work: Work, sheet: Sheet) -> ResultsTable | None:
    """Return the results of a sheet as they are on disk, None where there are none.

    Raises UsageError when they can't be read.
    """
    path = work.results_file
    if path is None:
        return None
    sheet.results = await asyncio.to_thread(load_results, path, sheet.results)
    return sheet.results
