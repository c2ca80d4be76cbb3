"""Read a text as if it stood in a cell, by the rules of its column."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

from importer.arrow import cells_of, frame, text_column
from importer.clean.columns import clean
from importer.clean.validate import validate
from importer.i18n import tr
from importer.problems import CATALOGUE, Level
from importer.records import Cleaned
from importer.ui.kinds import texts_of

if TYPE_CHECKING:
    from importer.pipeline.prepare import Prepared
    from importer.records import Problem, Sheet

_BY_THE_COLUMN = frozenset({"date_of_birth", "gender", "code"})  # other cells say how one is read
_SAMPLE = 2_000  # of them


def read_as(prepared: Prepared, field: str, column: int, row: int, text: str) -> str:
    """Return in words what the field of a row would be if its cell in a column held a text.

    Every cell of the column that holds the row's text now is taken to hold the new one.
    """
    value, problems = _judged(prepared, field, column, row, text)
    held = [each for each in problems if CATALOGUE[each.code].level is not Level.REMARK]
    if held:
        entry = CATALOGUE[held[0].code]
        return tr("still wrong: {title}", title=tr(entry.title))
    shown = value_words(field, value)
    return tr("reads as: {value}", value=shown) if shown else tr("reads as nothing: left empty")


def value_words(field: str, value: object) -> str:
    """Return a value as Clopos gets it, in words; "" for nothing."""
    if not isinstance(value, str | int):
        return ""
    if field == "gender":
        return {1: tr("male"), 2: tr("female")}.get(int(value), str(value))
    return str(value)


def _judged(
    prepared: Prepared, field: str, column: int, row: int, text: str
) -> tuple[object, list[Problem]]:
    """Return the value of a field in a row, and what is wrong with it."""
    sheet, mapping = prepared.sheet, prepared.mapping
    columns = mapping.columns.get(field, ())
    needed = {*columns, *(() if mapping.country is None else (mapping.country,))}
    rows = [row, *(_others(sheet, row) if field in _BY_THE_COLUMN else ())]
    _, texts = texts_of(sheet, rows, sorted(needed))
    arrays = dict(zip(sorted(needed), texts, strict=True))
    old = arrays[column][0]
    arrays[column] = [text if cell == old else cell for cell in arrays[column]]
    kinds = {
        n: {each: kind for each, kind in of.items() if n != column or each != row}
        for n, of in sheet.kinds.items()
    }
    table = frame({n: text_column(cells) for n, cells in arrays.items()}, rows)
    part = replace(sheet, table=table, malformed={}, kinds=kinds)
    cleaned = clean(part, replace(mapping, columns={field: columns}), prepared.reading)
    alone = Cleaned(
        cleaned.values.loc[[row]],
        tuple(problem for problem in cleaned.problems if problem.row == row),
    )
    validated = validate(
        alone,
        malformed={},
        today=date.today(),  # noqa: DTZ011 - the day where the person is
        drop_bad_values=False,
    )
    problems = [problem for problem in validated.problems if problem.field == field]
    return cells_of(alone.values[field])[0], problems


def _others(sheet: Sheet, row: int) -> list[int]:
    """Return rows from the top to the end: enough for what a column proves about its values."""
    rows: list[int] = sheet.table.index[:: max(1, len(sheet.table) // _SAMPLE)].tolist()
    return [each for each in rows if each != row and each not in sheet.malformed]
