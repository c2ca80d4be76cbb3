"""A client of the API, the real sandbox, and servers with any response."""

from __future__ import annotations

import asyncio
import socket
from contextlib import asynccontextmanager, nullcontext
from typing import TYPE_CHECKING, Any

from aiohttp import web

from importer.clopos import Clopos, Rate, RateLimiter
from importer.sandbox import Config, Sandbox, serve
from importer.sandbox.virtual_time import VirtualTimeLoop
from importer.settings import read_settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from importer.clopos import ClassifiedResponse

ENV = {
    "CLOPOS_CLIENT_ID": "demo-client",
    "CLOPOS_CLIENT_SECRET": "demo-secret-4711",
    "CLOPOS_BRAND": "demo",
    "CLOPOS_VENUE_ID": "1",
}
V2 = ENV | {"CLOPOS_INTEGRATOR_ID": "demo-integrator"}
ROW = {"name": "Aysel Demo", "cid": "7d0f6a1e-0000-4000-8000-000000000001"}


def now() -> float:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualTimeLoop)
    return loop.wall


def elapsed() -> float:
    return asyncio.get_running_loop().time()


def client(env: dict[str, str], *rates: Rate, **options: Any) -> Clopos:
    return Clopos(read_settings(env), RateLimiter(rates), now=now, **options)


async def create(api: Clopos, **fields: Any) -> ClassifiedResponse:
    return await api.create(ROW | fields, nullcontext)


@asynccontextmanager
async def sandbox(version: int = 2, **config: Any) -> AsyncIterator[tuple[Sandbox, Clopos]]:
    async with serve(Config(**config), now=now) as here, client(here.env(version)) as api:
        yield here, api


@asynccontextmanager
async def server(
    answer: Callable[[web.Request], Awaitable[web.StreamResponse]],
) -> AsyncIterator[tuple[str, list[web.Request]]]:
    """Run a server with one response to all; give its address and the received requests."""
    asked: list[web.Request] = []

    async def handle(request: web.Request) -> web.StreamResponse:
        asked.append(request)
        await request.read()
        return await answer(request)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/open-api", asked
    finally:
        await runner.cleanup()


def routes(here: Sandbox) -> list[tuple[str, int | None]]:
    return [(each["route"], each["status"]) for each in here.requests()]


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])
