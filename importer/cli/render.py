"""Blocks of text for the screen: a heading, and lines below it that begin with two spaces.

No line is longer than `COLUMNS`, except for a long path or name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from importer.cli.width import wrap
from importer.i18n import number, percent, tr
from importer.results.wording import meanings_of

if TYPE_CHECKING:
    from collections import Counter

    from importer.errors import ImporterError
    from importer.records import Status

COLUMNS = 80


def error_lines(error: ImporterError, columns: int | None = COLUMNS) -> list[str]:
    """Return an error in its three parts: what, why, what to do.

    None for `columns`: one line each, however long.
    """
    parts = [(tr("Error:"), error.what), ("  " + tr("why:"), error.why)]
    parts.append(("  " + tr("fix:"), error.fix))
    lines: list[str] = []
    for name, text in parts:
        if text:
            lines += wrap(text, columns or len(name) + len(text) * 2 + 1, f"{name} ")
    return lines


def counted_lines(counts: Counter[Status]) -> list[str]:
    """Return one line for each status that occurs: the number, the status, what it means."""
    shown = [(number(count), status) for status, count in counts.items() if count]
    if not shown:
        return ["  " + tr("no rows")]
    numbers = max(len(count) for count, _ in shown)
    names = max(len(status) for _, status in shown)
    meanings = meanings_of()
    return [f"  {n:>{numbers}} {status:<{names}}  {meanings[status]}" for n, status in shown]


def percent_column(share: float | None) -> str:
    """Return a share in as many letters as 100% takes, spaces for None."""
    text = "" if share is None else percent(share)
    return f"{text:>{len(percent(1))}}"
