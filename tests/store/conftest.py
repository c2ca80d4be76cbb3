"""Fixtures of the implementations of a store, each of which has to pass `contract.py`."""

from __future__ import annotations

import itertools
import tempfile
import zlib
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from importer.settings import Settings
from importer.store import open_store, postgres_layout
from importer.store.embedded import embedded_postgres
from importer.store.postgres_connection import connect

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from importer.store.base import Store

START = 1_800_000_000.0


class Stores:
    """An empty place for stores of one implementation, with a clock moved by the test."""

    database_url = ""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = START
        self._numbers = itertools.count()

    def settings(self, brand: str = "demo") -> Settings:
        """Return the settings that open a brand's store here."""
        folder = str(self.folder)
        return Settings(brand=brand, state_dir=folder, database_url=self.database_url)

    def fresh_brand(self) -> str:
        """Return a new brand, without a store yet."""
        return f"brand {next(self._numbers)}"

    @asynccontextmanager
    async def open(self, brand: str = "demo", what: str = "list.csv") -> AsyncIterator[Store]:
        """Open the store of a brand."""
        async with open_store(self.settings(brand), what, now=lambda: self.clock) as store:
            yield store

    def content(self) -> bytes:
        """Return all stored bytes."""
        return b"".join(path.read_bytes() for path in self.folder.rglob("*") if path.is_file())


class PostgresStores(Stores):
    """A PostgreSQL for stores, whose clock is moved by the test."""

    def __init__(self, folder: Path, url: str) -> None:
        self.database_url = url
        self.db = connect(url)
        postgres_layout.prepare(self.db)
        self.db.execute(f"TRUNCATE {', '.join(self.tables)} RESTART IDENTITY")
        self.db.execute("CREATE TABLE IF NOT EXISTS public.test_clock (at double precision)")
        self.db.execute("TRUNCATE public.test_clock")
        self.db.execute("INSERT INTO public.test_clock VALUES (0)")
        self.db.execute(
            "CREATE OR REPLACE FUNCTION clock() RETURNS double precision LANGUAGE sql "
            "AS 'SELECT at FROM public.test_clock'"
        )
        super().__init__(folder)

    @property
    def clock(self) -> float:
        """The time of the program and of the database."""
        return self._clock

    @clock.setter
    def clock(self, at: float) -> None:
        self._clock = at
        self.db.execute("UPDATE public.test_clock SET at = %s", (at,))

    @property
    def tables(self) -> list[str]:
        """The tables with data of brands."""
        sql = (
            "SELECT tablename FROM pg_tables WHERE schemaname = 'clopos' AND tablename != 'layout'"
        )
        return [row[0] for row in self.db.execute(sql) if row[0] != "layout"]

    def content(self) -> bytes:
        """Return all stored bytes, in the database and beside it."""
        parts = [super().content()]
        for table in self.tables:
            with self.db.cursor().copy(f"COPY {table} TO STDOUT") as rows:
                parts += [bytes(part) for part in rows]
        for (packed,) in self.db.execute("SELECT content FROM snapshots"):
            parts.append(zlib.decompress(packed))
        return b"".join(parts)


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """Give the URL of a PostgreSQL that the tests of this process share.

    It isn't in a folder of pytest: as root, the server runs as another user, and each session of
    pytest closes the folder of all sessions to other users.
    """
    place = tempfile.TemporaryDirectory(prefix="clopos-", ignore_cleanup_errors=True)
    with place as folder, embedded_postgres(Path(folder) / "data") as url:
        yield url


@pytest.fixture
def postgres_stores(tmp_path: Path, postgres: str) -> Iterator[PostgresStores]:
    """Give an empty place for stores in PostgreSQL."""
    stores = PostgresStores(tmp_path / "state", postgres)
    yield stores
    stores.db.close()


@pytest.fixture(params=["sqlite", "postgres"])
def stores(tmp_path: Path, request: pytest.FixtureRequest) -> Stores:
    """Give an empty place for stores of each implementation."""
    if request.param == "sqlite":
        return Stores(tmp_path / "state")
    found: Stores = request.getfixturevalue("postgres_stores")
    return found


@pytest.fixture
def guest(postgres: str) -> Iterator[str]:
    """Give the URL of a database without tables, called `guest`."""
    with connect(postgres) as db:
        db.execute("DROP DATABASE IF EXISTS guest WITH (FORCE)")
        db.execute("CREATE DATABASE guest")
        yield postgres.replace("/postgres?", "/guest?")
        db.execute("DROP DATABASE guest WITH (FORCE)")
