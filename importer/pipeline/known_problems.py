"""Rows that need a person and that the last run of the sheet has reported already.

Kept are keyed digests, in a file of the brand's state folder beside what was understood of the
sheet: a cache, without which every problem is new again.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from importer.files import atomic_write
from importer.pipeline.last_time import place_of
from importer.records import Status

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

    from importer.pipeline.prepare import Prepared
    from importer.results.outcomes import Outcomes

_LASTING = frozenset({Status.INVALID, Status.CONFLICT, Status.REJECTED})
"""Statuses that stay until a person does something."""


def digests_of(prepared: Prepared, outcomes: Outcomes, key: bytes) -> dict[int, str]:
    """Return row → digest of what is wrong with it, for undecided rows that need a person.

    The digest is made of the cells that make fields, the status and the problems: a row that was
    changed, or has another problem, has another one. Its number and its other columns, e.g. the
    points of a customer, may be others each night.
    """
    codes: defaultdict[int, set[str]] = defaultdict(set)
    for problem in prepared.problems:
        codes[problem.row].add(problem.code)
    columns = sorted({place for places in prepared.mapping.columns.values() for place in places})
    rows = {
        row: outcome
        for row, outcome in outcomes.explicit.items()
        if outcome.status in _LASTING and not outcome.decided
    }
    cells = prepared.sheet.table.loc[list(rows), columns]
    keyed = hashlib.blake2b(key=key, digest_size=12, person=b"problem")
    found: dict[int, str] = {}
    for row, *texts in cells.itertuples(name=None):
        outcome = rows[row]
        parts = (outcome.status, outcome.field or "", outcome.existing_id or "")
        digest = keyed.copy()
        digest.update("\x1f".join((*parts, *sorted(codes[row]), *map(str, texts))).encode())
        found[row] = digest.hexdigest()
    return found


def count_reported(
    digests: Mapping[int, str], earlier: Collection[str], outcomes: Outcomes
) -> Counter[Status]:
    """Return how many rows of each status have one of the earlier digests."""
    return Counter(outcomes[row].status for row, digest in digests.items() if digest in earlier)


def load_reported(folder: Path | None, sheet: Path) -> frozenset[str]:
    """Return the digests that the last run of a sheet kept; none where they can't be read."""
    if folder is None:
        return frozenset()
    try:
        text = _file(folder, sheet).read_text("ascii")
    except (OSError, ValueError):
        return frozenset()
    return frozenset(text.split())


def save_reported(folder: Path, sheet: Path, digests: Collection[str]) -> None:
    """Keep the digests for the next run of the sheet. Raises ServiceError where it can't."""
    path = _file(folder, sheet)
    if not digests and not path.exists():
        return
    with atomic_write(path, 0o600) as part:
        part.write_text("".join(f"{digest}\n" for digest in sorted(set(digests))), "ascii")


def _file(folder: Path, sheet: Path) -> Path:
    return place_of(folder, sheet).with_suffix(".problems")
