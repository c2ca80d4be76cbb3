"""Faults of the sandbox, on request or by chance (API facts §13)."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from importer.errors import UsageError
from importer.sandbox import Config
from importer.sandbox.faults import KINDS, Faults
from tests.raw_client import Got, Raw, client

CUT = 0  # in place of a status: the connection was closed


async def outcome(raw: Raw, **fields: Any) -> tuple[Got, float]:
    """Create a customer; return the response and its duration in seconds."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    try:
        got = await raw.create(**fields)
    except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError):
        got = Got(CUT, None, {})
    return got, loop.time() - began


@pytest.mark.parametrize(
    ("kind", "status", "seconds", "created"),
    [
        ("403", 403, 0, 0),
        ("success_false", 200, 0, 0),
        ("500", 500, 0, 0),
        ("500b", 500, 0, 1),
        ("502", 502, 0, 0),
        ("502b", 502, 0, 1),
        ("503", 503, 0, 0),
        ("504a", 504, 8, 0),
        ("504b", 504, 8, 1),
        ("drop", CUT, 0, 1),
        ("drop_before", CUT, 0, 0),
        ("slow", 200, 7.76, 1),
        ("garbage", 200, 0, 1),
        ("no_id", 200, 0, 1),
        ("404", 404, 0, 0),
        ("login_page", 200, 0, 0),
        ("text_success", 201, 0, 1),
        ("accepted", 202, 0, 1),
        ("float_id", 200, 0, 1),
        ("refused_done", 200, 0, 1),
    ],
)
@pytest.mark.parametrize("version", [1, 2])
async def test_fault_has_its_response_and_its_delay_and_creates_a_customer_or_none(
    kind: str, status: int, seconds: float, created: int, version: int
) -> None:
    async with client(version) as raw:
        raw.sandbox.faults.add(kind)
        got, took = await outcome(raw)
        assert got.status == status
        assert took == pytest.approx(seconds)
        await asyncio.sleep(60)
        assert len(raw.sandbox.customers()) == created
        assert raw.sandbox.requests()[-1]["fault"] == kind
        assert raw.sandbox.requests()[-1]["status"] == (status or None)
        got, took = await outcome(raw)
        assert got.status == 200
        assert took == pytest.approx(0)


async def test_bodies_of_faults_are_those_of_real_servers() -> None:
    async with client(2) as raw:
        bodies = {}
        for kind in ("502", "503", "garbage", "no_id", "success_false"):
            raw.sandbox.faults.add(kind)
            bodies[kind] = await raw.create()
        assert bodies["502"].headers["Content-Type"].startswith("text/html")
        assert "<h1>502 Bad Gateway</h1>" in bodies["502"].body
        assert "<h1>503" in bodies["503"].body
        assert bodies["garbage"].body.startswith('{"success":true')  # text: it isn't JSON
        assert bodies["no_id"].body == {"success": True, "data": {}}
        assert bodies["success_false"].body["success"] is False
        assert bodies["success_false"].body["error"].startswith("Integrator is in test mode")


async def test_unreadable_successes_have_the_forms_of_real_servers() -> None:
    async with client(2) as raw:
        bodies = {}
        for kind in ("text_success", "accepted", "refused_done"):
            raw.sandbox.faults.add(kind)
            bodies[kind] = (await raw.create()).body
        assert bodies["text_success"]["success"] == "true"
        assert bodies["text_success"]["data"]["id"] == 1
        assert bodies["accepted"] == ""
        assert bodies["refused_done"]["success"] is False
        assert bodies["refused_done"]["data"]["id"] == 3


async def test_late_response_follows_its_504_on_the_same_connection() -> None:
    async with client(2) as raw:
        raw.sandbox.faults.add("late_answer", seconds=3)
        port = int(raw.sandbox.url.split(":")[2].split("/")[0])
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        body = b'{"name":"Aysel Demo"}'
        head = (
            f"POST /open-api/v2/customers HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
            f"x-token: {raw.headers['x-token']}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        writer.write(head.encode() + body)
        assert b" 504 " in await reader.readline()
        began = asyncio.get_running_loop().time()
        await reader.readuntil(b"HTTP/1.1 200")
        assert asyncio.get_running_loop().time() - began == pytest.approx(3)
        assert b'"id":1' in await reader.readuntil(b"}}")
        writer.close()
        assert len(raw.sandbox.customers()) == 1


async def test_late_commit_comes_some_seconds_after_its_504() -> None:
    async with client(2, Config(gateway_seconds=5, late_seconds=2)) as raw:
        raw.sandbox.faults.add("504c")
        raw.sandbox.faults.add("504c", seconds=4)
        for seconds in (2, 4):
            got, took = await outcome(raw)
            assert got.status == 504
            assert took == pytest.approx(5)
            before = len(raw.sandbox.customers())
            await asyncio.sleep(seconds - 0.1)
            assert len(raw.sandbox.customers()) == before
            await asyncio.sleep(0.2)
            assert len(raw.sandbox.customers()) == before + 1


async def test_late_commit_creates_nothing_when_its_values_are_taken() -> None:
    async with client(2) as raw:
        raw.sandbox.faults.add("504c")
        await raw.create("Late", phone="+994500000001")
        assert (await raw.create("Early", phone="+994500000001")).status == 200
        await asyncio.sleep(10)
        assert [each["name"] for each in raw.sandbox.customers()] == ["Early"]


@pytest.mark.parametrize(("kind", "created"), [("timeout", 0), ("timeout_b", 1)])
async def test_timeout_is_never_answered(kind: str, created: int) -> None:
    async with client(2) as raw:
        raw.sandbox.faults.add(kind)
        with pytest.raises(TimeoutError):
            await raw.ask(
                "POST",
                "/customers",
                {"name": "A"},
                timeout=aiohttp.ClientTimeout(total=3600),
            )
        assert asyncio.get_running_loop().time() == pytest.approx(3600)
        assert len(raw.sandbox.customers()) == created


@pytest.mark.parametrize("kind", ["garbage", "no_id"])
async def test_fault_after_the_commit_does_not_change_a_refusal_but_can_lose_it(kind: str) -> None:
    async with client(2) as raw:
        await raw.create(phone="+994500000001")
        raw.sandbox.faults.add(kind)
        assert (await raw.create(phone="+994500000001")).status == 409
        raw.sandbox.faults.add("504b")
        assert (await raw.create(phone="+994500000001")).status == 504
        assert len(raw.sandbox.customers()) == 1


@pytest.mark.parametrize(
    ("route", "method", "path"),
    [
        ("list", "GET", "/customers"),
        ("get", "GET", "/customers/1"),
        ("groups", "GET", "/customer-groups"),
        ("venues", "GET", "/venues"),
    ],
)
async def test_each_route_has_its_own_faults(route: str, method: str, path: str) -> None:
    async with client(2) as raw:
        raw.sandbox.faults.add("502", route)
        assert (await raw.create()).status == 200
        assert (await raw.ask(method, path)).status == 502
        assert (await raw.ask(method, path)).status == 200


async def test_sign_in_has_faults_too() -> None:
    async with client(2) as raw:
        raw.sandbox.faults.add("429", "auth", seconds=20)
        raw.sandbox.faults.add("503", "auth")
        got = await raw.sign_in()
        assert (got.status, got.headers["RateLimit-Reset"]) == (429, "20")
        assert (await raw.sign_in()).status == 503
        assert (await raw.sign_in()).status == 200


async def test_fault_can_wait_for_a_row_and_for_its_nth_attempt() -> None:
    async with client(2) as raw:
        raw.sandbox.faults.add("500", match={"phone": "+994500000002"}, attempt=2)
        raw.sandbox.faults.add("503", match={"name": "Əli"}, times=2)
        for _ in range(2):
            assert (await raw.create("Əli")).status == 503
        assert (await raw.create("Əli")).status == 200
        assert (await raw.create("B", phone="+994500000001")).status == 200
        assert (await raw.create("C", phone="+994500000002")).status == 200
        assert (await raw.create("C", phone="+994500000002")).status == 500
        assert (await raw.create("C", phone="+994500000002")).status == 409
        assert raw.sandbox.faults.waiting == 0


def test_attempts_without_a_match_are_counted_for_each_row() -> None:
    faults = Faults()
    faults.add("500", attempt=2, times=None)
    rows = [{"cid": "1"}, {"cid": "2"}, {"cid": "1"}, {"cid": "1"}, {"cid": "2"}, {}]
    met = [faults.next("create", row, {}, ()) is not None for row in rows]
    assert met == [False, False, True, False, True, False]


def test_scripted_faults_are_used_in_order() -> None:
    faults = Faults()
    faults.add("500")
    faults.add("502", times=None)
    met = [faults.next("create", {}, {}, ()) for _ in range(4)]
    assert [fault and fault.kind for fault in met] == ["500", "502", "502", "502"]
    faults.clear()
    assert faults.next("create", {}, {}, ()) is None


@given(
    rates=st.dictionaries(st.sampled_from(KINDS), st.floats(0, 1 / len(KINDS))),
    seed=st.integers(),
)
def test_faults_by_chance_are_repeatable_and_leave_other_routes_alone(
    rates: dict[str, float], seed: int
) -> None:
    def kinds() -> list[str]:
        faults = Faults(seed)
        met = [faults.next("create", {}, rates, ("create",)) for _ in range(50)]
        return [fault.kind for fault in met if fault]

    assert kinds() == kinds()
    assert set(kinds()) <= set(rates)
    assert Faults(seed).next("list", {}, rates, ("create",)) is None


def test_rates_are_shares_of_the_requests() -> None:
    faults = Faults(seed=1)
    rates = {"500": 0.2, "drop": 0.05}
    met = Counter(
        fault.kind
        for _ in range(10_000)
        if (fault := faults.next("create", {}, rates, ("create",)))
    )
    assert met["500"] / 10_000 == pytest.approx(0.2, abs=0.02)
    assert met["drop"] / 10_000 == pytest.approx(0.05, abs=0.01)


async def test_latency_is_between_its_bounds() -> None:
    async with client(1, Config(latency=(0.05, 0.25))) as raw:
        for _ in range(20):
            got, took = await outcome(raw)
            assert 0.05 <= took <= 0.25
            assert got.body["time"] == round(took * 1000)


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "418"},
        {"kind": "500", "route": "teapot"},
        {"kind": "500", "seconds": -1},
        {"kind": "500", "seconds": "soon"},
        {"kind": "500", "match": "name"},
        {"kind": "500", "when": "now"},
    ],
)
def test_unknown_fault_is_a_usage_error(fault: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        Faults().add(**fault)
