"""Failed responses of all workers of a database, so that none of their addresses is blocked.

Each process counts its own and reports them once a second, or sooner when there are ten of them.
All workers share one budget for an address of Clopos: from the same network they have one address,
and otherwise it is stricter than it had to be.
"""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from importer.errors import ImporterError
from importer.store.failure_budget import MARGIN, MOST, WINDOW

if TYPE_CHECKING:
    from collections.abc import Callable

    from importer.store.postgres_connection import Connection
    from importer.store.postgres_server import Server

_REPORT_EVERY = 1.0  # seconds
_REPORT_AT = 10  # failures
_LISTEN_FOR = 10.0  # seconds after a failure of our own, to those of others

_REPORT: Final = """
WITH reported AS (
    INSERT INTO failures AS known (address, worker, second, count)
    SELECT %(address)s, %(worker)s, floor(clock())::bigint, %(count)s WHERE %(count)s > 0
    ON CONFLICT (address, worker, second) DO UPDATE SET count = known.count + excluded.count
), dropped AS (
    DELETE FROM failures WHERE (address, worker, second) IN (
        SELECT address, worker, second FROM failures WHERE second < clock() - 120
        FOR UPDATE SKIP LOCKED
    )
)
SELECT greatest(0, clock() - second - 1), count FROM failures
WHERE address = %(address)s AND worker <> %(worker)s AND second > clock() - 61
"""


class Budget:
    """The failed responses that count for one address of Clopos."""

    def __init__(self, address: str, server: Server) -> None:
        self._address = address
        self._server = server
        self._worker = uuid.uuid4().hex
        self._own: list[float] = []
        self._others: list[float] = []
        self._unreported = 0
        self._failed = 0.0  # loop time of the last
        self._many = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def add(self, now: Callable[[], float]) -> float:
        """See `base.FailureBudget`; `now` is the wall clock."""
        at = now()
        self._own = [*(each for each in self._own if at - WINDOW < each <= at), at]
        self._unreported += 1
        self._failed = asyncio.get_running_loop().time()
        if self._unreported >= _REPORT_AT:
            self._many.set()
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._report(now))
        recent = sorted(each for each in (*self._own, *self._others) if at - WINDOW < each <= at)
        return recent[-MOST] + WINDOW + MARGIN - at if len(recent) >= MOST else 0.0

    async def close(self) -> None:
        """Report no more."""
        if self._task:
            self._task.cancel()
            await asyncio.wait({self._task})

    async def _report(self, now: Callable[[], float]) -> None:
        """Report what failed here and learn what failed elsewhere, until nothing fails here."""
        loop = asyncio.get_running_loop()
        try:
            while self._unreported or loop.time() < self._failed + _LISTEN_FOR:
                count, self._unreported = self._unreported, 0
                self._many.clear()
                with contextlib.suppress(ImporterError):  # our own are counted all the same
                    others = await self._server.run(partial(self._exchange, count), patience=0.0)
                    self._others = [now() - age for age, number in others for _ in range(number)]
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._many.wait(), _REPORT_EVERY)
        finally:
            self._task = None

    def _exchange(self, count: int, db: Connection) -> list[tuple[float, int]]:
        values = {"address": self._address, "worker": self._worker, "count": count}
        return [(age, number) for age, number in db.execute(_REPORT, values)]


@dataclass(frozen=True, slots=True)
class PostgresFailures:
    """`base.FailureBudget` of a store: its clock, and the budget that its process shares."""

    budget: Budget
    now: Callable[[], float]

    def add(self) -> float:
        """See `base.FailureBudget`."""
        return self.budget.add(self.now)
