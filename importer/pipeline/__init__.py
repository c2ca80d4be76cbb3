"""The path of a row as Python calls: `check` works offline, `run` and `arun` send.

All names that a caller needs are here:

    from importer.pipeline import SendOptions, check, run
"""

from __future__ import annotations

from importer.errors import ImporterError, ServiceError, StoppedError, UsageError
from importer.pipeline.calls import arun, check, run
from importer.pipeline.options import Output, SendOptions, SheetOptions
from importer.pipeline.result import Result
from importer.plan.schedule import SendingHours
from importer.progress import NullReporter, ProgressReporter, SendProgress
from importer.records import MappingChoices, ReadOptions, Shape, Status
from importer.results.summary import Summary
from importer.send.circuit_breaker import SendTuning

__all__ = [
    "ImporterError",
    "MappingChoices",
    "NullReporter",
    "Output",
    "ProgressReporter",
    "ReadOptions",
    "Result",
    "SendOptions",
    "SendProgress",
    "SendTuning",
    "SendingHours",
    "ServiceError",
    "Shape",
    "SheetOptions",
    "Status",
    "StoppedError",
    "Summary",
    "UsageError",
    "arun",
    "check",
    "run",
]
