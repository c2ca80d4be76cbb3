"""Customers that the tills create while rows are being sent: read now and then, and compared."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from importer.errors import ImporterError
from importer.matching.evidence import index_keys

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from importer.clopos import Clopos, Existing
    from importer.records import Customer
    from importer.send.lookup import Holders
    from importer.send.recorder import OutcomeRecorder

_log = logging.getLogger(__name__)
_EVERY = 600.0  # seconds


class Newcomers:
    """Customers with an id above those that were listed when the plan was made.

    Those that this run created are among them: a row that is one of them was sent already.
    """

    def __init__(self, api: Clopos, holders: Holders, recorder: OutcomeRecorder) -> None:
        self._api = api
        self._holders = holders
        self._recorder = recorder
        self._listed = recorder.newest_id or 0
        self._by_key: dict[str, list[Existing]] = {}

    async def watch(self) -> None:
        """Read the newest customers every ten minutes, until it is cancelled."""
        while True:
            await asyncio.sleep(_EVERY)
            try:
                await self._read()
            except ImporterError as error:
                # Sending meets the same error, and handles it.
                _log.warning("the newest customers can't be read: %s", error.what)

    async def _read(self) -> None:
        number, newest = 1, self._listed
        while True:
            page = await self._api.page(number, sort=("id", -1))
            ids = [int(each.id) for each in page.customers if each.id.isdecimal()]
            for existing in page.customers:
                if existing.id.isdecimal() and int(existing.id) > self._listed:
                    self._add(existing)
            newest = max([newest, *ids])
            # Not in the order asked for, or back where the last reading began.
            if not ids or min(ids) <= self._listed or ids != sorted(ids, reverse=True):
                break
            number += 1
        self._listed = newest

    def _add(self, existing: Existing) -> None:
        for key in index_keys(self._holders.known_customer(existing).now or ""):
            self._by_key.setdefault(key, []).append(existing)

    def pass_over(self, customers: Iterable[Customer]) -> Iterator[Customer]:
        """Yield the customers that are still to be created; record what the others are."""
        for customer in customers:
            if self._by_key:
                found = {
                    each.id: each
                    for key in self._holders.keys(customer)
                    for each in self._by_key.get(key, ())
                }
                verdict = self._holders.judge(customer, found.values())
                if verdict.customers:
                    self._recorder.matched(customer, verdict)
                    continue
            yield customer
