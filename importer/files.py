"""Files that are never half-written: aside first, then in one step into place."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

from importer.errors import ServiceError, UsageError
from importer.i18n import tr

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextlib.contextmanager
def written_aside(path: Path) -> Iterator[Path]:
    """Give a path to write to; when that went well, it takes the place of `path`.

    Raises ServiceError when it can't be written. What was at `path` stays then.
    """
    aside = _aside(path)
    try:
        yield aside
        with aside.open("r+b") as file:  # Windows syncs only what could be written to
            os.fsync(file.fileno())
        aside.replace(path)
        make_durable(path.parent)
    except OSError as error:
        raise ServiceError(
            tr("{path} can't be written", path=path),
            why=error.strerror or str(error),
            todo=tr(
                "free some space, mend the permissions, or close it where it is "
                "open; then run the same command again"
            ),
        ) from error
    finally:
        with contextlib.suppress(OSError):
            aside.unlink(missing_ok=True)


def make_durable(folder: Path) -> None:
    """Return when the disk has what was created, renamed or removed in the folder."""
    if os.name == "nt":
        return  # it can't open a folder, and keeps its names by itself
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def must_be_text(path: Path) -> None:
    """Raise UsageError for a name that neither a journal nor another program could note down."""
    try:
        os.path.realpath(path).encode()
    except UnicodeEncodeError as error:
        raise UsageError(
            tr("The name of {path} is no text", path=path),
            why=tr("it holds bytes that are not UTF-8"),
            todo=tr("rename it"),
        ) from error


def can_be_written(path: Path) -> None:
    """Make the folder if need be and try it.

    Raises UsageError when a file couldn't be written there.
    """
    must_be_text(path)
    aside = _aside(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            raise IsADirectoryError(0, tr("it is a folder"))
        aside.touch()
        if path.exists():
            with path.open("r+b"):  # fails where a spreadsheet program holds it open
                pass
    except OSError as error:
        raise UsageError(
            tr("{path} can't be written", path=path),
            why=error.strerror or str(error),
            todo=tr("close it if it is open in Excel, or give another path"),
        ) from error
    finally:
        with contextlib.suppress(OSError):
            aside.unlink(missing_ok=True)


def _aside(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}.part")
