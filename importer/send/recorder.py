"""Write each intention and outcome to journal and snapshot, and keep outcomes for the caller.

The intention is durable before a request leaves, the outcome with one of the next commits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from importer.clopos.responses import ClassifiedResponse, Verdict
from importer.matching.evidence import row_evidence
from importer.matching.verdicts import Kind
from importer.plan.gather import as_seen
from importer.plan.words import outcome_of
from importer.records import Customer, Outcome, Status

if TYPE_CHECKING:
    from collections.abc import Mapping

    from importer.matching.verdicts import Verdict as RowVerdict
    from importer.store.base import Journal, Store
    from importer.store.records import Seen

_LATEST = 100


class OutcomeRecorder:
    """Records outcomes of rows, each in one step.

    `newest_id` is the highest id known to be at Clopos, None when none is known. `created_count`
    is how many customers this run created or found to be its own. Without `keep_copy` the copy of
    what Clopos holds isn't brought up to date. `evidence` is row → packed evidence of the row as
    it is sent, for the rows that were matched so; that of others is made anew. `doubts` is digest
    of a cid that was in doubt before this run → the highest id known before it was sent.
    """

    def __init__(
        self,
        store: Store,
        newest_id: int | None,
        evidence: Mapping[int, str],
        *,
        keep_copy: bool,
        doubts: Mapping[str, int] | None = None,
    ) -> None:
        self.newest_id = newest_id
        self.created_count = 0
        self.latest_created: dict[str, str] = {}  # id → cid of the last that this run created
        self._store = store
        self._keep_copy = keep_copy
        self._evidence = evidence
        self._doubts = doubts or {}
        self._in_flight: set[str] = set()  # cids whose intention is in the journal
        self._outcomes: list[Outcome] = []
        self.looks: list[Seen] = []  # of rows that were found before they were sent

    @property
    def journal(self) -> Journal:
        """Return the journal that outcomes are written to."""
        return self._store.journal

    def take(self) -> list[Outcome]:
        """Return the outcomes since the last call, oldest first."""
        outcomes, self._outcomes = self._outcomes, []
        return outcomes

    async def intend(self, customer: Customer, after_id: int | None) -> None:
        """Return when the intention to send the customer is durable.

        `after_id` is the highest id known now: if the customer is created, its id is higher.
        """
        self._in_flight.add(customer.cid)
        await self._store.journal.intend(customer.cid, self._packed(customer), after_id)

    async def confirm_held(self) -> None:
        """Return when the brand is certainly held: to be awaited right before a request leaves."""
        await self._store.confirm_held()

    def doubted(self, customer: Customer) -> int | None:
        """Return the highest id known before an earlier run left the customer in doubt, or None."""
        return self._doubts.get(self._store.digest(customer.cid)) if self._doubts else None

    def withdraw(self, customer: Customer) -> None:
        """Record that the customer was certainly not created and has no outcome yet."""
        if customer.cid in self._in_flight:
            self._in_flight.remove(customer.cid)
            self._store.journal.withdrawn(customer.cid)

    def created(self, customer: Customer, clopos_id: str) -> None:
        """Record that this run created the customer."""
        keys = self._exists(customer, clopos_id)
        self._store.journal.created(customer.cid, clopos_id, keys)
        self.latest_created[clopos_id] = customer.cid.lower()
        if len(self.latest_created) > _LATEST:
            del self.latest_created[next(iter(self.latest_created))]
        self._outcomes.append(Outcome(customer.row, Status.CREATED, clopos_id=clopos_id))

    def exists(self, customer: Customer, clopos_id: str, message: str) -> None:
        """Record that the customer was at Clopos before this run."""
        keys = self._exists(customer, clopos_id)
        self._store.journal.existed(customer.cid, clopos_id, keys)
        self._outcomes.append(
            Outcome(customer.row, Status.EXISTS, clopos_id=clopos_id, message=message)
        )

    def matched(self, customer: Customer, verdict: RowVerdict) -> None:
        """Record what a row is that was found before it was sent."""
        self._outcomes.append(outcome_of(verdict))
        if verdict.kind is Kind.EXISTS:
            self.looks.append(as_seen(verdict.customers[0], self._packed(customer)))

    def not_created(
        self,
        customer: Customer,
        status: Status,
        message: str,
        field: str | None = None,
        holder: str | None = None,
    ) -> None:
        """Record that the row was certainly not created; `holder` is the id of who has `field`."""
        self.withdraw(customer)
        self._outcomes.append(Outcome(customer.row, status, None, field, holder, message=message))

    def refused(self, customer: Customer, answer: ClassifiedResponse) -> None:
        """Record that Clopos refused the row, for a reason that isn't another customer."""
        failed = answer.verdict is Verdict.FAILED
        status = Status.FAILED if failed else Status.REJECTED
        self.not_created(customer, status, answer.message, answer.field)

    def unknown(self, customer: Customer, message: str) -> None:
        """Record that the outcome is uncertain; the journal keeps the intention."""
        self._outcomes.append(Outcome(customer.row, Status.UNKNOWN, message=message))

    def _exists(self, customer: Customer, clopos_id: str) -> tuple[str, ...]:
        """Keep the customer in the copy; return the keys by which it is found."""
        self._in_flight.discard(customer.cid)
        seen = as_seen(clopos_id, self._packed(customer))
        if self._keep_copy:
            self._store.snapshot.add(seen)
        if clopos_id.isdecimal():
            self.newest_id = max(self.newest_id or 0, int(clopos_id))
        self.created_count += 1
        return tuple(seen.keys)

    def _packed(self, customer: Customer) -> str:
        packed = self._evidence.get(customer.row)
        return packed or row_evidence(customer, customer.made_of, self._store.key)
