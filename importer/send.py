"""Planned rows → outcomes: paced, concurrent, recorded before and after, doubt settled by reading.

A row is never in two requests at once. An answer that leaves it open whether the customer was
created (5xx, time-out, reset, unreadable 2xx) puts the row aside while others go on. Later all
such rows are settled together: the newest customers are read, up to a page of verdicts a request,
and compared by `cid`; a row that isn't there is sent again with the same body (API facts §4.5).
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from importer.clopos.answers import Answer, Verdict
from importer.errors import ServiceError
from importer.records import Customer, Outcome, Status
from importer.settle import find_holder, find_holders, read_back

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Iterable

    from importer.clopos import Clopos


class Ledger(Protocol):
    """Where intentions and outcomes are recorded."""

    def intend(self, customer: Customer, after_id: int | None) -> Awaitable[None]:
        """Return when it is durable that the customer is about to be sent."""

    def created(self, cid: str, clopos_id: str) -> None:
        """Record that the customer exists with this id."""

    def withdraw(self, cid: str) -> None:
        """Record that the customer was not created, for certain."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How to send. Times in seconds."""

    concurrency: int = 64  # the most requests under way; the quota decides how many it takes
    settle: float = 10.0  # from a doubtful answer to the reading (the gateway waits 8)
    attempts: int = 4  # of one row, before it is given up as unknown
    give_up_after: float = 600.0  # of nothing but failures
    max_rejected: float = 0.5  # up to 1: share of the answers; above: a number of rows
    rejected_from: int = 20  # answers before a share means anything


@dataclass(frozen=True, slots=True)
class Doubt:
    """A row that may or may not have been created.

    `after_id` is the highest id known before its first request left, None if none was.
    """

    customer: Customer
    after_id: int | None
    since: float = 0.0  # loop time of the doubtful answer
    attempts: int = 1
    created: int = 0  # how many had been created by this run then


@dataclass(slots=True)
class _Breaker:
    """Counts answers, to pause when nothing succeeds and to stop when it makes no sense."""

    pace: Pace
    answers: int = 0
    refusals: int = 0
    failures: int = 0  # in a row
    failing_since: float = 0.0
    not_before: float = 0.0  # loop time until which sending pauses

    def count(self, answer: Answer, now: float) -> None:
        """Raise ServiceError when it is time to stop."""
        self.answers += 1
        if answer.verdict is Verdict.DOUBT:
            self._failed(answer, now)
            return
        self.failures = 0
        if answer.verdict in {Verdict.REJECTED, Verdict.FAILED}:
            self._refused(answer)

    def _failed(self, answer: Answer, now: float) -> None:
        self.failures += 1
        if self.failures == 1:
            self.failing_since = now
        lasted = now - self.failing_since
        if lasted > self.pace.give_up_after:
            raise ServiceError(
                f"Clopos has answered with nothing but failures for {lasted:.0f} seconds",
                why=answer.message or None,
                todo="run the same command again later: it carries on",
            )
        self.not_before = max(self.not_before, now + pause_after(self.failures))

    def _refused(self, answer: Answer) -> None:
        self.refusals += 1
        most = self.pace.max_rejected
        counted = most > 1 or self.answers >= self.pace.rejected_from
        if counted and self.refusals > (most if most > 1 else most * self.answers):
            raise ServiceError(
                f"Clopos rejected {self.refusals} of the first {self.answers} rows",
                why=answer.message or None,
                todo="look at import_message in the results and at the mapping of the columns; "
                "--max-rejected allows more",
            )


def pause_after(failures: int) -> float:
    """Return the seconds to pause after so many failures in a row: 0, later 1, 2, 4 … 60."""
    free = 5  # a handful in a row is nothing unusual with several requests under way
    return 0.0 if failures <= free else min(60.0, 2.0 ** min(failures - free - 1, 6))


async def send(
    customers: Iterable[Customer],
    api: Clopos,
    ledger: Ledger,
    on_outcome: Callable[[Outcome], None],
    *,
    doubtful: Iterable[Doubt] = (),
    in_doubt: dict[str, Doubt] | None = None,
    newest_id: int | None = None,
    pace: Pace | None = None,
    stop: asyncio.Event | None = None,
) -> None:
    """Create the customers and report one outcome for each that was reached.

    `doubtful` rows may have been sent by a run that died; they are settled first. `in_doubt`
    is kept up to date for whoever looks on: cid → row. `newest_id` is the highest id known to be
    at Clopos. When `stop` is set, what is in flight is finished and
    nothing more is sent. Rows for which nothing was reported are still to be sent.

    Raises ServiceError when going on makes no sense; everything reported until then holds.
    """
    sender = _Sender(api, ledger, on_outcome, pace or Pace(), stop or asyncio.Event())
    sender.customers = iter(customers)
    sender.newest_id = newest_id
    if in_doubt is not None:
        sender.doubts = in_doubt
    await sender.run(doubtful)


@dataclass(slots=True)
class _Unexplained:
    """A clash whose holder neither phone nor name could find."""

    customer: Customer
    field: str | None
    earlier: Doubt | None


class _Sender:
    """The state of one run."""

    def __init__(
        self,
        api: Clopos,
        ledger: Ledger,
        on_outcome: Callable[[Outcome], None],
        pace: Pace,
        stop: asyncio.Event,
    ) -> None:
        self.api = api
        self.ledger = ledger
        self.on_outcome = on_outcome
        self.pace = pace
        self.stop = stop
        self.customers: Iterable[Customer] = ()
        self.newest_id: int | None = None
        self.breaker = _Breaker(pace)
        self.created = 0
        self.doubts: dict[str, Doubt] = {}  # cid → row, oldest first
        self.again: deque[Doubt] = deque()  # not found by reading: to be sent once more
        self.unexplained: dict[str, _Unexplained] = {}
        self.tasks: set[asyncio.Task[None]] = set()
        self.unsent: set[asyncio.Task[None]] = set()  # nothing has left: may be cancelled
        self.changed = asyncio.Event()
        self.error: BaseException | None = None

    async def run(self, doubtful: Iterable[Doubt]) -> None:
        now = _now()
        for doubt in doubtful:
            # What a dead run sent may land as late as what we send.
            self.doubts[doubt.customer.cid] = Doubt(doubt.customer, doubt.after_id, now)
        stopping = asyncio.ensure_future(self.stop.wait())
        stopping.add_done_callback(lambda _: self.changed.set())
        try:
            if self.doubts:
                await self._settle()
            await self._send_all()
            if self.unexplained and not (self.error or self.stop.is_set()):
                await self._explain()
        finally:
            stopping.cancel()
            for task in self.unsent:
                task.cancel()
            if self.tasks:
                await asyncio.wait(self.tasks)
            self._report_open()
        if self.error:
            raise self.error

    async def _send_all(self) -> None:
        """Keep requests under way until every row has its outcome, or it is time to stop."""
        settling: asyncio.Task[None] | None = None
        while not (self.error or self.stop.is_set()):
            pause = self._fill()
            if (settling is None or settling.done()) and self._settle_due(pause):
                settling = self._start(self._settle())
            if not (self.tasks or pause):
                break
            self.changed.clear()
            await _wait(self.changed, pause or None)

    def _fill(self) -> float:
        """Start rows while there is room. Return for how long sending pauses, 0 for not at all."""
        while len(self.tasks) < self.pace.concurrency:
            if (pause := self.breaker.not_before - _now()) > 0:
                return pause
            if self.again:
                doubt = self.again.popleft()
                self._start(self._deliver(doubt.customer, doubt))
            elif customer := next(iter(self.customers), None):
                self._start(self._deliver(customer, None))
            else:
                break
        return 0.0

    def _start(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self._finished)
        return task

    def _finished(self, task: asyncio.Task[None]) -> None:
        self.tasks.discard(task)
        self.unsent.discard(task)
        self.changed.set()
        if not task.cancelled() and (error := task.exception()):
            self.error = self.error or error

    # -- one row ----------------------------------------------------------------------------

    async def _deliver(self, customer: Customer, earlier: Doubt | None) -> None:
        """Send one row and judge the answer. `earlier`: it was in doubt and not found."""
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - runs as a task of its own
        self.unsent.add(task)
        sent = Doubt(customer, earlier.after_id if earlier else self.newest_id)

        async def leaving() -> None:
            nonlocal sent
            self.unsent.discard(task)
            # A late create of an earlier attempt has an older id than this attempt's neighbours.
            after_id = earlier.after_id if earlier else self.newest_id
            attempts = earlier.attempts + 1 if earlier else 1
            sent = Doubt(customer, after_id, attempts=attempts, created=self.created)
            await self.ledger.intend(customer, after_id)

        try:
            answer = await self.api.create(customer.body(), leaving)
        except (asyncio.CancelledError, ServiceError):
            # It never left, or was refused before Clopos looked at the row.
            if earlier:
                self.doubts[customer.cid] = earlier
            else:
                self.ledger.withdraw(customer.cid)
            raise
        match answer.verdict:
            case Verdict.OK:
                self._created(customer, answer.id or "")
            case Verdict.CONFLICT:
                await self._conflict(customer, answer, earlier)
            case Verdict.DOUBT:
                self.doubts[customer.cid] = Doubt(
                    customer, sent.after_id, _now(), sent.attempts, sent.created
                )
            case Verdict.THROTTLED:
                # Certainly not created, and not the row's fault: its turn comes again.
                if not earlier:
                    self.ledger.withdraw(customer.cid)
                self.again.appendleft(earlier or Doubt(customer, sent.after_id, attempts=0))
            case Verdict.FAILED:
                self._refused(customer, Status.FAILED, answer)
            case _:
                self._refused(customer, Status.REJECTED, answer)
        self.breaker.count(answer, _now())

    def _created(self, customer: Customer, clopos_id: str, *, before: bool = False) -> None:
        self.ledger.created(customer.cid, clopos_id)
        if clopos_id.isdecimal():
            self.newest_id = max(self.newest_id or 0, int(clopos_id))
        self.created += 1
        status = Status.EXISTS if before else Status.CREATED
        self.on_outcome(Outcome(customer.row, status, clopos_id=clopos_id))

    def _refused(self, customer: Customer, status: Status, answer: Answer) -> None:
        self.ledger.withdraw(customer.cid)
        self.on_outcome(Outcome(customer.row, status, field=answer.field, message=answer.message))

    async def _conflict(self, customer: Customer, answer: Answer, earlier: Doubt | None) -> None:
        """Find out who holds the value: this very row after all, or somebody else."""
        clash = _Unexplained(customer, answer.field, earlier)
        # Kept until it is explained, so that it is reported should the look-up fail.
        self.unexplained[customer.cid] = clash
        holder, name = await find_holder(self.api, customer, answer.field)
        if holder:
            del self.unexplained[customer.cid]
            self._explained(clash, holder.cid, holder.id, name)

    def _explained(
        self, clash: _Unexplained, cid: str | None, clopos_id: str, name: str | None
    ) -> None:
        if cid == clash.customer.cid:
            self._created(clash.customer, clopos_id, before=clash.earlier is None)
            return
        self.ledger.withdraw(clash.customer.cid)
        self.on_outcome(
            Outcome(
                clash.customer.row,
                Status.CONFLICT,
                field=name,
                existing_id=clopos_id,
                message=f"the {name} belongs to customer {clopos_id}",
            )
        )

    # -- doubt ------------------------------------------------------------------------------

    def _settle_due(self, pause: float) -> bool:
        """Tell whether to read now: nothing else is left, or a page is about to be outgrown."""
        if not self.doubts:
            return False
        if not (self.tasks or pause):
            return True
        oldest = next(iter(self.doubts.values()))
        in_reach = self.created - oldest.created + len(self.doubts) + len(self.tasks)
        return in_reach >= self.api.page_size * 0.9

    async def _settle(self) -> None:
        """Settle all rows in doubt by reading, once the last of them must have landed."""
        batch = list(self.doubts.values())
        due = max(doubt.since for doubt in batch) + self.pace.settle
        await _wait(self.stop, due - _now())
        if self.stop.is_set():
            return  # what is in doubt stays so, and is settled by the next run
        wanted = {doubt.customer.cid: doubt.after_id for doubt in batch}
        verdicts = await read_back(self.api, wanted, self.newest_id)
        for doubt in batch:
            customer = doubt.customer
            clopos_id = verdicts.get(customer.cid)
            if clopos_id is None:
                holder, _ = await find_holder(self.api, customer, None)
                clopos_id = holder.id if holder and holder.cid == customer.cid else ""
            if clopos_id:
                del self.doubts[customer.cid]
                self._created(customer, clopos_id)
            elif doubt.attempts < self.pace.attempts:
                del self.doubts[customer.cid]
                self.again.append(doubt)
            else:
                del self.doubts[customer.cid]
                self._unknown(doubt)

    async def _explain(self) -> None:
        """Read all customers once, for the clashes that no look-up explained."""
        rows = [(clash.customer, clash.field) for clash in self.unexplained.values()]
        holders = await find_holders(self.api.scan(), rows)
        for clash in list(self.unexplained.values()):
            del self.unexplained[clash.customer.cid]
            if found := holders.get(clash.customer.cid):
                holder, name = found
                self._explained(clash, holder.cid, holder.id, name)
            else:
                self._unseen(clash, "that can't be seen (deleted, or of another venue)")

    def _unseen(self, clash: _Unexplained, whom: str) -> None:
        self.ledger.withdraw(clash.customer.cid)
        name = clash.field or "phone, code or cid"
        message = f"the {name} belongs to a customer {whom}"
        self.on_outcome(
            Outcome(clash.customer.row, Status.CONFLICT, field=clash.field, message=message)
        )

    def _report_open(self) -> None:
        """Report what this run leaves open: nothing is silent."""
        for clash in self.unexplained.values():
            if clash.earlier:
                self._unknown(clash.earlier)
            else:
                self._unseen(clash, "who was not looked up")
        for doubt in (*self.doubts.values(), *self.again):
            self._unknown(doubt)

    def _unknown(self, doubt: Doubt) -> None:
        times = "once" if doubt.attempts == 1 else f"{doubt.attempts} times"
        message = f"sent {times} without a certain answer; run the same command again to settle it"
        self.on_outcome(Outcome(doubt.customer.row, Status.UNKNOWN, message=message))


def _now() -> float:
    return asyncio.get_running_loop().time()


async def _wait(event: asyncio.Event, seconds: float | None) -> None:
    """Wait for the event, but no longer than so many seconds (None: as long as it takes)."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        pass
