"""The customers as Clopos will get them, and the rows of the sheet with their outcomes."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from aiohttp import web

from importer.records import FIELDS
from importer.ui import words
from importer.ui.kinds import used_columns
from importer.ui.paging import number_in, paging
from importer.ui.reading import value_words
from importer.ui.render import page
from importer.ui.work import prepared_of

if TYPE_CHECKING:
    import pandas as pd

    from importer.pipeline.prepare import Prepared


def routes() -> list[web.RouteDef]:
    """Return the routes of customers and rows."""
    return [
        web.get("/sheets/{name}/customers", show_customers),
        web.get("/sheets/{name}/rows", show_rows),
    ]


async def show_customers(request: web.Request) -> web.StreamResponse:
    """Show three customers from top, middle and end of the sheet, then all of them by the page."""
    work, prepared = await prepared_of(request)
    ready = await asyncio.to_thread(lambda: prepared.ready)
    shown, place = paging(request.query, len(ready))
    fields = [field for field in FIELDS if field != "cid" and ready[field].notna().any()]
    places = sorted({0, len(ready) // 2, len(ready) - 1}) if len(ready) else []
    return page(
        request,
        "customers.html",
        step="customers",
        work=work,
        titles=[(field, words.field_name(field)) for field in fields],
        three=_customers(ready.iloc[places], fields),
        customers=_customers(ready.iloc[place], fields),
        paging=shown,
        held=len(prepared.sheet.table) - len(ready),
    )


async def show_rows(request: web.Request) -> web.StreamResponse:
    """Show the rows of the sheet, all or those that hold a text, with their outcomes."""
    work, prepared = await prepared_of(request)
    q = request.query.get("q", "").strip()[:200]
    found = await asyncio.to_thread(_search, prepared, q)
    shown, place = paging(request.query, len(found))
    columns = used_columns(prepared)
    return page(
        request,
        "rows.html",
        step="customers",
        work=work,
        q=q,
        paging=shown,
        titles=[words.column_name(prepared.sheet, n) for n in columns],
        rows=[
            {
                "row": int(row),
                "cells": [str(values[n]) for n in columns],
                **_state(prepared, int(row)),
            }
            for row, values in zip(
                found.iloc[place].index,
                found.iloc[place].itertuples(index=False, name=None),
                strict=True,
            )
        ],
    )


def _state(prepared: Prepared, row: int) -> dict[str, str]:
    outcome = prepared.outcomes.get(row)
    if outcome is None:
        return {"status": "ready", "message": prepared.remarks.get(row, "")}
    return {"status": str(outcome.status), "message": outcome.message}


def _search(prepared: Prepared, q: str) -> pd.DataFrame:
    """Return the rows of which any column that isn't secret holds a text, letters of any case."""
    table = prepared.sheet.table
    if not q:
        return table
    secret = set(prepared.mapping.secret)
    found: pd.Series[bool] | None = None
    for n in range(len(prepared.sheet.headers)):
        if n not in secret:
            here = table[n].str.contains(q, case=False, regex=False)
            found = here if found is None else found | here
    row = number_in(q)
    if row is not None and found is not None:
        found |= table.index == row
    return table if found is None else table[found]


def _customers(values: pd.DataFrame, fields: list[str]) -> list[dict[str, object]]:
    return [
        {"row": row, "cells": [value_words(field, of[field]) for field in fields]}
        for row, of in zip(values.index.tolist(), values.to_dict("records"), strict=True)
    ]
