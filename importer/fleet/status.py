"""Status of a fleet as values: brands, workers and the queue, put together."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from importer.errors import Exit

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from importer.fleet.brands import Fleet
    from importer.fleet.jobs import JobRow
    from importer.fleet.tables import BrandRow, WorkerRow

LATE = timedelta(hours=1)
_FAILED = frozenset([Exit.USAGE, Exit.SERVICE, Exit.FAULT])


@dataclass(frozen=True, slots=True)
class BrandStatus:
    """Status of a brand. Times are UTC in ISO 8601, None where there is none.

    `state` is idle, waiting, running, paused or failed. `rows` are those of the sheet, `done` those
    of them that have an outcome, of the job that runs or ran last; `since` is when that began, or
    since when the job waits. `exit_code` and `error` are those of the last job; of a job that waits
    for another try, why it does.
    """

    name: str
    brand: str | None
    state: str
    worker: str | None = None
    since: str | None = None
    rows: int | None = None
    done: int | None = None
    finish: str | None = None
    exit_code: int | None = None
    needs_person: bool = False
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Status:
    """Status of the fleet. `late` are brands whose job has waited for over an hour."""

    brands: tuple[BrandStatus, ...]
    workers: tuple[Mapping[str, Any], ...]
    waiting: int
    running: int
    late: frozenset[str]

    def as_dict(self) -> dict[str, Any]:
        """Return it as `--json` prints it."""
        return {
            "brands": [asdict(brand) for brand in self.brands],
            "workers": [dict(worker) for worker in self.workers],
            "queue": {"waiting": self.waiting, "running": self.running},
        }


def fleet_status(
    fleet: Fleet,
    kept: Mapping[str, BrandRow],
    jobs: Sequence[JobRow],
    workers: Iterable[WorkerRow],
    now: datetime,
) -> Status:
    """Put together what brands.toml, the tables and the queue say; `now` as the database has it.

    A brand that isn't in the file any more is shown while it has a job.
    """
    workers = tuple(workers)
    names = {worker.id: worker.name for worker in workers}
    of: dict[str, list[JobRow]] = {}
    for job in jobs:
        of.setdefault(job.name, []).append(job)
    brands = [
        _brand(name, fleet, kept.get(name), of.get(name, ()), names)
        for name in sorted({*fleet.names, *of})
    ]
    running = [job for job in jobs if job.doing and job.alive]
    waiting = [job for job in jobs if not (job.doing and job.alive)]
    return Status(
        tuple(brands),
        tuple(
            {
                "name": worker.name,
                "seen": iso(worker.seen),
                "slots": worker.slots,
                "running": sum(job.worker_id == worker.id for job in running),
            }
            for worker in workers
        ),
        len(waiting),
        len(running),
        frozenset(job.name for job in waiting if job.since and now - job.since > LATE),
    )


def _brand(
    name: str,
    fleet: Fleet,
    kept: BrandRow | None,
    jobs: Sequence[JobRow],
    workers: Mapping[int, str],
) -> BrandStatus:
    entry, broken = fleet.brands.get(name), fleet.broken.get(name)
    at_clopos = entry.brand if entry else None
    running = next((job for job in jobs if job.doing and job.alive), None)
    if running:
        mine = kept if kept and kept.ended is None else None
        return BrandStatus(
            name,
            at_clopos,
            "running",
            worker=workers.get(running.worker_id or 0),
            since=iso(running.since),
            rows=mine.rows if mine else None,
            done=mine.done if mine else None,
            finish=iso(mine.finish) if mine else None,
        )
    code = kept.exit_code if kept else None
    error = kept.error if kept else None
    if broken:
        code, error = Exit.USAGE, "; ".join(filter(None, (broken.what, broken.why, broken.fix)))
    state = _state(kept, waits=bool(jobs), failed=code in _FAILED)
    since = jobs[0].since if jobs else kept.since if kept else None
    return BrandStatus(
        name,
        at_clopos,
        state,
        worker=None if jobs or not kept else kept.worker,
        since=iso(since),
        rows=kept.rows if kept else None,
        done=kept.done if kept else None,
        exit_code=None if code is None else int(code),
        needs_person=_needs_person(code, waits=bool(jobs)),
        error=error,
    )


def _state(kept: BrandRow | None, *, waits: bool, failed: bool) -> str:
    if kept and kept.paused:
        return "paused"
    if waits:
        return "waiting"
    return "failed" if failed else "idle"


def _needs_person(code: int | None, *, waits: bool) -> bool:
    """Return whether a person has to do something; where it will be tried again, not yet."""
    if code == Exit.SERVICE:
        return not waits
    return code in {Exit.ROWS_NEED_YOU, Exit.USAGE, Exit.FAULT}


def iso(moment: datetime | None) -> str | None:
    """Return a moment as JSON has it: UTC, to the second."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if moment else None
