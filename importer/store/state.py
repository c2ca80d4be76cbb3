"""The state folder: one folder for each API and brand, and the lock on it.

Everything in it is for its owner alone (0700, 0600). A folder or file of another user, or
that everybody may write to, is refused: what lies there could have been put there.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import re
import sqlite3
import stat
import time
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout
from platformdirs import user_state_path

from importer.errors import ServiceError, UsageError
from importer.files import fsync_dir
from importer.i18n import tr

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from importer.settings import Settings

IN_USE = "brand_in_use"
"""Code of the error that another run of the brand is in progress."""

_NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)  # Windows has no such flag
_NO_FLOCK = {errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOLCK}


def state_folder(settings: Settings) -> Path:
    """Return the folder that has the folders of all brands; it may not exist yet."""
    if settings.state_dir:
        return Path(settings.state_dir).expanduser()  # no shell has seen what is in a file .env
    return user_state_path("clopos-import")


def brand_path(settings: Settings) -> Path:
    """Return where the folder of this API and brand is, or would be."""
    name = re.sub(r"[^a-z0-9]+", "-", settings.brand.lower()).strip("-")[:40]
    scope = hashlib.sha256(f"{settings.base_url.lower()}\n{settings.brand.lower()}".encode())
    return state_folder(settings) / f"{name}-{scope.hexdigest()[:8]}"


def brand_folder(settings: Settings) -> Path:
    """Return the folder of this API and brand, made if there is none.

    Raises UsageError when it can't be made or written to, or isn't the user's own.
    """
    folder = brand_path(settings)
    make_folder(folder.parent)
    make_folder(folder)
    return folder


def make_folder(folder: Path) -> None:
    """Make a folder for its owner alone, durably, or check the one that exists.

    Raises UsageError as `brand_folder`.
    """
    try:
        if not folder.is_dir():
            folder.parent.mkdir(parents=True, exist_ok=True)
            folder.mkdir(exist_ok=True, mode=0o700)
            fsync_dir(folder.parent)  # a power cut must not take the journal with its folder's name
        check_own(folder)
        writable = os.access(folder, os.W_OK | os.X_OK)
    except OSError as error:
        raise _unusable(folder, str(error)) from error
    if not writable:
        raise _unusable(folder, tr("no permission to write there"))


def make_private(path: Path) -> bool:
    """Make an empty file for its owner alone; return False where there is one, after checking it.

    Raises UsageError when that is a link, no file, or another user's; OSError when it can't be
    made.
    """
    try:
        handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | _NO_FOLLOW, 0o600)
    except FileExistsError:
        # Looked at, not opened: closing a file ends the locks that SQLite has on it.
        check_own(path)
        return False
    os.close(handle)
    return True


def check_own(path: Path) -> None:
    """Raise UsageError unless a file or folder is this user's, and no other may write to it."""
    facts = path.lstat()
    folder = path if stat.S_ISDIR(facts.st_mode) else path.parent
    if stat.S_ISLNK(facts.st_mode) and path.is_dir():
        facts = path.stat()  # the place of a folder may be a link; what counts is where it leads
    elif not (stat.S_ISDIR(facts.st_mode) or stat.S_ISREG(facts.st_mode)):
        raise _unusable(folder, tr("{path} is a link or a device, not a file", path=path))
    if os.name == "nt":
        return  # owners and modes mean nothing there
    if facts.st_uid not in {os.geteuid(), 0}:
        raise _unusable(folder, tr("{path} belongs to another user", path=path))
    if facts.st_mode & stat.S_IWOTH:
        raise _unusable(folder, tr("every user of this machine may write to {path}", path=path))


@contextlib.contextmanager
def hold(folder: Path, what: str) -> Iterator[Callable[[], None]]:
    """Hold the brand's lock: one run at a time, so that a row is never in two requests at once.

    Gives a function that raises ServiceError when the lock was taken away meanwhile. The lock of a
    process that crashed is free.

    Raises ServiceError, naming the holder, when another run is in progress.
    """
    path = folder / "lock"
    holder = folder / "holder.json"
    with contextlib.ExitStack() as stack:
        try:
            held = _lock(path, stack)
        except (Timeout, _LockedError) as error:
            raise ServiceError(
                tr("Another run for this brand is in progress"),
                why=_describe(holder),
                fix=tr("wait until it has ended, then run it again"),
                code=IN_USE,
            ) from error
        except (OSError, sqlite3.Error) as error:
            raise _unusable(folder, str(error)) from error
        stack.callback(_remove, holder)
        _note_holder(holder, what)
        inode = held.stat().st_ino

        def check() -> None:
            try:
                if held.stat().st_ino == inode:
                    return
            except OSError:
                pass
            raise ServiceError(
                tr("The lock of this brand was removed: {path}", path=held),
                why=tr("another run may have begun meanwhile"),
                fix=tr("leave that file alone, and run it again"),
            )

        yield check


class _LockedError(Exception):
    """Another process has the lock."""


def _lock(path: Path, stack: contextlib.ExitStack) -> Path:
    """Lock until the stack is closed; return the lock file."""
    lock = FileLock(path, timeout=0, mode=0o600, fallback_to_soft=False)
    try:
        lock.acquire()
    except OSError as error:
        if error.errno not in _NO_FLOCK:
            raise
    else:
        stack.callback(lock.release)
        return path
    # A file system without flock. SQLite has other locks, and without them nothing works here; a
    # file whose mere existence is the lock would outlive a process that was killed.
    path = path.with_name("lock.sqlite")
    make_private(path)
    db = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
    stack.callback(db.close)
    try:
        db.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_BUSY:
            raise _LockedError from error
        raise
    return path


def _note_holder(holder: Path, what: str) -> None:
    facts = {"pid": os.getpid(), "started": time.strftime("%Y-%m-%d %H:%M:%S"), "file": what}
    with contextlib.suppress(OSError):  # it only explains to a second run why it has to wait
        holder.unlink(missing_ok=True)  # whatever it is, even a link to elsewhere
        flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | _NO_FOLLOW
        with os.fdopen(os.open(holder, flags, 0o600), "w", encoding="utf-8") as file:
            json.dump(facts, file)


def _remove(holder: Path) -> None:
    with contextlib.suppress(OSError):
        holder.unlink(missing_ok=True)


def _describe(holder: Path) -> str | None:
    try:
        facts = json.loads(holder.read_text(encoding="utf-8"))
        return tr(
            "process {pid}, since {started}, with {file}",
            pid=facts["pid"],
            started=facts["started"],
            file=facts["file"],
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _unusable(folder: Path, why: str) -> UsageError:
    return UsageError(
        tr("The state folder can't be used: {folder}", folder=folder),
        why=why,
        fix=tr("correct its owner or permissions, or point CLOPOS_STATE_DIR to another folder"),
    )
