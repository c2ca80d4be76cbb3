"""One committer for all brands of a process: what they note within 20 ms shares a commit.

The lease is checked in the statement that writes: an intention of a brand that another process has
taken over isn't written, and its waiter gets FencedError. That a customer exists is a fact, and is
written whichever process holds the brand.
"""

from __future__ import annotations

import asyncio
import logging
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from importer.store.postgres_connection import (
    AWAY_FOR,
    Connections,
    is_passing,
    unusable,
)
from importer.store.records import State
from importer.store.threads import in_thread

if TYPE_CHECKING:
    from collections.abc import Callable

    from importer.errors import ImporterError
    from importer.store.postgres_connection import Connection
    from importer.store.postgres_leases import Lease

_log = logging.getLogger(__name__)
_GATHERING = 0.02  # seconds
_AGAIN = 1.0  # seconds between attempts while the database is away
_FACTS = {State.CREATED, State.EXISTED}

_WRITE: Final = """
WITH noted AS (
    SELECT * FROM unnest(
        %s::bigint[], %s::bigint[], %s::text[], %s::bigint[], %s::text[], %s::bigint[],
        %s::text[], %s::text[], %s::float8[], %s::text[]
    ) WITH ORDINALITY AS n (
        brand_id, token, digest, run, state, after_id, clopos_id, packed, changed, keys, position
    )
), mine AS (
    SELECT brand_id, token FROM leases
    WHERE (brand_id, token) IN (SELECT brand_id, token FROM noted)
    ORDER BY brand_id FOR KEY SHARE
), written AS (
    INSERT INTO log (brand_id, digest, run, state, after_id, clopos_id, packed, changed, keys)
    SELECT noted.brand_id, digest, run, state, after_id, clopos_id, packed, changed, keys
    FROM noted LEFT JOIN mine USING (brand_id, token)
    WHERE mine.brand_id IS NOT NULL OR state IN ('created', 'existed')
    ORDER BY position
), asked AS (
    INSERT INTO requests AS known (brand_id, second, count)
    SELECT brand_id, floor(clock() - age)::bigint AS second, count(*)
    FROM unnest(%s::bigint[], %s::float8[]) AS sent (brand_id, age)
    GROUP BY brand_id, second ORDER BY brand_id, second
    ON CONFLICT (brand_id, second) DO UPDATE SET count = known.count + excluded.count
)
SELECT brand_id, token FROM mine
"""


@dataclass(frozen=True, slots=True)
class Note:
    """A row for `log`. `durable` is done when it is on disk; None where nothing waits for it."""

    lease: Lease
    row: tuple[Any, ...]  # digest, run, state, after_id, clopos_id, packed, changed, keys
    durable: asyncio.Future[None] | None = None

    @property
    def is_fact(self) -> bool:
        """Return whether it holds whichever process has the brand."""
        return self.row[2] in _FACTS


@dataclass(frozen=True, slots=True)
class Sent:
    """A request that left at `when` by the clock `now`."""

    brand_id: int
    when: float
    now: Callable[[], float]


@dataclass(slots=True)
class _Batch:
    notes: list[Note] = field(default_factory=list)
    sent: list[Sent] = field(default_factory=list)
    flushes: list[asyncio.Future[None]] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.notes or self.sent or self.flushes)


class Committer:
    """Writes what the brands of a process note. `committed` is when it last did, `time.monotonic`.

    While the database is away it tries again; after ten minutes intentions fail, and outcomes wait
    on in memory.
    """

    def __init__(self, url: str) -> None:
        self.committed = time.monotonic()
        self._url = url
        self._connections = Connections(url, limited=True)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="committer")
        self._batch = _Batch()
        self._task: asyncio.Task[None] | None = None
        self._away: ImporterError | None = None  # while outcomes wait for longer than ten minutes

    def note(self, note: Note) -> None:
        """Write a note with one of the next commits, in order; without one that is fenced off."""
        if note.lease.error and not note.is_fact:
            _settle(note, note.lease.error)
            return
        self._batch.notes.append(note)
        self._commit_soon()

    def sent(self, request: Sent) -> None:
        """Note a request that leaves now."""
        self._batch.sent.append(request)
        self._commit_soon()

    async def flush(self) -> None:
        """Return when everything noted so far is durable. Raises ServiceError."""
        if self._away:
            raise self._away
        if self._batch or self._task:
            durable = asyncio.get_running_loop().create_future()
            self._batch.flushes.append(durable)
            self._commit_soon()
            await durable

    async def close(self) -> None:
        """Give up what couldn't be written, and close the connection."""
        if self._task:
            self._task.cancel()
            await asyncio.wait({self._task})
        self._thread.shutdown()
        self._connections.close()

    def _commit_soon(self) -> None:
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._commit_all())

    async def _commit_all(self) -> None:
        try:
            while self._batch:
                await asyncio.sleep(_GATHERING)
                batch, self._batch = self._batch, _Batch()
                await self._commit(batch)
        finally:
            self._task = None

    async def _commit(self, batch: _Batch) -> None:
        loop = asyncio.get_running_loop()
        until = loop.time() + AWAY_FOR
        waited = False
        while True:
            try:
                held = await self._write(batch)
            except Exception as error:  # noqa: BLE001 - rows wait for it
                if not is_passing(error):
                    await self._refused(batch, error)
                    return
                if loop.time() >= until:
                    self._give_up(batch, unusable(self._url, error))
                    return
                if not waited:
                    _log.warning("waiting for the database: %s", type(error).__name__)
                waited = True
                await asyncio.sleep(_AGAIN)
            else:
                self._away = None
                self.committed = time.monotonic()
                break
        for note in batch.notes:
            lost = (note.lease.brand_id, note.lease.token) not in held and not note.is_fact
            _settle(note, note.lease.fence() if lost else None)
        for flushed in batch.flushes:
            if not flushed.done():
                flushed.set_result(None)

    async def _write(self, batch: _Batch) -> set[tuple[int, int]]:
        """Write a batch in one commit; return (brand, token) of the brands that are held.

        Written twice, as after a commit whose answer was lost, it means the same.
        """
        if not (batch.notes or batch.sent):
            return set()
        notes = [(note.lease.brand_id, note.lease.token, *note.row) for note in batch.notes]
        columns = [list(column) for column in zip(*notes, strict=True)] or [[]] * 10
        ages = [max(0.0, each.now() - each.when) for each in batch.sent]
        values = (*columns, [each.brand_id for each in batch.sent], ages)

        def write() -> set[tuple[int, int]]:
            with self._connections.use() as db:
                return _write(db, values)

        return await in_thread(self._thread, write)

    async def _refused(self, batch: _Batch, error: Exception) -> None:
        """Write each brand alone, so that what one can't write costs the others nothing."""
        brands = {note.lease.brand_id for note in batch.notes}
        brands |= {each.brand_id for each in batch.sent}
        if len(brands) <= 1:
            self._break(batch, unusable(self._url, error))
            return
        for brand in brands:
            notes = [note for note in batch.notes if note.lease.brand_id == brand]
            await self._commit(_Batch(notes, [s for s in batch.sent if s.brand_id == brand]))
        await self._commit(_Batch(flushes=batch.flushes))

    def _give_up(self, batch: _Batch, error: ImporterError) -> None:
        """Let intentions fail, as the database is away for too long; outcomes wait on."""
        facts = [note for note in batch.notes if note.is_fact]
        self._break(_Batch([note for note in batch.notes if not note.is_fact]), error)
        for flushed in batch.flushes:
            if not flushed.done():
                flushed.set_exception(error)
        self._batch.notes[:0] = facts
        self._away = error if facts else None

    @staticmethod
    def _break(batch: _Batch, error: ImporterError) -> None:
        for note in batch.notes:
            note.lease.error = note.lease.error or error
            _settle(note, note.lease.error)
        for flushed in batch.flushes:
            if not flushed.done():
                flushed.set_exception(error)


def _write(db: Connection, values: tuple[Any, ...]) -> set[tuple[int, int]]:
    return {(row[0], row[1]) for row in db.execute(_WRITE, values)}


def _settle(note: Note, error: ImporterError | None) -> None:
    if note.durable is None or note.durable.done():
        return
    if error:
        note.durable.set_exception(error)
        note.durable.exception()  # a row that was cancelled meanwhile doesn't ask for it
    else:
        note.durable.set_result(None)
