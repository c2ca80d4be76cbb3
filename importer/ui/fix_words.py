"""Words about fixes: the acts of a log, and the bar below every page. Needs no pandas."""

from __future__ import annotations

import contextlib
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from importer.errors import UsageError
from importer.fixes.acts import LeaveOut, SetText, TakeBack, TakeIn, standing
from importer.fixes.log_file import Log, load_log
from importer.i18n import date_and_time, tr, trn
from importer.text import shorten, strip_control

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from importer.fixes.acts import Act, Fix
    from importer.ui.work import Work

_LETTERS = 40  # of a text


class Bar(NamedTuple):
    """The newest fix that holds, for the foot of a page."""

    act: Fix
    saved: str  # when, in words
    fixes: int
    last: str

    @property
    def n(self) -> int:
        """Return the number of the fix."""
        return self.act.n


class Line(NamedTuple):
    """A fix as the log of them shows it."""

    n: int
    when: str
    words: str
    holds: bool
    unfit: bool


def log_of(work: Work) -> Log:
    """Return the fixes of a sheet as they are on disk; none where they can't be read."""
    judged = work.opened.fixes if work.opened else None
    if judged and not work.stale:
        return judged.log
    path = work.fixes_file
    with contextlib.suppress(UsageError):  # the pages of the sheet say so
        if path.is_file():
            return load_log(path)
    return Log()


def bar_of(work: Work) -> Bar | None:
    """Return what the foot of a sheet's pages says of its fixes, None where none holds."""
    held = standing(log_of(work).acts)
    if not held:
        return None
    last = held[-1]
    words = act_words(last, counts_of(work).get(last.n))
    if more := len(of_one_click(held)) - 1:
        words += ", " + trn("with {n} more fix", "with {n} more fixes", more)
    return Bar(last, when(last), len(held), words)


def of_one_click(held: Sequence[Fix]) -> list[Fix]:
    """Return the last of some fixes, and those before it that the same click made.

    A click makes several where it sets cells of several columns: in one second, one a column.
    """
    last = held[-1]
    found: dict[str, Fix] = {}
    for act in reversed(held):
        if not isinstance(act, SetText) or act.row is not None or act.column in found:
            break
        if not act.at or act.at != last.at:
            break
        found[act.column] = act
    return list(found.values()) or [last]


def counts_of(work: Work) -> Mapping[int, int]:
    """Return act → how many cells or rows it set, by the newest judgement."""
    fixes = work.opened.fixes if work.opened else None
    return fixes.applied.counts if fixes else {}


def lines_of(work: Work) -> list[Line]:
    """Return all fixes of a sheet, the newest first."""
    acts = log_of(work).acts
    held = {act.n for act in standing(acts)}
    counts = counts_of(work)
    fixes = work.opened.fixes if work.opened else None
    unfit = {each.n for each in fixes.applied.unfit} if fixes else set()
    return [
        Line(act.n, when(act), act_words(act, counts.get(act.n)), act.n in held, act.n in unfit)
        for act in reversed(acts)
        if not isinstance(act, TakeBack)
    ]


def act_words(act: Fix, count: int | None) -> str:
    """Return a fix in words. `count` is how many cells it set, None where that isn't known."""
    if isinstance(act, LeaveOut | TakeIn):
        return _row_words(act)
    if act.row is not None:
        return tr(
            "row {row}, {column}: {was} → {text}",
            row=act.row,
            column=act.column,
            was=quoted(act.was[0]),
            text=quoted(act.texts[0]),
        )
    words = tr(
        "{column}: {was} → {text}",
        column=act.column,
        was=quoted(act.was[0]),
        text=quoted(act.texts[0]),
    )
    if more := len(act.was) - 1:
        words += " " + trn("and {n} more text", "and {n} more texts", more)
    if count is None:
        return words
    return words + " · " + trn("{n} cell", "{n} cells", count)


def quoted(text: str) -> str:
    """Return a text of a cell as words show it."""
    shown = shorten(strip_control(text), _LETTERS)
    return f"«{shown}»" if shown else tr("(empty)")


def when(act: Act) -> str:
    """Return when an act was made, as the clock of this machine says; "" where it isn't noted."""
    with contextlib.suppress(ValueError):
        moment = datetime.fromisoformat(act.at).astimezone()
        today = moment.date() == datetime.now().astimezone().date()
        return f"{moment:%H:%M}" if today else date_and_time(moment)
    return ""


def _row_words(act: LeaveOut | TakeIn) -> str:
    rows = len(act.rows)
    if isinstance(act, TakeIn):
        if rows == 1:
            return tr("row {row} taken in", row=act.rows[0])
        return trn("{n} row taken in", "{n} rows taken in", rows)
    if rows == 1:
        return tr("row {row} left out", row=act.rows[0])
    return trn("{n} row left out", "{n} rows left out", rows)
