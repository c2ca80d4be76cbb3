"""Customers as the API lists them (API facts §5)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from importer.clopos.responses import ClassifiedResponse, as_id
from importer.text import digits_of


@dataclass(frozen=True, slots=True)
class Existing:
    """A customer at Clopos. None where it has nothing.

    `phones` are digits, the primary first; `typed_phones` the same as Clopos holds them.
    """

    id: str
    cid: str | None = None  # lower case
    name: str | None = None
    phones: tuple[str, ...] = ()
    email: str | None = None
    code: str | None = None
    gender: int | None = None
    date_of_birth: str | None = None
    description: str | None = None
    group_id: int | None = None
    typed_phones: tuple[str, ...] = ()

    def fields(self) -> dict[str, Any]:
        """Return what can be compared, by the API's names (API facts §5.3)."""
        return {
            "cid": self.cid,
            "name": self.name,
            "phones": self.typed_phones,
            "email": self.email,
            "code": self.code,
            "gender": self.gender,
            "date_of_birth": self.date_of_birth,
            "description": self.description,
        }


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list. `total` is the number of matches before paging, None if not stated."""

    customers: tuple[Existing, ...]
    total: int | None

    @property
    def shows_cids(self) -> bool:
        """Return whether the list has a cid for any customer; without, it proves no absence."""
        return not self.customers or any(each.cid for each in self.customers)


def page_of(answer: ClassifiedResponse) -> Page:
    """Return the customers of a list; what isn't a customer with an id is left out."""
    # PHP writes a list with a gap as an object of numbers.
    items = answer.data.values() if isinstance(answer.data, dict) else answer.data or []
    found = (existing_of(item) for item in items)
    return Page(tuple(existing for existing in found if existing), answer.total)


def named_of(answer: ClassifiedResponse) -> tuple[tuple[str, str], ...]:
    """Return (id, name) of the entries of a list; what has no id or no name is left out."""
    items = answer.data if isinstance(answer.data, list) else []
    pairs = ((as_id(i.get("id")), i.get("name")) for i in items if isinstance(i, dict))
    return tuple((id_, name) for id_, name in pairs if id_ and isinstance(name, str) and name)


def groups_of(answer: ClassifiedResponse) -> tuple[tuple[int, str], ...]:
    """Return (id, name) of the groups of a list; what has no number or no name is left out."""
    items = answer.data if isinstance(answer.data, list) else []
    pairs = (
        (as_id(i.get("id")), i.get("name"))
        for i in items
        if isinstance(i, dict) and not i.get("deleted_at")
    )
    return tuple(
        (int(number), name)
        for number, name in pairs
        if number and number.isdecimal() and isinstance(name, str)
    )


def existing_of(item: Any) -> Existing | None:
    """Return a customer object of the API, None when it has no id."""
    clopos_id = as_id(item.get("id")) if isinstance(item, dict) else None
    if clopos_id is None:
        return None

    def text(name: str) -> str | None:
        value = item.get(name)
        return value if isinstance(value, str) and value else None

    def number(name: str) -> int | None:
        value = item.get(name)
        return value if isinstance(value, int) and not isinstance(value, bool) else None

    others = item.get("phones")
    phones = [item.get("phone"), *(others if isinstance(others, list) else [])]
    digits = (digits_of(phone) for phone in phones if isinstance(phone, str))
    cid = text("cid")
    return Existing(
        id=clopos_id,
        cid=cid.lower() if cid else None,
        name=text("name"),
        phones=tuple(dict.fromkeys(each for each in digits if each)),
        email=text("email"),
        code=text("code") or as_id(item.get("code")),
        gender=number("gender"),
        date_of_birth=text("date_of_birth"),
        description=text("description"),
        group_id=number("group_id"),
        typed_phones=tuple(phone for phone in phones if isinstance(phone, str) and phone),
    )
