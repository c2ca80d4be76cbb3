"""Share of the quota that the pace uses, against a strict sliding window, hour by hour.

The real `Quota` on a clock that jumps, against a model of the server that counts each request when
it arrives: nothing in between that would cost time. `make bench` shows the table.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from benchmarks.table import into_page
from importer.clopos import Rate, RateLimiter, default_rates
from importer.pipeline.quota_use import QuotaUse, measure_quota_use
from importer.sandbox.limits import Windows, tightest
from importer.sandbox.virtual_time import run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

MINUTE, HOUR = 60.0, 3600.0
V1, V2 = default_rates(1), default_rates(2)
LATENCIES: dict[str, Callable[[random.Random], float]] = {
    "20 ms": lambda _: 0.02,
    "50 to 400 ms": lambda chance: chance.uniform(0.05, 0.4),
    "20 ms to 9 s": lambda chance: chance.uniform(0.02, 9.0),
    "9 s": lambda _: 9.0,
    "mostly 100 ms, some 8 s": lambda chance: 8.0 if chance.random() < 0.05 else 0.1,
}


@dataclass(frozen=True)
class Case:
    """One hour or so of sending as fast as the pace allows.

    `on_the_way`: seconds, at most, until the server counts a request; `latency` is what it takes
    to answer after that. `others`: the share of the limit (of the hour's on v1) that another
    client takes, on for five minutes and off for five, at random moments or `evenly`.
    """

    name: str
    rates: tuple[Rate, ...] = V2
    reserve: float = 0.1
    latency: str = "50 to 400 ms"
    on_the_way: float = 0.0
    others: float = 0.0
    evenly: bool = False
    seconds: float = HOUR
    seed: int = 0


@dataclass
class Row:
    """Result of a case; `in_flight` is the most requests under way at once."""

    case: str
    sent: int
    use: QuotaUse
    throttled: int
    in_flight: int


@dataclass
class Server:
    """Counts requests as they arrive, in strict sliding windows, and remembers what it saw."""

    case: Case
    chance: random.Random
    windows: list[tuple[Rate, Windows]] = field(default_factory=list)
    ours: list[float] = field(default_factory=list)
    others: list[float] = field(default_factory=list)
    throttled: int = 0

    def __post_init__(self) -> None:
        """Make the windows."""
        self.windows = [(rate, Windows(rate.seconds)) for rate in self.case.rates]

    def take(self, now: float) -> dict[str, str] | None:
        """Count a request and return the headers of its answer; None: refused with a 429."""
        rooms = [windows.look("", now, rate.limit) for rate, windows in self.windows]
        if not all(room.allowed for room in rooms):
            return None
        for _, windows in self.windows:
            windows.count("", now)
        told = tightest([windows.look("", now, rate.limit) for rate, windows in self.windows])
        assert told
        return told.headers(2, now)


async def _other_client(case: Case, server: Server) -> None:
    """Send as another client would, at random moments, five minutes of ten."""
    loop = asyncio.get_running_loop()
    a_second = case.others * min(rate.limit / rate.seconds for rate in case.rates)
    # It began before us: its requests of the last minutes count already.
    for at in sorted(-server.chance.uniform(0, 300) for _ in range(int(a_second * 300))):
        server.take(at)
        server.others.append(at)
    while True:
        until = loop.time() + 300.0
        while loop.time() < until:
            await asyncio.sleep(
                1 / a_second if case.evenly else server.chance.expovariate(a_second)
            )
            if server.take(loop.time()):
                server.others.append(loop.time())
        await asyncio.sleep(300.0)


async def _hour(case: Case) -> Row:
    loop = asyncio.get_running_loop()
    chance = random.Random(case.seed)  # noqa: S311 - repeatable on purpose
    quota = RateLimiter(case.rates, reserve=case.reserve)
    server = Server(case, chance)
    latency = LATENCIES[case.latency]
    under_way: set[asyncio.Task[None]] = set()
    most = 0

    async def send() -> None:
        sent = await quota.acquire()
        room.release()
        if case.on_the_way:
            await asyncio.sleep(chance.uniform(0, case.on_the_way))
        headers = server.take(loop.time())
        if headers:
            server.ours.append(loop.time())
        await asyncio.sleep(latency(chance))
        if headers is None:
            server.throttled += 1
            quota.throttle(5.0)
        else:
            quota.observe(headers, sent.at)
        quota.release(sent)

    other = loop.create_task(_other_client(case, server)) if case.others else None
    # One waits for its turn, the others are under way.
    room = asyncio.Semaphore(1)
    while loop.time() < case.seconds:
        await room.acquire()
        task = loop.create_task(send())
        under_way.add(task)
        task.add_done_callback(under_way.discard)
        most = max(most, len(under_way))
    for task in (*under_way, *([other] if other else [])):
        task.cancel()
    await asyncio.gather(*under_way, *([other] if other else []), return_exceptions=True)
    return _judge(case, server, most)


def _judge(case: Case, server: Server, most: int) -> Row:
    use = measure_quota_use(case.rates, case.reserve, server.ours, server.others, case.seconds)
    sent = sum(at < case.seconds for at in server.ours)
    return Row(case.name, sent, use, server.throttled, most)


CASES = (
    *(Case(f"v2, {name}", latency=name) for name in LATENCIES),
    Case("v2, no reserve, 20 ms to 9 s", latency="20 ms to 9 s", reserve=0.0),
    Case("v2, no reserve, 9 s", latency="9 s", reserve=0.0),
    Case("v2, up to 1 s on the way", on_the_way=1.0),
    Case("v2, up to 5 s on the way", on_the_way=5.0),
    Case("v2, another client takes 30 %, evenly", others=0.3, evenly=True),
    Case("v2, another client takes 60 %, evenly", others=0.6, evenly=True),
    Case("v2, another client takes 30 %", others=0.3),
    Case("v2, another client takes 60 %", others=0.6),
    Case("v2, another client takes 60 %, 20 ms to 9 s", others=0.6, latency="20 ms to 9 s"),
    Case("v1", rates=V1, seconds=3 * HOUR),
    Case("v1, 20 ms to 9 s", rates=V1, latency="20 ms to 9 s", seconds=3 * HOUR),
    Case("v1, another client takes 30 %", rates=V1, others=0.3, seconds=3 * HOUR),
)


def measure(cases: Iterable[Case] = CASES) -> list[Row]:
    """Return a row for each case."""
    return [run(_hour(case)) for case in cases]


def table(rows: Iterable[Row]) -> str:
    """Return the rows as a table in Markdown."""
    lines = [
        "| case | sent | used | worst 10 min | 429 | fullest | into reserve | for | most |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for row in rows:
        use = row.use
        worst = "" if use.worst_ten_minutes is None else f"{use.worst_ten_minutes:.1%}"
        lines.append(
            f"| {row.case} | {row.sent:,} | {use.used:.1%} | {worst} | {row.throttled} "
            f"| {use.largest:.1%} | {use.reserve_taken} | {use.reserve_seconds:.1f} s "
            f"| {row.in_flight} |"
        )
    return "\n".join(lines)


def main() -> list[dict[str, object]]:
    """Print the table in Markdown; return its rows, ready for JSON."""
    rows = measure()
    print(table(rows))  # noqa: T201 - that is what it is for
    if "--readme" in sys.argv:
        into_page("the pace", table(rows))
    return [asdict(row) for row in rows]


if __name__ == "__main__":
    found = main()
    if "--json" in sys.argv:
        print(json.dumps(found))  # noqa: T201
