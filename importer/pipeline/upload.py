"""The online half: prepared rows → a plan, and the outcome of each row.

Rate limiter, journal, snapshot and API of one brand come together here and nowhere else.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import logging
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeVar

from importer.errors import ImporterError, StoppedError
from importer.i18n import tr
from importer.plan.compare import CompareOptions, Comparison, compare, remember, remember_sent
from importer.plan.cost import with_times
from importer.plan.decide import Approach, Plan
from importer.plan.estimate import done_at, seconds_left
from importer.plan.forecast import Progress
from importer.plan.gather import variants_of
from importer.plan.history import evidence_of_invalid, rows_of_customers
from importer.plan.schedule import next_at, opening
from importer.plan.words import with_name
from importer.progress import SendProgress
from importer.records import Outcome, Status
from importer.report.facts import Sending
from importer.send.lookup import Holders
from importer.send.newcomers import Newcomers
from importer.send.recorder import OutcomeRecorder
from importer.send.sender import send
from importer.store.records import RunEnd

if TYPE_CHECKING:
    from collections.abc import (
        AsyncGenerator,
        AsyncIterator,
        Callable,
        Coroutine,
        Iterable,
        Iterator,
    )

    import pandas as pd

    from importer.clopos import Clopos, Existing, RateLimiter
    from importer.clopos.stats import Timeline
    from importer.pipeline.options import SendOptions, SheetOptions
    from importer.plan.gather import Statements
    from importer.plan.rows import Rows
    from importer.progress import ProgressReporter
    from importer.records import Customer
    from importer.report.facts import Facts
    from importer.results.summary import Target
    from importer.store.base import Store

T = TypeVar("T")

_log = logging.getLogger(__name__)
_WRITING = 5.0  # seconds for the results of a run that stops in time
_LOG_EVERY = 60.0  # seconds


@dataclass(slots=True)
class Upload:
    """One brand, opened to be sent to: its lock is held, its store open, its API at hand.

    `invalid` are the values of the rows that can't be sent, as far as they could be read.
    `outcomes` is row → its outcome, for rows that have one. `remarks` is row → what else to say
    about it. `holders` are the customers that were read because a conflict names
    them, by id. `error` is what ended planning or sending early, None: nothing.
    """

    target: Target
    options: SendOptions
    choices: SheetOptions
    rows: Rows
    invalid: pd.DataFrame
    statements: Statements
    sheet: str  # the name by which earlier runs know the sheet
    region: str
    api: Clopos
    limiter: RateLimiter
    store: Store
    timeline: Timeline
    now: Callable[[], float]  # the wall clock, in epoch seconds
    reporter: ProgressReporter
    remarks: dict[int, str]
    run: int = 0  # its number in the journal; 0: a dry run
    outcomes: dict[int, Outcome] = field(default_factory=dict)
    holders: dict[str, Existing] = field(default_factory=dict)
    error: ImporterError | None = None
    begun: bool = False  # whether a row may have been sent
    sending: Sending = field(default_factory=Sending)
    _comparison: Comparison | None = None

    def bodies(self) -> Iterator[Customer]:
        """Yield the valid rows as they are sent, or would be; made one by one."""
        planned = self._comparison.plan.decided.variants if self._comparison else {}
        return self.rows.customers(variants=planned)

    async def plan(self, stop: asyncio.Event | None = None) -> Plan:
        """Compare the rows with the journal and with what is at Clopos.

        Raises ServiceError, or StoppedError when `stop` is set meanwhile.
        """
        options, now = self.options, self.now()
        comparison = await _unless(
            stop,
            compare(
                self.rows,
                self.store,
                self.api,
                self.limiter,
                _compare_options(options, self.choices),
                statements=self.statements,
                run=self.run,
                sheet=self.sheet,
                region=self.region,
                venue=self.target.venue or "",
                reporter=self.reporter,
                now=self.now,
            ),
        )
        deadline = None if options.finish_by is None else next_at(options.finish_by, now)
        if not (comparison.plan.decided.to_send or self.api.requests.total):
            # Credentials that expired are to be noticed before the night that needs them.
            await _unless(stop, self.api.count_customers())
        price = with_times(
            comparison.plan.price,
            lambda requests: done_at(self.limiter, options.windows, requests, self.now()),
            deadline,
            _ending(options),
        )
        plan = comparison.plan = replace(comparison.plan, price=price)
        self._comparison = comparison
        self.outcomes.update((outcome.row, outcome) for outcome in plan.outcomes)
        self.sending = _planned(plan, self.limiter, self.api, dry_run=options.dry_run)
        if not options.dry_run:
            await remember(comparison, self.store, self.run)
        _log.info("plan: %s", json.dumps(plan.as_dict()))
        return plan

    async def send(
        self, plan: Plan, stop: asyncio.Event | None = None
    ) -> AsyncGenerator[SendProgress]:
        """Send what the plan says, in the hours that are given; yield about once a second.

        When `stop` is set, or the deadline of the plan is near, requests in flight are finished
        and nothing more is sent.

        Raises ServiceError or StoppedError when that ends early; `outcomes` holds until then.
        """
        self.begun = True
        stop = stop or asyncio.Event()
        if windows := self.options.windows:
            reserve = self.options.reserve
            self.limiter.set_schedule(lambda: opening(windows, reserve, self.now()))
        deadline = plan.price.deadline
        watching = asyncio.ensure_future(_stop_before(deadline, _ending(self.options), stop, self))
        try:
            async for progress in self._steps(plan, stop):
                yield progress
        finally:
            watching.cancel()
        if stop.is_set():
            raise stopped(deadline if watching.done() and not watching.cancelled() else None)

    async def _steps(self, plan: Plan, stop: asyncio.Event) -> AsyncIterator[SendProgress]:
        comparison, options, decided = self._comparison, self.options, plan.decided
        assert comparison is not None  # noqa: S101 - a plan was made
        self._note_gone(comparison)
        await self.name_holders(comparison.to_name)
        approach = plan.compared.approach
        keep_copy = approach is Approach.LIST
        as_matched = comparison.gathered.evidence_except(decided.variants)
        recorder = OutcomeRecorder(
            self.store,
            comparison.newest_id,
            as_matched,
            keep_copy=keep_copy,
            doubts=comparison.doubts,
        )
        holders = Holders(self.api, self.region, self.store.key, comparison.options)
        newcomers = Newcomers(self.api, holders, recorder)
        spent, log_at = self.api.requests.total, 0.0
        counts: Counter[Status] = Counter()
        loop = asyncio.get_running_loop()
        total = len(decided.to_send)
        steps = send(
            newcomers.pass_over(self.rows.customers(decided.to_send, decided.variants)),
            self.api,
            recorder,
            holders,
            look_up=approach is Approach.LOOK_UP,
            without_cids="cid_not_kept" in comparison.options.accepted,
            tuning=options.tuning,
            stop=stop,
        )
        progress = Progress(total, 0)
        yield self._progress(progress, counts, loop.time())
        watching = asyncio.ensure_future(newcomers.watch()) if keep_copy else None
        try:
            async for step in steps:
                self.outcomes.update((outcome.row, outcome) for outcome in step.outcomes)
                counts.update(outcome.status for outcome in step.outcomes)
                answered = self.api.requests.total - spent - self.limiter.under_way
                progress = Progress(
                    total, counts.total(), step.uncertain, step.ever_uncertain, answered
                )
                shown = self._progress(progress, counts, loop.time())
                if self.now() >= log_at:
                    log_at = self.now() + _LOG_EVERY
                    _log_progress(shown)
                yield shown
        finally:
            if watching:
                watching.cancel()
                await asyncio.gather(watching, return_exceptions=True)
            await steps.aclose()
            left = recorder.take()  # of a generator that was closed early
            self.outcomes.update((outcome.row, outcome) for outcome in left)
            await self.store.people.remember(recorder.looks, self.run)

    async def name_holders(self, ids: Iterable[str]) -> None:
        """Add the holder's name to conflicts: the snapshot has no names."""
        for id_ in ids:
            if holder := await self.api.get(id_):
                self.holders[id_] = holder
        for row, outcome in self.outcomes.items():
            holder = self.holders.get(outcome.existing_id or "")
            if outcome.status is Status.CONFLICT and holder and holder.name:
                self.outcomes[row] = with_name(outcome, holder.name)

    def _note_gone(self, comparison: Comparison) -> None:
        """Note the customers that are created anew: their old cid may still be taken."""
        anew = comparison.plan.decided.anew
        generations = variants_of(comparison.gathered)
        for customer in self.rows.customers(sorted(anew), generations):
            self.store.journal.gone(customer.cid, anew[customer.row])

    def _progress(
        self, progress: Progress, counts: Counter[Status], loop_time: float
    ) -> SendProgress:
        left = seconds_left(
            self.limiter,
            self.options.windows,
            progress,
            settle=self.options.tuning.settle,
            page_size=self.api.page_size,
            now=self.now(),
        )
        return SendProgress(
            total=progress.rows,
            counts=dict(counts),
            per_minute=self.limiter.per_minute,
            throttled=self.api.requests.throttled,
            uncertain=progress.doubtful,
            pause=self.limiter.pause_left(loop_time),
            left=left,
        )

    def ended(self, facts: Facts, seconds: float) -> Facts:
        """Return the facts of the sheet with the outcomes of its rows, after so many seconds."""
        sending = replace(
            self.sending,
            requests=self.api.requests.as_dict(),
            timeline=self.timeline.minutes(),
        )
        return facts.ended(self._statuses(), sending, self.error, seconds=seconds)

    def _statuses(self) -> Counter[str]:
        return Counter(str(outcome.status) for outcome in self.outcomes.values())

    async def finish(self, facts: Facts, results: str, seconds: float) -> Facts:
        """Note in the journal how the run ended; return the facts of it.

        `facts` are those of the sheet, `results` a whole path or "", `seconds` how long it took.
        A journal that can't be written is the error of the run.
        """
        if self.run:
            try:
                await self._note_end(facts, results, seconds)
            except ImporterError as error:  # rows were sent: their outcomes must be shown
                self.error = self.error or error
        return self.ended(facts, seconds)

    async def _note_end(self, facts: Facts, results: str, seconds: float) -> None:
        statuses = self._statuses()
        ended = self.ended(facts, seconds)
        before: Any = (await self.store.journal.resumed_summary()).get("spent")
        before = before or {"requests": {}, "seconds": 0.0}
        requests = Counter(before["requests"])
        requests.update(self.api.requests.as_dict())
        spent = {"requests": requests, "seconds": before["seconds"] + seconds}
        done = self.error is None and not statuses[Status.UNKNOWN]
        summary = {**statuses, "report": ended.as_dict(), "spent": spent}
        comparison = self._comparison
        if comparison:
            await remember_sent(comparison, self.outcomes, self.store, self.run)
        end = RunEnd(done=done, results=results, summary=summary, rows=self._rows_for_next_run())
        await self.store.journal.finish(end)

    def _rows_for_next_run(self) -> list[tuple[str, str | None]] | None:
        if self._comparison is None:
            return None
        store, gathered = self.store, self._comparison.gathered
        invalid = evidence_of_invalid(self.invalid, store.key)
        return [*rows_of_customers(gathered, self.outcomes, invalid, store.digest).items()]


def _ending(options: SendOptions) -> float:
    """Return how many seconds the end of a run may take, from the request to stop."""
    return options.timeout + _WRITING


async def _stop_before(
    deadline: float | None, ending: float, stop: asyncio.Event, upload: Upload
) -> None:
    """Stop early enough to finish requests in flight and write the results in time."""
    if deadline is None:
        await asyncio.Future[None]()
        return
    last = deadline - ending
    # In steps: the clock may be changed, and the machine may sleep meanwhile.
    while (left := last - upload.now()) > 0:  # noqa: ASYNC110 - a time is waited for
        await asyncio.sleep(min(left, 60.0))
    stop.set()


async def _unless(stop: asyncio.Event | None, work: Coroutine[None, None, T]) -> T:
    """Return what the work returns. Raises StoppedError, and cancels it, when `stop` is set."""
    if stop is None:
        return await work
    task, stopping = asyncio.ensure_future(work), asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait({task, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return task.result()
        raise stopped()
    finally:
        stopping.cancel()
        task.cancel()
        await asyncio.wait({task})


def stopped(deadline: float | None = None) -> StoppedError:
    """Return the error of a run that was asked to stop, or had to end by a time."""
    what = tr("Stopped on request")
    if deadline is not None:
        when = dt.datetime.fromtimestamp(deadline).astimezone()
        what = tr("Stopped to be done by {time}", time=f"{when:%H:%M}")
    return StoppedError(what, fix=tr("run it again: it continues"))


def _log_progress(progress: SendProgress) -> None:
    left = progress.left
    minutes = "no limit" if left is None else f"about {left / 60:.0f} minutes left"
    _log.info("%d of %d rows done, %s", progress.done, progress.total, minutes)


def _planned(plan: Plan, limiter: RateLimiter, api: Clopos, *, dry_run: bool) -> Sending:
    """Return what sending is to cost, with what planning has cost already."""
    price, spent = plan.price, api.requests
    limits = (window.rate.limit / window.rate.seconds * 60 for window in limiter.windows)
    return Sending(
        creates=price.creates,
        reads=price.reads + spent.reads,
        sign_ins=price.sign_ins + spent.auths,
        minutes=price.minutes,
        per_minute=limiter.per_minute,
        quota=min(limits, default=None),
        dry_run=dry_run,
    )


def _compare_options(options: SendOptions, choices: SheetOptions) -> CompareOptions:
    """Return what planning needs of the options of sending, and of what was chosen of the sheet."""
    return CompareOptions(
        match=options.match,
        limit=options.limit,
        share_phones=choices.shared_phone == "without",
        accepted=frozenset(choices.accept),
        recreate=options.recreate,
        settle=options.tuning.settle,
    )
