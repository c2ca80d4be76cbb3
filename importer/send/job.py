"""What planning and sending share: what is known, the pace, and what became of each row so far."""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeVar

from importer.errors import ImporterError, StoppedError
from importer.i18n import tr
from importer.matching.keys import fingerprints
from importer.plan.decide import in_time, make_plan, pick
from importer.plan.forecast import Progress
from importer.plan.schedule import finish, opening
from importer.progress import Live
from importer.records import Customer, Outcome, Status
from importer.send.circuit_breaker import Pace
from importer.send.sender import send

if TYPE_CHECKING:
    from collections.abc import Awaitable, Coroutine

    from importer.clopos import Clopos, Quota
    from importer.plan.compare import Comparison
    from importer.plan.decide import Plan
    from importer.plan.schedule import Window
    from importer.progress import Viewer
    from importer.send.settle import Doubt

T = TypeVar("T")

_log = logging.getLogger(__name__)
_WRITING = 5.0  # seconds for the results of a run that stops in time


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
    windows: tuple[Window, ...] = ()  # hours in which to send; none: always
    finish_by: dt.time | None = None  # be done by then, or stop in time
    pace: Pace = field(default_factory=Pace)


class Job:
    """What planning and sending share."""

    def __init__(
        self,
        known: Comparison,
        api: Clopos,
        options: SendOptions,
        viewer: Viewer,
        stop: asyncio.Event,
        quota: Quota,
        deadline: float | None,
    ) -> None:
        self.known = known
        self.api = api
        self.quota = quota
        self.journal = known.journal
        self.snapshot = known.snapshot
        self.options = options
        self.viewer = viewer
        self.stop = stop
        self.now = known.journal.now
        self.deadline = deadline  # epoch seconds
        self.log_at = 0.0
        self.content: dict[str, dict[str, str]] = {}  # cid of a row under way → its digests
        self.outcomes: dict[int, Outcome] = {}

    async def plan(self, run: int) -> Plan:
        """Compare the rows with the journal and, where it pays, with what is at Clopos.

        `run` is the number of this run in the journal, 0 for none.

        Raises ServiceError, or StoppedError when it is told to stop meanwhile.
        """

        def planned() -> Plan:
            with self.viewer.busy(tr("planning")):
                plan = make_plan(
                    self.known.blocks(run),
                    key=self.journal.key,
                    seconds_of=self.quota.seconds_of,
                    page_size=self.api.page_size,
                    signed_in=self.api.requests.auths > 0,
                    limit=self.options.limit,
                )
            self.outcomes |= {outcome.row: outcome for outcome in plan.known}
            self.outcomes |= {row.row: _in_doubt(row.row) for row in plan.doubtful}
            return plan

        try:
            await _unless(
                self.stop,
                self.known.refresh(self.api, self.options.match, self.options.limit, self.viewer),
            )
        except ImporterError:
            planned()  # what is known without asking is true all the same
            raise
        plan = planned()
        if self.journal.to_rebuild and not self.options.dry_run:
            self.journal.rebuilt(self.known.lost)
        if self.quota.windows:
            plan = replace(plan, price=replace(plan.price, reserve=self.quota.reserve))
        return in_time(plan, self._done_at, self.deadline, self._ending)

    async def send(self, plan: Plan) -> None:
        """Send what the plan says, in the hours that are given, and stop before the deadline.

        Raises ServiceError or StoppedError when that ends early.
        """
        if windows := self.options.windows:
            reserve = self.options.reserve
            self.quota.keep_hours(lambda: opening(windows, reserve, self.now()))
        watching = asyncio.ensure_future(self._stop_in_time())
        try:
            await self._send(plan)
        finally:
            watching.cancel()
        if self.stop.is_set():
            raise stopped(self.deadline if watching.done() else None)

    async def _send(self, plan: Plan) -> None:
        doubtful = [(row, *self.known.after[row.cid]) for row in plan.doubtful]
        in_doubt: dict[str, Doubt] = {}
        loop = asyncio.get_running_loop()
        total = len(plan.to_send) + len(doubtful)
        inherited = {row.cid for row in plan.doubtful}  # they say nothing of this run
        doubted: set[str] = set()
        spent, done = self.api.requests.total, 0
        told = (loop.time(), self._seconds_left(Progress(total, 0)))

        def live() -> Live:
            at, left = told
            return Live(
                throttled=self.api.requests.throttled,
                doubtful=len(in_doubt),
                pause=self.quota.pause_left(loop.time()),
                left=None if left is None else max(0.0, at + left - loop.time()),
            )

        with self.viewer.sending(total, self.quota.per_minute, live) as show:

            def on_outcome(outcome: Outcome) -> None:
                nonlocal done, told
                done += 1
                self.outcomes[outcome.row] = outcome
                show(outcome)
                # Worked out here, where nothing changes meanwhile: `live` is asked by a thread.
                if loop.time() - told[0] >= 1.0:
                    answered = self.api.requests.total - spent - self.quota.under_way
                    doubted.update(in_doubt.keys() - inherited)
                    progress = Progress(total, done, len(in_doubt), len(doubted), answered)
                    told = (loop.time(), self._seconds_left(progress))
                    self._log(progress, told[1])

            await send(
                pick(self.known.rows(), plan.to_send),
                self.api,
                self,
                on_outcome,
                doubtful=doubtful,
                in_doubt=in_doubt,
                newest_id=self.snapshot.newest_id,
                pace=self.options.pace,
                stop=self.stop,
            )

    def _seconds_left(self, progress: Progress) -> float | None:
        """Return how many seconds until all is done, as it went so far. None: no limit."""
        requests = progress.requests_left
        seconds = self.quota.seconds_of(requests, of_late=True)
        if seconds is None:
            return None
        settling = progress.settling(
            self.options.pace.settle,
            self.quota.latencies,
            requests / seconds if seconds else 0.0,
            self.api.page_size,
        )
        now = self.now()
        return finish(self.options.windows, self.quota.reserve, now, seconds) - now + settling

    def _done_at(self, requests: int) -> float:
        """Return when so many requests are done that begin now, in epoch seconds."""
        seconds = self.quota.seconds_of(requests) or 0.0
        return finish(self.options.windows, self.quota.reserve, self.now(), seconds)

    @property
    def _ending(self) -> float:
        """Return how many seconds the end of a run may take, from when it is told to stop."""
        return self.options.timeout + _WRITING

    async def _stop_in_time(self) -> None:
        """Stop so early that what is in flight then is done, and written, by the deadline."""
        if self.deadline is None:
            await asyncio.Future[None]()
            return
        last = self.deadline - self._ending
        # In steps: the clock may be set, and the machine may sleep meanwhile.
        while (left := last - self.now()) > 0:  # noqa: ASYNC110 - a time is waited for
            await asyncio.sleep(min(left, 60.0))
        self.stop.set()

    def _log(self, progress: Progress, left: float | None) -> None:
        """Log each minute how far it is."""
        now = self.now()
        if now >= self.log_at:
            self.log_at = now + 60.0
            minutes = "no limit" if left is None else f"about {left / 60:.0f} minutes left"
            _log.info("%d of %d rows done, %s", progress.done, progress.rows, minutes)

    # -- the ledger of `send`: digests instead of personal data ------------------------------

    def intend(self, customer: Customer, after_id: int | None) -> Awaitable[None]:
        """Return what is done when the intention is on disk."""
        content = fingerprints(customer, self.journal.key)
        if self.options.match != "never":  # else nobody compares with what is at Clopos
            self.content[customer.cid] = content
        return self.journal.intend(customer.cid, content, after_id)

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


def stopped(deadline: float | None = None) -> StoppedError:
    """Return what ends a run that was asked to stop, or had to be done by a time."""
    what = tr("Stopped on request")
    if deadline is not None:
        when = dt.datetime.fromtimestamp(deadline).astimezone()
        what = tr("Stopped to be done by {time}", time=f"{when:%H:%M}")
    return StoppedError(what, todo=tr("run the same command again: it carries on"))
