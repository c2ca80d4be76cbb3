"""Rows of delimited text that were broken in two, or cut off.

A line break in a cell without quotes splits a customer into two lines: one that stops early, and a
stray one. But some programs leave out empty cells at the ends of rows, which is no damage: these
have no row that ends with an empty cell.
"""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING

from importer.i18n import tr_noop

if TYPE_CHECKING:
    from collections.abc import Sequence

BROKEN = tr_noop("fewer cells than the header has: a row that was broken in two")
CUT = tr_noop("the last row, and it is cut off")

_PHONE = re.compile(r"[+(]?[0-9][0-9 ()-]{6,30}")
_EMAIL = re.compile(r"[^@\s]{1,100}@[^@\s]{1,100}")
_MOST_PIECES = 8  # of a row
_TYPICAL = 0.8  # share of a column that makes it one of phones, or of addresses


def broken_rows(
    records: Sequence[list[str]], kept: Sequence[int], width: int, *, open_end: bool
) -> dict[int, str]:
    """Return index → what is wrong, of the records of a table `width` columns wide.

    `kept` are the indices of its rows that aren't blank. `open_end` tells that the file's last line
    has no line end.
    """
    short = [index for index in kept if len(records[index]) < width]
    if width < 2 or not short:
        return {}
    full = [records[index] for index in kept if len(records[index]) == width]
    trims = not any(not record[-1].strip() for record in full)
    found: dict[int, str] = {}
    if open_end and kept[-1] == short[-1] and (not trims or 5 * len(short) < len(kept) + 5):
        found[kept[-1]] = CUT
    following = dict(itertools.pairwise(kept))
    looks = _looks(full, width)
    are_short = set(short)
    # One cell alone among complete rows: the rest of a cell of the row before, or after.
    stray = width > 2 and 5 * len(short) <= len(full) and _all_alone(records, short)
    for index in short:
        if chain := _chain(index, records, following, width):
            if any(_misfits(records[each], looks) for each in chain[1:]):
                found |= dict.fromkeys(chain, BROKEN)
            continue
        after = following.get(index)
        pair = after in are_short and len(records[index]) + len(records[after]) == width + 1
        # Excel leaves out empty cells at the end of sixteen rows at once, and in others it doesn't.
        sure = not (trims or looks)
        if pair and after is not None and (sure or _misfits(records[after], looks)):
            found |= {index: BROKEN, after: BROKEN}
        elif len(records[index]) == 1 and (not trims or (stray and index != kept[-1])):
            found.setdefault(index, BROKEN)
            if after is not None and _halves(records[index], records[after], full):
                found.setdefault(after, BROKEN)
    return found


def _chain(
    index: int, records: Sequence[list[str]], following: dict[int, int], width: int
) -> list[int]:
    """Return the three or more short records from `index` on that make one whole row together."""
    chain, cells = [index], len(records[index])
    while cells < width and len(chain) < _MOST_PIECES and len(records[index]) > 1:
        after = following.get(chain[-1])
        if after is None or len(records[after]) >= width:
            return []
        chain.append(after)
        cells += len(records[after]) - 1
    return chain if cells == width and len(chain) > 2 else []


def _halves(stray: list[str], record: list[str], full: Sequence[list[str]]) -> bool:
    """Return whether two records begin with one word each where the others begin with more."""
    firsts = [other[0].split() for other in full[:200] if other is not record]
    more = sum(len(words) > 1 for words in firsts)
    return (
        more >= _TYPICAL * len(firsts) > 0 and len(stray[0].split()) == len(record[0].split()) == 1
    )


def _all_alone(records: Sequence[list[str]], short: Sequence[int]) -> bool:
    return all(len(records[index]) == 1 for index in short)


def _looks(full: list[list[str]], width: int) -> dict[int, re.Pattern[str]]:
    """Return column → what its values look like, where most are phones or addresses."""
    found: dict[int, re.Pattern[str]] = {}
    for column in range(width):
        cells = [text for record in full[:200] if (text := record[column].strip())]
        for pattern in (_PHONE, _EMAIL):
            fits = sum(bool(pattern.fullmatch(text[:200])) for text in cells)
            if cells and fits >= _TYPICAL * len(cells):
                found[column] = pattern
    return found


def _misfits(record: list[str], looks: dict[int, re.Pattern[str]]) -> bool:
    """Return whether a phone or an address is in the wrong column, or missing from its own."""
    return any(
        bool(pattern.fullmatch(text[:200])) != (looks.get(column) is pattern)
        for column, cell in enumerate(record)
        if (text := cell.strip())
        for pattern in {*looks.values()}
    )
