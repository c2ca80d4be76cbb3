"""Leases: which process has a brand, by the database's clock.

A lease lasts 90 seconds and is renewed every 20, all brands of a process in one statement, from a
thread: a sheet that keeps the event loop busy costs no brand. Each taking raises its token, and a
process whose token isn't the brand's writes nothing for it.
"""

from __future__ import annotations

import json
import os
import socket
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import psycopg

from importer.errors import FencedError, ImporterError, ServiceError
from importer.i18n import tr
from importer.store.postgres_connection import Connections
from importer.store.state import IN_USE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from importer.store.postgres_connection import Connection

LASTS = 90.0  # seconds, of the database's clock
RENEWED_EVERY = 20.0
FRESH_FOR = 30.0  # seconds since the last renewal in which a request may leave: it may take as long
_AGAIN = 2.0  # seconds between attempts while the database is away

_TAKE: Final = """
INSERT INTO leases AS held (brand_id, token, owner, until)
VALUES (%s, 1, %s, clock() + %s)
ON CONFLICT (brand_id) DO UPDATE
SET token = held.token + 1, owner = excluded.owner, until = excluded.until
WHERE held.until < clock()
RETURNING token
"""
_HOLDER: Final = "SELECT owner, until - clock() FROM leases WHERE brand_id = %s"
_RENEW: Final = """
WITH mine AS (
    SELECT leases.brand_id FROM leases
    JOIN unnest(%s::bigint[], %s::bigint[]) AS asked (brand_id, token) USING (brand_id, token)
    ORDER BY brand_id FOR NO KEY UPDATE OF leases
)
UPDATE leases SET until = clock() + %s FROM mine WHERE leases.brand_id = mine.brand_id
RETURNING leases.brand_id, leases.token
"""
# The token is raised, so that a renewal under way can't revive the lease.
_RELEASE: Final = """
UPDATE leases SET token = token + 1, until = 0 WHERE brand_id = %s AND token = %s
"""
_FENCE: Final = "SELECT 1 FROM leases WHERE brand_id = %s AND token = %s FOR KEY SHARE"


@dataclass(slots=True, eq=False)
class Lease:
    """A brand that this process holds, or held. `error`: what it ended by."""

    brand_id: int
    token: int
    asked: float  # `uptime` when the last renewal that was granted was asked for
    error: ImporterError | None = None

    @property
    def is_fresh(self) -> bool:
        """Return whether no other process can have taken the brand, nor will for a request."""
        return self.error is None and uptime() - self.asked < FRESH_FOR

    def fence(self) -> ImporterError:
        """Note that another process has taken the brand over; return the error to be raised."""
        self.error = self.error or FencedError(
            tr("Another process has taken this brand over"),
            why=tr("this one was paused, or cut off from the database, for too long"),
            fix=tr("look at the results of the other one; nothing more was sent by this one"),
        )
        return self.error


def uptime() -> float:
    """Return seconds since some moment, the time that the machine slept included."""
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.monotonic()


def take(db: Connection, brand_id: int, what: str) -> Lease:
    """Take a brand, `what` for. Raises ServiceError, naming the holder, when it is held."""
    asked = uptime()
    owner = json.dumps({"host": socket.gethostname(), "pid": os.getpid(), "file": what})
    row = db.execute(_TAKE, (brand_id, owner, LASTS)).fetchone()
    if row:
        return Lease(brand_id, int(row[0]), asked)
    raise ServiceError(
        tr("Another run for this brand is in progress"),
        why=_describe(db, brand_id),
        fix=tr("wait until it has ended, then run it again"),
        code=IN_USE,
    )


def release(db: Connection, lease: Lease) -> None:
    """Let other processes have the brand at once."""
    db.execute(_RELEASE, (lease.brand_id, lease.token))


def check(db: Connection, lease: Lease) -> None:
    """Keep others from taking the brand until the transaction of the caller ends.

    Raises FencedError when another process has taken it.
    """
    if db.execute(_FENCE, (lease.brand_id, lease.token)).fetchone() is None:
        raise lease.fence()


def renew(db: Connection, leases: Iterable[Lease]) -> None:
    """Renew the leases that are still held, and mark the others as taken over."""
    asked = uptime()
    alive = [lease for lease in leases if lease.error is None]
    ids = [lease.brand_id for lease in alive]
    tokens = [lease.token for lease in alive]
    renewed = {(row[0], row[1]) for row in db.execute(_RENEW, (ids, tokens, LASTS))}
    for lease in alive:
        if (lease.brand_id, lease.token) in renewed:
            lease.asked = asked
        else:
            lease.fence()


class Renewer:
    """Renews the leases of a process until it is closed."""

    def __init__(self, url: str) -> None:
        self._leases: set[Lease] = set()
        self._connections = Connections(url, limited=True)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._renew_on, name="leases", daemon=True)
        self._thread.start()

    def add(self, lease: Lease) -> None:
        """Renew a lease from now on."""
        self._leases.add(lease)

    def remove(self, lease: Lease) -> None:
        """Renew a lease no more."""
        self._leases.discard(lease)

    def renew(self) -> None:
        """Renew all leases now. Raises psycopg.Error."""
        if leases := [*self._leases]:
            with self._connections.use() as db:
                renew(db, leases)

    def close(self) -> None:
        """End the thread once a renewal under way is done."""
        self._stop.set()
        self._thread.join()
        self._connections.close()

    def _renew_on(self) -> None:
        pause = RENEWED_EVERY
        while not self._stop.wait(pause):
            try:
                self.renew()
                pause = RENEWED_EVERY
            except psycopg.Error:
                pause = _AGAIN  # requests stop by themselves: no lease is fresh


def _describe(db: Connection, brand_id: int) -> str | None:
    row = db.execute(_HOLDER, (brand_id,)).fetchone()
    if row is None:
        return None
    owner = json.loads(row[0])
    return tr(
        "process {pid} on {host}, with {file}; if it was killed, the brand is released in "
        "{seconds} seconds",
        pid=owner["pid"],
        host=owner["host"],
        file=owner["file"],
        seconds=max(1, round(row[1])),
    )
