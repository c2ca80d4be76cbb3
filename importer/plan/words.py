"""Messages for rows that aren't sent: verdict → the outcome in the results file."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from importer.i18n import tr, tr_noop
from importer.matching.verdicts import Kind, Reason
from importer.problems import field_word
from importer.records import Outcome, Status

if TYPE_CHECKING:
    from collections.abc import Sequence

    from importer.matching.verdicts import Verdict

_REASONS = {
    Reason.OTHER_NAME: tr_noop("the {field} belongs to {whom}, with another name"),
    Reason.TWO_CUSTOMERS: tr_noop("it may be {whom}: both fit equally well"),
    Reason.TWO_PEOPLE: tr_noop("it fits {whom}, but so does another person of this sheet"),
    Reason.OTHER_BIRTHDAY: tr_noop("looks like {whom}, but the date of birth differs"),
    Reason.CLAIM: tr_noop("claims to be {whom}; only the name agrees"),
    Reason.SAME_EMAIL: tr_noop("maybe {whom}: the same e-mail address with another name"),
    Reason.SAME_BIRTHDAY: tr_noop("maybe {whom}: the same name and date of birth, another phone"),
    Reason.SAME_NAME: tr_noop("maybe {whom}: the same name"),
    Reason.CODE_ZEROS: tr_noop("maybe {whom}: the codes differ by leading zeros only"),
    Reason.GONE: tr_noop("was created as {whom}, who is no longer at Clopos"),
    Reason.HELD: tr_noop("held back because of {whom} by an earlier run; Clopos was not asked now"),
}


_MADE_ONE = {
    "M3": "cid",
    "M5": "phone",
    "M7": "code",
    "M10": "email",
    "M11": "date_of_birth",
    "M16": "phone",
}


def outcome_of(verdict: Verdict, *, created: bool = False) -> Outcome:
    """Return the outcome of a row that isn't sent; `created` says that this run created it."""
    row, first = verdict.row, next(iter(verdict.customers), None)
    match verdict.kind:
        case Kind.EXISTS:
            status = Status.CREATED if created and not verdict.differs else Status.EXISTS
            return Outcome(row, status, clopos_id=first, message=_exists(verdict))
        case Kind.DUPLICATE:
            of = verdict.rows[0]
            message = tr("the same person as row {of}", of=of)
            return Outcome(
                row, Status.DUPLICATE, field=_by_what(verdict), duplicate_of=of, message=message
            )
        case Kind.SETTLE:
            message = tr("an earlier run sent it without a certain answer; the next run settles it")
            return Outcome(row, Status.UNKNOWN, message=message)
        case _:
            decided = verdict.kind is Kind.SKIP
            return Outcome(
                row,
                Status.CONFLICT,
                field=verdict.field,
                existing_id=first,
                duplicate_of=next(iter(verdict.rows), None),
                message=tr("decided: skip") if decided else _conflict(verdict),
                decided=decided,
            )


def with_name(outcome: Outcome, name: str) -> Outcome:
    """Return a conflict with the name of the customer that it names first."""
    whom = tr("customer {id}", id=outcome.existing_id)
    message = outcome.message.replace(whom, f"{whom} («{name}»)", 1)
    return replace(outcome, message=message)


def field_list(fields: Sequence[str]) -> str:
    """Return names of fields as a list in words."""
    words = [field_word(name) for name in fields]
    if len(words) == 1:
        return words[0]
    return tr("{words} and {last}", words=", ".join(words[:-1]), last=words[-1])


def reason_text(reason: Reason | None, field: str | None) -> str:
    """Return a reason in words, for the plan: without customers or rows."""
    template = _REASONS[reason] if reason else tr_noop("{field}: {whom}")
    return tr(template, field=field_word(field or ""), whom=tr("another customer"))


def _by_what(verdict: Verdict) -> str:
    """Return the field by which a row repeats another."""
    return verdict.field or _MADE_ONE.get(verdict.rule, "name")


def _exists(verdict: Verdict) -> str:
    parts = []
    if verdict.differs:
        parts.append(tr("at Clopos with another {fields}", fields=field_list(verdict.differs)))
    parts += [
        tr("customer {id} holds one of its values, too", id=other) for other in verdict.remarks
    ]
    if not verdict.confirmed:
        parts.append(tr("known from an earlier run; Clopos was not asked"))
    return "; ".join(parts)


def _conflict(verdict: Verdict) -> str:
    whom = [tr("customer {id}", id=each) for each in verdict.customers]
    whom += [tr("row {row}", row=each) for each in verdict.rows]
    named = field_list(whom) if whom else tr("another customer")
    reason = verdict.reason or Reason.OTHER_NAME
    field = field_word(verdict.field or "")
    return tr(_REASONS[reason], field=field, whom=named)
