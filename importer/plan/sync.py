"""Brings the copy of the customers at Clopos up to date, from the end of the list.

Sorted by id, ascending, new customers come last: the page with the last ones held, and those after
it, have all that is new. Whether nothing moved before that page is seen from its place: in a list
of pages of 999, page 6 begins with customer 4996, so 4995 customers held must have lower ids. Where
they don't (a customer was deleted, or created during the reading), the pages before it are read as
well, back to where the numbers agree; at worst that is all.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Protocol

from importer.errors import ServiceError
from importer.i18n import tr
from importer.store.records import as_id

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from importer.clopos import Existing, Page
    from importer.store.base import Snapshot
    from importer.store.records import Seen

_STARTS = 3  # times a list is begun anew because it changed while it was read


class Listing(Protocol):
    """The part of the client that lists customers."""

    @property
    def page_size(self) -> int:
        """Return how many customers are asked for at a time."""

    async def page(self, number: int, *, sort: tuple[str, int]) -> Page:
        """Return a page of the list, from 1 on."""


@dataclass(frozen=True, slots=True)
class Synced:
    """Result of a reading. `complete`: the copy has every customer at Clopos, as it is now."""

    complete: bool
    total: int | None  # from the last response of Clopos


async def sync(
    api: Listing,
    snapshot: Snapshot,
    as_seen: Callable[[Existing], Seen],
    pays: Callable[[int, int], bool],
    scope: str,
    *,
    anew: bool = False,
    most_pages: int = 20_000,
) -> Synced:
    """Read what has changed at Clopos since last time into the snapshot.

    `pays` is given how many pages there are to be read beyond the first, and the number of
    customers; reading ends where it returns False, and only what was read is seen then. `scope`
    is that of `Snapshot.start_reading`. `anew` reads everything, whatever is held; `most_pages`
    bounds a list without an end.

    Raises ServiceError when Clopos can't be reached or its list has no end.
    """
    reading = _Reading(api, snapshot, as_seen, pays, most_pages)
    held, size = await snapshot.start_reading(scope)
    complete = await reading.end(held, size) if held and size and not anew else None
    starts = 0
    while complete is None and starts < _STARTS:
        starts += 1
        await snapshot.start_reading(scope)
        complete = await reading.all()
    return Synced(bool(complete), reading.total)


class _Reading:
    """One or several passes over a list. Each returns whether it was complete, None: begin anew."""

    def __init__(
        self,
        api: Listing,
        snapshot: Snapshot,
        as_seen: Callable[[Existing], Seen],
        pays: Callable[[int, int], bool],
        most_pages: int,
    ) -> None:
        self.api = api
        self.snapshot = snapshot
        self.as_seen = as_seen
        self.pays = pays
        self.most_pages = most_pages
        self.total: int | None = None

    async def end(self, held: int, size: int) -> bool | None:
        """Read from where the last customers held are. None: the list isn't what it was."""
        first = number = math.ceil(held / size)
        read, forward = 0, True
        total: int | None = None
        lowest: int | str | None = None
        while True:
            page, ids = await self._page(number)
            read += 1
            if not _regular(ids, page.total, number, size) or _shrank(page.total, total):
                return None
            await self._put(page, size)
            total = page.total
            lowest = ids[0] if lowest is None else _lower(ids[0], lowest)
            if forward and _has_next(page, number, size):
                number += 1
                left = 1 if total is None else math.ceil(total / size) - number + 1
            elif first == 1 or await self._agrees(lowest, first, size):
                await self.snapshot.finish_reading(None if first == 1 else str(lowest))
                return True
            else:
                forward = False
                number = first = first - 1
                left = 1
            if not self.pays(read - 1 + left, total or held):
                return False

    async def all(self) -> bool | None:
        """Read from the beginning. None: a customer was deleted meanwhile, so one may be missed."""
        number, seen, size, in_order = 1, 0, 0, True
        highest: int | str | None = None
        total: int | None = None
        while True:
            page, ids = await self._page(number)
            if _shrank(page.total, total):
                return None
            total = page.total
            in_order &= _ascending(ids if highest is None else [highest, *ids])
            highest = ids[-1] if ids else highest
            if number == 1:
                # A server that gives fewer than asked for gives no more on the other pages.
                size = len(ids) if total is None or len(ids) < total else self.api.page_size
            new = await self._put(page, size if in_order else 0)
            seen += new
            if not new or (total is not None and seen >= total):
                await self.snapshot.finish_reading()
                return True
            # As many at a time as it gave now.
            left = 1 if total is None else math.ceil((total - seen) / len(ids))
            if not self.pays(number - 1 + left, seen if total is None else total):
                return False
            number += 1

    async def _page(self, number: int) -> tuple[Page, list[int | str]]:
        if number > self.most_pages:
            raise ServiceError(
                tr("The list of customers at Clopos has no end"),
                why=tr("{n} pages were read, each with new customers", n=number - 1),
                fix=tr("run again with --match never, or ask Clopos"),
            )
        page = await self.api.page(number, sort=("id", 1))
        self.total = page.total
        return page, [as_id(existing.id) for existing in page.customers]

    async def _put(self, page: Page, size: int) -> int:
        return await self.snapshot.put([self.as_seen(each) for each in page.customers], size)

    async def _agrees(self, lowest: int | str, first: int, size: int) -> bool:
        """Return whether as many customers are held before page `first` as its place says."""
        return await self.snapshot.count_below(str(lowest)) == (first - 1) * size


def _lower(one: int | str, other: int | str) -> int | str:
    return min(one, other, key=lambda each: (isinstance(each, str), each))


def _ascending(ids: Sequence[int | str]) -> bool:
    """Return whether these are numbers, each above the last."""
    numbers = [each for each in ids if isinstance(each, int)]
    return len(numbers) == len(ids) and all(low < high for low, high in pairwise(numbers))


def _regular(ids: Sequence[int | str], total: int | None, number: int, size: int) -> bool:
    """Return whether a page has as many customers as its place says, in the order asked for."""
    if not ids or not _ascending(ids):
        return False
    return len(ids) <= size if total is None else len(ids) == min(size, total - (number - 1) * size)


def _shrank(total: int | None, before: int | None) -> bool:
    return total is not None and before is not None and total < before


def _has_next(page: Page, number: int, size: int) -> bool:
    """Return whether there is a page after this one."""
    if page.total is None:
        return len(page.customers) == size
    return page.total > number * size
