"""The state folder: where the journal of a brand is, and who is using it.

Everything in it is for its owner's eyes only (0700, 0600).
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout
from platformdirs import user_state_path

from importer.errors import ServiceError, UsageError
from importer.files import make_durable
from importer.i18n import tr

if TYPE_CHECKING:
    from collections.abc import Iterator

    from importer.settings import Settings


def state_folder(settings: Settings) -> Path:
    """Return the folder that has the folders of all brands; it may not be there yet."""
    if settings.state_dir:
        return Path(settings.state_dir).expanduser()  # no shell has seen what is in a file .env
    return user_state_path("clopos-import")


def brand_path(settings: Settings) -> Path:
    """Return where the folder of this API and brand is, or would be."""
    name = re.sub(r"[^a-z0-9]+", "-", settings.brand.lower()).strip("-")[:40]
    scope = hashlib.sha256(f"{settings.base_url.lower()}\n{settings.brand.lower()}".encode())
    return state_folder(settings) / f"{name}-{scope.hexdigest()[:8]}"


def brand_folder(settings: Settings) -> Path:
    """Return the folder of this API and brand, made if it isn't there.

    Raises UsageError when it can't be made or written to.
    """
    folder = brand_path(settings)
    top = folder.parent
    try:
        if not folder.is_dir():
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            # A power cut must not take the journal by taking the folder's name.
            for parent in (top, top.parent):
                make_durable(parent)
        writable = os.access(folder, os.W_OK | os.X_OK)
    except OSError as error:
        raise _unusable(folder, str(error)) from error
    if not writable:
        raise _unusable(folder, tr("no permission to write there"))
    return folder


@contextlib.contextmanager
def hold(folder: Path, what: str) -> Iterator[None]:
    """Hold the brand's lock: one run at a time, so that a row is never in two requests at once.

    Raises ServiceError, naming who holds it, when another run is at work. A lock whose process
    died is free.
    """
    lock = FileLock(folder / "lock", timeout=0, mode=0o600)
    holder = folder / "holder.json"
    try:
        lock.acquire()
    except Timeout as error:
        raise ServiceError(
            tr("Another run for this brand is at work"),
            why=_describe(holder),
            todo=tr("wait until it has ended, then run this command again"),
        ) from error
    except OSError as error:
        raise _unusable(folder, str(error)) from error
    try:
        started = time.strftime("%Y-%m-%d %H:%M:%S")
        facts = {"pid": os.getpid(), "started": started, "file": what}
        with contextlib.suppress(OSError):  # only for the message of somebody who comes second
            holder.write_text(json.dumps(facts), encoding="utf-8")
        yield
    finally:
        with contextlib.suppress(OSError):
            holder.unlink(missing_ok=True)
        lock.release()


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
        todo=tr("mend its permissions, or point CLOPOS_STATE_DIR to another folder"),
    )
