"""JSON → records: objects one a line, all in one array, or in an answer of some API."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from importer.errors import UsageError
from importer.i18n import tr

if TYPE_CHECKING:
    from collections.abc import Iterator

_DEEPEST = 3  # objects in objects that are looked into


def json_records(text: str, name: str) -> list[list[str]]:
    """Return a header of all keys in order, and a record for each object.

    An object in an object has a column for each of its keys, `contact.phone`.

    Raises UsageError when the text isn't JSON, or holds something else than objects.
    """
    try:
        rows = _whole(text) if _is_one(text) else _lines(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(
            tr("{name} can't be read as JSON lines", name=name),
            why=str(error)[:200],
            todo=tr("write one object a line, or export as CSV"),
        ) from error
    if not all(isinstance(row, dict) for row in rows):
        raise UsageError(
            tr("{name} holds something else than objects", name=name),
            todo=tr("write one object a line"),
        )
    rows = list(map(_flat, rows))
    headers = list(dict.fromkeys(key for row in rows for key in row))
    records = ([value_text(row.get(header)) for header in headers] for row in rows)
    return [[_whole_letters(header) for header in headers], *records]


def _flat(row: dict[str, Any], before: str = "", depth: int = 0) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in row.items():
        if isinstance(value, dict) and value and depth < _DEEPEST:
            found |= _flat(value, f"{before}{key}.", depth + 1)
        else:
            found[before + key] = value
    return found


def value_text(cell: object) -> str:
    """Return a typed value as text: numbers without `.0`, nested ones as JSON."""
    if cell is None:
        return ""
    if isinstance(cell, str):
        return _whole_letters(cell)
    if isinstance(cell, bool):
        return "TRUE" if cell else "FALSE"
    if isinstance(cell, float):
        # A number that isn't one stands for nothing, as in every table of floats.
        return "" if math.isnan(cell) else str(int(cell)) if cell.is_integer() else repr(cell)
    if isinstance(cell, bytes):
        return cell.decode("utf-8", "replace")
    if isinstance(cell, list | dict):
        return _whole_letters(json.dumps(cell, ensure_ascii=False, default=str))
    return str(cell)


def _is_one(text: str) -> bool:
    """Tell whether the whole text is one value: its first line alone is none."""
    first = text.lstrip().partition("\n")[0].strip()
    try:
        return not isinstance(json.loads(first), dict)
    except ValueError:
        return True


def _lines(text: str) -> list[Any]:
    rows = []
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            try:
                rows.append(json.loads(line))
            except ValueError as error:
                raise ValueError(f"line {number}: {error}") from error
    # One line may be the answer of an API.
    return _listed(rows[0]) or rows if len(rows) == 1 else rows


def _whole(text: str) -> list[Any]:
    value = json.loads(text)
    return value if isinstance(value, list) else _listed(value) or [value]


def _listed(value: Any) -> list[Any] | None:
    """Return the one list of objects that an object holds, None when it holds none or several."""
    lists = list(_lists(value))
    return lists[0] if len(lists) == 1 else None


def _lists(value: Any, depth: int = 0) -> Iterator[list[Any]]:
    """Yield the lists of objects that an object holds, itself or in objects of its own."""
    for each in value.values() if isinstance(value, dict) else ():
        if isinstance(each, list) and each and all(isinstance(item, dict) for item in each):
            yield each
        elif depth < _DEEPEST:
            yield from _lists(each, depth + 1)


def _whole_letters(text: str) -> str:
    """Return text that can be written: half a letter (a lone surrogate) becomes U+FFFD."""
    if text.isascii():
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
