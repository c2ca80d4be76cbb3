"""Questions about the alignment of columns: one that slipped by a row."""

from __future__ import annotations

from typing import TYPE_CHECKING

from importer.i18n import tr
from importer.questions.question import Question, as_it_is, take

if TYPE_CHECKING:
    from collections.abc import Iterator

    from importer.questions.evidence import Evidence

SLIPPED = 0.8
"""Share of the rows between the first and the last that have a value of a column that slipped."""
_FEWEST = 4  # rows


def shifted_column(seen: Evidence) -> Iterator[Question]:
    """Ask where a column seems to stand a row too low: each value is the next person's then.

    The first row has none, and the last row has nothing else.
    """
    table, names = seen.sheet.table, seen.columns("name")
    if len(table) < _FEWEST or not names:
        return
    mapped = [column for columns in seen.mapping.columns.values() for column in columns]
    last = [column for column in dict.fromkeys(mapped) if table[column].iloc[-1] != ""]
    if len(last) != 1 or last[0] in names:
        return
    [column] = last
    cells = table[column]
    people = (table[names[0]] != "").iloc[:-1]
    if cells.iloc[0] != "" or not people.all() or (cells.iloc[1:] != "").mean() < SLIPPED:
        return
    header = seen.named(column)
    field = next(name for name, columns in seen.mapping.columns.items() if column in columns)
    yield Question(
        code="shifted_column",
        field=field,
        message=tr(
            "«{header}» seems to stand a row too low: the first row has none, and the last row "
            "has nothing else",
            header=header,
        ),
        columns=(header,),
        rows=seen.filled(column),
        examples=tuple(cells.iloc[[-1]]),
        assumed=tr("each value belongs to the row that it stands in"),
        answers=(take(field, ""), as_it_is("shifted_column")),
    )
