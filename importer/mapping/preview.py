"""Preview of a column, to be shown with the field it was taken for."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from importer.records import Sheet

_LOOKED_AT = 200  # rows whose values are compared with a field
_SHOWN_FROM = 1000  # rows from which sample values are taken
_SHOWN_LETTERS = 300  # letters shown of a value
_DIGITS = r"(?:\D*\d)"
_LOOKS = {  # what a value is like, roughly and quickly; any text will do for the other fields
    "name": r"[^@]*[^\W\d_][^@]*",
    "phone": rf"(?![^@]*@|.*\dE\+){_DIGITS}{{7,}}\D*",
    "email": r".*[^@\s]@[^@\s]+\.\w.*",
    "cid": r"[{(]?[0-9a-fA-F]{8}(?:-?[0-9a-fA-F]{4}){3}-?[0-9a-fA-F]{12}[)}]?",
    "gender": r"[^\W\d_]{1,12}(?:[\s./-]+[^\W\d_]{1,12}){0,3}\.?|[0-9]",
    "date_of_birth": r"\D*\d{1,4}[\W_]+\w+\W+\d{1,4}(?:\D.*)?|\d{5}(?:\.\d*)?|\d{8}",
    "group_id": r"\d{1,9}(?:\.0*)?",
}
_JOINED = {"name": " ", "description": "; "}
_LIKE = {field: re.compile(pattern, re.DOTALL) for field, pattern in _LOOKS.items()}


def match_share(sheet: Sheet, field: str, columns: Sequence[int]) -> float | None:
    """Return the share of values at the top that look like the field, None where there are none.

    In whole percent, rounded down: only all is 1.0. Of several columns one of each row is enough.
    """
    like = _LIKE.get(field)
    lines = zip(*(_texts(sheet, column, _LOOKED_AT) for column in columns), strict=True)
    filled = [texts for line in lines if (texts := [text for text in line if text])]
    if not filled:
        return None
    good = sum(like is None or any(map(like.fullmatch, texts)) for texts in filled)
    return 100 * good // len(filled) / 100


def sample_values(sheet: Sheet, columns: Sequence[int], field: str | None = None) -> list[str]:
    """Return two values that differ, as the sheet has them, of the first column that has any.

    Columns that make a `field` together are joined, so that one sees their order.
    """
    if len(columns) > 1 and (between := _JOINED.get(field or "")):
        lines = zip(*(_texts(sheet, column, _SHOWN_FROM) for column in columns), strict=True)
        texts = dict.fromkeys(between.join(filter(None, line)) for line in lines)
        return list(filter(None, texts))[:2]
    for column in columns:
        if texts := dict.fromkeys(filter(None, _texts(sheet, column, _SHOWN_FROM))):
            return list(texts)[:2]
    return []


def _texts(sheet: Sheet, column: int, rows: int) -> list[str]:
    cells = sheet.table[column].head(rows).tolist()
    return [" ".join(text[:_SHOWN_LETTERS].split()) for text in cells]
