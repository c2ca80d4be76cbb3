"""The copy of the customers at Clopos: a local SQLite file, kept in PostgreSQL as one value.

The file of this machine is used where it is of the edition in the database, else it is replaced by
that. It is stored after each whole reading, every ten minutes of sending, and at the end. What is
lost between costs a page or two of reading.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import tempfile
import time
import uuid
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Final

from filelock import FileLock, Timeout

from importer.errors import ImporterError
from importer.store.sqlite_file import get_fact, remove, set_fact
from importer.store.sqlite_snapshot import SqliteSnapshot
from importer.store.state import make_private

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Sequence

    from importer.store.postgres_connection import Connection
    from importer.store.postgres_server import Brand
    from importer.store.records import Seen

LARGEST = 100_000_000  # bytes: of about 400,000 customers; a larger copy stays on its machine
EDITION = "edition"  # of the database, that the file is based on
_EVERY = 600.0  # seconds
_MANY = 1000  # customers that are worth to be stored as soon as they were read

_EDITION: Final = "SELECT edition FROM snapshots WHERE brand_id = %s"
_FETCH: Final = "SELECT edition, content FROM snapshots WHERE brand_id = %s"
_STORE: Final = """
INSERT INTO snapshots VALUES (%s, %s, %s, %s)
ON CONFLICT (brand_id) DO UPDATE
SET edition = excluded.edition, taken = excluded.taken, content = excluded.content
"""
_DROP: Final = "DELETE FROM snapshots WHERE brand_id = %s"


class PostgresSnapshot(SqliteSnapshot):
    """`base.Snapshot` of a brand on a file that is kept in the database, too."""

    def __init__(self, path: Path, key_check: str, brand: Brand, now: Callable[[], float]) -> None:
        super().__init__(path, key_check)
        self._brand = brand
        self._now = now
        self._stored = time.monotonic()
        self._unstored = 0  # customers that would have to be read again
        self._storing: asyncio.Task[None] | None = None

    async def put(self, customers: Sequence[Seen], page_size: int) -> int:
        """See `base.Snapshot`."""
        self._unstored += len(customers)
        return await super().put(customers, page_size)

    async def finish_reading(self, drop_from: str | None = None) -> None:
        """See `base.Snapshot`."""
        await super().finish_reading(drop_from)
        if self._unstored >= _MANY:
            await self._store()

    def add(self, customer: Seen) -> None:
        """See `base.Snapshot`."""
        super().add(customer)
        self._unstored += 1
        if time.monotonic() - self._stored > _EVERY:
            self._stored = time.monotonic()
            self._storing = asyncio.get_running_loop().create_task(self._store())

    async def erase(self) -> None:
        """See `SqliteSnapshot`. Copies on other machines go when they open the brand."""
        await super().erase()
        self._unstored = 0
        await self._brand.run(_drop)

    async def close(self) -> None:
        """Store what is new, and close the file."""
        if self._storing:
            await self._storing
        if self._unstored:
            await self._store()
        await super().close()

    async def _store(self) -> None:
        """Store the file in the database; where that fails, more is read again next time."""
        self._stored, unstored = time.monotonic(), self._unstored
        with contextlib.suppress(ImporterError):
            await self._write_fresh()
            content = await self._database.run(_content)
            if content is None:
                return
            edition = uuid.uuid4().hex
            await self._brand.run(_keep, edition, self._now(), content)
            await self._database.run(set_fact, EDITION, edition)
            self._unstored -= unstored


@contextlib.asynccontextmanager
async def open_snapshot(
    folder: Path, key_check: str, brand: Brand, now: Callable[[], float]
) -> AsyncIterator[PostgresSnapshot]:
    """Open the copy of a brand, whose folder on this machine is `folder`.

    `key_check` identifies the key its digests were made with; `now` is the wall clock.
    """
    with _place(folder) as path:
        local = await asyncio.to_thread(_edition, path)
        if local != await brand.run(_stored_edition):
            stored = await brand.run(_fetch)
            await asyncio.to_thread(_replace, path, stored)
        snapshot = PostgresSnapshot(path, key_check, brand, now)
        try:
            yield snapshot
        finally:
            await snapshot.close()


@contextlib.contextmanager
def _place(folder: Path) -> Iterator[Path]:
    """Give the path of the file: that of the brand, or one of our own while it is in use.

    A process that was paused, and lost the brand, may have it open still.
    """
    lock = FileLock(folder / "shared.lock", timeout=0, mode=0o600)
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(lock)
        except (Timeout, OSError, NotImplementedError):
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="clopos-")))
        yield folder / "shared.sqlite"


def _edition(path: Path) -> str | None:
    """Return which edition of the database a file is based on, None for none."""
    if not path.exists():
        return None
    with contextlib.suppress(sqlite3.Error), contextlib.closing(sqlite3.connect(path)) as db:
        return str(found) if (found := get_fact(db, EDITION)) else None
    return None


def _replace(path: Path, stored: tuple[str, bytes] | None) -> None:
    """Replace a file by what is stored; None or what can't be unpacked: by none."""
    remove(path)
    if stored is None:
        return
    edition, packed = stored
    with contextlib.suppress(zlib.error, sqlite3.Error):
        content = zlib.decompress(packed)
        make_private(path)
        path.write_bytes(content)
        with contextlib.closing(sqlite3.connect(path)) as db, db:
            set_fact(db, EDITION, edition)


def _content(db: sqlite3.Connection) -> bytes | None:
    """Return the packed content of a file, None when it is too large to be sent about."""
    (pages,) = db.execute("PRAGMA page_count").fetchone()
    (size,) = db.execute("PRAGMA page_size").fetchone()
    return zlib.compress(db.serialize(), 1) if pages * size <= LARGEST else None


def _stored_edition(db: Connection, brand: int) -> str | None:
    row = db.execute(_EDITION, (brand,)).fetchone()
    return row[0] if row else None


def _fetch(db: Connection, brand: int) -> tuple[str, bytes] | None:
    return db.execute(_FETCH, (brand,)).fetchone()


def _keep(db: Connection, brand: int, edition: str, taken: float, content: bytes) -> None:
    db.execute(_STORE, (brand, edition, taken, content))


def _drop(db: Connection, brand: int) -> None:
    db.execute(_DROP, (brand,))
