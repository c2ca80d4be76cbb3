"""The runs of a brand, as its journal remembers them."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from importer.errors import ServiceError

if TYPE_CHECKING:
    from pathlib import Path


def history(journal: Path) -> list[dict[str, Any]]:
    """Return the runs, newest first, each with these keys; None for what isn't known.

    `started` and `finished` (UTC, ISO 8601), `file`, `results` (path), `counts` (status → rows of
    the sheet), `requests` (by kind), `minutes`, `error` (what ended it early).

    Only reads, also while a run is at work. A brand that never had a run has no runs.

    Raises ServiceError when the journal can't be read.
    """
    if not journal.exists():
        return []
    try:
        with contextlib.closing(
            sqlite3.connect(f"{journal.resolve().as_uri()}?mode=ro", uri=True)
        ) as db:
            rows = db.execute(
                "SELECT started, finished, file, results, summary FROM runs ORDER BY id DESC"
            ).fetchall()
    except sqlite3.Error as error:
        raise ServiceError(
            f"The journal can't be read: {journal}",
            why=str(error),
            todo="the next run sets a damaged journal aside and begins a new one",
        ) from error
    return [_told(*row) for row in rows]


def _told(
    started: float, finished: float | None, file: str, results: str | None, summary: str | None
) -> dict[str, Any]:
    facts = (json.loads(summary) if summary else {}).get("report") or {}
    sending = facts.get("sending") or {}
    error = facts.get("error")
    return {
        "started": _iso(started),
        "finished": _iso(finished),
        "file": file,
        "results": results,
        "counts": facts.get("counts"),
        "requests": sending.get("requests"),
        "minutes": round(facts["seconds"] / 60, 2) if "seconds" in facts else None,
        "error": error[0] if error else None,
    }


def _iso(epoch: float | None) -> str | None:
    if epoch is None:
        return None
    return datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
