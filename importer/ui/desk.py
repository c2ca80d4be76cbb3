"""Memory of the page about planning and sending, from one request to the next.

All of it may be lost: a plan is old after minutes, and the journal has what was sent.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from importer.pipeline.offline import check_outputs
from importer.records import Status
from importer.ui.sending import Planned, Sent, make_plan, send_planned
from importer.ui.site import SITE
from importer.ui.tasks import Tasks

if TYPE_CHECKING:
    from pathlib import Path

    from aiohttp import web

    from importer.clopos import Existing
    from importer.matching.verdicts import Answer
    from importer.pipeline.options import Output, SendOptions
    from importer.pipeline.prepare import Prepared
    from importer.pipeline.sign_in import SignedIn
    from importer.plan.rows import KeyedRow
    from importer.settings import Settings
    from importer.ui.events import Streams
    from importer.ui.results_table import ResultsTable
    from importer.ui.site import Site
    from importer.ui.tasks import Task

OLD = 600.0
"""Seconds after which a plan is called old."""

_STILL_TO_SEND = frozenset({Status.PENDING, Status.FAILED, Status.UNKNOWN})


@dataclass(frozen=True, slots=True)
class Keyed:
    """Rows in conflict with their keys, and what they were made of."""

    prepared: Prepared
    settings: Settings
    rows: dict[int, KeyedRow]

    def is_of(self, prepared: Prepared, settings: Settings, rows: frozenset[int]) -> bool:
        """Return whether these are the rows of a prepared sheet for a brand."""
        same = self.prepared is prepared and self.settings == settings
        return same and self.rows.keys() == rows


@dataclass(slots=True)
class Sheet:
    """Memory of one sheet.

    `planned` is the newest plan; `sent` says that a part of it was sent, or all; `outdated` that a
    decision was made since. `accept` are codes of questions that planning asked and that were
    answered, `chosen` are fields of SendOptions. `decided` is row → its answer, of this start and
    earlier ones; `keyed` are the rows in conflict with their keys.
    `holders` is id → customer at Clopos, None where there is none. `earlier` is id → when, of
    customers that an earlier run of the sheet created.
    """

    chosen: dict[str, Any] = field(default_factory=dict)
    planned: Planned | None = None
    sent: bool = False
    outdated: bool = False
    accept: tuple[str, ...] = ()
    decided: dict[int, Answer] = field(default_factory=dict)
    keyed: Keyed | None = None
    holders: dict[str, Existing | None] = field(default_factory=dict)
    results: ResultsTable | None = None
    earlier: dict[str, float] = field(default_factory=dict)

    def is_current(self, prepared: Prepared, settings: Settings) -> bool:
        """Return whether the plan is of the sheet as it is now, and leads where settings lead."""
        planned = self.planned
        return (
            planned is not None
            and planned.source is prepared
            and planned.settings == settings
            and not self.outdated
        )


class Desk:
    """The tasks of this start, and what is remembered of each sheet by its name."""

    def __init__(self) -> None:
        self.tasks = Tasks()
        self.seen: SignedIn | None = None  # where credentials were found to lead
        self.streams: Streams | None = None
        self._sheets: dict[str, Sheet] = {}

    def sheet(self, name: str) -> Sheet:
        """Return what is remembered of a sheet."""
        return self._sheets.setdefault(name, Sheet())

    def reworded(self, name: str, before: Prepared, now: Prepared) -> None:
        """Keep the plan of a sheet that was prepared again only for another language."""
        sheet = self.sheet(name)
        if sheet.planned and sheet.planned.source is before:
            sheet.planned = replace(sheet.planned, source=now)

    def plan(self, name: str, prepared: Prepared, settings: Settings, options: SendOptions) -> Task:
        """Start to plan a sheet. Raises UsageError while another task is in progress."""
        sheet = self.sheet(name)
        options = replace(options, dry_run=True)

        def work(task: Task) -> Planned:
            planned = task.run(
                lambda stop: make_plan(
                    prepared, settings, options, task.watch, stop, accept=sheet.accept
                )
            )
            sheet.planned, sheet.sent, sheet.outdated = planned, False, False
            sheet.decided = {}  # the plan has followed them
            sheet.holders |= planned.holders
            return planned

        return self.tasks.start("plan", name, work)

    def send(self, name: str, seen: Planned, limit: int | None, output: Output) -> Task:
        """Start to send a plan that was seen, at most `limit` rows of it; or what is left of it.

        Raises UsageError while another task is in progress, or `output` can't be written.
        """
        sheet = self.sheet(name)
        limit = seen.options.limit if limit is None else limit
        options = replace(seen.options, dry_run=False, limit=limit)
        check_outputs(seen.prepared.path, seen.prepared.options, output)
        resumed = sheet.sent

        def work(task: Task) -> Sent:
            sent = task.run(
                lambda stop: send_planned(
                    seen, options, output, task.watch, stop, resumed=resumed, on_sent=task.sent
                )
            )
            error = sent.result.error
            if sent.planned and error and error.code == "changed":
                sheet.planned, sheet.sent = sent.planned, False
                sheet.outdated = limit is not None  # it has the first rows only
            elif sent.planned:
                sheet.planned = replace(seen, outcomes=sent.planned.outcomes)
                sheet.sent = True
            if sent.planned:
                sheet.holders |= sent.planned.holders
            sheet.earlier |= sent.earlier
            return sent

        return self.tasks.start("run", name, work, options.windows)

    def left_to_send(self, name: str) -> int:
        """Return how many rows of a sheet's newest plan are still to be sent."""
        sheet, run = self.sheet(name), self.tasks.last("run", name)
        if not sheet.planned:
            return 0
        rows = sheet.planned.plan.to_send
        if not (sheet.sent and run and isinstance(run.value, Sent)):
            return len(rows)
        outcomes = run.value.result.outcomes
        return sum(outcomes[row].status in _STILL_TO_SEND for row in rows)

    def end(self) -> None:
        """Stop the task in progress, and return when it has ended."""
        while task := self.tasks.current:
            task.stop()
            self.tasks.join(1.0)


def desk_of(request: web.Request) -> Desk:
    """Return the desk of this start."""
    return desk_at(request.app[SITE])


def desk_at(site: Site) -> Desk:
    """Return the desk of a start; the first call makes it."""
    if site.desk is None:
        site.desk = Desk()
    return site.desk


async def settings_of(request: web.Request, path: Path) -> Settings:
    """Return the settings of a sheet. Raises UsageError for a file .env that can't be used."""
    return await asyncio.to_thread(request.app[SITE].settings, path)
