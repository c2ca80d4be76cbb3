"""The key of all digests of a brand, in a file of its own.

With the key, guessed phones and names can be confirmed from the digests in journal and snapshot.
So it isn't in the same file: a backup or a support case can leave it out.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import secrets
from typing import TYPE_CHECKING

from importer.files import fsync_dir
from importer.store.state import check_own

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_KEY = re.compile(r"[0-9a-f]{64}")


def read_key(path: Path) -> bytes | None:
    """Return the key, None when there is none or it isn't whole.

    Raises UsageError for a file of another user, OSError when it can't be read.
    """
    try:
        check_own(path)
        text = path.read_text(encoding="ascii", errors="replace").strip()
    except FileNotFoundError:
        return None
    return bytes.fromhex(text) if _KEY.fullmatch(text) else None


def write_key(path: Path, key: bytes | None = None) -> bytes:
    """Write a key durably, a new one for None, and return it. Raises OSError."""
    key = key or secrets.token_bytes(32)
    part = path.with_name(f".{path.name}.part")
    with contextlib.suppress(FileNotFoundError):
        part.unlink()  # of a process that was killed
    handle = os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(f"{key.hex()}\n")
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
    fsync_dir(path.parent)
    return key


def digester(key: bytes) -> Callable[[str], str]:
    """Return the function that makes the keyed digest of a cid, whatever its case."""
    keyed = hashlib.blake2b(key=key, digest_size=12, person=b"cid")

    def digest(cid: str) -> str:
        begun = keyed.copy()  # the key costs as much as the value
        begun.update(cid.lower().encode())
        return begun.hexdigest()

    return digest
