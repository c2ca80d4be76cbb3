"""Settles what sending leaves open: uncertain rows, and clashes with a customer not yet found.

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
from importer.matching.evidence import index_keys
from importer.plan.read_back import Twins, find_created
from importer.plan.words import outcome_of
from importer.records import Customer, Status
from importer.send.lookup import own

if TYPE_CHECKING:
    from collections.abc import Iterable

    from importer.clopos import ClassifiedResponse, Clopos, Existing
    from importer.send.circuit_breaker import SendTuning
    from importer.send.lookup import Holders
    from importer.send.recorder import OutcomeRecorder

_FEW_UNREADABLE = 5
_FEW_PAGES = 10  # a scan that is always worth the id of who is in the way


@dataclass(frozen=True, slots=True)
class UncertainRow:
    """A row that may or may not have been created.

    `after_id` is the highest id known before its first request left, None if none was: if the
    customer was created, its id is higher. `holder` is the id of another customer that Clopos
    named as the one created.
    """

    customer: Customer
    after_id: int | None
    since: float = 0.0  # loop time of the uncertain response
    attempts: int = 1  # of this run
    created: int = 0  # how many this run had created then
    refused: ClassifiedResponse | None = None  # the refusal that its latest attempt met
    holder: str | None = None
    unreadable: bool = False  # it was answered, with something that doesn't say what was done


@dataclass(frozen=True, slots=True)
class _UnresolvedConflict:
    """A conflict whose holder isn't known.

    `doubt`: the row itself may be the holder; `sought`: no reading was fit to show it.
    """

    customer: Customer
    field: str | None
    doubt: UncertainRow | None = None
    sought: bool = False


class Settling:
    """The uncertain rows of a run, and conflicts with customers that weren't found yet.

    `uncertain` is cid → row, oldest first; `again` are rows that reading didn't find: to be sent
    once more. `without_cids`: Clopos is known not to keep them. `looked_up`: each row was looked up
    right before it was sent, as reading everybody costs too much. Everything here may be cancelled
    while it waits: what is open stays open.
    """

    def __init__(
        self,
        api: Clopos,
        recorder: OutcomeRecorder,
        holders: Holders,
        tuning: SendTuning,
        *,
        without_cids: bool = False,
        looked_up: bool = False,
    ) -> None:
        self.again: deque[UncertainRow] = deque()
        self.uncertain: dict[str, UncertainRow] = {}
        self.ever_uncertain = 0
        self.resend = not without_cids  # False: a cid may not protect a row that is sent again
        self.without_cids = without_cids
        self._looked_up = looked_up
        self._api = api
        self._recorder = recorder
        self._holders = holders
        self._tuning = tuning
        self._conflicts: dict[str, _UnresolvedConflict] = {}

    def doubt(self, doubt: UncertainRow) -> None:
        """Keep a row until it can be settled by reading."""
        if doubt.attempts == 1:
            self.ever_uncertain += 1
        self.uncertain[doubt.customer.cid] = doubt

    def due(self, *, idle: bool, under_way: int) -> bool:
        """Return whether to read now: nothing else is left, or the rows fill a page."""
        if not self.uncertain:
            return False
        # Where responses are unreadable, only a few rows are sent without being settled.
        if idle or sum(doubt.unreadable for doubt in self.uncertain.values()) >= _FEW_UNREADABLE:
            return True
        oldest = next(iter(self.uncertain.values()))
        newer = self._recorder.created_count - oldest.created
        return newer + len(self.uncertain) + under_way >= self._api.page_size * 0.9

    async def settle(self) -> None:
        """Settle all uncertain rows by reading, once the last of them must have landed."""
        batch = list(self.uncertain.values())
        due = max((doubt.since for doubt in batch), default=0.0) + self._tuning.settle
        await asyncio.sleep(max(0.0, due - asyncio.get_running_loop().time()))
        wanted = {doubt.customer.cid: doubt.after_id for doubt in batch}
        recorder = self._recorder
        created = {} if self.without_cids else recorder.latest_created
        rows = {doubt.customer.cid: self._holders.row(doubt.customer) for doubt in batch}
        looks = {cid: row.evidence for cid, row in rows.items()}
        twins = Twins(looks, self._holders.evidence, recorder.journal)
        ids = await find_created(
            self._api, wanted, recorder.newest_id, created=created, twins=twins
        )
        for doubt in batch:
            await self._settle_one(doubt, ids.get(doubt.customer.cid), twins)

    async def _settle_one(self, doubt: UncertainRow, clopos_id: str | None, twins: Twins) -> None:
        """Settle a row by what reading back found: its id, "" for not there, None: can't tell."""
        customer = doubt.customer
        conflict = bool(doubt.refused and doubt.refused.verdict is Verdict.CONFLICT)
        found: list[Existing] = []
        if clopos_id is None or (conflict and not clopos_id):
            found = await self._holders.look_up(customer)
            clopos_id = own(customer, found) or clopos_id
            for each in found:
                twins.look_at(each)
        there = () if clopos_id else (await twins.of({customer.cid: doubt.after_id})).values()
        named = next((id_ for ids in there for id_ in ids), doubt.holder)
        if named and not clopos_id and (existing := await self._api.get(named)):
            found.append(existing)
        del self.uncertain[customer.cid]
        if clopos_id:
            self._recorder.created(customer, clopos_id)
        elif named and self._explained(customer, found):
            pass
        elif self.resend and not doubt.refused and doubt.attempts < self._tuning.attempts:
            self.again.append(doubt)
        elif conflict:
            self._still_conflicts(doubt, found, certain=clopos_id is not None)
        elif doubt.refused and clopos_id is not None:
            self._recorder.refused(customer, doubt.refused)
        else:
            self._recorder.unknown(customer, _uncertain(doubt.attempts))

    def _still_conflicts(
        self, doubt: UncertainRow, found: list[Existing], *, certain: bool
    ) -> None:
        """Note a row that met a 409 and wasn't found. `certain`: a complete list lacks it."""
        customer, field = doubt.customer, doubt.refused.field if doubt.refused else None
        if not certain:
            # Another customer with its phone proves nothing: numbers are compared as they are
            # spelt (API facts §11), so the row itself may be there as well.
            self._conflicts[customer.cid] = _UnresolvedConflict(customer, field, doubt, sought=True)
        elif not self._explained(customer, found):
            # The customer in the way may be the row itself, in a list that is late: customers who
            # are newer than what was known when it was sent prove nothing, as it may have landed
            # after them. An hour later the next run knows better (`plan.earlier`).
            self._conflicts[customer.cid] = _UnresolvedConflict(customer, field, doubt)

    async def conflict(self, customer: Customer, response: ClassifiedResponse) -> None:
        """Find out who holds a value of a row that was refused for it and never uncertain."""
        # Kept until it is explained, so that it is reported should the look-up fail.
        self._conflicts[customer.cid] = _UnresolvedConflict(customer, response.field)
        if self._looked_up and response.field in {"code", "cid"}:
            return  # filters don't see these, and found no customer a moment ago
        if self._explained(customer, await self._holders.look_up(customer)):
            del self._conflicts[customer.cid]

    @property
    def unexplained(self) -> bool:
        """Return whether there are conflicts that no look-up explained."""
        return bool(self._conflicts)

    async def explain(self) -> None:
        """Read all customers once, for the conflicts that no look-up explained.

        Unless that costs more than the holders' ids are worth: only a row that may itself be
        there is worth any price.
        """
        needed = any(each.sought for each in self._conflicts.values())
        most = 0 if self._looked_up else _FEW_PAGES + len(self._conflicts)
        complete = True

        def worth_it(total: int) -> bool:
            nonlocal complete
            complete = needed or math.ceil(total / self._api.page_size) <= most
            return complete

        wanted = {
            key: cid
            for cid, each in self._conflicts.items()
            for key in self._holders.keys(each.customer)
        }
        sharing: dict[str, list[Existing]] = {}
        newest, listed, with_cid = 0, False, False
        async for existing in self._api.scan(worth_it=worth_it):
            newest = max(newest, int(existing.id) if existing.id.isdecimal() else 0)
            listed = True
            with_cid = with_cid or existing.cid is not None
            known = self._holders.known_customer(existing)
            for cid in {wanted[key] for key in index_keys(known.now or "") if key in wanted}:
                sharing.setdefault(cid, []).append(existing)
        # A list that lags, or tells no cid, can't show whether a row itself is there.
        tells_cids = with_cid or not listed
        proves = complete and tells_cids and newest >= (self._recorder.newest_id or 0)
        for cid, each in list(self._conflicts.items()):
            found = sharing.get(cid, [])
            clopos_id = own(each.customer, found)
            if each.doubt and clopos_id:
                self._recorder.created(each.customer, clopos_id)
            elif each.doubt and not proves:
                continue  # stays open, and is reported so
            elif not self._explained(each.customer, found):
                if each.doubt:
                    continue  # the customer in the way may be the row itself, as above
                self._unseen(each, proves=proves)
            del self._conflicts[cid]

    def report_open(self) -> None:
        """Record the rows that this run leaves open: none may go unreported."""
        for each in self._conflicts.values():
            # Refused, and nothing shows that the holder isn't the row itself: a journal that was
            # lost would not know.
            doubt = each.doubt
            message = _uncertain(doubt.attempts) if doubt else _not_looked_up(each.field)
            self._recorder.unknown(each.customer, message)
        for doubt in (*self.uncertain.values(), *self.again):
            self._recorder.unknown(doubt.customer, _uncertain(doubt.attempts))

    def _explained(self, customer: Customer, found: Iterable[Existing]) -> bool:
        """Record what a refused row is among these customers; False: they don't explain it."""
        verdict = self._holders.judge(customer, found)
        if not verdict.customers:
            return False
        outcome = outcome_of(verdict)
        if outcome.status is Status.EXISTS:
            self._recorder.exists(customer, verdict.customers[0], outcome.message)
        else:
            self._recorder.not_created(
                customer,
                Status.CONFLICT,
                outcome.message,
                outcome.field,
                outcome.existing_id,
            )
        return True

    def _unseen(self, conflict: _UnresolvedConflict, *, proves: bool) -> None:
        field = conflict.field or tr("phone, code or cid")
        if proves:
            message = tr(
                "the {field} belongs to a customer that can't be seen (deleted, or of another "
                "venue)",
                field=field,
            )
        else:
            message = tr(
                "the {field} belongs to a customer that neither its phone nor its name finds",
                field=field,
            )
        self._recorder.not_created(conflict.customer, Status.CONFLICT, message, conflict.field)


def _uncertain(attempts: int) -> str:
    return trn(
        "sent {n} time without a certain answer; the next run settles it",
        "sent {n} times without a certain answer; the next run settles it",
        attempts,
    )


def _not_looked_up(field: str | None) -> str:
    return tr(
        "the {field} belongs to a customer that was not looked up; the next run settles it",
        field=field or tr("phone, code or cid"),
    )
