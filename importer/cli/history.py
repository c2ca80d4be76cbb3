"""The runs of a brand, as its journal remembers them."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from importer.cli.width import cut, pad, wrap
from importer.errors import ServiceError
from importer.i18n import number, tr
from importer.results.retention import kept

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

COLUMNS = 80
_FILE = 36  # columns of a file's name


def runs_of(journal: Path) -> list[dict[str, Any]]:
    """Return the runs, newest first, each with these keys; None for what isn't known.

    `started` and `finished` (UTC, ISO 8601), `file`, `results` (path; None when a later run wrote
    over them), `counts` (status → rows of the sheet), `requests` (by kind), `minutes`, `error`
    (what ended it early).

    A run that was interrupted and carried on is one run, with requests and minutes of all its parts
    but those that were killed. Only reads, also while a run is at work. A brand that never had a
    run has no runs.

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
            tr("The journal can't be read: {path}", path=journal),
            why=str(error),
            todo=tr("the next run sets a damaged journal aside and begins a new one"),
        ) from error
    runs = [_told(*row) for row in rows]
    _find_results(runs, [started for started, *_ in rows])
    return runs


def _find_results(runs: list[dict[str, Any]], started: list[float]) -> None:
    """Correct where results are that a later run has put aside or overwritten."""
    newer: dict[str, float] = {}  # path → when the next run that wrote it began
    for run, began in zip(runs, started, strict=True):
        path = run["results"]
        if path is None:
            continue  # it hasn't ended
        if path in newer:
            aside = kept(Path(path), began, newer[path])
            run["results"] = str(aside) if aside else None
        newer[path] = began


def history_lines(runs: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the runs as a table for people, in local time; a path may be longer than a line."""
    columns = f"{pad(tr('when'), 16)}  {pad(tr('file'), _FILE)}  "
    lines = [f"{columns}{tr('minutes'):>9}  {tr('requests'):>9}"]
    for run in runs:
        when = datetime.fromisoformat(run["started"]).astimezone()
        minutes, requests = run["minutes"], (run["requests"] or {}).get("total")
        lines.append(
            f"{when:%Y-%m-%d %H:%M}  {pad(cut(run['file'], _FILE), _FILE)}  "
            f"{'' if minutes is None else number(minutes, 1):>9}  "
            f"{'' if requests is None else number(requests):>9}".rstrip()
        )
        counts = ", ".join(f"{number(n)} {status}" for status, n in (run["counts"] or {}).items())
        ended = run["error"] or (None if run["finished"] else tr("not ended"))
        for text in (counts, ended):
            lines += wrap(text, COLUMNS, "  ") if text else []
        if run["results"]:
            lines.append(f"  → {run['results']}")
    return lines if len(lines) > 1 else [tr("no runs yet")]


def _told(
    started: float, finished: float | None, file: str, results: str | None, summary: str | None
) -> dict[str, Any]:
    told = json.loads(summary) if summary else {}
    facts, spent = told.get("report") or {}, told.get("spent") or {}
    error = facts.get("error")
    return {
        "started": _iso(started),
        "finished": _iso(finished),
        "file": file,
        "results": results,
        "counts": facts.get("counts"),
        "requests": spent.get("requests"),
        "minutes": round(spent["seconds"] / 60, 2) if spent else None,
        "error": error[0] if error else None,
    }


def _iso(epoch: float | None) -> str | None:
    if epoch is None:
        return None
    return datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
