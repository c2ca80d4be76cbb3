"""The fleet's connections to PostgreSQL, and statements that wait while it is away."""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, LiteralString, TypeVar

import psycopg
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool

from importer.store.postgres_connection import conninfo, is_passing, unusable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from psycopg.sql import Composed

T = TypeVar("T")
Pool = AsyncConnectionPool[psycopg.AsyncConnection[Any]]

_log = logging.getLogger(__name__)
_PAUSE = 2.0  # seconds between two tries
_SAY_AGAIN = 60.0
_PARAMETERS: dict[str, Any] = {
    "application_name": "clopos-import fleet",
    "options": "-c search_path=queue -c synchronous_commit=on",
}


class Database:
    """A pool of connections. `patient`: statements wait while the database is away.

    `lost_at` is when a statement last failed for that reason, on the monotonic clock; `is_away`:
    the last one did.
    """

    def __init__(self, pool: Pool, url: str, *, patient: bool) -> None:
        self.pool = pool
        self.url = url
        self.lost_at = float("-inf")
        self.is_away = False
        self._patient = patient
        self._said_at = float("-inf")

    async def rows(self, query: LiteralString | Composed, **values: Any) -> list[dict[str, Any]]:
        """Run one statement in a transaction of its own; return its rows.

        Raises ServiceError when the database can't be reached, and isn't waited for.
        """

        async def once() -> list[dict[str, Any]]:
            async with self.pool.connection() as connection:
                cursor = connection.cursor(row_factory=dict_row)
                # Without values a text may hold several statements.
                await cursor.execute(query, values or None)
                return await cursor.fetchall() if cursor.description else []

        return await self.patiently(once)

    async def patiently(self, work: Callable[[], Awaitable[T]]) -> T:
        """Return what the work returns, again and again while the database is away.

        A statement whose answer was lost is repeated though it was committed: it must be
        idempotent.
        """
        while True:
            try:
                found = await work()
            except psycopg.Error as error:
                if not is_passing(error):
                    raise
                self.lost_at, self.is_away = time.monotonic(), True
                if not self._patient:
                    raise unusable(self.url, error) from None
                self._say(error)
                await asyncio.sleep(_PAUSE)
            else:
                self.is_away = False
                return found

    def _say(self, error: psycopg.Error) -> None:
        now = time.monotonic()
        if now - self._said_at >= _SAY_AGAIN:
            self._said_at = now
            _log.warning("the database is away, waiting: %s", " ".join(str(error).split()))


@asynccontextmanager
async def open_database(
    url: str, *, size: int = 2, patient: bool = False
) -> AsyncIterator[Database]:
    """Open connections to the database of the fleet, at most `size`.

    Raises ServiceError when it can't be reached, UsageError when the address is invalid or refused.
    """
    where = conninfo(url)
    try:
        connection = await psycopg.AsyncConnection.connect(where, **_PARAMETERS)
        await connection.close()  # the pool's own errors don't say why
    except psycopg.Error as error:
        raise unusable(url, error) from None
    pool: Pool = AsyncConnectionPool(
        where,
        kwargs=_PARAMETERS,
        min_size=1,
        max_size=size,
        open=False,
        timeout=15.0,
        reconnect_timeout=15.0,
        check=AsyncConnectionPool.check_connection,
    )
    async with pool:
        yield Database(pool, url, patient=patient)
