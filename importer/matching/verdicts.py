"""Frozen values that go into matching and come out of it (who-is-this-customer §2)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

EVIDENCE = frozenset(["cid", "phone", "code", "email", "name"])
"""The kinds of evidence a full list of the customers shows; a look-up shows phone and name."""


class Kind(StrEnum):
    """Consequence of a verdict for a row."""

    CREATE = "create"
    SETTLE = "settle"  # would be created, but an earlier attempt may have landed
    EXISTS = "exists"
    CONFLICT = "conflict"
    DUPLICATE = "duplicate"
    SKIP = "skip"  # a person decided never to be asked again


class Presence(StrEnum):
    """Presence of a customer at Clopos."""

    HERE = "here"
    UNSEEN = "unseen"  # the journal has it; whether Clopos does isn't known
    GONE = "gone"  # in no complete, fresh list, and asked for by its id: 404


class Reason(StrEnum):
    """Why a row is held back, by a stable word."""

    OTHER_NAME = "other_name"  # the value is another customer's or row's
    TWO_CUSTOMERS = "two_customers"  # it fits two customers equally well
    TWO_PEOPLE = "two_people"  # two rows that aren't alike fit one customer
    OTHER_BIRTHDAY = "other_birthday"
    CLAIM = "claim"  # the rest are *maybes*: `accept` of the same word answers them
    SAME_EMAIL = "same_email"
    SAME_BIRTHDAY = "same_birthday"
    SAME_NAME = "same_name"
    CODE_ZEROS = "code_zeros"
    GONE = "gone"
    HELD = "held"  # because of a customer that this run knows nothing of


MAYBES = frozenset(
    [
        Reason.CLAIM,
        Reason.SAME_EMAIL,
        Reason.SAME_BIRTHDAY,
        Reason.SAME_NAME,
        Reason.CODE_ZEROS,
    ]
)


class Answer(StrEnum):
    """Decision of a person about a conflict (column `import_decision`)."""

    SAME = "same"  # the row is this customer
    OTHER = "other"  # it is another person: send it without the clashing value
    SKIP = "skip"  # never ask again


@dataclass(frozen=True, slots=True)
class Decision:
    """A person's answer; `customer` is the id with SAME, with OTHER one that the row is not.

    `became` is the customer that a row became by OTHER, where that was followed before.
    """

    answer: Answer
    customer: str | None = None
    became: str | None = None


class Row(NamedTuple):
    """A row to be matched: `evidence` is packed (`evidence.row_evidence`).

    `claim` is the `clopos_id` of a results file; `doubtful` says that an earlier attempt to send
    it was begun and its outcome isn't known.
    """

    number: int
    evidence: str
    claim: str | None = None
    decision: Decision | None = None
    doubtful: bool = False


class KnownCustomer(NamedTuple):
    """Record of a customer; evidence is packed.

    `now` is what Clopos holds (None: never read), `seen` what rows created or matched as this
    customer looked like: empty where this brand's journal doesn't know the id. `held` are rows
    that a conflict with this customer held back, still undecided. `had_row`: it had a row in the
    last finished run of this sheet. `decided`: a person said that some row is this customer.
    """

    id: str
    now: str | None = None
    seen: tuple[str, ...] = ()
    held: tuple[str, ...] = ()
    presence: Presence = Presence.HERE
    had_row: bool = False
    decided: bool = False


@dataclass(frozen=True, slots=True)
class MatchOptions:
    """Choices of the user.

    `accepted` are codes of questions and of Reasons that are *maybes*: there the maybe is the same
    customer. `visible` are the kinds of evidence that could be compared with Clopos, of EVIDENCE.
    `recreate`: create anew customers that were deleted at Clopos.
    """

    share_phones: bool = False  # --shared-phone without
    accepted: frozenset[str] = frozenset()
    visible: frozenset[str] = EVIDENCE
    recreate: bool = False


class Verdict(NamedTuple):
    """Verdict on one row, and the rule it follows from, one of who-is-this-customer §2.

    `customers`: the customer it is (EXISTS), was (`anew`), or those it clashes with; `rows`
    likewise: the row it repeats (DUPLICATE), or rows it clashes with. `field` is the value that
    clashed; `without` the fields that are left out when it is sent, or would be if a person
    decides `other`. `differs` names fields that Clopos holds otherwise. `remarks` are customers
    that hold a value of a row that exists. `confirmed`: Clopos was seen to have the customer.
    `unseen`: kinds of evidence of a row to be created that couldn't be looked up. `anew`: the next
    generation of the key is to be used.
    """

    row: int
    kind: Kind
    rule: str
    customers: tuple[str, ...] = ()
    rows: tuple[int, ...] = ()
    field: str | None = None
    reason: Reason | None = None
    without: tuple[str, ...] = ()
    differs: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    confirmed: bool = True
    unseen: tuple[str, ...] = ()
    anew: bool = False


@dataclass(frozen=True, slots=True)
class SheetQuestion:
    """Evidence about the whole sheet that a person has to judge: shared_codes, two_codes, gone."""

    code: str
    rows: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Matches:
    """Verdicts in the order of the rows, and messages about the sheet as a whole."""

    verdicts: tuple[Verdict, ...]
    questions: tuple[SheetQuestion, ...] = ()
    dropped_claims: tuple[int, ...] = ()  # rows whose claim proved nothing (M2)
