"""Kept rows + what Clopos and the journal hold → what to send, and its price. Pure.

Nothing is asked that can be known: a row that is at Clopos already costs no request, nor does one
whose phone or code is known to belong to somebody else.
"""

from __future__ import annotations

import math
from array import array
from bisect import bisect_right
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from importer.i18n import later, tr
from importer.matching.keys import digest, fingerprints
from importer.records import Customer, Outcome, Status
from importer.store.records import Block, Index, Known, Remembered

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

TOKEN_SECONDS = 3300.0  # 3600 (API facts §3.3), renewed some minutes early
_EXAMPLES = 5  # rows named of each kind of clash


@dataclass(frozen=True, slots=True)
class Price:
    """What sending costs. `minutes` at the pace that is left after the reserve; None: no limit.

    `finish` is when it is done, hours in which nothing is sent included; `deadline` when it has to
    be done, None for no matter, and `in_time` how many rows are created until then. Both in epoch
    seconds. `reserve` is the share of the quota that is left for the tills, None without a quota.
    """

    creates: int
    reads: int
    sign_ins: int
    minutes: float | None
    finish: float | None = None
    deadline: float | None = None
    in_time: int | None = None
    reserve: float | None = None

    @property
    def requests(self) -> int:
        """Return all requests together."""
        return self.creates + self.reads + self.sign_ins

    @property
    def fits(self) -> bool | None:
        """Return whether all is done by the deadline, None without one."""
        return None if self.in_time is None else self.in_time == self.creates


@dataclass(frozen=True, slots=True)
class Clash:
    """Rows that can't be created because somebody else holds their phone or code.

    `fields` is ("phone",) or ("code",) when the holder has another name, ("phone", "code") when
    they belong to two different customers. `rows` are the first few of `count`.
    """

    fields: tuple[str, ...]
    count: int
    rows: tuple[int, ...]

    @property
    def reason(self) -> str:
        """Explain it in a few words, with {field} where the first of `fields` belongs."""
        if len(self.fields) > 1:
            return later("phone and code belong to two different customers")
        return later("the {field} belongs to a customer with another name")


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be sent, and what is known without sending.

    `to_send` are row numbers in the sheet's order: customers are made of them when their turn
    comes (see `pick`). `differing` is field → rows that are at Clopos with another value.
    """

    to_send: Sequence[int]
    doubtful: tuple[Customer, ...]  # of a run that died: settled by reading before they are sent
    known: tuple[Outcome, ...]
    held_back: int  # rows beyond --limit
    price: Price
    differing: Mapping[str, int] = field(default_factory=dict)
    clashes: tuple[Clash, ...] = ()

    @property
    def exists(self) -> int:
        """Return how many rows are at Clopos already, as they are here or not."""
        return sum(outcome.status is not Status.CONFLICT for outcome in self.known)

    @property
    def different(self) -> int:
        """Return how many of these have another value there; their messages name the fields."""
        return sum(o.status is not Status.CONFLICT and bool(o.message) for o in self.known)

    def as_dict(self) -> dict[str, Any]:
        """Return the plan as `--dry-run --json` prints it."""
        price = self.price
        return {
            "to_create": len(self.to_send),
            "to_settle": len(self.doubtful),
            "held_back": self.held_back,
            "exists": {
                "identical": self.exists - self.different,
                "different": self.different,
                "fields": dict(self.differing),
            },
            "clashes": [
                {
                    "fields": list(clash.fields),
                    "reason": clash.reason.format(field=clash.fields[0]),
                    "count": clash.count,
                    "rows": list(clash.rows),
                }
                for clash in self.clashes
            ],
            "requests": {
                "total": price.requests,
                "posts": price.creates,
                "reads": price.reads,
                "auths": price.sign_ins,
            },
            "minutes": None if price.minutes is None else round(price.minutes, 2),
            "finish": _local(price.finish),
            "finish_by": _local(price.deadline),
            "fits": price.fits,
            "created_in_time": price.in_time,
        }


def make_plan(
    blocks: Iterable[Block],
    *,
    key: bytes,
    seconds_of: Callable[[int], float | None],
    page_size: int,
    signed_in: bool = False,
    limit: int | None = None,
) -> Plan:
    """Decide for each customer whether it is sent, settled, or known.

    `blocks` are all customers in the sheet's order; `key` is the one the digests of journal and
    index were made with; `seconds_of` tells how long so many requests take (None: no limit);
    `page_size` is how many customers Clopos tells of at once.
    """
    made = _Draft()
    for block in blocks:
        for customer in block.customers:
            remembered = block.journal.get(customer.cid)
            outcome = made.known_of(customer, remembered, block.index, key)
            if outcome:
                made.known.append(outcome)
            elif remembered:
                made.doubtful.append(customer)
            else:
                made.to_send.append(customer.row)
    if limit is not None:
        # What may have been sent is settled whatever the limit, and counts.
        room = max(0, limit - len(made.doubtful))
        made.held_back = max(0, len(made.to_send) - room)
        del made.to_send[room:]
    clashes = tuple(
        Clash(fields, made.clashing[fields], tuple(rows)) for fields, rows in made.examples.items()
    )
    return Plan(
        made.to_send,
        tuple(made.doubtful),
        tuple(made.known),
        made.held_back,
        _price(
            len(made.to_send),
            math.ceil(len(made.doubtful) / page_size),
            seconds_of,
            signed_in=signed_in,
        ),
        dict(made.differing.most_common()),
        clashes,
    )


def in_time(
    plan: Plan, finish: Callable[[int], float], deadline: float | None, ending: float
) -> Plan:
    """Return the plan with its times; `finish` is requests → when they are done (epoch seconds).

    `ending`: seconds before the deadline at which sending stops, if it isn't done.
    """
    price = plan.price
    first = price.reads  # rows in doubt are settled before others are sent
    rows = None
    if deadline is not None:
        last = deadline - ending
        rows = bisect_right(range(price.creates), last, key=lambda n: finish(first + n + 1))
    done = finish(first + price.creates)
    return replace(plan, price=replace(price, finish=done, deadline=deadline, in_time=rows))


def pick(customers: Iterable[Customer], rows: Iterable[int]) -> Iterator[Customer]:
    """Yield the customers of these rows; both in the sheet's order, one at a time."""
    wanted = iter(rows)
    row = next(wanted, None)
    for customer in customers:
        if row is None:
            return
        if customer.row == row:
            yield customer
            row = next(wanted, None)


def reading_pays(pages: int, rows: int, total: int) -> bool:
    """Tell whether reading so many pages costs less than the requests it can save.

    A row that is at Clopos costs two requests when it is sent blindly: the 409, and looking up
    who holds the value. Of the rows nothing is known about, half are taken to be there, but no
    more than there are customers.
    """
    return pages <= min(rows, total)


def _local(epoch: float | None) -> str | None:
    """Return a time as people and programs read it, with its distance from UTC."""
    if epoch is None:
        return None
    return datetime.fromtimestamp(epoch).astimezone().isoformat(timespec="seconds")


def _price(
    creates: int, reads: int, seconds_of: Callable[[int], float | None], *, signed_in: bool
) -> Price:
    if not creates and not reads:
        return Price(0, 0, 0, 0.0)
    seconds = seconds_of(creates + reads)
    sign_ins = int((seconds or 0.0) // TOKEN_SECONDS) + (not signed_in)
    return Price(creates, reads, sign_ins, None if seconds is None else seconds / 60)


class _Draft:
    """A plan that is being made."""

    def __init__(self) -> None:
        self.to_send = array("q")
        self.doubtful: list[Customer] = []
        self.known: list[Outcome] = []
        self.held_back = 0
        self.differing: Counter[str] = Counter()
        self.clashing: Counter[tuple[str, ...]] = Counter()
        self.examples: dict[tuple[str, ...], list[int]] = {}

    def known_of(
        self, customer: Customer, remembered: Remembered | None, index: Index, key: bytes
    ) -> Outcome | None:
        """Return what is known of a row without sending it, None when it is sent or settled."""
        mine = index.by_cid.get(customer.cid)
        if remembered and not remembered.doubtful:
            known = mine or Known(remembered.clopos_id or "", remembered.content)
            fields = differing(customer, known, key)
            created = remembered.this_run and not fields
            return self._there(customer, known, fields, created=created)
        if mine:
            ours = remembered is not None and not mended(customer, remembered.content, key)
            return self._there(customer, mine, differing(customer, mine, key), created=ours)
        if remembered:  # in doubt: only its cid can tell whether the customer is ours
            return None
        holders = _holders(customer, index, key)
        if not holders:
            return None
        ids = {known.id for known in holders.values()}
        holder = next(iter(holders.values()))
        if len(ids) == 1 and "name" not in (fields := differing(customer, holder, key)):
            return self._there(customer, holder, fields)
        return self._clash(customer, holders)

    def _there(
        self, customer: Customer, known: Known, fields: Sequence[str], *, created: bool = False
    ) -> Outcome:
        """Return that the customer is at Clopos, with other `fields`; `created` by this run."""
        status = Status.CREATED if created else Status.EXISTS
        self.differing.update(fields)
        message = tr("at Clopos with another {fields}", fields=_list(fields)) if fields else ""
        return Outcome(customer.row, status, clopos_id=known.id, message=message)

    def _clash(self, customer: Customer, holders: Mapping[str, Known]) -> Outcome:
        clash, holder = next(iter(holders.items()))
        fields: tuple[str, ...] = (clash,)
        message = tr(
            "the {clash} belongs to customer {id}, who has another name; not sent",
            clash=clash,
            id=holder.id,
        )
        if len({known.id for known in holders.values()}) > 1:
            fields = tuple(holders)
            message = "; ".join(
                tr("the {field} belongs to customer {id}", field=name, id=holders[name].id)
                for name in fields
            )
            message += tr("; not sent")
        self.clashing[fields] += 1
        examples = self.examples.setdefault(fields, [])
        if len(examples) < _EXAMPLES:
            examples.append(customer.row)
        return Outcome(
            customer.row, Status.CONFLICT, field=clash, existing_id=holder.id, message=message
        )


def _holders(customer: Customer, index: Index, key: bytes) -> dict[str, Known]:
    """Return field → the customer that holds the row's phone or code.

    Of several holders of a phone, one that holds the code too or has the row's name comes first.
    """
    if not (index.by_phone or index.by_code):
        return {}
    phones = index.by_phone.get(digest("phone", customer.phone, key), []) if customer.phone else []
    codes = index.by_code.get(digest("code", customer.code, key), []) if customer.code else []
    both = {known.id for known in phones} & {known.id for known in codes}
    name = digest("name", customer.name, key) if len(phones) > 1 or len(codes) > 1 else ""

    def first(found: Sequence[Known]) -> Known:
        return min(found, key=lambda k: (k.id not in both, k.content.get("name") != name))

    held = {"phone": phones, "code": codes}
    return {field: first(found) for field, found in held.items() if found}


def differing(customer: Customer, known: Known, key: bytes) -> tuple[str, ...]:
    """Return the fields that the row has and that are something else at Clopos."""
    mine = fingerprints(customer, key)
    return tuple(
        name for name, value in mine.items() if value not in known.content.get(name, "").split()
    )


def mended(customer: Customer, sent: Mapping[str, str], key: bytes) -> bool:
    """Tell whether the row has other values than were `sent`: field → digest, none if not known."""
    return bool(sent) and bool(differing(customer, Known("", sent), key))


def _list(fields: Sequence[str]) -> str:
    words = [name.replace("_", " ") for name in fields]
    return (
        words[0]
        if len(words) == 1
        else tr("{words} and {last}", words=", ".join(words[:-1]), last=words[-1])
    )
