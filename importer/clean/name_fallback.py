"""Names for customers without one, from other values of theirs (R2).

Only on request: an invented name can't be changed through the API.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from importer.arrow import arrow, frame
from importer.clean.code import parse_name
from importer.errors import UsageError
from importer.i18n import tr
from importer.mapping.header_words import is_company
from importer.records import FIELDS, Cleaned, ColumnMapping, Problem, Sheet

if TYPE_CHECKING:
    from collections.abc import Sequence


def fill_names(
    cleaned: Cleaned, sheet: Sheet, mapping: ColumnMapping, sources: Sequence[str]
) -> Cleaned:
    """Give rows without a name what the first of `sources` has, and a remark that says so.

    Raises UsageError when the sheet has no column for a source.
    """
    columns = {name: arrow(cleaned.values[name]) for name in FIELDS}
    names = columns["name"]
    remarks: list[Problem] = []
    for source in sources:
        theirs = _company(cleaned, sheet) if source == "company" else columns[source]
        if source != "company" and source not in mapping.columns:
            raise _no_source(source, sheet)
        taken = pc.and_(pc.is_null(names), pc.is_valid(theirs))
        rows = cleaned.values.index[taken.to_numpy(zero_copy_only=False)].tolist()
        texts = theirs.filter(taken).to_pylist()
        remarks += [
            Problem(row, "name", f"name_from_{source}", text)
            for row, text in zip(rows, texts, strict=True)
        ]
        names = pc.coalesce(names, theirs)
    filled = frame(columns | {"name": names}, cleaned.values.index)
    return replace(cleaned, values=filled, problems=(*cleaned.problems, *remarks))


def _company(cleaned: Cleaned, sheet: Sheet) -> pa.Array:
    places = [number for number, header in enumerate(sheet.headers) if is_company(header)]
    if not places:
        raise _no_source("company", sheet)
    cells = arrow(sheet.table.loc[cleaned.values.index, places[0]])
    return pa.array([parse_name((text,)).value for text in cells.to_pylist()], pa.string())


def _no_source(source: str, sheet: Sheet) -> UsageError:
    return UsageError(
        tr("--name-from {source}: no column of the sheet holds that", source=source),
        why=tr(
            "its columns are {columns}",
            columns=", ".join(header for header in sheet.headers if header)[:300],
        ),
        fix=tr("call the column Company, or take another source")
        if source == "company"
        else tr('say which one with --map "{source}=…"', source=source),
    )
