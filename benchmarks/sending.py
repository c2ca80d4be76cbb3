"""`run` beside what people send with, all against a sandbox in another process."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
import sys
import tempfile
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from benchmarks.measure import Command, Timed, alternating, timed
from benchmarks.table import Line, Target

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HERE = Path(__file__).parent
_SECONDS_OF_WRK = 3


@dataclass(frozen=True)
class Place:
    """A sandbox: the variables that let a client in."""

    env: dict[str, str]

    @property
    def base(self) -> str:
        """Return the address of version 2 of the API."""
        return self.env["CLOPOS_BASE_URL"] + "/v2"

    def token(self) -> str:
        """Return a token, for tools that can't fetch one."""
        keys = ("client_id", "client_secret", "brand", "integrator_id")
        body = {key: self.env[f"CLOPOS_{key.upper()}"] for key in keys}
        request = urllib.request.Request(  # noqa: S310 - of this machine
            f"{self.base}/auth", json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            return str(json.load(answer)["token"])

    def customers(self) -> int:
        """Return how many customers there are, by the first page."""
        request = urllib.request.Request(  # noqa: S310 - of this machine
            f"{self.base}/customers?limit=1", headers={"x-token": self.token()}
        )
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
            return int(json.load(answer)["total"])


@contextmanager
def sandbox(store: Path | str = ":memory:") -> Iterator[Place]:
    """Run a sandbox without limits in a process of its own; `store` says who is there."""
    command = (sys.executable, "-u", "-m", "importer", "sandbox", "--store", str(store))
    with (
        tempfile.TemporaryDirectory() as state,
        subprocess.Popen(
            [*command, "--port", "0", "--empty", "--no-limits"], stdout=subprocess.PIPE, text=True
        ) as process,
    ):
        env = {"CLOPOS_STATE_DIR": state}
        assert process.stdout
        for line in process.stdout:
            if line.startswith("export "):
                name, _, value = line.removeprefix("export ").strip().partition("=")
                env.setdefault(name, value.strip("'\""))  # version 2 comes first
            if line.startswith("# stop"):
                break
        try:
            yield Place(env)
        finally:
            process.terminate()


def send(
    folder: Path, rows: int, rounds: int, tools: dict[str, Path], say: Callable[[str], None]
) -> tuple[list[Line], list[Target]]:
    """Create `rows` customers by each means; the slow ones get fewer, and are timed by the second.

    `tools` are the programs that were found: requests (a Python that has it), newman, wrk.
    """
    many, few, fewest = (_sheet(folder, n) for n in (rows, rows // 20, rows // 100))
    ours = _run(many, folder)
    shares = folder / "journal-shares.txt"
    accounted = (sys.executable, "-m", "benchmarks.accounted", shares, *ours[3:])
    contenders: dict[str, Callable[[], Timed]] = {
        "run": lambda: _sent(lambda _: ours, rows),
        "accounted": lambda: _sent(lambda _: accounted, rows),
        "aiohttp": lambda: _sent(lambda _: (sys.executable, HERE / "bare_aiohttp.py", many), rows),
        "curl": lambda: _sent(lambda place: _curl(folder, many, place), rows),
    }
    counts = {"run": rows, "accounted": rows, "aiohttp": rows, "curl": rows}
    if "requests" in tools:
        counts["requests"] = _rows(few)
        contenders["requests"] = lambda: _sent(
            lambda _: (tools["requests"], HERE / "bare_requests.py", few), counts["requests"]
        )
    if "newman" in tools:
        counts["newman"] = _rows(fewest)
        contenders["newman"] = lambda: _sent(
            lambda place: _newman(tools["newman"], fewest, place), counts["newman"]
        )
    if "wrk" in tools:
        contenders["wrk"] = lambda: _wrk(folder, tools["wrk"])
    found = alternating(contenders, rounds, say)
    names = {
        "run": ("**run**: journal, results and all", ""),
        "accounted": ("run, its journal timed", ""),
        "aiohttp": ("pandas + aiohttp script", "no check, journal, recovery or results"),
        "curl": ("curl, 32 in parallel", "the same; bodies are made before, answers lost"),
        "requests": ("pandas + requests script", "the same, one row at a time"),
        "newman": ("newman, sheet as data", "the same, one row at a time; a report in memory"),
        "wrk": ("wrk: what the sandbox can do", "the same body shape again and again, no sheet"),
    }
    per_second = {
        name: counts[name] / once.seconds for name, once in found.items() if name != "wrk"
    }
    if "wrk" in found:  # it prints its rate itself, in the place of the seconds
        counts["wrk"] = round(found["wrk"].seconds * _SECONDS_OF_WRK)
        found["wrk"] = found["wrk"]._replace(seconds=float(_SECONDS_OF_WRK))
    lines = [
        Line(title, counts[name], found[name], lacks)
        if name in found
        else Line(title, None, None, "not here")
        for name, (title, lacks) in names.items()
    ]
    ratio = per_second["run"] / per_second["aiohttp"]
    share = median(map(float, shares.read_text("utf-8").split()))
    targets = [
        Target("run, rows a second against the aiohttp script", ratio, 1, at_least=True),
        Target("the journal, share of the run", share, 0.05),
        Target("processor time of run, µs a row", found["run"].cpu / rows * 1e6),
        Target("of the aiohttp script, µs a row", found["aiohttp"].cpu / rows * 1e6),
    ]
    if "newman" in found:
        ratio = per_second["run"] / per_second["newman"]
        targets.append(Target("run, rows a second against newman", ratio, 25, at_least=True))
    return lines, targets


def million(folder: Path, rows: int) -> tuple[list[Line], list[Target]]:
    """Send a million once, and hold a sheet against a million, to see what memory it takes."""
    sheet = _sheet(folder, rows)
    sent = _sent(lambda _: _run(sheet, folder), rows)
    store = folder / "million.sqlite"
    timed((sys.executable, "-m", "benchmarks.data", folder, "--store", rows))
    some = _sheet(folder, rows // 10)
    flags = ("--rate", "none", "--match", "always", "--dry-run", "--quiet")
    results = ("--results", folder / "results.csv")
    compare = (sys.executable, "-m", "importer", "run", some, *flags, *results)
    with sandbox(store) as place:
        compared = timed(compare, env=place.env)
    lines = [
        Line("**run**", rows, sent, ""),
        Line(f"**run --dry-run** with {rows:,} at Clopos", rows // 10, compared, ""),
    ]
    return lines, [
        Target("peak memory of sending, MB", sent.megabytes, 1200),
        Target("peak memory of comparing, MB", compared.megabytes, 500),
    ]


def _run(sheet: Path, folder: Path) -> Command:
    flags = ("--rate", "none", "--match", "never", "--yes", "--quiet")
    results = ("--results", folder / "results.csv")
    return sys.executable, "-m", "importer", "run", sheet, *flags, *results


def _sent(command: Callable[[Place], Command], rows: int) -> Timed:
    """Time a sender against a sandbox of its own, and see that everybody has arrived."""
    with sandbox() as place:
        once = timed(command(place), env=place.env)
        if place.customers() != rows:
            raise RuntimeError(f"{place.customers()} of {rows} arrived")
        return once


def _sheet(folder: Path, rows: int) -> Path:
    path = folder / f"send-{rows}.csv"
    if not path.exists():
        timed((sys.executable, "-m", "benchmarks.data", folder, "--send", rows))
    return path


def _rows(sheet: Path) -> int:
    return int(sheet.stem.removeprefix("send-"))


def _curl(folder: Path, sheet: Path, place: Place) -> Command:
    """Write the requests into a file that curl reads."""
    token = place.token()
    path = folder / "requests.curl"
    with sheet.open(encoding="utf-8", newline="") as rows, path.open("w", encoding="utf-8") as file:
        for number, row in enumerate(csv.DictReader(rows)):
            numbers = {name: int(row[name]) for name in ("gender", "group_id") if row[name]}
            body = json.dumps({k: v for k, v in row.items() if v} | numbers)
            escaped = body.replace("\\", "\\\\").replace('"', '\\"')
            file.write("next\n" if number else "")
            file.write(
                f'url = "{place.base}/customers"\nheader = "x-token: {token}"\n'
                f'header = "Content-Type: application/json"\ndata = "{escaped}"\n'
                'output = "/dev/null"\n'
            )
    return "curl", "--silent", "--parallel", "--parallel-max", 32, "--config", path


def _newman(program: Path, sheet: Path, place: Place) -> Command:
    variables = {"base": place.base, "token": place.token()}
    given = [part for pair in variables.items() for part in ("--env-var", "=".join(pair))]
    return program, "run", HERE / "newman.collection.json", "-d", sheet, "--silent", *given


def _wrk(folder: Path, program: Path) -> Timed:
    """Return requests a second in the place of seconds."""
    with sandbox() as place:
        script = folder / "wrk.lua"
        script.write_text((HERE / "wrk.lua").read_text("utf-8").replace("TOKEN", place.token()))
        libraries = ":".join(map(str, program.parent.parent.glob("lib/*-linux-gnu")))
        url = f"{place.base}/customers"
        flags = ("-t1", "-c32", f"-d{_SECONDS_OF_WRK}s", "-s", script)
        once = timed((program, *flags, url), env={"LD_LIBRARY_PATH": libraries})
    [rate] = [line.split()[1] for line in once.output.splitlines() if "Requests/sec" in line]
    return once._replace(seconds=float(rate))


def tools(build: Path) -> dict[str, Path]:
    """Return the programs that are here: in the folder of the benchmark, or on the path."""
    places = {
        "us": build / "user" / "bin" / "python",
        "requests": build / "venv" / "bin" / "python",
        "newman": build / "node_modules" / ".bin" / "newman",
        "wrk": build / "usr" / "bin" / "wrk",
    }
    found = {name: path for name, path in places.items() if path.exists()}
    for name in ("newman", "wrk"):
        if name not in found and (path := shutil.which(name)):
            found[name] = Path(path)
    return found
