"""No response: a closed port, an unknown name, silence, a lost connection."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import Any

import pytest
from aiohttp import web

from importer.clopos import Verdict
from importer.errors import ServiceError
from importer.sandbox import serve
from tests.clopos.conftest import (
    V2,
    client,
    closed_port,
    create,
    elapsed,
    now,
    sandbox,
    server,
)


async def test_closed_port_is_an_error_within_seconds() -> None:
    env = V2 | {"CLOPOS_BASE_URL": f"http://127.0.0.1:{closed_port()}/open-api"}
    async with client(env) as api:
        with pytest.raises(ServiceError, match="can't be reached") as caught:
            await api.page(1)
        assert caught.value.why == "connection refused"
        assert "CLOPOS_BASE_URL" in (caught.value.fix or "")
        assert api.requests.total <= 4
        assert elapsed() <= 5


async def test_unknown_host_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: Any, **__: Any) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)

    async with client(V2 | {"CLOPOS_BASE_URL": "https://clopos.invalid/open-api"}) as api:
        with pytest.raises(ServiceError, match=r"at https://clopos\.invalid") as caught:
            await create(api)
        assert caught.value.why == "its name can't be resolved"


async def test_https_address_of_a_plain_http_server_is_an_error() -> None:
    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response()

    async with server(answer) as (url, asked):
        env = V2 | {"CLOPOS_BASE_URL": url.replace("http:", "https:")}
        async with client(env) as api:
            with pytest.raises(ServiceError, match="can't be reached") as caught:
                await create(api)
        assert "encrypted" in (caught.value.why or "")
        assert asked == []


async def test_server_that_accepts_connections_and_never_answers_is_an_error() -> None:
    async def answer(_: web.Request) -> web.StreamResponse:
        await asyncio.sleep(10_000)
        return web.Response()

    async with (
        server(answer) as (url, _),
        client(V2 | {"CLOPOS_BASE_URL": url}) as api,
    ):
        with pytest.raises(ServiceError, match="can't be reached") as caught:
            await api.page(1)
        assert caught.value.why == "no answer in time"
        assert api.requests.total == 2
        assert 40 < elapsed() < 45


async def test_unreachable_clopos_is_retried_for_the_given_patience() -> None:
    async with contextlib.AsyncExitStack() as stack:
        async with serve(now=now) as here:
            api = await stack.enter_async_context(client(here.env(2), give_up_after=60.0))
            await api.page(1)
        started = elapsed()
        with pytest.raises(ServiceError, match="can't be reached"):
            await create(api)
        assert 30 < elapsed() - started <= 60
        assert (api.requests.posts, api.requests.unsent) == (0, 6)


@pytest.mark.parametrize(("fault", "verdict"), [("timeout", Verdict.DOUBT), ("slow", Verdict.OK)])
async def test_request_times_out_after_20_seconds(fault: str, verdict: Verdict) -> None:
    async with sandbox() as (here, api):
        await api.page(1)
        here.faults.add(fault)
        started = elapsed()
        assert (await create(api)).verdict is verdict
        waited = elapsed() - started
        assert waited == pytest.approx(20 if fault == "timeout" else 7.76, abs=0.5)


@pytest.mark.parametrize(
    "fault", ["drop", "drop_before", "timeout_b", "500", "502", "503", "504a", "garbage", "no_id"]
)
async def test_create_in_doubt_is_not_resent_by_the_client(fault: str) -> None:
    async with sandbox() as (here, api):
        here.faults.add(fault)
        answer = await create(api)
        assert answer.verdict is Verdict.DOUBT
        assert answer.message
        assert api.requests.posts == 1


@pytest.mark.parametrize("fault", ["drop", "500", "502", "504a", "garbage", "timeout", "429"])
async def test_failed_read_is_retried(fault: str) -> None:
    async with sandbox() as (here, api):
        here.add(name="Demo")
        here.faults.add(fault, "list")
        assert [c.name async for c in api.scan()] == ["Demo"]
        assert api.requests.reads == 2
