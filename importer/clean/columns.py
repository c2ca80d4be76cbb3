"""Text → typed values, or a problem (rules R1 to R14).

Column by column. Well-formed cells are read all at once (`read_fast`); every other distinct text
once, by the parser of its field. Parsing happens only here: the pandera model validates.
"""

from __future__ import annotations

import re
from functools import partial, reduce
from itertools import permutations
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from importer.arrow import WHOLE_NUMBERS, arrow, frame, text_column
from importer.clean.changes import joined, source_of
from importer.clean.code import (
    all_decimals,
    are_mostly_two_numbers,
    are_two_numbers,
    holds_part,
    parse_cid,
    parse_code,
    parse_group,
    parse_name,
    parse_note,
)
from importer.clean.date import EMPTY, parse_date, proven_order
from importer.clean.date_columns import (
    are_empty,
    are_typed_digits,
    are_year_day_month,
    common_times,
    turned_back,
)
from importer.clean.email import parse_email
from importer.clean.fast_path import SCALAR_FIELDS, read_fast
from importer.clean.gender import LETTER_LANGUAGES, parse_gender, proven_language
from importer.clean.name_parts import without_null_words
from importer.clean.parsed import NOTHING, Parsed
from importer.clean.phone import parse_phone
from importer.mapping.countries import country_of
from importer.records import FIELDS, Cleaned, ColumnMapping, Problem, Reading, Sheet
from importer.text import is_cell_error, tidy

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

_KIND = {name: pa.int64() if name in WHOLE_NUMBERS else pa.string() for name in FIELDS}
_NO_REGION = "ZZ"  # libphonenumber's code for no region
_FEWEST_ROUNDED, _MOSTLY_ROUNDED = 3, 0.6  # codes, and their share of the long ones
_CARD = "[A-Za-z]{0,4}-?[0-9]{4,}"
_BETWEEN_CODES = "[,;/|+&\\s]+"
_SEVERAL_CODES = f"^{_CARD}(?:{_BETWEEN_CODES}{_CARD})+$"
_ONE_CODE = "^(?:[0-9]+$|[A-Za-z])"


class _Column(NamedTuple):
    """Values of a column, and position → remark about the cell there."""

    values: pa.Array
    noted: dict[int, Parsed]


def clean(sheet: Sheet, mapping: ColumnMapping, reading: Reading) -> Cleaned:
    """Read the mapped columns of every row that isn't malformed.

    Where `reading` leaves the order of dates or the language open, the column itself may prove it.
    """
    table = sheet.table.drop(index=list(sheet.malformed)) if sheet.malformed else sheet.table
    texts = {
        name: [arrow(table[position]) for position in positions]
        for name, positions in mapping.columns.items()
    }
    if reading.dates_given and reading.dates and "date_of_birth" in texts:
        texts["date_of_birth"] = [
            text_column(turned_back(sheet, position, reading.dates, cells.to_pylist()))
            for position, cells in zip(
                mapping.columns["date_of_birth"], texts["date_of_birth"], strict=True
            )
        ]
    parsers = _parsers(texts, reading, sheet.serial_dates)
    values: dict[str, pa.Array] = {}
    sources: dict[str, pa.Array] = {}
    problems: list[Problem] = []
    absent = reading.none_values
    for name in FIELDS:
        columns = texts.get(name)
        if not columns:
            values[name] = pa.nulls(len(table), _KIND[name])
            continue
        if name == "name":
            columns = without_null_words(columns)
        if name == "name" and len(columns) > 1:
            column = _joined(columns)
            sources[name] = joined(columns)
        elif name == "description" and len(columns) > 1:
            sources[name] = joined(columns, "; ")
            column = _notes(columns)
        else:
            read = [
                _read_phones(cells, sheet, mapping, mapping.columns[name][n], reading.region)
                if name == "phone"
                else _read(cells, name, parsers[name], reading.region)
                for n, cells in enumerate(columns)
            ]
            read, absent = _with_none(read, name, absent)
            column = _first_valid(read)
            if name == "date_of_birth" and are_empty(column.values):
                column = _without(column, EMPTY)
            if name == "code":
                column = _without_several(_without_rounded(column))
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
    return Cleaned(frame(values, table.index), tuple(problems), sources, absent)


def _parsers(
    texts: dict[str, list[pa.Array]], reading: Reading, serials: int | None
) -> dict[str, Callable[[str], Parsed]]:
    def distinct(name: str) -> list[str]:
        return [text for column in texts[name] for text in pc.unique(column).to_pylist()]

    language = reading.language
    if "gender" in texts and language not in LETTER_LANGUAGES:
        language = proven_language(set(distinct("gender")))
    order, times, day_second = reading.dates, frozenset[str](), False
    if "date_of_birth" in texts:
        dates = distinct("date_of_birth")
        order = order or proven_order(dates)
        times, day_second = common_times(dates), are_year_day_month(dates)
        serials = None if are_typed_digits(dates) else serials
    decimals, two_numbers, mostly = kind_of_codes(texts.get("code", []))
    return {
        "name": lambda text: parse_name((text,)),
        "email": parse_email,
        "code": partial(parse_code, decimals=decimals, two_numbers=two_numbers, mostly=mostly),
        "cid": parse_cid,
        "gender": partial(parse_gender, language=language, own=reading.genders),
        "date_of_birth": partial(
            parse_date, order=order, serials=serials, times=times, day_second=day_second
        ),
        "description": parse_note,
        "group_id": parse_group,
    }


def kind_of_codes(columns: list[pa.Array]) -> tuple[bool, bool, bool]:
    """Return whether all codes end in `.0`, and whether some, or nearly all, are two numbers.

    Digits alone don't end in `.0`, and a code that begins with a letter is not two numbers.
    """
    digits = any(pc.any(pc.match_substring_regex(each, "^[0-9]+$")).as_py() for each in columns)
    others = [each.filter(pc.invert(pc.match_substring_regex(each, _ONE_CODE))) for each in columns]
    texts = [text for each in others for text in pc.unique(each).to_pylist()]
    two_numbers = are_two_numbers(texts)
    mostly = two_numbers and not digits and are_mostly_two_numbers(filter(None, texts))
    return not digits and all_decimals(texts), two_numbers, mostly


def _read(texts: pa.Array, field: str, parse: Callable[[str], Parsed], region: str) -> _Column:
    """Read a column: well-formed cells all at once, each other distinct text once."""
    if field in SCALAR_FIELDS:
        return _each_text_once(texts, field, parse)
    values, sure = read_fast(field, texts, region)
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


def _read_phones(
    texts: pa.Array, sheet: Sheet, mapping: ColumnMapping, column: int, region: str
) -> _Column:
    """Read a column of phones, each number as of the country that its row or header names."""
    region = mapping.phone_regions.get(column, region)
    if mapping.country is None:
        return _read(texts, "phone", partial(parse_phone, region=region), region)
    cells = sheet.table[mapping.country]
    coded = arrow(cells.drop(index=list(sheet.malformed)) if sheet.malformed else cells)
    coded = coded.dictionary_encode()
    named = [text.strip() for text in coded.dictionary.to_pylist()]
    # For an unknown country only numbers with a plus are valid.
    regions = [(country_of(text) or _NO_REGION) if text else region for text in named]
    which = np.asarray(coded.indices)
    values = pa.nulls(len(texts), pa.string())
    noted: dict[int, Parsed] = {}
    for each in dict.fromkeys(regions):
        mask = np.isin(which, [place for place, of in enumerate(regions) if of == each])
        places = np.flatnonzero(mask)
        read = _read(texts.filter(pa.array(mask)), "phone", partial(parse_phone, region=each), each)
        values = pc.replace_with_mask(values, pa.array(mask), read.values)
        noted |= {int(places[place]): parsed for place, parsed in read.noted.items()}
    return _Column(values, dict(sorted(noted.items())))


def _without(column: _Column, nothing: Collection[str]) -> _Column:
    """Return a column in which these values are nothing."""
    empty = pc.is_in(column.values, pa.array(sorted(nothing)))
    places = set(np.flatnonzero(empty).tolist())
    noted = {place: parsed for place, parsed in column.noted.items() if place not in places}
    return _Column(pc.if_else(empty, pa.scalar(None, pa.string()), column.values), noted)


def _with_none(
    columns: list[_Column], name: str, nothing_of: Mapping[str, frozenset[str]]
) -> tuple[list[_Column], Mapping[str, frozenset[str]]]:
    """Return the columns of a field without the values that stand for none, with remarks.

    The second is `nothing_of` without the values that were found.
    """
    nothing = nothing_of.get(name)
    if not nothing:
        return columns, nothing_of
    emptied, found = [], set[str]()
    for column in columns:
        none = pc.is_in(column.values, pa.array(sorted(nothing), pa.string()))
        found.update(pc.unique(column.values.filter(none)).to_pylist())
        noted = dict(column.noted)
        for place in np.flatnonzero(none).tolist():
            remarks = noted.get(place, NOTHING).remarks
            noted[place] = Parsed(None, None, (*remarks, "stands_for_none"))
        values = pc.if_else(none, pa.scalar(None, pa.string()), column.values)
        emptied.append(_Column(values, dict(sorted(noted.items()))))
    return emptied, {**nothing_of, name: nothing - found}


def _without_rounded(column: _Column) -> _Column:
    """Return a column without the codes of more than 15 digits that a spreadsheet rounded (R8).

    Their other digits are zeros. One such code may be right; most of several aren't.
    """
    digits = pc.replace_substring_regex(column.values, "[ -]", "")
    long = pc.match_substring_regex(digits, "^[0-9]{16,}$")
    count = pc.sum(long).as_py() or 0
    if count < _FEWEST_ROUNDED:
        return column
    zeros = pc.and_(long, pc.match_substring_regex(digits, "^[0-9]{15}0+$"))
    rounded = pc.fill_null(zeros, fill_value=False)
    if pc.sum(rounded).as_py() < max(_FEWEST_ROUNDED, _MOSTLY_ROUNDED * count):
        return column
    lost = Parsed(None, "code_precision_lost")
    noted = column.noted | dict.fromkeys(np.flatnonzero(rounded).tolist(), lost)
    values = pc.if_else(rounded, pa.scalar(None, pa.string()), column.values)
    return _Column(values, dict(sorted(noted.items())))


def _without_several(column: _Column) -> _Column:
    """Return a column without cells of several codes, `20002, 30002`, where most hold one (R8).

    Each part is as long as codes of the column are. A customer has one code: which of them is on
    the card can't be known.
    """
    single = pc.match_substring_regex(column.values, f"^{_CARD}$")
    candidates = np.flatnonzero(
        pc.fill_null(pc.match_substring_regex(column.values, _SEVERAL_CODES), fill_value=False)
    )
    count = pc.sum(single).as_py() or 0
    filled = len(column.values) - column.values.null_count
    if not len(candidates) or count <= len(candidates) or 2 * count < filled:
        return column
    lengths = set(pc.unique(pc.utf8_length(column.values.filter(single))).to_pylist())
    several = np.zeros(len(column.values), bool)
    for place in candidates:
        parts = re.split(_BETWEEN_CODES, column.values[int(place)].as_py())
        several[place] = lengths.issuperset(map(len, parts))
    invalid = Parsed(None, "invalid_code")
    noted = column.noted | dict.fromkeys(np.flatnonzero(several).tolist(), invalid)
    values = pc.if_else(pa.array(several), pa.scalar(None, pa.string()), column.values)
    return _Column(values, dict(sorted(noted.items())))


def _notes(columns: list[pa.Array]) -> _Column:
    """Return the notes that the columns make together, with a semicolon between them."""
    read = [_read(cells, "description", parse_note, "") for cells in columns]
    # The empty text at the end is for rows without any part: they would be left out.
    texts = pc.binary_join_element_wise(
        *(each.values for each in read), "", "; ", null_handling="skip"
    )
    texts = pc.utf8_slice_codeunits(texts, 0, -len("; "))
    values = pc.if_else(pc.equal(texts, ""), pa.scalar(None, pa.string()), texts)
    noted = {place: parsed for each in read for place, parsed in each.noted.items()}
    return _Column(values, dict(sorted(noted.items())))


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
    if field != "name" and is_cell_error(tidy(text)):
        return Parsed(None, "cell_error")
    return parse(text)


def _joined(columns: list[pa.Array]) -> _Column:
    """Return the name that the columns make together."""
    known = [read_fast("name", texts, "") for texts in columns]
    parts = [values for values, _ in known]
    # The empty text at the end is for rows without any part: they would be left out.
    joined = pc.binary_join_element_wise(*parts, "", " ", null_handling="skip")
    joined = pc.utf8_rtrim(joined, " ")
    values = pc.if_else(pc.equal(joined, ""), pa.scalar(None, pa.string()), joined)
    sure = reduce(pc.and_, (sure for _, sure in known))
    others = np.union1d(np.flatnonzero(pc.invert(sure)), _repeated(columns))
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


def _repeated(columns: list[pa.Array]) -> np.ndarray[Any, Any]:
    """Return the rows in which a part of the name may hold another part: it has several words."""
    several = reduce(pc.or_, (pc.match_substring(texts, " ") for texts in columns))
    rows = np.flatnonzero(several)
    parts = [texts.take(pa.array(rows)).to_pylist() for texts in columns]
    return np.array(
        [
            row
            for row, cells in zip(rows, zip(*parts, strict=True), strict=True)
            if any(part and holds_part(whole, part) for whole, part in permutations(cells, 2))
        ],
        dtype=np.int64,
    )


def _first_valid(columns: list[_Column]) -> _Column:
    """Return the value of the first column with a usable one, else the first problem (R3)."""
    if len(columns) == 1:
        return columns[0]
    values = pc.coalesce(*(column.values for column in columns))
    noted: dict[int, Parsed] = {}
    for place in sorted({place for column in columns for place in column.noted}):
        candidates = [
            column.noted.get(place, Parsed(column.values[place].as_py())) for column in columns
        ]
        best = min(candidates, key=_rank)
        if best.problem or best.remarks:
            noted[place] = best
    return _Column(values, noted)


def _rank(parsed: Parsed) -> int:
    """Return the place of a cell among those of a field: a value, a problem, a remark, nothing."""
    return [parsed.value is not None, bool(parsed.problem), bool(parsed.remarks), True].index(True)
