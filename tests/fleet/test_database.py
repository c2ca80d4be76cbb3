"""The database is unavailable, read-only, or may lose commits; workers are real processes."""

from __future__ import annotations

import contextlib
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest

from tests.cli_process import until
from tests.fleet.lab import BEATS, Lab, each_once, new_lab
from tests.store.test_two_machines import OwnServer

if TYPE_CHECKING:
    from collections.abc import Iterator

BRANDS, ROWS = 6, 60
_PACED = ["--rate", "240/min", "--reserve", "0%"]
_PATIENCE = 120.0  # seconds, on a busy machine
_SOME = BRANDS * ROWS // 6

slow = pytest.mark.slow(reason="real workers, and a database that is away")


def give_jobs(lab: Lab) -> None:
    """Queue one job for each brand."""
    for number in range(BRANDS):
        lab.brand(f"brand-{number}", ROWS, options=_PACED)
    lab.open_sandbox()
    assert lab.fleet("run", "--all") == 0


@contextlib.contextmanager
def nothing_is_sent(lab: Lab) -> Iterator[None]:
    """Check that no customer is sent within the block, except by requests in flight."""
    time.sleep(1)
    before = len(lab.creates())
    yield
    assert len(lab.creates()) == before


def all_is_sent_once(lab: Lab) -> bool:
    """Return whether each customer was created, and by one request."""
    wanted = each_once((number, ROWS) for number in range(BRANDS))
    return lab.at_clopos() == wanted and len(lab.creates()) == wanted.total()


@pytest.fixture
def lab_with_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Lab, OwnServer]]:
    """Give a fleet with a PostgreSQL of its own, which the test may crash."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CLOPOS_STATE_DIR", str(tmp_path / "state"))
    place = tempfile.TemporaryDirectory(prefix="fleet-", ignore_cleanup_errors=True)
    with place as folder:
        database = OwnServer(Path(folder) / "postgres")
        monkeypatch.setenv("CLOPOS_DATABASE_URL", database.url)
        with new_lab(tmp_path, database.url) as lab:
            assert lab.fleet("init") == 0
            yield lab, database
        database.close()


@slow
def test_crash_of_the_database_restarts_no_run(lab_with_database: tuple[Lab, OwnServer]) -> None:
    lab, server = lab_with_database
    give_jobs(lab)
    flags = ("--until-idle", "--slots", "3")
    with lab.worker(*flags) as one, lab.worker(*flags) as two:
        until(lambda: len(lab.creates()) >= _SOME, _PATIENCE)
        server.crash()
        with nothing_is_sent(lab):
            time.sleep(BEATS["dead"] + BEATS["lease"])
        server.start()
        assert (one.wait(_PATIENCE), two.wait(_PATIENCE)) == (0, 0)
        assert (one.log_text + two.log_text).count("begun with") == BRANDS
    assert all_is_sent_once(lab)


@slow
def test_database_unavailable_for_longer_than_runs_wait_ends_them_without_a_lost_row(
    lab_with_database: tuple[Lab, OwnServer], capsys: pytest.CaptureFixture[str]
) -> None:
    """The outage lasts many leases, and six times as long as a run waits."""
    lab, server = lab_with_database
    give_jobs(lab)
    hour, away = 5 * BEATS["lease"], 10.0
    with lab.worker("--slots", "3", away=away) as one, lab.worker(away=away) as two:
        until(lambda: len(lab.creates()) >= _SOME, _PATIENCE)
        server.crash()
        with nothing_is_sent(lab):
            assert lab.fleet("status") == 3
            assert "The database can't be reached: " in capsys.readouterr().err
            time.sleep(hour)
        server.start()
        # Rows of ended runs wait for the next try, and the status has the reason.
        until(lambda: all(code is not None for _, code in lab.states(capsys).values()), _PATIENCE)
        found = lab.status(capsys)["brands"]
        assert {(each["state"], each["exit_code"]) for each in found} == {("waiting", 3)}
        assert all("The database can't be reached" in each["error"] for each in found)
        assert not any(each["needs_person"] for each in found)
        assert lab.fleet("run", "--all") == 0
        until(lambda: set(lab.states(capsys).values()) == {("idle", 0)}, _PATIENCE)
        assert one.process.poll() is two.process.poll() is None  # they wait for ever
    assert lab.at_clopos() == each_once((number, ROWS) for number in range(BRANDS))


@slow
def test_worker_waits_for_a_database_that_becomes_read_only(
    lab: Lab, capsys: pytest.CaptureFixture[str]
) -> None:
    give_jobs(lab)
    with lab.worker("--until-idle") as worker:
        until(lambda: len(lab.creates()) >= _SOME, _PATIENCE)
        set_read_only(lab.url, "on")
        with nothing_is_sent(lab):
            assert lab.fleet("status") == 3
            said = capsys.readouterr()
            assert "brand-0" in said.out
            assert "The database can only be read: " in said.err
            time.sleep(BEATS["lease"])
        set_read_only(lab.url, "off")
        assert worker.wait(_PATIENCE) == 0
        assert "read-only transaction" in worker.log_text
    assert all_is_sent_once(lab)


def set_read_only(url: str, switch: str) -> None:
    """Make a database read-only like a standby, or writable again; close its connections."""
    with psycopg.connect(url, autocommit=True) as db:
        db.execute("SET default_transaction_read_only = off")
        name = db.info.dbname
        db.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = {switch}".encode())
        db.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


def test_read_only_database_is_refused_at_the_start(
    lab: Lab, capsys: pytest.CaptureFixture[str]
) -> None:
    lab.brand("tea", 1)
    set_read_only(lab.url, "on")
    for command in (["work", "--until-idle", "--metrics", "none"], ["run", "tea"], ["status"]):
        assert lab.fleet(*command) == 3
        said = capsys.readouterr().err
        assert "The database can only be read: " in said
        assert "the primary server" in said


def test_unavailable_database_at_the_start_is_an_error_without_its_password(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lab.brand("tea", 1)
    monkeypatch.setenv("CLOPOS_DATABASE_URL", "postgresql://fleet:hunter2@127.0.0.1:1/clopos")
    for command in (["work", "--metrics", "none"], ["run", "tea"], ["status"]):
        assert lab.fleet(*command) == 3
        said = capsys.readouterr().err
        assert "The database can't be reached: 127.0.0.1:1/clopos" in said
        assert "hunter2" not in said


@slow
def test_database_that_may_lose_commits_is_refused_and_the_status_shows_it(
    lab: Lab, capsys: pytest.CaptureFixture[str]
) -> None:
    lab.brand("tea", 1)
    lab.brand("night", 1)
    lab.open_sandbox()
    assert lab.fleet("run", "tea") == 0
    with lab.worker() as worker:
        until(lambda: lab.states(capsys)["tea"] == ("idle", 0), _PATIENCE)
        set_fsync(lab.url, "off")
        try:
            assert lab.fleet("work", "--metrics", "none") == 2
            assert "fsync is off" in capsys.readouterr().err
            # A running worker begins no more jobs.
            assert lab.fleet("run", "--all") == 0
            until(lambda: set(lab.states(capsys).values()) == {("failed", 2)}, _PATIENCE)
            assert all("fsync is off" in each["error"] for each in lab.status(capsys)["brands"])
            assert lab.fleet("status") == 2
            assert "fsync is off" in capsys.readouterr().err
        finally:
            set_fsync(lab.url, "on")
        assert lab.fleet("run", "--all") == 0
        until(lambda: set(lab.states(capsys).values()) == {("idle", 0)}, _PATIENCE)
        assert worker.process.poll() is None
    assert lab.at_clopos() == each_once([(0, 1), (1, 1)])
    assert len(lab.creates()) == 2


def set_fsync(url: str, switch: str) -> None:
    """Set an option of the server; wait until new connections have it."""
    with psycopg.connect(url, autocommit=True) as db:
        db.execute(f"ALTER SYSTEM SET fsync = {switch}".encode())
        db.execute("SELECT pg_reload_conf()")

    def is_set() -> bool:
        with psycopg.connect(url) as db:
            return db.execute("SHOW fsync").fetchone() == (switch,)

    until(is_set)
