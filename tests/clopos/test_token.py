"""The token: one sign-in for all requests, renewal in time, and 401s."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from importer.clopos import Rate, Verdict
from importer.errors import ServiceError
from importer.sandbox import Config, serve
from tests.clopos.conftest import (
    client,
    create,
    elapsed,
    now,
    routes,
    sandbox,
)


async def test_concurrent_requests_share_one_sign_in() -> None:
    async with sandbox() as (here, api):
        await asyncio.gather(*(api.page(1) for _ in range(20)))
        assert api.requests.auths == 1
        assert routes(here)[0] == ("auth", 200)


@pytest.mark.parametrize("version", [1, 2])
async def test_token_is_renewed_before_it_expires(version: int) -> None:
    async with sandbox(version, token_seconds=100.0) as (here, api):
        await api.page(1)
        await asyncio.sleep(89)
        await api.page(1)
        assert api.requests.auths == 1
        await asyncio.sleep(2)
        await asyncio.gather(*(api.page(1) for _ in range(5)))
        assert api.requests.auths == 2
        assert {status for _, status in routes(here)} == {200}


async def test_hour_long_token_is_renewed_five_minutes_early() -> None:
    async with sandbox() as (_, api):
        await api.page(1)
        await asyncio.sleep(3295)
        await api.page(1)
        assert api.requests.auths == 1
        await asyncio.sleep(10)
        await api.page(1)
        assert api.requests.auths == 2


async def test_request_that_waits_longer_than_its_token_gets_a_new_one() -> None:
    """It is renewed before the request is sent, so no request is refused."""
    async with (
        serve(Config(token_seconds=60.0), now=now) as here,
        client(here.env(1), Rate(5, 60.0)) as api,
    ):
        await asyncio.gather(*(create(api, cid=None, name=f"Demo {n}") for n in range(30)))
        assert {status for _, status in routes(here)} == {200}
        assert 6 <= api.requests.auths <= 10


@pytest.mark.parametrize("kind", ["expired401", "invalid401", "message401"])
@pytest.mark.parametrize("version", [1, 2])
async def test_expired_token_is_one_sign_in_and_one_more_try(kind: str, version: int) -> None:
    async with sandbox(version) as (here, api):
        here.faults.add(kind)
        assert (await create(api)).verdict is Verdict.OK
        assert routes(here) == [
            ("auth", 200),
            ("create", 401),
            ("auth", 200),
            ("create", 200),
        ]


async def test_many_401s_at_once_are_one_sign_in() -> None:
    async with sandbox(latency=(0.1, 0.1)) as (here, api):
        await api.page(1)
        here.faults.add("expired401", times=10)
        rows = (create(api, cid=None, name=f"Demo {n}") for n in range(10))
        answers = await asyncio.gather(*rows)
        assert {answer.verdict for answer in answers} == {Verdict.OK}
        assert api.requests.auths == 2
        assert len(here.customers()) == 10


@pytest.mark.parametrize("kind", ["expired401", "invalid401", "message401"])
async def test_second_401_ends_the_run(kind: str) -> None:
    async with sandbox() as (here, api):
        here.faults.add(kind, times=None)
        with pytest.raises(ServiceError, match="Clopos refuses") as caught:
            await create(api)
        assert caught.value.fix
        assert routes(here) == [
            ("auth", 200),
            ("create", 401),
            ("auth", 200),
            ("create", 401),
        ]
        assert here.customers() == []


async def test_given_token_is_used_and_replaced_if_there_are_credentials() -> None:
    async with sandbox() as (here, api):
        await api.page(1)
        token = api._session._token
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
            assert "CLOPOS_TOKEN" in (caught.value.fix or "")
            assert third.requests.auths == 0


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
async def test_fatal_error_of_a_sign_in_ends_the_run_at_once_with_its_reason(
    version: int, config: dict[str, Any], env: dict[str, str], word: str
) -> None:
    """Also with many requests at once: wrong credentials are tried once."""
    async with (
        serve(Config(**config), now=now) as here,
        client(here.env(version) | env, Rate(300, 60.0)) as api,
    ):
        rows = (create(api, name=f"Demo {n}") for n in range(20))
        failures = await asyncio.gather(*rows, return_exceptions=True)
        assert all(isinstance(each, ServiceError) for each in failures)
        first = failures[0]
        assert isinstance(first, ServiceError)
        assert word in (first.fix or "")
        assert first.what.startswith("Clopos refuses")
        assert api.requests.auths == 1
        assert here.customers() == []
        if word != "right" and "9" not in env.values():
            assert api.requests.total == 1


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"integrators": ("another",)}, "CLOPOS_INTEGRATOR_ID"),
        ({"test_integrators": ("sandbox-integrator",)}, "test mode"),
    ],
    ids=str,
)
async def test_integrator_that_loses_its_rights_ends_the_run(
    change: dict[str, Any], word: str
) -> None:
    async with sandbox() as (here, api):
        await api.page(1)
        here.change(**change)
        with pytest.raises(ServiceError) as caught:
            await create(api)
        assert word in (caught.value.fix or "")
        assert api.requests.as_dict()["total"] == 3


async def test_failed_sign_in_is_retried_for_a_limited_time() -> None:
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
