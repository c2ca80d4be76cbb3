"""Kept rows + what Clopos and the journal hold → what to send, and its price. Pure.

Nothing is asked that can be known: a row that is at Clopos already costs no request, nor does one
whose phone or code is known to belong to somebody else.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from importer.identity import digest, fingerprints
from importer.records import FIELDS, Customer, Outcome, Status

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

TOKEN_SECONDS = 3300  # 3600 (API facts §3.3), renewed some minutes early


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
    """The customers of a brand, by what no two may share. Keys are digests, cids as they are."""

    by_cid: dict[str, Known] = field(default_factory=dict)
    by_phone: dict[str, Known] = field(default_factory=dict)
    by_code: dict[str, Known] = field(default_factory=dict)

    def add(self, known: Known, cid: str | None) -> None:
        """Add a customer; `cid` in lower case, None when the answer didn't tell it."""
        if cid:
            self.by_cid[cid] = known
        for phone in known.content.get("phone", "").split():
            self.by_phone.setdefault(phone, known)
        if "code" in known.content:
            self.by_code.setdefault(known.content["code"], known)


@dataclass(frozen=True, slots=True)
class Remembered:
    """What the journal says of a row: in doubt, created by this run, or created by an earlier."""

    doubtful: bool
    this_run: bool
    clopos_id: str | None
    content: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Price:
    """What sending costs. Minutes at the pace that is left after the reserve; None: no limit."""

    creates: int
    reads: int
    sign_ins: int
    minutes: float | None

    @property
    def requests(self) -> int:
        """Return all requests together."""
        return self.creates + self.reads + self.sign_ins


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be sent, in the sheet's order, and what is known without sending."""

    to_send: tuple[Customer, ...]
    doubtful: tuple[Customer, ...]  # of a run that died: settled by reading before they are sent
    known: tuple[Outcome, ...]
    held_back: tuple[Customer, ...]  # beyond --limit
    price: Price


def make_plan(
    customers: Iterable[Customer],
    journal: Mapping[str, Remembered],
    index: Index,
    *,
    key: bytes,
    per_minute: float | None,
    limit: int | None = None,
) -> Plan:
    """Decide for each customer whether it is sent, settled, or known.

    `journal` is cid → what is remembered, `index` what was scanned (empty: not scanned), `key`
    the one the digests of both were made with, `per_minute` the pace (None: no limit).
    """
    to_send: list[Customer] = []
    doubtful: list[Customer] = []
    held_back: list[Customer] = []
    known: list[Outcome] = []
    for customer in customers:
        remembered = journal.get(customer.cid)
        outcome = _known(customer, remembered, index, key)
        if outcome:
            known.append(outcome)
        elif limit is not None and len(to_send) + len(doubtful) >= limit:
            held_back.append(customer)
        elif remembered:
            doubtful.append(customer)
        else:
            to_send.append(customer)
    creates = len(to_send)
    reads = math.ceil(len(doubtful) / 999)
    minutes = None if per_minute is None else (creates + reads) / per_minute
    sign_ins = 1 + int((minutes or 0) * 60 // TOKEN_SECONDS) if creates or reads else 0
    price = Price(creates, reads, sign_ins, minutes)
    return Plan(tuple(to_send), tuple(doubtful), tuple(known), tuple(held_back), price)


def scan_pays(rows: int, total: int, page_size: int) -> bool:
    """Tell whether scanning `total` customers costs less than the requests it can save.

    The first page is spent already: it told the total. A scan saves at most one request for each
    row that is at Clopos, so never more than there are rows or customers.
    """
    return math.ceil(total / page_size) - 1 <= min(rows, total)


def _known(
    customer: Customer, remembered: Remembered | None, index: Index, key: bytes
) -> Outcome | None:
    """Return what is known of a row without sending it, None when it has to be sent or settled."""
    mine = index.by_cid.get(customer.cid)
    if remembered and not remembered.doubtful:
        known = mine or Known(remembered.clopos_id or "", remembered.content)
        created = remembered.this_run and not differing(customer, known, key)
        status = Status.CREATED if created else Status.EXISTS
        return _there(customer, known, key, status)
    if mine:
        return _there(customer, mine, key, Status.CREATED if remembered else Status.EXISTS)
    if remembered:  # in doubt: only its cid can tell whether the customer is ours
        return None
    holders = _holders(customer, index, key)
    if not holders:
        return None
    ids = {known.id for known in holders.values()}
    holder = next(iter(holders.values()))
    if len(ids) == 1 and "name" not in differing(customer, holder, key):
        return _there(customer, holder, key, Status.EXISTS)
    if len(ids) == 1:
        clash = next(iter(holders))
        message = f"the {clash} belongs to customer {holder.id}, who has another name; not sent"
    else:
        clash = "phone"
        message = "; ".join(f"the {name} belongs to customer {k.id}" for name, k in holders.items())
        message += "; not sent"
    return Outcome(
        customer.row, Status.CONFLICT, field=clash, existing_id=holder.id, message=message
    )


def _holders(customer: Customer, index: Index, key: bytes) -> dict[str, Known]:
    """Return field → the customer that holds the row's phone or code."""
    found: dict[str, Known] = {}
    if customer.phone and (known := index.by_phone.get(digest("phone", customer.phone, key))):
        found["phone"] = known
    if customer.code and (known := index.by_code.get(digest("code", customer.code, key))):
        found["code"] = known
    return found


def _there(customer: Customer, known: Known, key: bytes, status: Status) -> Outcome:
    fields = differing(customer, known, key)
    message = f"at Clopos with another {_list(fields)}" if fields else ""
    return Outcome(customer.row, status, clopos_id=known.id, message=message)


def differing(customer: Customer, known: Known, key: bytes) -> tuple[str, ...]:
    """Return the fields that the row has and that are something else at Clopos."""
    mine = fingerprints(((name, getattr(customer, name)) for name in FIELDS), key)
    return tuple(
        name for name, value in mine.items() if value not in known.content.get(name, "").split()
    )


def _list(fields: Sequence[str]) -> str:
    words = [name.replace("_", " ") for name in fields]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
