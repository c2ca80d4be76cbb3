"""The sheets of a folder, and uploads into it. A name is looked up, never joined to a path."""

from __future__ import annotations

import contextlib
import filecmp
import os
import re
import secrets
import stat
import time
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from importer.errors import ServiceError, UsageError
from importer.files import SHEET_SUFFIXES, fsync_dir
from importer.i18n import number, tr
from importer.results.names import is_results_name

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

SUFFIXES = (*SHEET_SUFFIXES, ".zip", ".gz")
MOST_BYTES = 300 * 1024**2
_OURS = re.compile(r"\.(fixes\.jsonl|mapping\.toml)$|^undo-run-\d+\.|\.report(-.*)?\.html$")
_PART = re.compile(r"\.clopos-upload-[0-9a-f]{16}\.part")
_ABANDONED = 600  # seconds without a byte
_LONGEST = 180  # bytes of a name: what we write beside it is longer
_UNSAFE = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*\u202a-\u202e\u2066-\u2069]')


@dataclass(frozen=True, slots=True)
class Listed:
    """A file of the folder that may be a sheet."""

    name: str
    path: Path
    size: int  # bytes
    modified: float  # epoch seconds
    results: bool  # named like results that we write


def list_sheets(folder: Path) -> list[Listed]:
    """Return the files that may be sheets, the newest first: plain files, no links.

    Raises UsageError when the folder can't be read.
    """
    return sorted(_files(folder), key=lambda each: (-each.modified, each.name))


def name_of(folder: Path, path: Path) -> str:
    """Return the name of a sheet: the path from the folder, e.g. `exports/today.csv`."""
    whole = os.path.join(os.path.realpath(path.parent), path.name)  # noqa: PTH118 - of a link, itself
    try:
        return PurePath(os.path.relpath(whole, os.path.realpath(folder))).as_posix()
    except ValueError:  # another drive
        return PurePath(whole).as_posix()


def _files(folder: Path) -> Iterator[Listed]:
    try:
        entries = list(os.scandir(folder))
    except OSError as error:
        raise UsageError(
            tr("The folder can't be read: {folder}", folder=folder),
            why=error.strerror,
            fix=tr("correct its permissions, or name another one: clopos-import ui FOLDER"),
        ) from error
    for entry in entries:
        name = entry.name
        if name.startswith((".", "~$")) or not name.lower().endswith(SUFFIXES):
            continue
        if _OURS.search(name) or not name.isprintable():
            continue
        with contextlib.suppress(OSError):  # it went meanwhile
            facts = entry.stat(follow_symlinks=False)
            if stat.S_ISREG(facts.st_mode):
                path = folder / name
                yield Listed(name, path, facts.st_size, facts.st_mtime, is_results_name(path))


async def save_upload(folder: Path, wanted: str, chunks: AsyncIterator[bytes]) -> str:
    """Write an upload into the folder and return its name there.

    It is written aside, then put into place, never over another file: one of the same name and
    bytes is taken as it is, beside other bytes it becomes «name (2).csv».

    Raises UsageError for what can't be a sheet or is too large, ServiceError when it can't be
    written.
    """
    name = safe_name(wanted)
    part = folder / f".clopos-upload-{secrets.token_hex(8)}.part"
    try:
        flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_NOFOLLOW", 0)
        size = 0
        with os.fdopen(os.open(part, flags, 0o600), "wb") as file:
            async for chunk in chunks:
                size += len(chunk)
                if size > MOST_BYTES:
                    raise UsageError(
                        tr("The file is too large: {name}", name=name),
                        why=tr("more than {most} MB", most=number(MOST_BYTES // 1024**2)),
                        fix=tr("copy it into the folder {folder} yourself", folder=folder),
                    )
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
        if not size:
            raise UsageError(
                tr("The file is empty: {name}", name=name), fix=tr("export the list again")
            )
        return _put(part, folder, name)
    except OSError as error:
        raise ServiceError(
            tr("{path} can't be written", path=folder / name),
            why=error.strerror or str(error),
            fix=tr("free some space or correct the permissions of the folder, then try again"),
        ) from error
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)


def _put(part: Path, folder: Path, name: str) -> str:
    """Give a written file its name, or one with a number; return it."""
    stem, suffix = _split(name)
    for n in range(1, 1000):
        place = folder / (name if n == 1 else f"{stem} ({n}){suffix}")
        try:
            with contextlib.suppress(PermissionError, NotImplementedError):
                os.link(part, place)  # fails where there is such a file, unlike a rename
                fsync_dir(folder)
                return place.name
            if not place.exists():  # a file system without links
                part.rename(place)
                fsync_dir(folder)
                return place.name
        except FileExistsError:
            pass
        if place.is_file() and not place.is_symlink() and filecmp.cmp(part, place, shallow=False):
            return place.name
    raise FileExistsError(17, tr("there are too many files of this name"))


def safe_name(wanted: str) -> str:
    """Return the name under which an upload is kept. Raises UsageError for no kind of sheet."""
    name = _UNSAFE.sub(" ", re.split(r"[/\\]", wanted)[-1])
    name = "".join(letter for letter in name if letter.isprintable())
    name = " ".join(name.split()).strip(". ~")
    stem, suffix = _split(name)
    if suffix.lower() not in SUFFIXES:
        raise UsageError(
            tr("This is not a customer list: {name}", name=name[:80] or "?"),
            why=tr("a list ends in {suffixes}", suffixes=", ".join(SUFFIXES[:8])),
            fix=tr("export it as CSV or Excel"),
        )
    while len((stem + suffix).encode()) > _LONGEST:
        stem = stem[:-1]
    return (stem or "customers") + suffix


def _split(name: str) -> tuple[str, str]:
    path = PurePath(name)
    return path.stem, path.suffix


def remove_abandoned(folder: Path) -> None:
    """Remove uploads that a killed server left behind."""
    with contextlib.suppress(OSError):
        for entry in os.scandir(folder):
            if _PART.fullmatch(entry.name):
                with contextlib.suppress(OSError):
                    if time.time() - entry.stat(follow_symlinks=False).st_mtime > _ABANDONED:
                        (folder / entry.name).unlink()
