"""The key of a row and its `cid`: did *this attempt* land? (who-is-this-customer §1).

Who a person is, is decided by `match`; the `cid` protects retries, nothing else.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any, NamedTuple

from importer.matching.evidence import folded_name

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Mapping

_NAMESPACE = uuid.UUID("1d0a3d8e-5c52-5d43-9c0e-7a1f0c9be2a4")
_SEPARATOR = "\x1f"


class RowKey(NamedTuple):
    """Material of a row's `cid`: one of `evidence.KINDS`, and a text."""

    made_of: str
    text: str


def row_key(values: Mapping[str, Any], seen: Counter[str]) -> RowKey:
    """Return the key of a row from the values that are *sent*; the rest is None in `values`.

    The first there is of: its own `cid`; code; phone; e-mail and name; date of birth and name;
    name and ordinal. `seen` counts the rows of each name so far, and is counted on; the order of
    the sheet decides the ordinals.
    """
    if values.get("cid"):
        return RowKey("own", str(values["cid"]))
    for field in ("code", "phone"):
        if values.get(field):
            return RowKey(field, str(values[field]))
    name = folded_name(str(values.get("name") or ""))
    if values.get("email"):
        return RowKey("email", f"{values['email']}{_SEPARATOR}{name}")
    if values.get("date_of_birth"):
        return RowKey("birthday", f"{values['date_of_birth']}{_SEPARATOR}{name}")
    seen[name] += 1
    return RowKey("name", f"{name}{_SEPARATOR}{seen[name]}")


def scope_of(base_url: str, brand: str) -> uuid.UUID:
    """Return the namespace of a brand's cids."""
    return uuid.uuid5(_NAMESPACE, _SEPARATOR.join((base_url.lower(), brand.lower())))


def cid_of(key: RowKey, scope: uuid.UUID, generation: int = 0) -> str:
    """Return the `cid` of a row: its own, else a UUIDv5.

    `generation` grows by one for a customer that was deleted at Clopos and is created anew: its
    old cid may still be taken. Generation 0 gives the cids that earlier releases made of a code
    or a phone.
    """
    if key.made_of == "own" and not generation:
        return key.text
    parts = (key.made_of, key.text) if not generation else (str(generation), *key)
    return str(uuid.uuid5(scope, _SEPARATOR.join(parts)))
