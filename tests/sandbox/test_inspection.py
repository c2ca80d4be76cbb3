"""Inspection of a sandbox beside its API: customers, requests, faults, switches."""

from __future__ import annotations

import socket
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import pytest

from importer.errors import UsageError
from importer.sandbox import Config, serve
from importer.sandbox.config import changed
from importer.sandbox.store import ClashError
from tests.raw_client import Got, client

if TYPE_CHECKING:
    from pathlib import Path

    from tests.raw_client import Raw


async def ask(raw: Raw, method: str, what: str, body: Any = None, **more: Any) -> Got:
    """Send a request to `/sandbox/…`."""
    url = raw.url
    raw.url = raw.sandbox.url.removesuffix("/open-api")
    try:
        return await raw.ask(method, f"/sandbox/{what}", body, **more)
    finally:
        raw.url = url


async def test_customers_are_listed_with_hidden_ones_and_created_as_by_another_client() -> None:
    async with client() as raw:
        await raw.create(phone="+994500000001")
        made = await ask(raw, "POST", "customers", {"name": "Gone", "code": "7", "hidden": True})
        assert (made.status, made.body["id"]) == (200, 2)
        shown = (await ask(raw, "GET", "customers")).body
        assert [(each["name"], each["hidden"]) for each in shown] == [
            ("Aysel Demo", False),
            ("Gone", True),
        ]
        assert (await raw.find()).body["total"] == 1
        again = await ask(raw, "POST", "customers", {"name": "Other", "code": "7"})
        assert (again.status, again.body) == (409, {"error": "code is taken"})
        bad = await ask(raw, "POST", "customers", {"name": ""})
        assert (bad.status, bad.body["why"]) == (400, "The name field is required.")


async def test_log_has_every_api_request_and_no_inspection_request() -> None:
    async with client() as raw:
        raw.sandbox.faults.add("502")
        await raw.create()
        cid = "7d0f6a1e-0000-4000-8000-000000000001"
        await raw.create("Anar Demo", cid=cid)
        log = (await ask(raw, "GET", "requests")).body
        told = [(s["route"], s["status"], s["fault"], s["caller"], s["cid"]) for s in log]
        key = "sandbox-integrator:sandbox"
        assert told == [
            ("auth", 200, None, None, None),
            ("create", 502, "502", key, None),
            ("create", 200, None, key, cid),
        ]


async def test_faults_are_scripted_counted_and_forgotten() -> None:
    async with client() as raw:
        one, two = {"kind": "504b"}, {"kind": "500", "route": "list", "times": 2}
        assert (await ask(raw, "POST", "faults", one)).body == {"waiting": 1}
        assert (await ask(raw, "POST", "faults", [two, two])).body == {"waiting": 3}
        assert (await raw.create()).status == 504
        assert (await ask(raw, "GET", "faults")).body == {"waiting": 2}
        assert (await ask(raw, "DELETE", "faults")).body == {"waiting": 0}
        assert (await raw.find()).status == 200


@pytest.mark.parametrize(
    ("what", "body", "word"),
    [
        ("faults", {"kind": "earthquake"}, "earthquake"),
        ("faults", {"kind": "500", "route": "moon"}, "moon"),
        ("faults", {"kind": "500", "colour": 1}, "colour"),
        ("faults", [7], "object"),
        ("config", [7], "object"),
        ("config", {"colour": 1}, "colour"),
        ("customers", "text", "object"),
        ("customers", {"name": "A", "colour": 1}, "colour"),
    ],
)
async def test_impossible_request_gets_a_400_with_a_message(
    what: str, body: Any, word: str
) -> None:
    async with client() as raw:
        got = await ask(raw, "POST", what, body)
        assert got.status == 400
        assert word in f"{got.body}"


async def test_body_that_is_not_json_gets_a_400() -> None:
    async with client() as raw:
        json_type = {"Content-Type": "application/json"}
        for text in (b"{", b"[" * 100_000):
            got = await ask(raw, "POST", "faults", data=text, headers=json_type)
            assert (got.status, got.body["error"]) == (400, "This isn't JSON")


async def test_body_of_another_content_type_is_refused_and_changes_nothing() -> None:
    async with client() as raw:
        headers = {"Content-Type": "text/plain"}
        got = await ask(raw, "POST", "config", data=b'{"permitted": false}', headers=headers)
        assert got.status == 415
        assert raw.sandbox.config.permitted


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "127.0.0.1:1"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
    ],
    ids=str,
)
async def test_request_of_a_web_page_elsewhere_is_refused(headers: dict[str, str]) -> None:
    async with client() as raw:
        assert (await ask(raw, "GET", "customers", headers=headers)).status == 403
        assert (
            await ask(raw, "POST", "config", {"permitted": False}, headers=headers)
        ).status == 403
        assert (await raw.ask("GET", "/customers", headers=raw.headers | headers)).status == 403
        assert raw.sandbox.config.permitted
        own = {"Origin": raw.sandbox.url.removesuffix("/open-api")}
        assert (await ask(raw, "GET", "customers", headers=own)).status == 200


async def test_customer_can_be_deleted_for_good_or_hidden() -> None:
    async with client() as raw:
        for name in ("Gone", "Hidden"):
            await raw.create(name, code=name)
        assert (await ask(raw, "DELETE", "customers", {"id": 1})).body == {"removed": 1}
        await ask(raw, "DELETE", "customers", {"id": 2, "hidden": True})
        assert (await raw.find()).body["total"] == 0
        assert (await raw.create("New", code="Gone")).status == 200
        assert (await raw.create("New", code="Hidden")).status == 409
        for bad in ({"id": 99}, {"name": "Gone"}):
            assert (await ask(raw, "DELETE", "customers", bad)).status == 400


async def test_switches_are_shown_and_changed_while_the_sandbox_runs() -> None:
    async with client() as raw:
        changes = {"created_status": 201, "text_ids": True, "latency": [0, 1]}
        got = await ask(raw, "POST", "config", changes)
        assert got.body == (await ask(raw, "GET", "config")).body
        assert got.body.keys() == {each.name for each in fields(Config)}
        assert (await raw.create()).status == 201


GOOD: list[dict[str, Any]] = [
    {"per_minute": None},
    {"per_minute": 7},
    {"latency": [0.5, 2]},
    {"brands": ["a", "b"]},
    {"token_seconds": 5},
    {"error_form": "array"},
    {"rates": {"504b": 0.5}},
    {"permitted": False},
    {"client_id": "x"},
]


@pytest.mark.parametrize("change", GOOD, ids=str)
def test_switch_accepts_values_of_its_type(change: dict[str, Any]) -> None:
    [(name, value)] = change.items()
    new = getattr(changed(Config(), change), name)
    assert (list(new) if isinstance(new, tuple) else new) == value


BAD: list[dict[str, Any]] = [
    {"per_minute": "many"},
    {"latency": [2, 1]},
    {"latency": [1]},
    {"latency": ["a", "b"]},
    {"brands": "abc"},
    {"brands": [1]},
    {"token_seconds": -1},
    {"token_seconds": "1"},
    {"error_form": "shout"},
    {"permitted": 1},
    {"client_id": 7},
    {"rates": {"earthquake": 0.1}},
    {"rates": {"500": 0.6, "502": 0.6}},
    {"rates": {"500": "much"}},
    {"rates_on": ["moon"]},
]


@pytest.mark.parametrize("change", BAD, ids=str)
def test_switch_refuses_values_of_another_type(change: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        changed(Config(), change)


async def test_sandbox_listens_on_loopback_alone() -> None:
    for host in ("0.0.0.0", "192.168.0.1", "example.com"):  # noqa: S104
        with pytest.raises(UsageError, match="doesn't listen"):
            async with serve(host=host):
                pass
    async with serve(host="::1") as here:
        assert here.url.startswith("http://[::1]:")


async def test_port_in_use_is_an_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match=f"can't listen on port {port}"):
            async with serve(port=port):
                pass


async def test_store_in_a_file_survives_a_restart(tmp_path: Path) -> None:
    path = str(tmp_path / "store.sqlite")
    async with serve(Config(seed_customers=True), path) as here:
        here.add(name="Demo", phone="+994500000001")
        before = here.customers()
    async with serve(Config(seed_customers=True), path) as here:
        assert here.customers() == before
        with pytest.raises(ClashError):
            here.add(name="Other", phone="+994500000001")
    for bad in (tmp_path, tmp_path / "no" / "where"):
        with pytest.raises(UsageError, match="can't keep its customers"):
            async with serve(store_path=str(bad)):
                pass


async def test_seeds_are_a_few_customers_whose_phones_have_different_spellings() -> None:
    async with client(2, Config(seed_customers=True)) as raw:
        phones = [each["phone"] for each in raw.sandbox.customers()]
        assert "+994 12 000 99 02" in phones
        assert len(phones) == 4
        # The server compares raw strings: only the same spelling conflicts.
        assert (await raw.create(phone="+994 12 000 99 02")).status == 409
        assert (await raw.create(phone="+994120009902")).status == 200


@pytest.mark.parametrize("version", [1, 2])
async def test_api_cannot_change_or_delete_a_customer(version: int) -> None:
    async with client(version) as raw:
        await raw.create()
        for method in ("PUT", "PATCH", "DELETE"):
            for path in ("/customers/1", "/customers", "/auth", "/venues"):
                got = await raw.ask(method, path, {"name": "New"})
                assert (got.status, got.body["success"]) == (405, False)
                assert method not in got.headers["Allow"]
        assert (await raw.ask("POST", "/customers/1", {})).status == 405
        assert (await raw.ask("GET", "/nowhere")).status == 404


async def test_refusal_may_echo_the_phone_and_the_token() -> None:
    async with client(2, Config(echo=True)) as raw:
        got = await raw.create("", phone="+994500000001")
        assert "+994500000001" in got.body["message"]
        assert raw.headers["x-token"] in got.body["message"]
