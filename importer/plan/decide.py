"""Verdicts on the rows → what is to be sent, and what is known of the others without sending."""

from __future__ import annotations

from array import array
from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from importer.matching.verdicts import Kind
from importer.plan.cost import Price, local_time
from importer.plan.rows import Variant
from importer.plan.words import outcome_of, reason_text
from importer.records import Outcome, Status

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from importer.matching.verdicts import Matches, Reason, Verdict
    from importer.questions.question import Question

_EXAMPLES = 5  # rows named of each kind of clash


class Approach(StrEnum):
    """Approach to comparing rows with Clopos."""

    LIST = "list"  # all customers were read
    LOOK_UP = "look_up"  # each row is looked up before it is sent
    BLIND = "blind"  # not at all


@dataclass(frozen=True, slots=True)
class Compared:
    """The comparison of the rows with Clopos.

    `customers` is how many Clopos has (None: not asked, or no answer); `full_minutes` what reading
    all of them would take, where that wasn't done.
    """

    approach: Approach
    customers: int | None = None
    full_minutes: float | None = None


@dataclass(frozen=True, slots=True)
class Clash:
    """Rows that are held back for one reason; `rows` are the first few of `count`."""

    field: str | None
    reason: Reason | None
    count: int
    rows: tuple[int, ...]

    @property
    def text(self) -> str:
        """Return the reason in a few words."""
        return reason_text(self.reason, self.field)


@dataclass(frozen=True, slots=True)
class Decided:
    """Sum of the verdicts.

    `to_send` are row numbers in the sheet's order, `variants` is row → how it is sent where not as
    it stands. `outcomes` are those of all other rows. `anew` is row → id of the customer that was
    deleted at Clopos and is created again. `differing` is field → rows that are at Clopos with
    another value.
    """

    to_send: Sequence[int]
    variants: Mapping[int, Variant]
    outcomes: tuple[Outcome, ...]
    held_back: int  # rows beyond --limit
    anew: Mapping[int, str]
    differing: Mapping[str, int]
    clashes: tuple[Clash, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """Rows to send, their cost, and the outcomes that are known without sending."""

    decided: Decided
    price: Price
    compared: Compared
    questions: tuple[Question, ...] = ()
    dropped_claims: tuple[int, ...] = ()

    @property
    def to_send(self) -> Sequence[int]:
        """Return the numbers of the rows that are to be sent, in the sheet's order."""
        return self.decided.to_send

    @property
    def outcomes(self) -> tuple[Outcome, ...]:
        """Return the outcomes of the rows that aren't sent."""
        return self.decided.outcomes

    def count(self, status: Status) -> int:
        """Return how many rows that aren't sent have this status."""
        return sum(outcome.status is status for outcome in self.outcomes)

    @property
    def undecided(self) -> int:
        """Return how many conflicts need a person."""
        return sum(each.status is Status.CONFLICT and not each.decided for each in self.outcomes)

    def as_dict(self) -> dict[str, Any]:
        """Return the plan as `--dry-run --json` prints it."""
        price, decided = self.price, self.decided
        exists = self.count(Status.EXISTS) + self.count(Status.CREATED)
        here = {Status.EXISTS, Status.CREATED}
        different = sum(bool(o.message) and o.status in here for o in self.outcomes)
        return {
            "to_create": len(decided.to_send),
            "to_settle": self.count(Status.UNKNOWN),
            "held_back": decided.held_back,
            "exists": {
                "identical": exists - different,
                "different": different,
                "fields": dict(decided.differing),
            },
            "clashes": [
                {
                    "fields": [clash.field] if clash.field else [],
                    "reason": clash.text,
                    "count": clash.count,
                    "rows": list(clash.rows),
                }
                for clash in decided.clashes
            ],
            "compared": {
                "with": str(self.compared.approach),
                "customers": self.compared.customers,
                "full_minutes": self.compared.full_minutes,
            },
            "requests": {
                "total": price.requests,
                "posts": price.creates,
                "reads": price.reads,
                "auths": price.sign_ins,
            },
            "minutes": None if price.minutes is None else round(price.minutes, 2),
            "finish": local_time(price.finish),
            "finish_by": local_time(price.deadline),
            "fits": price.fits,
            "created_in_time": price.in_time,
        }


def decide(
    matches: Matches,
    generations: Mapping[int, int],
    created: Collection[int] = frozenset(),
    limit: int | None = None,
) -> Decided:
    """Sort the rows by their verdicts.

    `generations` is row → generation of its key where not 0, `created` are rows that this run
    created in an earlier part, `limit` is how many rows may be sent (None: all).
    """
    draft = _Draft(generations, created)
    for verdict in matches.verdicts:
        draft.add(verdict)
    held_back = 0
    if limit is not None:
        held_back = max(0, len(draft.to_send) - limit)
        del draft.to_send[limit:]
    clashes = tuple(
        Clash(clash, reason, draft.clashing[clash, reason], tuple(rows))
        for (clash, reason), rows in draft.examples.items()
    )
    return Decided(
        draft.to_send,
        draft.variants,
        tuple(draft.outcomes),
        held_back,
        draft.anew,
        dict(draft.differing.most_common()),
        clashes,
    )


@dataclass(slots=True)
class _Draft:
    """A plan that is being made."""

    generations: Mapping[int, int]
    created: Collection[int]
    to_send: array[int] = field(default_factory=lambda: array("q"))
    variants: dict[int, Variant] = field(default_factory=dict)
    outcomes: list[Outcome] = field(default_factory=list)
    anew: dict[int, str] = field(default_factory=dict)
    differing: Counter[str] = field(default_factory=Counter)
    clashing: Counter[tuple[str | None, Reason | None]] = field(default_factory=Counter)
    examples: dict[tuple[str | None, Reason | None], list[int]] = field(default_factory=dict)

    def add(self, verdict: Verdict) -> None:
        """Sort one row."""
        row = verdict.row
        if verdict.kind is Kind.CREATE:
            generation = self.generations.get(row, 0) + verdict.anew
            if generation or verdict.without:
                self.variants[row] = Variant(generation, verdict.without)
            if verdict.anew and verdict.customers:
                self.anew[row] = verdict.customers[0]
            self.to_send.append(row)
            return
        self.outcomes.append(outcome_of(verdict, created=row in self.created))
        if verdict.kind is Kind.EXISTS:
            self.differing.update(verdict.differs)
        elif verdict.kind is Kind.CONFLICT:
            kind = (verdict.field, verdict.reason)
            self.clashing[kind] += 1
            examples = self.examples.setdefault(kind, [])
            if len(examples) < _EXAMPLES:
                examples.append(row)
