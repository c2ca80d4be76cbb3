"""Text → typed values, or a problem (rules R1 to R14). Pure.

Column by column. Cells as they usually are, are read all at once (`usual`); every other distinct
text once, by the parser of its field. Parsing happens here and nowhere else: the pandera model
only judges.
"""

from __future__ import annotations

from functools import partial, reduce
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from importer.arrow import WHOLE_NUMBERS, arrow, frame
from importer.clean.changes import joined, source_of
from importer.clean.code import parse_cid, parse_code, parse_group, parse_name, parse_note
from importer.clean.date import parse_date, proven_order
from importer.clean.email import parse_email
from importer.clean.fast_path import READ_ONE_BY_ONE, usual
from importer.clean.gender import parse_gender, proven_language
from importer.clean.parsed import Parsed
from importer.clean.phone import parse_phone
from importer.records import FIELDS, Cleaned, Mapping, Problem, Reading, Sheet
from importer.text import is_cell_error, tidy

if TYPE_CHECKING:
    from collections.abc import Callable

_KIND = {name: pa.int64() if name in WHOLE_NUMBERS else pa.string() for name in FIELDS}


class _Column(NamedTuple):
    """The values of a column, and position → what is to be said of the cell there."""

    values: pa.Array
    noted: dict[int, Parsed]


def clean(sheet: Sheet, mapping: Mapping, reading: Reading) -> Cleaned:
    """Read the mapped columns of every row that isn't malformed.

    Where `reading` leaves the order of dates or the language open, the column itself may prove it.
    """
    table = sheet.table.drop(index=list(sheet.malformed)) if sheet.malformed else sheet.table
    texts = {
        name: [arrow(table[position]) for position in positions]
        for name, positions in mapping.columns.items()
    }
    parsers = _parsers(texts, reading, sheet.serial_dates)
    values: dict[str, pa.Array] = {}
    sources: dict[str, pa.Array] = {}
    problems: list[Problem] = []
    for name in FIELDS:
        columns = texts.get(name)
        if not columns:
            values[name] = pa.nulls(len(table), _KIND[name])
            continue
        if name == "name" and len(columns) > 1:
            column = _joined(columns)
            sources[name] = joined(columns)
        else:
            read = [_read(cells, name, parsers[name], reading.region) for cells in columns]
            column = _first_valid(read)
            sources[name] = source_of(columns, [each.values for each in read])
        values[name] = column.values
        rows = table.index.take(list(column.noted)).tolist()
        shown = [
            cells.take(pa.array(list(column.noted), pa.int64())).to_pylist() for cells in columns
        ]
        for row, parsed, *there in zip(rows, column.noted.values(), *shown, strict=True):
            value = next((text for text in there if text.strip()), "")
            codes = (*([parsed.problem] if parsed.problem else ()), *parsed.remarks)
            problems += [Problem(row, name, code, value) for code in codes]
    return Cleaned(frame(values, table.index), tuple(problems), sources)


def _parsers(
    texts: dict[str, list[pa.Array]], reading: Reading, serials: int | None
) -> dict[str, Callable[[str], Parsed]]:
    def distinct(name: str) -> list[str]:
        return [text for column in texts[name] for text in pc.unique(column).to_pylist()]

    language = reading.language
    if "gender" in texts and language not in {"az", "tr"}:
        language = proven_language(set(distinct("gender")))
    order = reading.dates
    if "date_of_birth" in texts and order is None:
        order = proven_order(distinct("date_of_birth"))
    return {
        "name": lambda text: parse_name((text,)),
        "phone": partial(parse_phone, region=reading.region),
        "email": parse_email,
        "code": parse_code,
        "cid": parse_cid,
        "gender": partial(parse_gender, language=language, own=reading.genders),
        "date_of_birth": partial(parse_date, order=order, serials=serials),
        "description": parse_note,
        "group_id": parse_group,
    }


def _read(texts: pa.Array, field: str, parse: Callable[[str], Parsed], region: str) -> _Column:
    """Read a column: the usual cells at once, of the others each distinct text once."""
    if field in READ_ONE_BY_ONE:
        return _each_text_once(texts, field, parse)
    values, sure = usual(field, texts, region)
    others = pa.array(np.flatnonzero(pc.invert(sure)))
    if not len(others):
        return _Column(values, {})
    rest = _each_text_once(texts.take(others), field, parse)
    noted = dict(
        zip(
            others.take(pa.array(list(rest.noted), pa.int64())).to_pylist(),
            rest.noted.values(),
            strict=True,
        )
    )
    return _Column(pc.replace_with_mask(values, pc.invert(sure), rest.values), noted)


def _each_text_once(texts: pa.Array, field: str, parse: Callable[[str], Parsed]) -> _Column:
    coded = texts.dictionary_encode()
    parsed = [_parsed(text, field, parse) for text in coded.dictionary.to_pylist()]
    values = pa.array([each.value for each in parsed], _KIND[field]).take(coded.indices)
    remarkable = np.array([bool(each.problem or each.remarks) for each in parsed])
    if not remarkable.any():
        return _Column(values, {})
    which = np.asarray(coded.indices)
    places = np.flatnonzero(remarkable[which])
    return _Column(values, {int(place): parsed[which[place]] for place in places})


def _parsed(text: str, field: str, parse: Callable[[str], Parsed]) -> Parsed:
    if field != "name" and text.startswith("#") and is_cell_error(tidy(text)):
        return Parsed(None, "cell_error")
    return parse(text)


def _joined(columns: list[pa.Array]) -> _Column:
    """Return the name that the columns make together."""
    known = [usual("name", texts, "") for texts in columns]
    parts = [values for values, _ in known]
    # The empty text at the end is for rows without any part: they would be left out.
    joined = pc.binary_join_element_wise(*parts, "", " ", null_handling="skip")
    joined = pc.utf8_rtrim(joined, " ")
    values = pc.if_else(pc.equal(joined, ""), pa.scalar(None, pa.string()), joined)
    others = np.flatnonzero(pc.invert(reduce(pc.and_, (sure for _, sure in known))))
    if not len(others):
        return _Column(values, {})
    cells = [texts.take(pa.array(others)).to_pylist() for texts in columns]
    parsed = [parse_name(name) for name in zip(*cells, strict=True)]
    mask = np.zeros(len(values), bool)
    mask[others] = True
    found = pa.array([each.value for each in parsed], pa.string())
    noted = {
        int(place): each
        for place, each in zip(others, parsed, strict=True)
        if each.problem or each.remarks
    }
    return _Column(pc.replace_with_mask(values, mask, found), noted)


def _first_valid(columns: list[_Column]) -> _Column:
    """Return what the first column with a usable value says; else the first problem (R3)."""
    if len(columns) == 1:
        return columns[0]
    values = pc.coalesce(*(column.values for column in columns))
    noted: dict[int, Parsed] = {}
    for place in sorted({place for column in columns for place in column.noted}):
        candidates = [
            column.noted.get(place, Parsed(column.values[place].as_py())) for column in columns
        ]
        best = next(
            (each for each in candidates if each.value is not None),
            next(each for each in candidates if each.problem or each.remarks),
        )
        if best.problem or best.remarks:
            noted[place] = best
    return _Column(values, noted)
