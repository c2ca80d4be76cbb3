"""Events on the machine around a run: the disk fills, the terminal closes, the pipe ends."""

from __future__ import annotations

import os
import platform
import pty
import resource
import signal
import sqlite3
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from importer.store.key_file import digester, read_key
from tests.cli_process import ask_sandbox, command, lines_of, serving, started, until
from tests.fsync_failure import CALLS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ROWS = 150
PYTHON = (sys.executable,)


@pytest.fixture
def sheet(tmp_path: Path) -> Path:
    path = tmp_path / "list.csv"
    rows = "".join(f"Demo {n},05000{n:05}\n" for n in range(1, ROWS + 1))
    path.write_text(f"Name,Phone\n{rows}", encoding="utf-8")
    return path


@pytest.fixture
def env(tmp_path: Path) -> Iterator[dict[str, str]]:
    with serving(tmp_path, "--no-limits", "--latency", "0.01-0.01") as found:
        yield found["2"]


ARGUMENTS = ("--yes", "--rate", "none", "--match", "never", "--settle", "0.1")


def run_again_creates_none_twice(sheet: Path, env: dict[str, str]) -> None:
    """Run the same command again and check that every row is created once."""
    done = command("run", sheet, *ARGUMENTS, env=env)
    assert done.returncode == 0, done.stderr
    names = [customer["name"] for customer in ask_sandbox(env, "customers")]
    assert len(names) == len(set(names)) == ROWS


def test_disk_that_becomes_full_during_the_run_stops_it(sheet: Path, env: dict[str, str]) -> None:
    """Every request is recorded, and the results are true."""

    def small_disk() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (220_000, 220_000))  # of the journal's log

    with started(
        "run", sheet, *ARGUMENTS, "--concurrency", "4", env=env, preexec_fn=small_disk
    ) as process:
        _, err = process.communicate(timeout=60)
    assert process.returncode == 3, err
    assert "The journal can't be written" in err
    assert "free some space" in err
    assert "Traceback" not in err

    [path] = sheet.parent.glob("state/*/journal.sqlite")
    with sqlite3.connect(path) as db:
        noted = "SELECT digest FROM entries UNION SELECT digest FROM log"
        recorded = {digest for (digest,) in db.execute(noted)}
    db.close()
    key = read_key(path.with_name("key"))
    assert key
    digest = digester(key)
    customers = ask_sandbox(env, "customers")
    created = {digest(customer["cid"]): str(customer["id"]) for customer in customers}
    assert 0 < len(created) < ROWS
    assert created.keys() <= recorded
    lines = lines_of(sheet.parent / "list.csv.results.xlsx")
    assert len(lines) == ROWS
    ids = {line["clopos_id"] for line in lines if line["import_status"] == "created"}
    assert ids <= set(created.values())
    assert len(lines) - len(ids) > 0
    run_again_creates_none_twice(sheet, env)


@pytest.mark.skipif(platform.machine() not in CALLS, reason="other numbers of system calls")
def test_no_customer_is_sent_where_fsync_fails(sheet: Path, env: dict[str, str]) -> None:
    """A note without fsync may be lost in a power cut, and the row sent again."""
    done = subprocess.run(
        [*PYTHON, "-m", "tests.fsync_failure", sheet],
        env=os.environ | env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 3, done.stderr
    assert "can't be written" in done.stdout
    assert "Traceback" not in done.stderr
    assert not [each for each in ask_sandbox(env, "requests") if each["route"] == "create"]
    run_again_creates_none_twice(sheet, env)


@pytest.mark.slow(reason="runs at a real pace, in processes of their own")
def test_second_run_of_a_brand_is_refused_and_names_the_first(
    sheet: Path, env: dict[str, str]
) -> None:
    """The refused run sends no row and leaves the results unchanged."""
    arguments = ("run", sheet, *ARGUMENTS, "--concurrency", "1")
    with started(*arguments, env=env) as process:
        until(lambda: ask_sandbox(env, "customers"))
        ask_sandbox(env, "config", {"latency": [1, 1]})
        second = command(*arguments, env=env)
        ask_sandbox(env, "config", {"latency": [0, 0]})
        assert second.returncode == 3
        assert "Another run for this brand is in progress" in second.stderr
        assert f"process {process.pid}" in second.stderr
        assert "list.csv" in second.stderr
        assert "Traceback" not in second.stderr
        assert process.wait(60) == 0
    run_again_creates_none_twice(sheet, env)


def test_closed_terminal_ends_the_run_with_its_results(sheet: Path, env: dict[str, str]) -> None:
    """Its output can no longer be written."""
    ours, theirs = pty.openpty()
    with started(
        "run", sheet, *ARGUMENTS, "--concurrency", "1", env=env, stdin=theirs
    ) as process:  # its streams are pipes here: they are closed below
        os.close(theirs)
        until(lambda: ask_sandbox(env, "customers"))
        os.close(ours)
        for stream in (process.stdout, process.stderr):
            assert stream
            stream.close()
        process.send_signal(signal.SIGHUP)
        assert process.wait(30) == 130
    lines = lines_of(sheet.parent / "list.csv.results.xlsx")
    created = {line["clopos_id"] for line in lines if line["import_status"] == "created"}
    assert created == {str(customer["id"]) for customer in ask_sandbox(env, "customers")}
    assert 0 < len(created) < ROWS
    run_again_creates_none_twice(sheet, env)


@pytest.mark.slow(reason="runs at a real pace, in processes of their own")
def test_closed_pseudo_terminal_ends_the_run_with_its_results(
    sheet: Path, env: dict[str, str]
) -> None:
    ours, theirs = pty.openpty()
    arguments = ["-m", "importer", "run", str(sheet), *ARGUMENTS, "--concurrency", "1"]
    with subprocess.Popen(
        [*PYTHON, *arguments],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=os.environ | env,
        start_new_session=True,
    ) as process:
        os.close(theirs)
        until(lambda: ask_sandbox(env, "customers"))
        os.close(ours)
        process.send_signal(signal.SIGHUP)
        assert process.wait(30) == 130
    run_again_creates_none_twice(sheet, env)


def test_closed_output_pipe_does_not_end_the_run(sheet: Path, env: dict[str, str]) -> None:
    """The reader of the summary has exited; all rows are sent and the results written."""
    with started("run", sheet, *ARGUMENTS, env=env) as process:
        for stream in (process.stdout, process.stderr):
            assert stream
            stream.close()
        assert process.wait(30) == 0
    lines = lines_of(sheet.parent / "list.csv.results.xlsx")
    assert {line["import_status"] for line in lines} == {"created"}
    run_again_creates_none_twice(sheet, env)
