"""Opening the store that the settings name, and reading the runs of all brands."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import time
from typing import TYPE_CHECKING

from importer.errors import ServiceError, UsageError
from importer.i18n import tr
from importer.store import sqlite_runs
from importer.store.sqlite_store import JOURNAL, open_sqlite
from importer.store.state import brand_path, make_folder, state_folder

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from types import ModuleType

    from importer.settings import Settings
    from importer.store.base import Store
    from importer.store.records import History, RunEnd, RunStart


def has_store(settings: Settings) -> bool:
    """Return whether anything is stored of this API and brand."""
    if settings.database_url:
        known: bool = _postgres().has_postgres(settings)
        return known
    return (brand_path(settings) / JOURNAL).exists()


@contextlib.asynccontextmanager
async def open_store(
    settings: Settings, what: str, *, now: Callable[[], float] = time.time
) -> AsyncIterator[Store]:
    """Open the store of this API and brand, make it if there is none, and hold its lock.

    It is in the database of the settings, where they name one, else in the state folder. `what` is
    shown to a second process that wants the same brand, e.g. the name of the sheet. `now` is the
    wall clock, epoch seconds.

    Raises UsageError when the place of the store can't be used (permissions, a foreign owner),
    ServiceError when another process holds the brand, or the store is from a newer version of this
    program. A damaged store is renamed, and a lost key replaced: see `Store.notes`.
    """
    if settings.database_url:
        async with _postgres().open_postgres(settings, what, now) as shared:
            yield shared
        return
    async with open_sqlite(settings, what, now) as store:
        yield store


async def history(settings: Settings) -> History:
    """Return the runs of all brands, newest first. Reads only, also while runs are in progress."""
    if settings.database_url:
        found: History = await asyncio.to_thread(_postgres().history, settings)
        return found
    return await asyncio.to_thread(sqlite_runs.history, state_folder(settings))


async def note_run(
    settings: Settings, start: RunStart, end: RunEnd, *, started: float, finished: float
) -> None:
    """Note a check or dry run for the history; it needs no lock. `end.rows` are ignored.

    Raises ServiceError or UsageError when it can't be written: worth a remark, not the end.
    """
    if settings.database_url:
        await asyncio.to_thread(_postgres().note_run, settings, start, end, (started, finished))
        return
    folder = state_folder(settings)
    path = folder / sqlite_runs.OTHERS
    make_folder(folder)
    try:
        await asyncio.to_thread(
            sqlite_runs.note,
            path,
            start,
            end,
            settings.brand,
            settings.base_url,
            (started, finished),
        )
    except (sqlite3.Error, OSError) as error:
        raise ServiceError(
            tr("This run can't be noted for the history: {path}", path=path),
            why=str(error),
            fix=tr("free some space, or move that file away"),
        ) from error


def _postgres() -> ModuleType:
    """Return the module of the other implementation, which needs an extra."""
    try:
        from importer.store import postgres_store  # noqa: PLC0415 - only where it is asked for
    except ImportError as error:
        raise UsageError(
            tr("CLOPOS_DATABASE_URL is set, but the library for PostgreSQL is missing"),
            why=str(error),
            fix=tr("pip install 'clopos-import[fleet]', or remove CLOPOS_DATABASE_URL"),
            code="no_postgres",
        ) from error
    return postgres_store
