"""The fleet as a table for people, in local time."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from importer.cli.render import COLUMNS
from importer.cli.width import cut, pad, width, wrap
from importer.i18n import number, tr, trn

if TYPE_CHECKING:
    from collections.abc import Mapping

    from importer.fleet.status import BrandStatus, Status

_NAME = 24  # columns at most
_TIME = len("24.11. 23:30")
_DONE = len("1,000,000/1,000,000")


def status_lines(status: Status) -> list[str]:
    """Return a line for each brand, with what is wrong below it; then workers and queue."""
    states = _states()
    titles = (tr("brand"), tr("state"), tr("since"), tr("done"), tr("until"))
    names = max(width(text) for text in (*(brand.name for brand in status.brands), titles[0]))
    columns = max(width(text) for text in (*states.values(), titles[1]))
    others = columns + _TIME + _DONE + _TIME + 4 * len("  ")
    names = min(names, _NAME, COLUMNS - others)
    head = f"{pad(titles[0], names)}  {pad(titles[1], columns)}  {pad(titles[2], _TIME)}  "
    lines = [f"{head}{titles[3]:>{_DONE}}  {titles[4]}"]
    for brand in status.brands:
        line = f"{pad(cut(brand.name, names), names)}  {pad(states[brand.state], columns)}  "
        line += f"{_time(brand.since):<{_TIME}}  {_done(brand):>{_DONE}}  {_time(brand.finish)}"
        lines.append(line.rstrip())
        for text in _remarks(brand, late=brand.name in status.late):
            lines += wrap(text, COLUMNS, "  ")
    lines.append("")
    for worker in status.workers:
        lines.append(
            tr(
                "worker {name}: {running} of {slots} slots, seen {when}",
                name=worker["name"],
                running=number(worker["running"]),
                slots=number(worker["slots"]),
                when=_time(worker["seen"]),
            )
        )
    if not status.workers:
        lines.append(tr("no worker"))
    lines.append(
        tr(
            "{waiting} waiting, {running} running",
            waiting=number(status.waiting),
            running=number(status.running),
        )
    )
    if many := sum(brand.needs_person for brand in status.brands):
        lines.append(trn("{n} brand needs a person", "{n} brands need a person", many))
    return lines


def _states() -> Mapping[str, str]:
    return {
        "idle": tr("idle"),
        "waiting": tr("waiting"),
        "running": tr("running"),
        "paused": tr("paused"),
        "failed": tr("failed"),
    }


def _remarks(brand: BrandStatus, *, late: bool) -> list[str]:
    """Return what else there is to say of a brand."""
    remarks = []
    if late:
        remarks.append(tr("late: it has waited for over an hour"))
    if brand.error:
        remarks.append(brand.error)
    elif brand.needs_person:
        remarks.append(tr("rows need a person: see its results"))
    if brand.state == "running" and brand.worker:
        remarks.append(tr("at {worker}", worker=brand.worker))
    return remarks


def _done(brand: BrandStatus) -> str:
    if brand.rows is None:
        return ""
    return f"{number(brand.done or 0)}/{number(brand.rows)}"


def _time(moment: str | None) -> str:
    if moment is None:
        return ""
    return f"{datetime.fromisoformat(moment).astimezone():%d.%m. %H:%M}"
