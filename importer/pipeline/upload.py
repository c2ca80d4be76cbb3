"""The second half of the route, online: rows that are ready → what became of each.

Plan, pace, journal and API come together here and nowhere else.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections import Counter
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

from importer.clean.groups import look_up
from importer.clopos import Clopos, Quota, Requests, default_rates, parse_rates
from importer.clopos.stats import Timeline
from importer.errors import ImporterError, ServiceError, StoppedError, UsageError
from importer.i18n import tr
from importer.matching.keys import customers
from importer.plan.compare import Comparison
from importer.plan.decide import TOKEN_SECONDS
from importer.plan.schedule import next_at
from importer.records import Outcome, Status
from importer.report.facts import Sending
from importer.results.payloads import write_payloads
from importer.send.job import Job, SendOptions, stopped
from importer.settings import read_settings
from importer.store.failure_budget import Failures
from importer.store.sqlite_journal import Journal
from importer.store.sqlite_snapshot import Snapshot
from importer.store.state import brand_folder, hold

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import pandas as pd

    from importer.clean.groups import Wanted
    from importer.plan.decide import Plan
    from importer.progress import Viewer
    from importer.records import Customer
    from importer.report.facts import Facts
    from importer.settings import Settings

__all__ = ["SendOptions", "Uploaded", "stopped", "upload"]

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Uploaded:
    """What became of the rows, what it took, and what ended it early (None: nothing).

    `plan` is None when it couldn't be made.
    """

    outcomes: dict[int, Outcome]
    requests: Requests
    error: ImporterError | None
    sending: Sending
    plan: Plan | None
    remarks: dict[int, str] = field(default_factory=dict)  # row → what else to say of it


async def upload(
    values: pd.DataFrame,
    settings: Settings,
    options: SendOptions,
    viewer: Viewer,
    stop: asyncio.Event,
    *,
    facts: Facts,
    results: Path,
    payloads: Path | None = None,
    on_start: Callable[[asyncio.Event], None] = lambda _: None,
    groups: Wanted | None = None,
    now: Callable[[], float] = time.time,
) -> Uploaded:
    """Send the rows of `values` (a column for each of FIELDS, row number as index).

    Against Clopos, or a sandbox that is started for it. When `stop` is set, what is in flight is
    finished and nothing more is sent; `on_start` is given it when the first row is about to go.
    `facts` of the sheet and `results`, a whole path, are noted in the journal; `now` is the wall
    clock in epoch seconds.

    Raises UsageError or ServiceError when nothing could be begun.
    """
    async with AsyncExitStack() as stack:
        if options.sandbox:
            settings = await _sandbox(stack, settings, viewer)
        folder = brand_folder(settings)
        stack.enter_context(hold(folder, facts.file))
        journal = stack.enter_context(Journal(folder / "journal.sqlite", now=now))
        for note in journal.notes:
            viewer.say(note)
        quota = _quota(settings, options, journal, now)
        timeline = Timeline(asyncio.get_running_loop().time)

        def on_request() -> None:
            journal.request_left()
            timeline.count(api.requests.throttled)

        failures = stack.enter_context(Failures(folder.parent / "failures.sqlite", now))

        deadline = None if options.finish_by is None else next_at(options.finish_by, now())
        api = await stack.enter_async_context(
            Clopos(
                settings,
                quota,
                timeout=options.timeout,
                give_up_after=options.pace.give_up_after,
                now=now,
                on_request=on_request,
                on_failure=partial(_failed, failures, quota),
            )
        )
        values, remarks = await look_up(values, groups, api.groups)
        snapshot = stack.enter_context(Snapshot(folder / "snapshot.sqlite", journal.key))
        rows = partial(customers, values, base_url=settings.base_url, brand=settings.brand)
        if payloads:
            _write(payloads, rows(), viewer)
        known = Comparison(rows, journal, snapshot)
        job = Job(known, api, options, viewer, stop, quota, deadline)
        run = 0 if options.dry_run else journal.begin(facts.file)
        error: ImporterError | None = None
        sending = Sending()
        plan: Plan | None = None
        _log.info("%s: %d rows are ready", facts.file, len(values))
        try:
            plan = await job.plan(run)
            sending = _planned(plan, quota, api.requests, dry_run=options.dry_run)
            _log.info("plan: %s", json.dumps(plan.as_dict()))
            if not viewer.planned(plan, dry_run=options.dry_run):
                raise StoppedError(
                    tr("Nothing was sent"), todo=tr("run the command again to send them")
                )
            if not options.dry_run:
                on_start(stop)
                await job.send(plan)
        except ImporterError as caught:
            error = caught
        finally:
            try:
                await journal.flush()
            except ServiceError as broken:
                error = error or broken
        sending = replace(
            sending,
            requests=api.requests.as_dict(),
            timeline=timeline.minutes(api.requests.throttled),
        )
        uploaded = Uploaded(job.outcomes, api.requests, error, sending, plan, remarks)
        _log_end(uploaded)
        if not options.dry_run:
            _note_end(journal, uploaded, facts, str(results), seconds=timeline.seconds())
        return uploaded


def _write(payloads: Path, rows: Iterator[Customer], viewer: Viewer) -> None:
    with viewer.busy(tr("writing {path}", path=payloads)):
        write_payloads(payloads, rows)


async def _sandbox(stack: AsyncExitStack, settings: Settings, viewer: Viewer) -> Settings:
    """Start a sandbox and return the settings that lead to it."""
    # Late: nobody who sends to Clopos needs a server.
    from importer.sandbox import Config, serve  # noqa: PLC0415

    sandbox = await stack.enter_async_context(serve(Config()))
    viewer.say(tr("A sandbox of Clopos is at {url}, for this run only", url=sandbox.url))
    return replace(read_settings(sandbox.env(2)), state_dir=settings.state_dir)


def _quota(
    settings: Settings, options: SendOptions, journal: Journal, now: Callable[[], float]
) -> Quota:
    """Return the pace, with what left within its windows before this run.

    Raises UsageError where each token would be used up before its first request may leave.
    """
    rates = parse_rates(options.rate) if options.rate else default_rates(settings.version)
    longest = max((rate.seconds for rate in rates), default=0.0)
    left = [now() - sent for sent in journal.recent_requests(longest)]
    quota = Quota(rates, reserve=options.reserve, recent=left)
    if any(window.allowed < 2 and window.length > TOKEN_SECONDS for window in quota.windows):
        raise UsageError(
            tr("--rate and --reserve leave room for nothing but signing in"),
            why=tr("a token is good for an hour, and the next request would have to wait longer"),
            todo=tr("allow two requests an hour at least"),
        )
    return quota


def _failed(failures: Failures, quota: Quota) -> None:
    """Count a failed answer, and rest when those of this machine come near what blocks it."""
    if quota.windows and (seconds := failures.add()):
        _log.warning(
            "%.0f seconds without requests: the failed answers of all brands of this machine come "
            "near the 600 a minute for which Clopos blocks an address",
            seconds,
        )
        quota.rest(seconds)


def _note_end(
    journal: Journal, uploaded: Uploaded, facts: Facts, results: str, *, seconds: float
) -> None:
    statuses = Counter(str(outcome.status) for outcome in uploaded.outcomes.values())
    done = uploaded.error is None and not statuses[Status.UNKNOWN]
    told = facts.ended(statuses, uploaded.sending, uploaded.error, seconds=seconds)
    before = journal.carried_on.get("spent") or {"requests": {}, "seconds": 0.0}
    requests = Counter(before["requests"])
    requests.update(uploaded.requests.as_dict())
    spent = {"requests": requests, "seconds": before["seconds"] + seconds}
    summary = {**statuses, "report": told.as_dict(), "spent": spent}
    journal.finish(done=done, results=results, summary=summary)


def _log_end(uploaded: Uploaded) -> None:
    counts = Counter(str(outcome.status) for outcome in uploaded.outcomes.values())
    _log.info("requests: %s; rows: %s", json.dumps(uploaded.requests.as_dict()), json.dumps(counts))
    if uploaded.error:
        _log.error("ended early: %s", uploaded.error.what)


def _planned(plan: Plan, quota: Quota, spent: Requests, *, dry_run: bool) -> Sending:
    """Return what sending is to cost, with what planning has cost already."""
    price = plan.price
    limits = (window.rate.limit / window.rate.seconds * 60 for window in quota.windows)
    return Sending(
        creates=price.creates,
        reads=price.reads + spent.reads,
        sign_ins=price.sign_ins + spent.auths,
        minutes=price.minutes,
        per_minute=quota.per_minute,
        quota=min(limits, default=None),
        dry_run=dry_run,
    )
