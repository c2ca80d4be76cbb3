"""Kills the real command with SIGKILL at random moments and counts what that does.

    python -m tools.crash_test --kills 2000        (or: make torture)

Many small sheets, one after the other: each is sent, killed and sent again until it is through.
Rows have a phone, a code, both or neither; half of the sheets meet faults on top.
"""

from __future__ import annotations

import argparse
import csv
import json
import random
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tests.sandbox_process import Processes, sandbox_and_fork_server

ROWS = 30
FAULTS = ("504a", "504b", "504c", "500", "500b", "502b", "drop", "drop_before", "garbage", "no_id")
SETTLE = 0.15  # more than the sandbox takes for a late create, here
LATE = {"gateway_seconds": 0.02, "late_seconds": 0.05}


@dataclass
class Tally:
    """Counts of a crash test; MEANINGS has them in words."""

    sheets: int = 0
    rows: int = 0
    runs: int = 0
    kills: int = 0
    twice: int = 0
    lost: int = 0
    untrue: int = 0
    kills_with_doubt: int = 0
    in_doubt: int = 0
    doubtful_runs: int = 0
    posts: int = 0
    resent_there: int = 0
    reads: int = 0


MEANINGS = {
    "sheets": "sheets, half of them with faults",
    "rows": "rows of them all",
    "runs": "runs",
    "kills": "runs that were killed",
    "twice": "customers created twice",
    "lost": "rows without their customer",
    "untrue": "results that say something else than Clopos",
    "kills_with_doubt": "kills that left rows in doubt",
    "in_doubt": "rows they left in doubt",
    "doubtful_runs": "runs that began with rows in doubt",
    "posts": "requests to create, all together",
    "resent_there": "without faults: rows sent again though they were there",
    "reads": "without faults: lists asked for, to settle rows or to try credentials",
    "seconds": "seconds",
}


def torture(kills: int, seed: int = 0) -> Tally:
    """Kill so many times and return the tally."""
    chance = random.Random(seed)  # noqa: S311 - repeatable on purpose
    tally = Tally()
    with sandbox_and_fork_server() as here, tempfile.TemporaryDirectory() as folder:
        brands = [f"brand-{n}" for n in range(kills)]
        here.sandbox("config", LATE | {"brands": brands})
        while tally.kills < kills:
            _one_sheet(here, Path(folder), brands[tally.sheets], chance, tally, kills)
            tally.sheets += 1
    return tally


def _one_sheet(
    here: Processes,
    folder: Path,
    brand: str,
    chance: random.Random,
    tally: Tally,
    kills: int,
) -> None:
    faults, match = tally.sheets % 2 == 1, ("never", "auto")[tally.sheets // 2 % 2]
    here.sandbox(
        "config",
        {
            "rates": dict.fromkeys(FAULTS, 0.02) if faults else {},
            "latency": [0.0, chance.choice([0.0, 0.005, 0.02])],
        },
    )
    sheet, results = folder / f"{brand}.csv", folder / f"{brand}.results.csv"
    sheet.write_text("Name,Phone,Code\n" + "".join(map(_row, range(1, ROWS + 1))), "utf-8")
    state = {"CLOPOS_BRAND": brand, "CLOPOS_STATE_DIR": str(folder / brand)}
    command: list[object] = ["run", sheet, "--yes", "--json", "--quiet", "--rate", "none"]
    command += (
        "--settle",
        SETTLE,
        "--results",
        results,
        "--match",
        match,
        "--concurrency",
        chance.choice([1, 4, 16]),
    )
    life, reads = 0.3, 0  # seconds; until a run has shown what it takes
    for _ in range(chance.randint(6, 16)):
        tally.doubtful_runs += bool(_in_doubt(folder / brand))
        reads += _asks_for_a_list(folder / brand)
        # Mostly where it hurts, while rows are sent; else at any moment of its life.
        sending = [chance.randint(1, 16), chance.uniform(0.0, 0.01)]
        kill = sending if chance.random() < 0.8 else [0, chance.uniform(0.0, life)]
        done = here.command(*command, env=state, kill=kill)
        tally.runs += 1
        if done["code"] == -9:
            tally.kills += 1
            tally.kills_with_doubt += bool(left := len(_in_doubt(folder / brand)))
            tally.in_doubt += left
        else:
            life = done["seconds"]
            if chance.random() < 0.5:
                break  # it is through
        if tally.kills >= kills:
            break
    for _ in range(6):
        reads += _asks_for_a_list(folder / brand)
        done = here.command(*command, env=state)
        tally.runs += 1
        if done["code"] == 0:
            break
    _judge(
        here, brand, results, done, tally, most_reads=None if faults or match == "auto" else reads
    )


def _row(number: int) -> str:
    phone = f"+99450{number:07}" if number % 4 in {0, 1} else ""
    code = f"K{number:03}" if number % 4 in {0, 2} else ""
    return f"Demo {number},{phone},{code}\n"


def _in_doubt(state: Path) -> list[str]:
    """Return the digests that the journal has in doubt, as the next run will find them."""
    return [digest for digest, last in _states(state).items() if last == "sent"]


def _asks_for_a_list(state: Path) -> bool:
    """Return whether the next run asks for a list, once: nothing else does without `--match`.

    To settle rows in doubt; or, where nothing is left to be sent, to try the credentials.
    """
    states = [*_states(state).values()]
    return "sent" in states or states.count("created") == ROWS


def _states(state: Path) -> dict[str, str]:
    """Return digest → its state in the journal, as the next run will find it."""
    states: dict[str, str] = {}
    for path in state.glob("*/journal.sqlite"):
        db = sqlite3.connect(path)
        try:
            states |= db.execute("SELECT digest, state FROM entries")
            for digest, then in db.execute("SELECT digest, state FROM log ORDER BY rowid"):
                if states.get(digest) != "created":
                    states[digest] = then
        except sqlite3.OperationalError:  # killed before it had its tables
            pass
        finally:
            db.close()
    return states


def _judge(
    here: Processes,
    brand: str,
    results: Path,
    done: dict[str, Any],
    tally: Tally,
    most_reads: int | None,
) -> None:
    """Hold the sandbox against the sheet, and the results against the sandbox."""
    there = [customer for customer in here.sandbox("customers") if customer["brand"] == brand]
    log = [r for r in here.sandbox("requests") if (r["caller"] or "").endswith(f":{brand}")]
    names = Counter(customer["name"] for customer in there)
    tally.rows += ROWS
    tally.twice += sum(count - 1 for count in names.values())
    tally.lost += sum(f"Demo {n}" not in names for n in range(1, ROWS + 1))
    ids = {customer["name"]: str(customer["id"]) for customer in there}
    with results.open(encoding="utf-8-sig", newline="") as file:
        lines = list(csv.DictReader(file))
    true = [
        line["import_status"] in {"created", "exists"}
        and line["clopos_id"] == ids.get(line["Name"])
        for line in lines
    ]
    tally.untrue += ROWS - sum(true)
    summary = json.loads(done["out"] or "{}")
    tally.untrue += summary.get("created", 0) + summary.get("exists", 0) != ROWS
    posts = Counter(request["cid"] for request in log if request["route"] == "create")
    tally.posts += posts.total()
    if most_reads is not None:
        tally.resent_there += posts.total() - ROWS
        read = sum(request["route"] == "list" for request in log)
        tally.reads += read
        assert read <= most_reads, f"{brand}: {read} lists for {most_reads} runs that ask for one"


def main() -> None:
    """Kill as often as asked and say what was counted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    started = time.monotonic()
    tally = torture(given.kills, given.seed)
    facts = asdict(tally) | {"seconds": round(time.monotonic() - started)}
    sys.stdout.write(f"{tally.kills} kills, {tally.twice} twice, {tally.lost} lost\n")
    for name, number in facts.items():
        sys.stdout.write(f"  {MEANINGS[name]:60} {number:7,}\n")
    if tally.twice or tally.lost or tally.untrue or tally.resent_there:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
