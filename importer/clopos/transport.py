"""One request over the wire and what its answer means: the session, its headers and its limits."""

from __future__ import annotations

import asyncio
import json
import os
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

import aiohttp

from importer import __version__
from importer.clopos.responses import Answer, Call, Verdict, judge
from importer.i18n import tr
from importer.settings import LOOPBACK

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from importer.settings import Settings

_LARGEST = {Call.READ: 64 << 20}  # bytes of an answer that are read; 999 customers are about 1 MB
_LARGEST_OTHER = 1 << 20
_UNSENT = (
    aiohttp.ClientConnectorError,
    aiohttp.ClientHttpProxyError,
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


class Wire:
    """One session with keep-alive.

    `timeout` (seconds) is of one request. `now` is the wall clock in epoch seconds. `on_answer` is
    called with the headers of each answer but a 429 and the loop time at which its request left,
    `on_failure` after each that failed (status 400 and above).
    """

    def __init__(
        self,
        settings: Settings,
        *,
        timeout: float,
        now: Callable[[], float],
        on_answer: Callable[[Mapping[str, str], float], None],
        on_failure: Callable[[], None],
    ) -> None:
        self.requests = Requests()
        self.answered = False  # has anything ever come back?
        self.why = ""  # there was no answer, the last time there was none
        self._settings = settings
        self._timeout = timeout
        self._now = now
        self._on_answer = on_answer
        self._on_failure = on_failure

    async def __aenter__(self) -> Self:
        loopback = urlsplit(self._settings.base_url).hostname in LOOPBACK
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=30),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=self._timeout, sock_connect=self._timeout),
            headers={"User-Agent": f"clopos-import/{__version__}", "Accept": "application/json"},
            trust_env=not loopback,  # a restaurant's network may have a proxy
        )
        # It would send a GET once more on its own, unpaced and uncounted.
        self._session._retry_connection = False  # noqa: SLF001
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    async def ask(
        self,
        call: Call,
        method: str,
        path: str,
        *,
        token: str = "",
        params: dict[str, str] | None = None,
        body: dict[str, Any] | None = None,
    ) -> Answer | None:
        """Send one request and judge its answer. None: no connection, nothing has left."""
        self._count(call)
        url = self._settings.api_url + path
        headers = self._headers(token) if token else {}
        data = None
        if body is not None:
            data = json.dumps(body).encode()
            headers["Content-Type"] = "application/json"
        left = asyncio.get_running_loop().time()
        try:
            async with self._session.request(
                method, url, params=params, data=data, headers=headers, allow_redirects=False
            ) as response:
                status, fields = response.status, response.headers
                content = await _content(response, _LARGEST.get(call, _LARGEST_OTHER))
        except _UNSENT as error:
            self.why = _reason(error)
            return None
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            self.why = _reason(error)
            lost = Verdict.DOUBT if call is Call.CREATE else Verdict.RETRY
            return Answer(lost, message=self.why)
        self.answered = True
        if status != 429:  # it took no place, and needn't be of our limit
            self._on_answer(fields, left)
        if status >= 400:
            self._on_failure()
        hide = self._hidden(token, body)
        answer = judge(call, status, fields, content, now=self._now(), hide=hide)
        self.requests.throttled += answer.verdict is Verdict.THROTTLED
        return answer

    def _count(self, call: Call) -> None:
        self.requests.total += 1
        self.requests.posts += call is Call.CREATE
        self.requests.reads += call is Call.READ
        self.requests.auths += call is Call.SIGN_IN

    def _hidden(self, token: str, body: dict[str, Any] | None) -> Iterator[str]:
        """Yield what the words of a refusal may repeat and nobody else is to read."""
        yield self._settings.client_secret
        yield token
        for value in (body or {}).values():
            if isinstance(value, str):
                yield value.removeprefix("+")

    def _headers(self, token: str) -> dict[str, str]:
        """Return the headers of a request that is signed in (API facts §2)."""
        headers = {"x-token": token}
        if self._settings.version == 1:
            headers["x-brand"] = self._settings.brand
        if self._settings.venue_id:
            headers["x-venue"] = self._settings.venue_id
        return headers


async def _content(response: aiohttp.ClientResponse, largest: int) -> bytes:
    """Return the body, cut off where it is larger than any answer of the API."""
    if (response.content_length or largest) < largest:
        return await response.read()
    content = bytearray()
    async for chunk in response.content.iter_any():
        content += chunk
        if len(content) > largest:
            response.close()
            break
    return bytes(content)


def _reason(error: Exception) -> str:
    """Return why there was no answer; not in the words of the error, which may hold an address."""
    match error:
        case TimeoutError():
            return tr("no answer in time")
        case aiohttp.ClientConnectorDNSError():
            return tr("its name can't be resolved")
        case aiohttp.ClientConnectorCertificateError() | aiohttp.ClientSSLError():
            return tr("no encrypted connection with a certificate that can be trusted")
        case aiohttp.ClientHttpProxyError():
            return tr("the proxy refuses with status {status}", status=error.status)
        case aiohttp.ClientConnectorError() if error.os_error.errno:
            return os.strerror(error.os_error.errno).lower()
    return tr("connection lost")
