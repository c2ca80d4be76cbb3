"""The second half of the route, online: rows that are ready → what became of each.

Plan, pace, journal and API come together here and nowhere else.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

from importer.clopos import Clopos, Quota, Requests, default_rates, parse_rates
from importer.errors import ImporterError, ServiceError, StoppedError
from importer.identity import customers, fingerprints
from importer.journal import SENT, Entry, Journal
from importer.messages import tr
from importer.pace import Pace
from importer.payloads import write_payloads
from importer.plan import Block, Remembered, make_plan, pick, reading_pays
from importer.records import FIELDS, Customer, Outcome, Status
from importer.report.facts import Sending
from importer.send import send
from importer.settings import read_settings
from importer.snapshot import Snapshot
from importer.state import brand_folder, hold
from importer.timeline import Timeline
from importer.viewer import Live

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator, Mapping
    from pathlib import Path

    import pandas as pd

    from importer.plan import Known, Plan
    from importer.report.facts import Facts
    from importer.settings import Settings
    from importer.settle import Doubt
    from importer.viewer import Viewer

T = TypeVar("T")


_BLOCK = 1000  # rows that are compared with what is known at a time
_ENOUGH = 10_000  # rows that nothing is known of: whatever Clopos holds, reading it pays


@dataclass(frozen=True, slots=True)
class SendOptions:
    """How `run` sends. Times in seconds."""

    sandbox: bool = False
    dry_run: bool = False  # everything but POSTs of customers
    limit: int | None = None  # send no more rows than this
    rate: str | None = None  # such as "100/min,1000/hour" or "none"; None: the API's own
    reserve: float = 0.1  # share of the quota that is left for the tills
    timeout: float = 20.0  # of one request
    match: str = "auto"  # compare with what is at Clopos first: auto, always, never
    pace: Pace = field(default_factory=Pace)


@dataclass(frozen=True, slots=True)
class Uploaded:
    """What became of the rows, what it took, and what ended it early (None: nothing)."""

    outcomes: dict[int, Outcome]
    requests: Requests
    error: ImporterError | None
    sending: Sending


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
    now: Callable[[], float] = time.time,
) -> Uploaded:
    """Send the rows of `values` (a column for each of FIELDS, row number as index).

    Against Clopos, or a sandbox that is started for it. When `stop` is set, what is in flight is
    finished and nothing more is sent; `on_start` is given it when the first row is about to go.
    `facts` of the sheet and `results`, a whole path, are noted in the journal; `now` is the wall
    clock in epoch seconds.

    Raises UsageError or ServiceError when nothing could be begun.
    """
    async with contextlib.AsyncExitStack() as stack:
        if options.sandbox:
            # Late: nobody who sends to Clopos needs a server.
            from importer.sandbox import Config, serve  # noqa: PLC0415

            sandbox = await stack.enter_async_context(serve(Config()))
            settings = replace(read_settings(sandbox.env(2)), state_dir=settings.state_dir)
            viewer.say(tr("A sandbox of Clopos is at {url}, for this run only", url=sandbox.url))
        folder = brand_folder(settings)
        stack.enter_context(hold(folder, facts.file))
        journal = stack.enter_context(Journal(folder / "journal.sqlite", now=now))
        for note in journal.notes:
            viewer.say(note)
        rates = parse_rates(options.rate) if options.rate else default_rates(settings.version)
        longest = max((rate.seconds for rate in rates), default=0.0)
        left = [now() - sent for sent in journal.recent_requests(longest)]
        quota = Quota(rates, reserve=options.reserve, recent=left)
        timeline = Timeline(asyncio.get_running_loop().time)

        def on_request() -> None:
            journal.request_left()
            timeline.count(client.requests.throttled)

        client = Clopos(
            settings,
            quota,
            timeout=options.timeout,
            give_up_after=options.pace.give_up_after,
            now=now,
            on_request=on_request,
        )
        api = await stack.enter_async_context(client)
        snapshot = stack.enter_context(Snapshot(folder / "snapshot.sqlite", journal.key))
        rows = partial(customers, values, base_url=settings.base_url, brand=settings.brand)
        if payloads:
            write_payloads(payloads, rows())
        job = _Job(rows, api, journal, snapshot, options, viewer, stop, quota)
        run = 0 if options.dry_run else journal.begin(facts.file)
        error: ImporterError | None = None
        sending = Sending()
        try:
            plan = await job.plan(run, quota.seconds_of)
            sending = _planned(plan, quota, api.requests, dry_run=options.dry_run)
            if not viewer.planned(plan, dry_run=options.dry_run):
                raise StoppedError(
                    tr("Nothing was sent"), todo=tr("run the command again to send them")
                )
            if not options.dry_run:
                on_start(stop)
                await job.send(plan, quota.per_minute)
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
        uploaded = Uploaded(job.outcomes, api.requests, error, sending)
        if not options.dry_run:
            _note_end(journal, uploaded, facts, str(results), seconds=timeline.seconds())
        return uploaded


def _note_end(
    journal: Journal, uploaded: Uploaded, facts: Facts, results: str, *, seconds: float
) -> None:
    statuses = Counter(str(outcome.status) for outcome in uploaded.outcomes.values())
    done = uploaded.error is None and not statuses[Status.UNKNOWN]
    told = facts.ended(statuses, uploaded.sending, uploaded.error, seconds=seconds)
    journal.finish(done=done, results=results, summary={**statuses, "report": told.as_dict()})


class _Job:
    """What planning and sending share."""

    def __init__(
        self,
        rows: Callable[[], Iterator[Customer]],
        api: Clopos,
        journal: Journal,
        snapshot: Snapshot,
        options: SendOptions,
        viewer: Viewer,
        stop: asyncio.Event,
        quota: Quota,
    ) -> None:
        self.rows = rows  # the customers of the sheet, made anew with each call
        self.api = api
        self.quota = quota
        self.journal = journal
        self.snapshot = snapshot
        self.options = options
        self.viewer = viewer
        self.stop = stop
        self.after: dict[str, int | None] = {}  # cid of a row in doubt → highest id before it
        self.content: dict[str, dict[str, str]] = {}  # cid of a row under way → its digests
        self.lost: list[tuple[str, str, Mapping[str, str]]] = []  # what a damaged journal had
        self.outcomes: dict[int, Outcome] = {}

    async def plan(self, run: int, seconds_of: Callable[[int], float | None]) -> Plan:
        """Compare the rows with the journal and, where it pays, with what is at Clopos."""

        def planned() -> Plan:
            plan = make_plan(
                self._blocks(run),
                key=self.journal.key,
                seconds_of=seconds_of,
                signed_in=self.api.requests.auths > 0,
                limit=self.options.limit,
            )
            self.outcomes |= {outcome.row: outcome for outcome in plan.known}
            self.outcomes |= {row.row: _in_doubt(row.row) for row in plan.doubtful}
            return plan

        try:
            await _unless(self.stop, self._refresh())
        except ImporterError:
            planned()  # what is known without asking is true all the same
            raise
        plan = planned()
        if self.journal.to_rebuild and not self.options.dry_run:
            self.journal.rebuilt(self.lost)
        return plan

    async def _refresh(self) -> None:
        """Learn what is at Clopos, if that is wanted and costs less than it saves."""
        match = "always" if self.journal.to_rebuild else self.options.match
        unknown = 0 if match == "never" else self._unknown_rows()
        if not unknown:
            return

        with self.viewer.busy(tr("reading what is at Clopos")) as progress:

            def pays(pages: int, total: int) -> bool:
                progress(max(0, total - pages * self.api.page_size), of=total)
                return match == "always" or reading_pays(pages, unknown, total)

            await self.snapshot.refresh(self.api, pays)

    def _unknown_rows(self) -> int:
        """Count the rows to be sent of which the journal knows nothing, as far as it matters."""
        most = _ENOUGH if self.options.limit is None else min(_ENOUGH, self.options.limit)
        rows, unknown = self.rows(), 0
        while unknown < most and (block := list(islice(rows, _BLOCK))):
            unknown += len(block) - len(self.journal.recall([row.cid for row in block]))
        return min(unknown, most)

    def _blocks(self, run: int) -> Iterator[Block]:
        """Yield the customers of the sheet with what journal and snapshot know of them."""
        rows = self.rows()
        while block := list(islice(rows, _BLOCK)):
            entries = self.journal.recall([row.cid for row in block])
            index = self.snapshot.look_up(block)
            for row in block:
                self._compare(row.cid, entries.get(row.cid), index.by_cid.get(row.cid))
            remembered = {
                cid: Remembered(
                    entry.state == SENT, entry.run == run, entry.clopos_id, entry.content
                )
                for cid, entry in entries.items()
            }
            yield Block(block, remembered, index)

    def _compare(self, cid: str, entry: Entry | None, known: Known | None) -> None:
        """Note what is in doubt, and let the journal know what was found out about it."""
        if entry and entry.state == SENT:
            self.after[cid] = entry.after_id
            if known:
                self.journal.created(cid, known.id)
        elif known and not entry and self.journal.to_rebuild:
            self.lost.append((cid, known.id, known.content))

    async def send(self, plan: Plan, per_minute: float | None) -> None:
        """Send what the plan says. Raises ServiceError or StoppedError when that ends early."""
        doubtful = [(row, self.after[row.cid]) for row in plan.doubtful]
        in_doubt: dict[str, Doubt] = {}
        loop = asyncio.get_running_loop()

        def live() -> Live:
            return Live(
                throttled=self.api.requests.throttled,
                doubtful=len(in_doubt),
                pause=self.quota.pause_left(loop.time()),
            )

        with self.viewer.sending(len(plan.to_send) + len(doubtful), per_minute, live) as show:

            def on_outcome(outcome: Outcome) -> None:
                self.outcomes[outcome.row] = outcome
                show(outcome)

            await send(
                pick(self.rows(), plan.to_send),
                self.api,
                self,
                on_outcome,
                doubtful=doubtful,
                in_doubt=in_doubt,
                newest_id=self.snapshot.newest_id,
                pace=self.options.pace,
                stop=self.stop,
            )
        if self.stop.is_set():
            raise stopped()

    # -- the ledger of `send`: digests instead of personal data ------------------------------

    async def intend(self, customer: Customer, after_id: int | None) -> None:
        """Return when the intention is on disk."""
        content = fingerprints(
            ((name, getattr(customer, name)) for name in FIELDS), self.journal.key
        )
        self.content[customer.cid] = content
        await self.journal.intend(customer.cid, content, after_id)

    def created(self, cid: str, clopos_id: str) -> None:
        """Record that the customer exists with this id."""
        self.journal.created(cid, clopos_id)
        if content := self.content.pop(cid, None):
            self.snapshot.add(clopos_id, cid, content)

    def withdraw(self, cid: str) -> None:
        """Record that the customer was not created, for certain."""
        self.content.pop(cid, None)
        self.journal.withdraw(cid)


def _in_doubt(row: int) -> Outcome:
    message = tr(
        "an earlier run sent it without a certain answer; run this command again to settle it"
    )
    return Outcome(row, Status.UNKNOWN, message=message)


async def _unless(stop: asyncio.Event, work: Coroutine[None, None, T]) -> T:
    """Return what the work returns. Raises StoppedError, and leaves it, when `stop` is set."""
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


def stopped() -> StoppedError:
    """Return what ends a run that was asked to stop."""
    return StoppedError(
        tr("Stopped on request"), todo=tr("run the same command again: it carries on")
    )


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
