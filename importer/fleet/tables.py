"""Tables of the fleet: the outcome of each brand's last job, and the workers. Schema `fleet`.

Times are the database's own: clocks of workers may differ.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from psycopg.sql import SQL

from importer.errors import ServiceError, UsageError
from importer.i18n import tr

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from importer.fleet.database import Database

LAYOUT = 1

_CREATE = """
CREATE SCHEMA fleet;
CREATE TABLE fleet.layout (version integer NOT NULL, queue text NOT NULL);
CREATE TABLE fleet.brands (
  name text PRIMARY KEY,
  paused boolean NOT NULL DEFAULT false,
  due timestamptz,            -- the last moment of its schedule for which a job was given
  worker text,                -- that has or had its last job
  since timestamptz,          -- when that job began
  rows bigint, done bigint, finish timestamptz,  -- to be sent, with an outcome, forecast
  ended timestamptz,          -- NULL: it is running, or its worker died
  exit_code integer, error text,
  failures integer NOT NULL DEFAULT 0            -- consecutive ones with exit code 3
);
CREATE TABLE fleet.workers (
  id bigint PRIMARY KEY,      -- of the queue
  name text NOT NULL, slots integer NOT NULL, running integer NOT NULL,
  seen timestamptz NOT NULL
);
"""
_LAYOUT_OF = "SELECT to_regclass('fleet.layout') IS NOT NULL AS there"
_READ_LAYOUT = "SELECT version, queue FROM fleet.layout"
_BEGIN = """
INSERT INTO fleet.brands (name, worker, since) VALUES (%(name)s, %(worker)s, now())
ON CONFLICT (name) DO UPDATE SET worker = excluded.worker, since = excluded.since, rows = NULL,
  done = NULL, finish = NULL, ended = NULL, exit_code = NULL, error = NULL
"""
# A worker that lost a brand writes nothing about it any more.
_PROGRESS = """
UPDATE fleet.brands AS brand SET rows = new.rows, done = new.done,
  finish = now() + make_interval(secs => new.left)
FROM unnest(%(names)s::text[], %(rows)s::bigint[], %(done)s::bigint[], %(left)s::float8[])
  AS new (name, rows, done, "left")
WHERE brand.name = new.name AND brand.worker = %(worker)s AND brand.ended IS NULL
"""
_END = """
INSERT INTO fleet.brands AS brand
  (name, worker, since, ended, exit_code, error, rows, done, failures)
VALUES (%(name)s, %(worker)s, now(), now(), %(code)s, %(error)s, %(rows)s, %(done)s,
  CASE WHEN %(code)s = 3 THEN 1 ELSE 0 END)
ON CONFLICT (name) DO UPDATE SET ended = now(), finish = NULL,
  worker = excluded.worker,
  since = CASE WHEN brand.ended IS NULL THEN brand.since ELSE excluded.since END,
  exit_code = excluded.exit_code, error = excluded.error,
  rows = excluded.rows, done = excluded.done,
  failures = CASE WHEN excluded.exit_code = 3 THEN brand.failures + 1 ELSE 0 END
WHERE brand.ended IS NOT NULL OR brand.worker = excluded.worker OR brand.since IS NULL
RETURNING failures
"""
_NOTE = """
INSERT INTO fleet.brands AS brand (name, ended, error, exit_code)
VALUES (%(name)s, now(), %(error)s, %(code)s)
ON CONFLICT (name) DO UPDATE SET error = excluded.error,
  exit_code = coalesce(excluded.exit_code, brand.exit_code)
WHERE brand.ended IS NOT NULL OR brand.since IS NULL
"""
_PAUSE = """
INSERT INTO fleet.brands (name, paused) SELECT name, %(paused)s FROM unnest(%(names)s::text[]) name
ON CONFLICT (name) DO UPDATE SET paused = excluded.paused
"""
_SEEN = """
INSERT INTO fleet.workers VALUES (%(id)s, %(name)s, %(slots)s, %(running)s, now())
ON CONFLICT (id) DO UPDATE SET running = excluded.running, seen = now()
"""
_GONE = "DELETE FROM fleet.workers WHERE name = %(name)s OR seen < now() - interval '1 day'"


@dataclass(frozen=True, slots=True)
class Progress:
    """Progress of the upload of a brand; `left`: seconds until it is done, None: not known."""

    name: str
    rows: int | None = None
    done: int | None = None
    left: float | None = None


@dataclass(frozen=True, slots=True)
class BrandRow:
    """Record of a brand and its last job."""

    name: str
    paused: bool = False
    due: datetime | None = None
    worker: str | None = None
    since: datetime | None = None
    rows: int | None = None
    done: int | None = None
    finish: datetime | None = None
    ended: datetime | None = None
    exit_code: int | None = None
    error: str | None = None
    failures: int = 0


@dataclass(frozen=True, slots=True)
class WorkerRow:
    """A worker process; `id` is what the queue calls it."""

    id: int
    name: str
    slots: int
    running: int
    seen: datetime


async def create_tables(database: Database, queue_version: str) -> None:
    """Make the tables of the fleet. `queue_version` is that of the queue's engine."""
    layout = SQL("INSERT INTO fleet.layout VALUES ({}, {})").format(LAYOUT, queue_version)
    await database.rows(SQL(_CREATE) + layout)


async def note_queue_version(database: Database, version: str) -> None:
    """Note up to which version of its engine the queue's tables were upgraded."""
    await database.rows("UPDATE fleet.layout SET queue = %(version)s", version=version)


async def layout(database: Database) -> tuple[int, str] | None:
    """Return the version of the tables and that of the queue's engine; None: there are none."""
    if not (await database.rows(_LAYOUT_OF))[0]["there"]:
        return None
    row = (await database.rows(_READ_LAYOUT))[0]
    return row["version"], row["queue"]


async def check_tables(database: Database) -> None:
    """Raise UsageError where there are no tables yet, ServiceError where they are newer."""
    found = await layout(database)
    if found is None:
        raise UsageError(
            tr("The database has no tables of the fleet"), fix=tr("run: clopos-import fleet init")
        )
    check_version(found[0])


def check_version(version: int) -> None:
    """Raise ServiceError for tables of a newer version of this program."""
    if version > LAYOUT:
        raise ServiceError(
            tr("The database is of a newer version of clopos-import"),
            why=tr("its layout is {found}, this program knows {ours}", found=version, ours=LAYOUT),
            fix=tr("install the version that the other workers have"),
        )


async def begin(database: Database, name: str, worker: str) -> None:
    """Note that a worker begins the job of a brand."""
    await database.rows(_BEGIN, name=name, worker=worker)


async def note_progress(database: Database, worker: str, progress: Sequence[Progress]) -> None:
    """Note how far the uploads of a worker are."""
    await database.rows(
        _PROGRESS,
        worker=worker,
        names=[each.name for each in progress],
        rows=[each.rows for each in progress],
        done=[each.done for each in progress],
        left=[each.left for each in progress],
    )


async def end(
    database: Database, worker: str, progress: Progress, exit_code: int, error: str | None
) -> int:
    """Note how the job of a brand ended; return how many with exit code 3 came one after another.

    0 also where another worker has the brand by now.
    """
    found = await database.rows(
        _END,
        name=progress.name,
        worker=worker,
        rows=progress.rows,
        done=progress.done,
        code=exit_code,
        error=error,
    )
    return found[0]["failures"] if found else 0


async def note_wait(database: Database, name: str, why: str, code: int | None = None) -> None:
    """Note why a brand waits although a worker had its job, with an exit code where it has one."""
    await database.rows(_NOTE, name=name, error=why, code=code)


async def set_paused(database: Database, names: Iterable[str], *, paused: bool) -> None:
    """Pause brands, or resume them."""
    await database.rows(_PAUSE, names=list(names), paused=paused)


async def is_paused(database: Database, name: str) -> bool:
    """Return whether a brand is paused."""
    found = await database.rows("SELECT paused FROM fleet.brands WHERE name = %(name)s", name=name)
    return bool(found and found[0]["paused"])


async def note_worker(database: Database, id_: int, name: str, slots: int, running: int) -> None:
    """Record the heartbeat of a worker, and how many jobs it has."""
    await database.rows(_SEEN, id=id_, name=name, slots=slots, running=running)


async def drop_worker(database: Database, name: str) -> None:
    """Forget a worker that ended, and those that weren't seen for a day."""
    await database.rows(_GONE, name=name)


async def brand_rows(database: Database) -> dict[str, BrandRow]:
    """Return name → what is kept of each brand."""
    found = await database.rows("SELECT * FROM fleet.brands")
    return {row["name"]: BrandRow(**row) for row in found}


async def worker_rows(database: Database) -> list[WorkerRow]:
    """Return the workers that were seen in the last day, by name."""
    found: list[dict[str, Any]] = await database.rows("SELECT * FROM fleet.workers ORDER BY name")
    return [WorkerRow(**row) for row in found]
