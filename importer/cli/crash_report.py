"""A fault of ours, as a report to send: where it happened, and nothing of any customer."""

from __future__ import annotations

import platform
import tempfile
import traceback
from pathlib import Path

from importer import __version__
from importer.errors import ImporterError
from importer.i18n import tr


def report_fault(fault: Exception) -> ImporterError:
    """Write a report and return an error that says where it is.

    Without the exception's own words: they may hold a customer's data.
    """
    name = type(fault).__name__
    frames = traceback.extract_tb(fault.__traceback__)
    lines = [
        f"clopos-import {__version__}, Python {platform.python_version()}, {platform.platform()}",
        f"{name} at",
        *(f"  {Path(f.filename).name}:{f.lineno} in {f.name}: {f.line}" for f in frames),
    ]
    with tempfile.NamedTemporaryFile(
        "w", prefix="clopos-import-fault-", suffix=".txt", delete=False, encoding="utf-8"
    ) as report:
        report.write("\n".join(lines) + "\n")
    return ImporterError(
        tr("A fault of clopos-import, not of yours"),
        why=name,
        todo=tr(
            "send {path} to the developers (there is no customer in it); what was sent is in the "
            "journal, the same command carries on",
            path=report.name,
        ),
    )
