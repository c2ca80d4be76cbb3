"""Planned rows → outcomes: paced, concurrent, recorded before and after.

A row is never in two requests at once. What an answer leaves open is settled by reading, while
other rows go on (`settle`).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from importer.clopos.responses import Verdict
from importer.errors import ImporterError
from importer.plan.read_back import cid_not_kept
from importer.send.circuit_breaker import CircuitBreaker, SendTuning
from importer.send.settle import Settling, UncertainRow
from importer.text import digits_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Coroutine, Iterable, Iterator
    from types import TracebackType

    from importer.clopos import ClassifiedResponse, Clopos
    from importer.records import Customer, Outcome
    from importer.send.lookup import Holders
    from importer.send.recorder import OutcomeRecorder


_QUEUE = 8  # rows that wait for their turn: enough, and what is read waits no longer than they do


@dataclass(frozen=True, slots=True)
class SendStep:
    """Outcomes since the last step, and the number of uncertain rows."""

    outcomes: tuple[Outcome, ...]
    uncertain: int
    ever_uncertain: int  # rows of this run that were uncertain at any time


async def send(
    customers: Iterable[Customer],
    api: Clopos,
    recorder: OutcomeRecorder,
    holders: Holders,
    *,
    look_up: bool = False,
    without_cids: bool = False,
    tuning: SendTuning | None = None,
    stop: asyncio.Event | None = None,
    tick: float = 1.0,
) -> AsyncGenerator[SendStep]:
    """Create the customers; yield their outcomes every `tick` seconds and at the end.

    `look_up`: each row is looked for at Clopos right before it is sent. `without_cids`: Clopos is
    known not to keep them, so a row in doubt is looked for by its values and not sent again. When
    `stop` is set, requests in flight are finished and nothing more is sent; so they are when the
    generator is closed early. Rows without an outcome are still to be sent.

    Raises ServiceError when there is no point in continuing; what was yielded until then is valid.
    """
    tuning = tuning or SendTuning()
    settling = Settling(
        api, recorder, holders, tuning, without_cids=without_cids, looked_up=look_up
    )
    sender = _Sender(api, recorder, holders, tuning, settling, stop or asyncio.Event())
    sender.look_up = look_up
    work = asyncio.ensure_future(sender.run(iter(customers)))
    try:
        while not work.done():
            await asyncio.wait({work}, timeout=tick)
            settling = sender.settling
            yield SendStep(tuple(recorder.take()), len(settling.uncertain), settling.ever_uncertain)
        await work
    finally:
        if not work.done():
            work.cancel()
            await asyncio.wait({work})


class _Sender:
    """The state of one run."""

    def __init__(
        self,
        api: Clopos,
        recorder: OutcomeRecorder,
        holders: Holders,
        tuning: SendTuning,
        settling: Settling,
        stop: asyncio.Event,
    ) -> None:
        self.api = api
        self.recorder = recorder
        self.holders = holders
        self.look_up = False
        self.tuning = tuning
        self.stop = stop
        self.breaker = CircuitBreaker(tuning)
        self.settling = settling
        self.requeued: deque[Customer] = deque()  # before they were sent, or by a 429
        self.tasks: set[asyncio.Task[None]] = set()
        self.delivering: set[asyncio.Task[None]] = set()
        self.waiting: set[asyncio.Task[None]] = set()  # for their turn
        self.queue = _QUEUE if api.paced else tuning.concurrency
        self.in_flight: set[asyncio.Task[None]] = set()  # bytes may be out: not to be cancelled
        self.closing = False
        self.changed = asyncio.Event()
        self.error: BaseException | None = None
        self.now = asyncio.get_running_loop().time

    async def run(self, customers: Iterator[Customer]) -> None:
        stopping = asyncio.ensure_future(self.stop.wait())
        stopping.add_done_callback(lambda _: self.changed.set())
        try:
            await self._send_all(customers)
            if self.settling.unexplained:
                self._start(self.settling.explain())
                await self._until_idle()
        finally:
            stopping.cancel()
            # Cancel queued requests and look-ups; let requests in flight finish.
            self.closing = True
            for task in self.tasks - self.in_flight:
                task.cancel()
            if self.tasks:
                await asyncio.wait(self.tasks)
            self.settling.report_open()
        if self.error:
            raise self.error

    async def _until_idle(self) -> None:
        while self.tasks and not self._ends:
            self.changed.clear()
            await self.changed.wait()

    @property
    def _ends(self) -> bool:
        return self.error is not None or self.stop.is_set()

    async def _send_all(self, customers: Iterator[Customer]) -> None:
        """Keep requests under way until every row has its outcome, or it is time to stop."""
        settling: asyncio.Task[None] | None = None
        while not self._ends:
            pause = self._fill(customers)
            idle = not (self.tasks or pause)
            if (settling is None or settling.done()) and self.settling.due(
                idle=idle, under_way=len(self.delivering)
            ):
                settling = self._start(self.settling.settle())
            if not (self.tasks or pause):
                break
            self.changed.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause or None):
                    await self.changed.wait()

    def _fill(self, customers: Iterator[Customer]) -> float:
        """Start rows while there is room. Return for how long sending pauses, 0 for not at all."""
        room = 1 if self.breaker.failing else self.tuning.concurrency
        while len(self.delivering) < room and len(self.waiting) < self.queue:
            if (pause := self.breaker.not_before - self.now()) > 0:
                return pause
            earlier = None
            if self.requeued:
                customer = self.requeued.popleft()
            elif self.settling.again:
                earlier = self.settling.again.popleft()
                customer = earlier.customer
            elif (found := next(customers, None)) is not None:
                customer = found
            else:
                break
            attempt = _Attempt(self, customer, earlier)
            attempt.task = self._start(self._deliver(attempt))
            self.delivering.add(attempt.task)
            self.waiting.add(attempt.task)
            attempt.task.add_done_callback(partial(self._delivered, attempt))
        return 0.0

    def _delivered(self, attempt: _Attempt, task: asyncio.Task[None]) -> None:
        self.delivering.discard(task)
        self.waiting.discard(task)
        if not attempt.begun:  # cancelled before its first step
            self._requeue(attempt)

    def _requeue(self, attempt: _Attempt) -> None:
        """Queue a row again that was certainly not created."""
        if attempt.earlier:
            self.settling.again.appendleft(attempt.earlier)
        else:
            if attempt.left is not None:
                self.recorder.withdraw(attempt.customer)
            self.requeued.appendleft(attempt.customer)

    def _start(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self._finished)
        return task

    def _finished(self, task: asyncio.Task[None]) -> None:
        self.tasks.discard(task)
        self.changed.set()
        if not task.cancelled() and (error := task.exception()):
            self.error = self.error or error

    async def _deliver(self, attempt: _Attempt) -> None:
        """Send one row and process the response."""
        attempt.begun = True
        try:
            if self.look_up and not attempt.earlier and await self._is_there(attempt.customer):
                return
            response = await self.api.create(attempt.customer.body(), lambda: attempt)
        except (asyncio.CancelledError, ImporterError):
            if attempt.out:  # torn off in the middle
                self.settling.doubt(attempt.doubt())
            else:  # it never left, or was refused before Clopos looked at the row
                self._requeue(attempt)
            raise
        await self._process(attempt, response)
        self.breaker.count(response, attempt.left or 0.0, self.now())
        if self.breaker.failing:
            for task in self.waiting:
                task.cancel()

    async def _is_there(self, customer: Customer) -> bool:
        """Look a row up; record what it is when it isn't new."""
        verdict = self.holders.judge(customer, await self.holders.look_up(customer))
        if not verdict.customers:
            return False
        self.recorder.matched(customer, verdict)
        return True

    async def _process(self, attempt: _Attempt, response: ClassifiedResponse) -> None:
        customer = attempt.customer
        match response.verdict:
            case Verdict.OK if response.id and _is_answer_to(response, customer):
                self.recorder.created(customer, response.id)
            case Verdict.OK if self._keeps_no_cid(response, customer):
                self.recorder.created(customer, response.id or "")
                if not self.settling.without_cids:
                    raise cid_not_kept()
            case Verdict.OK:
                # Another row's customer: an answer that came late, or one that was there before.
                self.settling.doubt(attempt.doubt(holder=response.id))
                if _has_values_of(response, customer):
                    await self._suspect()
            case Verdict.DOUBT:
                self.settling.doubt(attempt.doubt(unreadable=response.unreadable))
            case Verdict.CONFLICT | Verdict.REJECTED | Verdict.FAILED if doubt := self._refused(
                attempt, response
            ):
                self.settling.doubt(doubt)
            case Verdict.CONFLICT:
                await self.settling.conflict(customer, response)
            case Verdict.THROTTLED:
                self._requeue(attempt)
            case _:
                self.recorder.refused(customer, response)

    def _refused(self, attempt: _Attempt, response: ClassifiedResponse) -> UncertainRow | None:
        """Return the row as uncertain where an attempt before may have created it, else None."""
        if attempt.earlier:
            return attempt.doubt(refused=response)
        if response.verdict is not Verdict.CONFLICT:
            return None
        # An attempt of an earlier run, whose customer a list that lags didn't show.
        doubted = self.recorder.doubted(attempt.customer) is not None
        return attempt.doubt(refused=response) if doubted else None

    async def _suspect(self) -> None:
        """Take precautions where it looks as if Clopos gave customers cids of its own.

        It may also be a customer who was there before. The next answer shows it, once the highest
        id is known.
        """
        self.settling.resend = False
        if self.recorder.newest_id is None:
            page = await self.api.page(1, sort=("id", -1))
            ids = [int(each.id) for each in page.customers if each.id.isdecimal()]
            self.recorder.newest_id = max(ids, default=None)

    def _keeps_no_cid(self, response: ClassifiedResponse, customer: Customer) -> bool:
        """Return whether a customer was created from this row with another cid than we sent."""
        newest = self.recorder.newest_id
        number = int(response.id) if response.id and response.id.isdecimal() else None
        newer = number is not None and newest is not None and number > newest
        return newer and response.cid is not None and _has_values_of(response, customer)


class _Attempt:
    """One request for one row. `earlier`: it was in doubt, and reading didn't find it.

    `out`: bytes may have left and there is no answer yet. It is a context around the request: its
    intention is durable, and it isn't cancelled in the middle. `task` delivers it.
    """

    task: asyncio.Task[None]

    def __init__(self, sender: _Sender, customer: Customer, earlier: UncertainRow | None) -> None:
        self.sender = sender
        self.customer = customer
        self.earlier = earlier
        self.begun = False
        self.out = False
        self.left: float | None = None  # loop time; None: not yet
        # A late create of an earlier attempt has an older id than this attempt's neighbours.
        self.after_id = earlier.after_id if earlier else None
        self.created = 0

    def doubt(
        self,
        refused: ClassifiedResponse | None = None,
        holder: str | None = None,
        *,
        unreadable: bool = False,
    ) -> UncertainRow:
        """Return the row as uncertain from now on.

        `refused` is the refusal it met, `holder` the id of another customer that was answered.
        """
        return UncertainRow(
            self.customer,
            self.after_id,
            self.sender.now(),
            self.earlier.attempts + 1 if self.earlier else 1,
            self.created,
            refused,
            holder or (self.earlier.holder if self.earlier else None),
            unreadable,
        )

    async def __aenter__(self) -> None:
        sender = self.sender
        sender.waiting.discard(self.task)
        sender.changed.set()  # the next one may wait
        if self.left is None:
            recorder = sender.recorder
            # A customer of the first attempt has a lower id than those that came since.
            doubted = recorder.doubted(self.customer)
            known = recorder.newest_id if doubted is None else doubted
            self.after_id = self.earlier.after_id if self.earlier else known
            self.created = recorder.created_count
            self.left = sender.now()
            await sender.recorder.intend(self.customer, self.after_id)
        await sender.recorder.confirm_held()
        self.left = sender.now()
        sender.in_flight.add(self.task)
        self.out = True

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.out = error is not None
        self.sender.in_flight.discard(self.task)
        if self.sender.closing:
            # Process this response, but start no requests that would follow from it.
            self.task.cancel()


def _is_answer_to(response: ClassifiedResponse, customer: Customer) -> bool:
    """Return whether a response that says yes is the one to this row.

    By the cid; where the response has none, by name and phone.
    """
    if response.cid is not None:
        return response.cid.lower() == customer.cid.lower()
    return _has_values_of(response, customer)


def _has_values_of(response: ClassifiedResponse, customer: Customer) -> bool:
    data = response.data if isinstance(response.data, dict) else {}
    if data.get("name") != customer.name:
        return False
    return digits_of(str(data.get("phone") or "")) == digits_of(customer.phone)
