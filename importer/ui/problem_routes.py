"""Pages of problems: all kinds, and one kind by its texts or row by row."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

from aiohttp import web

from importer.i18n import number, tr, trn
from importer.problems import CATALOGUE, Level
from importer.records import FIELDS, Status
from importer.ui import words
from importer.ui.fix_forms import mark, replaced
from importer.ui.fix_words import quoted
from importer.ui.frame import rows_for_a_person, steps_of
from importer.ui.kinds import (
    Kind,
    bad_values_of,
    cells_of_kind,
    columns_for,
    columns_of,
    find_kind,
    kinds_of,
    values_of,
)
from importer.ui.paging import number_in, paging
from importer.ui.reading import read_as
from importer.ui.render import page, texts
from importer.ui.row_lines import lines_of_kind, lines_of_repeats
from importer.ui.row_routes import sent_rows
from importer.ui.work import prepared_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from importer.pipeline.prepare import Prepared
    from importer.ui.kinds import Value
    from importer.ui.work import Work

_LEFT_OUT = "row.left_out"
_PREVIEWED = 5  # texts that are shown before they are replaced
_EXAMPLES = 4  # texts of a kind that the list of all kinds shows


class _Group(NamedTuple):
    """A kind of problem as the page lists it."""

    key: str
    rows: int
    field: str
    headers: str
    title: str
    hint: str
    texts: int | None  # distinct ones; None where they have nothing in common
    examples: tuple[str, ...]  # the texts of most rows, none where they have nothing in common
    held: bool
    asked: bool  # an open question is about its field


class _Text(NamedTuple):
    """A text of a kind as the page shows it, with what its form sends."""

    id: int
    column: int
    header: str
    mark: str
    text: str
    cells: int
    rows: str
    row: int


def routes() -> list[web.RouteDef]:
    """Return the routes of the problems."""
    return [
        web.get("/sheets/{name}/problems", show_problems),
        web.get("/sheets/{name}/problems/counts", show_counts),
        web.get("/sheets/{name}/problems/repeats", show_repeats),
        web.get("/sheets/{name}/problems/{kind}", show_kind),
        web.get("/sheets/{name}/reading", show_reading),
    ]


async def show_problems(request: web.Request) -> web.StreamResponse:
    """Show the kinds of problems with their counts, what holds rows back first."""
    work, prepared = await prepared_of(request, now=False)
    groups = await asyncio.to_thread(_groups, prepared)
    bad, waiting = await asyncio.to_thread(bad_values_of, prepared)
    return page(
        request,
        "problems.html",
        step="problems",
        work=work,
        groups=[group for group in groups if group.held and group.key != _LEFT_OUT],
        left_out=next((group.rows for group in groups if group.key == _LEFT_OUT), 0),
        remarks=[group for group in groups if not group.held],
        bad=sum(value.cells for value in bad),
        waiting=waiting,
        questions=len(prepared.questions),
        repeats=len(_repeats(prepared)),
        counts=counts_words(work, prepared),
        held=rows_for_a_person(prepared),
        rows=len(prepared.sheet.table),
        stale=work.stale,
    )


async def show_kind(request: web.Request) -> web.StreamResponse:
    """Show one kind, by its texts where these can be set at once, else row by row."""
    work, prepared = await prepared_of(request, now=False)
    try:
        kind = find_kind(prepared, request.match_info["kind"])
    except KeyError:
        raise web.HTTPNotFound from None
    by_row = request.query.get("by") == "row" or not kind.by_value
    kinds = await asyncio.to_thread(kinds_of, prepared)
    context: dict[str, Any] = {
        "kind": kind,
        "field": words.field_name(kind.field),
        "headers": _headers(prepared, columns_of(prepared, kind)),
        "title": tr(CATALOGUE[kind.code].title),
        "hint": _hint(kind),
        "following": _following(kinds, kind),
        "asked": any(each.field == kind.field for each in prepared.questions),
        "stale": work.stale,
        "by_row": by_row,
    }
    if by_row:
        shown, place = paging(request.query, len(kind.rows))
        rows = kind.rows[place]
        sent = await sent_rows(request, work, rows)
        lines = await asyncio.to_thread(lines_of_kind, prepared, kind, rows, sent)
        return page(
            request,
            "kind_rows.html",
            step="problems",
            work=work,
            lines=lines,
            titles=_titles(prepared, columns_for(prepared, [kind.field])),
            paging=shown,
            **context,
        )
    values = await asyncio.to_thread(values_of, prepared, kind)
    shown, place = paging(request.query, len(values))
    find, text = request.query.get("find", "")[:1000], request.query.get("replace", "")[:1000]
    return page(
        request,
        "kind_values.html",
        step="problems",
        work=work,
        values=[_text(prepared, n, value) for n, value in enumerate(values[place])],
        texts=len(values),
        cells=sum(value.cells for value in values),
        filled=sum(value.cells for value in values if value.text),
        paging=shown,
        find=find,
        replace=text,
        preview=await asyncio.to_thread(_preview, prepared, kind, values, find, text),
        **context,
    )


async def show_repeats(request: web.Request) -> web.StreamResponse:
    """Show the rows that repeat or contradict an earlier one, each beside it."""
    work, prepared = await prepared_of(request, now=False)
    rows = _repeats(prepared)
    shown, place = paging(request.query, len(rows))
    sent = await sent_rows(request, work, rows[place])
    fields = {prepared.outcomes[row].field for row in rows}
    columns = columns_for(prepared, [field for field in FIELDS if field in fields])
    pairs = await asyncio.to_thread(lines_of_repeats, prepared, rows[place], sent, columns)
    return page(
        request,
        "repeats.html",
        step="problems",
        work=work,
        pairs=pairs,
        titles=_titles(prepared, columns),
        paging=shown,
        stale=work.stale,
    )


async def show_counts(request: web.Request) -> web.StreamResponse:
    """Return the counts as they are now, for the script: after an act."""
    work, prepared = await prepared_of(request)
    found = {f"state-{step.part}": step.state for step in steps_of(work, "problems") if step.state}
    found["counts"] = counts_words(work, prepared)
    if (key := request.query.get("kind")) and key != "repeats":
        try:
            found["left"] = left_words(find_kind(prepared, key))
        except KeyError:
            raise web.HTTPNotFound from None
    return texts(found)


async def show_reading(request: web.Request) -> web.StreamResponse:
    """Return what a text would be read as, for the script: before it is set."""
    _, prepared = await prepared_of(request, now=False)
    query = request.query
    column, row = (number_in(query.get(name, "")) for name in ("column", "row"))
    if column is None or row is None:
        raise web.HTTPNotFound
    note = await asyncio.to_thread(read_cell, prepared, column, row, query.get("text", "")[:1000])
    if note is None:
        raise web.HTTPNotFound
    return texts({f"note-{query.get('line', '')[:20]}": note})


def read_cell(prepared: Prepared, column: int, row: int, text: str) -> str | None:
    """Return what a cell would be read as, None where it belongs to no field."""
    fields = (name for name, columns in prepared.mapping.columns.items() if column in columns)
    field = next(fields, None)
    if field is None or row not in prepared.sheet.table.index:
        return None
    return read_as(prepared, field, column, row, text)


def counts_words(work: Work, prepared: Prepared) -> str:
    """Return how many rows are ready and why the others aren't: all rows of the sheet in sum."""
    by_hand = sum(outcome.decided for outcome in prepared.invalid.values())
    wrong, repeats = len(prepared.invalid) - by_hand, len(_repeats(prepared))
    parts = (
        (True, tr("{n} ready", n=number(work.ready))),
        (wrong, trn("{n} with a problem of its own", "{n} with problems of their own", wrong)),
        (
            repeats,
            trn(
                "{n} repeats or contradicts another row",
                "{n} repeat or contradict another row",
                repeats,
            ),
        ),
        (by_hand, trn("{n} row left out by hand", "{n} rows left out by hand", by_hand)),
    )
    return " · ".join(text for many, text in parts if many)


def left_words(kind: Kind) -> str:
    """Return how many rows of a kind there are."""
    if not kind.rows:
        return tr("nothing of this kind is left")
    return trn("{n} row", "{n} rows", len(kind.rows))


def _repeats(prepared: Prepared) -> list[int]:
    """Return the rows that repeat or contradict another row of the sheet."""
    statuses = {Status.DUPLICATE, Status.CONFLICT}
    outcomes = prepared.outcomes.values()
    return sorted(each.row for each in outcomes if each.status in statuses)


def _groups(prepared: Prepared) -> list[_Group]:
    fields = {question.field for question in prepared.questions}
    groups = []
    for kind in kinds_of(prepared):
        cells = Counter((c, text) for _, c, text in cells_of_kind(prepared, kind))
        common = [text for (_, text), _ in cells.most_common(_EXAMPLES) if text.strip()]
        groups.append(
            _Group(
                kind.key,
                len(kind.rows),
                words.field_name(kind.field),
                _headers(prepared, columns_of(prepared, kind)),
                tr(CATALOGUE[kind.code].title),
                _hint(kind),
                len(cells) if kind.by_value else None,
                tuple(common) if kind.by_value else (),
                held=kind.level is not Level.REMARK,
                asked=kind.field in fields,
            )
        )
    return groups


def _hint(kind: Kind) -> str:
    """Return what a person can do about a kind, in the page: where a flag would, Columns does.

    Of whole rows the page itself says it.
    """
    if kind.field == "row":
        return ""
    if kind.code == "invalid_phone":
        return tr("correct it, or set the country of phones in Columns")
    if kind.code == "ambiguous_date":
        return tr("write years with four digits, or set the order of dates in Columns")
    return tr(CATALOGUE[kind.code].hint)


def _following(kinds: Sequence[Kind], kind: Kind) -> str | None:
    """Return the kind after this one, None after the last."""
    keys = [each.key for each in kinds]
    place = keys.index(kind.key) + 1 if kind.key in keys else 0
    return keys[place] if place < len(keys) else None


def _headers(prepared: Prepared, columns: Sequence[int]) -> str:
    return " + ".join(words.column_name(prepared.sheet, column) for column in columns)


def _titles(prepared: Prepared, columns: Sequence[int]) -> list[str]:
    return [words.column_name(prepared.sheet, column) for column in columns]


def _text(prepared: Prepared, place: int, value: Value) -> _Text:
    listed = ", ".join(map(str, value.rows)) + (" …" if value.cells > len(value.rows) else "")
    rows = trn("row {rows}", "rows {rows}", len(value.rows), rows=listed)
    return _Text(
        place,
        value.column,
        words.column_name(prepared.sheet, value.column),
        mark(value.text),
        value.text,
        value.cells,
        rows,
        value.rows[0],
    )


def _preview(
    prepared: Prepared, kind: Kind, values: Sequence[Value], find: str, text: str
) -> dict[str, Any] | None:
    """Return how many cells a replacement would set, and what the first would be."""
    if not find:
        return None
    pairs = replaced(values, find, text)
    return {
        "cells": sum(value.cells for value, _ in pairs),
        "shown": [
            (
                quoted(value.text),
                quoted(new),
                read_as(prepared, kind.field, value.column, value.rows[0], new),
            )
            for value, new in pairs[:_PREVIEWED]
        ],
        "more": max(0, len(pairs) - _PREVIEWED),
    }
