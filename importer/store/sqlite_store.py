"""The store of a brand in the state folder: SQLite files and the key of their digests.

key               the key of all digests (`key_file`)
journal.sqlite    intentions, outcomes, runs, evidence of rows, decisions
snapshot.sqlite   what is at Clopos: a cache
lock, holder.json who is using it
../failures.sqlite, ../history.sqlite   what all brands share
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING

from importer.errors import ImporterError, ServiceError
from importer.i18n import tr
from importer.store.failure_budget import Failures
from importer.store.key_file import digester, read_key, write_key
from importer.store.sqlite_erase import erase
from importer.store.sqlite_file import (
    SUFFIXES,
    Database,
    connect,
    get_fact,
    is_busy,
    is_damage,
    wipe_deleted,
)
from importer.store.sqlite_journal import Context, SqliteJournal
from importer.store.sqlite_layout import KEY_CHECK, bring_up_to_date, check_sound
from importer.store.sqlite_people import SqlitePeople
from importer.store.sqlite_runs import OTHERS, erase_others
from importer.store.sqlite_snapshot import SqliteSnapshot
from importer.store.sqlite_upgrade import is_empty, old_key
from importer.store.state import brand_folder, hold

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    from importer.settings import Settings
    from importer.store.records import Erased

JOURNAL = "journal.sqlite"


@dataclass(frozen=True, slots=True)
class SqliteStore:
    """`base.Store` in a folder."""

    key: bytes
    notes: tuple[str, ...]
    journal: SqliteJournal
    snapshot: SqliteSnapshot
    people: SqlitePeople
    failures: Failures
    digest: Callable[[str], str]
    _erase: Callable[..., Awaitable[Erased]]

    @property
    def must_rebuild(self) -> bool:
        """See `base.Store`."""
        return self.journal.must_rebuild

    async def confirm_held(self) -> None:
        """See `base.Store`. A lock of the operating system is held as long as the process lives."""

    async def erase(
        self, is_meant: Callable[[str], bool] | None = None, before: float | None = None
    ) -> Erased:
        """See `base.Store`."""
        return await self._erase(is_meant, before)


@contextlib.asynccontextmanager
async def open_sqlite(
    settings: Settings, what: str, now: Callable[[], float]
) -> AsyncIterator[SqliteStore]:
    """See `importer.store.open_store`."""
    folder = brand_folder(settings)
    async with contextlib.AsyncExitStack() as stack:
        check_lock = stack.enter_context(hold(folder, what))
        path = folder / JOURNAL

        def unusable(error: Exception) -> ImporterError:
            return _unusable(path, error)

        try:
            opened = await asyncio.to_thread(_Opened, path, now)
        except (OSError, sqlite3.Error) as error:
            raise unusable(error) from error
        database = Database(opened.db, unusable)
        stack.push_async_callback(database.close)
        context = Context(
            settings.brand, settings.base_url, opened.digest, now, check_lock, unusable
        )
        journal = SqliteJournal(database, context)
        stack.push_async_callback(_flushed, journal)
        snapshot = SqliteSnapshot(folder / "snapshot.sqlite", opened.digest(""))
        stack.push_async_callback(snapshot.close)
        failures = stack.enter_context(Failures(folder.parent / "failures.sqlite", now))
        people = SqlitePeople(database, snapshot, now)

        async def erase_all(is_meant: Callable[[str], bool] | None, before: float | None) -> Erased:
            await journal.flush()
            erased = await database.run(erase, is_meant, before)
            await database.run(wipe_deleted)
            await snapshot.erase()
            try:
                _remove_renamed(path)
                if is_meant is None:
                    others = folder.parent / OTHERS
                    erase_others(others, settings.brand, settings.base_url, before)
            except (OSError, sqlite3.Error) as error:
                raise unusable(error) from error
            return erased

        yield SqliteStore(
            opened.key, opened.notes, journal, snapshot, people, failures, opened.digest, erase_all
        )


def _remove_renamed(path: Path) -> None:
    """Delete the journals that were damaged or lost their key, with what SQLite keeps beside."""
    for reason in ("damaged", "without-key"):
        for aside in path.parent.glob(f"{path.name}.{reason}-*"):
            aside.unlink(missing_ok=True)


class _Opened:
    """An opened journal: made, upgraded, or renamed and begun anew.

    A key without a journal, or a journal without its key, is a lost journal: so is whatever a
    process that is killed in here leaves behind.
    """

    def __init__(self, path: Path, now: Callable[[], float]) -> None:
        self.path = path
        self._now = now
        key_path = path.with_name("key")
        key = read_key(key_path)
        lost: str | None = None
        if (old := old_key(path)) is not None:
            if key != old:
                key = write_key(key_path, old)
        elif key is not None and is_empty(path):
            lost = tr("The journal was missing and a new one was begun: {path}.", path=path)
        elif key is None:
            if not is_empty(path):
                aside = self._rename_journal("without-key")
                lost = tr(
                    "The key of the journal was missing or damaged: {key}. The journal was renamed "
                    "to {aside} and a new one begun.",
                    key=key_path,
                    aside=aside,
                )
            key = write_key(key_path)
        self.key = key
        self.digest = digester(key)
        self.db, lost = self._open(lost)
        rebuilding = tr("Everything at Clopos is read anew; what exists there isn't sent again.")
        self.notes = (f"{lost} {rebuilding}",) if lost else ()

    def _open(self, lost: str | None) -> tuple[sqlite3.Connection, str | None]:
        try:
            return self._connect(lost=bool(lost)), lost
        except sqlite3.Error as error:
            if not is_damage(error):
                raise
        except _OtherKeyError:
            aside = self._rename_journal("without-key")
            lost = tr(
                "The journal was made with another key. It was renamed to {aside} and a new one "
                "begun.",
                aside=aside,
            )
            return self._connect(lost=True), lost
        aside = self._rename_journal("damaged")
        lost = tr(
            "The journal was damaged. It was renamed to {aside} and a new one begun.", aside=aside
        )
        return self._connect(lost=True), lost

    def _connect(self, *, lost: bool) -> sqlite3.Connection:
        if not self.path.exists():
            # Remains of a journal that was deleted would be taken for a part of this one.
            for suffix in ("-wal", "-shm"):
                self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)
        db = connect(self.path)
        try:
            # An intention lost in a power cut would be a customer sent twice.
            db.execute("PRAGMA synchronous = FULL")
            db.execute("PRAGMA fullfsync = 1")  # on a Mac, fsync alone doesn't reach the disk
            db.execute("PRAGMA cache_size = -32000")  # 32 MB
            bring_up_to_date(db, self.path, self.digest, lost=lost)
            check_sound(db)
            if get_fact(db, KEY_CHECK) != self.digest(""):
                raise _OtherKeyError
        except BaseException:
            db.close()
            raise
        return db

    def _rename_journal(self, why: str) -> Path:
        aside = self.path.with_name(f"{self.path.name}.{why}-{int(self._now())}")
        for suffix in SUFFIXES:
            part = self.path.with_name(self.path.name + suffix)
            if part.exists():
                part.replace(aside.with_name(aside.name + suffix))
        return aside


class _OtherKeyError(Exception):
    """The digests of a journal were made with another key."""


async def _flushed(journal: SqliteJournal) -> None:
    with contextlib.suppress(ImporterError):  # it was raised where it was waited for
        await journal.flush()


def _unusable(path: Path, error: Exception) -> ServiceError:
    if isinstance(error, sqlite3.Error) and is_busy(error):
        return ServiceError(
            tr("The journal is locked by another program: {path}", path=path),
            why=str(error),
            fix=tr(
                "wait until the backup or other program that holds it is done, then run it again: "
                "it continues"
            ),
            code="journal_locked",
        )
    return ServiceError(
        tr("The journal can't be written: {path}", path=path),
        why=str(error),
        fix=tr(
            "nothing is sent that can't be recorded: free some space or correct the permissions, "
            "or point CLOPOS_STATE_DIR to another folder"
        ),
    )
