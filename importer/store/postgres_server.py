"""One PostgreSQL database as all brands of a process use it: connections, committer, leases."""

from __future__ import annotations

import asyncio
import contextlib
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar
from weakref import WeakKeyDictionary

import psycopg

from importer.store import postgres_leases
from importer.store.postgres_committer import Committer
from importer.store.postgres_connection import (
    AWAY_FOR,
    Connections,
    is_passing,
    unusable,
)
from importer.store.postgres_failures import Budget
from importer.store.threads import in_thread

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from importer.store.postgres_connection import Connection
    from importer.store.postgres_leases import Lease

P = ParamSpec("P")
T = TypeVar("T")

_CONNECTIONS = 4  # for all brands of a process, beside those of committer and leases
_AGAIN = 1.0  # seconds between attempts while the database is away

_servers: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, Server]] = WeakKeyDictionary()


class Server:
    """A database, for the brands that are open in one event loop."""

    def __init__(self, url: str) -> None:
        self.users = 0
        self.committer = Committer(url)
        self.leases = postgres_leases.Renewer(url)
        self._url = url
        self._connections = Connections(url)
        self._threads = ThreadPoolExecutor(_CONNECTIONS, thread_name_prefix="postgres")
        self._budgets: dict[str, Budget] = {}
        self._renewing = asyncio.Lock()

    async def run(self, work: Callable[[Connection], T], *, patience: float | None = None) -> T:
        """Do some work in a transaction, and return its result.

        Done again while the database is away, for `patience` seconds (None: ten minutes), once at
        least: it must mean the same when it is done twice. Raises ServiceError or UsageError.
        """

        def transaction() -> T:
            with self._connections.use() as db, db.transaction():
                return work(db)

        loop = asyncio.get_running_loop()
        until = loop.time() + (AWAY_FOR if patience is None else patience)
        pause = 0.0  # a connection that was cut meanwhile says so when it is used
        while True:
            try:
                return await in_thread(self._threads, transaction)
            except (psycopg.Error, UnicodeError) as error:
                if not is_passing(error) or (pause and loop.time() >= until):
                    raise unusable(self._url, error) from error
            await asyncio.sleep(pause)
            pause = _AGAIN

    async def confirm(self, lease: Lease) -> None:
        """Return when no other process can have taken a brand. Raises FencedError, ServiceError."""
        if lease.is_fresh:
            return
        until = asyncio.get_running_loop().time() + AWAY_FOR
        async with self._renewing:  # one of the brands asks for all
            while not lease.is_fresh:
                if lease.error:
                    raise lease.error
                try:
                    await in_thread(self._threads, self.leases.renew)
                except psycopg.Error as error:
                    if not is_passing(error) or asyncio.get_running_loop().time() >= until:
                        raise unusable(self._url, error) from error
                    await asyncio.sleep(_AGAIN)

    def budget(self, address: str) -> Budget:
        """Return the failure budget that all brands of the process have at an address."""
        if address not in self._budgets:
            self._budgets[address] = Budget(address, self)
        return self._budgets[address]

    async def close(self) -> None:
        """Close all connections, once what is under way is done."""
        for budget in self._budgets.values():
            await budget.close()
        await self.committer.close()
        await in_thread(self._threads, self.leases.close)
        self._threads.shutdown()
        self._connections.close()


class Brand:
    """A brand that is held by a lease, and its tables."""

    def __init__(self, server: Server, lease: Lease) -> None:
        self.server = server
        self.lease = lease
        self._turn = asyncio.Lock()

    async def run(
        self,
        work: Callable[Concatenate[Connection, int, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Do some work on the brand in a transaction of its own, and return its result.

        One piece at a time; `work` gets the brand's id. Raises FencedError when another process
        has taken the brand over: nothing is changed then.
        """

        def fenced(db: Connection) -> T:
            postgres_leases.check(db, self.lease)
            return work(db, self.lease.brand_id, *args, **kwargs)

        async with self._turn:
            if self.lease.error:
                raise self.lease.error
            return await self.server.run(fenced)


@contextlib.asynccontextmanager
async def shared_server(url: str) -> AsyncIterator[Server]:
    """Give the database that all brands of this event loop share."""
    servers = _servers.setdefault(asyncio.get_running_loop(), {})
    server = servers.get(url)
    if server is None:
        server = servers[url] = Server(url)
    server.users += 1
    try:
        yield server
    finally:
        server.users -= 1
        if not server.users:
            del servers[url]
            await server.close()


def read(url: str, work: Callable[[psycopg.Connection[Any]], T]) -> T:
    """Do some work on a connection of its own; for what needs no lease. Blocks.

    Raises ServiceError or UsageError.
    """
    connections = Connections(url)
    try:
        with contextlib.closing(connections), connections.use() as db, db.transaction():
            return work(db)
    except psycopg.Error as error:
        raise unusable(url, error) from error
