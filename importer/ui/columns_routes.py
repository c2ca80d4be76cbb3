"""Which column is what, and how the file is read."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from aiohttp import web

from importer.clean.phone import REGIONS
from importer.errors import ImporterError, ServiceError, UsageError
from importer.i18n import tr
from importer.mapping.choices import AmbiguousColumnsError, address
from importer.mapping.preview import sample_values
from importer.mapping.saved import (
    Saved,
    load_saved,
    save_mapping,
    write_saved,
)
from importer.pipeline.answers import reading_of
from importer.pipeline.prepare import understand
from importer.records import FIELDS
from importer.ui import words
from importer.ui.paging import number_in
from importer.ui.render import done, page, texts
from importer.ui.work import work_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from importer.pipeline.prepare import Opened
    from importer.records import Sheet
    from importer.ui.work import Judged

_SEVERAL = frozenset({"name", "phone", "email", "description"})  # fields of several columns
_ENCODINGS = "utf-8 cp1251 cp1254 cp1252 cp1250 iso-8859-9 koi8-r cp866 utf-16".split()
_OF_FILE = ("encoding", "delimiter", "sheet", "header_row")  # other headers, other columns
_PREVIEW = 8  # rows of the sheet as it was read


def routes() -> list[web.RouteDef]:
    """Return the routes of the columns."""
    return [
        web.get("/sheets/{name}/columns", show_columns),
        web.post("/sheets/{name}/columns", save_columns),
        web.get("/sheets/{name}/columns/fit", show_fit),
        web.post("/sheets/{name}/reading", save_reading),
        web.post("/sheets/{name}/columns/anew", forget_columns),
    ]


async def show_columns(request: web.Request) -> web.StreamResponse:
    """Show how the file was read and which column makes which field."""
    work = work_of(request)
    judged = await work.current()
    kept = work.name if "kept" in request.query else ""
    context = await asyncio.to_thread(_context, judged, work.mapping_file)
    return page(request, "columns.html", step="columns", work=work, kept=kept, **context)


async def save_columns(request: web.Request) -> web.StreamResponse:
    """Keep which columns make which field. Raises UsageError for what can't be."""
    work = work_of(request)
    opened = (await work.current()).opened
    if opened is None:
        return done(request, "sheets", work.name, "columns")
    form = await request.post()
    headers = opened.sheet.headers
    given: list[tuple[str, str]] = []
    for field in FIELDS:
        columns = _columns(form.getall(field, []), opened.sheet)
        chosen = [address(headers, n) for n in dict.fromkeys(columns)]
        given += [(field, header) for header in chosen or [""]]
    await asyncio.to_thread(_save, opened, given)
    work.changed()
    return done(request, "sheets", work.name, str(form.get("then") or "next"))


async def show_fit(request: web.Request) -> web.StreamResponse:
    """Return how well columns fit a field, for the script: before anything is saved."""
    opened = (await work_of(request).latest()).opened
    field = request.query.get("field", "")
    if opened is None or field not in FIELDS:
        raise web.HTTPNotFound
    columns = _columns(request.query.getall("column", []), opened.sheet)
    fits, values = words.fit_words(opened.sheet, field, columns)
    return texts({f"fits-{field}": fits, f"values-{field}": values})


async def save_reading(request: web.Request) -> web.StreamResponse:
    """Keep how the file is to be read: an empty field is found by the program."""
    work = work_of(request)
    reading = _reading(await request.post())
    await asyncio.to_thread(_save_reading, work.mapping_file, reading)
    work.changed()
    return done(request, "sheets", work.name, "columns")


async def forget_columns(request: web.Request) -> web.StreamResponse:
    """Rename the file of saved columns and answers, so that they are found again.

    Raises ServiceError when the file can't be renamed.
    """
    work = work_of(request)
    place = work.mapping_file
    now = datetime.now().astimezone()
    aside = place.with_name(f"{place.name}.aside-{now:%Y%m%d-%H%M%S}")
    try:
        await asyncio.to_thread(place.rename, aside)
    except FileNotFoundError:
        pass  # another tab was faster
    except OSError as error:
        raise ServiceError(
            tr("{path} can't be renamed", path=place),
            why=error.strerror,
            fix=tr("correct the permissions of the folder, or delete the file"),
        ) from error
    work.changed()
    return done(request, "sheets", work.name, "columns")


def _columns(given: Iterable[object], sheet: Sheet) -> list[int]:
    """Return only the columns that the sheet has."""
    numbers = map(number_in, given)
    return [n for n in numbers if n is not None and n < len(sheet.headers)]


def _save(opened: Opened, given: list[tuple[str, str]]) -> None:
    choices = replace(opened.choices, given=tuple(given))
    mapping = understand(opened, choices)
    save_mapping(
        opened.saved_in,
        mapping,
        opened.sheet,
        reading=reading_of(opened.options),
        accepted=opened.saved.accepted,
    )


def _context(judged: Judged, saved_in: Path) -> dict[str, Any]:
    """Return what the page shows; of a sheet that can't be read, its error and the form."""
    opened, error = judged.opened, judged.error
    context: dict[str, Any] = {
        "error": error,
        "facts": [],
        "fields": [],
        "columns": [],
        "unused": [],
        "empty": [],
        "secret": [],
        "notes": [],
        "ambiguous": error.field if isinstance(error, AmbiguousColumnsError) else "",
        "several": _SEVERAL,
        "asides": {"name": tr("(needed)"), "group_id": tr("(its number at Clopos)")},
        "preview": ([], []),
        "read_as": [],
        "reading": _reading_context(opened, saved_in),
        "saved_in": _at_fault(judged, saved_in),
        "given": judged.given,
    }
    if opened is None:
        return context
    sheet, mapping = opened.sheet, judged.mapping
    secret = set(mapping.secret) if mapping else set()
    unused = [n for n in mapping.unused if n != mapping.country] if mapping else []
    empty = [n for n in unused if not sample_values(sheet, [n])]
    return context | {
        "facts": words.file_facts(sheet),
        "fields": [words.field_line(sheet, mapping, field) for field in FIELDS],
        "columns": [
            (n, address(sheet.headers, n) if sheet.headers[n] else words.column_name(sheet, n))
            for n in range(len(sheet.headers))
            if n not in secret
        ],
        "unused": [
            (words.column_name(sheet, n), words.unused_words(sheet, n))
            for n in unused
            if n not in empty
        ],
        "empty": [words.column_name(sheet, n) for n in empty],
        "secret": [words.column_name(sheet, n) for n in secret],
        "notes": [*sheet.notes, *(mapping.notes if mapping else ())],
        "preview": _preview(sheet, secret),
        "read_as": _read_as(judged),
    }


def _at_fault(judged: Judged, place: Path) -> str:
    """Return the name of the saved mapping where the sheet ends in an error and one is there.

    It may be damaged, or of another sheet.
    """
    ambiguous = isinstance(judged.error, AmbiguousColumnsError)
    return place.name if judged.error and not ambiguous and place.is_file() else ""


def _read_as(judged: Judged) -> list[str]:
    """Return how phones and dates are read, where the sheet has any."""
    prepared = judged.prepared
    if prepared is None:
        return []
    has, reading = prepared.mapping.columns, prepared.reading
    lines = []
    mapping, country = prepared.mapping, words.region_name(reading.region)
    if "phone" in has and mapping.country is not None:
        text = tr("Phone numbers of rows that name no country are of {country}", country=country)
        lines.append(text)
    elif not mapping.phone_regions.keys() >= set(has.get("phone", ())):
        lines.append(tr("Phone numbers without a country are of {country}", country=country))
    if "date_of_birth" in has and reading.dates:
        lines.append(tr("Order of the dates: {order}", order=words.order_name(reading.dates)))
    elif "date_of_birth" in has:
        lines.append(tr("The order of the dates is what the column proves"))
    return lines


def _preview(sheet: Sheet, secret: set[int]) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """Return headers and the first rows as they were read, without secret columns."""
    shown = [n for n in range(len(sheet.headers)) if n not in secret]
    top = sheet.table.head(_PREVIEW)
    rows = [
        (int(row), [str(values[n]) for n in shown])
        for row, values in zip(top.index, top.itertuples(index=False, name=None), strict=True)
    ]
    return [words.column_name(sheet, n) for n in shown], rows


def _reading_context(opened: Opened | None, saved_in: Path) -> dict[str, Any]:
    reading: Mapping[str, Any] = {}
    if opened:
        reading = reading_of(opened.options)
    else:
        with contextlib.suppress(ImporterError):
            reading = load_saved(saved_in).reading
    sheet = opened.sheet if opened else None
    worksheets = [other.name for other in sheet.others] if sheet else []
    if sheet and sheet.worksheet:
        worksheets.insert(0, sheet.worksheet)
    return {
        "now": reading,
        "worksheets": worksheets,
        "encodings": _ENCODINGS,
        "delimiters": [(each, words.delimiter_name(each)) for each in ",;\t|"],
        "regions": sorted(
            ((region, words.region_name(region)) for region in REGIONS),
            key=lambda pair: (pair[1].startswith(pair[0]), pair[1]),
        ),
        "orders": [(order, words.order_name(order)) for order in ("DMY", "MDY", "YMD")],
    }


def _reading(form: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the form says about the reading. Raises UsageError for what is no row."""
    reading: dict[str, Any] = {
        name: str(form.get(name) or "") or None
        for name in ("region", "dates", "encoding", "delimiter", "sheet")
    }
    row = str(form.get("header_row") or "").strip()
    header_row = number_in(row)
    if row and not (header_row and header_row < 10_000_000):
        raise UsageError(
            tr("This is not a row: {row}", row=row[:20]),
            fix=tr("write the row's number as a spreadsheet shows it, e.g. 3"),
        )
    return reading | {"header_row": header_row}


def _save_reading(place: Path, reading: dict[str, Any]) -> None:
    """Keep the reading beside the sheet; columns of another header row or worksheet are dropped.

    Raises UsageError when what was saved earlier can't be read, ServiceError when it can't be
    written.
    """
    saved = load_saved(place) if place.is_file() else Saved()
    now = {**saved.reading, **reading}
    if any(now.get(name) != saved.reading.get(name) for name in _OF_FILE):
        saved = Saved()
    write_saved(place, replace(saved, reading=now))
