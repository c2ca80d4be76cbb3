"""Servers that aren't Clopos: redirects, endless bodies, other protocols."""

from __future__ import annotations

import asyncio

import pytest
from aiohttp import web

from importer.clopos import Verdict
from importer.errors import ServiceError
from tests.clopos.conftest import (
    V2,
    client,
    create,
    server,
)


async def test_redirect_is_not_followed() -> None:
    async def answer(_: web.Request) -> web.StreamResponse:
        raise web.HTTPFound("https://elsewhere.example/open-api")

    async with (
        server(answer) as (url, asked),
        client(V2 | {"CLOPOS_BASE_URL": url}) as api,
    ):
        with pytest.raises(ServiceError, match="redirected") as caught:
            await create(api)
        assert "CLOPOS_BASE_URL" in (caught.value.fix or "")
        assert len(asked) == 1


async def test_endless_body_is_cut_off() -> None:
    sent = 0

    async def answer(request: web.Request) -> web.StreamResponse:
        nonlocal sent
        if request.path.endswith("/auth"):
            return web.json_response({"token": "t"})
        response = web.StreamResponse()
        await response.prepare(request)
        while sent < 100 << 20:
            await response.write(b"x" * 65536)
            sent += 65536
        return response

    async with (
        server(answer) as (url, _),
        client(V2 | {"CLOPOS_BASE_URL": url}) as api,
    ):
        assert (await create(api)).verdict is Verdict.DOUBT
    assert sent < 20 << 20


async def test_response_that_is_not_http_is_an_error() -> None:
    async def talk(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example ESMTP\r\n")
        writer.close()

    other = await asyncio.start_server(talk, "127.0.0.1", 0)
    port = other.sockets[0].getsockname()[1]
    async with other, client(V2 | {"CLOPOS_BASE_URL": f"http://127.0.0.1:{port}/x"}) as api:
        with pytest.raises(ServiceError, match="can't be reached"):
            await api.page(1)
