"""Which record is the header, and which aren't customers."""

from __future__ import annotations

import re
from collections import Counter

from importer.fields.text import fold, tidy

_LOOK_AT = 40  # records among which the header is sought
_DATA = re.compile(
    r"[^@\s]+@[^@\s]+|\+?[\d\s().-]{5,}|.*\d{4}-\d\d-\d\d.*|\d{1,2}[./]\d{1,2}[./]\d{2,4}"
)
_TOTALS = frozenset(
    fold(word) for word in ("total", "totals", "sum", "итого", "всего", "cəmi", "yekun", "toplam")
)


def is_blank(record: list[str]) -> bool:
    """Tell whether no cell holds anything (R1)."""
    return not any(cell and tidy(cell) for cell in record)


def find_header(records: list[list[str]]) -> int | None:
    """Return the index of the header, None when there is no record with content.

    It is the first record that is about as wide as the table and looks like words rather than
    like a customer; if there is none, the first with content.
    """
    filled = [
        (index, [cell for cell in record if cell and tidy(cell)])
        for index, record in enumerate(records[:_LOOK_AT])
    ]
    filled = [(index, cells) for index, cells in filled if cells]
    if not filled:
        return None
    widths = Counter(len(cells) for _, cells in filled)
    widest = max(width for width in widths)
    # Rows have empty cells, headers seldom do: half of the widest row is wide enough.
    enough = max(1, (widest + 1) // 2)
    for index, cells in filled:
        if len(cells) >= enough and not any(_DATA.fullmatch(tidy(cell)) for cell in cells):
            return index
    return filled[0][0]


def is_total(record: list[str]) -> bool:
    """Tell whether a record sums up the others: its first word is one for a total."""
    first = next((tidy(cell) for cell in record if cell and tidy(cell)), "")
    words = re.findall(r"[^\W\d_]+", fold(first))
    return (
        len(words) <= 2
        and bool(words)
        and words[0] in _TOTALS
        and not any("@" in cell for cell in record)
    )
