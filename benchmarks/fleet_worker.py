"""A worker with a clock on its journal: when each customer was created, and how long it waited.

    python -m benchmarks.fleet_worker BEATS FLAG…        (as tests.fleet.worker_process)

When it gets SIGUSR1 it writes a line for each intention to the file that CLOCKED names: the time
(`time.monotonic`) and the seconds until it was durable; and one with the time alone for each
customer that was created.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from importer.store.postgres_journal import PostgresJournal
from tests.fleet.worker_process import main

if TYPE_CHECKING:
    import asyncio


def arm(lines: list[str]) -> None:
    """Put the clock on."""
    intend, created = PostgresJournal.intend, PostgresJournal.created

    def clocked_intend(self: PostgresJournal, *args: Any) -> asyncio.Future[None]:
        began = time.monotonic()

        def note(_: object) -> None:
            lines.append(f"{began} {time.monotonic() - began}")

        durable = intend(self, *args)
        durable.add_done_callback(note)
        return durable

    def clocked_created(self: PostgresJournal, *args: Any) -> None:
        lines.append(f"{time.monotonic()}")
        created(self, *args)

    setattr(PostgresJournal, "intend", clocked_intend)  # noqa: B010 - mypy knows it is a method
    setattr(PostgresJournal, "created", clocked_created)  # noqa: B010


def write(lines: list[str]) -> None:
    """Write the file, whole at once."""
    path = Path(os.environ["CLOCKED"])
    part = path.with_suffix(".part")
    part.write_text("\n".join(lines), "ascii")
    part.rename(path)


if __name__ == "__main__":
    noted: list[str] = []
    arm(noted)
    signal.signal(signal.SIGUSR1, lambda *_: write(noted))
    sys.exit(main())
