"""Files that are never half-written: a temporary file first, then in one step into place."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from importer.errors import ServiceError, UsageError
from importer.i18n import tr

if sys.platform != "win32":
    import resource

if TYPE_CHECKING:
    from collections.abc import Iterator

SHEET_SUFFIXES = tuple(
    ".csv .tsv .tab .txt .xlsx .xlsm .xls .xlsb .ods .json .jsonl .ndjson .parquet "
    ".html .htm .xml .sql".split()
)
"""Ends of the names of files that may be sheets; of XLSB it is said how to save it anew."""

_ONLY_NEW = os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_NOFOLLOW", 0)
_PRIVATE = 0o600
_ORDINARY = 0o666  # before the umask
_UMASK = os.umask(0o077)  # it can only be read by setting it: here, before there are threads
os.umask(_UMASK)


@contextlib.contextmanager
def atomic_write(path: Path, mode: int | None = None) -> Iterator[Path]:
    """Yield a temporary path to write to; after the block, it replaces `path` in one step.

    The file gets the mode of the one that it replaces, else `mode` without the bits of the umask
    (None: readable as any new file). Until it is in place only its owner can read it.

    Raises ServiceError when it can't be written. What was at `path` stays then.
    """
    part = _part(path)
    try:
        final = _mode_of(path, _ORDINARY if mode is None else mode)
        with os.fdopen(os.open(part, _ONLY_NEW, _PRIVATE), "wb") as created:
            yield part
            _check_same(created.fileno(), part)
        with part.open("r+b") as file:  # Windows syncs only what could be written to
            os.fsync(file.fileno())
        part.chmod(final)
        part.replace(path)
        fsync_dir(path.parent)
    except OSError as error:
        raise ServiceError(
            tr("{path} can't be written", path=path),
            why=error.strerror or str(error),
            fix=tr(
                "free some space, correct the permissions, or close it where it is "
                "open; then try again"
            ),
        ) from error
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)


def mode_like(source: Path) -> int:
    """Return a mode for a file with the data of `source`: it lets no more users read it.

    0600 where `source` is no file, e.g. standard input.
    """
    try:
        found = source.stat().st_mode
    except (OSError, ValueError):
        return _PRIVATE
    return (found & _ORDINARY if stat.S_ISREG(found) else 0) | _PRIVATE


def fsync_dir(folder: Path) -> None:
    """Wait until the disk has what was created, renamed or removed in the folder."""
    if os.name == "nt":
        return  # Windows can't open a folder, and writes its names without being asked
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def check_encodable(path: Path) -> None:
    """Raise UsageError for a file name that a journal or another program can't store."""
    try:
        os.path.realpath(path).encode()
    except UnicodeEncodeError as error:
        raise UsageError(
            tr("The file name {path} is not valid UTF-8", path=path),
            why=tr("it contains bytes that are not UTF-8"),
            fix=tr("rename it"),
        ) from error


def check_writable(path: Path) -> None:
    """Make the folder if need be and try to write to it.

    Raises UsageError when a file couldn't be written there.
    """
    check_encodable(path)
    part = _part(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            raise IsADirectoryError(0, tr("it is a folder"))
        os.close(os.open(part, _ONLY_NEW, _PRIVATE))
        if path.exists():
            with path.open("r+b"):  # fails where a spreadsheet program holds it open
                pass
    except OSError as error:
        raise UsageError(
            tr("{path} can't be written", path=path),
            why=error.strerror or str(error),
            fix=tr("close it if it is open in Excel, or give another path"),
        ) from error
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)


def check_trusted(path: Path) -> bool:
    """Return whether other users can read a file that says where customers and secrets go.

    Raises UsageError where another user may have written it, OSError where it can't be looked at.
    """
    found = path.stat()
    if not hasattr(os, "getuid"):
        return False  # Windows: the profile's own access rights count
    why = tr("it could send your customers and secrets elsewhere")
    if found.st_uid not in {os.getuid(), 0}:
        raise UsageError(
            tr("{path} belongs to another user", path=path),
            why=why,
            fix=tr("copy it into a file of your own, or name another one with --env-file"),
        )
    # A group of the user's own (umask 002 of many systems) has no other member.
    others = stat.S_IWOTH if found.st_gid == os.getgid() else stat.S_IWOTH | stat.S_IWGRP
    if found.st_mode & others:
        raise UsageError(
            tr("{path} can be changed by other users", path=path),
            why=why,
            fix=tr("make it yours alone: chmod 600 {path}", path=path),
        )
    return bool(found.st_mode & (stat.S_IRGRP | stat.S_IROTH))


def _part(path: Path) -> Path:
    return path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")


def _mode_of(path: Path, new: int) -> int:
    """Return the mode of the file that is replaced, else `new` without the bits of the umask."""
    with contextlib.suppress(FileNotFoundError):
        if stat.S_ISREG(found := path.lstat().st_mode):
            return stat.S_IMODE(found) & _ORDINARY
    return new & ~_UMASK


def _check_same(handle: int, path: Path) -> None:
    """Raise OSError when another file, or a link, was put in the place of the one we created."""
    ours, there = os.fstat(handle), path.lstat()
    if (ours.st_dev, ours.st_ino) != (there.st_dev, there.st_ino):
        raise OSError(0, tr("another program put a file of its own in its place"))


def open_files_left() -> int | None:
    """Return how many more files this process may open, None where no limit can be found."""
    if sys.platform == "win32":  # which has no such limit
        return None
    allowed, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        opened = len(list(Path("/dev/fd").iterdir()))
    except OSError:
        return None
    return None if allowed < 0 else max(0, allowed - opened)
