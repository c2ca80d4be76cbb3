"""A log file for unattended runs: what was done and why it waited, without any customer.

It is rotated at 5 MB; four older ones are kept beside it. Only what is logged in the context of
the run goes there, so several runs of one process can have a log each.
"""

from __future__ import annotations

import contextlib
import json
import logging
import stat
import time
from contextvars import ContextVar
from datetime import UTC, datetime
from logging.handlers import RotatingFileHandler
from typing import TYPE_CHECKING

from importer.errors import ImporterError, UsageError
from importer.i18n import tr
from importer.text import strip_control

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_KEPT = 4
_LOG = logging.getLogger("importer")
_LOG.setLevel(logging.INFO)
_LOG.addHandler(logging.NullHandler())  # without it, warnings of a run without a log go to stderr

_current: ContextVar[logging.Handler | None] = ContextVar("log", default=None)


@contextlib.contextmanager
def log_to(
    path: Path | None,
    say: Callable[[str], object],
    *,
    largest: int = 5_000_000,
    as_json: bool = False,
) -> Iterator[None]:
    """Write what is logged in this context to a file, with times in UTC. None: nowhere.

    `as_json`: each line is an object with time, level, process and message.

    An error that ends the block early is logged, too. A log that can't be written any more is one
    remark given to `say`. The file is rotated at `largest` bytes.

    Raises UsageError when it can't be opened.
    """
    if path is None:
        yield
        return
    handler = _opened(path, say, largest)
    handler.setFormatter(_JsonLine() if as_json else _OneLine())
    before = _current.set(handler)
    _LOG.addHandler(handler)
    try:
        yield
    except ImporterError as error:
        _LOG.error("ended: %s", "; ".join(filter(None, (error.what, error.why))))
        raise
    finally:
        _LOG.removeHandler(handler)
        _current.reset(before)
        handler.close()


def _opened(path: Path, say: Callable[[str], object], largest: int) -> _LogFile:
    try:
        if path.exists() and stat.S_ISFIFO(path.stat().st_mode):
            raise OSError(0, tr("it is a named pipe"))  # without a reader, opening it never ends
        return _LogFile(path, say, largest)
    except OSError as error:
        raise UsageError(
            tr("The log file can't be written: {path}", path=path),
            why=error.strerror or str(error),
            fix=tr("give another path with --log-file"),
        ) from error


class _LogFile(RotatingFileHandler):
    """The log of one run. The first error of writing is a remark, and the last thing it does."""

    def __init__(self, path: Path, say: Callable[[str], object], largest: int) -> None:
        super().__init__(path, maxBytes=largest, backupCount=_KEPT, encoding="utf-8")
        self._say = say
        self._failed = False
        self.addFilter(lambda _: _current.get() is self and not self._failed)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: ARG002, N802 - logging's
        """Say once that the log is incomplete."""
        if not self._failed:
            self._failed = True
            self._say(
                tr(
                    "The log file can't be written, it is incomplete: {path}",
                    path=self.baseFilename,
                )
            )

    def close(self) -> None:
        """Close the file; what can't be written then is lost, too."""
        try:
            super().close()
        except OSError:
            self.handleError(logging.makeLogRecord({}))


class _OneLine(logging.Formatter):
    """Lines with times in UTC. No name of a file or answer of a server can begin a new one."""

    default_msec_format = ""

    def __init__(self) -> None:
        super().__init__("%(asctime)sZ %(process)d %(levelname)s %(message)s")
        self.converter = time.gmtime

    def format(self, record: logging.LogRecord) -> str:
        """Write a record as one line."""
        return " ".join(strip_control(super().format(record)).split())


class _JsonLine(logging.Formatter):
    """Objects of JSON, one a line, with times in UTC."""

    def format(self, record: logging.LogRecord) -> str:
        """Write a record as one object."""
        facts = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "process": record.process,
            "logger": record.name,
            "message": strip_control(record.getMessage()),
        }
        return json.dumps(facts, ensure_ascii=False)
