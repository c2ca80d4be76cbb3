"""New customers of an old POS for Clopos, as a flow of Prefect 3.

The worker needs clopos-import, the CLOPOS_* variables and POS_DATABASE_URL in its environment, and
a state folder that outlives it (CLOPOS_STATE_DIR on a volume, or CLOPOS_DATABASE_URL).
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from prefect import flow, get_run_logger, task

from importer.pipeline import NullReporter, SendProgress, SheetOptions, arun

if TYPE_CHECKING:
    from logging import Logger, LoggerAdapter

    import pandas as pd

QUERY = 'SELECT name AS "Name", phone AS "Phone", card AS "Code" FROM clients'


class ToLog(NullReporter):
    """Shows the progress in the log of the flow."""

    def __init__(self, log: Logger | LoggerAdapter) -> None:
        self._log = log

    def sending(self, progress: SendProgress) -> None:
        """Log how many rows have their outcome; called about once a second."""
        self._log.info("%d of %d rows are done", progress.done, progress.total)


@task
def read_customers() -> pd.DataFrame:
    """Return the customers of the old POS."""
    import pandas as pd  # noqa: PLC0415 - so that the flow loads quickly

    return pd.read_sql(QUERY, os.environ["POS_DATABASE_URL"])


@task(retries=3, retry_delay_seconds=600)
async def create_customers(table: pd.DataFrame) -> dict[str, Any]:
    """Create those that Clopos doesn't have yet. A retry continues: nobody is created twice."""
    log = get_run_logger()
    result = await arun(table, SheetOptions(region="AZ"), env=os.environ, reporter=ToLog(log))
    if result.error:
        raise result.error
    if result.exit_code:
        log.warning("Rows need a person: %s", result.summary.as_dict())
    return result.summary.as_dict()


@flow
async def clopos_customers() -> dict[str, Any]:
    """Create the customers of the night; return the summary."""
    return await create_customers(read_customers())


if __name__ == "__main__":
    clopos_customers.serve("nightly", cron="15 3 * * *")
