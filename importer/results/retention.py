"""Retention: results of earlier runs are kept beside the newest ones."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from importer.errors import ServiceError
from importer.i18n import tr
from importer.results.fingerprint import rename_by_time

if TYPE_CHECKING:
    from pathlib import Path


def rotate(results: Path, number: int) -> None:
    """Rename the results by their time, and delete all but the newest `number` renamed ones.

    `clients.results.csv` of 24 November 3:15 becomes `clients.results.20261124-031500.csv`.
    Called before new ones are written; with these there are `number` in all. Files that a person
    changed have other names, and stay.

    Raises ServiceError when a file can't be renamed or deleted.
    """
    try:
        if results.is_file():
            rename_by_time(results)
        for path in (earlier := _renamed(results))[: max(0, len(earlier) - number + 1)]:
            path.unlink()
    except OSError as error:
        raise ServiceError(
            tr("Earlier results can't be renamed: {path}", path=error.filename),
            why=error.strerror,
            fix=tr("correct the permissions of the folder, or leave --keep-results out"),
        ) from error


def find_rotated(results: Path, begin: float, end: float) -> Path | None:
    """Return renamed results that were written from `begin` to before `end` (epoch seconds).

    The first of several; None when there are none left.
    """
    try:
        earlier = _renamed(results, "(?:edited-|run-)?")
    except OSError:  # the folder is gone
        return None
    for path in earlier:
        if begin <= path.stat().st_mtime < end:
            return path
    return None


def _renamed(results: Path, prefix: str = "") -> list[Path]:
    """Return results that were renamed by their time, oldest first; `prefix` is a pattern."""
    stem, suffix = re.escape(results.stem), re.escape(results.suffix)
    form = re.compile(rf"{stem}\.{prefix}[0-9]{{8}}-[0-9]{{6}}{suffix}")
    return sorted(path for path in results.parent.iterdir() if form.fullmatch(path.name))
