"""Connections to Clopos: none with unread bytes, none with an untrusted certificate."""

from __future__ import annotations

import select
import ssl
import weakref
from functools import cache
from typing import TYPE_CHECKING

import aiohttp

from importer.errors import UsageError
from importer.i18n import tr

if TYPE_CHECKING:
    from aiohttp.client_proto import ResponseHandler
    from aiohttp.client_reqrep import ClientRequest
    from aiohttp.connector import Connection
    from aiohttp.tracing import Trace


class Connector(aiohttp.TCPConnector):
    """Connection pool that doesn't reuse a connection with unread bytes.

    A late second response to an earlier request, or a balancer's 408 before it closes, would be
    taken for the response to the next request: another row's.
    """

    def __init__(self, ca_file: str, *, most: int) -> None:
        """Prepare a pool of at most `most` connections. Raises UsageError for a bad `ca_file`."""
        # aiohttp has read the usual authorities when it was imported: they aren't read again.
        context = _tls_context(ca_file) if ca_file else True
        super().__init__(limit=most, keepalive_timeout=30, ssl=context)
        self._used: weakref.WeakSet[ResponseHandler] = weakref.WeakSet()

    async def connect(
        self,
        req: ClientRequest,
        traces: list[Trace],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 - aiohttp calls it so
    ) -> Connection:
        """Return a connection that is new, or has nothing to read."""
        while True:
            connection = await super().connect(req, traces, timeout)
            protocol = connection.protocol
            if protocol is None or protocol not in self._used:
                if protocol is not None:
                    self._used.add(protocol)
                return connection
            if not (protocol.should_close or _readable(connection)):
                return connection
            connection.close()


def _readable(connection: Connection) -> bool:
    """Return whether bytes, or the end, of an idle connection wait to be read."""
    transport = connection.transport
    socket = transport.get_extra_info("socket") if transport else None
    if socket is None:
        return False
    # Neither needs a file of its own: where files are few, none may be left.
    if not hasattr(select, "poll"):  # Windows
        return bool(select.select([socket], [], [], 0)[0])
    poll = select.poll()
    poll.register(socket.fileno(), select.POLLIN)
    return bool(poll.poll(0))


@cache
def _tls_context(ca_file: str) -> ssl.SSLContext:
    """Return the usual checks of certificates, with further authorities from a PEM file.

    One for all sessions of the process: reading all authorities takes its time and memory.
    """
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    try:
        context.load_verify_locations(ca_file)
    except (OSError, ValueError) as error:
        unreadable = isinstance(error, OSError) and not isinstance(error, ssl.SSLError)
        raise UsageError(
            tr("SSL_CERT_FILE can't be used: {path}", path=ca_file),
            why=str(error.args[-1]) if unreadable else tr("it holds no certificate (PEM)"),
            fix=tr("name the file of your network's certificate authority, or remove the variable"),
        ) from None
    return context
