"""Throttling: all requests pause, and not for ever."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from aiohttp import web

from importer.clopos import Rate, Verdict
from importer.errors import ServiceError
from importer.sandbox import Config, serve
from tests.clopos.conftest import (
    ROW,
    V2,
    client,
    create,
    elapsed,
    now,
    routes,
    sandbox,
    server,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


async def test_all_requests_pause_after_a_429_and_the_row_is_returned() -> None:
    async with sandbox() as (here, api):
        await api.page(1)
        here.faults.add("429", seconds=30)
        started = elapsed()
        assert (await create(api)).verdict is Verdict.THROTTLED
        assert elapsed() == started
        await asyncio.gather(*(api.page(1) for _ in range(3)))
        assert 30 < elapsed() - started < 32
        assert api.requests.throttled == 1


async def test_no_remaining_requests_at_a_429_are_no_sign_of_another_client() -> None:
    """The header may be of another limit; else the next response shows the other clients."""
    async with serve(Config(), now=now) as here, client(here.env(2), Rate(300, 60.0)) as api:
        await api.page(1)
        here.faults.add("429", seconds=6)
        started = elapsed()
        assert (await create(api)).verdict is Verdict.THROTTLED
        for _ in range(20):
            await api.page(1)
        assert 6 < elapsed() - started < 6.5 + 21 * 60.05 / 300 + 0.5


async def test_wait_after_a_429_without_headers_is_a_minute() -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        if request.path.endswith("/auth"):
            return web.json_response({"token": "t"})
        return web.Response(status=429) if elapsed() < 1 else web.json_response([])

    async with (
        server(answer) as (url, asked),
        client(V2 | {"CLOPOS_BASE_URL": url}) as api,
    ):
        await api.page(1)
        assert elapsed() == pytest.approx(60, abs=1)
        assert len(asked) == 3


async def test_endless_throttling_is_waited_for_ever_longer_and_then_ends_the_run() -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        if request.path.endswith("/auth"):
            return web.json_response({"token": "t"})
        return web.Response(status=429, headers={"RateLimit-Reset": "0"})

    async with (
        server(answer) as (url, asked),
        client(V2 | {"CLOPOS_BASE_URL": url}) as api,
    ):
        reads = (api.page(1) for _ in range(8))
        failures = await asyncio.gather(*reads, return_exceptions=True)
        assert all("keeps rate-limiting every request" in str(each) for each in failures)
        assert elapsed() > 600
        assert len(asked) <= 1 + 8 * 21


async def test_throttled_sign_in_is_waited_for() -> None:
    async with sandbox() as (here, api):
        here.faults.add("429", "auth", seconds=10)
        await api.page(1)
        assert routes(here) == [("auth", 429), ("auth", 200), ("list", 200)]
        assert elapsed() > 10


async def test_call_cancelled_while_it_waits_has_sent_no_request() -> None:
    left: list[int] = []

    @asynccontextmanager
    async def leaving() -> AsyncIterator[None]:
        left.append(1)
        yield

    async with (
        serve(Config(), now=now) as here,
        client(here.env(2), Rate(1, 60.0)) as api,
    ):
        await api.page(1)
        waiting = asyncio.create_task(api.create(ROW, leaving))
        await asyncio.sleep(1)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert (left, api.requests.posts, here.customers()) == ([], 0, [])


async def test_wait_of_a_year_is_shortened_to_the_total_limit() -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        if request.path.endswith("/auth"):
            return web.json_response({"token": "t"})
        return web.Response(status=429, headers={"Retry-After": "31536000"})

    async with (
        server(answer) as (url, _),
        client(V2 | {"CLOPOS_BASE_URL": url}) as api,
    ):
        with pytest.raises(ServiceError, match="keeps rate-limiting every request"):
            await api.page(1)
        assert 3600 <= elapsed() <= 7200
