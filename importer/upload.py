"""The second half of the route, online: rows that are ready → what became of each.

Plan, pace, journal and API come together here and nowhere else.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from importer.clopos import Clopos, Quota, Requests, default_rates, parse_rates
from importer.errors import ImporterError, StoppedError
from importer.identity import customers, digest, fingerprints
from importer.journal import SENT, Journal
from importer.messages import tr
from importer.pace import Pace
from importer.payloads import write_payloads
from importer.plan import Index, Known, Remembered, make_plan, scan_pays
from importer.records import FIELDS, Customer, Outcome, Status
from importer.send import send
from importer.settings import read_settings
from importer.state import brand_folder, hold
from importer.viewer import Live

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pandas as pd

    from importer.clopos import Existing
    from importer.plan import Plan
    from importer.settings import Settings
    from importer.settle import Doubt
    from importer.viewer import Viewer


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


async def upload(
    values: pd.DataFrame,
    settings: Settings,
    options: SendOptions,
    viewer: Viewer,
    stop: asyncio.Event,
    *,
    file: str,
    results: Path,
    payloads: Path | None = None,
    now: Callable[[], float] = time.time,
) -> Uploaded:
    """Send the rows of `values` (a column for each of FIELDS, row number as index).

    Against Clopos, or a sandbox that is started for it. When `stop` is set, what is in flight is
    finished and nothing more is sent. `file` and `results` are noted in the journal; `now` is the
    wall clock in epoch seconds.

    Raises UsageError or ServiceError when nothing could be begun.
    """
    async with contextlib.AsyncExitStack() as stack:
        if options.sandbox:
            # Late: nobody who sends to Clopos needs a server.
            from importer.sandbox import Config, serve  # noqa: PLC0415

            sandbox = await stack.enter_async_context(serve(Config()))
            settings = replace(read_settings(sandbox.env(2)), state_dir=settings.state_dir)
            viewer.say(f"A sandbox of Clopos is at {sandbox.url}, for this run only")
        folder = brand_folder(settings)
        stack.enter_context(hold(folder, file))
        journal = stack.enter_context(Journal(folder / "journal.sqlite", now=now))
        for note in journal.notes:
            viewer.say(note)
        rates = parse_rates(options.rate) if options.rate else default_rates(settings.version)
        longest = max((rate.seconds for rate in rates), default=0.0)
        left = [now() - sent for sent in journal.recent_requests(longest)]
        quota = Quota(rates, reserve=options.reserve, recent=left)
        client = Clopos(
            settings,
            quota,
            timeout=options.timeout,
            give_up_after=options.pace.give_up_after,
            now=now,
            on_request=journal.request_left,
        )
        api = await stack.enter_async_context(client)
        rows = list(customers(values, base_url=settings.base_url, brand=settings.brand))
        if payloads:
            write_payloads(payloads, rows)
        job = _Job(api, journal, options, viewer, stop, quota)
        run = 0 if options.dry_run else journal.begin(file)
        error: ImporterError | None = None
        try:
            plan = await job.plan(rows, run, quota.per_minute)
            if not viewer.planned(plan, dry_run=options.dry_run):
                raise StoppedError("Nothing was sent", todo="run the command again to send them")
            if not options.dry_run:
                await job.send(plan, quota.per_minute)
            await journal.flush()
        except ImporterError as caught:
            error = caught
        if not options.dry_run:
            statuses = Counter(str(outcome.status) for outcome in job.outcomes.values())
            done = error is None and not statuses[Status.UNKNOWN]
            journal.finish(done=done, results=str(results), summary=dict(statuses))
        return Uploaded(job.outcomes, api.requests, error)


class _Job:
    """What planning and sending share."""

    def __init__(
        self,
        api: Clopos,
        journal: Journal,
        options: SendOptions,
        viewer: Viewer,
        stop: asyncio.Event,
        quota: Quota,
    ) -> None:
        self.api = api
        self.quota = quota
        self.journal = journal
        self.options = options
        self.viewer = viewer
        self.stop = stop
        self.entries = journal.recall()
        self.newest_id: int | None = None
        self.outcomes: dict[int, Outcome] = {}

    async def plan(self, rows: list[Customer], run: int, per_minute: float | None) -> Plan:
        """Compare the rows with the journal and, where it pays, with what is at Clopos."""
        remembered = {
            cid: Remembered(entry.state == SENT, entry.run == run, entry.clopos_id, entry.content)
            for cid, entry in self.entries.items()
        }
        index = await self._scan(sum(1 for row in rows if row.cid not in remembered))
        plan = make_plan(
            rows,
            remembered,
            index,
            key=self.journal.key,
            per_minute=per_minute,
            limit=self.options.limit,
        )
        self.outcomes |= {outcome.row: outcome for outcome in plan.known}
        return plan

    async def send(self, plan: Plan, per_minute: float | None) -> None:
        """Send what the plan says. Raises ServiceError or StoppedError when that ends early."""
        doubtful = [(row, self.entries[row.cid].after_id) for row in plan.doubtful]
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
                plan.to_send,
                self.api,
                self,
                on_outcome,
                doubtful=doubtful,
                in_doubt=in_doubt,
                newest_id=self.newest_id,
                pace=self.options.pace,
                stop=self.stop,
            )
        if self.stop.is_set():
            raise StoppedError(
                "Stopped on request", todo="run the same command again: it carries on"
            )

    async def _scan(self, rows: int) -> Index:
        """Read what is at Clopos, if that is wanted and costs less than it saves."""
        index = Index()
        match = self.options.match
        if match == "never" or rows == 0:
            return index
        with self.viewer.busy(tr("reading what is at Clopos")) as progress:

            def worth_it(total: int) -> bool:
                progress(of=total)
                return match == "always" or scan_pays(rows, total, self.api.page_size)

            async for existing in self.api.scan(worth_it):
                progress(len(index.by_cid))
                index.add(_known(existing, self.journal.key), existing.cid)
                if existing.id.isdecimal():
                    self.newest_id = max(self.newest_id or 0, int(existing.id))
        return index

    # -- the ledger of `send`: digests instead of personal data ------------------------------

    async def intend(self, customer: Customer, after_id: int | None) -> None:
        """Return when the intention is on disk."""
        content = fingerprints(
            ((name, getattr(customer, name)) for name in FIELDS), self.journal.key
        )
        await self.journal.intend(customer.cid, content, after_id)

    def created(self, cid: str, clopos_id: str) -> None:
        """Record that the customer exists with this id."""
        self.journal.created(cid, clopos_id)

    def withdraw(self, cid: str) -> None:
        """Record that the customer was not created, for certain."""
        self.journal.withdraw(cid)


def _known(existing: Existing, key: bytes) -> Known:
    content: dict[str, str] = fingerprints(
        ((name, getattr(existing, name, None)) for name in FIELDS), key
    )
    content["phone"] = " ".join(digest("phone", phone, key) for phone in existing.phones)
    return Known(existing.id, content)
