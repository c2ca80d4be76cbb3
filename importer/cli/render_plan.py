"""Render what a run would send and its cost, as a block of text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from importer.cli.render import COLUMNS
from importer.cli.width import wrap
from importer.i18n import tr
from importer.pipeline.wording import plan_paragraphs

if TYPE_CHECKING:
    from datetime import datetime

    from importer.plan.decide import Plan
    from importer.results.summary import Target


def plan_lines(plan: Plan, now: datetime, target: Target | None = None) -> list[str]:
    """Return what will be sent, where to and what it costs; `now` has a time zone."""
    lines = [tr("Plan")]
    if target:
        lines += wrap(target.text, COLUMNS, "  ")
    for mark, text in plan_paragraphs(plan, now):
        lines += wrap(text, COLUMNS, f"  {mark} " if mark else "  ")
    return lines
