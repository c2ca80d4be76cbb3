"""A signed-in session: sends requests at the allowed pace, retries them, renews the token."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

from importer.clopos.responses import Call, ClassifiedResponse, Request, Verdict
from importer.clopos.transport import Transport
from importer.errors import ServiceError
from importer.i18n import tr, tr_noop
from importer.settings import DEFAULT_BASE_URL, require_credentials

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager

    from importer.clopos.rate_limiter import RateLimiter
    from importer.settings import Settings

_LIFETIME = 3600.0  # seconds of a token that states none (API facts §3.3)
_LONGEST_LIFETIME = 1e9  # seconds; more is a broken response
_FIRST_CONTACT = 5.0  # seconds to retry while nothing has ever answered: likely a wrong address
_NO_HEADERS_WAIT = 60.0  # after a 429 that states no time (API facts §7.4)
_MOST_THROTTLES = 20  # consecutive 429s, each waited for as asked
_LONGEST_THROTTLE = 7200.0  # seconds of consecutive 429s: twice the longest quota window
_MOST_REFUSED_TOKENS = 10  # 401s of one request, or consecutive ones of all
_RENEWAL_INTERVAL = 60.0  # seconds between sign-ins for a 401 while requests get through
_MOST_BLOCKED = 5  # consecutive rows refused as if by configuration, after others were created
_SIGN_IN_TO_NETWORK = tr_noop(
    "open any page in a browser: the network may want you to sign in; else check CLOPOS_BASE_URL"
)
_CHECK_NETWORK = tr_noop("check the network and CLOPOS_BASE_URL, then run it again: it continues")
_CHECK_INTERNET = tr_noop("check the internet connection, then try again: it continues")


class Session:
    """One token and one pace for all requests of a brand; `Clopos` describes the arguments."""

    def __init__(
        self,
        settings: Settings,
        limiter: RateLimiter,
        *,
        timeout: float,
        give_up_after: float,
        now: Callable[[], float],
        created_before: bool,
        on_response: Callable[[ClassifiedResponse], None],
    ) -> None:
        """Prepare a session. Raises UsageError for settings that can't be used."""
        require_credentials(settings)
        self.transport = Transport(settings, timeout=timeout, now=now)
        self._settings = settings
        self._limiter = limiter
        self._give_up_after = give_up_after
        self._now = now
        self._on_response = on_response
        self._answered = False  # has the API ever answered?
        self._found = False  # has a read ever found what it asked for?
        self._created = created_before  # has a customer ever been created?
        self._blocked = 0  # consecutive rows refused as if by configuration
        self._stopped: ServiceError | None = None  # for good: no request makes sense any more
        self._throttles = 0  # consecutive 429s
        self._throttled_since = 0.0  # loop time
        self._paused_until = 0.0  # loop time, by the last 429
        self._token = settings.token
        self._renew_at = float("inf")  # wall time
        self._signing_in = asyncio.Lock()
        self._accepted = False  # has a request with any token got through?
        self._token_accepted = False  # has one with the current token?
        self._renewed_at = float("-inf")  # loop time of the last sign-in for a 401
        self._refused_tokens = 0  # consecutive 401s

    async def ask(
        self,
        request: Request,
        leaving: Callable[[], AbstractAsyncContextManager[None]] = contextlib.nullcontext,
    ) -> ClassifiedResponse:
        """Send a request until its response decides something; renew the token if asked to.

        Raises ServiceError when every request would end like this one, or Clopos can't be reached.
        """
        waits = _Waits()
        renewed = False
        refused_tokens = 0  # 401s of this request
        while True:
            response, token = await self._send(request, leaving)
            refused_tokens += response.verdict is Verdict.SIGN_IN_AGAIN
            match response.verdict:
                case Verdict.THROTTLED:
                    self._throttled(response)
                    if request.call is Call.CREATE:
                        return response
                case Verdict.UNSENT | Verdict.RETRY:
                    await self._wait(waits, response)
                case Verdict.MISSING if not request.may_be_missing:
                    await self._wait(waits, response)
                case Verdict.SIGN_IN_AGAIN if not renewed and self._should_renew(token):
                    renewed = True
                case Verdict.SIGN_IN_AGAIN if self._others_get_through(refused_tokens):
                    # One node with a slow clock refuses fresh tokens, the others accept them.
                    await asyncio.sleep(1.0)
                case Verdict.STOP | Verdict.SIGN_IN_AGAIN:
                    return self._refused(request, response)
                case _:
                    return response

    async def _send(
        self, request: Request, leaving: Callable[[], AbstractAsyncContextManager[None]]
    ) -> tuple[ClassifiedResponse, str]:
        """Send a request when it may leave; return its response and the token it was sent with."""
        token = ""

        async def prepare() -> None:
            # Not before the request may leave: by then an older token may have expired.
            nonlocal token
            token = await self._valid_token()

        limiter = self._limiter
        sign_in = request.call is Call.SIGN_IN
        sent = await (limiter.acquire_priority() if sign_in else limiter.acquire(prepare))
        try:
            if self._stopped:
                raise self._stopped
            async with leaving():
                response = await self.transport.send(request, token)
        finally:
            limiter.release(sent)
        # A 429 takes no place in the window, and may be of another limit than ours.
        if response.status is not None and response.status != 429:
            limiter.observe(response.headers, sent.at)
        self._note(request, response, token)
        self._on_response(response)
        return response, token

    def _note(self, request: Request, response: ClassifiedResponse, token: str) -> None:
        """Remember what a response shows about Clopos as a whole."""
        verdict = response.verdict
        if response.status is not None and not response.web_page:
            self._answered = True
        # A sign-in has a limit of its own: that it got through shows nothing of the others.
        if response.status not in {None, 429} and request.call is not Call.SIGN_IN:
            self._throttles = 0
        if verdict is Verdict.SIGN_IN_AGAIN:
            self._refused_tokens += 1
        elif token and response.status is not None and response.status < 400:
            self._refused_tokens = 0
            self._accepted = True
            self._token_accepted = self._token_accepted or token == self._token
        if verdict is Verdict.OK and request.call is Call.READ:
            self._found = True
        if verdict is Verdict.OK and request.call is Call.CREATE:
            self._created = True
            self._blocked = 0

    async def _wait(self, waits: _Waits, response: ClassifiedResponse) -> None:
        """Wait before a retry. Raises ServiceError when it has been long enough."""
        reached = self._answered
        if response.verdict is Verdict.MISSING:
            what = tr("Clopos keeps failing")
            reached = self._found
        elif response.web_page:
            what = tr("A web page answers instead of Clopos")
        elif response.verdict is Verdict.UNSENT or not self._answered:
            what = tr("Clopos can't be reached at {base_url}", base_url=self._settings.base_url)
        else:
            what = tr("Clopos keeps failing")
        if response.web_page:
            usual = _SIGN_IN_TO_NETWORK
        elif self._settings.base_url == DEFAULT_BASE_URL:  # no other was set
            usual = _CHECK_INTERNET
        else:
            usual = _CHECK_NETWORK
        error = ServiceError(what, why=response.reason or None, fix=tr(response.fix or usual))
        await waits.wait(self._give_up_after if reached else _FIRST_CONTACT, error)

    def _throttled(self, response: ClassifiedResponse) -> None:
        """Pause all requests. Raises ServiceError after too many or too long pauses in a row."""
        now = asyncio.get_running_loop().time()
        if not self._throttles:
            self._throttled_since = now
        if now >= self._paused_until or not self._throttles:  # else it left before the pause
            self._throttles += 1
        stated = _NO_HEADERS_WAIT if response.wait is None else response.wait + 0.5
        # What is asked for doesn't help where it comes again and again (API facts §7.4).
        wait = max(stated, min(_NO_HEADERS_WAIT, 2.0 ** (self._throttles - 1)))
        if (
            self._throttles > _MOST_THROTTLES
            or now + wait - self._throttled_since > _LONGEST_THROTTLE
        ):
            raise ServiceError(
                tr("Clopos keeps rate-limiting every request"),
                why=tr(
                    "still limited after waiting {throttles} times: {message}",
                    throttles=self._throttles,
                    message=response.reason,
                ),
                fix=tr(
                    "see what else uses the quota of this brand, then run it again: it continues"
                ),
            )
        self._limiter.throttle(wait)
        self._paused_until = max(self._paused_until, now + wait)

    def _refused(self, request: Request, response: ClassifiedResponse) -> ClassifiedResponse:
        """Return the refusal of one row, or raise ServiceError where all would be refused.

        Once others were created, configuration isn't to blame for a single refusal: a firewall
        may dislike a word of this row.
        """
        everyone = response.configuration or self._refused_tokens >= _MOST_REFUSED_TOKENS
        if request.call is Call.CREATE and self._created and not everyone:
            self._blocked += 1
            if self._blocked < _MOST_BLOCKED:
                return response.as_rejected()
        fix = tr(response.fix) if response.fix else None
        if self._accepted and response.verdict is Verdict.SIGN_IN_AGAIN:
            fix = tr(
                "signing in works, but requests are refused: run it again later, or ask Clopos"
            )
        self._stopped = ServiceError(
            tr("Clopos refuses: {message}", message=response.reason), fix=fix
        )
        raise self._stopped

    # -- token ------------------------------------------------------------------------------

    def _should_renew(self, token: str) -> bool:
        """Return whether a request that met a 401 has, or gets, another token to be resent with.

        While others get through, one sign-in a minute is enough: more would use up its limit.
        """
        if token != self._token:
            return True
        now = asyncio.get_running_loop().time()
        recent = now < self._renewed_at + _RENEWAL_INTERVAL
        if self._token_accepted and recent and self._refused_tokens < 3:
            return False
        self._renewed_at = now
        self._renew_at = 0.0
        return True

    def _others_get_through(self, refused_tokens: int) -> bool:
        return self._accepted and max(refused_tokens, self._refused_tokens) < _MOST_REFUSED_TOKENS

    async def _valid_token(self) -> str:
        """Return a token, renewed when it is time: one sign-in for all that wait for it."""
        async with self._signing_in:
            if not self._token or self._now() >= self._renew_at:
                await self._sign_in()
        return self._token

    async def _sign_in(self) -> None:
        """Get a new token (API facts §3)."""
        if self._stopped:
            raise self._stopped  # wrong credentials may be locked out: never a second time
        request = Request(Call.SIGN_IN, "POST", "/auth", body=self._credentials())
        try:
            response = await self.ask(request)
        except ServiceError as error:
            self._stopped = error
            raise
        lifetime = _lifetime(response.data.get("expires_in"))
        # Early enough that no request is in flight with it when it expires.
        self._renew_at = self._now() + lifetime - min(300.0, lifetime / 10)
        self._token = response.data["token"]
        self._token_accepted = False

    def _credentials(self) -> dict[str, str]:
        """Return the body of a sign-in. Raises ServiceError when there is only a token."""
        settings = self._settings
        if not (settings.client_id and settings.client_secret):
            raise ServiceError(
                tr("Clopos no longer takes the token"),
                fix=tr("give a new CLOPOS_TOKEN, or CLOPOS_CLIENT_ID and CLOPOS_CLIENT_SECRET"),
            )
        place = (
            {"integrator_id": settings.integrator_id}
            if settings.version == 2
            else {"venue_id": settings.venue_id}
        )
        return {
            "client_id": settings.client_id,
            "client_secret": settings.client_secret,
            "brand": settings.brand,
        } | place


class _Waits:
    """Growing waits within a limit."""

    def __init__(self) -> None:
        self._since: float | None = None
        self._wait = 1.0

    async def wait(self, limit: float, error: ServiceError) -> None:
        """Wait longer than last time. Raises `error` when `limit` (seconds) is over."""
        now = asyncio.get_running_loop().time()
        self._since = now if self._since is None else self._since
        if now + self._wait - self._since > limit:
            raise error
        await asyncio.sleep(self._wait)
        self._wait = min(60.0, self._wait * 2)


def _lifetime(value: Any) -> float:
    """Return the seconds a token lives; of what isn't a plausible number, the usual hour."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if number and 0 < value < _LONGEST_LIFETIME else _LIFETIME
