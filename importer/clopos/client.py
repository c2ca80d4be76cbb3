"""Requests to the API: one session, one token, one quota.

What is asked of whom and how often is decided here; what an answer means, in `answers`.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Self

import aiohttp

from importer import __version__
from importer.clopos.answers import Answer, Call, Verdict, judge
from importer.clopos.customers import Existing, Page, existing_of, page_of
from importer.errors import ServiceError
from importer.settings import LOOPBACK, require_credentials

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
    from types import TracebackType

    from importer.clopos.quota import Quota
    from importer.settings import Settings

_PAGE_SIZES = {1: 100, 2: 999}  # API facts §5.1
_LIFETIME = 3600.0  # of a token that doesn't say (API facts §3.3)
_FIRST_CONTACT = 5.0  # seconds to try when nothing has ever answered: a wrong address, likely
_NO_HEADERS_WAIT = 60.0  # after a 429 that says nothing (API facts §7.4)
_UNSENT = (
    aiohttp.ClientConnectorError,
    aiohttp.ConnectionTimeoutError,
    aiohttp.InvalidURL,
)


@dataclass(slots=True)
class Requests:
    """Counts of what went over the wire, by kind; `throttled` are those answered by a 429."""

    total: int = 0
    posts: int = 0
    reads: int = 0
    auths: int = 0
    throttled: int = 0

    def as_dict(self) -> dict[str, int]:
        """Return the counts by name."""
        return asdict(self)


class Clopos:
    """The API for one brand.

    `timeout` (seconds) is of one request; `give_up_after` how long to go on when Clopos can't be
    reached. `now` is the wall clock in epoch seconds; waits use the event loop's.
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
    ) -> None:
        require_credentials(settings)
        self.page_size = _PAGE_SIZES[settings.version]
        self.requests = Requests()
        self._settings = settings
        self._quota = quota
        self._timeout = timeout
        self._give_up_after = give_up_after
        self._now = now
        self._on_request = on_request
        self._token = settings.token
        self._renew_at = float("inf")
        self._signing_in = asyncio.Lock()
        self._answered = False

    async def __aenter__(self) -> Self:
        loopback = self._settings.base_url.split("/")[2].rsplit(":", 1)[0].strip("[]") in LOOPBACK
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=30),
            timeout=aiohttp.ClientTimeout(total=self._timeout, sock_connect=self._timeout),
            headers={"User-Agent": f"clopos-import/{__version__}", "Accept": "application/json"},
            trust_env=not loopback,  # a restaurant's network may have a proxy
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._session.close()

    # -- customers --------------------------------------------------------------------------

    async def create(self, body: dict[str, Any], leaving: Callable[[], Awaitable[None]]) -> Answer:
        """Send one customer and return the answer, whatever it says but STOP.

        `leaving` is awaited when its turn has come, right before the first byte leaves; a call
        that is cancelled before that has sent nothing. A DOUBT is never sent again from here,
        and after THROTTLED all requests pause.

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

    async def scan(self, worth_it: Callable[[int], bool] | None = None) -> AsyncIterator[Existing]:
        """Yield every customer once, oldest first.

        `worth_it` is told the total after the first page and may end it there. A page may be
        shorter than asked for, and the list may change meanwhile: the end is where all are
        collected, or a page brings nobody new (API facts §5.2).
        """
        seen: set[str] = set()
        number = 1
        while True:
            page = await self.page(number, sort=("id", 1))
            new = [each for each in page.customers if each.id not in seen]
            seen |= {each.id for each in new}
            for existing in new:
                yield existing
            if not new or (page.total is not None and len(seen) >= page.total):
                return
            if number == 1 and worth_it and page.total is not None and not worth_it(page.total):
                return
            number += 1

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
        leaving: Callable[[], Awaitable[None]] | None = None,
    ) -> Answer:
        """Ask until there is an answer that means something; renew the token once if asked to."""
        patience = _Patience()
        renewed = False
        while True:
            token = "" if call is Call.SIGN_IN else await self._valid_token()
            async with self._quota.slot():
                if leaving:
                    await leaving()
                    leaving = None
                answer = await self._wire(call, method, path, token, params, body)
            if answer is None:
                limit = self._give_up_after if self._answered else _FIRST_CONTACT
                await patience.wait(limit, f"Clopos can't be reached at {self._settings.base_url}")
            elif answer.verdict is Verdict.THROTTLED:
                self._quota.pause(_NO_HEADERS_WAIT if answer.wait is None else answer.wait + 0.5)
                if call is Call.CREATE:
                    return answer
            elif answer.verdict is Verdict.SIGN_IN_AGAIN and not renewed:
                renewed = True
                await self._sign_in(used_up=token)
            elif answer.verdict in {Verdict.STOP, Verdict.SIGN_IN_AGAIN}:
                raise ServiceError(f"Clopos refuses: {answer.message}", todo=answer.todo)
            elif answer.verdict is Verdict.RETRY:
                await patience.wait(self._give_up_after, f"Clopos fails: {answer.message}")
            else:
                return answer

    async def _wire(
        self,
        call: Call,
        method: str,
        path: str,
        token: str,
        params: dict[str, str] | None,
        body: dict[str, Any] | None,
    ) -> Answer | None:
        """Send one request and judge its answer. None: no connection, nothing has left."""
        self._count(call)
        url = self._settings.api_url + path
        headers = self._headers(token) if token else {}
        try:
            async with self._session.request(
                method, url, params=params, json=body, headers=headers, allow_redirects=False
            ) as response:
                status, fields = response.status, response.headers
                content = await response.read()
        except _UNSENT:
            return None
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            words = "no answer in time" if isinstance(error, TimeoutError) else "connection lost"
            lost = Verdict.DOUBT if call is Call.CREATE else Verdict.RETRY
            return Answer(lost, message=words)
        self._answered = True
        self._quota.observe(fields)
        answer = judge(call, status, fields, content, now=self._now())
        self.requests.throttled += answer.verdict is Verdict.THROTTLED
        return answer

    def _count(self, call: Call) -> None:
        self.requests.total += 1
        self.requests.posts += call is Call.CREATE
        self.requests.reads += call is Call.READ
        self.requests.auths += call is Call.SIGN_IN
        self._on_request()

    def _headers(self, token: str) -> dict[str, str]:
        """Return the headers of a request that is signed in (API facts §2)."""
        headers = {"x-token": token}
        if self._settings.version == 1:
            headers["x-brand"] = self._settings.brand
        if self._settings.venue_id:
            headers["x-venue"] = self._settings.venue_id
        return headers

    # -- token ------------------------------------------------------------------------------

    async def _valid_token(self) -> str:
        if not self._token or self._now() >= self._renew_at:
            await self._sign_in(used_up=self._token)
        return self._token

    async def _sign_in(self, *, used_up: str) -> None:
        """Get a new token, once for all who find theirs used up (API facts §3)."""
        async with self._signing_in:
            if self._token != used_up:
                return  # somebody else has just been there
            settings = self._settings
            if not settings.client_secret:
                raise ServiceError(
                    "Clopos no longer takes the token",
                    todo="give a new CLOPOS_TOKEN, or CLOPOS_CLIENT_ID and CLOPOS_CLIENT_SECRET",
                )
            body = {
                "client_id": settings.client_id,
                "client_secret": settings.client_secret,
                "brand": settings.brand,
            }
            if settings.version == 2:
                body["integrator_id"] = settings.integrator_id
            else:
                body["venue_id"] = settings.venue_id
            answer = await self._ask(Call.SIGN_IN, "POST", "/auth", body=body)
            lifetime = _seconds(answer.data.get("expires_in")) or _LIFETIME
            # Early enough that no request is under way with it when it ends.
            self._renew_at = self._now() + lifetime - min(300.0, lifetime / 10)
            self._token = answer.data["token"]


class _Patience:
    """Growing waits within a limit."""

    def __init__(self) -> None:
        self._since: float | None = None
        self._wait = 1.0

    async def wait(self, limit: float, what: str) -> None:
        """Wait longer than last time. Raises ServiceError when the limit (seconds) is over."""
        now = asyncio.get_running_loop().time()
        self._since = now if self._since is None else self._since
        if now + self._wait - self._since > limit:
            raise ServiceError(
                what,
                todo="check the network and CLOPOS_BASE_URL, then run the same command again: "
                "it carries on",
            )
        await asyncio.sleep(self._wait)
        self._wait = min(60.0, self._wait * 2)


def _seconds(value: Any) -> float | None:
    positive = isinstance(value, int | float) and not isinstance(value, bool) and value > 0
    return float(value) if positive else None
