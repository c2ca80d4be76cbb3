"""FILE.fixes.jsonl: read it, add to it.

The first line says what the file is, each other one is an act. It only grows: an act is on the
disk before its caller hears of it. What a crash left of a last line was never answered for, and
is dropped.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from importer.errors import ServiceError, UsageError
from importer.files import fsync_dir
from importer.fixes.acts import act_of, line_of, numbered
from importer.i18n import tr

if sys.platform != "win32":
    import fcntl

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime
    from pathlib import Path

    from importer.fixes.acts import Act

VERSION = 1
LARGEST = 32 * 1024**2
"""Bytes that a log may have: some hundred thousand acts."""
_PRIVATE = 0o600
_NOT_JSON = (json.JSONDecodeError, RecursionError)


@dataclass(frozen=True, slots=True)
class Log:
    """Contents of a file of fixes. `of` is the name of the sheet that it was begun for."""

    acts: tuple[Act, ...] = ()
    of: str = ""
    torn: bool = False  # the last line was cut off, and dropped
    size: int = 0  # bytes up to where the next act goes; 0: there is no first line yet
    ended: bool = True  # the last line ends in a line break


def fixes_path(sheet: Path) -> Path:
    """Return where the fixes of a sheet are kept."""
    return sheet.with_name(f"{sheet.name}.fixes.jsonl")


def load_log(path: Path) -> Log:
    """Read a file of fixes.

    Raises UsageError, naming the line, for one that isn't there or is none, was damaged, or is of
    a newer version of the program.
    """
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except OSError as error:
        raise _unreadable(path, error.strerror or str(error)) from error
    return _parse(path, data)


def append(path: Path, acts: Sequence[Act], *, of: str, now: datetime) -> list[Act]:
    """Add acts to a file of fixes, on the disk when this returns; return them as numbered.

    `of` is the sheet's name, for a file that is begun now.

    Raises ServiceError when they can't be saved: the file is as it was then; UsageError as
    `load_log`.
    """
    try:
        new = not path.exists()
        handle = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), _PRIVATE)
        with os.fdopen(handle, "r+b", buffering=0) as file, _locked(handle):
            log = _parse(path, file.read(LARGEST + 1))
            first = max((act.n for act in log.acts), default=0) + 1
            written = numbered(acts, first, now.astimezone().isoformat(timespec="seconds"))
            lines = [line_of(act) for act in written]
            if not log.size:
                lines.insert(0, json.dumps({"fixes": VERSION, "of": of}, ensure_ascii=False))
            data = ("" if log.ended else "\n") + "".join(f"{line}\n" for line in lines)
            _add(handle, data.encode("utf-8", "replace"), log.size)
        if new:
            fsync_dir(path.parent)
    except OSError as error:
        raise ServiceError(
            tr("The fix can't be saved in {path}", path=path),
            why=error.strerror or str(error),
            fix=tr("free some space or correct the permissions, then try again"),
        ) from error
    return written


def _add(handle: int, data: bytes, size: int) -> None:
    """Write after the first `size` bytes, instead of what is there; all of it or nothing."""
    os.ftruncate(handle, size)
    try:
        os.lseek(handle, size, os.SEEK_SET)
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(handle, rest) :]
        os.fsync(handle)
    except OSError:
        with contextlib.suppress(OSError):
            os.ftruncate(handle, size)
        raise


def _parse(path: Path, data: bytes) -> Log:
    if len(data) > LARGEST:
        raise _unreadable(path, tr("it is larger than {n} MB", n=LARGEST // 1024**2))
    *lines, rest = data.split(b"\n")
    acts: list[Act] = []
    of, size, torn, ended = "", len(data) - len(rest), False, True
    if rest.strip():
        # Complete but for its line break, or what a crash left of it.
        try:
            json.loads(rest.decode("utf-8-sig"))
        except (ValueError, RecursionError):
            torn = True
        else:
            lines, size, ended = [*lines, rest], len(data), False
    begun = False
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            facts = json.loads(line.decode("utf-8-sig" if number == 1 else "utf-8"))
            if begun:
                act = act_of(facts)
                _check_order(act, acts)
                acts.append(act)
            else:
                of, begun = _check_first(path, facts), True
        except UnicodeDecodeError as error:
            raise _wrong(path, number, tr("it isn't UTF-8")) from error
        except (ValueError, RecursionError) as error:
            reason = tr("it isn't JSON") if isinstance(error, _NOT_JSON) else str(error)
            raise _wrong(path, number, reason) from error
    return Log(tuple(acts), of, torn, size if begun else 0, ended or not begun)


def _check_first(path: Path, facts: Any) -> str:
    """Return the name of the sheet that the first line names."""
    version = facts.get("fixes") if isinstance(facts, dict) else None
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise ValueError(tr('the first line must have "fixes":1'))
    if version > VERSION:
        raise UsageError(
            tr("The fixes {path} are of a newer version of this program", path=path),
            fix=tr("update the program, or ignore them with --no-fixes"),
        )
    of = facts.get("of", "")
    return of if isinstance(of, str) else ""


def _check_order(act: Act, acts: Sequence[Act]) -> None:
    if acts and act.n <= acts[-1].n:
        raise ValueError(tr('"n" must be greater than in the line before'))


@contextlib.contextmanager
def _locked(handle: int) -> Iterator[None]:
    """Keep other processes from adding meanwhile; without locks of files (Windows), don't."""
    if sys.platform != "win32":
        fcntl.flock(handle, fcntl.LOCK_EX)
    yield  # closing the file unlocks it


def _wrong(path: Path, number: int, reason: str) -> UsageError:
    return UsageError(
        tr("Line {number} of {path} is not a fix", number=number, path=path),
        why=reason,
        fix=tr("correct or delete that line, or ignore the fixes with --no-fixes"),
    )


def _unreadable(path: Path, reason: str) -> UsageError:
    return UsageError(
        tr("The fixes {path} can't be read", path=path),
        why=reason,
        fix=tr("correct that or delete the file, or ignore the fixes with --no-fixes"),
    )
