"""A worker process like `clopos-import fleet work`, with short intervals.

    python -m tests.fleet.worker_process '{"heartbeat": 0.3, "dead": 2, …}' FLAG…

All keys are seconds: `lease` is the duration of a lease, `away` the outage of the database that
ends a run, `clock` the offset of this machine's clock; the others are those of `Beats`.
"""

from __future__ import annotations

import contextlib
import json
import sys
import time

import time_machine

from importer.cli.fleet_command import start_worker
from importer.cli.fleet_group import work
from importer.cli.output import complain
from importer.collector import collect_seldom
from importer.errors import ImporterError
from importer.fleet.jobs import Beats
from importer.store import postgres_committer, postgres_leases, postgres_server


def main() -> int:
    """Run a worker with the given intervals; return its exit code."""
    collect_seldom()  # as the command does
    beats = json.loads(sys.argv[1])
    lasts, away, clock = beats.pop("lease"), beats.pop("away", None), beats.pop("clock", 0.0)
    postgres_leases.LASTS = lasts
    postgres_leases.RENEWED_EVERY = lasts / 4.5
    postgres_leases.FRESH_FOR = lasts / 3
    if away is not None:
        for module in (postgres_committer, postgres_server):
            vars(module)["AWAY_FOR"] = away
    wrong = time_machine.travel(time.time() + clock) if clock else contextlib.nullcontext()
    try:
        with wrong, work.make_context("work", sys.argv[2:]) as context:
            return start_worker(context.params, Beats(**beats))
    except ImporterError as error:
        complain(error)
        return error.exit_code


if __name__ == "__main__":
    sys.exit(main())
