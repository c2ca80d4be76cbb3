"""The frozen values that go into a store and come out of it.

Everything about a person is opaque here: `packed` is the evidence of a row or customer as one
ASCII text, `keys` are the digests by which it is found. `importer.matching` makes and reads both;
a store only keeps them and compares keys for equality. Customer ids are text, times epoch seconds.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from importer.matching.verdicts import Answer

LEGACY = "layout3:"
"""Begins the `packed` of entries from journal layout 3: the digests of `matching.layout3` follow.

No other evidence may begin so.
"""


def as_id(text: str) -> int | str:
    """Return an id as a number where it is one: so it sorts as the server sorts it."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else text


class State(StrEnum):
    """State of a `cid` in the journal. A withdrawn one has no entry."""

    SENT = "sent"  # a request may have left, without a certain answer: in doubt
    CREATED = "created"
    EXISTED = "existed"  # intended, but the customer of this cid had existed before
    GONE = "gone"  # created or matched once, then deleted at Clopos: take the next generation


class Kind(StrEnum):
    """Kind of a run in the history."""

    RUN = "run"
    DRY_RUN = "dry_run"
    CHECK = "check"


class Entry(NamedTuple):
    """Journal entry of one `cid`.

    `digest` is the keyed digest of the cid. `cid` itself is kept only of an entry of layout 3 that
    is in doubt, until it is settled; else None. `after_id` is the highest Clopos id that existed
    for certain before the request left (None: unknown): a customer created by it has a higher one.
    """

    digest: str
    state: State
    run: int  # that intended it last; 0 when it was found at Clopos
    after_id: int | None
    clopos_id: str | None  # None exactly when in doubt
    packed: str
    changed: float
    cid: str | None = None

    @property
    def in_doubt(self) -> bool:
        """Return whether it isn't certain that the customer was created."""
        return self.state is State.SENT


@dataclass(frozen=True, slots=True)
class Seen:
    """A customer as it looked: at Clopos when it was read, or in a row that created or matched it.

    `keys` are all digests by which this evidence is to be found, the digest of its cid included.
    """

    customer_id: str
    packed: str
    keys: Sequence[str]


class Candidate(NamedTuple):
    """Record of a customer in the store.

    `remote` is what Clopos holds now, None when the snapshot lacks it (which proves that it is gone
    only where the snapshot is complete and fresh). `rows` are the distinct looks of rows that were
    created or matched as this customer, without those of layout 3, whose look can't be compared any
    more. `marks` are set by `People.mark`, e.g. names that were held against it.
    """

    customer_id: str
    remote: str | None = None
    rows: tuple[str, ...] = ()
    marks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """Answer to a batch of keys: key → ids of those who have it, and id → candidate.

    A key without customers is in neither.
    """

    holders: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    customers: Mapping[str, Candidate] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Decision:
    """A person's decision about a row, identified by the digest of its key."""

    row_key: str
    answer: Answer
    customer_id: str | None  # None where no customer is meant
    packed: str  # the row as it looked when it was decided
    decided: float = 0.0  # set by the store


@dataclass(frozen=True, slots=True)
class RunStart:
    """Facts of a run, noted when it begins. `sheet` is the name by which the next run finds it."""

    file: str
    sheet: str = ""  # "": the file
    kind: Kind = Kind.RUN
    venue: str = ""
    version: int | None = None  # of the API
    sandbox: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)  # JSON


@dataclass(frozen=True, slots=True)
class RunEnd:
    """End of a run. `done` is False when the next run has to resume it.

    `rows` are the rows of the sheet: (digest of the row's key, id of its customer or None). They
    take the place of those of the last run of the same sheet, when `done`; None leaves them.
    """

    done: bool
    results: str | None = None  # path
    summary: Mapping[str, Any] = field(default_factory=dict)  # JSON
    rows: Iterable[tuple[str, str | None]] | None = None


@dataclass(frozen=True, slots=True)
class RunRecord:
    """A run in the history. None is what isn't known, e.g. of runs of an older program."""

    id: int  # unique among the runs of a brand and, apart from these, among checks and dry runs
    kind: Kind
    brand: str | None
    base_url: str | None
    file: str
    started: float
    finished: float | None = None  # None: not ended, or to be resumed
    results: str | None = None  # the path when it ended; a later run may have renamed the file
    venue: str | None = None
    version: int | None = None
    sandbox: bool | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    summary: Mapping[str, Any] = field(default_factory=dict)
    forgotten: float | None = None  # when `forget` noted that its customers were deleted


@dataclass(frozen=True, slots=True)
class History:
    """Runs of all brands, newest first, and a sentence for each journal that can't be read."""

    runs: tuple[RunRecord, ...]
    unreadable: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Erased:
    """Result of erasing: of how many customers, in how many entries, and what isn't ours to erase.

    `results` are the paths of results files that runs wrote, as they were when the runs ended.
    """

    customers: int = 0
    entries: int = 0
    results: tuple[str, ...] = ()
