"""The queue of jobs, one upload of a brand each: the only module that knows Procrastinate.

Configured to avoid known issues (github.com/procrastinate-org/procrastinate, issues 1446, 1518,
1543):

- `listen_notify=False`: a worker that listens ends when the database restarts.
- Jobs of a brand share a `lock`, so that one runs at a time, and have no `queueing_lock`: with one,
  a job can't be given back while another waits.
- Jobs of crashed workers are given back by one statement of ours, not by a job that needs a slot.
- A worker's report about a job counts only while the job is its own: once it was given back, the
  report neither ends nor delays the job of its successor.

A job's arguments are the brand's name alone: the engine stores and logs them.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, LiteralString, TypeVar

from procrastinate import App, PsycopgConnector, schema
from procrastinate.exceptions import ConnectorException, JobAborted
from procrastinate.jobs import DeleteJobCondition, Job, Status
from procrastinate.manager import JobManager
from procrastinate.retry import BaseRetryStrategy, RetryDecision
from procrastinate.worker import Worker
from psycopg import Error

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

    from importer.fleet.database import Database

T = TypeVar("T")

TASK = "brand"
_NEVER_PRUNED = 86_400.0  # seconds: jobs of crashed workers are given back by `give_back`

_QUEUE_EXISTS = "SELECT to_regclass('queue.procrastinate_jobs') IS NOT NULL AS there"
_CREATE_SCHEMA = "CREATE SCHEMA IF NOT EXISTS queue; SET search_path = queue;"
_FINISH = """
SELECT procrastinate_finish_job_v1(id, %(status)s::procrastinate_job_status, true)
FROM procrastinate_jobs
WHERE id = %(id)s AND worker_id = %(worker)s AND attempts = %(attempts)s AND status = 'doing'
FOR UPDATE
"""
_RETRY = """
SELECT procrastinate_retry_job_v2(id, now() + make_interval(secs => %(delay)s), NULL, NULL, NULL)
FROM procrastinate_jobs
WHERE id = %(id)s AND worker_id = %(worker)s AND attempts = %(attempts)s AND status = 'doing'
FOR UPDATE
"""
# Right after a start of the database no worker had a chance to send a heartbeat: connecting anew
# takes some of them seconds.
_GIVE_BACK = """
WITH lost AS (
  SELECT job.id FROM procrastinate_jobs job
  LEFT JOIN procrastinate_workers worker ON worker.id = job.worker_id
  WHERE job.status = 'doing'
    AND (worker.id IS NULL OR worker.last_heartbeat < now() - make_interval(secs => %(dead)s))
    AND pg_postmaster_start_time() < now() - make_interval(secs => 2 * %(dead)s)
  FOR UPDATE OF job SKIP LOCKED
)
SELECT procrastinate_retry_job_v2(id, now(), NULL, NULL, NULL) FROM lost
"""
_SWEEP = "DELETE FROM procrastinate_jobs WHERE status NOT IN ('todo', 'doing')"
_FORWARD = """
UPDATE procrastinate_jobs SET scheduled_at = NULL
WHERE status = 'todo' AND lock = ANY(%(names)s) RETURNING lock
"""
_GIVE = """
SELECT unnest(procrastinate_defer_jobs_v1(array_agg(ROW(
  queue, 'brand', 0, name, NULL, jsonb_build_object('brand', name), NULL
)::procrastinate_job_to_defer_v1)))
FROM unnest(%(names)s::text[], %(queues)s::text[]) AS given (name, queue)
HAVING count(*) > 0
"""
# Two workers that find a brand due, even with clocks an hour apart, give one job.
_GIVE_DUE = """
WITH fresh AS (
  INSERT INTO fleet.brands AS brand (name, due)
  SELECT name, to_timestamp(due)
  FROM unnest(%(names)s::text[], %(dues)s::float8[]) AS new (name, due)
  ON CONFLICT (name) DO UPDATE SET due = excluded.due
  WHERE brand.due IS NULL OR brand.due < excluded.due
  RETURNING name
)
SELECT unnest(procrastinate_defer_jobs_v1(array_agg(ROW(
  queue, 'brand', 0, name, NULL, jsonb_build_object('brand', name), NULL
)::procrastinate_job_to_defer_v1)))
FROM fresh JOIN unnest(%(names)s::text[], %(queues)s::text[]) AS given (name, queue) USING (name)
WHERE NOT EXISTS (SELECT FROM procrastinate_jobs WHERE lock = name AND status = 'todo')
HAVING count(*) > 0
"""
_STOP = """
SELECT procrastinate_cancel_job_v1(id, true, true) FROM procrastinate_jobs
WHERE lock = %(name)s AND status IN ('todo', 'doing')
"""
_JOBS = """
SELECT job.lock AS name, job.status = 'doing' AS doing, job.queue_name AS queue, job.worker_id,
  coalesce(worker.last_heartbeat > now() - make_interval(secs => %(dead)s), false) AS alive,
  (SELECT max(at) FROM procrastinate_events event WHERE event.job_id = job.id
    AND event.type::text = CASE WHEN job.status = 'doing' THEN 'started' ELSE 'deferred' END
  ) AS since
FROM procrastinate_jobs job LEFT JOIN procrastinate_workers worker ON worker.id = job.worker_id
WHERE job.status IN ('todo', 'doing') ORDER BY job.id
"""

# Jobs of paused brands don't count.
_BUSY = """
SELECT EXISTS (
  SELECT FROM procrastinate_jobs job LEFT JOIN fleet.brands brand ON brand.name = job.lock
  WHERE (job.status = 'doing' OR (job.status = 'todo' AND NOT coalesce(brand.paused, false)))
    AND (%(queues)s::text[] = '{}' OR job.queue_name = ANY(%(queues)s))
) AS busy
"""


class PutOffError(Exception):
    """The job is not done: it is to be given again in so many seconds."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"put off by {seconds:.0f} s")
        self.seconds = seconds


@dataclass(frozen=True, slots=True)
class Beats:
    """Intervals of the fleet's upkeep, in seconds."""

    heartbeat: float = 10.0
    dead: float = 60.0  # without a heartbeat, after which a worker has crashed
    care: float = 30.0  # between two looks for jobs of crashed workers
    poll: float = 5.0  # between two looks for jobs
    put_off: float = 60.0  # until a brand that can't be run now is tried again
    progress: float = 5.0  # between two notes of how far uploads are


@dataclass(frozen=True, slots=True)
class JobRow:
    """A job that waits or runs. `alive`: its worker has reported lately."""

    name: str
    doing: bool
    queue: str
    worker_id: int | None
    alive: bool
    since: datetime | None


def engine_version() -> str:
    """Return the version of the engine, whose tables are upgraded by its own statements."""
    return version("procrastinate")


async def create_queue(database: Database) -> None:
    """Make the engine's tables in their schema, unless they are there."""
    if not (await database.rows(_QUEUE_EXISTS))[0]["there"]:
        await database.rows(_CREATE_SCHEMA + schema.SchemaManager.get_schema())


async def upgrade_queue(database: Database, since: str) -> None:
    """Bring the engine's tables up to date from those of an earlier version of it."""
    for statement in _upgrades(since):
        await database.rows(statement)


def _upgrades(since: str) -> list[Any]:
    """Return the engine's statements for tables of an earlier version, in their order."""
    folder = Path(schema.SchemaManager.get_migrations_path())
    paths = [
        path
        for path in sorted(folder.glob("*.sql"))
        if _numbers(path.name.split("_")[0]) > _numbers(since)
    ]
    return [path.read_text("utf-8") for path in paths]


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(".") if part.isdecimal())


async def give(database: Database, queues: Mapping[str, str]) -> None:
    """Give a job for each brand, now; `queues` is brand → queue.

    One that waits already, for another try for example, is brought forward instead.
    """
    waiting = {row["lock"] for row in await database.rows(_FORWARD, names=list(queues))}
    names = [name for name in queues if name not in waiting]
    await database.rows(_GIVE, names=names, queues=[queues[name] for name in names])


async def give_due(database: Database, due: Sequence[tuple[str, str, float]]) -> int:
    """Give jobs for brands whose time has come: (brand, queue, epoch seconds). Return how many.

    A time counts once, whichever worker gives it; a brand whose job waits already gets no other.
    """
    names, queues, dues = (list(each) for each in zip(*due, strict=True))
    return len(await database.rows(_GIVE_DUE, names=names, queues=queues, dues=dues))


async def stop_brand(database: Database, name: str) -> int:
    """Take the waiting jobs of a brand away and ask the running one to stop; return how many."""
    return len(await database.rows(_STOP, name=name))


async def give_back(database: Database, dead: float) -> int:
    """Give the jobs of crashed workers to others; return how many. Callers may overlap."""
    given = len(await database.rows(_GIVE_BACK, dead=dead))
    await database.rows(_SWEEP)
    return given


async def forward(database: Database, names: Iterable[str]) -> None:
    """Let the waiting jobs of brands begin now."""
    await database.rows(_FORWARD, names=list(names))


async def job_rows(database: Database, dead: float) -> list[JobRow]:
    """Return the jobs that wait or run, oldest first."""
    return [JobRow(**row) for row in await database.rows(_JOBS, dead=dead)]


async def is_idle(database: Database, queues: Sequence[str]) -> bool:
    """Return whether no job waits or runs, in these queues (none: all)."""
    return not (await database.rows(_BUSY, queues=list(queues)))[0]["busy"]


async def now(database: Database) -> float:
    """Return the time by the clock of the database, in epoch seconds."""
    found = await database.rows("SELECT extract(epoch FROM now())::float8 AS now")
    return float(found[0]["now"])


def queue_worker(
    database: Database,
    run: Callable[[str, asyncio.Event], Awaitable[None]],
    *,
    slots: int,
    beats: Beats,
    queues: Sequence[str] | None = None,
) -> Worker:
    """Return a worker: `await worker.run()` until `worker.stop()`.

    `run(brand, stop)` does a job; `stop` is set when the brand is stopped. It may raise
    PutOffError. `queues` None: all.
    """
    connector = _Connector(database)
    app = App(connector=connector)
    app.job_manager = _Manager(database, connector)

    async def brand(brand: str) -> None:
        stop = asyncio.Event()
        work = asyncio.ensure_future(run(brand, stop))
        try:
            await asyncio.shield(work)
        except asyncio.CancelledError:  # how the engine says that it is to be stopped
            stop.set()
            with contextlib.suppress(PutOffError):
                await work
            raise JobAborted from None

    app.task(name=TASK, retry=_PutOffs())(brand)
    return Worker(
        app,
        queues=queues,
        name=None,
        concurrency=slots,
        listen_notify=False,
        delete_jobs=DeleteJobCondition.ALWAYS,
        install_signal_handlers=False,
        fetch_job_polling_interval=beats.poll,
        abort_job_polling_interval=beats.poll,
        update_heartbeat_interval=beats.heartbeat,
        stalled_worker_timeout=_NEVER_PRUNED,
    )


async def run_queue(worker: Worker) -> None:
    """Take jobs and do them until `stop_queue`; then wait for those in hand."""
    connector = worker.app.connector
    assert isinstance(connector, _Connector)  # noqa: S101 - made by `queue_worker`
    await connector.open_async(connector.database.pool)
    await worker.run()  # type: ignore[no-untyped-call]


def stop_queue(worker: Worker) -> None:
    """Let a worker take no more jobs."""
    worker.stop()  # type: ignore[no-untyped-call]


class _PutOffs(BaseRetryStrategy):
    """Only what was put off is done again."""

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        del job
        if not isinstance(exception, PutOffError):
            return None
        return RetryDecision(retry_in={"seconds": max(0, round(exception.seconds))})


class _Connector(PsycopgConnector):
    """The engine's statements, on our connections; they wait while the database is away."""

    def __init__(self, database: Database) -> None:
        super().__init__()
        self.database = database

    async def execute_query_async(self, query: LiteralString, **arguments: Any) -> None:
        await self._patiently(
            lambda: super(_Connector, self).execute_query_async(query, **arguments)
        )

    async def execute_query_one_async(
        self, query: LiteralString, **arguments: Any
    ) -> dict[str, Any]:
        return await self._patiently(
            lambda: super(_Connector, self).execute_query_one_async(query, **arguments)
        )

    async def execute_query_all_async(
        self, query: LiteralString, **arguments: Any
    ) -> list[dict[str, Any]]:
        return await self._patiently(
            lambda: super(_Connector, self).execute_query_all_async(query, **arguments)
        )

    async def _patiently(self, work: Callable[[], Awaitable[T]]) -> T:
        async def unwrapped() -> T:
            try:
                return await work()
            except ConnectorException as error:
                if isinstance(error.__cause__, Error):
                    raise error.__cause__ from None
                raise

        return await self.database.patiently(unwrapped)


class _Manager(JobManager):
    """Reports the outcome of a job only while the job is this worker's."""

    def __init__(self, database: Database, connector: PsycopgConnector) -> None:
        super().__init__(connector)
        self._database = database

    async def finish_job(self, job: Job, status: Status, delete_job: bool) -> None:  # noqa: ARG002
        await self._database.rows(_FINISH, status=status.value, **_own(job))

    async def retry_job(
        self,
        job: Job,
        retry_at: datetime | None = None,
        priority: int | None = None,  # noqa: ARG002 - the engine's interface
        queue: str | None = None,  # noqa: ARG002
        lock: str | None = None,  # noqa: ARG002
    ) -> None:
        # As a distance: the clock of this machine may be off.
        delay = (retry_at - datetime.now(UTC)).total_seconds() if retry_at else 0.0
        await self._database.rows(_RETRY, delay=max(0.0, delay), **_own(job))


def _own(job: Job) -> dict[str, Any]:
    return {"id": job.id, "worker": job.worker_id, "attempts": job.attempts}
