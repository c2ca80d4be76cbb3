"""Cells as they usually are, read a whole column at a time. Pure.

For the cells they are certain of, these patterns say what the parsers in `fields` say, without a
problem or a remark, at a twentieth of the cost; the parsers are asked about all others. Tests
compare the two on any text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from importer.clean.fast_phones import usual_phones

if TYPE_CHECKING:
    from collections.abc import Callable

READ_ONE_BY_ONE = frozenset({"gender", "date_of_birth", "group_id"})
"""Fields of few distinct texts: there is nothing to be won."""

# Letters that composing (NFC) leaves alone: Latin with its accents, ə, Cyrillic.
LETTERS = "A-Za-zÀ-ÖØ-öø-ɏəА-яЀ-ЏѐёҊ-ԯѐ-џ"
_NAME = f"^[{LETTERS}][{LETTERS}0-9'’.,()&/_-]*(?: [{LETTERS}0-9(&][{LETTERS}0-9'’.,()&/_-]*)*$"
_NOTE = f"^[{LETTERS}0-9](?:[{LETTERS}0-9 '’.,;:()&/!?%№«»+_-]*[{LETTERS}0-9'’.,;:()&/!?%])?$"
_EMAIL = "^[A-Za-z0-9][A-Za-z0-9._%+-]*@[A-Za-z0-9.-]+$"
_CODE = "^(?:[0-9]{2,}|[A-Za-z][A-Za-z0-9_-]*[0-9])$"
_CID = "^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$"


def usual(field: str, texts: pa.Array, region: str) -> tuple[pa.Array, pa.BooleanArray]:
    """Return the values of a column and where they are certain; elsewhere they mean nothing.

    An empty cell is certain to be nothing (null). `region` is that of national phone numbers.
    """
    if field == "phone":
        values, sure = usual_phones(texts, region)
    else:
        pattern, read = _FIELDS[field]
        sure = pc.match_substring_regex(texts, pattern)
        values = read(texts)
    empty = pc.equal(pc.binary_length(texts), 0)
    if pc.any(empty).as_py():
        values = pc.if_else(empty, pa.scalar(None, pa.string()), values)
        sure = pc.or_(sure, empty)
    return values, sure


def _same(texts: pa.Array) -> pa.Array:
    return texts


_FIELDS: dict[str, tuple[str, Callable[[pa.Array], pa.Array]]] = {
    "name": (_NAME, _same),
    "email": (_EMAIL, pc.ascii_lower),
    "code": (_CODE, _same),
    "cid": (_CID, pc.ascii_lower),
    "description": (_NOTE, _same),
}
