"""Planned rows → outcomes: paced, concurrent, recorded before and after.

A row is never in two requests at once. What an answer leaves open is settled by reading, while
other rows go on (`settle`).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from functools import partial
from typing import TYPE_CHECKING

from importer.clopos.responses import Verdict
from importer.errors import ImporterError
from importer.send.circuit_breaker import Breaker, Pace
from importer.send.recorder import Reporter
from importer.send.settle import Doubt, Settling, inherited

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable
    from types import TracebackType

    from importer.clopos import Answer, Clopos
    from importer.records import Customer, Outcome
    from importer.send.recorder import Ledger


_QUEUE = 8  # rows that wait for their turn: enough, and what is read waits no longer than they do


async def send(
    customers: Iterable[Customer],
    api: Clopos,
    ledger: Ledger,
    on_outcome: Callable[[Outcome], None],
    *,
    doubtful: Iterable[tuple[Customer, int | None, bool]] = (),
    in_doubt: dict[str, Doubt] | None = None,
    newest_id: int | None = None,
    pace: Pace | None = None,
    stop: asyncio.Event | None = None,
) -> None:
    """Create the customers and report one outcome for each that was reached.

    `doubtful` rows may have been sent by a run that died, each with the highest id that was known
    before (None: none was), and whether it sent other values; they are settled first. `in_doubt`
    is kept up to date for whoever looks on: cid → row. `newest_id` is the highest id known to be
    at Clopos. When `stop` is set, what is in flight is finished and nothing more is sent. Rows for
    which nothing was reported are still to be sent.

    Raises ServiceError when going on makes no sense; everything reported until then holds.
    """
    reporter = Reporter(ledger, on_outcome, newest_id)
    sender = _Sender(api, ledger, reporter, pace or Pace(), stop or asyncio.Event())
    if in_doubt is not None:
        sender.settling.doubts = in_doubt
    await sender.run(iter(customers), doubtful)


class _Sender:
    """The state of one run."""

    def __init__(
        self, api: Clopos, ledger: Ledger, reporter: Reporter, pace: Pace, stop: asyncio.Event
    ) -> None:
        self.api = api
        self.ledger = ledger
        self.reporter = reporter
        self.pace = pace
        self.stop = stop
        self.breaker = Breaker(pace)
        self.settling = Settling(api, reporter, pace)
        self.put_back: deque[Customer] = deque()  # before they left, or by a 429
        self.tasks: set[asyncio.Task[None]] = set()
        self.delivering: set[asyncio.Task[None]] = set()
        self.waiting: set[asyncio.Task[None]] = set()  # for their turn
        self.queue = _QUEUE if api.paced else pace.concurrency
        self.under_way: set[asyncio.Task[None]] = set()  # bytes may be out: not to be cancelled
        self.closing = False
        self.changed = asyncio.Event()
        self.error: BaseException | None = None
        self.now = asyncio.get_running_loop().time

    async def run(
        self, customers: Iterable[Customer], doubtful: Iterable[tuple[Customer, int | None, bool]]
    ) -> None:
        for customer, after_id, mended in doubtful:
            self.settling.doubt(inherited(customer, after_id, mended=mended))
        stopping = asyncio.ensure_future(self.stop.wait())
        stopping.add_done_callback(lambda _: self.changed.set())
        try:
            if self.settling.due(idle=True, under_way=0):
                self._start(self.settling.settle())
                await self._until_idle()
            await self._send_all(iter(customers))
            if self.settling.unexplained:
                self._start(self.settling.explain())
                await self._until_idle()
        finally:
            stopping.cancel()
            # What waits for its turn or reads may be left; what is on the wire is finished.
            self.closing = True
            for task in self.tasks - self.under_way:
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

    async def _send_all(self, customers: Iterable[Customer]) -> None:
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

    def _fill(self, customers: Iterable[Customer]) -> float:
        """Start rows while there is room. Return for how long sending pauses, 0 for not at all."""
        room = 1 if self.breaker.failing else self.pace.concurrency
        while len(self.delivering) < room and len(self.waiting) < self.queue:
            if (pause := self.breaker.not_before - self.now()) > 0:
                return pause
            earlier = None
            if self.put_back:
                customer = self.put_back.popleft()
            elif self.settling.again:
                earlier = self.settling.again.popleft()
                customer = earlier.customer
            elif (found := next(iter(customers), None)) is not None:
                customer = found
            else:
                break
            attempt = _Attempt(self, customer, earlier)
            task = self._start(self._deliver(attempt))
            self.delivering.add(task)
            self.waiting.add(task)
            task.add_done_callback(partial(self._delivered, attempt))
        return 0.0

    def _delivered(self, attempt: _Attempt, task: asyncio.Task[None]) -> None:
        self.delivering.discard(task)
        self.waiting.discard(task)
        if not attempt.begun:  # cancelled before its first step
            self._put_back(attempt)

    def _put_back(self, attempt: _Attempt) -> None:
        """Let a row that certainly wasn't taken have its turn again."""
        if attempt.earlier:
            self.settling.again.appendleft(attempt.earlier)
        else:
            if attempt.left is not None:
                self.ledger.withdraw(attempt.customer.cid)
            self.put_back.appendleft(attempt.customer)

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
        """Send one row and judge the answer."""
        attempt.begun = True
        try:
            answer = await self.api.create(attempt.customer.body(), lambda: attempt)
        except (asyncio.CancelledError, ImporterError):
            if attempt.out:  # torn off in the middle
                self.settling.doubt(attempt.doubt())
            else:  # it never left, or was refused before Clopos looked at the row
                self._put_back(attempt)
            raise
        await self._judge(attempt, answer)
        self.breaker.count(answer, attempt.left or 0.0, self.now())
        if self.breaker.failing:
            for task in self.waiting:
                task.cancel()

    async def _judge(self, attempt: _Attempt, answer: Answer) -> None:
        customer, earlier = attempt.customer, attempt.earlier
        match answer.verdict:
            case Verdict.OK:
                self.reporter.created(customer, answer.id or "")
            case Verdict.DOUBT:
                self.settling.doubt(attempt.doubt())
            case Verdict.CONFLICT | Verdict.REJECTED | Verdict.FAILED if earlier:
                # What is refused now may be there all the same, by the attempt before.
                self.settling.doubt(attempt.doubt(refused=answer))
            case Verdict.CONFLICT:
                await self.settling.clash(customer, answer)
            case Verdict.THROTTLED:
                self._put_back(attempt)
            case _:
                self.reporter.refused(customer, answer)


class _Attempt:
    """One request for one row. `earlier`: it was in doubt, and reading didn't find it.

    `out`: bytes may have left and there is no answer yet. It is a context around the request: its
    intention is durable, and nobody tears it off in the middle.
    """

    def __init__(self, sender: _Sender, customer: Customer, earlier: Doubt | None) -> None:
        self.sender = sender
        self.customer = customer
        self.earlier = earlier
        self.begun = False
        self.out = False
        self.left: float | None = None  # loop time; None: not yet
        # A late create of an earlier attempt has an older id than this attempt's neighbours.
        self.after_id = earlier.after_id if earlier else None
        self.created = 0

    def doubt(self, refused: Answer | None = None) -> Doubt:
        """Return the row as one in doubt from now on; `refused` is the refusal it met."""
        attempts, mended = 1, False
        if self.earlier:
            attempts, mended = self.earlier.attempts + 1, self.earlier.mended
        since = self.sender.now()
        return Doubt(self.customer, self.after_id, since, attempts, self.created, refused, mended)

    async def __aenter__(self) -> None:
        sender = self.sender
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a coroutine runs in a task
        sender.waiting.discard(task)
        sender.changed.set()  # the next one may wait
        if self.left is None:
            reporter = sender.reporter
            self.after_id = self.earlier.after_id if self.earlier else reporter.newest_id
            self.created = reporter.count
            self.left = sender.now()
            await sender.ledger.intend(self.customer, self.after_id)
        self.left = sender.now()
        sender.under_way.add(task)
        self.out = True

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a coroutine runs in a task
        self.out = error is not None
        self.sender.under_way.discard(task)
        if self.sender.closing:
            # Its answer is still judged; what would follow from it no longer happens.
            task.cancel()
