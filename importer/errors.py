"""What ends a run, classed by what the person at the keyboard should do.

    ImporterError
    ├── UsageError        correct the command or the sheet; nothing was sent        exit 2
    ├── ServiceError      Clopos refused or can't be reached; mend it, run again    exit 3
    └── StoppedError      stopped on request; run again to carry on                 exit 130

A row that can't be imported is never an exception: it is a `Problem` or an `Outcome`.
Anything else that is raised is a fault of ours (exit 4).
"""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """What the exit code says to whoever started the program."""

    DONE = 0  # every row is created, exists, or a duplicate
    ROWS_NEED_YOU = 1
    USAGE = 2
    SERVICE = 3
    FAULT = 4
    STOPPED = 130


class ImporterError(Exception):
    """Ends the run with a message in three parts.

    `what` happened (one sentence, no full stop), `why` (a fact, or None when `what` says it all),
    and what `todo` next (or None when there is nothing to advise).
    """

    exit_code = Exit.FAULT

    def __init__(self, what: str, *, why: str | None = None, todo: str | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.why = why
        self.todo = todo


class UsageError(ImporterError):
    """The command or the sheet needs correcting; nothing was sent."""

    exit_code = Exit.USAGE


class ServiceError(ImporterError):
    """Clopos refused, or can't be reached; the same command carries on when that is mended."""

    exit_code = Exit.SERVICE


class StoppedError(ImporterError):
    """Stopped on request; the same command carries on."""

    exit_code = Exit.STOPPED
