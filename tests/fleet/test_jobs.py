"""The queue in a real PostgreSQL: jobs are added, returned, postponed and stopped."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest

from importer.fleet import jobs, tables
from importer.fleet.database import open_database
from importer.fleet.jobs import Beats, PutOffError
from importer.fleet.schedule import last_due
from importer.fleet.setup import set_up

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine

    from importer.fleet.database import Database

QUICK = Beats(heartbeat=0.2, dead=0.5, care=0.2, poll=0.05, put_off=0.2, progress=0.2)


@pytest.fixture(scope="module")
def database_url(server: str) -> str:
    """Return the URL of a database with all tables."""
    asyncio.run(set_up(server))
    asyncio.run(set_up(server))  # the second call changes nothing
    return server


def run_scenario(url: str, scenario: Callable[[Database], Coroutine[Any, Any, None]]) -> None:
    """Run a scenario on an empty queue in real time, which is the time of the database."""

    async def guarded() -> None:
        async with open_database(url, size=4, patient=True) as database:
            await database.rows("DELETE FROM procrastinate_jobs; DELETE FROM fleet.brands")
            await scenario(database)

    asyncio.run(guarded())


@contextlib.asynccontextmanager
async def worker(
    database: Database,
    job: Callable[[str, asyncio.Event], Awaitable[None]],
    *,
    slots: int = 5,
) -> AsyncIterator[None]:
    """Run a worker of the queue beside a scenario."""
    queue = jobs.queue_worker(database, job, slots=slots, beats=QUICK)
    running = asyncio.ensure_future(jobs.run_queue(queue))
    try:
        yield
    finally:
        jobs.stop_queue(queue)
        await running


async def until(true: Callable[[], Awaitable[bool]], seconds: float = 10.0) -> None:
    """Wait until a condition of the queue holds."""
    async with asyncio.timeout(seconds):
        while not await true():  # noqa: ASYNC110 - another process decides
            await asyncio.sleep(0.02)


async def idle(database: Database) -> bool:
    return await jobs.is_idle(database, [])


async def take(database: Database, worker_id: int) -> list[dict[str, Any]]:
    """Take a job as a worker does, without running it."""
    return await database.rows(
        "SELECT id, lock FROM procrastinate_fetch_job_v2(NULL, %(worker)s) WHERE id IS NOT NULL",
        worker=worker_id,
    )


async def dead_worker(database: Database) -> int:
    """Register a worker whose last heartbeat is old; return its number."""
    rows = await database.rows(
        "INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - interval '1 hour')"
        " RETURNING id"
    )
    return int(rows[0]["id"])


def test_job_of_each_brand_is_done_once(database_url: str) -> None:
    async def scenario(database: Database) -> None:
        done: list[str] = []

        async def job(brand: str, _stop: asyncio.Event) -> None:
            done.append(brand)

        await jobs.give(database, {"a": "default", "b": "other"})
        async with worker(database, job):
            await until(lambda: idle(database))
        assert sorted(done) == ["a", "b"]

    run_scenario(database_url, scenario)


def test_two_jobs_of_a_brand_never_run_at_the_same_time(database_url: str) -> None:
    async def scenario(database: Database) -> None:
        running, most, done = 0, 0, 0

        async def job(_brand: str, _stop: asyncio.Event) -> None:
            nonlocal running, most, done
            running += 1
            most = max(most, running)
            if not done:
                await jobs.give(database, {"a": "default"})
            await asyncio.sleep(0.3)
            running, done = running - 1, done + 1

        await jobs.give(database, {"a": "default"})
        async with worker(database, job), worker(database, job):
            await until(lambda: idle(database))
        assert (most, done) == (1, 2)

    run_scenario(database_url, scenario)


def test_waiting_job_of_a_brand_is_brought_forward_instead_of_queued_twice(
    database_url: str,
) -> None:
    async def scenario(database: Database) -> None:
        tries: list[str] = []

        async def job(brand: str, _stop: asyncio.Event) -> None:
            tries.append(brand)
            if len(tries) == 1:
                raise PutOffError(3600)

        await jobs.give(database, {"a": "default"})
        async with worker(database, job):
            await until(lambda: _waits(database, tries))
            await jobs.give(database, {"a": "default"})
            await until(lambda: idle(database))
        assert len(tries) == 2

    run_scenario(database_url, scenario)


async def _waits(database: Database, tries: list[str]) -> bool:
    rows = await jobs.job_rows(database, 60)
    return bool(tries) and [row.doing for row in rows] == [False]


def test_due_time_adds_one_job_whichever_worker_finds_it(database_url: str) -> None:
    async def scenario(database: Database) -> None:
        due = [("a", "default", 1_800_000_000.0)]
        given = await asyncio.gather(*(jobs.give_due(database, due) for _ in range(4)))
        assert sorted(given) == [0, 0, 0, 1]
        # A worker whose clock is slow finds an earlier time.
        assert await jobs.give_due(database, [("a", "default", 1_799_999_000.0)]) == 0
        # A later time while the job still waits adds no second job.
        assert await jobs.give_due(database, [("a", "default", 1_800_086_400.0)]) == 0
        assert len(await jobs.job_rows(database, 60)) == 1

    run_scenario(database_url, scenario)


@pytest.mark.parametrize("night", ["2026-03-29", "2026-10-25"])
def test_schedule_in_a_skipped_or_repeated_hour_adds_one_job(database_url: str, night: str) -> None:
    """02:30 doesn't exist in the first night in Berlin, and exists twice in the second."""
    zone = "Europe/Berlin"
    midnight = datetime.fromisoformat(night).replace(tzinfo=ZoneInfo(zone)).timestamp()

    async def scenario(database: Database) -> None:
        given = 0
        for minute in range(0, 360, 10):  # two workers look, one of them a little later
            for late in (0, 7):
                now = midnight + minute * 60 + late
                if (moment := last_due("30 2 * * *", zone, now)) is not None:
                    given += await jobs.give_due(database, [("a", "default", moment)])
                    await database.rows("DELETE FROM procrastinate_jobs")  # it is done
        assert given == 1

    run_scenario(database_url, scenario)


def test_job_of_a_crashed_worker_is_returned_once_even_beside_a_waiting_job(
    database_url: str,
) -> None:
    async def scenario(database: Database) -> None:
        await jobs.give(database, {"a": "default"})
        assert await take(database, await dead_worker(database))
        await jobs.give(database, {"a": "default"})  # waits beside it (Procrastinate, 1446)
        await _long_since_start(database)
        given = await asyncio.gather(*(jobs.give_back(database, 0.1) for _ in range(4)))
        assert sum(given) == 1
        done: list[str] = []

        async def job(brand: str, _stop: asyncio.Event) -> None:
            done.append(brand)

        async with worker(database, job):
            await until(lambda: idle(database))
        assert done == ["a", "a"]

    run_scenario(database_url, scenario)


async def _long_since_start(database: Database) -> None:
    """Wait until the database has run for longer than a worker may be silent."""

    async def ran() -> bool:
        rows = await database.rows(
            "SELECT pg_postmaster_start_time() < now() - interval '0.5 s' AS ran"
        )
        return bool(rows[0]["ran"])

    await until(ran)


def test_jobs_are_not_returned_right_after_the_database_started(database_url: str) -> None:
    async def scenario(database: Database) -> None:
        await jobs.give(database, {"a": "default"})
        assert await take(database, await dead_worker(database))
        assert await jobs.give_back(database, 3000.0) == 0  # the worker is silent for an hour

    run_scenario(database_url, scenario)


def test_worker_that_lost_its_job_does_not_complete_it(database_url: str) -> None:
    async def scenario(database: Database) -> None:
        lost, may_end = asyncio.Event(), asyncio.Event()

        async def job(_brand: str, _stop: asyncio.Event) -> None:
            if lost.is_set():  # the second run, by another worker
                await may_end.wait()
                return
            await database.rows(  # as `give_back` does after its silence
                "SELECT procrastinate_retry_job_v2(id, now(), NULL, NULL, NULL)"
                " FROM procrastinate_jobs WHERE lock = 'a'"
            )
            lost.set()

        await jobs.give(database, {"a": "default"})
        async with worker(database, job):
            await until(lambda: _runs(database, lost))
            await asyncio.sleep(0.2)  # the report of the first worker has no effect
            assert await _runs(database, lost)
            may_end.set()
            await until(lambda: idle(database))

    run_scenario(database_url, scenario)


async def _runs(database: Database, lost: asyncio.Event) -> bool:
    rows = await jobs.job_rows(database, 60)
    return lost.is_set() and [row.doing for row in rows] == [True]


def test_stop_ends_the_running_job_and_removes_the_waiting_one(database_url: str) -> None:
    async def scenario(database: Database) -> None:
        stopped, begun = [], asyncio.Event()

        async def job(brand: str, stop: asyncio.Event) -> None:
            begun.set()
            await stop.wait()
            stopped.append(brand)

        await jobs.give(database, {"a": "default"})
        async with worker(database, job):
            await begun.wait()
            await jobs.give(database, {"a": "default"})
            assert await jobs.stop_brand(database, "a") == 2
            await until(lambda: idle(database))
        assert stopped == ["a"]

    run_scenario(database_url, scenario)


def test_paused_brand_does_not_keep_the_queue_busy(database_url: str) -> None:
    async def scenario(database: Database) -> None:
        await jobs.give(database, {"a": "default"})
        assert not await jobs.is_idle(database, [])
        assert await jobs.is_idle(database, ["region-b"])
        await tables.set_paused(database, ["a"], paused=True)
        assert await jobs.is_idle(database, [])

    run_scenario(database_url, scenario)


def test_worker_that_lost_a_brand_writes_no_note_about_it(database_url: str) -> None:
    async def scenario(database: Database) -> None:
        await tables.begin(database, "a", "old")
        await tables.begin(database, "a", "new")
        await tables.note_progress(database, "old", [tables.Progress("a", 10, 5, 60.0)])
        assert await tables.end(database, "old", tables.Progress("a"), 3, "away") == 0
        kept = (await tables.brand_rows(database))["a"]
        assert (kept.worker, kept.rows, kept.ended) == ("new", None, None)
        await tables.note_progress(database, "new", [tables.Progress("a", 10, 5, None)])
        assert await tables.end(database, "new", tables.Progress("a", 10, 7), 3, "away") == 1
        kept = (await tables.brand_rows(database))["a"]
        assert (kept.rows, kept.done, kept.exit_code, kept.error) == (10, 7, 3, "away")

    run_scenario(database_url, scenario)
