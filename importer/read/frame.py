"""A pandas table of a caller → the same table of text that a file becomes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from importer.arrow import frame, text_column
from importer.errors import UsageError
from importer.i18n import tr
from importer.read.header import of_results
from importer.read.own_results import own_results
from importer.read.typed import value_text
from importer.records import Sheet

if TYPE_CHECKING:
    from collections.abc import Hashable

    import pandas as pd

_HEADER_ROW = 1  # rows are numbered as if the table stood in a spreadsheet


def sheet_of_frame(table: pd.DataFrame) -> Sheet:
    """Return a DataFrame as a sheet; its column labels are the headers, rows count from 2.

    Missing values are empty cells. Rows without any content are left out, as in a file. A table of
    results is the sheet that they are about.

    Raises UsageError when there are no rows.
    """
    headers = tuple(_text(label) for label in table.columns)
    columns = [
        [_text(cell) for cell in table.iloc[:, position].astype(object)]
        for position in range(len(headers))
    ]
    rows = [
        index
        for index, cells in enumerate(zip(*columns, strict=True))
        if any(map(str.strip, cells))
    ]
    if not rows:
        raise UsageError(tr("The table has no rows"), fix=tr("pass a table of customers"))
    kept = {
        position: text_column([cells[index] for index in rows])
        for position, cells in enumerate(columns)
    }
    sheet = Sheet(
        name="table",
        kind="table",
        headers=headers,
        table=frame(kept, [index + _HEADER_ROW + 1 for index in rows]),
        header_row=_HEADER_ROW,
        blank_rows=len(table) - len(rows),
    )
    return own_results(sheet) if of_results(headers) else sheet


def _text(cell: Hashable) -> str:
    # NaN, NaT and NA are the values that aren't equal to themselves, or that can't tell.
    try:
        missing = bool(cell != cell)  # noqa: PLR0124
    except TypeError:
        missing = True
    return "" if missing else value_text(cell)
