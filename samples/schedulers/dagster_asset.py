"""New customers of an old POS for Clopos, as an asset of Dagster with its schedule.

The worker needs clopos-import, the CLOPOS_* variables and POS_DATABASE_URL in its environment, and
a state folder that outlives it (CLOPOS_STATE_DIR on a volume, or CLOPOS_DATABASE_URL).
"""

import os

import dagster as dg

from importer.pipeline import NullReporter, SendProgress, SheetOptions, UsageError, run

QUERY = 'SELECT name AS "Name", phone AS "Phone", card AS "Code" FROM clients'


class ToLog(NullReporter):
    """Shows the progress in the log of the asset."""

    def __init__(self, context: dg.AssetExecutionContext) -> None:
        self._log = context.log

    def sending(self, progress: SendProgress) -> None:
        """Log how many rows have their outcome; called about once a second."""
        self._log.info(f"{progress.done} of {progress.total} rows are done")


@dg.asset(retry_policy=dg.RetryPolicy(max_retries=3, delay=600))
def clopos_customers(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    """Create those that Clopos doesn't have yet. A retry continues: nobody is created twice."""
    import pandas as pd  # noqa: PLC0415 - so that the definitions load quickly

    table = pd.read_sql(QUERY, os.environ["POS_DATABASE_URL"])
    try:
        result = run(table, SheetOptions(region="AZ"), env=os.environ, reporter=ToLog(context))
        if result.error:
            raise result.error
    except UsageError as error:  # a wrong sheet, or an open question: a retry doesn't help
        text = f"{error.what}: {error.why}. {error.fix}"
        raise dg.Failure(description=text, allow_retries=False) from error
    counts = {str(status): number for status, number in (result.summary.counts or {}).items()}
    return dg.MaterializeResult(metadata={"needs a person": bool(result.exit_code), **counts})


nightly = dg.ScheduleDefinition(
    job=dg.define_asset_job("clopos_nightly", selection=[clopos_customers]),
    cron_schedule="15 3 * * *",
    execution_timezone="Asia/Baku",
)
defs = dg.Definitions(assets=[clopos_customers], schedules=[nightly])
