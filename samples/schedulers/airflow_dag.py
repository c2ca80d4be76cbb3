"""New customers of an old POS for Clopos every night, as a DAG of Airflow 3.

The worker needs clopos-import, the CLOPOS_* variables and POS_DATABASE_URL in its environment, and
a state folder that outlives it (CLOPOS_STATE_DIR on a volume, or CLOPOS_DATABASE_URL).
"""

from __future__ import annotations

import logging
import os
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from airflow.exceptions import AirflowFailException
from airflow.sdk import dag, task

from importer.pipeline import NullReporter, SendProgress, SheetOptions, UsageError, run

if TYPE_CHECKING:
    import pandas as pd

log = logging.getLogger(__name__)
QUERY = 'SELECT name AS "Name", phone AS "Phone", card AS "Code" FROM clients'


class ToLog(NullReporter):
    """Shows the progress in the log of the task."""

    def sending(self, progress: SendProgress) -> None:
        """Log how many rows have their outcome; called about once a second."""
        log.info("%d of %d rows are done", progress.done, progress.total)


def read_customers() -> pd.DataFrame:
    """Return the customers of the old POS. The import is here: Airflow reads DAGs all the time."""
    import pandas as pd  # noqa: PLC0415

    return pd.read_sql(QUERY, os.environ["POS_DATABASE_URL"])


@task(retries=3, retry_delay=timedelta(minutes=10))
def create_customers() -> dict[str, Any]:
    """Create those that Clopos doesn't have yet; return the summary, which XCom can hold.

    A retry continues: no customer is created twice.
    """
    try:
        result = run(read_customers(), SheetOptions(region="AZ"), env=os.environ, reporter=ToLog())
        if result.error:
            raise result.error
    except UsageError as error:  # a wrong sheet, or an open question: a retry doesn't help
        raise AirflowFailException(f"{error.what}: {error.why}. {error.fix}") from error
    if result.exit_code:
        rows = result.rows
        held = rows[~rows["import_status"].isin(["created", "exists", "duplicate"])]
        log.warning("%d rows need a person: rows %s", len(held), list(held.index[:20]))
    return result.summary.as_dict()


@dag(
    schedule="15 3 * * *",
    start_date=datetime(2026, 1, 1, tzinfo=ZoneInfo("Asia/Baku")),
    catchup=False,
    max_active_runs=1,
)
def clopos_customers() -> None:
    """Create the customers of the night."""
    create_customers()


clopos_customers()
