"""The status of a fleet as it is now: read from the database, put together by `status`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from importer.fleet import jobs, tables
from importer.fleet.status import fleet_status

if TYPE_CHECKING:
    from importer.fleet.brands import Fleet
    from importer.fleet.database import Database
    from importer.fleet.status import Status


async def read_status(fleet: Fleet, database: Database, dead: float) -> Status:
    """Return the status of the brands of a file; a worker silent for `dead` seconds has crashed.

    Raises ServiceError when the database can't be reached, and isn't waited for.
    """
    return fleet_status(
        fleet,
        await tables.brand_rows(database),
        await jobs.job_rows(database, dead),
        await tables.worker_rows(database),
        datetime.fromtimestamp(await jobs.now(database), UTC),
    )
