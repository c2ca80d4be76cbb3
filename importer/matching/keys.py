"""The `cid` of a row: the idempotency key of its creation (API facts §0.4, §4.5).

The same row gets the same `cid` in next week's file, after a crash and on another machine, so a
repeated POST can't create a second customer. Pure.
"""

from __future__ import annotations

import functools
import hashlib
import re
import uuid
from collections import Counter
from typing import TYPE_CHECKING

from importer.arrow import cells_of
from importer.records import FIELDS, Customer
from importer.text import fold

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import pandas as pd

_NAMESPACE = uuid.UUID("1d0a3d8e-5c52-5d43-9c0e-7a1f0c9be2a4")
_NO_DIGITS = re.compile("[^0-9]+")
_SEPARATOR = "\x1f"
_BLOCK = 500  # rows
TOLD = tuple(name for name in FIELDS if name != "cid")


def customers(values: pd.DataFrame, *, base_url: str, brand: str) -> Iterator[Customer]:
    """Yield a customer with its `cid` for each row of `values` (a column for each of FIELDS).

    A row's own `cid` is kept. Otherwise it is a UUIDv5 over API base, brand and the row's stable
    key: its code, else its phone, else all its values with an ordinal among its equals. (Not its
    group: that may be given for all, and what it is called at Clopos may change.)
    `values` are the rows that are kept: their order decides the ordinals. Made a block at a time:
    of a million rows only some hundreds are customers at any moment.
    """
    scope = uuid.uuid5(_NAMESPACE, _SEPARATOR.join((base_url.lower(), brand.lower())))
    seen: Counter[str] = Counter()
    for start in range(0, len(values), _BLOCK):
        block = values.iloc[start : start + _BLOCK]
        columns = [cells_of(block[name]) for name in FIELDS]
        for row, found in zip(block.index.tolist(), zip(*columns, strict=True), strict=True):
            fields = dict(zip(FIELDS, found, strict=True))
            if fields["cid"] is None:
                fields["cid"] = str(uuid.uuid5(scope, _stable_key(fields, seen)))
            yield Customer(row=row, **fields)


def fingerprints(customer: object, key: bytes) -> dict[str, str]:
    """Return field → keyed digest for the FIELDS of a customer that have a value, but the cid.

    What the journal remembers of a customer instead of personal data: enough to tell which fields
    differ, useless without the key. Names are compared by what a person would call the same name.
    """
    values = ((name, getattr(customer, name, None)) for name in TOLD)
    return {name: digest(name, value, key) for name, value in values if value is not None}


def packed(content: Mapping[str, str]) -> str:
    """Return digests as one text: in the order of TOLD, empty where there is none."""
    return ";".join([content.get(name, "") for name in TOLD])


def unpacked(text: str) -> dict[str, str]:
    """Return what was packed. Raises ValueError for any other text."""
    values = zip(TOLD, text.split(";"), strict=True)
    return {name: value for name, value in values if value}


def digest(name: str, value: object, key: bytes) -> str:
    """Return the keyed digest of one value of the field `name`."""
    keyed = _keyed(name, key).copy()
    keyed.update(_comparable(name, str(value)).encode())
    return keyed.hexdigest()


@functools.lru_cache(maxsize=64)
def _keyed(name: str, key: bytes) -> hashlib.blake2b:
    """Return the beginning of every digest of a field: the key costs as much as the value."""
    return hashlib.blake2b(f"{name}{_SEPARATOR}".encode(), key=key, digest_size=9)


def _comparable(name: str, text: str) -> str:
    if name == "name":
        return " ".join(fold(text).split())
    if name == "phone":
        return digits_of(text)
    return text


def digits_of(phone: str | None) -> str:
    """Return the digits of a phone number, by which phones are compared (API facts §0.12)."""
    return _NO_DIGITS.sub("", phone or "")


def _stable_key(fields: dict[str, object], seen: Counter[str]) -> str:
    if fields["code"] is not None:
        return f"code{_SEPARATOR}{fields['code']}"
    if fields["phone"] is not None:
        return f"phone{_SEPARATOR}{fields['phone']}"
    own = (fields[name] for name in FIELDS if name != "group_id")
    whole = _SEPARATOR.join("" if value is None else str(value) for value in own)
    seen[whole] += 1
    return f"row{_SEPARATOR}{whole}{_SEPARATOR}{seen[whole]}"
