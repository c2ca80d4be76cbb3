"""Results of earlier runs that are kept beside the newest ones."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from importer.errors import ServiceError
from importer.i18n import tr

if TYPE_CHECKING:
    from pathlib import Path


_STAMP = "%Y%m%d-%H%M%S"


def keep_earlier(results: Path, number: int) -> None:
    """Put results that are there aside under their time, and delete all but the newest `number`.

    `clients.results.csv` of 24 November 3:15 becomes `clients.results.20261124-031500.csv`.
    Called before new ones are written; with these there are `number` in all.

    Raises ServiceError when a file can't be moved or deleted.
    """
    try:
        if results.is_file():
            results.replace(_free_name(results))
        for path in (earlier := _earlier(results))[: max(0, len(earlier) - number + 1)]:
            path.unlink()
    except OSError as error:
        raise ServiceError(
            tr("Earlier results can't be put aside: {path}", path=error.filename),
            why=error.strerror,
            todo=tr("mend the permissions of the folder, or leave --keep-results out"),
        ) from error


def kept(results: Path, begin: float, end: float) -> Path | None:
    """Return results that were put aside and written from `begin` to before `end` (epoch seconds).

    The first of several; None when there are none any more.
    """
    try:
        earlier = _earlier(results)
    except OSError:  # the folder is gone
        return None
    for path in earlier:
        if begin <= path.stat().st_mtime < end:
            return path
    return None


def _earlier(results: Path) -> list[Path]:
    """Return results that were put aside, oldest first."""
    form = re.compile(
        rf"{re.escape(results.stem)}\.[0-9]{{8}}-[0-9]{{6}}{re.escape(results.suffix)}"
    )
    return sorted(path for path in results.parent.iterdir() if form.fullmatch(path.name))


def _free_name(results: Path) -> Path:
    """Return a name by the time of the results, or the next second that isn't taken."""
    changed = datetime.fromtimestamp(results.stat().st_mtime).astimezone()
    while True:
        aside = results.with_name(f"{results.stem}.{changed:{_STAMP}}{results.suffix}")
        if not aside.exists():
            return aside
        changed += timedelta(seconds=1)
