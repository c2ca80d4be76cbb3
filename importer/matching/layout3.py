"""Evidence as journal layout 3 kept it: a digest of each whole value, so only equality shows.

Its rows are compared with what they look like now until each was matched once in a newer layout.
"""

from __future__ import annotations

import hashlib

from importer.records import FIELDS
from importer.text import digits_of, fold

_SEPARATOR = "\x1f"
PACKED = tuple(name for name in FIELDS if name != "cid")


def unpacked(text: str) -> dict[str, str]:
    """Return field → digest of an entry: in the order of PACKED, separated by semicolons.

    Raises ValueError for any other text.
    """
    values = zip(PACKED, text.split(";"), strict=True)
    return {name: value for name, value in values if value}


def digest(name: str, value: object, key: bytes) -> str:
    """Return the keyed digest of one value of the field `name`."""
    text = _comparable(name, str(value))
    keyed = hashlib.blake2b(f"{name}{_SEPARATOR}{text}".encode(), key=key, digest_size=9)
    return keyed.hexdigest()


def _comparable(name: str, text: str) -> str:
    if name == "name":
        return " ".join(fold(text).split())
    if name == "phone":
        return digits_of(text)
    return text
