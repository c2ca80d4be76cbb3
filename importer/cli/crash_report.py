"""Report of a bug, to be sent to the developers: where it happened, no data of customers."""

from __future__ import annotations

import contextlib
import os
import platform
import tempfile
import traceback
from pathlib import Path

from importer import __version__
from importer.errors import FaultError
from importer.i18n import tr


def report_fault(fault: BaseException) -> FaultError:
    """Write a report and return an error that says where it is.

    Without the exception's message: it may hold a customer's data.
    """
    path = _written(fault)
    if path is None:
        fix = tr(
            "tell the developers, and run the same command again: what was sent is in the journal"
        )
    else:
        fix = tr(
            "send {path} to the developers (there is no customer in it); what was sent is in the "
            "journal, the same command continues",
            path=path,
        )
    return FaultError(tr("Internal error in clopos-import"), why=type(fault).__name__, fix=fix)


def _written(fault: BaseException) -> str | None:
    """Return the path of the report, None where no folder for it can be written."""
    frames = traceback.extract_tb(fault.__traceback__)
    lines = [
        f"clopos-import {__version__}, Python {platform.python_version()}, {platform.platform()}",
        f"{type(fault).__name__} at",
        *(f"  {Path(f.filename).name}:{f.lineno} in {f.name}: {f.line}" for f in frames),
    ]
    try:
        handle, path = tempfile.mkstemp(prefix="clopos-import-fault-", suffix=".txt")
    except OSError:
        return None
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as report:
            report.write("\n".join(lines) + "\n")
    except OSError:
        with contextlib.suppress(OSError):
            Path(path).unlink()
        return None
    return path
