"""Changes of each value, for the results: `phone read from 050 123 45 67`.

The API can't change a customer, so the results show each value that was sent in place of another
text, unless only outer spaces differ. They are made a block of rows at a time, so that a million
rows cost no memory.
"""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from importer.arrow import arrow
from importer.i18n import tr
from importer.problems import field_word

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

_LONGEST = 60  # letters shown of a text


class Changes:
    """The changes of the rows that are sent.

    `values` are the values of these rows; `sources` is field → a column, with the same rows, of the
    texts they were read from. Only columns with a difference are kept, to save memory.
    """

    def __init__(self, values: pd.DataFrame, sources: Mapping[str, pa.Array]) -> None:
        self.rows = np.asarray(values.index)
        columns = {field: arrow(values[field]) for field in sources}
        self.sources = {
            field: source for field, source in sources.items() if not columns[field].equals(source)
        }
        self.values = {field: columns[field] for field in self.sources}

    def of(self, rows: np.ndarray) -> pa.Array | None:
        """Return the text about each of `rows`, in ascending order; None when nothing changed."""
        start, stop = np.searchsorted(self.rows, [rows[0], rows[-1] + 1]) if len(rows) else (0, 0)
        if start == stop:
            return None
        parts = [self._describe_block(field, int(start), int(stop)) for field in self.sources]
        parts = [part for part in parts if part is not None]
        if not parts:
            return None
        # Each part that isn't empty begins with a semicolon.
        message = pc.utf8_slice_codeunits(pc.binary_join_element_wise(*parts, ""), 2)
        if stop - start == len(rows):
            return message
        places = np.searchsorted(rows, self.rows[start:stop])
        mask = np.zeros(len(rows), bool)
        mask[places] = True
        return pc.replace_with_mask(pa.repeat("", len(rows)), mask, message)

    def _describe_block(self, field: str, start: int, stop: int) -> pa.Array | None:
        """Return a text where the value differs from its source, "" elsewhere."""
        values = self.values[field].slice(start, stop - start)
        if not pa.types.is_string(values.type):
            values = pc.cast(values, pa.string())
        sources = pc.utf8_trim_whitespace(self.sources[field].slice(start, stop - start))
        differ = pc.and_(pc.not_equal(values, sources), pc.not_equal(sources, ""))
        changed = pc.fill_null(differ, fill_value=False)
        if not pc.any(changed).as_py():
            return None
        shown = pc.utf8_slice_codeunits(sources.filter(changed), 0, _LONGEST)
        shown = pc.replace_substring_regex(shown, r"\s+", " ")
        texts = pc.binary_join_element_wise(
            "; " + tr("{field} read from", field=field_word(field)) + " ", shown, ""
        )
        return pc.replace_with_mask(pa.repeat("", stop - start), changed, texts)


def source_of(columns: list[pa.Array], read: list[pa.Array]) -> pa.Array:
    """Return the texts that values came from, for a field that takes the first valid column.

    `read` has the values of each column, null where there is none.
    """
    if len(columns) == 1:
        return columns[0]
    null = pa.scalar(None, pa.string())
    texts = [
        pc.if_else(pc.is_valid(values), cells, null)
        for cells, values in zip(columns, read, strict=True)
    ]
    return reduce(pc.coalesce, texts)


def joined(columns: list[pa.Array], between: str = " ") -> pa.Array:
    """Return the texts of columns that make one value together, as a person would read them."""
    if len(columns) == 1:
        return columns[0]
    parts = [pc.utf8_trim_whitespace(cells) for cells in columns]
    null = pa.scalar(None, pa.string())
    filled = [pc.if_else(pc.equal(part, ""), null, part) for part in parts]
    texts = pc.binary_join_element_wise(*filled, "", between, null_handling="skip")
    return pc.utf8_slice_codeunits(texts, 0, -len(between))
