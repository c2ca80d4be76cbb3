"""The server around the gateway: routes, start and end, and the interface for tests."""

from __future__ import annotations

import time
from contextlib import asynccontextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from aiohttp import web

from importer.errors import UsageError
from importer.i18n import tr
from importer.sandbox.config import Config, changed
from importer.sandbox.customers import complaint
from importer.sandbox.fault_responses import as_json
from importer.sandbox.gateway import Gateway
from importer.sandbox.inspection import add_inspection
from importer.sandbox.store import FIELDS, Store, stamp

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from aiohttp.typedefs import Handler

    from importer.sandbox.faults import Faults

LOOPBACK = ("127.0.0.1", "::1", "localhost")
BASE = "/open-api"
ROUTES = {
    "/auth": {"POST": "auth"},
    "/customers": {"POST": "create", "GET": "list"},
    "/customers/{number}": {"GET": "get"},
    "/customer-groups": {"GET": "groups"},
    "/venues": {"GET": "venues"},
}
SEEDS = (
    {"name": "Aysel Demo", "phone": "+994120009901", "code": "CUST001", "group_id": 1},
    {"name": "Rəşad Nümunə", "phone": "+994 12 000 99 02", "email": "reshad@example.com"},
    {"name": "Мария Пример", "phone": "0120009903", "phones": ["994120009913"]},
    {"name": "Without Phone", "code": "00123"},
)


class Sandbox:
    """A running sandbox, as a test in the same process sees it."""

    def __init__(self, url: str, gateway: Gateway) -> None:
        self.url = url  # http://127.0.0.1:PORT/open-api
        self._gateway = gateway

    @property
    def config(self) -> Config:
        """Return the switches as they are now."""
        return self._gateway.config

    @property
    def store(self) -> Store:
        """Return the customers of all brands."""
        return self._gateway.store

    @property
    def faults(self) -> Faults:
        """Return the faults to come."""
        return self._gateway.faults

    def change(self, **switches: Any) -> None:
        """Change switches of Config while it runs. Raises UsageError for ones it doesn't have."""
        self._gateway.config = changed(self._gateway.config, switches)

    def others(self, version: int, at: float) -> bool:
        """Send as another client on the same quota at `at` (loop time); False: it was refused."""
        return self._gateway.others(version, at)

    def arrivals(self, route: str | None = None) -> list[float]:
        """Return the loop times of requests that took a place in a quota; None: of all routes."""
        log = self._gateway.log
        return [seen.clock for seen in log if seen.caller and route in {None, seen.route}]

    def env(self, version: int = 2) -> dict[str, str]:
        """Return the CLOPOS_* variables that let a client in, for version 1 or 2 of the API."""
        config = self.config
        who = (
            {"CLOPOS_VENUE_ID": "1"}
            if version == 1
            else {"CLOPOS_INTEGRATOR_ID": config.integrators[0]}
        )
        return {
            "CLOPOS_BASE_URL": self.url,
            "CLOPOS_CLIENT_ID": config.client_id,
            "CLOPOS_CLIENT_SECRET": config.client_secret,
            "CLOPOS_BRAND": config.brands[0],
        } | who

    def customers(self) -> list[dict[str, Any]]:
        """Return all customers of all brands, hidden ones too, in the order they were created."""
        return self.store.everyone()

    def requests(self) -> list[dict[str, Any]]:
        """Return the requests to the API in the order they arrived, as Seen describes them."""
        return [asdict(seen) for seen in self._gateway.log]

    def add(self, brand: str = "", *, hidden: bool = False, **values: Any) -> dict[str, Any]:
        """Create a customer as another client of the brand would; hidden: as if deleted since.

        Takes `phones` and `address` too, which no request can set.

        Raises UsageError for a body that isn't right, ClashError for a value that is taken.
        """
        unknown = sorted(set(values) - {*FIELDS, "phones", "address"})
        if unknown:
            raise UsageError(
                f"A customer has no {', '.join(unknown)}", fix=f"one of {', '.join(FIELDS)}"
            )
        now = self._gateway.now()
        wrong = complaint(values, self.config, today=stamp(now)[:10])
        if wrong:
            raise UsageError(
                tr("The sandbox can't create this customer"), why=wrong, fix=tr("correct it")
            )
        where = brand or self.config.brands[0]
        return self.store.add(where, values, now=now, hidden=hidden)

    def remove(self, number: int, *, hidden: bool = False) -> None:
        """Delete a customer as the back office would; hidden: it goes on to block its values.

        Raises UsageError when there is none with this id.
        """
        if not self.store.remove(number, hidden=hidden):
            raise UsageError(f"The sandbox has no customer {number}")


@asynccontextmanager
async def serve(
    config: Config | None = None,
    store_path: str = ":memory:",
    host: str = "127.0.0.1",
    port: int = 0,
    now: Callable[[], float] = time.time,
) -> AsyncIterator[Sandbox]:
    """Run a sandbox until the block ends.

    `store_path`: a SQLite file that keeps the customers, or ":memory:". `port` 0: any free one.
    `now`: the wall clock, in epoch seconds; all waiting is by the clock of the event loop.

    Raises UsageError when the host isn't this machine, the port is taken or the file unusable.
    """
    if host not in LOOPBACK:
        raise UsageError(
            tr("The sandbox doesn't listen on {host}", host=host),
            why=tr("its customers and its secrets are for this machine only"),
            fix=tr("leave it at 127.0.0.1"),
        )
    config = config or Config()
    store = Store(store_path)
    try:
        gateway = Gateway(config, store, now)
        sandbox = Sandbox("", gateway)
        if config.seed_customers and not store.count():
            for values in SEEDS:
                sandbox.add(**values)
        runner = web.AppRunner(_app(sandbox, gateway), access_log=None, shutdown_timeout=0.2)
        await runner.setup()
        try:
            sandbox.url = await _listen(runner, host, port) + BASE
            yield sandbox
        finally:
            gateway.close()
            await runner.cleanup()
    finally:
        store.close()


async def _listen(runner: web.AppRunner, host: str, port: int) -> str:
    try:
        await web.TCPSite(runner, host, port).start()
    except (OSError, OverflowError) as error:
        raise UsageError(
            tr("The sandbox can't listen on port {port}", port=port),
            why=getattr(error, "strerror", None) or str(error),
            fix=tr("stop what uses it, or choose another with --port"),
        ) from error
    address, number = runner.addresses[0][:2]
    return f"http://[{address}]:{number}" if ":" in address else f"http://{address}:{number}"


def _app(sandbox: Sandbox, gateway: Gateway) -> web.Application:
    app = web.Application(middlewares=[_own_origin])
    for version, prefix in ((1, BASE), (2, f"{BASE}/v2")):
        for path, methods in ROUTES.items():
            # All methods: the ones that aren't there are refused in JSON too.
            app.router.add_route("*", prefix + path, _handler(gateway, methods, version))
    add_inspection(app, sandbox)
    app.router.add_route("*", "/{path:.*}", _nowhere)
    return app


def _handler(
    gateway: Gateway, methods: dict[str, str], version: int
) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def handle(request: web.Request) -> web.StreamResponse:
        route = methods.get(request.method)
        if route is None:
            body = as_json(405, {"success": False, "message": "Method not allowed"}).body
            headers = {"Content-Type": "application/json", "Allow": ", ".join(methods)}
            return web.Response(status=405, body=body, headers=headers)
        return await gateway.answer(request, route, version)

    return handle


@web.middleware
async def _own_origin(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse requests that a foreign web page could make the browser of this machine send."""
    assert request.transport is not None  # noqa: S101 - it is being answered
    port = request.transport.get_extra_info("sockname")[1]
    own = {f"{name}:{port}" for name in ("127.0.0.1", "localhost", "[::1]")}
    own |= {name.removesuffix(":80") for name in own}
    origin = request.headers.get("Origin", f"http://{request.host}")
    if request.host not in own or origin not in {f"http://{name}" for name in own}:
        answer = as_json(403, {"error": "Only this machine's own requests are answered"})
        return web.Response(status=403, body=answer.body, content_type="application/json")
    return await handler(request)


async def _nowhere(_request: web.Request) -> web.Response:
    answer = as_json(404, {"success": False, "message": "Not found", "error": "not_found"})
    return web.Response(status=404, body=answer.body, content_type="application/json")
