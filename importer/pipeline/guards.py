"""Guards of a sheet that may not be whole: it is still being written, or its export was cut."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING

from importer.errors import UsageError
from importer.i18n import tr, trn
from importer.pipeline.last_time import load_last
from importer.results.wording import duration

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from importer.pipeline.prepare import Prepared

State = tuple[int, int]  # when a file was changed, in nanoseconds, and its size


@contextlib.contextmanager
def unchanged(sheet: Path, min_age: float | None = None) -> Iterator[State | None]:
    """Read a sheet within the context, which nothing else may be writing; yield its state.

    Raises UsageError where it changed less than `min_age` seconds ago, or changes meanwhile. What
    is no file, e.g. standard input, is let through.
    """
    before = state_of(sheet)
    if before and min_age and (age := max(0.0, time.time() - before[0] / 1e9)) < min_age:
        raise _growing(sheet, tr("it was changed {time} ago", time=duration(age)))
    yield before
    if before and state_of(sheet) != before:
        raise _growing(sheet, tr("it was changed while it was read"))


def check_rows(prepared: Prepared, least: float) -> None:
    """Raise UsageError if a sheet has fewer rows than `least`: the export is likely cut off.

    `least` is a number of rows or, as a float, a share of those of the last run.
    """
    options, rows = prepared.options, len(prepared.sheet.table)
    known = load_last(options.understood_in, options.known_as or prepared.path)
    last = known.rows if known else None
    if rows < (least if isinstance(least, int) else least * (last or 0)):
        raise UsageError(
            trn(
                "The sheet has {n} row, fewer than --min-rows allows; nothing was sent",
                "The sheet has {n} rows, fewer than --min-rows allows; nothing was sent",
                rows,
            ),
            why=trn("the last run read {n} row", "the last run read {n} rows", last)
            if last is not None
            else None,
            fix=tr("check that the export is complete; if it is, give a lower --min-rows"),
            code="min_rows",
        )


def state_of(sheet: Path) -> State | None:
    """Return the state of a file; None: it is no file."""
    try:
        found = sheet.stat()
    except (OSError, ValueError):
        return None
    return (found.st_mtime_ns, found.st_size) if sheet.is_file() else None


def _growing(sheet: Path, why: str) -> UsageError:
    return UsageError(
        tr("{sheet} may not be complete yet; nothing was sent", sheet=sheet),
        why=why,
        fix=tr(
            "let the program that writes it use another name, and rename the file when it is "
            "complete"
        ),
        code="growing",
    )
