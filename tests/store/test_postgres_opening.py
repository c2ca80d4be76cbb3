"""Opening a database: clear errors, without the secrets of its URL."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from importer.errors import ImporterError, ServiceError, UsageError
from importer.settings import Settings, read_settings
from importer.store import has_store, history, open_store, postgres_layout
from importer.store.postgres_connection import connect
from importer.store.records import RunStart

if TYPE_CHECKING:
    from pathlib import Path

    from importer.store.postgres_connection import Connection
    from tests.store.conftest import PostgresStores


@pytest.fixture
def stores(postgres_stores: PostgresStores) -> PostgresStores:
    """Give an empty place for stores in PostgreSQL alone."""
    return postgres_stores


async def opening_error(url: str, folder: Path) -> ImporterError:
    """Return the error with which a store there can't be opened."""
    settings = Settings(brand="demo", state_dir=str(folder), database_url=url)
    with pytest.raises(ImporterError) as refusal:
        async with open_store(settings, "list.csv"):
            pass
    assert "hunter2" not in f"{refusal.value.as_dict()}"
    assert "hunter2" not in repr(settings)
    return refusal.value


@pytest.mark.parametrize(
    "url",
    ["hunter2", "mysql://u:hunter2@127.0.0.1/x", "postgresql://u:hunter2@127.0.0.1/x?hunter2=1"],
)
async def test_invalid_url_is_refused(url: str, tmp_path: Path) -> None:
    error = await opening_error(url, tmp_path)
    assert isinstance(error, UsageError)
    assert "CLOPOS_DATABASE_URL" in error.what


async def test_unreachable_server_is_an_error_without_user_and_password(tmp_path: Path) -> None:
    error = await opening_error("postgresql://someone:hunter2@127.0.0.1:1/clopos", tmp_path)
    assert (type(error), error.code) == (ServiceError, "database_away")
    assert "127.0.0.1:1/clopos" in error.what
    assert "someone" not in error.what


def test_missing_library_is_an_error_that_names_the_extra(tmp_path: Path) -> None:
    program = "import sys; sys.modules['psycopg'] = None; from importer.cli import main; main()"
    found = subprocess.run(
        [sys.executable, "-c", program, "history", "--json"],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"CLOPOS_DATABASE_URL": "postgresql://u:hunter2@127.0.0.1/x"},
        cwd=tmp_path,
    )
    assert found.returncode == 2
    assert "clopos-import[fleet]" in found.stdout + found.stderr
    assert "hunter2" not in found.stdout + found.stderr


async def test_tables_of_a_newer_version_are_refused(stores: PostgresStores) -> None:
    stores.db.execute("UPDATE layout SET version = 99")
    try:
        error = await opening_error(stores.database_url, stores.folder)
        assert (type(error), error.code) == (ServiceError, "newer_layout")
        with pytest.raises(ServiceError, match="newer version"):
            await history(stores.settings())
        with pytest.raises(ServiceError, match="newer version"):
            has_store(stores.settings())
    finally:
        stores.db.execute("UPDATE layout SET version = %s", (postgres_layout.VERSION,))


def test_tables_are_created_once_by_many_programs_at_the_same_time(guest: str) -> None:
    def prepare(_: int) -> int:
        with connect(guest) as db, db.transaction():
            postgres_layout.prepare(db)
            row = db.execute("SELECT count(*) FROM layout").fetchone()
            assert row
            return int(row[0])

    with ThreadPoolExecutor(6) as threads:
        assert list(threads.map(prepare, range(6))) == [1] * 6


async def test_tables_of_an_older_version_are_upgraded_and_then_refused_by_that_version(
    guest: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(brand="demo", state_dir=str(tmp_path), database_url=guest)
    async with open_store(settings, "list.csv") as store:
        await store.journal.begin(RunStart("list.csv"))
        await store.journal.intend("a", "look")
    with monkeypatch.context() as newer:
        layouts = (*postgres_layout._LAYOUTS, "ALTER TABLE runs ADD later text")
        newer.setattr(postgres_layout, "_LAYOUTS", layouts)
        newer.setattr(postgres_layout, "VERSION", len(layouts))
        async with open_store(settings, "list.csv") as store:
            assert [each.packed for each in await store.journal.in_doubt()] == ["look"]
        with connect(guest) as db:
            assert db.execute("SELECT later FROM runs").fetchall() == [(None,)]
    assert (await opening_error(guest, tmp_path)).code == "newer_layout"


async def test_database_without_tables_has_no_history(guest: str, tmp_path: Path) -> None:
    settings = Settings(brand="demo", state_dir=str(tmp_path), database_url=guest)
    assert (await history(settings)).runs == ()
    assert not has_store(settings)


def set_option(db: Connection, statement: str) -> None:
    db.execute(f"ALTER SYSTEM {statement}")
    db.execute("SELECT pg_reload_conf()")


@pytest.mark.parametrize("option", ["fsync", "full_page_writes"])
async def test_server_that_may_lose_commits_is_refused(stores: PostgresStores, option: str) -> None:
    set_option(stores.db, f"SET {option} = off")
    try:
        wait_for(stores, option, "off")
        error = await opening_error(stores.database_url, stores.folder)
        assert (type(error), error.code) == (UsageError, "not_durable")
        assert f"{option} is off" in error.what
    finally:
        set_option(stores.db, f"RESET {option}")
        wait_for(stores, option, "on")


def wait_for(stores: PostgresStores, option: str, value: str) -> None:
    """Wait until new connections have the value of an option; the server reloads it later."""
    for _ in range(1000):
        with connect(stores.database_url) as db:
            if db.execute(f"SHOW {option}").fetchone() == (value,):
                return
    raise AssertionError(f"{option} stays as it was")


async def test_read_only_database_is_refused(stores: PostgresStores) -> None:
    stores.db.execute("ALTER DATABASE postgres SET default_transaction_read_only = on")
    try:
        error = await opening_error(stores.database_url, stores.folder)
        assert (type(error), error.code) == (ServiceError, "database_read_only")
    finally:
        stores.db.execute("SET default_transaction_read_only = off")
        stores.db.execute("ALTER DATABASE postgres RESET default_transaction_read_only")


async def test_missing_right_is_an_error_that_names_the_right(guest: str, tmp_path: Path) -> None:
    with connect(guest) as db:
        db.execute("DROP ROLE IF EXISTS guest")
        db.execute("CREATE ROLE guest LOGIN")
        error = await opening_error(guest.replace("postgres:@", "guest:hunter2@"), tmp_path)
        db.execute("DROP ROLE guest")
    assert (type(error), error.code) == (UsageError, "database_rights")


async def test_commits_reach_the_disk_with_synchronous_commit_off(stores: PostgresStores) -> None:
    stores.db.execute("ALTER DATABASE postgres SET synchronous_commit = off")
    try:
        with connect(stores.database_url) as db:
            assert db.execute("SHOW synchronous_commit").fetchone() == ("on",)
    finally:
        stores.db.execute("ALTER DATABASE postgres RESET synchronous_commit")


def test_url_is_read_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "url").write_text("postgresql://u:hunter2@db/x\n")
    settings = read_settings({"CLOPOS_DATABASE_URL_FILE": str(tmp_path / "url")})
    assert settings.database_url == "postgresql://u:hunter2@db/x"
