"""Settles what sending leaves open: rows in doubt, and clashes with somebody not yet found.

An answer that leaves it open whether the customer was created (5xx, time-out, reset, unreadable
2xx) puts its row aside while others go on. Later all such rows are settled together: the newest
customers are read, up to a page of verdicts a request, and compared by `cid`. A row that isn't
there is sent again with the same body (API facts §4.5); when that meets a 409, the customer that
is in the way may be the row itself, landed late, and only its `cid` can tell.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from importer.clopos.responses import Verdict
from importer.i18n import tr, trn
from importer.records import Customer, Status
from importer.send.lookup import Clash, differing, find_holder, find_holders, read_back

if TYPE_CHECKING:
    from importer.clopos import Answer, Clopos, Existing
    from importer.send.circuit_breaker import Pace
    from importer.send.recorder import Reporter

_FEW_PAGES = 10  # a scan that is always worth the id of who is in the way


@dataclass(frozen=True, slots=True)
class Doubt:
    """A row that may or may not have been created.

    `after_id` is the highest id known before its first request left, None if none was: if the
    customer was created, its id is higher. `mended`: the run that sent it first, and died, sent
    other values; so what is found may have those.
    """

    customer: Customer
    after_id: int | None
    since: float = 0.0  # loop time of the doubtful answer
    attempts: int = 1  # of this run
    created: int = 0  # how many this run had created then
    refused: Answer | None = None  # the refusal that its latest attempt met
    mended: bool = False


@dataclass(frozen=True, slots=True)
class _Open:
    """A clash whose holder isn't known. `doubt`: the row itself may be the holder."""

    customer: Customer
    field: str | None
    doubt: Doubt | None = None


class Settling:
    """The open rows of a run.

    `doubts` is cid → row, oldest first; `again` are rows that reading didn't find: to be sent
    once more. Everything here may be cancelled while it waits: what is open stays open.
    """

    def __init__(self, api: Clopos, reporter: Reporter, pace: Pace) -> None:
        self.again: deque[Doubt] = deque()
        self._api = api
        self._reporter = reporter
        self._pace = pace
        self.doubts: dict[str, Doubt] = {}
        self._clashes: dict[str, _Open] = {}

    def doubt(self, doubt: Doubt) -> None:
        """Put a row aside until it can be settled by reading."""
        self.doubts[doubt.customer.cid] = doubt

    def due(self, *, idle: bool, under_way: int) -> bool:
        """Tell whether to read now: nothing else is left, or a page is about to be outgrown."""
        if not self.doubts:
            return False
        if idle:
            return True
        oldest = next(iter(self.doubts.values()))
        newer = self._reporter.count - oldest.created
        return newer + len(self.doubts) + under_way >= self._api.page_size * 0.9

    async def settle(self) -> None:
        """Settle all rows in doubt by reading, once the last of them must have landed."""
        batch = list(self.doubts.values())
        due = max((doubt.since for doubt in batch), default=0.0) + self._pace.settle
        await asyncio.sleep(max(0.0, due - asyncio.get_running_loop().time()))
        wanted = {doubt.customer.cid: doubt.after_id for doubt in batch}
        verdicts = await read_back(self._api, wanted, self._reporter.newest_id)
        for doubt in batch:
            await self._settle_one(doubt, verdicts.get(doubt.customer.cid))

    async def _settle_one(self, doubt: Doubt, clopos_id: str | None) -> None:
        """Settle a row by what reading back said: its id, "" for not there, None for no telling."""
        customer = doubt.customer
        field = doubt.refused.field if doubt.refused else None
        clashes = bool(doubt.refused and doubt.refused.verdict is Verdict.CONFLICT)
        clash = None
        if clopos_id is None or (clashes and not clopos_id):
            clash = await find_holder(self._api, customer, field)
            if clash and clash.field == "cid":
                clopos_id = clash.holder.id
        found = await self._api.get(clopos_id) if clopos_id and doubt.mended else None
        del self.doubts[customer.cid]
        if found and differing(customer, found):
            self._exists(customer, found)
        elif clopos_id:
            self._reporter.created(customer, clopos_id)
        elif not doubt.refused and doubt.attempts < self._pace.attempts:
            self.again.append(doubt)
        elif clashes:
            self._still_clashes(doubt, clash, told=clopos_id is not None)
        elif doubt.refused and clopos_id is not None:
            self._reporter.refused(customer, doubt.refused)
        else:
            self._reporter.unknown(customer, _in_doubt(doubt.attempts))

    def _still_clashes(self, doubt: Doubt, clash: Clash | None, *, told: bool) -> None:
        """Note a row that met a 409 and wasn't found; `told`: it isn't there, for certain."""
        field = doubt.refused.field if doubt.refused else None
        if not told:
            # Somebody else with its phone proves nothing: numbers are compared as they are spelt
            # (API facts §11), so the row itself may be there as well.
            self._clashes[doubt.customer.cid] = _Open(doubt.customer, field, doubt)
        elif clash:
            self._clashed(doubt.customer, clash)
        else:
            self._clashes[doubt.customer.cid] = _Open(doubt.customer, field)

    async def clash(self, customer: Customer, answer: Answer) -> None:
        """Find out who holds a value of a row that was never in doubt."""
        # Kept until it is explained, so that it is reported should the look-up fail.
        self._clashes[customer.cid] = _Open(customer, answer.field)
        if clash := await find_holder(self._api, customer, answer.field):
            del self._clashes[customer.cid]
            self._clashed(customer, clash)

    @property
    def unexplained(self) -> bool:
        """Return whether there are clashes that no look-up explained."""
        return bool(self._clashes)

    async def explain(self) -> None:
        """Read all customers once, for the clashes that no look-up explained.

        Unless that costs more than the holders' ids are worth: only a row that may itself be
        there is worth any price.
        """
        rows = [(each.customer, each.field) for each in self._clashes.values()]
        needed = any(each.doubt for each in self._clashes.values())
        most = _FEW_PAGES + len(rows)
        complete = True

        def worth_it(total: int) -> bool:
            nonlocal complete
            complete = needed or math.ceil(total / self._api.page_size) <= most
            return complete

        holders = await find_holders(self._api.scan(worth_it=worth_it), rows)
        for each in list(self._clashes.values()):
            del self._clashes[each.customer.cid]
            clash = holders.get(each.customer.cid)
            if clash and clash.field == "cid" and each.doubt and not each.doubt.mended:
                self._reporter.created(each.customer, clash.holder.id)
            elif clash:
                self._clashed(each.customer, clash)
            elif complete:
                self._unseen(each, tr("that can't be seen (deleted, or of another venue)"))
            else:
                self._unseen(each, tr("that neither its phone nor its name finds"))

    def report_open(self) -> None:
        """Report what this run leaves open: nothing is silent."""
        for each in self._clashes.values():
            # Refused, and nobody looked whether the holder isn't the row itself: a journal that
            # was lost would not know.
            doubt = each.doubt
            message = _in_doubt(doubt.attempts) if doubt else _not_looked_up(each.field)
            self._reporter.unknown(each.customer, message)
        for doubt in (*self.doubts.values(), *self.again):
            self._reporter.unknown(doubt.customer, _in_doubt(doubt.attempts))

    def _clashed(self, customer: Customer, clash: Clash) -> None:
        if clash.field == "cid":
            self._exists(customer, clash.holder)
            return
        message = tr("the {field} belongs to customer {id}", field=clash.field, id=clash.holder.id)
        self._reporter.not_created(customer, Status.CONFLICT, message, clash.field, clash.holder.id)

    def _exists(self, customer: Customer, existing: Existing) -> None:
        fields = ", ".join(differing(customer, existing))
        message = tr("at Clopos with another {fields}", fields=fields) if fields else ""
        self._reporter.exists(customer, existing.id, message)

    def _unseen(self, clash: _Open, whom: str) -> None:
        message = tr(
            "the {field} belongs to a customer {whom}",
            field=clash.field or tr("phone, code or cid"),
            whom=whom,
        )
        self._reporter.not_created(clash.customer, Status.CONFLICT, message, clash.field)


def _in_doubt(attempts: int) -> str:
    return trn(
        "sent {n} time without a certain answer; run the same command again to settle it",
        "sent {n} times without a certain answer; run the same command again to settle it",
        attempts,
    )


def _not_looked_up(field: str | None) -> str:
    return tr(
        "the {field} belongs to a customer that was not looked up; run the same command again "
        "to settle it",
        field=field or tr("phone, code or cid"),
    )


def inherited(customer: Customer, after_id: int | None, *, mended: bool = False) -> Doubt:
    """Return the doubt of a run that died. What it sent may land as late as what we send."""
    now = asyncio.get_running_loop().time()
    return Doubt(customer, after_id, since=now, mended=mended)
