"""What became of a row goes two ways: into the journal, and to whoever looks on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from importer.clopos.responses import Answer, Verdict
from importer.records import Customer, Outcome, Status

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


class Ledger(Protocol):
    """Where intentions and outcomes are recorded."""

    def intend(self, customer: Customer, after_id: int | None) -> Awaitable[None]:
        """Return what is done when it is durable that the customer is about to be sent."""

    def created(self, cid: str, clopos_id: str) -> None:
        """Record that the customer exists with this id."""

    def withdraw(self, cid: str) -> None:
        """Record that the customer was not created, for certain."""


@dataclass(slots=True)
class Reporter:
    """Records and reports what became of rows, each in one step.

    `newest_id` is the highest id known to be at Clopos, None when none is known.
    """

    ledger: Ledger
    on_outcome: Callable[[Outcome], None]
    newest_id: int | None = None
    count: int = 0  # how many customers this run created or found to be its own

    def created(self, customer: Customer, clopos_id: str) -> None:
        """Say that the row was created by this run."""
        self._exists(customer, clopos_id)
        self.on_outcome(Outcome(customer.row, Status.CREATED, clopos_id=clopos_id))

    def exists(self, customer: Customer, clopos_id: str, message: str) -> None:
        """Say that the customer was at Clopos before this run."""
        self._exists(customer, clopos_id)
        outcome = Outcome(customer.row, Status.EXISTS, clopos_id=clopos_id, message=message)
        self.on_outcome(outcome)

    def not_created(
        self,
        customer: Customer,
        status: Status,
        message: str,
        field: str | None = None,
        holder: str | None = None,
    ) -> None:
        """Say that the row was certainly not created; `holder` is the id of who has `field`."""
        self.ledger.withdraw(customer.cid)
        outcome = Outcome(customer.row, status, None, field, holder, message=message)
        self.on_outcome(outcome)

    def refused(self, customer: Customer, answer: Answer) -> None:
        """Say that Clopos refused the row, for a reason that isn't another customer."""
        failed = answer.verdict is Verdict.FAILED
        status = Status.FAILED if failed else Status.REJECTED
        self.not_created(customer, status, answer.message, answer.field)

    def unknown(self, customer: Customer, message: str) -> None:
        """Say that nobody knows yet; the journal remembers it."""
        self.on_outcome(Outcome(customer.row, Status.UNKNOWN, message=message))

    def _exists(self, customer: Customer, clopos_id: str) -> None:
        self.ledger.created(customer.cid, clopos_id)
        if clopos_id.isdecimal():
            self.newest_id = max(self.newest_id or 0, int(clopos_id))
        self.count += 1
