"""Fixes beside a sheet: apply them, and word their remarks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from importer.fixes.apply import Applied, apply_acts
from importer.fixes.log_file import fixes_path, load_log
from importer.i18n import number, tr, trn
from importer.text import shorten

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from importer.fixes.log_file import Log
    from importer.pipeline.options import SheetOptions
    from importer.records import Sheet

_NAMED = 10  # rows of fixes that no longer fit that are named


@dataclass(frozen=True, slots=True)
class Fixes:
    """The fixes of a sheet: where they are kept, the acts, and the sheet with them applied."""

    path: Path
    log: Log
    as_read: Sheet
    applied: Applied

    def as_dict(self) -> dict[str, int]:
        """Return the counts as JSON has them."""
        return {
            "cells": self.applied.changed,
            "left_out": len(self.applied.left_out),
            "unfit": len(self.applied.unfit),
        }


def load_fixes(as_read: Sheet, path: Path | None, options: SheetOptions) -> Fixes | None:
    """Return the fixes that `options` name, else those beside the sheet; None: there are none.

    `path` is where the sheet is, None where it is no file. Raises UsageError when the fixes can't
    be read.
    """
    place = options.fixes
    if place is None and path is not None and str(path) != "-":
        beside = fixes_path(path)
        place = beside if beside.is_file() else None
    if place is None or options.no_fixes:
        return None
    log = load_log(place)
    return Fixes(place, log, as_read, apply_acts(as_read, log.acts))


def fix_counts(fixes: Fixes | None) -> dict[str, Any]:
    """Return what the summary has of fixes, if there are any."""
    return {"fixes": fixes.as_dict()} if fixes else {}


def fix_remarks(fixes: Fixes | None, secret: Collection[int]) -> dict[int, str]:
    """Return row → which of its cells were fixed, and what they were."""
    if fixes is None:
        return {}
    headers = fixes.as_read.headers
    remarks = {
        row: "; ".join(
            _remark(headers[column], None if column in secret else was)
            for column, was in cells.items()
        )
        for row, cells in fixes.applied.cells.items()
    }
    taken_in = {
        row: tr("taken in by hand ({why})", why=tr(why))
        for row, why in fixes.applied.taken_in.items()
    }
    return both(taken_in, remarks)


def both(remarks: dict[int, str], others: dict[int, str]) -> dict[int, str]:
    """Return the remarks of both about each row, joined."""
    if not (remarks and others):
        return remarks or others
    rows = remarks.keys() | others.keys()
    return {row: "; ".join(filter(None, (remarks.get(row), others.get(row)))) for row in rows}


def fix_notes(fixes: Fixes | None) -> tuple[str, ...]:
    """Return remarks about the fixes as a whole."""
    if fixes is None:
        return ()
    applied, name = fixes.applied, fixes.path.name
    parts = []
    if applied.changed:
        parts.append(trn("{n} cell fixed by hand", "{n} cells fixed by hand", applied.changed))
    if applied.left_out:
        parts.append(trn("{n} row left out", "{n} rows left out", len(applied.left_out)))
    if applied.unfit:
        unfit = trn(
            "{n} fix no longer fits the sheet ({where})",
            "{n} fixes no longer fit the sheet ({where})",
            len(applied.unfit),
            where=_where(applied),
        )
        parts.append(unfit)
    notes = [f"{name}: {', '.join(parts)}"] if parts else []
    if fixes.log.torn:
        notes.append(tr("{name}: its last line was cut off, and is ignored", name=name))
    if fixes.log.of and fixes.log.of != fixes.as_read.name:
        notes.append(
            tr("{name}: the fixes were made in «{sheet}»", name=name, sheet=fixes.log.of[:60])
        )
    return tuple(notes)


def _remark(header: str, was: str | None) -> str:
    column = header or tr("(no header)")
    if was is None:
        return tr("{column}: fixed", column=column)
    if not was:
        return tr("{column}: fixed, was empty", column=column)
    return tr("{column}: fixed, was «{text}»", column=column, text=shorten(was, 60))


def _where(applied: Applied) -> str:
    """Return the rows and columns of the fixes that no longer fit, the first few."""
    places = dict.fromkeys(
        tr("row {row}", row=each.row)
        if each.row is not None
        else tr("column «{column}»", column=shorten(each.column or "", 40))
        for each in applied.unfit
    )
    shown = list(places)[:_NAMED]
    if (more := len(places) - _NAMED) > 0:
        shown.append(tr("and {n} more", n=number(more)))
    return ", ".join(shown)
