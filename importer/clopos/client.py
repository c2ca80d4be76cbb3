"""Client of the API: create, list and look up customers (API facts §4, §5, §6)."""

from __future__ import annotations

import itertools
import time
from typing import TYPE_CHECKING, Any, Self

from importer.clopos.customers import Existing, Page, existing_of, groups_of, named_of, page_of
from importer.clopos.responses import Call, ClassifiedResponse, Request, Verdict
from importer.clopos.session import Session
from importer.errors import ServiceError
from importer.i18n import tr

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence
    from contextlib import AbstractAsyncContextManager

    from importer.clopos.rate_limiter import RateLimiter
    from importer.clopos.transport import Requests
    from importer.settings import Settings

_PAGE_SIZES = {1: 100, 2: 999}  # API facts §5.1
_SCANS = 2  # of a list that changes while it is read
_MOST_PAGES = 20_000  # of any list: at 100 a page, two million customers
_MOST_PAGES_WITHOUT_TOTAL = 2_000  # of a list that doesn't state how long it is


class Clopos:
    """Client for one brand.

    `timeout` (seconds) is of one request; `give_up_after` is how long to retry when Clopos can't
    be reached. `now` is the wall clock in epoch seconds; waits use the event loop's.
    `created_before`: an earlier run created customers with these settings. `on_response` is called
    with each response, also with those of requests that never left (UNSENT).
    """

    def __init__(
        self,
        settings: Settings,
        limiter: RateLimiter,
        *,
        timeout: float = 20.0,
        give_up_after: float = 600.0,
        now: Callable[[], float] = time.time,
        created_before: bool = False,
        on_response: Callable[[ClassifiedResponse], None] = lambda _: None,
    ) -> None:
        """Prepare a client. Raises UsageError for settings that can't be used."""
        self.page_size = _PAGE_SIZES[settings.version]
        self.paced = bool(limiter.windows)  # False: no quota, so requests never wait
        self._session = Session(
            settings,
            limiter,
            timeout=timeout,
            give_up_after=give_up_after,
            now=now,
            created_before=created_before,
            on_response=on_response,
        )

    @property
    def requests(self) -> Requests:
        """Return the counts of requests until now."""
        return self._session.transport.requests

    async def __aenter__(self) -> Self:
        await self._session.transport.__aenter__()
        return self

    async def __aexit__(self, *reason: object) -> None:
        await self._session.transport.__aexit__(*reason)

    async def create(
        self, body: dict[str, Any], leaving: Callable[[], AbstractAsyncContextManager[None]]
    ) -> ClassifiedResponse:
        """Create one customer and return the response, whatever its verdict but STOP.

        `leaving` is entered when the request may leave, right before its first byte, and left with
        the response; a call that is cancelled outside of it has created nothing. It makes more
        than one request only where the first certainly didn't reach Clopos. It never resends after
        a DOUBT, and after THROTTLED all requests pause. REJECTED with a status like 403 is the
        refusal of this row where others were created before.

        Raises ServiceError when every request would end like this one, or Clopos can't be
        reached; the customer wasn't created then.
        """
        return await self._session.ask(Request(Call.CREATE, "POST", "/customers", body), leaving)

    async def page(
        self,
        number: int,
        *,
        sort: tuple[str, int] = ("id", -1),
        filters: Sequence[tuple[str, str]] = (),
    ) -> Page:
        """Read one page, from 1, of the largest size; `sort` is field and 1 or -1.

        Raises ServiceError when Clopos refuses, has no such list, or the list never ends.
        """
        _check_length("/customers", number, _MOST_PAGES)
        params = {"page": str(number), "limit": str(self.page_size)}
        params |= {"sort[0]": sort[0], "sort[1]": str(sort[1])}
        for place, (field, value) in enumerate(filters):
            params |= {f"filters[{place}][0]": field, f"filters[{place}][1]": value}
        return page_of(await self._session.ask(_read("/customers", params)))

    async def by_phone(self, digits: str) -> tuple[Existing, ...]:
        """Read the customers that a filter on the digits finds: a hint, the caller compares."""
        return (await self.page(1, filters=[("phones", digits)])).customers

    async def by_name(self, name: str) -> tuple[Existing, ...]:
        """Read the customers that a filter on the name finds: a hint, the caller compares."""
        return (await self.page(1, filters=[("name", name)])).customers

    async def get(self, clopos_id: str) -> Existing | None:
        """Read the customer with this id, None when there is none."""
        request = Request(Call.READ, "GET", f"/customers/{clopos_id}", may_be_missing=True)
        response = await self._session.ask(request)
        return existing_of(response.data) if response.verdict is Verdict.OK else None

    async def venues(self) -> tuple[tuple[str, str], ...]:
        """Read (id, name) of every venue: the cheapest proof that signing in works.

        Raises ServiceError when Clopos refuses or can't be reached.
        """
        return named_of(await self._session.ask(_read("/venues", {})))

    async def groups(self) -> tuple[tuple[int, str], ...]:
        """Read (id, name) of every customer group (API facts §6)."""
        found: dict[int, str] = {}
        for number in itertools.count(1):
            _check_length("/customer-groups", number, _MOST_PAGES_WITHOUT_TOTAL)
            params = {"page": str(number), "limit": "200"}
            response = await self._session.ask(_read("/customer-groups", params))
            before = len(found)
            found |= dict(groups_of(response))
            if len(found) == before or (
                response.total is not None and len(found) >= response.total
            ):
                break
        return tuple(found.items())

    async def count_customers(self) -> int | None:
        """Return how many customers Clopos lists, None where the list doesn't say.

        Raises ServiceError when Clopos refuses the list.
        """
        params = {"page": "1", "limit": "1"}
        return page_of(await self._session.ask(_read("/customers", params))).total

    async def scan(self, worth_it: Callable[[int], bool] | None = None) -> AsyncIterator[Existing]:
        """Yield every customer once, oldest first.

        `worth_it` is given the total after the first page and may end the scan there. A page may
        be shorter than asked for, and the list may change meanwhile: it ends where all are
        collected, or a page has no new customer (API facts §5.2). A delete moves later customers
        up, maybe onto a page that was read: then the scan starts again.
        """
        yielded: set[str] = set()
        for scans_left in reversed(range(_SCANS)):
            read: set[str] = set()
            total: int | None = None
            for number in itertools.count(1):
                page = await self.page(number, sort=("id", 1))
                for existing in page.customers:
                    if existing.id not in yielded:
                        yielded.add(existing.id)
                        yield existing
                if scans_left and (page.total or 0) < (total or 0):
                    break
                before, total = len(read), page.total
                read |= {each.id for each in page.customers}
                if len(read) == before or (total is not None and len(read) >= total):
                    return
                if number == 1 and worth_it and total is not None and not worth_it(total):
                    return
                if total is None:
                    _check_length("/customers", number, _MOST_PAGES_WITHOUT_TOTAL)


def _read(path: str, params: dict[str, str]) -> Request:
    return Request(Call.READ, "GET", path, params=params)


def _check_length(path: str, number: int, most: int) -> None:
    """Raise ServiceError for a page that no list can have."""
    if number > most:
        raise ServiceError(
            tr("The list {path} of Clopos never ends", path=path),
            why=tr("it has more than {most} pages", most=most),
            fix=tr("check CLOPOS_BASE_URL; if it is right, ask Clopos"),
        )
