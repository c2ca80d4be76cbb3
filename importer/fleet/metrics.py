"""/metrics for Prometheus and /healthz, of one worker; on this machine alone by default."""

from __future__ import annotations

import contextlib
import logging
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, PROCESS_COLLECTOR, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from importer.errors import UsageError
from importer.fleet.status_now import read_status
from importer.i18n import tr
from importer.store import postgres_figures, postgres_leases

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping

    from prometheus_client.metrics_core import Metric

    from importer.fleet.brands import Fleet
    from importer.fleet.database import Database
    from importer.fleet.status import Status
    from importer.fleet.watchdog import Watchdog
    from importer.fleet.worker import Work

_log = logging.getLogger(__name__)
_STUCK = 30.0  # seconds without a turn of the loop, or without the database


@dataclass(frozen=True, slots=True)
class Listen:
    """Address to listen on. `must`: it was given, so it has to be free."""

    host: str = "127.0.0.1"
    port: int = 9464
    must: bool = False


class Shown(Protocol):
    """Facts about a worker."""

    name: str
    what: Work
    database: Database
    watchdog: Watchdog
    rows_done: int

    @property
    def running(self) -> Mapping[str, object]:
        """Return its jobs in hand."""

    def brands(self) -> Fleet:
        """Return what brands.toml says."""


@contextlib.asynccontextmanager
async def serve_metrics(listen: Listen | None, worker: Shown) -> AsyncIterator[None]:
    """Answer while the context is open. Raises UsageError when that can't be listened at."""
    if listen is None:
        yield
        return

    async def metrics(_: web.Request) -> web.Response:
        database = worker.database
        status = await read_status(worker.brands(), database, worker.what.beats.dead)
        shown = [*families(worker, status), *await _figures(database)]
        text = generate_latest(_Collected(shown))
        return web.Response(body=text, headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def health(_: web.Request) -> web.Response:
        wrong = _wrong(worker)
        facts = {"worker": worker.name, "running": len(worker.running), "wrong": wrong}
        return web.json_response(facts, status=503 if wrong else 200)

    app = web.Application()
    app.add_routes([web.get("/metrics", metrics), web.get("/healthz", health)])
    runner = web.AppRunner(app, access_log=None)
    async with contextlib.AsyncExitStack() as stack:
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        try:
            await web.TCPSite(runner, listen.host, listen.port).start()
        except OSError as error:
            if listen.must:
                raise _taken(listen, error) from error
            # Another worker of this machine, most likely.
            _log.warning("no metrics: %s:%d is taken", listen.host, listen.port)
        yield


def _taken(listen: Listen, error: OSError) -> UsageError:
    return UsageError(
        tr("Metrics can't be shown at {host}:{port}", host=listen.host, port=listen.port),
        why=error.strerror,
        fix=tr("give another address with --metrics HOST:PORT, or --metrics none"),
    )


def families(worker: Shown, status: Status) -> Iterator[Metric]:
    """Yield what /metrics shows. No brand is named: there may be a thousand."""
    states = GaugeMetricFamily("clopos_fleet_brands", "Brands by state.", labels=["state"])
    counts = Counter(brand.state for brand in status.brands)
    for state in ("idle", "waiting", "running", "paused", "failed"):
        states.add_metric([state], counts[state])
    yield states
    for name, text, value in (
        ("fleet_jobs_waiting", "Jobs that wait.", status.waiting),
        ("fleet_jobs_running", "Jobs that run.", status.running),
        ("fleet_jobs_late", "Brands whose job has waited for over an hour.", len(status.late)),
        (
            "fleet_brands_needing_a_person",
            "Brands of which a person has to look at something.",
            sum(brand.needs_person for brand in status.brands),
        ),
        ("fleet_workers", "Workers seen in the last day.", len(status.workers)),
        ("worker_slots", "Uploads that this worker may have at a time.", worker.what.slots),
        ("worker_uploads", "Uploads that this worker has.", len(worker.running)),
        ("worker_loop_age_seconds", "Seconds since the loop ran last.", worker.watchdog.age),
    ):
        yield GaugeMetricFamily(f"clopos_{name}", text, value=value)
    yield CounterMetricFamily(
        "clopos_worker_rows",
        "Rows with an outcome, of uploads that ended here.",
        value=worker.rows_done,
    )
    yield from PROCESS_COLLECTOR.collect()


async def _figures(database: Database) -> list[Metric]:
    """Return what the store shows of all brands."""
    failures = GaugeMetricFamily(
        "clopos_failed_responses",
        "Failed responses of the last minute, of all workers; Clopos blocks an address after 600.",
        labels=["address"],
    )
    for row in await database.rows(postgres_figures.FAILURES):
        failures.add_metric([row["address"]], row["failures"])
    (leases,) = await database.rows(postgres_figures.LEASES)
    held = GaugeMetricFamily("clopos_leases", "Brands that are held.", value=leases["held"])
    least = GaugeMetricFamily(
        "clopos_lease_seconds",
        "Seconds that the oldest lease has left: under 60, its worker can't renew it.",
        value=postgres_leases.LASTS if leases["least"] is None else leases["least"],
    )
    return [failures, held, least]


def _wrong(worker: Shown) -> str | None:
    if worker.watchdog.age > _STUCK:
        return "the event loop is stuck"
    return "the database is away" if worker.database.is_away else None


class _Collected:
    """The collected metrics, as `generate_latest` wants them."""

    def __init__(self, families: list[Metric]) -> None:
        self._families = families

    def collect(self) -> list[Metric]:
        """Return it."""
        return self._families
