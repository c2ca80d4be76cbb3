"""A small fleet for tests: a sandbox, a PostgreSQL, brands with sheets, and real workers."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg

from importer.cli.fleet_command import start_worker
from importer.cli.fleet_group import work
from importer.cli.main import run_command
from importer.fleet.jobs import Beats
from tests.cli_process import ask_sandbox, serving
from tests.store.test_two_machines import OwnServer

if TYPE_CHECKING:
    import signal
    from collections.abc import Iterable, Iterator

    import pytest

BEATS = {
    "heartbeat": 1.0,
    "dead": 8.0,  # seconds; a busy machine may delay a process for long
    "care": 1.0,
    "poll": 0.3,
    "put_off": 1.0,
    "progress": 0.5,
    "lease": 12.0,
}
_REPO = Path(__file__).parents[2]
_LONG_AGO = 1_000  # seconds; a sheet of that age is no longer being written


@dataclass(frozen=True)
class Worker:
    """A worker process and its log."""

    process: subprocess.Popen[bytes]
    log: Path

    def wait(self, seconds: float = 60) -> int:
        """Return the exit code once it has ended."""
        return self.process.wait(seconds)

    def exit_code_after(self, number: signal.Signals) -> int:
        """Send a signal and return the exit code."""
        self.process.send_signal(number)
        return self.wait()

    @property
    def log_text(self) -> str:
        """Return its log so far."""
        return self.log.read_text("utf-8")


@dataclass
class Lab:
    """A fleet with its sandbox and database."""

    folder: Path
    url: str
    sandbox: dict[str, str]
    tables: list[str] = field(default_factory=list)
    numbers: Iterator[int] = field(default_factory=itertools.count)

    def brand(self, name: str, rows: int = 0, **keys: object) -> None:
        """Add a brand with a sheet of invented people; `keys` are added to its TOML table."""
        number = len(self.tables)
        sheet = self.folder / f"{name}.csv"
        write_sheet(sheet, number, range(rows))
        values = {"brand": name, "sheet": sheet.name, **keys}
        self.tables.append(
            f"[brands.{name}]\n"
            + "".join(f"{key} = {json.dumps(value)}\n" for key, value in values.items())
        )
        self.write()

    def write(self, name: str = "brands.toml", integrator: str = "") -> None:
        """Write brands.toml; the sandbox can tell its readers by their integrator."""
        base = self.sandbox["CLOPOS_BASE_URL"]
        integrator = integrator or self.sandbox["CLOPOS_INTEGRATOR_ID"]
        head = f'[defaults]\nbase_url = "{base}"\nintegrator_id = "{integrator}"\n'
        head += 'credentials = "file:secrets.env"\noptions = ["--rate", "none"]\n'
        (self.folder / name).write_text("\n".join([head, *self.tables]), "utf-8")

    def secrets(self) -> None:
        """Write the file with the credentials."""
        path = self.folder / "secrets.env"
        names = ("CLOPOS_CLIENT_ID", "CLOPOS_CLIENT_SECRET")
        path.write_text("".join(f"{name}={self.sandbox[name]}\n" for name in names), "utf-8")
        path.chmod(0o600)

    def open_sandbox(self, **switches: Any) -> None:
        """Make all brands known to the sandbox, without limits but those of `switches`."""
        names = [text.split("]")[0].removeprefix("[brands.") for text in self.tables]
        limits = {"per_minute": None, "auth_per_minute": None, "failed_per_minute": None}
        ask_sandbox(self.sandbox, "config", {"brands": names, **limits, **switches})

    def fleet(self, *arguments: str) -> int:
        """Run a command of `fleet` in this process; return its exit code."""
        return run_command(["fleet", *arguments])

    @contextlib.contextmanager
    def worker(
        self,
        *flags: str,
        brands: str = "brands.toml",
        module: str = "tests.fleet.worker_process",
        **beats: float,
    ) -> Iterator[Worker]:
        """Run a worker beside the test; kill it at the end of the block if it still runs."""
        log = self.folder / f"worker-{next(self.numbers)}.log"
        beat = json.dumps(BEATS | beats)
        given = ["--metrics", "none", "--brands", str(self.folder / brands), *flags]
        with (
            log.open("w", encoding="utf-8") as stderr,
            subprocess.Popen(
                [sys.executable, "-m", module, beat, *given],
                stderr=stderr,
                env=os.environ | {"CLOPOS_DATABASE_URL": self.url, "PYTHONPATH": str(_REPO)},
            ) as process,
        ):
            try:
                yield Worker(process, log)
            finally:
                process.kill()

    def work_here(self) -> int:
        """Run a worker in this process until no job is left; return its exit code."""
        flags = ["--metrics", "none", "--until-idle", "--brands", str(self.folder / "brands.toml")]
        beats = {name: seconds for name, seconds in BEATS.items() if name != "lease"}
        with work.make_context("work", flags) as context:
            return start_worker(context.params, Beats(**beats))

    def work(self) -> int:
        """Run a worker process until no job is left; return its exit code."""
        with self.worker("--until-idle") as worker:
            return worker.wait(120)

    def status(self, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
        """Return the output of `status --json`."""
        capsys.readouterr()
        self.fleet("status", "--json")
        found: dict[str, Any] = json.loads(capsys.readouterr().out)
        return found

    def states(self, capsys: pytest.CaptureFixture[str]) -> dict[str, tuple[str, int | None]]:
        """Return name → state and exit code."""
        brands = self.status(capsys)["brands"]
        return {brand["name"]: (brand["state"], brand["exit_code"]) for brand in brands}

    def creates(self) -> list[dict[str, Any]]:
        """Return the create requests in order of arrival."""
        return [each for each in ask_sandbox(self.sandbox, "requests") if each["route"] == "create"]

    def at_clopos(self) -> Counter[str]:
        """Return how many customers each person of all brands has."""
        return Counter(customer["name"] for customer in ask_sandbox(self.sandbox, "customers"))

    def query(self, query: str) -> list[tuple[Any, ...]]:
        """Return the rows of a query of the database."""
        with psycopg.connect(self.url, autocommit=True) as db:
            return db.execute(query.encode()).fetchall()

    def stored(self) -> bytes:
        """Return the whole content of the database as text."""
        parts = []
        with psycopg.connect(self.url, autocommit=True) as db:
            tables = db.execute(
                "SELECT schemaname || '.' || tablename FROM pg_tables"
                " WHERE schemaname IN ('clopos', 'queue', 'fleet')"
            ).fetchall()
            for (table,) in tables:
                with db.cursor().copy(f"COPY {table} TO STDOUT".encode()) as rows:
                    parts += [bytes(part) for part in rows]
        return b"".join(parts)


@contextlib.contextmanager
def new_lab(folder: Path, url: str) -> Iterator[Lab]:
    """Run a sandbox, and make a fleet without brands."""
    with serving(folder) as variables:
        lab = Lab(folder, url, variables["2"])
        lab.secrets()
        yield lab


@contextlib.contextmanager
def lab_of_its_own(prefix: str) -> Iterator[tuple[Lab, OwnServer]]:
    """Run a sandbox and a PostgreSQL in a new folder and change into it; used by tools."""
    with tempfile.TemporaryDirectory(prefix=prefix, ignore_cleanup_errors=True) as name:
        folder = Path(name)
        os.environ["CLOPOS_STATE_DIR"] = str(folder / "state")
        server = OwnServer(folder / "postgres")
        os.environ["CLOPOS_DATABASE_URL"] = server.url
        os.chdir(folder)
        with contextlib.closing(server), new_lab(folder, server.url) as lab:
            yield lab, server


def write_sheet(sheet: Path, brand: int, rows: Iterable[int]) -> None:
    """Write a sheet of invented people with an old modification time."""
    lines = [f"Demo {brand} {row},+99450{brand:03}{row:04}" for row in rows]
    sheet.write_text("\n".join(["Name,Phone", *lines, ""]), encoding="utf-8")
    os.utime(sheet, (time.time() - _LONG_AGO,) * 2)


def each_once(brands: Iterable[tuple[int, int]]) -> Counter[str]:
    """Return the expected customers of brands, given as (number, rows): each person once."""
    return Counter(f"Demo {number} {row}" for number, rows in brands for row in range(rows))
