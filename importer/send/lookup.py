"""Find out who holds a value of a row, and whether that is the row's own customer.

Every customer that comes back is compared here by the rules of matching: a filter is a hint.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from importer.matching.evidence import customer_evidence, lookup_keys, row_evidence
from importer.matching.match import match
from importer.matching.verdicts import KnownCustomer, MatchOptions, Row

if TYPE_CHECKING:
    from collections.abc import Iterable

    from importer.clopos import Clopos, Existing
    from importer.matching.verdicts import Verdict
    from importer.records import Customer

_NATIONAL = 9  # digits of a national number: a filter finds them whatever stands before


@dataclass(frozen=True, slots=True)
class Holders:
    """Compares rows with customers at Clopos.

    `region` is that of national phone numbers there, `key` that of the digests. `known` are
    customers that are compared with every row, e.g. those that came while rows were being sent.
    """

    api: Clopos
    region: str
    key: bytes
    options: MatchOptions = field(default_factory=MatchOptions)

    async def look_up(self, customer: Customer) -> list[Existing]:
        """Return all customers that the filters find by the row's phone, then by its surname.

        Raises ServiceError when Clopos can't be reached.
        """
        found: dict[str, Existing] = {}
        for existing in await self._by_phone(customer):
            found[existing.id] = existing
        if self.judge(customer, found.values()).customers:
            return list(found.values())
        words = sorted(customer.name.split(), key=len)
        for existing in await self.api.by_name(words[-1] if words else customer.name):
            found[existing.id] = existing
        return list(found.values())

    async def _by_phone(self, customer: Customer) -> Iterable[Existing]:
        digits = "".join(filter(str.isdigit, customer.phone or ""))
        return await self.api.by_phone(digits[-_NATIONAL:]) if digits else ()

    def judge(self, customer: Customer, existing: Iterable[Existing]) -> Verdict:
        """Return what the row is, among these customers alone."""
        known = {each.id: self.known_customer(each) for each in existing}
        return match([self.row(customer)], known, self.options).verdicts[0]

    def row(self, customer: Customer) -> Row:
        """Return a row as matching takes it."""
        return Row(customer.row, row_evidence(customer, customer.made_of, self.key))

    def evidence(self, existing: Existing) -> str:
        """Return the packed evidence of a customer at Clopos."""
        return customer_evidence(existing.fields(), self.region, self.key)

    def known_customer(self, existing: Existing) -> KnownCustomer:
        """Return a customer at Clopos as matching takes it."""
        return KnownCustomer(existing.id, now=self.evidence(existing))

    def keys(self, customer: Customer) -> tuple[str, ...]:
        """Return the keys by which a row finds customers it shares something with."""
        return lookup_keys(self.row(customer).evidence)


def own(customer: Customer, existing: Iterable[Existing]) -> str | None:
    """Return the id of the customer that has the row's own cid, None when none of these has."""
    cid = customer.cid.lower()
    return next((each.id for each in existing if each.cid == cid), None)
