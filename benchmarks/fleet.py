"""Capacity of a worker in brands: `python -m benchmarks.fleet`, also a part of `make bench`.

One worker with the beats of production, the sandbox and PostgreSQL on this machine; with 100 brands
and with 300. Measured while all brands are being sent: customers a second against the share of the
quota that is ours, processor time and memory of the worker, and how long an intention waited for
the disk. It takes about four minutes on an idle machine with two cores.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from importer.fleet.jobs import Beats
from importer.store import postgres_leases
from tests.cli_process import until
from tests.fleet.lab import lab_of_its_own

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.fleet.lab import Lab

SIZES = (100, 300)
PER_MINUTE, RESERVE = 300, 0.1
_TICKS = os.sysconf("SC_CLK_TCK")
_BEGUN = "SELECT count(*) FROM fleet.brands WHERE done > 0 AND ended IS NULL"
_LONGEST = 600.0  # seconds until all brands must have begun


def main() -> None:
    """Measure; print a line of JSON for each number of brands."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fleet", description=__doc__)
    parser.add_argument("--brands", type=int, action="append", help="[default: 100 and 300]")
    parser.add_argument("--seconds", type=float, default=60.0, help="that are measured")
    given = parser.parse_args()
    for brands in given.brands or SIZES:
        with lab_of_its_own("bench-") as (lab, _):
            sys.stdout.write(f"{json.dumps(_measure(lab, brands, given.seconds))}\n")
            sys.stdout.flush()


def measured(sizes: Iterable[int], *, quick: bool) -> list[dict[str, float]]:
    """Measure in another process, whose environment and working folder may change."""
    flags = [flag for brands in sizes for flag in ("--brands", str(brands))]
    flags += ["--seconds", "10"] if quick else []
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.fleet", *flags],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def table(carried: Iterable[dict[str, float]]) -> str:
    """Return what was measured as a table of the page."""
    titles = "brands | customers/s | of the quota | wait until durable, ms p50, p99 | of a core"
    lines = [
        f"| {titles} | CPU µs/row | MB | brands a whole core would carry |",
        "|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    lines += [
        f"| {each['brands']:.0f} | {each['customers_per_second']:,.0f} "
        f"| {each['share_of_quota']:.0%} | {each['durable_ms_p50']:.0f}, "
        f"{each['durable_ms_p99']:.0f} | {each['cpu_share']:.0%} | {each['cpu_us_per_row']:.0f} "
        f"| {each['memory_mb']:.0f} | {each['brands_of_a_whole_core']:.0f} |"
        for each in carried
    ]
    return "\n".join(lines)


def _measure(lab: Lab, brands: int, seconds: float) -> dict[str, float]:
    # Enough rows that the first brand isn't done when the last one has begun.
    rows = round((seconds + 60 + brands * 0.6) * PER_MINUTE / 60)
    for number in range(brands):
        lab.brand(f"brand-{number}", rows, options=["--rate", f"{PER_MINUTE}/min"])
    lab.open_sandbox()
    lab.fleet("init")
    lab.fleet("run", "--all")
    clocked = lab.folder / "clocked"
    os.environ["CLOCKED"] = str(clocked)
    beats: dict[str, Any] = {
        name: getattr(Beats(), name) for name in Beats.__dataclass_fields__
    } | {"lease": postgres_leases.LASTS}
    began = time.monotonic()
    flags = ("--slots", str(brands))
    with lab.worker(*flags, module="benchmarks.fleet_worker", **beats) as worker:
        pid = worker.process.pid
        until(lambda: lab.query(_BEGUN) == [(brands,)], _LONGEST, every=2.0)
        opened = time.monotonic() - began
        time.sleep(5)
        cpu, at = _cpu(pid), time.monotonic()
        time.sleep(seconds)
        used, ended = _cpu(pid) - cpu, time.monotonic()
        memory = _memory(pid)
        worker.process.send_signal(signal.SIGUSR1)
        until(clocked.exists, every=0.2)
    created, waits = _noted(clocked, at, ended)
    took, quota = ended - at, brands * PER_MINUTE / 60 * (1 - RESERVE)
    return {
        "brands": brands,
        "seconds_until_all_had_begun": round(opened, 1),
        "customers_per_second": round(created / took, 1),
        "share_of_quota": round(created / took / quota, 3),
        "durable_ms_p50": round(_part(waits, 0.5) * 1000, 1),
        "durable_ms_p99": round(_part(waits, 0.99) * 1000, 1),
        "cpu_share": round(used / took, 3),
        "cpu_us_per_row": round(used / created * 1e6, 1),
        "brands_of_a_whole_core": round(brands / (used / took)),
        "memory_mb": round(memory / 2**20, 1),
    }


def _noted(path: Path, since: float, until_: float) -> tuple[int, list[float]]:
    """Return how many customers were created within a time, and the waits of their intentions."""
    created, waits = 0, []
    for line in path.read_text("ascii").splitlines():
        moment, *wait = map(float, line.split())
        if since <= moment < until_:
            created += not wait
            waits += wait
    return created, sorted(waits)


def _part(values: list[float], share: float) -> float:
    """Return the value that so large a share of sorted values doesn't exceed."""
    return values[min(len(values) - 1, round(share * len(values)))]


def _cpu(pid: int) -> float:
    """Return the processor time of a process so far, in seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _memory(pid: int) -> int:
    """Return the resident memory of a process, in bytes."""
    pages = int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


if __name__ == "__main__":
    main()
