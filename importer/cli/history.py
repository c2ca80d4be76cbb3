"""The runs of all brands, as `history` shows them."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from importer.cli.width import cut, pad, wrap
from importer.i18n import number, tr, tr_noop
from importer.records import Status
from importer.results.retention import find_rotated
from importer.store import history
from importer.store.records import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from importer.settings import Settings
    from importer.store.records import History, RunRecord

COLUMNS = 80
_FILE = 36  # columns of a file's name
_KINDS = {Kind.CHECK: tr_noop("check"), Kind.DRY_RUN: tr_noop("dry run")}


def read_history(settings: Settings) -> History:
    """Return the runs of all brands, newest first."""
    return asyncio.run(history(settings))


def history_rows(runs: Iterable[RunRecord]) -> list[dict[str, Any]]:
    """Return runs, newest first, as `--json` prints them; None for what isn't known.

    Keys: `run` (its number in the brand), `kind` (run, dry_run, check), `brand`, `venue`,
    `base_url`, `version`, `sandbox`, `started` and `finished` (UTC, ISO 8601), `file`, `results`
    (path; None when a later run wrote over them), `counts` (status → rows of the sheet),
    `requests` (by kind), `minutes`, `error` (what ended it early), `forgotten` (when its customers
    were given up), `options`.

    A run that was interrupted and resumed is one run, with requests and minutes of all its parts
    but those that were killed.
    """
    newer: dict[str, float] = {}  # path → start of the next run that wrote to it
    rows = []
    for run in runs:
        results = run.results
        if results is not None:
            if results in newer:
                renamed = find_rotated(Path(results), run.started, newer[results])
                results = str(renamed) if renamed else None
            newer[str(run.results)] = run.started
        rows.append(_row(run, results))
    return rows


def history_lines(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the rows as a table for people, in local time; a path may be longer than a line."""
    columns = f"{pad(tr('when'), 16)}  {pad(tr('file'), _FILE)}  "
    lines = [f"{columns}{tr('minutes'):>9}  {tr('requests'):>9}"]
    for row in rows:
        when = datetime.fromisoformat(row["started"]).astimezone()
        minutes, requests = row["minutes"], (row["requests"] or {}).get("total")
        lines.append(
            f"{when:%Y-%m-%d %H:%M}  {pad(cut(row['file'], _FILE), _FILE)}  "
            f"{'' if minutes is None else number(minutes, 1):>9}  "
            f"{'' if requests is None else number(requests):>9}".rstrip()
        )
        counts = ", ".join(f"{number(n)} {status}" for status, n in (row["counts"] or {}).items())
        ended = row["error"] or (None if row["finished"] else tr("not ended"))
        forgotten = tr("forgotten: its customers were deleted") if row["forgotten"] else None
        for text in (_target(row), counts, ended, forgotten):
            lines += wrap(text, COLUMNS, "  ") if text else []
        if row["results"]:
            lines.append(f"  → {row['results']}")
    return lines if len(lines) > 1 else [tr("no runs yet")]


def _target(row: Mapping[str, Any]) -> str:
    """Return the kind of a run, and its target."""
    kind = _KINDS.get(row["kind"])
    venue = tr("venue {venue}", venue=row["venue"]) if row["venue"] else None
    parts = (
        tr(kind) if kind else tr("run {number}", number=row["run"]),
        row["brand"],
        venue,
        tr("sandbox") if row["sandbox"] else None,
    )
    return ", ".join(part for part in parts if part)


def _row(run: RunRecord, results: str | None) -> dict[str, Any]:
    facts = run.summary.get("report") or {}
    spent = run.summary.get("spent") or run.summary
    seconds = spent.get("seconds")
    error = facts.get("error")
    return {
        "run": run.id if run.kind is Kind.RUN else None,
        "kind": run.kind,
        "brand": run.brand,
        "venue": run.venue,
        "base_url": run.base_url,
        "version": run.version,
        "sandbox": run.sandbox,
        "started": _iso(run.started),
        "finished": _iso(run.finished),
        "file": run.file,
        "results": results,
        "counts": facts.get("counts") or _counts(run.summary),
        "requests": spent.get("requests"),
        "minutes": None if seconds is None else round(seconds / 60, 2),
        "error": error[0] if error else None,
        "forgotten": _iso(run.forgotten),
        "options": dict(run.options),
    }


def _counts(summary: Mapping[str, Any]) -> dict[str, int] | None:
    return {str(status): summary[status] for status in Status if summary.get(status)} or None


def _iso(epoch: float | None) -> str | None:
    if epoch is None:
        return None
    return datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
