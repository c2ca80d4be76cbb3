"""Twelve brands, two workers, one of which is killed on the way: `make demo-fleet`.

All on this machine: a sandbox as Clopos, a PostgreSQL of our own, sheets of different shape from
`samples/`. A worker counts as crashed after seconds here; in production it is a minute.
"""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from tests.cli_process import until
from tests.fleet.lab import lab_of_its_own

if TYPE_CHECKING:
    from tests.fleet.lab import Lab, Worker

SAMPLES = Path(__file__).parents[1] / "samples"
SHEETS = (
    "exports/az-excel.csv",
    "exports/iiko-ru.xlsx",
    "exports/lightspeed-x.csv",
    "exports/loyverse.csv",
    "exports/poster-ru.csv",
    "exports/square.csv",
    "customers.csv",
    "title-rows-above-the-header.csv",
    "cyrillic-in-windows-1251.csv",
    "duplicates-in-three-spellings.csv",
    "dates-that-need-a-word.csv",
    "two-phones-in-a-cell.csv",
)
OPTIONS = {
    "cyrillic-in-windows-1251.csv": ["--region", "RU"],
    "exports/poster-ru.csv": ["--region", "RU"],
}
RATE = ["--rate", "120/min"]  # slow enough that there is something to kill


def main() -> int:
    """Show it; return 0 when every customer was created once."""
    with lab_of_its_own("demo-fleet-") as (lab, _):
        return _show(lab)


def _show(lab: Lab) -> int:
    for path in SHEETS:
        sheet = Path(path)
        lab.brand(sheet.stem, options=[*RATE, *OPTIONS.get(path, [])], sheet=sheet.name)
        shutil.copy(SAMPLES / path, lab.folder / sheet.name)
        os.utime(lab.folder / sheet.name, (0, 0))
    lab.open_sandbox()
    _tell("fleet init", lab.fleet("init"))
    _tell("fleet run --all", lab.fleet("run", "--all"))
    flags = ("--until-idle", "--slots", "6")
    with lab.worker(*flags) as first, lab.worker(*flags) as second:
        until(lambda: len(lab.creates()) > 40, 60)
        one, other = sorted((first, second), key=lambda worker: -_in_hand(lab, worker))
        one.process.kill()
        one.wait()
        _tell("one of the two workers was killed: fleet status", lab.fleet("status"))
        began = time.monotonic()
        other.wait(120)
    seconds = time.monotonic() - began
    _tell(f"the other did the rest in {seconds:.0f} s: fleet status", lab.fleet("status"))
    created = lab.creates()
    cids = Counter(each["cid"] for each in created if each["status"] == 200)
    twice = sum(count > 1 for count in cids.values())
    sys.stdout.write(
        f"{len(created)} requests, {len(cids)} customers created, {twice} of them twice\n"
    )
    return 1 if twice else 0


def _in_hand(lab: Lab, worker: Worker) -> int:
    """Return how many jobs a worker has."""
    names = lab.query(
        "SELECT worker.name FROM queue.procrastinate_jobs job"
        " JOIN fleet.workers worker ON worker.id = job.worker_id"
    )
    return sum(name.endswith(f"-{worker.process.pid}") for (name,) in names)


def _tell(what: str, _code: int) -> None:
    sys.stdout.write(f"  ↑ {what}\n\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
