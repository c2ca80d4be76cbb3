"""What is known of the rows of a sheet before a plan is made: frozen values, digests for data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from importer.records import Customer


@dataclass(frozen=True, slots=True)
class Known:
    """A customer at Clopos: its id and field → keyed digest of what it holds.

    A field that is empty there is not in `content`; several phones are several digests with
    spaces between them.
    """

    id: str
    content: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Index:
    """Customers at Clopos, by what no two may share. Keys are digests, cids as they are.

    Clopos takes one number in two spellings for two numbers (API facts §0.12): so one phone may
    lead to several customers.
    """

    by_cid: dict[str, Known] = field(default_factory=dict)
    by_phone: dict[str, list[Known]] = field(default_factory=dict)
    by_code: dict[str, list[Known]] = field(default_factory=dict)

    def add(self, known: Known, cid: str | None) -> None:
        """Add a customer; `cid` in lower case, None when the answer didn't tell it."""
        if cid:
            self.by_cid[cid] = known
        for phone in known.content.get("phone", "").split():
            self.by_phone.setdefault(phone, []).append(known)
        if code := known.content.get("code"):
            self.by_code.setdefault(code, []).append(known)


@dataclass(frozen=True, slots=True)
class Remembered:
    """What the journal says of a row: in doubt, created by this run, or created by an earlier."""

    doubtful: bool
    this_run: bool
    clopos_id: str | None
    content: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Block:
    """Some customers of the sheet, and all that is known of them.

    `journal` is cid → what is remembered; `index` holds at least the customers at Clopos that
    share a cid, phone or code with one of these (empty: nothing is known).
    """

    customers: Sequence[Customer]
    journal: Mapping[str, Remembered]
    index: Index
