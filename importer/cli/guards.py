"""Guards of unattended runs: a sheet that is still being written, and one that is done."""

from __future__ import annotations

import contextlib
import shutil
import time
from typing import TYPE_CHECKING

from importer.errors import UsageError
from importer.i18n import tr, trn
from importer.records import Status
from importer.results.wording import duration

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from importer.results.summary import Summary

_State = tuple[int, int]  # when a file was changed, in nanoseconds, and its size
_OPEN = (Status.PENDING, Status.FAILED, Status.UNKNOWN)


@contextlib.contextmanager
def unchanged(sheet: Path, min_age: float | None = None) -> Iterator[_State | None]:
    """Read a sheet within the context, which nothing else may be writing; yield its state.

    Raises UsageError where it changed less than `min_age` seconds ago, or changes meanwhile. What
    is no file, e.g. standard input, is let through.
    """
    before = _state(sheet)
    if before and min_age and (age := max(0.0, time.time() - before[0] / 1e9)) < min_age:
        raise _growing(sheet, tr("it was changed {time} ago", time=duration(age)))
    yield before
    if before and _state(sheet) != before:
        raise _growing(sheet, tr("it was changed while it was read"))


def check_rows(rows: int, last: int | None, least: float | None) -> None:
    """Raise UsageError if a sheet has fewer rows than `least`: the export is likely cut off.

    `least` is a number of rows or, as a float, a share of those of the last run (None: no run yet).
    """
    wanted = least if isinstance(least, int) or least is None else least * (last or 0)
    if wanted is not None and rows < wanted:
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


def move_done(
    sheet: Path,
    folder: Path,
    summary: Summary,
    read: _State | None,
    *,
    say: Callable[[str], object],
    warn: Callable[[str], object],
) -> None:
    """Move a sheet that has no row left to send; if the name exists, the time is added.

    `read` is the state of what was sent: another sheet that came under its name meanwhile stays.
    `say` is given where it went. That it can't be moved is a remark given to `warn`: the customers
    are created.
    """
    counts = summary.counts or {}
    if summary.error or summary.questions or any(counts.get(status) for status in _OPEN):
        return
    target = folder / sheet.name
    if target.exists():
        target = target.with_name(f"{sheet.stem}.{time.strftime('%Y%m%d-%H%M%S')}{sheet.suffix}")
    why = None
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if _state(sheet) == read:
            shutil.move(sheet, target)
        else:
            why = tr("it was changed while it was read")
    except OSError as error:
        why = error.strerror or str(error)
    if why:
        warn(tr("{sheet} can't be moved to {folder}: {why}", sheet=sheet, folder=folder, why=why))
    else:
        say(tr("{sheet} was moved to {target}", sheet=sheet, target=target))


def _state(sheet: Path) -> _State | None:
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
