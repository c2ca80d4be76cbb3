"""Check the JSON of another process against the annotations of a dataclass."""

from __future__ import annotations

from dataclasses import fields
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin, get_type_hints

from importer.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping


def check_values(cls: type, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values for fields of a dataclass; lists become tuples.

    Raises UsageError for a field it doesn't have and for a value of another kind.
    """
    known = [each.name for each in fields(cls) if not each.name.startswith("_")]
    hints = get_type_hints(cls, localns={"Mapping": dict})
    for name, value in values.items():
        if name not in known:
            raise UsageError(f"The sandbox has no {name!r}", fix=f"one of {', '.join(known)}")
        if not _fits(value, hints[name]):
            raise UsageError(f"{name} can't be {value!r} in the sandbox", why=f"{hints[name]}")
    return {name: tuple(v) if isinstance(v, list) else v for name, v in values.items()}


def _fits(value: Any, kind: Any) -> bool:
    """Return whether a value of JSON is of an annotated kind; numbers are never negative."""
    origin, args = get_origin(kind), get_args(kind)
    if origin is Literal:
        return value in args
    if origin is UnionType:
        return any(_fits(value, each) for each in args)
    if origin is tuple:
        each = (
            args[:1] * len(value) if args[-1] is ... and isinstance(value, list | tuple) else args
        )
        return (
            isinstance(value, list | tuple)
            and len(value) == len(each)
            and all(map(_fits, value, each))
        )
    if origin is dict:
        return isinstance(value, dict) and all(_fits(each, args[1]) for each in value.values())
    if kind in {int, float}:
        return type(value) in {int, kind} and value >= 0
    return kind is Any or type(value) is (NoneType if kind is None else kind)
