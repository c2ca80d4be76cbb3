"""Effects of a refusal on other rows: nodes with slow clocks, firewalls, unavailable lists."""

from __future__ import annotations

import gzip
import resource
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web

from importer.clopos import ClassifiedResponse, Rate, Verdict
from importer.errors import ServiceError
from importer.sandbox import Config, serve
from tests.clopos.conftest import V2, client, create, elapsed, now, sandbox, server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from importer.clopos import Clopos

LOGIN = "<!DOCTYPE html><html><title>Sign in to the network</title></html>"


async def skip_all(scan: AsyncIterator[Any]) -> AsyncIterator[None]:
    async for _ in scan:
        pass
    yield None


async def create_many(api: Clopos, number: int) -> list[ClassifiedResponse]:
    return [await create(api, name=f"Demo {n}", cid=None) for n in range(number)]


async def test_node_that_refuses_every_third_request_does_not_end_the_run() -> None:
    asked = signed_in = 0

    async def answer(request: web.Request) -> web.StreamResponse:
        nonlocal asked, signed_in
        if request.path.endswith("/auth"):
            signed_in += 1
            return web.json_response({"token": f"t{signed_in}"})
        asked += 1
        if asked % 3 == 0:
            return web.json_response({"success": False, "error": "Invalid token"}, status=401)
        return web.json_response({"success": True, "data": {"id": asked}})

    async with (
        server(answer) as (url, _),
        client(V2 | {"CLOPOS_BASE_URL": url}, Rate(300, 60.0)) as api,
    ):
        responses = await create_many(api, 300)
        assert {response.verdict for response in responses} == {Verdict.OK}
        assert signed_in <= 3 + elapsed() / 60  # not one for each 401: signing in has a limit


async def test_401s_by_chance_do_not_end_the_run() -> None:
    config = Config(rates={"message401": 0.15}, seed=7)
    async with serve(config, now=now) as here, client(here.env(2), Rate(300, 60.0)) as api:
        responses = await create_many(api, 200)
        assert {response.verdict for response in responses} == {Verdict.OK}
        assert len(here.customers()) == 200


async def test_token_refused_after_success_ends_soon_with_the_hint_that_sign_in_works() -> None:
    async with sandbox() as (here, api):
        await create(api)
        here.faults.add("invalid401", times=None)
        with pytest.raises(ServiceError, match="Clopos refuses") as caught:
            await create(api)
        assert "signing in works" in (caught.value.fix or "")
        assert api.requests.auths <= 3
        assert elapsed() < 15


@pytest.mark.parametrize("created_before", [False, True])
async def test_firewall_that_refuses_one_name_rejects_one_row(created_before: bool) -> None:
    async with (
        serve(Config(firewall=("Union",)), now=now) as here,
        client(here.env(2), created_before=created_before) as api,
    ):
        if not created_before:
            await create(api)
        refused = await create(api, name="Union Select", cid=None)
        assert (refused.verdict, refused.status, refused.reason) == (
            Verdict.REJECTED,
            403,
            "HTTP 403",
        )
        assert (await create(api, name="Other", cid=None)).verdict is Verdict.OK


async def test_several_403s_in_a_row_end_the_run() -> None:
    async with sandbox() as (here, api):
        await create(api)
        here.faults.add("403", times=None)
        responses = await create_many(api, 4)
        assert {response.verdict for response in responses} == {Verdict.REJECTED}
        with pytest.raises(ServiceError, match="HTTP 403 forbidden") as caught:
            await create(api, cid=None)
        assert "right" in (caught.value.fix or "")


async def test_403_before_the_first_created_row_ends_the_run_at_once() -> None:
    async with sandbox() as (here, api):
        here.faults.add("403")
        with pytest.raises(ServiceError, match="HTTP 403 forbidden"):
            await create(api)


# -- lists ------------------------------------------------------------------------------------


async def test_unavailable_list_is_retried_and_is_no_empty_list() -> None:
    async with sandbox() as (here, api):
        here.add(name="Demo")
        await api.page(1)
        here.faults.add("404", "list", times=3)
        assert [each.name for each in (await api.page(1)).customers] == ["Demo"]
        here.faults.add("404", "list", times=None)
        with pytest.raises(ServiceError, match="keeps failing") as caught:
            await api.page(1)
        assert caught.value.why == "HTTP 404"


async def test_list_that_was_never_available_ends_the_run_soon() -> None:
    async with sandbox() as (here, api):
        here.faults.add("404", "list", times=None)
        with pytest.raises(ServiceError, match="keeps failing") as caught:
            await api.page(1)
        assert "CLOPOS_BASE_URL" in (caught.value.fix or "")
        assert elapsed() < 10


async def test_list_without_cids_is_noticed() -> None:
    async with serve(Config(lists_cid=False), now=now) as here, client(here.env(2)) as api:
        assert (await api.page(1)).shows_cids
        here.add(name="Demo")
        assert not (await api.page(1)).shows_cids
        here.change(lists_cid=True)
        assert (await api.page(1)).shows_cids


@pytest.mark.parametrize("path", ["customers", "groups"])
async def test_list_that_never_ends_is_abandoned(path: str) -> None:
    number = 0

    async def answer(request: web.Request) -> web.StreamResponse:
        nonlocal number
        if request.path.endswith("/auth"):
            return web.json_response({"token": "t"})
        number += 1
        return web.json_response([{"id": number, "name": "Demo"}])

    async with server(answer) as (url, _), client(V2 | {"CLOPOS_BASE_URL": url}) as api:
        reading = api.groups() if path == "groups" else anext(skip_all(api.scan()))
        with pytest.raises(ServiceError, match="never ends"):
            await reading
        assert number <= 2001
        with pytest.raises(ServiceError, match="never ends"):
            await api.page(20_001)


# -- responses of other programs --------------------------------------------------------------


async def test_login_page_of_the_network_is_reported_within_seconds() -> None:
    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(text=LOGIN, content_type="text/html")

    async with server(answer) as (url, _), client(V2 | {"CLOPOS_BASE_URL": url}) as api:
        with pytest.raises(ServiceError, match="web page answers instead of Clopos") as caught:
            await api.page(1)
        assert "sign in" in (caught.value.fix or "")
        assert elapsed() < 10


async def test_login_page_of_the_network_during_the_run_is_waited_for() -> None:
    async with sandbox() as (here, api):
        await api.page(1)
        here.faults.add("login_page", "list", times=6)
        await api.page(1)
        assert elapsed() > 60
        here.faults.add("login_page")
        response = await create(api)
        assert (response.verdict, response.unreadable) == (Verdict.DOUBT, True)


@pytest.mark.parametrize(
    "kind", ["garbage", "no_id", "text_success", "accepted", "float_id", "refused_done"]
)
async def test_unreadable_success_is_in_doubt_and_counts_as_no_failure(kind: str) -> None:
    async with sandbox() as (here, api):
        here.faults.add(kind)
        response = await create(api)
        assert (response.verdict, response.unreadable) == (Verdict.DOUBT, True)
        here.faults.add("502")
        outage = await create(api, name="Other", cid=None)
        assert (outage.verdict, outage.unreadable) == (Verdict.DOUBT, False)


async def test_length_of_an_unpacked_body_is_bounded() -> None:
    """600 kB unpack to 600 MB; at most the megabyte allowed for a create is kept."""
    bomb = gzip.compress(b" " * (600 << 20), 9)

    async def answer(request: web.Request) -> web.StreamResponse:
        if request.path.endswith("/auth"):
            return web.json_response({"token": "t"})
        headers = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
        return web.Response(body=bomb, headers=headers)

    async with server(answer) as (url, _), client(V2 | {"CLOPOS_BASE_URL": url}) as api:
        await api._session._valid_token()
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        assert (await create(api)).verdict is Verdict.DOUBT
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000


@pytest.mark.parametrize("number", [10**400, -1, 10**12, float("inf")], ids=str)
async def test_huge_numbers_are_an_unreadable_response_and_no_bug(number: Any) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        if request.path.endswith("/auth"):
            return web.json_response({"token": "t", "expires_in": number})
        if request.method == "POST":
            return web.json_response({"success": True, "data": {"id": number}})
        return web.json_response({"data": [], "total": number})

    async with (
        server(answer) as (url, _),
        client(V2 | {"CLOPOS_BASE_URL": url}, give_up_after=10.0) as api,
    ):
        response = await create(api)
        assert response.verdict is (Verdict.OK if number == 10**12 else Verdict.DOUBT)
        if isinstance(number, int):
            with pytest.raises(ServiceError, match="keeps failing"):
                await api.page(1)
        assert api.requests.auths == 1
