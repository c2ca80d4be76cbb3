"""The problems of a sheet by their kind, and the texts and rows of one kind."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from importer.arrow import arrow
from importer.problems import CATALOGUE, Level
from importer.text import has_lost_letters

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from importer.pipeline.prepare import Prepared
    from importer.records import Sheet

_ROWS_NAMED = 5  # of a text
BY_ROW_ONLY = frozenset({"missing_name", "malformed_row", "left_out"})
"""Kinds whose cells have no text in common that could be set at once."""


class Kind(NamedTuple):
    """A kind of problem: a field and a code of the catalogue, and the rows that have it."""

    field: str
    code: str
    rows: tuple[int, ...]

    @property
    def key(self) -> str:
        """Return the last part of its address."""
        return f"{self.field}.{self.code}"

    @property
    def level(self) -> Level:
        """Return how far it reaches."""
        return CATALOGUE[self.code].level

    @property
    def by_value(self) -> bool:
        """Return whether its cells can be set by their texts."""
        return self.code not in BY_ROW_ONLY


class Value(NamedTuple):
    """A text that cells of a column hold: `cells` of the whole column, `rows` the first few."""

    column: int
    text: str
    cells: int
    rows: tuple[int, ...]


def kinds_of(prepared: Prepared) -> list[Kind]:
    """Return the kinds of a sheet's problems: what holds rows back first, then by their number."""
    rows: defaultdict[tuple[str, str], dict[int, None]] = defaultdict(dict)
    for problem in prepared.problems:
        rows[problem.field, problem.code][problem.row] = None
    kinds = [Kind(field, code, tuple(found)) for (field, code), found in rows.items()]
    return sorted(kinds, key=lambda kind: (kind.level is Level.REMARK, -len(kind.rows), kind.key))


def find_kind(prepared: Prepared, key: str) -> Kind:
    """Return the kind of an address; one that no row has any more is empty.

    Raises KeyError for what is no kind at all.
    """
    field, _, code = key.partition(".")
    if code not in CATALOGUE or (field != "row" and field not in prepared.mapping.columns):
        raise KeyError(key)
    rows = (p.row for p in prepared.problems if (p.field, p.code) == (field, code))
    return Kind(field, code, tuple(dict.fromkeys(rows)))


def columns_of(prepared: Prepared, kind: Kind) -> tuple[int, ...]:
    """Return the columns that make the field of a kind."""
    return prepared.mapping.columns.get(kind.field, ())


def used_columns(prepared: Prepared) -> list[int]:
    """Return the columns that any field is made of."""
    return sorted({n for of in prepared.mapping.columns.values() for n in of})


def columns_for(prepared: Prepared, fields: Iterable[str]) -> list[int]:
    """Return the columns that any field is made of: names first, then those of some fields.

    Else what a page is about stands beyond its edge, where a sheet has a dozen columns.
    """
    made = prepared.mapping.columns
    first = [column for field in ("name", *fields) for column in made.get(field, ())]
    return list(dict.fromkeys([*first, *used_columns(prepared)]))


def cells_of_kind(prepared: Prepared, kind: Kind) -> list[tuple[int, int, str]]:
    """Return row, column and text of the cell that each row of a kind has wrong.

    Of several columns that make a field it is the one whose letters are lost, else the first that
    holds anything, else the first.
    """
    columns = columns_of(prepared, kind)
    if not columns:
        return []
    rows, texts = texts_of(prepared.sheet, kind.rows, columns)
    lost = kind.code == "name_replacement_char"
    found = []
    for row, cells in zip(rows, zip(*texts, strict=True), strict=True):
        filled = [n for n, cell in enumerate(cells) if cell.strip()]
        wrong = [n for n in filled if has_lost_letters(cells[n])] if lost else []
        n = next(iter((*wrong, *filled, 0)))
        found.append((row, columns[n], cells[n]))
    return found


def values_of(prepared: Prepared, kind: Kind) -> list[Value]:
    """Return the distinct texts of a kind, those of most cells first."""
    rows: defaultdict[tuple[int, str], list[int]] = defaultdict(list)
    for row, column, text in cells_of_kind(prepared, kind):
        rows[column, text].append(row)
    counts = {
        column: count_texts(prepared.sheet, column, [t for c, t in rows if c == column])
        for column in {column for column, _ in rows}
    }
    values = [
        Value(column, text, counts[column].get(text, 0), tuple(found[:_ROWS_NAMED]))
        for (column, text), found in rows.items()
    ]
    return sorted(values, key=lambda value: (-value.cells, value.rows))


def bad_values_of(prepared: Prepared) -> tuple[list[Value], int]:
    """Return all texts without which rows could be sent, and how many rows wait for nothing else.

    A name can't be left out.
    """
    found: dict[tuple[int, str], Value] = {}
    whole: set[int] = set()  # rows that are held back for more than a value
    waiting: set[int] = set()
    for kind in kinds_of(prepared):
        if kind.level is Level.ROW or (kind.field == "name" and kind.level is Level.FIELD):
            whole.update(kind.rows)
        elif kind.level is Level.FIELD:
            waiting.update(kind.rows)
            values = values_of(prepared, kind)
            found |= {(value.column, value.text): value for value in values if value.text}
    return list(found.values()), len(waiting - whole)


def count_texts(sheet: Sheet, column: int, texts: Sequence[str]) -> dict[str, int]:
    """Return how many cells of a column hold each of some texts."""
    cells = arrow(sheet.table[column])
    wanted = cells.filter(pc.is_in(cells, pa.array(texts, pa.string())))
    counted = pc.value_counts(wanted).to_pylist()
    return {each["values"]: each["counts"] for each in counted}


def texts_of(
    sheet: Sheet, rows: Iterable[int], columns: Sequence[int]
) -> tuple[list[int], list[list[str]]]:
    """Return those of the rows that the sheet has, and their texts by column."""
    listed = list(rows)
    index = sheet.table.index
    places = index.get_indexer(pd.Index(listed, dtype="int64"))
    there = pa.array(places[places >= 0])
    texts = [arrow(sheet.table[column]).take(there).to_pylist() for column in columns]
    return index.take(places[places >= 0]).tolist(), texts
