"""Send one request and classify its response: the session, its headers and its limits."""

from __future__ import annotations

import errno
import itertools
import json
import os
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Self

import aiohttp

from importer import __version__
from importer.clopos.connector import Connector
from importer.clopos.proxy import choose_proxy
from importer.clopos.responses import (
    Call,
    ClassifiedResponse,
    Request,
    Verdict,
    classify_response,
)
from importer.files import open_files_left
from importer.i18n import tr, tr_noop

if TYPE_CHECKING:
    from collections.abc import Callable

    from importer.settings import Settings

_LARGEST = {Call.READ: 64 << 20}  # bytes of an answer that are read; 999 customers are about 1 MB
_LARGEST_OTHER = 1 << 20
_CONNECTIONS = 128  # as many as there are requests in flight at most
_OTHER_FILES = 10  # open files of store, results and log
_NO_FILES = frozenset({errno.EMFILE, errno.ENFILE})
_MORE_FILES = tr_noop("raise the limit of open files (ulimit -n 1024), then run it again")
_CHECK_PROXY = tr_noop("check HTTPS_PROXY, or except Clopos from it with NO_PROXY")
_PROXY_PASSWORD = tr_noop(
    "give the proxy's login and password in HTTPS_PROXY: http://login:password@proxy.example:3128"
)
_GIVE_AUTHORITY = tr_noop(
    "if your network has a certificate authority of its own, name its PEM file in SSL_CERT_FILE; "
    "else check CLOPOS_BASE_URL and the clock of this machine"
)
_GIVE_BUNDLE = tr_noop(
    "REQUESTS_CA_BUNDLE and the like aren't used: name the same file in SSL_CERT_FILE"
)
_UNSENT = (
    aiohttp.ClientConnectorError,
    aiohttp.ClientHttpProxyError,
    aiohttp.ConnectionTimeoutError,
    aiohttp.InvalidURL,
)


@dataclass(slots=True)
class Requests:
    """Counts of requests that left, by kind.

    `throttled` of them were answered by a 429. `unsent` could not leave (no connection) and are in
    no other count.
    """

    total: int = 0
    posts: int = 0
    reads: int = 0
    auths: int = 0
    throttled: int = 0
    unsent: int = 0

    def as_dict(self) -> dict[str, int]:
        """Return the counts by name."""
        return asdict(self)


class Transport:
    """One session with keep-alive.

    `timeout` (seconds) is of one request. `now` is the wall clock in epoch seconds.
    """

    def __init__(self, settings: Settings, *, timeout: float, now: Callable[[], float]) -> None:
        """Prepare a transport. Raises UsageError for a proxy that can't be used."""
        self.requests = Requests()
        self._settings = settings
        self._timeout = timeout
        self._now = now
        self._proxy = choose_proxy(settings.base_url, dict(settings.proxies))

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            connector=Connector(self._settings.ca_file, most=_most_connections()),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=self._timeout, sock_connect=self._timeout),
            headers={"User-Agent": f"clopos-import/{__version__}", "Accept": "application/json"},
            proxy=self._proxy.url if self._proxy else None,
            trust_env=False,  # it would send the password of ~/.netrc
        )
        # It would send a GET once more on its own, unpaced and uncounted.
        self._session._retry_connection = False  # noqa: SLF001
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    async def send(self, request: Request, token: str) -> ClassifiedResponse:
        """Send one request and return its classified response; UNSENT where nothing has left."""
        self._count(request.call, 1)
        headers = self._headers(token) if token else {}
        data = None
        if request.body is not None:
            data = json.dumps(request.body).encode()
            headers["Content-Type"] = "application/json"
        try:
            async with self._session.request(
                request.method,
                self._settings.api_url + request.path,
                params=request.params,
                data=data,
                headers=headers,
                allow_redirects=False,
            ) as response:
                largest = _LARGEST.get(request.call, _LARGEST_OTHER)
                content = await _content(response, largest)
        except _UNSENT as error:
            self._count(request.call, -1)
            self.requests.unsent += 1
            return self._without_response(Verdict.UNSENT, error)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            lost = Verdict.DOUBT if request.call is Call.CREATE else Verdict.RETRY
            return self._without_response(lost, error)
        classified = self._classify(request, response, content, token)
        self.requests.throttled += classified.verdict is Verdict.THROTTLED
        return classified

    def _classify(
        self, request: Request, response: aiohttp.ClientResponse, content: bytes, token: str
    ) -> ClassifiedResponse:
        body, params = request.body or {}, request.params or {}
        texts = itertools.chain(body.values(), params.values())
        return classify_response(
            request.call,
            response.status,
            response.headers,
            content,
            now=self._now(),
            cid=str(body.get("cid") or ""),
            secrets=(self._settings.client_secret, self._settings.client_id, token),
            values=(text for text in texts if isinstance(text, str)),
        )

    def _without_response(self, verdict: Verdict, error: Exception) -> ClassifiedResponse:
        reason = _reason(error)
        if self._proxy and not isinstance(error, TimeoutError):
            reason = tr("{reason}, through the proxy {proxy}", reason=reason, proxy=self._proxy)
        fix = self._fix(error)
        return ClassifiedResponse(verdict, reason=reason, message=reason, fix=fix)

    def _fix(self, error: Exception) -> str | None:
        """Return what to do about a missing response, None for nothing in particular."""
        if isinstance(error, aiohttp.ClientConnectorCertificateError):
            return _GIVE_BUNDLE if self._settings.other_ca_file else _GIVE_AUTHORITY
        if isinstance(error, aiohttp.ClientConnectorError) and error.os_error.errno in _NO_FILES:
            return _MORE_FILES
        if isinstance(error, aiohttp.ClientHttpProxyError) and error.status == 407:
            return _PROXY_PASSWORD
        if isinstance(error, aiohttp.ClientHttpProxyError | aiohttp.ClientProxyConnectionError):
            return _CHECK_PROXY
        return None

    def _count(self, call: Call, number: int) -> None:
        self.requests.total += number
        match call:
            case Call.CREATE:
                self.requests.posts += number
            case Call.READ:
                self.requests.reads += number
            case Call.SIGN_IN:
                self.requests.auths += number

    def _headers(self, token: str) -> dict[str, str]:
        """Return the headers of a request that is signed in (API facts §2)."""
        headers = {"x-token": token}
        if self._settings.version == 1:
            headers["x-brand"] = self._settings.brand
        if self._settings.venue_id:
            headers["x-venue"] = self._settings.venue_id
        return headers


async def _content(response: aiohttp.ClientResponse, largest: int) -> bytes:
    """Return the unpacked body, cut off where it is larger than any response of the API."""
    content = bytearray()
    while not response.content.at_eof():
        content += await response.content.readany()
        if len(content) > largest:
            response.close()
            break
    return bytes(content)


def _reason(error: Exception) -> str:
    """Return why there was no response; not in the error's own text, which may hold an address."""
    match error:
        case TimeoutError():
            return tr("no answer in time")
        case aiohttp.ClientConnectorDNSError():
            return tr("its name can't be resolved")
        case aiohttp.ClientConnectorCertificateError() | aiohttp.ClientSSLError():
            return tr("no encrypted connection with a certificate that can be trusted")
        case aiohttp.ClientProxyConnectionError():
            return tr("the proxy can't be reached")
        case aiohttp.ClientHttpProxyError():
            return tr("the proxy refuses with status {status}", status=error.status)
        case aiohttp.ClientConnectorError() if error.os_error.errno:
            return os.strerror(error.os_error.errno).lower()
    return tr("connection lost")


def _most_connections() -> int:
    """Return how many connections may be open at once: half of the files that can be spared."""
    left = open_files_left()
    return _CONNECTIONS if left is None else max(1, min(_CONNECTIONS, (left - _OTHER_FILES) // 2))
