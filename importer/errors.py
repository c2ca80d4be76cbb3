"""Errors that end a run, classed by what the user should do.

    ImporterError
    ├── UsageError        correct the command or the sheet; nothing was sent        exit 2
    ├── ServiceError      Clopos refused or can't be reached; fix it, run again     exit 3
    │   └── FencedError   another process has taken the brand over                  exit 3
    ├── FaultError        a bug of ours, while rows were being sent                 exit 4
    └── StoppedError      stopped on request; run again to continue                 exit 130

A row that can't be imported is never an exception: it is a `Problem` or an `Outcome`.
Any other exception is a bug of ours, too (exit 4).
"""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """Exit code of the program, for the caller."""

    DONE = 0  # every row is created, exists or is a duplicate
    ROWS_NEED_YOU = 1
    USAGE = 2
    SERVICE = 3
    FAULT = 4
    STOPPED = 130


class ImporterError(Exception):
    """Ends the run with a message in three parts.

    `what` happened (one sentence, no full stop), `why` (a fact, or None when `what` says it all),
    and what `fix` next (or None when there is nothing to advise). `code` is for programs: it is
    stable, and the same in all languages.
    """

    exit_code = Exit.FAULT
    code = "fault"

    def __init__(
        self,
        what: str,
        *,
        why: str | None = None,
        fix: str | None = None,
        code: str | None = None,
    ) -> None:
        super().__init__(what)
        self.what = what
        self.why = why
        self.fix = fix
        self.code = code or type(self).code

    def as_dict(self) -> dict[str, str | None]:
        """Return the error as JSON has it."""
        return {"code": self.code, "what": self.what, "why": self.why, "fix": self.fix}


class UsageError(ImporterError):
    """The command or the sheet needs correcting; nothing was sent."""

    exit_code = Exit.USAGE
    code = "usage"


class ServiceError(ImporterError):
    """Clopos refused, or can't be reached; the same command continues when that is fixed."""

    exit_code = Exit.SERVICE
    code = "service"


class FencedError(ServiceError):
    """Another process has taken the brand over; this one sends nothing more and notes no end."""

    code = "fenced"


class FaultError(ImporterError):
    """A bug of this program when rows may have been sent; `__cause__` is the exception."""

    exit_code = Exit.FAULT
    code = "fault"


class StoppedError(ImporterError):
    """Stopped on request; the same command continues."""

    exit_code = Exit.STOPPED
    code = "stopped"
