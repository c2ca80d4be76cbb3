"""Columns of text and numbers as Arrow keeps them: a third of the memory of Python's own objects.

The frames that pass between stages are made here, and turned into Python values here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

WHOLE_NUMBERS = frozenset({"gender", "group_id"})  # of the nine fields; the others are text


def text_column(cells: Sequence[str]) -> pa.Array | pa.ChunkedArray:
    """Return cells as a column of text. Half a surrogate pair isn't valid: it becomes U+FFFD."""
    try:
        return pa.array(cells, pa.string())
    except UnicodeEncodeError:
        pairs = (cell.encode("utf-16", "surrogatepass") for cell in cells)
        return pa.array([pair.decode("utf-16", "replace") for pair in pairs], pa.string())


def frame(columns: Mapping[Any, pa.Array | pa.ChunkedArray], rows: Any) -> pd.DataFrame:
    """Return label → column as a frame whose index is `rows`. Nothing is copied."""
    arrays = {label: pd.arrays.ArrowExtensionArray(column) for label, column in columns.items()}
    return pd.DataFrame(arrays, index=rows)


def arrow(column: pd.Series[Any]) -> pa.Array:
    """Return a column of a frame as Arrow keeps it, in one piece."""
    array = pa.array(column, from_pandas=True)
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array


def cells_of(column: pd.Series[Any]) -> list[Any]:
    """Return a column of a frame as Python values, None for nothing."""
    found: list[Any] = arrow(column).to_pylist()
    return found


def offsets_of(texts: pa.Array) -> np.ndarray:
    """Return where each text begins in the column's bytes, and where the last one ends."""
    offsets = np.frombuffer(texts.buffers()[1], np.int32)
    return offsets[texts.offset : texts.offset + len(texts) + 1]


def data_of(texts: pa.Array) -> pa.Buffer:
    """Return the bytes of all texts, one after the other."""
    data = texts.buffers()[2]
    if data is None or len(texts) == 0:
        return pa.py_buffer(b"")
    offsets = offsets_of(texts)
    return data.slice(int(offsets[0]), int(offsets[-1] - offsets[0]))
