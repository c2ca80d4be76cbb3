"""A log file for runs that nobody watches: what was done and why it waited, without any customer.

It is turned over at 5 MB; four older ones are kept beside it.
"""

from __future__ import annotations

import contextlib
import logging
import time
from logging.handlers import RotatingFileHandler
from typing import TYPE_CHECKING

from importer.errors import ImporterError, UsageError
from importer.i18n import tr

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_LARGEST = 5_000_000  # bytes
_KEPT = 4


@contextlib.contextmanager
def log_to(path: Path | None) -> Iterator[None]:
    """Write what the program logs to a file, with times in UTC. None: nowhere.

    An error that ends the block early is logged too.

    Raises UsageError when it can't be written to.
    """
    log = logging.getLogger("importer")
    before = log.propagate, log.level
    if path is None:
        # Without this, warnings would go to the screen.
        handler: logging.Handler = logging.NullHandler()
    else:
        try:
            handler = RotatingFileHandler(
                path, maxBytes=_LARGEST, backupCount=_KEPT, encoding="utf-8"
            )
        except OSError as error:
            raise UsageError(
                tr("The log file can't be written: {path}", path=path),
                why=error.strerror or str(error),
                todo=tr("give another path with --log-file"),
            ) from error
        form = logging.Formatter("%(asctime)sZ %(process)d %(levelname)s %(message)s")
        form.converter = time.gmtime
        form.default_msec_format = ""
        handler.setFormatter(form)
        log.setLevel(logging.INFO)
    log.propagate = False
    log.addHandler(handler)
    try:
        yield
    except ImporterError as error:
        log.error("ended: %s", "; ".join(filter(None, (error.what, error.why))))  # noqa: TRY400
        raise
    finally:
        log.propagate, log.level = before
        log.removeHandler(handler)
        handler.close()
