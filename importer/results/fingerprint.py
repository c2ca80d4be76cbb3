"""Results that a person changed are never overwritten.

A digest of what was written is kept in the state folder, one small file for each path. It is kept
there and not in the results themselves, because CSV has no place for it, and a workbook keeps its
properties when a person edits its cells. A file without a matching digest counts as edited: that
includes copies and files of other machines, and errs on the side that loses nothing.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from importer.errors import ImporterError
from importer.files import atomic_write
from importer.i18n import tr
from importer.store.records import Kind
from importer.store.state import make_folder

if TYPE_CHECKING:
    from pathlib import Path

_log = logging.getLogger(__name__)
_STAMP = "%Y%m%d-%H%M%S"


def remember(path: Path, kind: Kind, state: Path) -> None:
    """Note the digest of results that were just written; `state` is the state folder.

    Where that fails, the next results find the file edited: nothing is lost.
    """
    try:
        make_folder(state)
        make_folder(state / "written")
        with atomic_write(_record(path, state), 0o600) as part:
            part.write_text(f"{kind} {_digest(path)}\n", encoding="ascii")
    except (OSError, ImporterError) as error:
        _log.warning("the digest of the results was not kept: %s", type(error).__name__)


def keep_edited(path: Path, kind: Kind, state: Path) -> str | None:
    """Rename the file at `path` unless it may be overwritten; return what to tell the user.

    Only a file that is as we wrote it may be, and what a run wrote only by a run.

    Raises OSError when it can't be renamed.
    """
    if not path.is_file():
        return None
    wrote, digest = _noted(path, state)
    if digest != _digest(path):
        kept = rename_by_time(path, "edited-")
        return tr("{path} was changed, or written elsewhere: kept as {kept}", path=path, kept=kept)
    if wrote == Kind.RUN != kind:
        kept = rename_by_time(path, "run-")
        return tr("{path} holds the results of a run: kept as {kept}", path=path, kept=kept)
    return None


def rename_by_time(path: Path, prefix: str = "") -> Path:
    """Rename a file by the time it was written, or the next second that is free; return its path.

    `list.results.csv` becomes `list.results.20261124-031500.csv`. Raises OSError.
    """
    written = datetime.fromtimestamp(path.stat().st_mtime).astimezone()
    while True:
        new = path.with_name(f"{path.stem}.{prefix}{written:{_STAMP}}{path.suffix}")
        if not new.exists():
            return path.replace(new)
        written += timedelta(seconds=1)


def _noted(path: Path, state: Path) -> tuple[str, str]:
    """Return kind and digest of what we wrote to a path last; "" where that isn't known."""
    with contextlib.suppress(OSError, ValueError):
        kind, digest = _record(path, state).read_text("ascii").split()
        return kind, digest
    return "", ""


def _record(path: Path, state: Path) -> Path:
    name = hashlib.sha256(os.path.realpath(path).encode("utf-8", "surrogatepass")).hexdigest()
    return state / "written" / name[:32]


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
