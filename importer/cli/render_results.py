"""Render outcomes, and results of a rehearsal or a verification, as blocks of text."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from importer.cli.render import COLUMNS, counted_lines
from importer.cli.width import wrap
from importer.i18n import tr, trn
from importer.pipeline.wording import rehearsal_paragraphs, verification_paragraphs
from importer.records import Status
from importer.results.summary import DECIDED
from importer.results.wording import duration, how_to_decide, reported_text, run_again

if TYPE_CHECKING:
    from importer.pipeline.verify import Verified
    from importer.results.summary import Summary

_SHOWN = 30  # differences named in words
_OPEN = (Status.PENDING, Status.FAILED, Status.UNKNOWN)


def result_lines(summary: Summary, command: str = "") -> list[str]:
    """Return the outcomes of the rows, the cost, and what to do next.

    `command` is the one to give again, where rows are still to be sent.
    """
    counts = Counter(summary.counts or {})
    lines = [tr("Result"), *counted_lines(counts)]
    if requests := summary.requests:
        text = tr(
            "{requests} in {time}",
            requests=trn("{n} request", "{n} requests", requests["total"]),
            time=duration(summary.seconds),
        )
        if requests["throttled"]:
            text += ", " + trn(
                "asked to wait {n} time", "asked to wait {n} times", requests["throttled"]
            )
        lines.append(f"  {text}")
    if known := summary.more.get("known_problems"):
        lines.append(f"  {reported_text(known)}")
    if summary.results is None:
        return lines
    open_ = run_again(counts)
    settled = {*DECIDED, *_OPEN}
    counts.subtract(summary.decided)
    need = {status: count for status, count in counts.items() if status not in settled}
    if total := sum(need.values()):
        text = trn(
            "{n} row needs your attention: open {path} and filter import_status for {words}",
            "{n} rows need your attention: open {path} and filter import_status for {words}",
            total,
            path=summary.results,
            words=", ".join(status for status, count in need.items() if count),
        )
    else:
        text = tr("The outcome of every row: {path}", path=summary.results)
    if open_:
        lines += wrap(open_, COLUMNS, "  → ")
        lines += [f"    {command}"] if command else []
    lines += wrap(text, COLUMNS, "  → ")
    if conflicts := need.get(Status.CONFLICT, 0):
        lines += wrap(how_to_decide(conflicts, Path(summary.results).name), COLUMNS, "  → ")
    return lines


def rehearsal_lines(summary: Summary) -> list[str]:
    """Return the outcomes of the rows, and how far off the forecast was."""
    lines = result_lines(summary)
    for _, text in rehearsal_paragraphs(summary):
        lines += wrap(text, COLUMNS, "  - ")
    return lines


def verification_lines(verified: Verified) -> list[str]:
    """Return what was compared, and what differs, in words."""
    lines = []
    for mark, text in verification_paragraphs(verified, _SHOWN):
        lines += wrap(text, COLUMNS, "  " if mark else "", "    " if mark else "  ")
    return lines
