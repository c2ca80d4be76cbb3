"""Standard output that can't be written: its reader has ended, or its disk is full."""

from __future__ import annotations

import errno
import os
import sys

from importer.errors import Exit, ServiceError
from importer.i18n import tr

_CODES = {  # files of ours have errors of their own
    errno.EPIPE: Exit.STOPPED,
    errno.EIO: Exit.STOPPED,
    errno.ENOSPC: Exit.SERVICE,
    errno.EFBIG: Exit.SERVICE,
}


def is_lost_output(error: BaseException) -> bool:
    """Return whether an exception comes from printing to standard output."""
    return isinstance(error, OSError) and error.errno in _CODES


def give_up_output(error: OSError) -> tuple[Exit, ServiceError | None]:
    """Discard the buffer; return the exit code, and the error to show.

    The error is None if the reader has ended: there is nothing to report.
    """
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    code = _CODES[error.errno or errno.EPIPE]
    if code is not Exit.SERVICE:
        return code, None
    return code, ServiceError(
        tr("Standard output can't be written"),
        why=error.strerror,
        fix=tr("free some space or redirect it, then run the same command again"),
    )
