"""After an unattended run: where its sheet is moved to."""

from __future__ import annotations

import shutil
import time
from typing import TYPE_CHECKING

from importer.i18n import tr
from importer.pipeline.guards import state_of
from importer.records import Status

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from importer.pipeline.guards import State
    from importer.results.summary import Summary

_OPEN = (Status.PENDING, Status.FAILED, Status.UNKNOWN)


def move_done(
    sheet: Path,
    folder: Path,
    summary: Summary,
    read: State | None,
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
        if state_of(sheet) == read:
            shutil.move(sheet, target)
        else:
            why = tr("it was changed while it was read")
    except OSError as error:
        why = error.strerror or str(error)
    if why:
        warn(tr("{sheet} can't be moved to {folder}: {why}", sheet=sheet, folder=folder, why=why))
    else:
        say(tr("{sheet} was moved to {target}", sheet=sheet, target=target))
