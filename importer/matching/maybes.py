"""Evidence that isn't enough to decide: a row that may be a customer is held back."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from importer.matching.fit import differs
from importer.matching.names import equal
from importer.matching.verdicts import Reason

if TYPE_CHECKING:
    from collections.abc import Callable

    from importer.matching.customers import Candidate, Holder
    from importer.matching.evidence import Evidence
    from importer.matching.fit import Fit


class Maybe(NamedTuple):
    """A rule for rows that may be a customer.

    `test` takes the row, a customer that shares something with it, and whether that customer has
    a row of its own in this sheet.
    """

    rule: str
    field: str | None
    reason: Reason
    test: Callable[[Evidence, Candidate, bool], bool]


def _claimed(evidence: Evidence, candidate: Candidate, _has_row: bool) -> bool:
    person = candidate.holder.person
    return (
        candidate.fit.claimed
        and candidate.fit.alike
        and candidate.fit.birthday is not False
        and not any(
            differs(mine, theirs)
            for mine, theirs in (
                (evidence.phones, person.phones),
                (evidence.codes, person.codes),
                (evidence.emails, person.emails),
            )
        )
    )


def _same_email(_evidence: Evidence, candidate: Candidate, has_row: bool) -> bool:
    return candidate.fit.email and not candidate.fit.alike and not has_row


def _birthday_of(_evidence: Evidence, candidate: Candidate, _has_row: bool) -> bool:
    return same_birthday(candidate.fit)


def same_birthday(found: Fit) -> bool:
    """Return whether name and birthday are equal (M11b)."""
    return found.birthday is True and found.equal


def _code_without_zeros(_evidence: Evidence, candidate: Candidate, has_row: bool) -> bool:
    found = candidate.fit
    return found.loose and not found.code and found.alike and not has_row


def _namesake(evidence: Evidence, candidate: Candidate, has_row: bool) -> bool:
    return evidence.name_only and candidate.fit.equal and not has_row


MAYBE_RULES = (
    Maybe("M1b", None, Reason.CLAIM, _claimed),
    Maybe("M10b", "email", Reason.SAME_EMAIL, _same_email),
    Maybe("M11b", "date_of_birth", Reason.SAME_BIRTHDAY, _birthday_of),
    Maybe("M7", "code", Reason.CODE_ZEROS, _code_without_zeros),
    Maybe("M12", None, Reason.SAME_NAME, _namesake),
)
"""In the order of the table. M12b looks beyond the candidates: `may_have_new_phone`."""


def may_have_new_phone(evidence: Evidence, holder: Holder) -> bool:
    """Return whether a row may be a customer whose row left the sheet (M12b)."""
    person = holder.person
    birthday = [evidence.birthday] if evidence.birthday else []
    return any(equal(evidence.name, name) for name in person.names) and not (
        differs(evidence.emails, person.emails)
        or differs(evidence.codes, person.codes)
        or differs(birthday, person.birthdays)
    )
