"""Results of earlier runs that are kept beside the newest ones."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING

from importer.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path


def keep_earlier(results: Path, number: int) -> None:
    """Put results that are there aside under their time, and delete all but the newest `number`.

    `clients.results.csv` of 24 November 3:15 becomes `clients.results.20261124-031500.csv`.
    Called before new ones are written; with these there are `number` in all.

    Raises UsageError when a file can't be moved or deleted.
    """
    try:
        if results.is_file():
            changed = datetime.fromtimestamp(results.stat().st_mtime).astimezone()
            stamp = changed.strftime("%Y%m%d-%H%M%S")
            results.replace(results.with_name(f"{results.stem}.{stamp}{results.suffix}"))
        form = re.compile(
            rf"{re.escape(results.stem)}\.[0-9]{{8}}-[0-9]{{6}}{re.escape(results.suffix)}"
        )
        earlier = sorted(path for path in results.parent.iterdir() if form.fullmatch(path.name))
        for path in earlier[: max(0, len(earlier) - number + 1)]:
            path.unlink()
    except OSError as error:
        raise UsageError(
            f"Earlier results can't be put aside: {error.filename}",
            why=error.strerror,
            todo="mend the permissions of the folder, or leave --keep-results out",
        ) from error
