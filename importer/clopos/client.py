"""Requests to the API: one session, one token, one quota.

What is asked of whom and how often is decided here; what an answer means, in `answers`.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import time
from typing import TYPE_CHECKING, Any, Self

from importer.clopos.customers import Existing, Page, existing_of, groups_of, page_of
from importer.clopos.responses import Answer, Call, Verdict
from importer.clopos.transport import Requests, Wire
from importer.errors import ServiceError
from importer.i18n import tr
from importer.settings import require_credentials

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence
    from contextlib import AbstractAsyncContextManager

    from importer.clopos.rate_limiter import Quota
    from importer.settings import Settings

_PAGE_SIZES = {1: 100, 2: 999}  # API facts §5.1
_LIFETIME = 3600.0  # of a token that doesn't say (API facts §3.3)
_FIRST_CONTACT = 5.0  # seconds to try when nothing has ever answered: a wrong address, likely
_NO_HEADERS_WAIT = 60.0  # after a 429 that says nothing (API facts §7.4)
_BEGINNINGS = 2  # of a list that changes while it is read
_THROTTLES = 20  # in a row, each waited for as told: nobody gets through any more


class Clopos:
    """The API for one brand.

    `timeout` (seconds) is of one request; `give_up_after` how long to go on when Clopos can't be
    reached. `now` is the wall clock in epoch seconds; waits use the event loop's. `on_request` is
    called when the turn of a request has come, `on_failure` after each that failed (status 400 and
    above).
    """

    def __init__(
        self,
        settings: Settings,
        quota: Quota,
        *,
        timeout: float = 20.0,
        give_up_after: float = 600.0,
        now: Callable[[], float] = time.time,
        on_request: Callable[[], None] = lambda: None,
        on_failure: Callable[[], None] = lambda: None,
    ) -> None:
        require_credentials(settings)
        self.page_size = _PAGE_SIZES[settings.version]
        self._settings = settings
        self._quota = quota
        self._give_up_after = give_up_after
        self._now = now
        self._on_request = on_request
        self._wire = Wire(
            settings,
            timeout=timeout,
            now=now,
            on_answer=quota.observe,
            on_failure=on_failure,
        )
        self._token = settings.token
        self._renew_at = float("inf")  # wall time
        self._signing_in = asyncio.Lock()
        self._refused: ServiceError | None = None  # for good: nobody need ask again
        self._throttles = 0  # in a row
        self._paused_until = 0.0  # loop time, by the last of them

    @property
    def requests(self) -> Requests:
        """Return what went over the wire until now."""
        return self._wire.requests

    @property
    def paced(self) -> bool:
        """Return whether there is a quota, so that requests wait for their turn."""
        return bool(self._quota.windows)

    async def __aenter__(self) -> Self:
        await self._wire.__aenter__()
        return self

    async def __aexit__(self, *reason: object) -> None:
        await self._wire.__aexit__(*reason)

    # -- customers --------------------------------------------------------------------------

    async def create(
        self, body: dict[str, Any], leaving: Callable[[], AbstractAsyncContextManager[None]]
    ) -> Answer:
        """Send one customer and return the answer, whatever it says but STOP.

        `leaving` is entered when its turn has come, right before the first byte leaves, and left
        with the answer; a call that is cancelled outside of it has created nothing. More than one
        request is made only where the first certainly didn't reach Clopos. A DOUBT is never sent
        again from here, and after THROTTLED all requests pause.

        Raises ServiceError when every request would end like this one, or Clopos can't be
        reached; the customer wasn't created then.
        """
        return await self._ask(Call.CREATE, "POST", "/customers", body=body, leaving=leaving)

    async def page(
        self,
        number: int,
        *,
        sort: tuple[str, int] = ("id", -1),
        filters: Sequence[tuple[str, str]] = (),
    ) -> Page:
        """Return one page, from 1, of the largest size; `sort` is field and 1 or -1."""
        params = {"page": str(number), "limit": str(self.page_size)}
        params |= {"sort[0]": sort[0], "sort[1]": str(sort[1])}
        for place, (field, value) in enumerate(filters):
            params |= {f"filters[{place}][0]": field, f"filters[{place}][1]": value}
        return page_of(await self._read("/customers", params))

    async def by_phone(self, digits: str) -> tuple[Existing, ...]:
        """Return who a filter on the digits finds: a hint, to be compared by the caller."""
        return (await self.page(1, filters=[("phones", digits)])).customers

    async def by_name(self, name: str) -> tuple[Existing, ...]:
        """Return who a filter on the name finds: a hint, to be compared by the caller."""
        return (await self.page(1, filters=[("name", name)])).customers

    async def get(self, clopos_id: str) -> Existing | None:
        """Return the customer with this id, None when there is none."""
        answer = await self._read(f"/customers/{clopos_id}", {})
        return existing_of(answer.data) if answer.verdict is Verdict.OK else None

    async def groups(self) -> tuple[tuple[int, str], ...]:
        """Return (id, name) of every customer group (API facts §6)."""
        found: dict[int, str] = {}
        for number in itertools.count(1):
            params = {"page": str(number), "limit": "200"}
            answer = await self._read("/customer-groups", params)
            known = len(found)
            found |= dict(groups_of(answer))
            if len(found) == known or (answer.total is not None and len(found) >= answer.total):
                break
        return tuple(found.items())

    async def scan(self, worth_it: Callable[[int], bool] | None = None) -> AsyncIterator[Existing]:
        """Yield every customer once, oldest first.

        `worth_it` is told the total after the first page and may end it there. A page may be
        shorter than asked for, and the list may change meanwhile: the end is where all are
        collected, or a page brings nobody new (API facts §5.2). Where somebody is deleted, the
        others move up, maybe onto a page that was read: then it is begun anew.
        """
        seen: set[str] = set()
        for beginnings_left in reversed(range(_BEGINNINGS)):
            read: set[str] = set()
            total: int | None = None
            for number in itertools.count(1):
                page = await self.page(number, sort=("id", 1))
                for existing in page.customers:
                    if existing.id not in seen:
                        seen.add(existing.id)
                        yield existing
                if beginnings_left and (page.total or 0) < (total or 0):
                    break
                known, total = len(read), page.total
                read |= {each.id for each in page.customers}
                if len(read) == known or (total is not None and len(read) >= total):
                    return
                if number == 1 and worth_it and total is not None and not worth_it(total):
                    return

    # -- one request ------------------------------------------------------------------------

    async def _read(self, path: str, params: dict[str, str]) -> Answer:
        return await self._ask(Call.READ, "GET", path, params=params)

    async def _ask(
        self,
        call: Call,
        method: str,
        path: str,
        *,
        params: dict[str, str] | None = None,
        body: dict[str, Any] | None = None,
        leaving: Callable[[], AbstractAsyncContextManager[None]] = contextlib.nullcontext,
    ) -> Answer:
        """Ask until there is an answer that means something; renew the token once if asked to."""
        patience = _Patience()
        renewed = False
        token = ""

        async def prepare() -> None:
            nonlocal token
            token = await self._valid_token()

        while True:
            # The token is asked for when the turn has come: by then it may be used up.
            quota = self._quota
            sent = await (quota.first_turn() if call is Call.SIGN_IN else quota.turn(prepare))
            try:
                if self._refused:
                    raise self._refused
                self._on_request()
                async with leaving():
                    answer = await self._wire.ask(
                        call, method, path, token=token, params=params, body=body
                    )
            finally:
                quota.answered(sent)
            if answer and answer.verdict is Verdict.THROTTLED:
                self._throttled(answer)
                if call is Call.CREATE:
                    return answer
                continue
            self._throttles = 0
            if answer is None or answer.verdict is Verdict.RETRY:
                await self._wait(patience, answer)
            elif answer.verdict is Verdict.SIGN_IN_AGAIN and not renewed:
                renewed = True
                if token == self._token:
                    self._renew_at = 0.0  # nobody else sends it now
            elif answer.verdict in {Verdict.STOP, Verdict.SIGN_IN_AGAIN}:
                self._refused = ServiceError(
                    tr("Clopos refuses: {message}", message=answer.message),
                    todo=answer.todo and tr(answer.todo),
                )
                raise self._refused
            else:
                return answer

    async def _wait(self, patience: _Patience, answer: Answer | None) -> None:
        """Wait before the same is asked once more. Raises ServiceError when that has no sense."""
        answered = self._wire.answered
        if answer is None or not answered:
            what = tr("Clopos can't be reached at {base_url}", base_url=self._settings.base_url)
            why = self._wire.why
        else:
            what, why = tr("Clopos keeps failing"), answer.message
        await patience.wait(self._give_up_after if answered else _FIRST_CONTACT, what, why)

    def _throttled(self, answer: Answer) -> None:
        """Let all requests pause. Raises ServiceError when that has helped too often not at all."""
        now = asyncio.get_running_loop().time()
        if now >= self._paused_until:  # else it left before the pause began
            self._throttles += 1
        if self._throttles > _THROTTLES:
            raise ServiceError(
                tr("Clopos lets no request through any more"),
                why=tr(
                    "{throttles} times in a row it asked to wait, and we did: {message}",
                    throttles=_THROTTLES,
                    message=answer.message,
                ),
                todo=tr(
                    "see what else uses the quota of this brand, then run the same "
                    "command again: it carries on"
                ),
            )
        told = _NO_HEADERS_WAIT if answer.wait is None else answer.wait + 0.5
        # What is asked for doesn't help where it comes again and again (API facts §7.4).
        wait = max(told, min(_NO_HEADERS_WAIT, 2.0 ** (self._throttles - 1)))
        self._quota.pause(wait)
        self._paused_until = max(self._paused_until, now + wait)

    # -- token ------------------------------------------------------------------------------

    async def _valid_token(self) -> str:
        """Return a token, a new one where it is time for it: got once, for all who wait for it."""
        async with self._signing_in:
            if not self._token or self._now() >= self._renew_at:
                await self._sign_in()
        return self._token

    async def _sign_in(self) -> None:
        """Get a new token (API facts §3)."""
        if self._refused:
            raise self._refused  # wrong credentials may be locked out: never a second time
        try:
            answer = await self._ask(Call.SIGN_IN, "POST", "/auth", body=self._credentials())
        except ServiceError as error:
            self._refused = error
            raise
        lifetime = _seconds(answer.data.get("expires_in")) or _LIFETIME
        # Early enough that no request is under way with it when it ends.
        self._renew_at = self._now() + lifetime - min(300.0, lifetime / 10)
        self._token = answer.data["token"]

    def _credentials(self) -> dict[str, str]:
        """Return the body of a sign-in. Raises ServiceError when there is only a token."""
        settings = self._settings
        if not (settings.client_id and settings.client_secret):
            raise ServiceError(
                tr("Clopos no longer takes the token"),
                todo=tr("give a new CLOPOS_TOKEN, or CLOPOS_CLIENT_ID and CLOPOS_CLIENT_SECRET"),
            )
        named = (
            {"integrator_id": settings.integrator_id}
            if settings.version == 2
            else {"venue_id": settings.venue_id}
        )
        return {
            "client_id": settings.client_id,
            "client_secret": settings.client_secret,
            "brand": settings.brand,
        } | named


class _Patience:
    """Growing waits within a limit."""

    def __init__(self) -> None:
        self._since: float | None = None
        self._wait = 1.0

    async def wait(self, limit: float, what: str, why: str) -> None:
        """Wait longer than last time. Raises ServiceError when the limit (seconds) is over."""
        now = asyncio.get_running_loop().time()
        self._since = now if self._since is None else self._since
        if now + self._wait - self._since > limit:
            raise ServiceError(
                what,
                why=why or None,
                todo=tr(
                    "check the network and CLOPOS_BASE_URL, then run the same command "
                    "again: it carries on"
                ),
            )
        await asyncio.sleep(self._wait)
        self._wait = min(60.0, self._wait * 2)


def _seconds(value: Any) -> float | None:
    positive = isinstance(value, int | float) and not isinstance(value, bool) and value > 0
    return float(value) if positive else None
