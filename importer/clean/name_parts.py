"""Words of databases for nothing in the parts of a name (R10).

People are called Null, too: such a word is nothing where it stands in two parts of one name, in
all of them, or in most of a column.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

_NULL = r"(?i)^\s*(?:null|none|nan|nil|undefined)\s*$"
_WITHIN = r"(?i)(?:^|\s)(?:null|\\N)(?:\s+(?:null|\\N))*(?:\s|$)"
_NOTHING = r"(?i)^\s*(?:yox|yoxdur|yok|нет|н/д|n/?a|n\.a\.|none|unknown|naməlum|неизвестно)\.?\s*$"
_OFTEN = 0.2  # share of the parts from which on a word for nothing is no surname
_FEWEST = 3  # cells that make a column


def without_null_words(columns: list[pa.Array]) -> list[pa.Array]:
    """Return the columns of a name with "" where a word of a database stands for nothing."""
    if len(columns) == 1:
        columns = [_without_words(columns[0])]
    else:
        columns = [_without_nothing(cells) for cells in columns]
    nulls = [np.asarray(pc.match_substring_regex(cells, _NULL)) for cells in columns]
    if not any(mask.any() for mask in nulls):
        return columns
    filled = [np.asarray(pc.not_equal(pc.utf8_trim_whitespace(cells), "")) for cells in columns]
    number, parts = sum(mask.astype(int) for mask in nulls), sum(f.astype(int) for f in filled)
    nobody = (number > 1) | (number == parts)
    empty = pa.scalar("", pa.string())
    return [
        pc.if_else(pa.array(mask & (nobody | _mostly(mask, there))), empty, cells)
        for cells, mask, there in zip(columns, nulls, filled, strict=True)
    ]


def _without_nothing(cells: pa.Array) -> pa.Array:
    """Return a part of names without words for nothing, where a fifth, three at least, are one."""
    mask = pc.match_substring_regex(cells, _NOTHING)
    found = pc.sum(mask).as_py() or 0
    filled = pc.sum(pc.not_equal(cells, "")).as_py() or 0
    if found < max(_FEWEST, _OFTEN * filled):
        return cells
    return pc.if_else(mask, pa.scalar("", pa.string()), cells)


def _without_words(cells: pa.Array) -> pa.Array:
    """Return whole names without the word, where a third of them, two at least, have it."""
    having = np.asarray(pc.match_substring_regex(cells, _WITHIN))
    if having.sum() < _FEWEST - 1 or 3 * having.sum() < len(cells):
        return cells
    return pc.utf8_trim_whitespace(pc.replace_substring_regex(cells, _WITHIN, " "))


def _mostly(mask: np.ndarray, filled: np.ndarray) -> bool:
    return bool(mask.sum() >= _FEWEST and 2 * mask.sum() > filled.sum())
