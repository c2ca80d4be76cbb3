"""The database as a fleet needs it: its tables, made or upgraded, and a server that keeps them."""

from __future__ import annotations

import asyncio
from contextlib import closing

import psycopg

from importer.fleet import jobs, tables
from importer.fleet.database import open_database
from importer.store import postgres_connection, postgres_layout

_LOCK = "SELECT pg_advisory_lock(hashtextextended('clopos fleet init', 0))"


async def set_up(url: str) -> None:
    """Make what is missing of all tables, or upgrade it; nothing is changed twice.

    Raises ServiceError when the database can't be reached or is of a newer version, UsageError when
    it may lose what it has committed.
    """
    async with open_database(url) as database:
        holder = await asyncio.to_thread(postgres_connection.connect, url)
        with closing(holder):  # two of these at once take turns
            await asyncio.to_thread(holder.execute, _LOCK)
            await asyncio.to_thread(postgres_layout.prepare, holder)
            found = await tables.layout(database)
            if found is None:
                await jobs.create_queue(database)
                await tables.create_tables(database, jobs.engine_version())
                return
            version, engine = found
            tables.check_version(version)
            if engine != jobs.engine_version():
                await jobs.upgrade_queue(database, engine)
                await tables.note_queue_version(database, jobs.engine_version())


async def check_server(url: str) -> None:
    """Check that the database can be written to, and keeps what it has committed.

    Raises ServiceError when it can't be reached or only be read, UsageError when it may lose what
    it has committed.
    """

    def check() -> None:
        try:
            with closing(postgres_connection.connect(url)) as db:
                postgres_layout.check_server(db)
        except psycopg.Error as error:
            raise postgres_connection.unusable(url, error) from None

    await asyncio.to_thread(check)
