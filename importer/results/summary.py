"""Outcomes → the summary of a run, as JSON and as an exit code. Pure."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from importer.errors import Exit
from importer.records import Status

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from importer.records import Mapping as ColumnMapping
    from importer.records import Problem, Sheet


RUN_STATUSES = tuple(status for status in Status if status is not Status.READY)
CHECK_STATUSES = (Status.READY, Status.INVALID, Status.DUPLICATE)
_SETTLED = frozenset({Status.CREATED, Status.EXISTS, Status.DUPLICATE, Status.READY})


def count(counts: Mapping[Status, int], statuses: Iterable[Status]) -> dict[str, int]:
    """Return status → number of rows, for each of `statuses`."""
    return {str(status): counts.get(status, 0) for status in statuses}


def exit_code(statuses: Iterable[Status]) -> Exit:
    """Return 0 when every row is where it should be, else 1."""
    return Exit.DONE if _SETTLED.issuperset(statuses) else Exit.ROWS_NEED_YOU


def found(mapping: ColumnMapping, sheet: Sheet, problems: Iterable[Problem]) -> dict[str, Any]:
    """Return what `check` adds: field → header (a list where several make it), code → count."""
    headers = {
        name: [sheet.headers[position] for position in positions]
        for name, positions in mapping.columns.items()
    }
    codes = Counter(problem.code for problem in problems)
    return {
        "mapping": {name: one[0] if len(one) == 1 else one for name, one in headers.items()},
        "problems": dict(sorted(codes.items())),
    }
