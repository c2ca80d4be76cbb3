"""The upstream's handling of requests that came through: create, list, get, groups, venues.

Synchronous and without faults: those are the gateway's.
"""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING, Any

from importer.sandbox import responses as bodies
from importer.sandbox.auth import RefusedError
from importer.sandbox.store import FIELDS, SORTS, ClashError, Query, Store, stamp

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from importer.sandbox.auth import Caller
    from importer.sandbox.config import Config

EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
UUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
FILTER = re.compile(r"filters\[([0-9]+)\]\[([01])\]")
TEXTS = tuple(name for name in FIELDS if name not in {"group_id", "gender"})
LONGEST = 255  # characters; the sources name no length
LONGEST_DESCRIPTION = 65_535


def create(
    store: Store, caller: Caller, body: Any, config: Config, version: int, now: float
) -> dict[str, Any]:
    """Create a customer and return `data` of the answer. `now` in epoch seconds.

    Raises RefusedError: 400 for a body that isn't right, 409 for a value that is taken.
    """
    given = body if isinstance(body, dict) else {}
    wrong = complaint(given, config, today=stamp(now)[:10])
    if wrong:
        raise RefusedError(bodies.validation(wrong))
    values = {name: given[name] for name in FIELDS if name in given}
    if not config.keeps_cid:
        values.pop("cid", None)
    try:
        row = store.add(
            caller.brand, values, now=now, venue_id=caller.venue_id, order=config.conflict_order
        )
    except ClashError as clash:
        if config.upsert:
            row = store.holder(caller.brand, clash.field, given[clash.field])
            return bodies.customer(row, version, config)
        raise RefusedError(bodies.conflict(clash.field, config)) from None
    if version == 1:
        return bodies.created_v1(row, given, config)
    return bodies.customer(row, 2, config)


def complaint(body: Mapping[str, Any], config: Config, *, today: str) -> str | None:
    """Return the first thing wrong with the fields of a customer, None when all is well.

    Only the sentence about the name is Clopos' own (API facts §4.4).
    """
    name = body.get("name")
    if name is None or name == "" or str(name).isspace():
        return "The name field is required."
    if body.get("group_id") is not None and not _among(body["group_id"], len(config.groups)):
        return "The selected group id is invalid."
    if body.get("gender") is not None and not _among(body["gender"], 2):
        return "The selected gender is invalid."
    return _text_complaint(
        {name: body[name] for name in TEXTS if body.get(name) is not None}, today
    )


def find(
    store: Store,
    caller: Caller,
    query: Iterable[tuple[str, str]],
    config: Config,
    version: int,
    now: float,
) -> tuple[list[dict[str, Any]], int, int, int]:
    """Return one page of customers, how many match in all, the page and the limit used.

    Parameters that aren't known are ignored, misspelt filters too (API facts §5.1).
    """
    given = dict(query)
    page, limit = paging(
        given, *((20, config.v1_max_limit) if version == 1 else (50, config.v2_max_limit))
    )
    filters = _filters(given)
    sort = given.get("sort[0]", "")
    group = filters.get("group_id")
    asked = Query(
        brand=caller.brand,
        name=filters.get("name"),
        phones=filters.get("phones"),
        phones_filter=config.phones_filter,
        group_id=None if group is None else int(group) if group.isdecimal() else -1,
        since=given.get("date[0]"),
        until=given.get("date[1]"),
        created_by=stamp(now - config.list_lag) if config.list_lag else None,
        sort=sort if sort in SORTS else "created_at",
        descending=given.get("sort[1]", "-1" if sort not in SORTS else "1") == "-1",
        page=page,
        limit=limit,
    )
    rows, total = store.find(asked)
    group_too = any(name.startswith("with[") and value == "group" for name, value in given.items())
    shown = [bodies.customer(row, version, config, with_group=group_too) for row in rows]
    if not config.lists_cid:
        for each in shown:
            del each["cid"]
    return shown, total, page, limit


def get(store: Store, caller: Caller, number: str, config: Config, version: int) -> dict[str, Any]:
    """Return a visible customer by its id. Raises RefusedError, 404, when there is none."""
    row = store.get(caller.brand, int(number)) if _is_number(number) else None
    if row is None:
        raise RefusedError(bodies.not_found(number))
    return bodies.customer(row, version, config)


def paging(given: Mapping[str, str], usual: int, most: int) -> tuple[int, int]:
    """Return page and limit; what is out of range is silently moved into it."""
    page, limit = given.get("page", "1"), given.get("limit", str(usual))
    return (
        max(int(page), 1) if _is_number(page) else 1,
        min(max(int(limit), 1), most) if _is_number(limit) else min(usual, most),
    )


def _filters(given: Mapping[str, str]) -> dict[str, str]:
    """Return `filters[N][0]=field` and `filters[N][1]=value` as field → value."""
    pairs: dict[str, dict[str, str]] = {}
    for name, value in given.items():
        if part := FILTER.fullmatch(name):
            pairs.setdefault(part[1], {})[part[2]] = value
    return {pair["0"]: pair["1"] for pair in pairs.values() if len(pair) == 2}


def _text_complaint(texts: Mapping[str, Any], today: str) -> str | None:
    for name, value in texts.items():
        label = name.replace("_", " ")
        if not isinstance(value, str):
            return f"The {label} must be a string."
        longest = LONGEST_DESCRIPTION if name == "description" else LONGEST
        if len(value) > longest:
            return f"The {label} may not be greater than {longest} characters."
    if "email" in texts and not EMAIL.fullmatch(texts["email"]):
        return "The email must be a valid email address."
    if "cid" in texts and not UUID.fullmatch(texts["cid"]):
        return "The cid must be a valid UUID."
    born = texts.get("date_of_birth")
    if born is not None and not _is_date(born):
        return "The date of birth does not match the format Y-m-d."
    if born is not None and born > today:
        return "The date of birth must be a date before or equal to today."
    return None


def _among(value: object, last: int) -> bool:
    return type(value) is int and 1 <= value <= last


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 18


def _is_date(text: str) -> bool:
    if not DATE.fullmatch(text):
        return False
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True
