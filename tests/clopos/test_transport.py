"""Bytes on the wire: headers, bodies, connections, pages."""

from __future__ import annotations

from typing import Any

import pytest
from aiohttp import web

from importer import __version__
from tests.clopos.conftest import (
    ENV,
    ROW,
    V2,
    client,
    create,
    sandbox,
    server,
)


@pytest.mark.parametrize("version", [1, 2])
async def test_headers_and_bodies_are_those_of_the_version(version: int) -> None:
    bodies: list[Any] = []

    async def answer(request: web.Request) -> web.StreamResponse:
        bodies.append(await request.json())
        if request.path.endswith("/auth"):
            return web.json_response({"success": True, "token": "oauth_1", "expires_in": 3600})
        return web.json_response({"success": True, "data": {"id": 1}})

    async with server(answer) as (url, asked):
        env = (ENV if version == 1 else V2) | {"CLOPOS_BASE_URL": url}
        async with client(env) as api:
            assert (await create(api)).id == "1"
        prefix = "/open-api" if version == 1 else "/open-api/v2"
        assert [each.path for each in asked] == [f"{prefix}/auth", f"{prefix}/customers"]
        named = "venue_id" if version == 1 else "integrator_id"
        signing = {"client_id", "client_secret", "brand", named}
        assert bodies[0].keys() == signing
        assert bodies[0]["client_secret"] == ENV["CLOPOS_CLIENT_SECRET"]
        assert all(isinstance(value, str) for value in bodies[0].values())
        assert bodies[1] == ROW
        assert "x-token" not in asked[0].headers
        headers = asked[1].headers
        assert headers["x-token"] == "oauth_1"
        assert headers.get("x-brand") == ("demo" if version == 1 else None)
        assert headers["x-venue"] == "1"
        assert headers["Content-Type"] == "application/json"
        assert headers["User-Agent"] == f"clopos-import/{__version__}"
        assert "Authorization" not in headers
        assert "Cookie" not in headers


async def test_version_2_without_a_venue_has_no_venue_header() -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        if request.path.endswith("/auth"):
            return web.json_response({"token": "t"}, headers={"Set-Cookie": "a=b"})
        return web.json_response([])

    async with server(answer) as (url, asked):
        env = V2 | {"CLOPOS_BASE_URL": url, "CLOPOS_VENUE_ID": ""}
        async with client(env) as api:
            assert (await api.page(1)).customers == ()
        assert not {"x-venue", "x-brand", "Cookie"} & {*map(str.lower, asked[1].headers)}


async def test_connection_is_kept_alive() -> None:
    ports = set()

    async def answer(request: web.Request) -> web.StreamResponse:
        assert request.transport
        ports.add(request.transport.get_extra_info("peername")[1])
        return web.json_response({"token": "t", "data": []})

    async with (
        server(answer) as (url, asked),
        client(V2 | {"CLOPOS_BASE_URL": url}) as api,
    ):
        for _ in range(5):
            await api.page(1)
        assert (len(asked), len(ports)) == (6, 1)


@pytest.mark.parametrize("version", [1, 2])
async def test_lists_and_single_customers_and_look_ups_are_read(version: int) -> None:
    async with sandbox(version) as (here, api):
        for n in range(1, 6):
            here.add(name=f"Demo {n}", phone=f"+994 50 000 00 0{n}", code=f"00{n}")
        assert [c.id async for c in api.scan()] == ["1", "2", "3", "4", "5"]
        assert [c.id for c in await api.by_phone("99450000000")] == []  # stored with spaces
        assert [c.code for c in await api.by_name("Demo 3")] == ["003"]
        found = await api.get("2")
        assert found
        assert (found.name, found.phones) == ("Demo 2", ("994500000002",))
        assert await api.get("99") is None
        assert api.requests.as_dict() == {
            "total": 6,
            "posts": 0,
            "reads": 5,
            "auths": 1,
            "throttled": 0,
            "unsent": 0,
        }


async def test_scan_accepts_short_pages_and_stops_when_not_worth_it() -> None:
    async with sandbox(v2_max_limit=2) as (here, api):
        for n in range(5):
            here.add(name=f"Demo {n}")
        assert len([c async for c in api.scan()]) == 5
        assert api.requests.reads == 3
        few = [c async for c in api.scan(lambda total: total != 5)]
        assert len(few) == 2


@pytest.mark.parametrize("tells", ["total", "something else"])
async def test_scan_finds_customers_that_move_up_a_page_meanwhile(tells: str) -> None:
    """A customer on a page already read is deleted, so the next one moves onto that page."""
    there = list(range(1, 8))

    async def answer(request: web.Request) -> web.StreamResponse:
        if request.path.endswith("/auth"):
            return web.json_response({"token": "t"})
        start = (int(request.query["page"]) - 1) * 3
        shown = [{"id": number} for number in there[start : start + 3]]
        told = web.json_response({"data": shown, tells: len(there)})
        if start == 0 and 2 in there:
            there.remove(2)
        return told

    async with (
        server(answer) as (url, _),
        client(V2 | {"CLOPOS_BASE_URL": url}) as api,
    ):
        found = [int(c.id) async for c in api.scan()]
        assert len(set(found)) == len(found)
        assert (4 in found) == (tells == "total")  # no client can notice it without a total
        assert {1, 3, 5, 6, 7} <= set(found)


async def test_scan_of_a_list_that_never_ends_stops() -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        if request.path.endswith("/auth"):
            return web.json_response({"token": "t"})
        return web.json_response({"data": {"0": {"id": 1}, "2": {"id": "2"}, "3": 7, "4": {}}})

    async with (
        server(answer) as (url, _),
        client(V2 | {"CLOPOS_BASE_URL": url}) as api,
    ):
        assert [c.id async for c in api.scan()] == ["1", "2"]
        assert api.requests.reads == 2
