"""JSON and Parquet → records: objects one a line, all in one array, or in an answer of some API."""

from __future__ import annotations

import io
import json
import math
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from importer.errors import UsageError
from importer.i18n import tr
from importer.read.json_shapes import DEEPEST, list_within, one_list, pages, table
from importer.read.limits import TooLarge, check_bytes, check_cells, check_letters
from importer.read.number_formats import number_text

if TYPE_CHECKING:
    from collections.abc import Callable

_SOME = 3  # lines that show what the others are
_LABELS = frozenset(["type", "label", "kind", "primary", "id", "rel", "verified"])


class _Number(float):
    """A number with a point or an exponent, and how it was written."""

    text = ""


def _number(text: str) -> _Number:
    number = _Number(text)
    number.text = text
    return number


def json_records(text: str, name: str) -> list[list[str]]:
    """Return a header of all keys in order, and a record for each object.

    An object in an object has a column for each of its keys, `contact.phone`.

    Raises UsageError when the text isn't JSON, or holds anything but objects; TooLarge.
    """
    try:
        value = _whole(text) if _is_one(text) else _lines(text)
        rows = value if isinstance(value, list) else one_list(value) or [value]
        plain = table(value)
    except (ValueError, RecursionError) as error:
        raise UsageError(
            tr("{name} can't be read as JSON lines", name=name),
            why=str(error)[:200],
            fix=tr("write one object a line, or export as CSV"),
        ) from error
    if plain:
        check_cells(len(plain), len(plain[0]))
        return [list(map(value_text, row)) for row in plain]
    if not all(isinstance(row, dict) for row in rows):
        raise UsageError(
            tr("{name} holds something other than objects", name=name),
            fix=tr("write one object a line"),
        )
    if within := list_within(rows):
        raise UsageError(
            tr("{name} holds lists of customers within other objects", name=name),
            why=tr("each object has one: «{header}»", header=within),
            fix=tr("export the customers alone"),
        )
    rows = list(map(_flat, rows))
    headers = list(dict.fromkeys(key for row in rows for key in row))
    check_cells(len(rows) + 1, len(headers))
    records = ([value_text(row.get(header)) for header in headers] for row in rows)
    return [[_whole_letters(header) for header in headers], *records]


def _flat(row: dict[str, Any], before: str = "", depth: int = 0) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in row.items():
        plain = _unwrapped(value)
        if isinstance(plain, dict) and plain and depth < DEEPEST:
            found |= _flat(plain, f"{before}{key}.", depth + 1)
        else:
            found[before + key] = _of_list(plain) if isinstance(plain, list) else plain
    return found


def _unwrapped(value: Any) -> Any:
    """Return the value inside what a database puts around it: `{"$numberLong": "994…"}`."""
    for _ in range(DEEPEST):
        if not (isinstance(value, dict) and len(value) == 1):
            return value
        [(key, inner)] = value.items()
        if key not in _WRAPPERS:
            return value
        value = _WRAPPERS[key](inner)
    return value


def _of_list(values: list[Any]) -> Any:
    """Return a list of plain values, or of objects with one value each, as one text."""
    plain = [_one_value(_unwrapped(value)) for value in values]
    if any(isinstance(value, dict | list) for value in plain):
        return values
    return "; ".join(text for text in map(value_text, plain) if text)


def _one_value(value: Any) -> Any:
    """Return the only value of an object beside its labels: `{"type": "home", "value": "…"}`."""
    if not isinstance(value, dict):
        return value
    values = [inner for key, inner in value.items() if key.lower() not in _LABELS]
    if "value" in value:
        values = [value["value"]]
    return _unwrapped(values[0]) if len(values) == 1 else value


def _moment(value: Any) -> Any:
    """Return a moment of MongoDB, milliseconds from 1970, as ISO 8601."""
    value = _unwrapped(value)
    if isinstance(value, str) and value.lstrip("-").isdecimal() and len(value) < 16:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    try:
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=value)
    except (OverflowError, ValueError):
        return str(value)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _same(value: Any) -> Any:
    return value


_WRAPPERS: dict[str, Callable[[Any], Any]] = dict.fromkeys(
    "$oid $numberLong $numberInt $numberDouble $numberDecimal $uuid $symbol "  # MongoDB
    "stringValue integerValue doubleValue booleanValue timestampValue "  # Firestore
    "S N BOOL".split(),  # DynamoDB
    _same,
) | {
    "$date": _moment,
    "$undefined": lambda _: None,
    "nullValue": lambda _: None,
    "NULL": lambda _: None,
}


def value_text(cell: object) -> str:
    """Return a typed value as text: numbers without `.0`, nested ones as JSON. Raises TooLarge."""
    if cell is None:
        return ""
    if isinstance(cell, str):
        check_letters(len(cell))
        return _whole_letters(cell)
    if isinstance(cell, bool):
        return "TRUE" if cell else "FALSE"
    if isinstance(cell, float):
        # NaN stands for an empty cell, as in every table of floats.
        return "" if math.isnan(cell) else number_text(getattr(cell, "text", "") or repr(cell))
    if isinstance(cell, bytes):
        return cell.decode("utf-8", "replace")
    if isinstance(cell, list | dict):
        text = json.dumps(cell, ensure_ascii=False, default=str)
        check_letters(len(text))
        return _whole_letters(text)
    return str(cell)


def _is_one(text: str) -> bool:
    """Return whether the whole text is one value, because its first line alone isn't valid."""
    first = text.lstrip().partition("\n")[0].strip()
    try:
        return not isinstance(json.loads(first), dict)
    except ValueError:
        return True


def _lines(text: str) -> Any:
    """Return the objects of a text that has one a line, or the one answer of an API."""
    rows = []
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            try:
                rows.append(_loads(line))
            except ValueError as error:
                raise ValueError(f"line {number}: {error}") from error
    if len(rows) == 1:
        return rows[0]
    return (pages(rows[:_SOME]) and pages(rows)) or rows


def _whole(text: str) -> Any:
    try:
        return _loads(text)
    except ValueError:
        # Several arrays, one below the other.
        lines = [line for line in text.split("\n") if line.strip()]
        if len(lines) < 2 or not all(line.lstrip().startswith("[") for line in lines):
            raise
        values = list(map(_loads, lines))
        return pages(values) or values


def _loads(text: str) -> Any:
    return json.loads(text, parse_float=_number, object_pairs_hook=_object)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object. Raises ValueError where a key has two values."""
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    for key, value in pairs:
        if found[key] is None or found[key] == "":
            found[key] = value
        elif value is not None and value not in ("", found[key]):
            raise ValueError(f"the key {key!r} has two values in one object")
    return found


def _whole_letters(text: str) -> str:
    """Return text that can be written: half a letter (a lone surrogate) becomes U+FFFD."""
    if text.isascii():
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def parquet_records(data: bytes, name: str) -> list[list[str]]:
    """Return a header of the column names, and a record for each row.

    Raises UsageError when the file is damaged, TooLarge.
    """
    try:
        file = pq.ParquetFile(io.BytesIO(data))
        check_cells(file.metadata.num_rows + 1, file.metadata.num_columns)
        texts = [each.name for each in file.schema_arrow if pa.types.is_string(each.type)]
        # A text that a million rows share is there once until its size is known.
        file = pq.ParquetFile(io.BytesIO(data), read_dictionary=texts)
        table = file.read()
        letters = 0
        for column in table.columns:
            for chunk in column.chunks if pa.types.is_dictionary(column.type) else ():
                lengths = pc.binary_length(chunk.dictionary).take(chunk.indices)
                letters += pc.sum(lengths).as_py() or 0
                check_bytes(letters)
        columns = [[value_text(cell) for cell in column.to_pylist()] for column in table.columns]
    except (TooLarge, MemoryError):
        raise
    except Exception as error:  # damaged files raise anything
        raise UsageError(
            tr("{name} can't be read as Parquet", name=name),
            why=str(error)[:200],
            fix=tr("export it again"),
        ) from error
    return [list(table.column_names), *(list(row) for row in zip(*columns, strict=True))]
