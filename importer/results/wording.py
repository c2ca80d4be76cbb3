"""Words about results that the terminal, the report and the page share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from importer.i18n import number, tr, trn
from importer.records import Status

if TYPE_CHECKING:
    from collections.abc import Mapping


def meanings_of() -> dict[Status, str]:
    """Return what each status means, in a few words."""
    return {
        Status.READY: tr("would be sent"),
        Status.CREATED: tr("created in Clopos"),
        Status.EXISTS: tr("already in Clopos, skipped"),
        Status.DUPLICATE: tr("repeat an earlier row, not sent"),
        Status.CONFLICT: tr("phone, code or cid belongs to another customer"),
        Status.INVALID: tr("not sent: a value needs fixing"),
        Status.REJECTED: tr("refused by Clopos"),
        Status.FAILED: tr("certainly not created"),
        Status.UNKNOWN: tr("sent, outcome unknown; run again to resolve"),
        Status.PENDING: tr("not sent yet"),
    }


def counts_text(counts: Mapping[Any, int]) -> str:
    """Return the statuses that occur, with their numbers, on one line."""
    return ", ".join(f"{number(count)} {status}" for status, count in counts.items() if count)


def reported_text(rows: int) -> str:
    """Return how many of the rows that need a person the last run reported, in words."""
    return trn(
        "{n} of these rows was reported by the last run",
        "{n} of these rows were reported by the last run",
        rows,
    )


def how_to_decide(conflicts: int, results: str) -> str:
    """Return how so many conflicts are decided in a results file, by its name."""
    return trn(
        "Decide about {n} conflict: write same, other or skip into a column import_decision of "
        "{path} and run that file",
        "Decide about {n} conflicts: write same, other or skip into a column import_decision "
        "of {path} and run that file",
        conflicts,
        path=results,
    )


def run_again(counts: Mapping[Any, int]) -> str | None:
    """Return why to run it again, None for no reason; `counts` is by status."""
    if unknown := counts.get(Status.UNKNOWN, 0):
        return trn(
            "Run it again: {n} row is open and will be settled first",
            "Run it again: {n} rows are open and will be settled first",
            unknown,
        )
    if left := counts.get(Status.PENDING, 0) + counts.get(Status.FAILED, 0):
        return trn(
            "Run it again: {n} row is still to be sent",
            "Run it again: {n} rows are still to be sent",
            left,
        )
    return None


def duration(seconds: float) -> str:
    """Return a length of time for people: `12 seconds`, `4 minutes`, `5 h 36 min`."""
    if seconds < 2:
        return tr("{seconds} seconds", seconds=number(seconds, 1))
    if seconds < 100:
        return trn("{n} second", "{n} seconds", round(seconds))
    minutes = round(seconds / 60)
    if minutes < 100:
        return trn("{n} minute", "{n} minutes", minutes)
    return tr("{hours} h {minutes} min", hours=minutes // 60, minutes=minutes % 60)
