"""Kills, pauses and cuts off the workers of a fleet, and counts what that does.

    python -m tools.torture_fleet --brands 200 --kills 50        (or: make torture-fleet)

Two workers send the sheets of all brands, round after round, each with new people, while one or
both of them are killed, one is paused for longer than its leases last, or PostgreSQL crashes and is
away for 0, 20 or 90 seconds. A worker that ends is started anew, as a service manager would. Judged
by what the sandbox holds. Beats are short: a worker counts as crashed after 8 seconds and a lease
lasts 12, instead of 60 and 90.

It takes about half an hour, and is given up after 40.
"""

from __future__ import annotations

import argparse
import contextlib
import random
import signal
import statistics
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from tests.cli_process import until
from tests.fleet.lab import BEATS, each_once, lab_of_its_own, write_sheet

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.fleet.lab import Lab, Worker
    from tests.store.test_two_machines import OwnServer

WORKERS = ("one", "two")
AWAY = (0, 20, 90)  # seconds
_PACED = ["--rate", "120/min", "--reserve", "0%"]
_LATELY = 3.0  # seconds: a brand whose rows were sent since is in progress
_ON_THE_WIRE = 1.0  # seconds until what had left has arrived
_APART = (5.0, 12.0)  # seconds from one harm, and what follows from it, to the next
_FOLLOWS = 90.0  # seconds in which another worker has to begin with the brands of one that crashed
_LONGEST = 40 * 60.0
_IN_HAND = "SELECT name FROM fleet.brands WHERE ended IS NULL AND worker LIKE '%-{}'"
_STARTS = 400  # processes that the sandbox can tell apart


@dataclass(frozen=True)
class Harm:
    """Act of the torture: `kill`, `pause` or `away`, its processes, begin and end."""

    kind: str
    processes: tuple[str, ...]
    began: float
    ended: float
    pids: tuple[int, ...] = ()  # of processes that were killed


@dataclass
class Tally:
    """Acts so far."""

    harms: list[Harm] = field(default_factory=list)
    rounds: int = 0

    def count(self, kind: str, processes: int | None = None) -> int:
        """Return how often a kind of harm was done, to so many processes at a time."""
        return sum(
            each.kind == kind and processes in {None, len(each.processes)} for each in self.harms
        )


class Pair:
    """Two workers. Each process has an integrator of its own, by which the sandbox knows it."""

    def __init__(self, lab: Lab, slots: int) -> None:
        self._lab = lab
        self._slots = slots
        self._stack = contextlib.ExitStack()
        self._started = 0
        self.workers: dict[str, tuple[str, Worker]] = {}  # name → integrator, process

    def __enter__(self) -> Self:
        self.revive()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def revive(self) -> None:
        """Start those that have ended, or were never started."""
        for name in WORKERS:
            if name in self.workers and self.workers[name][1].process.poll() is None:
                continue
            process = f"p{self._started}"
            self._started += 1
            self._lab.write(f"{name}.toml", process)
            started = self._lab.worker("--slots", str(self._slots), brands=f"{name}.toml")
            self.workers[name] = (process, self._stack.enter_context(started))

    def working(self) -> list[str]:
        """Return those that have begun with a brand."""
        return [
            name for name, (_, worker) in self.workers.items() if "begun with" in worker.log_text
        ]


def main() -> int:
    """Torture; print the figures. 1 when a customer was created twice or lost."""
    parser = argparse.ArgumentParser(prog="python -m tools.torture_fleet", description=__doc__)
    parser.add_argument("--brands", type=int, default=200)
    parser.add_argument("--rows", type=int, default=30, help="of a brand and round")
    parser.add_argument("--kills", type=int, default=50, help="of workers, those of both included")
    parser.add_argument("--slots", type=int, default=25)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    began = time.monotonic()
    with lab_of_its_own("torture-") as (lab, server):
        tally = _torture(lab, server, given, began + _LONGEST)
        code = _report(lab, tally, given)
    sys.stdout.write(f"{(time.monotonic() - began) / 60:>10.0f}  minutes\n")
    return code


def _torture(lab: Lab, server: OwnServer, given: argparse.Namespace, deadline: float) -> Tally:
    chance, tally = random.Random(given.seed), Tally()  # noqa: S311 - a test
    for number in range(given.brands):
        lab.brand(f"brand-{number}", options=_PACED)
    lab.open_sandbox(integrators=[f"p{number}" for number in range(_STARTS)])
    lab.fleet("init")
    plan = _plan(chance, given.kills)
    with Pair(lab, given.slots) as pair:
        for number, kind in enumerate(plan, 1):
            pause = time.monotonic() + chance.uniform(*_APART)
            while time.monotonic() < pause or not pair.working():
                _keep_busy(lab, pair, tally, given)
                time.sleep(1)
            if time.monotonic() > deadline:
                break
            harm = _harm(kind, pair, server, chance)
            tally.harms.append(harm)
            _take_over(lab, pair, harm)
            sys.stdout.write(f"{number} of {len(plan)}: {kind}, round {tally.rounds}\n")
            sys.stdout.flush()
        while not _idle(lab) and time.monotonic() < deadline:
            pair.revive()
            lab.fleet("resume")  # what waits for another try need not wait
            time.sleep(3)
    return tally


def _take_over(lab: Lab, pair: Pair, harm: Harm) -> None:
    """Wait until others have begun with the brands of processes that crashed, or ended them.

    So that the time of a takeover is that of one crash alone.
    """
    pair.revive()
    deadline = time.monotonic() + _FOLLOWS
    while time.monotonic() < deadline and any(lab.query(_IN_HAND.format(pid)) for pid in harm.pids):
        pair.revive()
        time.sleep(1)


def _plan(chance: random.Random, kills: int) -> list[str]:
    """Return what is to be done, in the order of doing it."""
    both = max(1, kills // 10)
    plan = ["kill"] * (kills - 2 * both) + ["both"] * both + ["pause"] * both
    plan += [f"away {seconds}" for seconds in AWAY]
    chance.shuffle(plan)
    return plan


def _keep_busy(lab: Lab, pair: Pair, tally: Tally, given: argparse.Namespace) -> None:
    """Start workers that ended; begin another round where nothing is left of the last."""
    pair.revive()
    if not _idle(lab):
        return
    first = tally.rounds * given.rows
    for number in range(given.brands):
        sheet = lab.folder / f"brand-{number}.csv"
        write_sheet(sheet, number, range(first, first + given.rows))
    tally.rounds += 1
    lab.fleet("run", "--all")


def _idle(lab: Lab) -> bool:
    return lab.query("SELECT count(*) FROM queue.procrastinate_jobs") == [(0,)]


def _harm(what: str, pair: Pair, server: OwnServer, chance: random.Random) -> Harm:
    """Do it; return when it began and ended."""
    kind, _, seconds = what.partition(" ")
    if kind == "away":
        began = time.time()
        server.crash()
        time.sleep(float(seconds))
        ended = time.time()
        server.start()
        return Harm(kind, (), began, ended)
    names = [*WORKERS] if kind == "both" else [chance.choice(pair.working())]
    processes = tuple(pair.workers[name][0] for name in names)
    workers = [pair.workers[name][1].process for name in names]
    began = time.time()
    if kind == "pause":
        workers[0].send_signal(signal.SIGSTOP)
        time.sleep(BEATS["lease"] + BEATS["dead"])
        ended = time.time()
        workers[0].send_signal(signal.SIGCONT)
        until(lambda: workers[0].poll() is not None, 60)  # it ends, as it was paused for too long
        return Harm(kind, processes, began, ended)
    for worker in workers:
        worker.kill()
        worker.wait()
    return Harm("kill", processes, began, time.time(), tuple(worker.pid for worker in workers))


@dataclass(frozen=True)
class Sent:
    """A request to create a customer."""

    at: float
    process: str
    brand: str
    cid: str


def _sent(seen: dict[str, Any]) -> Sent:
    process, brand, *_ = seen["caller"].split(":")
    return Sent(seen["wall"], process, brand, seen["cid"])


def _takeovers(harm: Harm, sent: list[Sent], rows: int) -> Iterator[float]:
    """Yield after how many seconds each brand that a killed worker had in hand went on.

    `rows` are those of a brand and round: one that had been done doesn't go on.
    """
    before = [each for each in sent if each.at <= harm.began]
    had = {
        each.brand
        for each in before
        if each.process in harm.processes and each.at > harm.began - _LATELY
    }
    rows_of = Counter(brand for brand, _ in {(each.brand, each.cid) for each in before})
    after: dict[str, float] = {}
    for each in sent:
        if each.process not in harm.processes and each.at > harm.ended:
            after.setdefault(each.brand, each.at - harm.began)
    yield from (after[brand] for brand in had & after.keys() if rows_of[brand] % rows)


def _late(harm: Harm, sent: list[Sent]) -> int:
    """Return how many rows a paused worker sent after others had their brands."""
    others: dict[str, float] = {}
    late = 0
    for each in sent:
        if each.process not in harm.processes and each.at > harm.began:
            others.setdefault(each.brand, each.at)
        elif each.at > harm.ended and others.get(each.brand, each.at) < each.at:
            late += each.process in harm.processes
    return late


def _report(lab: Lab, tally: Tally, given: argparse.Namespace) -> int:
    wanted = each_once((number, tally.rounds * given.rows) for number in range(given.brands))
    there = lab.at_clopos()
    twice = sum(count - 1 for count in there.values() if count > 1)
    lost = len(wanted.keys() - there.keys())
    creates = lab.creates()
    again = sum(count - 1 for count in Counter(each["cid"] for each in creates).values())
    sent = sorted(map(_sent, creates), key=lambda each: each.at)
    for what, figure in _figures(tally, sent, given.rows, twice, lost, again):
        sys.stdout.write(f"{figure:>10}  {what}\n")
    return 1 if twice or lost else 0


def _figures(
    tally: Tally, sent: list[Sent], rows: int, twice: int, lost: int, again: int
) -> Iterator[tuple[str, str]]:
    takeovers: list[float] = []
    late = away = 0
    for harm in tally.harms:
        if harm.kind == "kill":
            takeovers += _takeovers(harm, sent, rows)
        elif harm.kind == "pause":
            late += _late(harm, sent)
        else:
            away += sum(harm.began + _ON_THE_WIRE < each.at < harm.ended for each in sent)
    yield "rounds", f"{tally.rounds}"
    yield "workers killed alone", f"{tally.count('kill', 1)}"
    yield "times both at once", f"{tally.count('kill', 2)}"
    yield "workers paused beyond their leases", f"{tally.count('pause')}"
    yield "crashes of PostgreSQL", f"{tally.count('away')}"
    yield "customers sent", f"{len(sent) - again}"
    yield "customers created twice", f"{twice}"
    yield "customers lost", f"{lost}"
    yield "rows sent a second time, and found or refused", f"{again}"
    yield "rows sent by a paused worker after its brand went on", f"{late}"
    yield "rows sent while PostgreSQL was away", f"{away}"
    if takeovers:
        yield "brands that went on after a kill", f"{len(takeovers)}"
        yield "seconds until they did, median", f"{statistics.median(takeovers):.1f}"
        yield "seconds until they did, at most", f"{max(takeovers):.1f}"


if __name__ == "__main__":
    sys.exit(main())
