"""The client of the API against the real sandbox, and against servers that are none."""

from __future__ import annotations

import asyncio
import logging
import socket
from contextlib import asynccontextmanager, nullcontext
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web

from importer import __version__
from importer.clopos import Clopos, Quota, Rate, Verdict
from importer.errors import ServiceError, UsageError
from importer.sandbox import Config, Sandbox, serve
from importer.sandbox.virtual_time import VirtualTimeLoop, run
from importer.settings import read_settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from importer.clopos.responses import Answer

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
    return Clopos(read_settings(env), Quota(rates), now=now, **options)


async def create(api: Clopos, **fields: Any) -> Answer:
    return await api.create(ROW | fields, nullcontext)


@asynccontextmanager
async def sandbox(version: int = 2, **config: Any) -> AsyncIterator[tuple[Sandbox, Clopos]]:
    async with serve(Config(**config), now=now) as here, client(here.env(version)) as api:
        yield here, api


@asynccontextmanager
async def server(
    answer: Callable[[web.Request], Awaitable[web.StreamResponse]],
) -> AsyncIterator[tuple[str, list[web.Request]]]:
    """Run a server that answers everything alike; give its address and what it was asked."""
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


# -- what goes over the wire ------------------------------------------------------------------


@pytest.mark.parametrize("version", [1, 2])
def test_the_headers_and_bodies_of_a_version(version: int) -> None:
    bodies: list[Any] = []

    async def answer(request: web.Request) -> web.StreamResponse:
        bodies.append(await request.json())
        if request.path.endswith("/auth"):
            return web.json_response({"success": True, "token": "oauth_1", "expires_in": 3600})
        return web.json_response({"success": True, "data": {"id": 1}})

    async def story() -> None:
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

    run(story())


def test_no_venue_on_version_2_is_no_header() -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        if request.path.endswith("/auth"):
            return web.json_response({"token": "t"}, headers={"Set-Cookie": "a=b"})
        return web.json_response([])

    async def story() -> None:
        async with server(answer) as (url, asked):
            env = V2 | {"CLOPOS_BASE_URL": url, "CLOPOS_VENUE_ID": ""}
            async with client(env) as api:
                assert (await api.page(1)).customers == ()
            assert not {"x-venue", "x-brand", "Cookie"} & {*map(str.lower, asked[1].headers)}

    run(story())


def test_one_connection_is_kept_alive() -> None:
    ports = set()

    async def answer(request: web.Request) -> web.StreamResponse:
        assert request.transport
        ports.add(request.transport.get_extra_info("peername")[1])
        return web.json_response({"token": "t", "data": []})

    async def story() -> None:
        async with (
            server(answer) as (url, asked),
            client(V2 | {"CLOPOS_BASE_URL": url}) as api,
        ):
            for _ in range(5):
                await api.page(1)
            assert (len(asked), len(ports)) == (6, 1)

    run(story())


@pytest.mark.parametrize("version", [1, 2])
def test_lists_single_customers_and_look_ups(version: int) -> None:
    async def story() -> None:
        async with sandbox(version) as (here, api):
            for n in range(1, 6):
                here.add(name=f"Demo {n}", phone=f"+994 50 000 00 0{n}", code=f"00{n}")
            assert [c.id async for c in api.scan()] == ["1", "2", "3", "4", "5"]
            assert [c.id for c in await api.by_phone("99450000000")] == []  # stored with blanks
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
            }

    run(story())


def test_a_scan_bears_short_pages_and_ends_when_it_isnt_worth_it() -> None:
    async def story() -> None:
        async with sandbox(v2_max_limit=2) as (here, api):
            for n in range(5):
                here.add(name=f"Demo {n}")
            assert len([c async for c in api.scan()]) == 5
            assert api.requests.reads == 3
            few = [c async for c in api.scan(lambda total: total != 5)]
            assert len(few) == 2

    run(story())


@pytest.mark.parametrize("tells", ["total", "something else"])
def test_a_scan_misses_nobody_who_moves_up_while_it_reads(tells: str) -> None:
    """Somebody on a page that was read is deleted: who comes next slips onto that page."""
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

    async def story() -> None:
        async with (
            server(answer) as (url, _),
            client(V2 | {"CLOPOS_BASE_URL": url}) as api,
        ):
            found = [int(c.id) async for c in api.scan()]
            assert len(set(found)) == len(found)
            assert (4 in found) == (tells == "total")  # without it nobody can know
            assert {1, 3, 5, 6, 7} <= set(found)

    run(story())


def test_a_scan_of_a_list_that_never_ends_ends() -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        if request.path.endswith("/auth"):
            return web.json_response({"token": "t"})
        return web.json_response({"data": {"0": {"id": 1}, "2": {"id": "2"}, "3": 7, "4": {}}})

    async def story() -> None:
        async with (
            server(answer) as (url, _),
            client(V2 | {"CLOPOS_BASE_URL": url}) as api,
        ):
            assert [c.id async for c in api.scan()] == ["1", "2"]
            assert api.requests.reads == 2

    run(story())


# -- token ------------------------------------------------------------------------------------


def test_all_who_need_a_token_share_one_sign_in() -> None:
    async def story() -> None:
        async with sandbox() as (here, api):
            await asyncio.gather(*(api.page(1) for _ in range(20)))
            assert api.requests.auths == 1
            assert routes(here)[0] == ("auth", 200)

    run(story())


@pytest.mark.parametrize("version", [1, 2])
def test_a_token_is_renewed_before_it_ends(version: int) -> None:
    async def story() -> None:
        async with sandbox(version, token_seconds=100.0) as (here, api):
            await api.page(1)
            await asyncio.sleep(89)
            await api.page(1)
            assert api.requests.auths == 1
            await asyncio.sleep(2)
            await asyncio.gather(*(api.page(1) for _ in range(5)))
            assert api.requests.auths == 2
            assert {status for _, status in routes(here)} == {200}

    run(story())


def test_an_hour_long_token_is_renewed_five_minutes_early() -> None:
    async def story() -> None:
        async with sandbox() as (_, api):
            await api.page(1)
            await asyncio.sleep(3295)
            await api.page(1)
            assert api.requests.auths == 1
            await asyncio.sleep(10)
            await api.page(1)
            assert api.requests.auths == 2

    run(story())


def test_who_waits_for_a_turn_longer_than_a_token_lives_gets_a_new_one() -> None:
    """…before it is sent: not one of them is sent in vain."""

    async def story() -> None:
        async with (
            serve(Config(token_seconds=60.0), now=now) as here,
            client(here.env(1), Rate(5, 60.0)) as api,
        ):
            await asyncio.gather(*(create(api, cid=None, name=f"Demo {n}") for n in range(30)))
            assert {status for _, status in routes(here)} == {200}
            assert 6 <= api.requests.auths <= 10

    run(story())


@pytest.mark.parametrize("kind", ["expired401", "invalid401", "message401"])
@pytest.mark.parametrize("version", [1, 2])
def test_a_401_that_asks_for_it_is_one_new_token_and_one_more_try(kind: str, version: int) -> None:
    async def story() -> None:
        async with sandbox(version) as (here, api):
            here.faults.add(kind)
            assert (await create(api)).verdict is Verdict.OK
            assert routes(here) == [
                ("auth", 200),
                ("create", 401),
                ("auth", 200),
                ("create", 200),
            ]

    run(story())


def test_many_401s_at_once_are_one_new_token() -> None:
    async def story() -> None:
        async with sandbox(latency=(0.1, 0.1)) as (here, api):
            await api.page(1)
            here.faults.add("expired401", times=10)
            rows = (create(api, cid=None, name=f"Demo {n}") for n in range(10))
            answers = await asyncio.gather(*rows)
            assert {answer.verdict for answer in answers} == {Verdict.OK}
            assert api.requests.auths == 2
            assert len(here.customers()) == 10

    run(story())


@pytest.mark.parametrize("kind", ["expired401", "invalid401", "message401"])
def test_a_second_401_ends_it(kind: str) -> None:
    async def story() -> None:
        async with sandbox() as (here, api):
            here.faults.add(kind, times=None)
            with pytest.raises(ServiceError, match="Clopos refuses") as caught:
                await create(api)
            assert caught.value.todo
            assert routes(here) == [
                ("auth", 200),
                ("create", 401),
                ("auth", 200),
                ("create", 401),
            ]
            assert here.customers() == []

    run(story())


def test_a_token_from_outside_is_used_and_replaced_where_there_are_credentials() -> None:
    async def story() -> None:
        async with sandbox() as (here, api):
            await api.page(1)
            token = api._token
            env = here.env(2) | {"CLOPOS_TOKEN": token}
            async with client(env) as second:
                await second.page(1)
                assert second.requests.auths == 0
                here.faults.add("expired401", "list")
                await second.page(1)
                assert second.requests.auths == 1
            env = env | {"CLOPOS_CLIENT_SECRET": ""}
            async with client(env) as third:
                await third.page(1)
                here.faults.add("expired401", "list", times=None)
                with pytest.raises(ServiceError, match="no longer takes the token") as caught:
                    await third.page(1)
                assert "CLOPOS_TOKEN" in (caught.value.todo or "")
                assert third.requests.auths == 0

    run(story())


STOPS: list[tuple[str, int, dict[str, Any], dict[str, str], str]] = [
    ("unknown integrator", 2, {}, {"CLOPOS_INTEGRATOR_ID": "nobody"}, "CLOPOS_INTEGRATOR_ID"),
    ("test mode", 2, {}, {"CLOPOS_INTEGRATOR_ID": "test-integrator"}, "test mode"),
    ("wrong secret", 2, {}, {"CLOPOS_CLIENT_SECRET": "wrong"}, "CLOPOS_CLIENT_SECRET"),
    ("wrong brand", 2, {}, {"CLOPOS_BRAND": "other"}, "CLOPOS_BRAND"),
    ("disabled", 2, {}, {"CLOPOS_CLIENT_ID": "disabled-client"}, "module"),
    ("disabled, 200", 2, {"disabled_status": 200}, {"CLOPOS_CLIENT_ID": "disabled-client"}, "mod"),
    ("disabled, 500", 2, {"disabled_status": 500}, {"CLOPOS_CLIENT_ID": "disabled-client"}, "mod"),
    ("wrong secret, v1", 1, {}, {"CLOPOS_CLIENT_SECRET": "wrong"}, "CLOPOS_CLIENT_SECRET"),
    ("the same as 400", 1, {"refused_status": 400}, {"CLOPOS_CLIENT_ID": "x"}, "CLOPOS_CLIENT_ID"),
    ("wrong venue, v1", 1, {}, {"CLOPOS_VENUE_ID": "9"}, "CLOPOS_VENUE_ID"),
    ("disabled, v1", 1, {}, {"CLOPOS_CLIENT_ID": "disabled-client"}, "module"),
    ("no rights", 2, {"permitted": False}, {}, "right"),
    ("wrong venue, v2", 2, {}, {"CLOPOS_VENUE_ID": "9"}, "CLOPOS_BASE_URL"),
]


@pytest.mark.parametrize(("version", "config", "env", "word"), [s[1:] for s in STOPS], ids=str)
def test_what_ends_a_run_ends_it_at_once_and_in_words(
    version: int, config: dict[str, Any], env: dict[str, str], word: str
) -> None:
    """…also when many ask at once: wrong credentials are tried once."""

    async def story() -> None:
        async with (
            serve(Config(**config), now=now) as here,
            client(here.env(version) | env, Rate(300, 60.0)) as api,
        ):
            rows = (create(api, name=f"Demo {n}") for n in range(20))
            failures = await asyncio.gather(*rows, return_exceptions=True)
            assert all(isinstance(each, ServiceError) for each in failures)
            first = failures[0]
            assert isinstance(first, ServiceError)
            assert word in (first.todo or "")
            assert first.what.startswith("Clopos refuses")
            assert api.requests.auths == 1
            assert here.customers() == []
            if word != "right" and "9" not in env.values():
                assert api.requests.total == 1

    run(story())


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"integrators": ("another",)}, "CLOPOS_INTEGRATOR_ID"),
        ({"test_integrators": ("sandbox-integrator",)}, "test mode"),
    ],
    ids=str,
)
def test_an_integrator_that_loses_its_rights_meanwhile_ends_it(
    change: dict[str, Any], word: str
) -> None:
    async def story() -> None:
        async with sandbox() as (here, api):
            await api.page(1)
            here.change(**change)
            with pytest.raises(ServiceError) as caught:
                await create(api)
            assert word in (caught.value.todo or "")
            assert api.requests.as_dict()["total"] == 3

    run(story())


def test_a_sign_in_that_fails_is_tried_again_for_some_time_only() -> None:
    async def story() -> None:
        async with sandbox() as (here, api):
            here.faults.add("502", "auth", times=3)
            await api.page(1)
            assert api.requests.auths == 4
            assert 7 <= elapsed() < 9
        async with sandbox() as (here, api):
            here.faults.add("503", "auth", times=None)
            with pytest.raises(ServiceError, match="keeps failing") as caught:
                await api.page(1)
            assert caught.value.why == "HTTP 503"
            assert api.requests.auths < 20

    run(story())


# -- no answer --------------------------------------------------------------------------------


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def test_nobody_at_the_address_is_said_after_a_few_seconds() -> None:
    async def story() -> None:
        env = V2 | {"CLOPOS_BASE_URL": f"http://127.0.0.1:{closed_port()}/open-api"}
        async with client(env) as api:
            with pytest.raises(ServiceError, match="can't be reached") as caught:
                await api.page(1)
            assert caught.value.why == "connection refused"
            assert "CLOPOS_BASE_URL" in (caught.value.todo or "")
            assert api.requests.total <= 4
            assert elapsed() <= 5

    run(story())


def test_a_name_that_cannot_be_resolved(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: Any, **__: Any) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)

    async def story() -> None:
        async with client(V2 | {"CLOPOS_BASE_URL": "https://clopos.invalid/open-api"}) as api:
            with pytest.raises(ServiceError, match=r"at https://clopos\.invalid") as caught:
                await create(api)
            assert caught.value.why == "its name can't be resolved"

    run(story())


def test_an_address_without_encryption_behind_https() -> None:
    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response()

    async def story() -> None:
        async with server(answer) as (url, asked):
            env = V2 | {"CLOPOS_BASE_URL": url.replace("http:", "https:")}
            async with client(env) as api:
                with pytest.raises(ServiceError, match="can't be reached") as caught:
                    await create(api)
            assert "encrypted" in (caught.value.why or "")
            assert asked == []

    run(story())


def test_an_address_that_takes_calls_and_never_answers() -> None:
    async def answer(_: web.Request) -> web.StreamResponse:
        await asyncio.sleep(10_000)
        return web.Response()

    async def story() -> None:
        async with (
            server(answer) as (url, _),
            client(V2 | {"CLOPOS_BASE_URL": url}) as api,
        ):
            with pytest.raises(ServiceError, match="can't be reached") as caught:
                await api.page(1)
            assert caught.value.why == "no answer in time"
            assert api.requests.total == 2
            assert 40 < elapsed() < 45

    run(story())


def test_clopos_going_away_is_borne_for_as_long_as_was_said() -> None:
    async def story() -> None:
        async with serve(now=now) as here:
            api = client(here.env(2), give_up_after=60.0)
            await api.__aenter__()
            await api.page(1)
        assert (await create(api)).verdict is Verdict.DOUBT  # on the connection that was
        started = elapsed()
        with pytest.raises(ServiceError, match="can't be reached"):
            await create(api)
        assert 30 < elapsed() - started <= 60
        await api.__aexit__(None, None, None)

    run(story())


@pytest.mark.parametrize(("fault", "verdict"), [("timeout", Verdict.DOUBT), ("slow", Verdict.OK)])
def test_a_request_is_given_up_after_20_seconds(fault: str, verdict: Verdict) -> None:
    async def story() -> None:
        async with sandbox() as (here, api):
            await api.page(1)
            here.faults.add(fault)
            started = elapsed()
            assert (await create(api)).verdict is verdict
            waited = elapsed() - started
            assert waited == pytest.approx(20 if fault == "timeout" else 7.76, abs=0.5)

    run(story())


@pytest.mark.parametrize(
    "fault", ["drop", "drop_before", "timeout_b", "500", "502", "503", "504a", "garbage", "no_id"]
)
def test_a_doubtful_create_is_not_sent_again_from_here(fault: str) -> None:
    async def story() -> None:
        async with sandbox() as (here, api):
            here.faults.add(fault)
            answer = await create(api)
            assert answer.verdict is Verdict.DOUBT
            assert answer.message
            assert api.requests.posts == 1

    run(story())


@pytest.mark.parametrize("fault", ["drop", "500", "502", "504a", "garbage", "timeout", "429"])
def test_a_read_is_asked_again(fault: str) -> None:
    async def story() -> None:
        async with sandbox() as (here, api):
            here.add(name="Demo")
            here.faults.add(fault, "list")
            assert [c.name async for c in api.scan()] == ["Demo"]
            assert api.requests.reads == 2

    run(story())


# -- servers that are none --------------------------------------------------------------------


def test_a_redirect_is_not_followed() -> None:
    async def answer(_: web.Request) -> web.StreamResponse:
        raise web.HTTPFound("https://elsewhere.example/open-api")

    async def story() -> None:
        async with (
            server(answer) as (url, asked),
            client(V2 | {"CLOPOS_BASE_URL": url}) as api,
        ):
            with pytest.raises(ServiceError, match="redirected") as caught:
                await create(api)
            assert "CLOPOS_BASE_URL" in (caught.value.todo or "")
            assert len(asked) == 1

    run(story())


def test_an_endless_body_is_cut_off() -> None:
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

    async def story() -> None:
        async with (
            server(answer) as (url, _),
            client(V2 | {"CLOPOS_BASE_URL": url}) as api,
        ):
            assert (await create(api)).verdict is Verdict.DOUBT

    run(story())
    assert sent < 20 << 20


def test_no_http_at_all() -> None:
    async def story() -> None:
        async def talk(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"220 mail.example ESMTP\r\n")
            writer.close()

        other = await asyncio.start_server(talk, "127.0.0.1", 0)
        port = other.sockets[0].getsockname()[1]
        async with other, client(V2 | {"CLOPOS_BASE_URL": f"http://127.0.0.1:{port}/x"}) as api:
            with pytest.raises(ServiceError, match="can't be reached"):
                await api.page(1)

    run(story())


def test_a_proxy_that_refuses_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append((await reader.readuntil(b"\r\n\r\n")).partition(b" HTTP")[0])
        writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    async def story() -> None:
        proxy = await asyncio.start_server(talk, "127.0.0.1", 0)
        address = f"127.0.0.1:{proxy.sockets[0].getsockname()[1]}"
        monkeypatch.setenv("HTTPS_PROXY", f"http://user:geheim@{address}")
        async with proxy, client(V2 | {"CLOPOS_BASE_URL": "https://clopos.invalid/x"}) as api:
            with pytest.raises(ServiceError, match="can't be reached") as caught:
                await create(api)
        assert caught.value.why == "the proxy refuses with status 407"
        assert set(asked) == {b"CONNECT clopos.invalid:443"}

    run(story())


def test_this_machine_is_asked_without_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{closed_port()}")

    async def story() -> None:
        async with sandbox() as (_, api):
            assert (await create(api)).verdict is Verdict.OK

    run(story())


# -- being asked to wait ----------------------------------------------------------------------


def test_a_429_lets_all_wait_and_the_row_is_handed_back() -> None:
    async def story() -> None:
        async with sandbox() as (here, api):
            await api.page(1)
            here.faults.add("429", seconds=30)
            started = elapsed()
            assert (await create(api)).verdict is Verdict.THROTTLED
            assert elapsed() == started
            await asyncio.gather(*(api.page(1) for _ in range(3)))
            assert 30 < elapsed() - started < 32
            assert api.requests.throttled == 1

    run(story())


def test_that_nothing_remains_at_a_429_is_not_taken_for_somebody_else() -> None:
    """It needn't be of our limit; when it is, the next answer tells how many others there are."""

    async def story() -> None:
        async with serve(Config(), now=now) as here, client(here.env(2), Rate(300, 60.0)) as api:
            await api.page(1)
            here.faults.add("429", seconds=6)
            started = elapsed()
            assert (await create(api)).verdict is Verdict.THROTTLED
            for _ in range(20):
                await api.page(1)
            assert 6 < elapsed() - started < 6.5 + 21 * 60.05 / 300 + 0.5

    run(story())


def test_a_429_that_says_nothing_is_a_minute() -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        if request.path.endswith("/auth"):
            return web.json_response({"token": "t"})
        return web.Response(status=429) if elapsed() < 1 else web.json_response([])

    async def story() -> None:
        async with (
            server(answer) as (url, asked),
            client(V2 | {"CLOPOS_BASE_URL": url}) as api,
        ):
            await api.page(1)
            assert elapsed() == pytest.approx(60, abs=1)
            assert len(asked) == 3

    run(story())


def test_who_is_never_let_through_waits_longer_each_time_and_then_gives_up() -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        if request.path.endswith("/auth"):
            return web.json_response({"token": "t"})
        return web.Response(status=429, headers={"RateLimit-Reset": "0"})

    async def story() -> None:
        async with (
            server(answer) as (url, asked),
            client(V2 | {"CLOPOS_BASE_URL": url}) as api,
        ):
            reads = (api.page(1) for _ in range(8))
            failures = await asyncio.gather(*reads, return_exceptions=True)
            assert all("lets no request through" in str(each) for each in failures)
            assert elapsed() > 600
            assert len(asked) <= 1 + 8 * 21

    run(story())


def test_a_429_on_signing_in_is_waited_for() -> None:
    async def story() -> None:
        async with sandbox() as (here, api):
            here.faults.add("429", "auth", seconds=10)
            await api.page(1)
            assert routes(here) == [("auth", 429), ("auth", 200), ("list", 200)]
            assert elapsed() > 10

    run(story())


def test_a_call_cancelled_while_it_waits_has_sent_nothing() -> None:
    left: list[int] = []

    @asynccontextmanager
    async def leaving() -> AsyncIterator[None]:
        left.append(1)
        yield

    async def story() -> None:
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

    run(story())


# -- secrets ----------------------------------------------------------------------------------


def test_no_secret_is_in_errors_reprs_and_logs(caplog: pytest.LogCaptureFixture) -> None:
    secret, token = ENV["CLOPOS_CLIENT_SECRET"], "plain-token-0815"
    caplog.set_level(logging.DEBUG)

    async def answer(request: web.Request) -> web.StreamResponse:
        if request.path.endswith("/auth"):
            return web.json_response({"token": token})
        said = f"bad request with {secret} and {request.headers['x-token']} in it"
        return web.json_response({"success": False, "error": said}, status=403)

    async def story() -> None:
        async with server(answer) as (url, _):
            settings = read_settings(V2 | {"CLOPOS_BASE_URL": url})
            async with Clopos(settings, Quota(()), now=now) as api:
                with pytest.raises(ServiceError, match="bad request") as caught:
                    await create(api)
                told = [caught.value.what, caught.value.why, caught.value.todo, repr(caught.value)]
                told += [repr(settings), repr(api), caplog.text]
                for text in map(str, told):
                    assert secret not in text
                    assert token not in text

    run(story())


def test_a_client_needs_credentials() -> None:
    with pytest.raises(UsageError, match="CLOPOS_CLIENT_ID"):
        Clopos(read_settings({"CLOPOS_BRAND": "demo", "CLOPOS_VENUE_ID": "1"}), Quota(()))
