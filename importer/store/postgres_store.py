"""The store of a brand in PostgreSQL: what several machines share.

postgres_layout      the tables and their upgrades
postgres_leases      which process has a brand
postgres_server      connections of a process, shared by all its brands
postgres_committer   what all brands note, in one commit each 20 ms
postgres_journal, _merge, _runs, _people, _erase   the tables of one brand
postgres_snapshot    what is at Clopos: a local file, kept in the database as one value
postgres_failures    failed responses of all workers
"""

from __future__ import annotations

import contextlib
import secrets
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from importer.errors import ImporterError
from importer.i18n import tr
from importer.store import postgres_layout, postgres_leases, postgres_runs
from importer.store.key_file import digester
from importer.store.postgres_connection import name_of
from importer.store.postgres_erase import erase
from importer.store.postgres_failures import PostgresFailures
from importer.store.postgres_journal import PostgresJournal
from importer.store.postgres_people import PostgresPeople
from importer.store.postgres_server import Brand, read, shared_server
from importer.store.postgres_snapshot import open_snapshot
from importer.store.records import History
from importer.store.sqlite_store import JOURNAL
from importer.store.state import brand_folder

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from importer.settings import Settings
    from importer.store.postgres_connection import Connection
    from importer.store.postgres_leases import Lease
    from importer.store.postgres_server import Server
    from importer.store.postgres_snapshot import PostgresSnapshot
    from importer.store.records import Erased, RunEnd, RunStart

_FIND: Final = """
SELECT id, key, rebuild FROM brands
WHERE lower(base_url) = lower(%s) AND lower(brand) = lower(%s)
"""
_ADD: Final = """
INSERT INTO brands (base_url, brand, key, rebuild) VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING
"""


@dataclass(frozen=True, slots=True)
class PostgresStore:
    """`base.Store` in a database."""

    key: bytes
    notes: tuple[str, ...]
    journal: PostgresJournal
    snapshot: PostgresSnapshot
    people: PostgresPeople
    failures: PostgresFailures
    digest: Callable[[str], str]
    brand: Brand

    @property
    def must_rebuild(self) -> bool:
        """See `base.Store`."""
        return self.journal.must_rebuild

    async def confirm_held(self) -> None:
        """See `base.Store`."""
        await self.brand.server.confirm(self.brand.lease)

    async def erase(
        self, is_meant: Callable[[str], bool] | None = None, before: float | None = None
    ) -> Erased:
        """See `base.Store`."""
        await self.journal.flush()
        erased = await self.brand.run(erase, is_meant, before)
        await self.snapshot.erase()
        return erased


@contextlib.asynccontextmanager
async def open_postgres(
    settings: Settings, what: str, now: Callable[[], float]
) -> AsyncIterator[PostgresStore]:
    """See `importer.store.open_store`."""
    folder = brand_folder(settings)
    url = settings.database_url
    async with contextlib.AsyncExitStack() as stack:
        server = await stack.enter_async_context(shared_server(url))
        row = partial(_find_or_add, settings=settings, rebuild=(folder / JOURNAL).exists())
        number, key, rebuild = await server.run(row, patience=0.0)
        lease = await server.run(lambda db: postgres_leases.take(db, number, what), patience=0.0)
        server.leases.add(lease)
        stack.push_async_callback(_release, server, lease)
        brand = Brand(server, lease)
        digest = digester(key)
        journal = PostgresJournal(brand, digest, now, must_rebuild=rebuild)
        stack.push_async_callback(_flushed, journal)
        snapshot = await stack.enter_async_context(open_snapshot(folder, digest(""), brand, now))
        people = PostgresPeople(brand, snapshot, now)
        failures = PostgresFailures(server.budget(settings.base_url), now)
        notes = (_not_shared(url),) if rebuild else ()
        yield PostgresStore(key, notes, journal, snapshot, people, failures, digest, brand)


def has_postgres(settings: Settings) -> bool:
    """See `importer.store.has_store`."""

    def find(db: Connection) -> bool:
        return postgres_layout.exists(db) and _find(db, settings) is not None

    return read(settings.database_url, find)


def history(settings: Settings) -> History:
    """See `importer.store.history`. Blocks."""
    return History(tuple(read(settings.database_url, postgres_runs.history)))


def note_run(settings: Settings, start: RunStart, end: RunEnd, when: tuple[float, float]) -> None:
    """See `importer.store.note_run`; `when` it started and finished. Blocks."""
    read(settings.database_url, lambda db: postgres_runs.note(db, start, end, settings, when))


def _find(db: Connection, settings: Settings) -> tuple[int, bytes, bool] | None:
    return db.execute(_FIND, (settings.base_url, settings.brand)).fetchone()


def _find_or_add(db: Connection, settings: Settings, *, rebuild: bool) -> tuple[int, bytes, bool]:
    """Return id and key of the brand, and whether it is to be rebuilt; `rebuild`: if it is new."""
    postgres_layout.prepare(db)
    found = _find(db, settings)
    if found is None:
        values = (settings.base_url, settings.brand, secrets.token_bytes(32), rebuild)
        db.execute(_ADD, values)
        found = _find(db, settings)
    assert found is not None  # noqa: S101 - it has just been added, by us or another process
    return found


async def _release(server: Server, lease: Lease) -> None:
    server.leases.remove(lease)
    with contextlib.suppress(ImporterError):  # it ends by itself
        await server.run(lambda db: postgres_leases.release(db, lease), patience=0.0)


async def _flushed(journal: PostgresJournal) -> None:
    with contextlib.suppress(ImporterError):  # it was raised where it was waited for
        await journal.flush()


def _not_shared(url: str) -> str:
    return tr(
        "The journal of this machine isn't in the database {name}, and a new one was begun there. "
        "Everything at Clopos is read anew; what exists there isn't sent again.",
        name=name_of(url),
    )
