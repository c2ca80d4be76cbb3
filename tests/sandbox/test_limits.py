"""Limits of the sandbox (API facts §7)."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from importer.sandbox import Config
from importer.sandbox.limits import Room, Windows, tightest
from importer.sandbox.virtual_time import EPOCH
from tests.raw_client import Raw, client

TIMES = st.lists(st.integers(0, 200), min_size=1, max_size=120).map(sorted)


@given(times=TIMES, limit=st.integers(1, 10), seconds=st.integers(1, 60))
def test_no_window_at_any_position_exceeds_the_limit(
    times: list[int], limit: int, seconds: int
) -> None:
    windows = Windows(seconds)
    let_in: list[int] = []
    for now in times:
        room = windows.look("a", now, limit)
        assert room.allowed == (sum(now - seconds < then <= now for then in let_in) < limit)
        if room.allowed:
            windows.count("a", now)
            let_in.append(now)
    for start in let_in:
        assert sum(start <= then < start + seconds for then in let_in) <= limit


@given(times=TIMES, limit=st.integers(1, 10))
def test_client_is_admitted_after_the_given_wait_and_not_earlier(
    times: list[int], limit: int
) -> None:
    windows = Windows(60)
    for now in times:
        windows.count("a", now)  # refused ones are counted too
    room = windows.look("a", times[-1], limit)
    if not room.allowed:
        assert not windows.look("a", times[-1] + room.seconds - 0.5, limit).allowed
        assert windows.look("a", times[-1] + room.seconds, limit).allowed


def test_keys_have_windows_of_their_own() -> None:
    windows = Windows(60)
    windows.count("a", 0)
    assert not windows.look("a", 0, 1).allowed
    assert windows.look("b", 0, 1).allowed


def test_tightest_window_has_the_fewest_requests_left_and_then_the_longest_wait() -> None:
    few, many = Room(True, 9, 1, 5), Room(True, 9, 8, 50)
    later = Room(True, 9, 1, 50)
    assert tightest([many, few]) == few
    assert tightest([few, later, many]) == later
    assert tightest([]) is None


async def test_v2_admits_300_requests_a_minute_and_shows_the_seconds_left() -> None:
    async with client(2) as raw:
        for turn in range(300):
            got = await raw.find("limit=1")
            assert got.status == 200
            assert got.headers["RateLimit-Limit"] == "300"
            assert got.headers["RateLimit-Remaining"] == str(299 - turn)
            await asyncio.sleep(0.1)
        got = await raw.create()
        assert (got.status, got.body["success"]) == (429, False)
        assert got.headers["RateLimit-Remaining"] == "0"
        assert got.headers["RateLimit-Reset"] == "30"
        assert "Retry-After" not in got.headers
        assert not any(name.startswith("X-") for name in got.headers)
        await asyncio.sleep(29.9)
        assert (await raw.create()).status == 429
        await asyncio.sleep(0.1)
        assert (await raw.create()).status == 200
        assert len(raw.sandbox.customers()) == 1


async def test_new_tokens_and_refused_rows_count_against_the_quota() -> None:
    async with client(2, Config(per_minute=3)) as raw:
        assert (await raw.create("")).status == 400
        await raw.sign_in()
        assert (await raw.create()).status == 200
        assert (await raw.ask("GET", "/customers/99")).status == 404
        other = Raw(raw.sandbox, raw.session, 2)
        await other.sign_in()
        assert (await other.create()).status == 429


async def test_each_brand_has_its_own_quota() -> None:
    async with client(2, Config(per_minute=1, brands=("sandbox", "other"))) as raw:
        assert (await raw.find()).status == 200
        assert (await raw.find()).status == 429
        await raw.sign_in(brand="other")
        assert (await raw.find()).status == 200


async def test_v1_limits_a_minute_and_an_hour_and_shows_the_epoch_second_of_the_tighter() -> None:
    config = Config(v1_per_minute=3, v1_per_hour=5)
    async with client(1, config) as raw:
        got = [await raw.find() for _ in range(4)]
        assert [each.status for each in got] == [200, 200, 200, 429]
        assert got[-1].headers["X-RateLimit-Limit"] == "3"
        assert got[-1].headers["X-RateLimit-Reset"] == str(int(EPOCH) + 60)
        await asyncio.sleep(60)
        got = [await raw.find() for _ in range(3)]
        assert [each.status for each in got] == [200, 200, 429]
        assert got[-1].headers["X-RateLimit-Limit"] == "5"
        assert got[-1].headers["X-RateLimit-Reset"] == str(int(EPOCH) + 3600)
        assert not any(name.startswith("RateLimit") for name in got[-1].headers)
        await asyncio.sleep(3540)
        await raw.sign_in()
        assert (await raw.find()).status == 200


async def test_v1_has_the_limits_of_its_documentation() -> None:
    async with client(1) as raw:
        statuses = [(await raw.find()).status for _ in range(101)]
        assert statuses == [200] * 100 + [429]
        for _ in range(9):
            await asyncio.sleep(60)
            assert {(await raw.find()).status for _ in range(100)} == {200}
        await asyncio.sleep(60)
        assert (await raw.find()).status == 429


async def test_signing_in_is_limited_per_address_on_v2() -> None:
    async with client(2) as raw:
        for turn in range(59):
            assert (await raw.sign_in(client_id=f"client {turn}")).status == 401
        got = await raw.sign_in()
        assert (got.status, got.headers["RateLimit-Limit"]) == (429, "60")
        assert got.headers["RateLimit-Reset"] == "60"
        await asyncio.sleep(60)
        assert (await raw.sign_in()).status == 200


async def test_failures_are_limited_per_address_before_the_token_is_checked() -> None:
    config = Config(failed_per_minute=4, brands=("sandbox", "other"))
    async with client(2, config) as raw:
        good = dict(raw.headers)
        assert (await raw.create()).status == 200
        raw.headers = {"x-token": "bad"}
        assert [(await raw.find()).status for _ in range(4)] == [401] * 4
        got = await raw.find()
        assert (got.status, got.headers["RateLimit-Remaining"]) == (429, "0")
        raw.headers = good
        assert (await raw.find()).status == 429  # failed ones of others, same address
        # Each 429 was a failure, too, so all six have to leave the window.
        await asyncio.sleep(60)
        assert (await raw.find()).status == 200


async def test_requests_during_a_throttle_can_prolong_it() -> None:
    async with client(2, Config(per_minute=1, count_refused=True)) as raw:
        assert (await raw.find()).status == 200
        await asyncio.sleep(30)
        assert (await raw.find()).status == 429
        await asyncio.sleep(31)
        assert (await raw.find()).status == 429
        await asyncio.sleep(61)
        assert (await raw.find()).status == 200


@pytest.mark.parametrize(
    ("form", "body"),
    [
        ("json", {"success": False, "message": "Too many requests", "error": "too_many_requests"}),
        ("text", "Too many requests"),
        ("empty", ""),
    ],
)
async def test_response_with_429_may_have_any_body_and_retry_after(form: str, body: Any) -> None:
    async with client(2) as raw:
        raw.sandbox.change(throttle_body=form, retry_after=True)
        raw.sandbox.faults.add("429", seconds=7)
        got = await raw.create()
        assert (got.status, got.body) == (429, body)
        assert got.headers["RateLimit-Reset"] == got.headers["Retry-After"] == "7"
        assert raw.sandbox.customers() == []
        assert (await raw.create()).headers["RateLimit-Remaining"] == "299"  # wasn't counted


@pytest.mark.parametrize("version", [1, 2])
async def test_limits_that_are_switched_off_have_no_headers(version: int) -> None:
    config = Config(
        auth_per_minute=None,
        failed_per_minute=None,
        per_minute=None,
        v1_per_minute=None,
        v1_per_hour=None,
    )
    async with client(version, config) as raw:
        got = [await raw.find() for _ in range(120)]
        assert {each.status for each in got} == {200}
        assert not any("RateLimit" in name for name in got[-1].headers)
