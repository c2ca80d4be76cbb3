"""Tasks about a prepared sheet: plan, send, rehearse, verify.

All of it is the pipeline's own steps, in the order of the commands.
"""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from importer.errors import ImporterError, StoppedError
from importer.i18n import tr
from importer.pipeline.online import finish_run, send_plan, write_bodies
from importer.pipeline.session import open_prepared, recorded
from importer.records import Status

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Collection, Mapping

    from importer.clopos import Existing
    from importer.pipeline.options import Output, SendOptions
    from importer.pipeline.prepare import Prepared
    from importer.pipeline.result import Result
    from importer.pipeline.upload import Upload
    from importer.plan.decide import Plan
    from importer.progress import ProgressReporter
    from importer.records import Outcome
    from importer.results.summary import Target
    from importer.settings import Settings

FEW_CONFLICTS = 10
"""Conflicts whose customers are read as soon as they are found: one request each."""

_MORE = 0.05  # of its cost by which a plan may have grown since it was seen
_MORE_REQUESTS = 10


@dataclass(frozen=True, slots=True)
class Planned:
    """A plan that a page shows, and what it was made of.

    `source` is the sheet as it was judged, `prepared` the same with what was accepted since.
    `outcomes` is row → what is known of rows that aren't sent; `holders` are customers whom
    conflicts name, by id, as far as they were read. `at` is when it was made (epoch seconds).
    """

    source: Prepared
    prepared: Prepared
    settings: Settings
    options: SendOptions
    plan: Plan
    target: Target
    outcomes: Mapping[int, Outcome]
    holders: Mapping[str, Existing] = field(default_factory=dict)
    at: float = field(default_factory=time.time)


@dataclass(frozen=True, slots=True)
class Sent:
    """Result of a run, and the plan that it made itself (None: it couldn't be made).

    `earlier` is id → when, of customers that earlier runs of this sheet created (epoch seconds).
    """

    result: Result
    planned: Planned | None
    earlier: Mapping[str, float] = field(default_factory=dict)


def changed() -> StoppedError:
    """Return what ends a run whose plan is no longer the one that was seen."""
    return StoppedError(
        tr("Clopos has changed since the plan was made; nothing was sent"),
        fix=tr("look at the new plan, then send it"),
        code="changed",
    )


async def make_plan(
    prepared: Prepared,
    settings: Settings,
    options: SendOptions,
    reporter: ProgressReporter,
    stop: asyncio.Event,
    *,
    accept: tuple[str, ...] = (),
) -> Planned:
    """Plan a sheet and send nothing. The brand is locked meanwhile, and free afterwards.

    `accept` are codes of questions about the rows that were answered.

    Raises UsageError, ServiceError when it can't be planned, StoppedError when `stop` is set.
    """
    source = prepared
    accepted = (*source.options.accept, *accept)
    prepared = replace(source, options=replace(source.options, accept=accepted))
    async with open_prepared(prepared, settings, options, reporter=reporter) as upload:
        plan = await upload.plan(stop)
        held = holders_of(upload.outcomes.values())
        if len(held) <= FEW_CONFLICTS:
            await upload.name_holders(held)
        return Planned(
            source,
            prepared,
            settings,
            options,
            plan,
            upload.target,
            upload.outcomes,
            upload.holders,
        )


def holders_of(outcomes: Collection[Outcome]) -> list[str]:
    """Return the ids of customers that undecided conflicts name."""
    ids = (
        outcome.existing_id
        for outcome in outcomes
        if outcome.status is Status.CONFLICT and not outcome.decided and outcome.existing_id
    )
    return list(dict.fromkeys(ids))


async def send_planned(
    seen: Planned,
    options: SendOptions,
    output: Output,
    reporter: ProgressReporter,
    stop: asyncio.Event,
    *,
    resumed: bool = False,
    on_sent: Callable[[], None] = lambda: None,
) -> Sent:
    """Plan a sheet again and send it, if that is what was seen; write the results.

    `options` may have a lower limit than those of the plan. `resumed`: a part of the plan was sent
    already, the rest is to follow. `on_sent` is called when nothing is in flight any more: to write
    the results of a large sheet takes a while.

    That `output` can be written is checked by the caller. Raises UsageError, ServiceError when
    nothing could be begun. What ends a run later is in the result.
    """
    started = time.monotonic()
    prepared, settings, plan = seen.prepared, seen.settings, None
    async with open_prepared(prepared, settings, options, reporter=reporter) as upload:
        write_bodies(prepared, upload, output, reporter)
        async with recorded(upload):
            plan = await upload.plan(stop)
            if not is_as_seen(plan, seen.plan, options.limit, resumed=resumed):
                raise changed()
            await send_plan(upload, plan, stop, reporter)
        on_sent()
        result = await finish_run(
            prepared,
            upload,
            output,
            settings,
            started=started,
            plan=plan,
            stop=stop,
            reporter=reporter,
        )
        planned = None
        if plan:
            planned = replace(
                seen,
                plan=plan,
                outcomes=upload.outcomes,
                holders={**seen.holders, **upload.holders},
                at=time.time(),
            )
        return Sent(result, planned, await _created_earlier(upload, str(prepared.path)))


async def _created_earlier(upload: Upload, sheet: str) -> dict[str, float]:
    """Return id → when, of customers in the results that earlier runs of the sheet created."""
    outcomes = upload.outcomes.values()
    ids = {each.clopos_id for each in outcomes if each.status is Status.EXISTS and each.clopos_id}
    found: dict[str, float] = {}
    journal = upload.store.journal
    with contextlib.suppress(ImporterError):  # words only: the results are written
        for run in await journal.runs() if ids else ():
            if run.file == sheet and run.id != upload.run:
                created = await journal.created_by(run.id)
                found |= {e.clopos_id: e.changed for e in created if e.clopos_id in ids}
    return found


def is_as_seen(new: Plan, seen: Plan, limit: int | None, *, resumed: bool) -> bool:
    """Return whether a plan may be sent because another one was seen and confirmed.

    It creates the same rows, of those at most the first `limit`; where the rest is sent after a
    part, no others. And it costs hardly more.
    """
    confirmed = list(seen.to_send)
    if resumed:
        same = set(confirmed).issuperset(new.to_send)
    else:
        same = list(new.to_send) == confirmed[:limit]
    most = seen.price.requests * (1 + _MORE) + _MORE_REQUESTS
    return same and new.price.requests <= most
