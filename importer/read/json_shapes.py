"""Shapes of JSON that hold a list of customers, other than an array of objects."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

from importer.mapping.header_words import meaning

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

DEEPEST = 3
"""Objects in objects that are looked into."""
_NAMES = frozenset(["full", "first", "last"])
_OTHERS = frozenset(["phone", "email", "date_of_birth", "gender"])
_FEWEST_KEYS = 3  # of an object whose keys are ids
_SOME = 100  # objects that show which keys there are
_MOSTLY = 0.7  # share of its values that must be customers


def is_customer(value: dict[str, Any]) -> bool:
    """Return whether the plain values of an object are a name and something else of a person."""
    return _tell_a_person(key for key, each in value.items() if not isinstance(each, dict | list))


def _tell_a_person(keys: Iterable[str]) -> bool:
    fields = {word.field for key in keys if (word := meaning(key))}
    return not fields.isdisjoint(_NAMES) and not fields.isdisjoint(_OTHERS)


def one_list(value: Any) -> list[Any] | None:
    """Return the one list of objects that an object holds, None when it holds none or several.

    A list inside one customer, of orders say, isn't the list of customers.
    """
    if not isinstance(value, dict) or is_customer(value):
        return None
    if found := _by_id(value):
        return found
    lists = list(_lists(value))
    return lists[0] if len(lists) == 1 else None


def _lists(value: Any, depth: int = 0) -> Iterator[list[Any]]:
    """Yield the lists of objects that an object holds, itself or in objects of its own."""
    for each in value.values() if isinstance(value, dict) else ():
        if isinstance(each, list) and each and all(isinstance(item, dict) for item in each):
            yield each
        elif isinstance(each, dict) and is_customer(each):
            yield [each]
        elif isinstance(each, dict) and (found := _by_id(each)):
            yield found
        elif depth < DEEPEST:
            yield from _lists(each, depth + 1)


def _by_id(value: dict[str, Any]) -> list[Any] | None:
    """Return the customers of an object whose keys are their ids, each key as `id`.

    A key without a digit tells what its value is: `billing`, `shipping`.
    """
    objects = [each for each in value.values() if isinstance(each, dict)]
    if len(objects) < max(_FEWEST_KEYS, len(value)):
        return None
    keyed = all(any(map(str.isdigit, key)) for key in value)
    if not keyed or sum(map(is_customer, objects)) < _MOSTLY * len(objects):
        return None
    return [{"id": key} | each for key, each in value.items()]


def pages(values: list[Any]) -> list[Any] | None:
    """Return the objects of several answers of an API, or of several arrays, one after another."""
    lists = [each if isinstance(each, list) else one_list(each) for each in values]
    found = [item for each in lists if each for item in each]
    whole = len(found) >= 2 * len(values) > 2 and all(each is not None for each in lists)
    people = [item for item in found if isinstance(item, dict) and is_customer(item)]
    return found if whole and len(people) >= _MOSTLY * len(found) > 0 else None


def table(value: Any) -> list[list[Any]] | None:
    """Return the header and rows of a table that isn't written as objects; None if it is none.

    That is an array of arrays, such an array beside the names of its columns, or an object that
    has, under each header, all values of the column.
    """
    if isinstance(value, list):
        return value if _is_table(value) else None
    if not isinstance(value, dict):
        return None
    if (rows := _beside_columns(value)) or (rows := _of_columns(value)):
        return rows
    return None


def _beside_columns(value: dict[str, Any]) -> list[list[Any]] | None:
    tables = [each for each in value.values() if _is_table(each)]
    if len(tables) != 1:
        return None
    width = len(tables[0][0])
    lists = [each for each in value.values() if isinstance(each, list) and len(each) == width]
    headers = [
        names
        for names in map(_names, lists)
        if all(isinstance(name, str) for name in names) and len(set(names)) == width
    ]
    return [headers[0], *tables[0]] if len(headers) == 1 else None


def _names(columns: list[Any]) -> list[Any]:
    """Return what columns are called: `["phone"]`, or `[{"name": "phone", "type": "text"}]`."""
    if all(isinstance(column, dict) for column in columns):
        return [column.get("name") or column.get("title") for column in columns]
    return columns


def _of_columns(value: dict[str, Any]) -> list[list[Any]] | None:
    columns = list(value.values())
    if not _tell_a_person(value) or len(columns) < 2:
        return None
    if all(isinstance(column, dict) for column in columns):
        if any(list(one) != list(other) for one, other in pairwise(columns)):
            return None
        columns = [list(column.values()) for column in columns]
    if not all(isinstance(column, list) and len(column) > 1 for column in columns):
        return None
    if len(set(map(len, columns))) > 1 or not all(map(_is_plain, columns)):
        return None
    return [list(value), *map(list, zip(*columns, strict=True))]


def _is_table(value: Any) -> bool:
    """Return whether a value is an array of arrays of plain values, none longer than the first."""
    return (
        isinstance(value, list)
        and len(value) > 1
        and all(isinstance(row, list) and row and _is_plain(row) for row in value)
        and len(value[0]) > 1
        and max(map(len, value)) <= len(value[0])
    )


def _is_plain(values: list[Any]) -> bool:
    return not any(isinstance(each, dict | list) for each in values)


def list_within(rows: list[Any]) -> str | None:
    """Return under which key most customers seem to be, in lists within these objects, or None.

    Branches, each with its customers; a firm has one or two people.
    """
    for key in dict.fromkeys(key for row in rows[:_SOME] for key in row):
        lists = [row[key] for row in rows if isinstance(row.get(key), list)]
        found = [item for each in lists for item in each if isinstance(item, dict)]
        if len(found) > 3 * len(rows) and sum(map(is_customer, found)) >= _MOSTLY * len(found):
            return str(key)
    return None
