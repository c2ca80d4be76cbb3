"""Compare a row with a person: shared values, and the rules that apply to them.

A person is a customer with all evidence of it, or a row of the sheet with those that repeat it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from importer.matching.evidence import loosely
from importer.matching.names import alike, equal, share_a_word
from importer.matching.verdicts import Reason

if TYPE_CHECKING:
    from collections.abc import Iterable

    from importer.matching.evidence import Evidence


class Person:
    """The values of one person, from all evidence of it."""

    __slots__ = (
        "birthdays",
        "cids",
        "codes",
        "emails",
        "held",
        "looks",
        "loose",
        "names",
        "phones",
    )

    def __init__(self, looks: Iterable[Evidence], held: Iterable[Evidence] = ()) -> None:
        self.looks: list[Evidence] = []
        self.held = {evidence.name for evidence in held}
        self.cids: set[str] = set()
        self.phones: set[str] = set()
        self.codes: set[str] = set()
        self.loose: set[str] = set()
        self.emails: set[str] = set()
        self.birthdays: set[str] = set()
        self.names: set[str] = set()
        for evidence in looks:
            self.add(evidence)

    def add(self, evidence: Evidence) -> None:
        """Add evidence of the person from one place."""
        self.looks.append(evidence)
        self.phones.update(evidence.phones)
        self.codes.update(evidence.codes)
        self.loose.update(map(loosely, evidence.codes))
        self.emails.update(evidence.emails)
        for values, value in (
            (self.cids, evidence.cid),
            (self.birthdays, evidence.birthday),
            (self.names, evidence.name),
        ):
            if value:
                values.add(value)


class Fit(NamedTuple):
    """Values that a row and a person share. `birthday` is None where one of them has none."""

    cid: bool
    phone: bool
    code: bool
    loose: bool  # the codes are equal but for leading zeros and a trailing .0
    email: bool
    birthday: bool | None
    alike: bool
    equal: bool
    claimed: bool = False

    @property
    def score(self) -> tuple[int, ...]:
        """Return how good the evidence is: what is unique at Clopos first."""
        unique = self.phone + self.code  # most cids are made of these: a cid adds no evidence
        return (
            unique,
            self.birthday is True,
            self.email,
            self.claimed,
            self.cid and not unique,
            self.alike,
            self.equal,
            self.loose and not self.code,
        )


def fit(row: Evidence, person: Person, *, claimed: bool = False) -> Fit:
    """Return what a row and a person share."""
    known = bool(row.birthday and person.birthdays)
    return Fit(
        cid=bool(row.cid) and row.cid in person.cids,
        phone=not person.phones.isdisjoint(row.phones),
        code=not person.codes.isdisjoint(row.codes),
        loose=any(loosely(code) in person.loose for code in row.codes),
        email=not person.emails.isdisjoint(row.emails),
        birthday=row.birthday in person.birthdays if known else None,
        alike=_is_named_so(row.name, person.names),
        equal=any(equal(row.name, name) for name in person.names),
        claimed=claimed,
    )


def same(row: Evidence, person: Person, found: Fit, *, in_sheet: bool = False) -> str | None:
    """Return the rule by which a row is that person, whatever its date of birth; None: it isn't.

    M3, M5, M7, M10 and M11; `in_sheet`: both are rows of one sheet.
    """
    if found.alike:
        if found.cid:
            return "M3"
        if found.phone:
            return "M5"
        if found.code:
            return "M7"
        if found.email:
            return "M10"
        if found.birthday and found.equal and not _both_have_a_value(row, person):
            return "M11"
        if found.loose and not in_sheet and not differs(row.phones, person.phones):
            return "M7"
    elif not in_sheet and not held_before(row, person) and _two_agree(row, person, found):
        return "M7"
    return None


def clash(row: Evidence, found: Fit, rule: str | None) -> tuple[str, str, Reason] | None:
    """Return rule, field and reason why a row can't be sent beside that person; None: it can.

    `rule` is what `same` says: a person with another date of birth is another (M13).
    """
    if rule and found.birthday is False:
        field = next((name for name in ("phone", "code", "email") if getattr(found, name)), None)
        return "M13", field or "date_of_birth", Reason.OTHER_BIRTHDAY
    if rule:
        return None
    if found.cid and row.made_of in {"own", "code"} and not found.phone:
        return "M4", "cid" if row.made_of == "own" else "code", Reason.OTHER_NAME
    if found.phone:
        return "M6", "phone", Reason.OTHER_NAME
    if found.code:
        return "M8", "code", Reason.OTHER_NAME
    if found.cid and row.made_of == "own":
        return "M4", "cid", Reason.OTHER_NAME
    return None


def held_before(row: Evidence, person: Person) -> bool:
    """Return whether this name was compared with this customer before, and is still undecided."""
    # Quickly: a thousand rows may have the phone of one customer.
    return row.name in person.held or any(alike(row.name, name) for name in person.held)


def differs(values: Iterable[str], others: set[str]) -> bool:
    """Return whether both have values and none in common."""
    mine = set(values)
    return bool(mine) and bool(others) and mine.isdisjoint(others)


def consistent(row: Evidence, person: Person) -> bool:
    """Return whether a row may be the person of all these rows: alike names, no other birthday."""
    return all(alike(row.name, name) for name in person.names) and not differs(
        [row.birthday] if row.birthday else (), person.birthdays
    )


def _is_named_so(name: str, names: set[str]) -> bool:
    """Return whether a name is alike to one of a person's, and to all that are alike to that one.

    Someone who is Aysel at Clopos and Aysel M. in a sheet isn't Aysel R.; after marriage a person
    has two names.
    """
    near = [known for known in names if alike(name, known)]
    return len(near) == len(names) > 0 or any(
        all(other in near for other in names if alike(known, other)) for known in near
    )


def _both_have_a_value(row: Evidence, person: Person) -> bool:
    return bool(
        (row.phones and person.phones)
        or (row.codes and person.codes)
        or (row.emails and person.emails)
    )


def _two_agree(row: Evidence, person: Person, found: Fit) -> bool:
    """Return whether two values agree, so that the name may have changed, e.g. by marriage (M7)."""
    agree = found.phone + found.code + found.email
    if found.code or (found.cid and row.made_of == "own"):
        return agree + (found.birthday is True) + (found.cid and row.made_of == "own") >= 2
    return agree >= 2 and any(share_a_word(row.name, name) for name in person.names)
