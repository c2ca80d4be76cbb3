"""One row: each of its cells to be edited, and its outcome."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from aiohttp import web

from importer.errors import UsageError
from importer.records import Status
from importer.ui import words
from importer.ui.desk import desk_of
from importer.ui.paging import number_in
from importer.ui.render import page
from importer.ui.results_table import results_of
from importer.ui.row_lines import line_of_row
from importer.ui.work import prepared_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from importer.ui.work import Work

_AT_CLOPOS = frozenset({Status.CREATED, Status.EXISTS})


def routes() -> list[web.RouteDef]:
    """Return the routes of one row."""
    return [web.get("/sheets/{name}/rows/{row}", show_row)]


async def show_row(request: web.Request) -> web.StreamResponse:
    """Show a row with all its cells; those that make a field can be edited."""
    work, prepared = await prepared_of(request, now=False)
    sheet, row = prepared.sheet, number_in(request.match_info["row"])
    if row is None or row not in sheet.table.index:
        raise web.HTTPNotFound
    sent = await sent_rows(request, work, [row])
    line = await asyncio.to_thread(line_of_row, prepared, row, sent)
    used = {cell.column for cell in line.cells} | set(prepared.mapping.secret)
    outcome = prepared.outcomes.get(row)
    place = int(sheet.table.index.get_indexer(pd.Index([row]))[0])
    rows = sheet.table.index
    return page(
        request,
        "row.html",
        step="problems" if outcome else "customers",
        work=work,
        line=line,
        state=str(outcome.status if outcome else Status.READY),
        malformed=row in sheet.malformed,
        sent=bool(sent),
        others=[
            (words.column_name(sheet, column), str(sheet.table.loc[row, column]))
            for column in range(len(sheet.headers))
            if column not in used
        ],
        before=int(rows[place - 1]) if place else None,
        after=int(rows[place + 1]) if place + 1 < len(rows) else None,
        stale=work.stale,
    )


async def sent_rows(request: web.Request, work: Work, rows: Iterable[int]) -> dict[int, str]:
    """Return row → id of its customer, of those rows that are at Clopos by the results."""
    table = None
    with contextlib.suppress(UsageError):  # its own page says what is wrong with it
        table = await results_of(work, desk_of(request).sheet(work.name))
    if table is None:
        return {}
    wanted = pa.array(list(map(str, rows)), pa.string())
    places = pc.indices_nonzero(pc.is_in(table.columns[0], wanted))
    outcomes = (each.outcome for each in table.rows(places))
    return {
        each.row: each.clopos_id
        for each in outcomes
        if each.status in _AT_CLOPOS and each.clopos_id
    }
