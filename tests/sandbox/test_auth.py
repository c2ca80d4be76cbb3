"""Signing in to the sandbox and the token of a request (API facts §3, each row of §3.4)."""

from __future__ import annotations

import asyncio
import base64
import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from importer.sandbox import Config
from importer.sandbox.virtual_time import EPOCH
from tests.raw_client import Raw, client

if TYPE_CHECKING:
    from collections.abc import Mapping

MISSING_V2 = "Missing client_id, client_secret, brand, or integrator_id"
TEST_MODE = "Integrator is in test mode. But brand is not in test mode"


async def test_v1_gives_an_opaque_token_of_64_characters() -> None:
    async with client(1) as raw:
        got = await raw.sign_in()
        token = got.body.pop("token")
        assert re.fullmatch(r"oauth_[0-9a-f]{64}", token)
        assert (got.status, got.body) == (
            200,
            {
                "success": True,
                "token_type": "Bearer",
                "expires_in": 3600,
                "message": "Authentication successful",
            },
        )


async def test_v2_gives_a_jwt_and_its_expiry_in_epoch_seconds() -> None:
    async with client(2) as raw:
        got = await raw.sign_in()
        header, claims = (decoded(part) for part in got.body["token"].split(".")[:2])
        assert header == {"alg": "HS256", "typ": "JWT"}
        assert claims.pop("token").startswith("oauth_")
        assert claims == {
            "brand": "sandbox",
            "stage": "production",
            "venue_id": 1,
            "integrator_id": "sandbox-integrator",
            "iat": int(EPOCH),
            "exp": int(EPOCH) + 3600,
        }
        assert (got.status, got.body["expires_at"]) == (200, int(EPOCH) + 3600)
        assert got.body["expires_in"] == 3600


def decoded(part: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return found


@pytest.mark.parametrize(
    ("version", "changes", "status", "error"),
    [
        (2, {"client_id": ""}, 400, MISSING_V2),
        (2, {"integrator_id": ""}, 400, MISSING_V2),
        (1, {"venue_id": ""}, 400, "Missing client_id, client_secret, brand, or venue_id"),
        (2, {"integrator_id": "who"}, 400, "Invalid integrator_id"),
        (2, {"integrator_id": "test-integrator"}, 200, TEST_MODE),
        (2, {"client_secret": "wrong"}, 401, None),
        (2, {"brand": "elsewhere"}, 401, None),
        (2, {"client_id": "disabled-client"}, 403, "Client is disabled"),
        (1, {"client_id": "disabled-client"}, 403, "Client is disabled"),
        (1, {"client_secret": "wrong"}, 401, "authentication_failed"),
        (1, {"brand": "elsewhere"}, 401, "authentication_failed"),
        (1, {"venue_id": "2"}, 401, "authentication_failed"),
    ],
)
async def test_wrong_credentials_are_refused(
    version: int, changes: Mapping[str, str], status: int, error: str | None
) -> None:
    async with client(version) as raw:
        got = await raw.sign_in(**changes)
        assert (got.status, got.body["success"], got.body.get("error")) == (
            status,
            False,
            error,
        )
        assert got.body["message"]


async def test_wrong_credentials_on_v1_may_get_a_400() -> None:
    async with client(1, Config(refused_status=400)) as raw:
        got = await raw.sign_in(client_secret="wrong")
        assert (got.status, got.body["error"]) == (400, "authentication_failed")


async def test_integrator_in_test_mode_is_admitted_to_test_brands() -> None:
    async with client(2, Config(test_brands=("trial",))) as raw:
        got = await raw.sign_in(integrator_id="test-integrator", brand="trial")
        assert got.status == 200
        assert (await raw.create()).status == 200


@pytest.mark.parametrize("body", [None, [], "text", {"client_id": 1}])
async def test_sign_in_body_that_is_no_object_of_strings_gets_a_400(body: Any) -> None:
    async with client(2) as raw:
        got = await raw.ask("POST", "/auth", body, headers={})
        assert (got.status, got.body["error"]) == (400, MISSING_V2)


async def test_expired_token_gets_a_401_with_its_time_in_iso_8601() -> None:
    for version in (1, 2):
        async with client(version, Config(token_seconds=100)) as raw:
            await asyncio.sleep(99)
            assert (await raw.find()).status == 200
            await asyncio.sleep(1)
            got = await raw.create()
            assert (got.status, got.body["error"]) == (401, "Token expired")
            assert re.fullmatch(r"2026-01-01T00:0\d:\d\d\.000Z", got.body["expires_at"])
            assert raw.sandbox.customers() == []
            await raw.sign_in()
            assert (await raw.create()).status == 200


@pytest.mark.parametrize("token", ["x", "a.b.c", "oauth_zz", "ə", "oauth_" + "0" * 64])
@pytest.mark.parametrize("version", [1, 2])
async def test_unknown_token_is_invalid(token: str, version: int) -> None:
    async with client(version) as raw:
        raw.headers["x-token"] = token
        got = await raw.find()
        assert (got.status, got.body["error"]) == (401, "Invalid token")


async def test_v1_token_is_valid_for_its_brand_alone() -> None:
    async with client(1, Config(brands=("sandbox", "other"))) as raw:
        raw.headers["x-brand"] = "other"
        assert (await raw.find()).body["error"] == "Invalid token"


@pytest.mark.parametrize(
    ("version", "left_out", "error"),
    [
        (1, "x-token", "unauthorized"),
        (1, "x-brand", "unauthorized"),
        (1, "x-venue", "unauthorized"),
        (2, "x-token", "Headers are missing"),
    ],
)
async def test_every_header_of_a_version_is_required_and_authorization_is_ignored(
    version: int, left_out: str, error: str
) -> None:
    async with client(version) as raw:
        token = raw.headers["x-token"]
        del raw.headers[left_out]
        raw.headers["Authorization"] = f"Bearer {token}"
        got = await raw.find()
        assert (got.status, got.body["error"]) == (401, error)
        assert got.body["message"] == "Missing authentication headers"


async def test_v2_needs_no_brand_and_uses_the_venue() -> None:
    async with client(2) as raw:
        assert set(raw.headers) == {"x-token"}
        raw.headers["x-venue"] = "1"
        assert (await raw.find()).status == 200
        raw.headers["x-venue"] = "7"
        assert (await raw.find()).status == 404


@pytest.mark.parametrize(
    ("switches", "error"),
    [
        ({"integrators": ["somebody-else"]}, "Invalid integrator_id"),
        ({"test_integrators": ["sandbox-integrator"]}, TEST_MODE),
    ],
)
async def test_integrator_can_lose_its_rights_while_its_token_is_valid(
    switches: dict[str, Any], error: str
) -> None:
    async with client(2) as raw:
        raw.sandbox.change(**switches)
        got = await raw.create()
        assert (got.status, got.body["error"]) == (401, error)


@pytest.mark.parametrize(
    ("kind", "error"),
    [("expired401", "Token expired"), ("invalid401", "Invalid token"), ("message401", None)],
)
@pytest.mark.parametrize("version", [1, 2])
async def test_valid_token_can_be_refused_by_a_fault_and_no_customer_is_created(
    kind: str, error: str | None, version: int
) -> None:
    async with client(version) as raw:
        raw.sandbox.faults.add(kind)
        got = await raw.create()
        assert (got.status, got.body.get("error")) == (401, error)
        assert got.body["message"]
        assert raw.sandbox.customers() == []
        assert (await raw.create()).status == 200


async def test_user_without_the_right_to_customers_gets_a_403() -> None:
    async with client(2, Config(permitted=False)) as raw:
        assert (await raw.create()).status == 403
        assert (await raw.find()).status == 403
        assert (await raw.ask("GET", "/venues")).status == 200


async def test_token_is_valid_after_a_restart_of_the_sandbox() -> None:
    for version in (1, 2):
        async with client(version) as old:
            headers = old.headers
        async with client(version) as raw:
            raw.headers = headers
            assert (await raw.find()).status == 200


async def test_brand_has_its_own_customers() -> None:
    async with client(2, Config(brands=("sandbox", "other"))) as raw:
        other = Raw(raw.sandbox, raw.session, 2)
        await other.sign_in(brand="other")
        for each in (raw, other):
            assert (await each.create(phone="+994500000001")).status == 200
            assert (await each.find()).body["total"] == 1


@pytest.mark.parametrize("version", [1, 2])
async def test_token_that_is_not_ascii_gets_a_401(version: int) -> None:
    async with client(version) as raw:
        port = int(raw.sandbox.url.split(":")[2].split("/")[0])
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        path = raw.url.partition(str(port))[2]
        head = f"GET {path}/customers HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nx-brand: sandbox\r\n"
        writer.write(head.encode() + b"x-venue: 1\r\nx-token: oauth_\xff\xfe.\xe9\r\n\r\n")
        assert b" 401 " in await reader.readline()
        writer.close()


async def test_too_deeply_nested_body_gets_a_400() -> None:
    async with client(2) as raw:
        headers = raw.headers | {"Content-Type": "application/json"}
        got = await raw.ask("POST", "/customers", data=b"[" * 100_000, headers=headers)
        assert (got.status, got.body["error"]) == (400, "The name field is required.")
