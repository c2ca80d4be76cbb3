"""Text → typed values, or a problem (rules R1 to R14). Pure.

Column by column, each distinct text once. Parsing happens here and nowhere else: the pandera
model only judges.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pyarrow as pa

from importer.columns import WHOLE_NUMBERS, cells_of, frame
from importer.fields import Parsed
from importer.fields.code import parse_cid, parse_code, parse_group, parse_name, parse_note
from importer.fields.date import parse_date, proven_order
from importer.fields.email import parse_email
from importer.fields.gender import parse_gender, proven_language
from importer.fields.phone import parse_phone
from importer.fields.text import is_cell_error, tidy
from importer.records import FIELDS, Cleaned, Mapping, Problem, Reading, Sheet

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_KIND = {name: pa.int64() if name in WHOLE_NUMBERS else pa.string() for name in FIELDS}


def clean(sheet: Sheet, mapping: Mapping, reading: Reading) -> Cleaned:
    """Read the mapped columns of every row that isn't malformed.

    Where `reading` leaves the order of dates or the language open, the column itself may prove it.
    """
    table = sheet.table.drop(index=list(sheet.malformed))
    rows: list[int] = table.index.tolist()
    texts = {
        name: [cells_of(table[position]) for position in positions]
        for name, positions in mapping.columns.items()
    }
    parsers = _parsers(texts, reading, sheet.serial_dates)
    values: dict[str, pa.Array] = {}
    problems: list[Problem] = []
    for name in FIELDS:
        columns = texts.get(name)
        if not columns:
            values[name] = pa.nulls(len(rows), _KIND[name])
            continue
        column = _joined(columns) if name == "name" else _first_valid(columns, parsers[name])
        values[name] = pa.array([parsed.value for parsed in column], _KIND[name])
        for number, parsed in enumerate(column):
            if parsed.problem or parsed.remarks:
                value = next((texts[number] for texts in columns if texts[number].strip()), "")
                codes = (*([parsed.problem] if parsed.problem else ()), *parsed.remarks)
                problems += [Problem(rows[number], name, code, value) for code in codes]
    return Cleaned(frame(values, table.index), tuple(problems))


def _parsers(
    texts: dict[str, list[list[str]]], reading: Reading, serials: int | None
) -> dict[str, Callable[[str], Parsed]]:
    language = reading.language
    if "gender" in texts and language not in {"az", "tr"}:
        language = proven_language({text for column in texts["gender"] for text in column})
    order = reading.dates
    if "date_of_birth" in texts and order is None:
        order = proven_order([text for column in texts["date_of_birth"] for text in column])
    return {
        "phone": partial(parse_phone, region=reading.region),
        "email": parse_email,
        "code": parse_code,
        "cid": parse_cid,
        "gender": partial(parse_gender, language=language),
        "date_of_birth": partial(parse_date, order=order, serials=serials),
        "description": parse_note,
        "group_id": parse_group,
    }


def _joined(columns: list[list[str]]) -> list[Parsed]:
    """Return the name that the columns make together."""
    return [parse_name(cells) for cells in zip(*columns, strict=True)]


def _first_valid(columns: list[list[str]], parse: Callable[[str], Parsed]) -> list[Parsed]:
    """Return what the first column with a usable value says; else the first problem (R3)."""
    parsed = [_each_text_once(column, parse) for column in columns]
    return parsed[0] if len(parsed) == 1 else [_best(row) for row in zip(*parsed, strict=True)]


def _best(candidates: Iterable[Parsed]) -> Parsed:
    ordered = list(candidates)
    for parsed in ordered:
        if parsed.value is not None:
            return parsed
    return next((parsed for parsed in ordered if parsed.problem or parsed.remarks), ordered[0])


def _each_text_once(column: list[str], parse: Callable[[str], Parsed]) -> list[Parsed]:
    known: dict[str, Parsed] = {}
    parsed = []
    for text in column:
        found = known.get(text)
        if found is None:
            error = text.startswith("#") and is_cell_error(tidy(text))
            found = known[text] = Parsed(None, "cell_error") if error else parse(text)
        parsed.append(found)
    return parsed
