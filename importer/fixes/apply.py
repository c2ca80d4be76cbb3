"""Replay the acts of a person on a sheet.

An act holds where the cell still has the text that the person saw. What no longer fits is counted
and named, never forced.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from importer.arrow import arrow, frame
from importer.fixes.acts import LeaveOut, SetText, TakeIn, standing
from importer.mapping.choices import address
from importer.mapping.content import holds_secrets
from importer.mapping.header_words import is_secret
from importer.problems import LEFT_OUT

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from importer.fixes.acts import Act
    from importer.records import Sheet


@dataclass(frozen=True, slots=True)
class Unfit:
    """An act, or its part about one row, that the sheet no longer fits. `row` None: a column."""

    n: int
    row: int | None
    column: str | None = None  # None: it is about whole rows


@dataclass(frozen=True, slots=True)
class Applied:
    """A sheet with the fixes in it.

    `cells` is row → column → text as the file has it; `taken_in` row → why it had been held back
    as a whole; `counts` act → how many cells or rows it set.
    """

    sheet: Sheet
    cells: Mapping[int, Mapping[int, str]] = field(default_factory=dict)
    left_out: frozenset[int] = frozenset()
    taken_in: Mapping[int, str] = field(default_factory=dict)
    unfit: tuple[Unfit, ...] = ()
    counts: Mapping[int, int] = field(default_factory=dict)

    @property
    def changed(self) -> int:
        """Return how many cells have another text than in the file."""
        return sum(map(len, self.cells.values()))


def apply_acts(sheet: Sheet, acts: Iterable[Act]) -> Applied:
    """Return a sheet with the acts that hold, in their order, replayed on it as it was read."""
    held = standing(acts)
    columns, counts, unfit = _replay(sheet, [act for act in held if isinstance(act, SetText)])
    left_out, taken_in, misfits = _rows_decided(
        sheet, [act for act in held if not isinstance(act, SetText)]
    )
    counts |= {act.n: len(act.rows) for act in held if not isinstance(act, SetText)}
    for each in misfits:
        counts[each.n] -= 1
    applied = Applied(
        sheet,
        left_out=left_out,
        taken_in=taken_in,
        unfit=tuple(sorted([*unfit, *misfits], key=lambda each: each.n)),
        counts=counts,
    )
    return _fixed(applied, columns)


def row_texts(sheet: Sheet, rows: Iterable[int]) -> dict[int, str]:
    """Return row → its cells as one text, without passwords, of rows that the sheet has."""
    hidden = secret_columns(sheet)
    own = [n for n in range(len(sheet.headers)) if n not in hidden]
    index = sheet.table.index
    found = index.get_indexer(pd.Index(list(rows), dtype="int64"))
    places = found[found >= 0]
    columns = [arrow(sheet.table[n]).take(pa.array(places)).to_pylist() for n in own]
    texts = (";".join(cells).rstrip(";") for cells in zip(*columns, strict=True))
    return dict(zip(index.take(places).tolist(), texts, strict=True))


def secret_columns(sheet: Sheet) -> frozenset[int]:
    """Return the positions of columns of passwords and tokens, which no other file may hold."""
    return frozenset(
        n for n, header in enumerate(sheet.headers) if is_secret(header) or holds_secrets(sheet, n)
    )


def _replay(
    sheet: Sheet, acts: Sequence[SetText]
) -> tuple[dict[int, _Column], dict[int, int], list[Unfit]]:
    """Return the columns that acts set, how many cells each set, and what no longer fits."""
    position_of = {address(sheet.headers, n): n for n in range(len(sheet.headers))}
    rows = sorted({act.row for act in acts if act.row is not None})
    found = sheet.table.index.get_indexer(pd.Index(rows, dtype="int64")).tolist()
    places = dict(zip(rows, found, strict=True))  # -1: the sheet has no such row
    columns: dict[int, _Column] = {}
    counts: dict[int, int] = {}
    unfit: list[Unfit] = []
    for act in acts:
        position = position_of.get(act.column)
        if position is None or (act.row is not None and places[act.row] < 0):
            unfit.append(Unfit(act.n, act.row, act.column))
            continue
        if position not in columns:
            columns[position] = _Column(arrow(sheet.table[position]))
        if act.row is None:
            counts[act.n], fits = columns[position].set_all(act.was, act.texts)
        else:
            fits = columns[position].set_one(places[act.row], act.was[0], act.texts[0])
            counts[act.n] = int(fits)
        if not fits:
            unfit.append(Unfit(act.n, act.row, act.column))
    return columns, counts, unfit


def _rows_decided(
    sheet: Sheet, acts: Sequence[LeaveOut | TakeIn]
) -> tuple[frozenset[int], dict[int, str], list[Unfit]]:
    """Return the rows that are left out, those taken in, and what means another row by now.

    A row is compared as the file has it: its cells may be fixed before or after.
    """
    left_out: dict[int, bool] = {}
    unfit: list[Unfit] = []
    texts = row_texts(sheet, {row for act in acts for row in act.rows}) if acts else {}
    for act in acts:
        for row, text in zip(act.rows, act.was, strict=True):
            if texts.get(row) == text:
                left_out[row] = isinstance(act, LeaveOut)
            else:
                unfit.append(Unfit(act.n, row))
    taken_in = {
        row: sheet.malformed[row]
        for row, out in sorted(left_out.items())
        if not out and row in sheet.malformed
    }
    return frozenset(row for row, out in left_out.items() if out), taken_in, unfit


def _fixed(applied: Applied, columns: Mapping[int, _Column]) -> Applied:
    """Return the sheet with its columns as they are now, and without rows that are left out."""
    sheet = applied.sheet
    index = sheet.table.index
    cells: defaultdict[int, dict[int, str]] = defaultdict(dict)
    kinds = {column: dict(of) for column, of in sheet.kinds.items()}
    arrays = {n: arrow(sheet.table[n]) for n in range(len(sheet.headers))}
    for position, column in sorted(columns.items()):
        changed = column.changed()
        rows = index.take(changed).tolist()
        former = column.before.take(pa.array(changed)).to_pylist()
        for row, text in zip(rows, former, strict=True):
            cells[row][position] = text
            kinds.get(position, {}).pop(row, None)  # what is there now was typed
        arrays[position] = column.now()
    if not (cells or applied.left_out or applied.taken_in):
        return applied
    malformed = {row: why for row, why in sheet.malformed.items() if row not in applied.taken_in}
    fixed = replace(
        sheet,
        table=frame(arrays, index),
        kinds={column: of for column, of in kinds.items() if of},
        malformed={**malformed, **dict.fromkeys(sorted(applied.left_out), LEFT_OUT)},
    )
    return replace(applied, sheet=fixed, cells=dict(sorted(cells.items())))


class _Column:
    """A column while acts are replayed on it, by its distinct texts rather than by its cells.

    An act about all cells of a text then costs the same for one row and for a million.
    """

    def __init__(self, before: pa.Array) -> None:
        coded = before.dictionary_encode()
        self.before = before
        self._codes = np.asarray(coded.indices)
        self._texts: list[str] = coded.dictionary.to_pylist()  # code → its text now
        # Text → the code that it had in the file, and those that came to it since.
        self._code_of = dict(zip(self._texts, range(len(self._texts)), strict=True))
        self._moved_to: dict[str, list[int]] = {}
        # Code → cells that no act about one cell has set; those, by their place and their text.
        self._free: list[int] = np.bincount(self._codes, minlength=len(self._texts)).tolist()
        self._own: dict[int, str] = {}
        self._places_of: defaultdict[str, set[int]] = defaultdict(set)

    def set_all(self, was: Sequence[str], texts: Sequence[str]) -> tuple[int, bool]:
        """Set every cell that holds one of `was`, all at once; return how many, and if it fits.

        It fits also where no cell holds one, but one has the new text already.
        """
        moves = [
            (text, self._take_codes(old), self._places_of.pop(old, set()))
            for old, text in zip(was, texts, strict=True)
        ]
        found = 0
        for text, codes, places in moves:
            found += len(places) + sum(self._free[code] for code in codes)
            for code in codes:
                self._texts[code] = text
            for place in places:
                self._own[place] = text
            self._moved_to[text] = _joined(self._moved_to.get(text), codes)
            self._places_of[text] |= places
        return found, found > 0 or any(self._holds(text) for text in texts)

    def set_one(self, place: int, was: str, text: str) -> bool:
        """Set one cell, if it holds `was`; return whether it has the text now."""
        code = int(self._codes[place])
        now = self._own.get(place, self._texts[code])
        if now != was:
            return now == text
        if place in self._own:
            self._places_of[now].discard(place)
        else:
            self._free[code] -= 1
        self._own[place] = text
        self._places_of[text].add(place)
        return True

    def now(self) -> pa.Array:
        """Return the column as it is now."""
        texts = pa.array(self._texts, pa.string()).take(pa.array(self._codes))
        if not self._own:
            return texts
        places = sorted(self._own)
        mask = np.zeros(len(self._codes), bool)
        mask[places] = True
        own = pa.array([self._own[place] for place in places], pa.string())
        return pc.replace_with_mask(texts, mask, own)

    def changed(self) -> np.ndarray:
        """Return the places of cells that have another text than before."""
        differ = pc.not_equal(self.before, self.now())
        return np.flatnonzero(differ)

    def _take_codes(self, text: str) -> list[int]:
        """Return the codes whose text it is, which belong to no text then."""
        codes = self._moved_to.pop(text, [])
        code = self._code_of.pop(text, None)
        return codes if code is None else [*codes, code]

    def _holds(self, text: str) -> bool:
        codes = [*self._moved_to.get(text, ())]
        if text in self._code_of:
            codes.append(self._code_of[text])
        return bool(self._places_of.get(text)) or any(self._free[code] for code in codes)


def _joined(some: list[int] | None, others: list[int]) -> list[int]:
    """Return both lists as one: the longer one, with the shorter one added."""
    if not some:
        return others
    longer, shorter = (some, others) if len(some) >= len(others) else (others, some)
    longer += shorter
    return longer
