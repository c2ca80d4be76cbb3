"""Log lines of a worker: time, level, brand and run, then what happened. Never a customer."""

from __future__ import annotations

import contextlib
import logging
import sys
import time
from contextvars import ContextVar
from typing import TYPE_CHECKING

from importer.text import strip_control

if TYPE_CHECKING:
    from collections.abc import Iterator

BRAND: ContextVar[str] = ContextVar("brand", default="")
RUN: ContextVar[int] = ContextVar("run", default=0)

_LEVELS = {
    "importer": logging.INFO,
    "procrastinate": logging.WARNING,
    # It says each try that failed; `database` says it once a minute.
    "psycopg.pool": logging.CRITICAL,
}


@contextlib.contextmanager
def log_to_stderr() -> Iterator[None]:
    """Write what this process logs to standard error, one line a record, within the context."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Line())
    with contextlib.ExitStack() as stack:
        for name, level in _LEVELS.items():
            logger = logging.getLogger(name)
            stack.callback(logger.setLevel, logger.level)
            stack.callback(logger.removeHandler, handler)
            logger.setLevel(level)
            logger.addHandler(handler)
        yield


class _Line(logging.Formatter):
    """`2026-11-26T03:15:02Z INFO brand=coffee-28 run=17 …`; what raised, by its kind alone."""

    def format(self, record: logging.LogRecord) -> str:
        """Write a record as one line."""
        when = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(record.created))
        parts = [when, record.levelname]
        if brand := BRAND.get():
            parts.append(f"brand={brand}")
        if run := RUN.get():
            parts.append(f"run={run}")
        parts.append(record.getMessage())
        # The words of an exception may hold a value of a row.
        if record.exc_info and record.exc_info[0]:
            parts.append(f"({record.exc_info[0].__name__})")
        return " ".join(strip_control(" ".join(parts)).split())
