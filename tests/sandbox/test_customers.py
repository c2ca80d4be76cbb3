"""Creating and reading customers in the sandbox (API facts §4, §5, §6, §8)."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from importer.sandbox import Config
from tests.raw_client import client

if TYPE_CHECKING:
    from tests.raw_client import Raw

AYSEL = {
    "name": "Aysel Demo",
    "email": "aysel@example.com",
    "code": "CUST001",
    "cid": "7d0f6a1e-0000-4000-8000-000000000001",
    "phone": "+994500000001",
    "description": "imported",
    "group_id": 1,
    "gender": 2,
    "date_of_birth": "1990-05-15",
}
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
DONE = "Əməliyyat uğurla həyata keçirildi"


async def test_v1_returns_the_sent_keys_in_order_and_then_its_own() -> None:
    async with client(1) as raw:
        got = await raw.ask("POST", "/customers", AYSEL)
        assert got.status == 200
        data = got.body.pop("data")
        assert list(data) == [
            *AYSEL,
            "balance_id",
            "venue_id",
            "updated_at",
            "created_at",
            "id",
            "can_use_loyalty_system",
            "is_verified",
            "balance",
            "cashback_balance",
            "service_data",
            "group",
        ]
        assert {name: data[name] for name in AYSEL} == AYSEL
        assert data["balance"]["id"] == data["balance_id"]
        assert data["cashback_balance"]["name"] == "Customer cashback balance:da39a3e"
        assert data["group"]["system_type"] == "my_customers"
        assert data["created_at"] == "2026-01-01T00:00:00.000000Z"
        assert got.body == {
            "success": True,
            "message": DONE,
            "time": 0,
            "timestamp": "2026-01-01 00:00:00",
            "unix": 1767225600,
        }


async def test_v1_omits_keys_that_were_not_sent_but_makes_a_cid() -> None:
    async with client(1) as raw:
        data = (await raw.ask("POST", "/customers", {"gender": None, "name": "B"})).body["data"]
        assert list(data)[:3] == ["gender", "name", "cid"]
        assert data["gender"] is None
        assert UUID.fullmatch(data["cid"])
        assert not {"phone", "phones", "code", "discount", "status", "group"} & set(data)


async def test_v2_returns_the_customer_without_an_envelope() -> None:
    async with client(2) as raw:
        got = await raw.ask("POST", "/customers", AYSEL)
        assert got.status == 200
        assert set(got.body) == {"success", "data"}
        data = got.body["data"]
        assert {name: data[name] for name in AYSEL} == AYSEL
        assert (data["phones"], data["address"], data["address_data"]) == ([], None, [])
        assert data["discount"] == data["spent"] == data["receipt_count"] == 0
        assert data["status"] is True
        assert not {"balance", "balance_id", "group"} & set(data)
        shown = await raw.ask("GET", f"/customers/{data['id']}")
        assert shown.body == {"success": True, "data": data}


async def test_ids_and_balances_are_consecutive() -> None:
    async with client(1) as raw:
        made = [(await raw.create()).body["data"] for _ in range(3)]
        ids, balances = ([each[name] for each in made] for name in ("id", "balance_id"))
        assert ids == [ids[0], ids[0] + 1, ids[0] + 2]
        assert balances == [balances[0], balances[0] + 1, balances[0] + 2]


@pytest.mark.parametrize("body", [{}, {"name": ""}, {"name": None}, {"name": "  "}, [], None])
async def test_name_is_required(body: Any) -> None:
    async with client(2) as raw:
        got = await raw.ask("POST", "/customers", body)
        assert (got.status, got.body) == (
            400,
            {
                "success": False,
                "message": "Validation failed",
                "error": "The name field is required.",
            },
        )


async def test_body_without_json_or_its_content_type_lacks_the_name() -> None:
    async with client(2) as raw:
        for kind, text in (("text/plain", '{"name": "A"}'), ("application/json", '{"name')):
            headers = raw.headers | {"Content-Type": kind}
            got = await raw.ask("POST", "/customers", data=text, headers=headers)
            assert (got.status, got.body["error"]) == (400, "The name field is required.")


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"name": 5}, "name must be a string"),
        ({"name": "x" * 256}, "name may not be greater than 255"),
        ({"phone": 994500000001}, "phone must be a string"),
        ({"code": 7}, "code must be a string"),
        ({"email": "nobody"}, "email must be a valid"),
        ({"email": ""}, "email must be a valid"),
        ({"cid": "7d0f"}, "cid must be a valid UUID"),
        ({"gender": 3}, "gender is invalid"),
        ({"gender": "1"}, "gender is invalid"),
        ({"gender": True}, "gender is invalid"),
        ({"group_id": 2}, "group id is invalid"),
        ({"group_id": "1"}, "group id is invalid"),
        ({"date_of_birth": "15.05.1990"}, "date of birth does not match"),
        ({"date_of_birth": "1990-02-30"}, "date of birth does not match"),
        ({"date_of_birth": "2026-01-02"}, "before or equal to today"),
        ({"description": "x" * 65_536}, "description may not be greater"),
    ],
)
async def test_invalid_values_get_a_400_with_a_message(wrong: dict[str, Any], words: str) -> None:
    async with client(2) as raw:
        got = await raw.ask("POST", "/customers", {"name": "A"} | wrong)
        assert (got.status, got.body["message"]) == (400, "Validation failed")
        assert words in got.body["error"]
        assert raw.sandbox.customers() == []


async def test_unknown_fields_and_an_idempotency_key_are_ignored() -> None:
    async with client(2) as raw:
        headers = raw.headers | {"Idempotency-Key": "one"}
        body = {"name": "A", "address": "somewhere", "balance": 5}
        for _ in range(2):
            got = await raw.ask("POST", "/customers", body, headers=headers)
            assert (got.status, got.body["data"]["address"]) == (200, None)
        assert len(raw.sandbox.customers()) == 2


@pytest.mark.parametrize(
    ("field", "message"),
    [
        ("phone", "Customer with this phone number already exists"),
        ("code", "Customer with this code already exists"),
        ("cid", "Customer with this cid already exists"),
    ],
)
async def test_value_of_another_customer_gets_a_409(field: str, message: str) -> None:
    async with client(2) as raw:
        taken: dict[str, Any] = {field: AYSEL[field]}
        assert (await raw.create(**taken)).status == 200
        got = await raw.create("Somebody Else", **taken)
        error = f"duplicate_{field}"
        assert (got.status, got.body) == (
            409,
            {"success": False, "message": message, "error": error},
        )
        assert len(raw.sandbox.customers()) == 1


async def test_values_are_compared_as_raw_strings_and_absent_ones_never_conflict() -> None:
    async with client(2) as raw:
        for phone in ("+994500000001", "994500000001", "+994 50 000 00 01", None, None):
            assert (await raw.create(phone=phone)).status == 200
        assert (await raw.create(code="a")).status == 200
        assert (await raw.create(code="A")).status == 200
        assert (await raw.create(code="")).status == 200
        assert (await raw.create(code="")).status == 409  # an empty text is a value


async def test_first_of_several_conflicts_in_the_given_order_is_shown() -> None:
    async with client(2) as raw:
        await raw.ask("POST", "/customers", AYSEL)
        got = await raw.ask("POST", "/customers", AYSEL)
        assert (
            got.body["error"] == "duplicate_phone"
        )  # another order would show the own cid instead
        raw.sandbox.change(conflict_order=["cid", "code"])
        got = await raw.ask("POST", "/customers", AYSEL)
        assert got.body["error"] == "duplicate_cid"


async def test_one_of_simultaneous_creates_with_one_value_succeeds() -> None:
    async with client(2, Config(latency=(0.1, 0.3))) as raw:
        got = await asyncio.gather(*(raw.create(phone="+994500000001") for _ in range(20)))
        assert sorted(each.status for each in got) == [200] + [409] * 19


async def test_conflict_can_have_an_array_or_be_a_422() -> None:
    async with client(2) as raw:
        await raw.create(phone="+994500000001")
        raw.sandbox.change(conflict_array=True)
        got = await raw.create(phone="+994500000001")
        assert got.status == 409
        assert got.body["error"][0]["http_code"] == 409
        raw.sandbox.change(conflict_array=False, conflict_status=422)
        got = await raw.create(phone="+994500000001")
        assert (got.status, got.body["error"]) == (422, "The phone has already been taken.")


async def test_hidden_customer_blocks_its_values_and_is_never_shown() -> None:
    async with client(2) as raw:
        made = raw.sandbox.add(name="Deleted", phone="+994500000009", hidden=True)
        got = await raw.create(phone="+994500000009")
        assert (got.status, got.body["error"]) == (409, "duplicate_phone")
        assert (await raw.find()).body == {"success": True, "data": [], "total": 0}
        assert (await raw.ask("GET", f"/customers/{made['id']}")).status == 404


@pytest.mark.parametrize("number", ["99", "0", "x", "9" * 30, "1.5"])
async def test_unknown_customer_gets_a_404_in_the_form_last_seen(number: str) -> None:
    async with client(2) as raw:
        got = await raw.ask("GET", f"/customers/{number}")
        assert got.status == 404
        model = "[App\\Models\\Client\\Marketing\\Customer]"
        assert got.body["error"] == [
            {
                "message": f"No query results for model {model} {number}",
                "type": "server_side",
                "exception": "NotFoundHttpException",
                "http_code": 404,
            }
        ]


@pytest.mark.parametrize(
    ("form", "body"),
    [
        ("slug", {"success": False, "message": "Not found", "error": "resource_not_found"}),
        ("bare", {"success": False}),
        ("details", {"error": "resource_not_found", "message": "Not found", "details": {}}),
    ],
)
async def test_errors_can_have_other_forms(form: str, body: dict[str, Any]) -> None:
    async with client(2) as raw:
        raw.sandbox.change(error_form=form)
        assert (await raw.ask("GET", "/customers/99")).body == body
        raw.sandbox.change(error_form="array")
        error = (await raw.create("")).body["error"]
        assert error[0]["message"] == "The name field is required."
        raw.sandbox.change(error_form="sentence")
        assert "No query results" in (await raw.ask("GET", "/customers/99")).body["error"]


async def create_five(raw: Raw) -> None:
    """Create five customers, a minute apart."""
    for name, phone, phones in (
        ("Aysel", "+994500000001", []),
        ("Əli", "+994 50 000 00 02", []),
        ("AYSEL Two", None, ["994500000003"]),
        ("Борис", "0500000004", []),
        ("Zeynəb", None, []),
    ):
        raw.sandbox.add(name=name, phone=phone, phones=phones, group_id=1 if phone else None)
        await asyncio.sleep(60)


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("", ["Zeynəb", "Борис", "AYSEL Two", "Əli", "Aysel"]),
        ("sort[0]=id&sort[1]=1", ["Aysel", "Əli", "AYSEL Two", "Борис", "Zeynəb"]),
        ("sort[0]=id", ["Aysel", "Əli", "AYSEL Two", "Борис", "Zeynəb"]),
        ("sort[0]=updated_at&sort[1]=-1&limit=1", ["Zeynəb"]),
        ("sort[0]=nothing&limit=1", ["Zeynəb"]),
        ("filters[0][0]=name&filters[0][1]=ayse", ["AYSEL Two", "Aysel"]),
        ("filters[0][0]=name&filters[0][1]=" + quote("ЗЕ"), []),
        ("filters[0][0]=name&filters[0][1]=" + quote("бор"), ["Борис"]),
        ("filters%5B0%5D%5B0%5D=phones&filters%5B0%5D%5B1%5D=994500000001", ["Aysel"]),
        ("filters[0][0]=phones&filters[0][1]=994500000002", []),  # stored with blanks
        ("filters[0][0]=phones&filters[0][1]=994500000003", ["AYSEL Two"]),
        ("filters[0][0]=phones&filters[0][1]=%2B994500000001", ["Aysel"]),
        ("filters[0][0]=group_id&filters[0][1]=1", ["Борис", "Əli", "Aysel"]),
        ("filters[0][0]=group_id&filters[0][1]=x", []),
        (
            "filters[0][0]=name&filters[0][1]=aysel&filters[7][0]=group_id&filters[7][1]=1",
            ["Aysel"],
        ),
        # Unknown, misspelt or incomplete parameters are ignored.
        ("filters[0][0]=cid&filters[0][1]=x&limit=1", ["Zeynəb"]),
        ("filter[0][0]=name&filter[0][1]=aysel&limit=1", ["Zeynəb"]),
        ("filters[0][0]=name&limit=1", ["Zeynəb"]),
        ("search=aysel&limit=1", ["Zeynəb"]),
        ("page=2&limit=2", ["AYSEL Two", "Əli"]),
        ("page=9&limit=2", []),
        ("page=0&limit=0", ["Zeynəb"]),
        ("page=x&limit=x", ["Zeynəb", "Борис", "AYSEL Two", "Əli", "Aysel"]),
        ("date[0]=2026-01-02", []),
        ("date[0]=2026-01-01&date[1]=2026-01-01&limit=1", ["Zeynəb"]),
        ("date[1]=2025-12-31", []),
    ],
)
async def test_lists_are_filtered_sorted_and_paged(query: str, names: list[str]) -> None:
    async with client(2) as raw:
        await create_five(raw)
        got = await raw.find(query)
        assert [each["name"] for each in got.body["data"]] == names


@pytest.mark.parametrize(
    ("phones_filter", "query", "found"),
    [
        ("all", "994500000001", 1),
        ("extra", "994500000001", 0),
        ("extra", "994500000003", 1),
        ("exact", "994500000001", 0),
        ("exact", "%2B994500000001", 1),
        ("ignored", "994500000001", 5),
    ],
)
async def test_filter_of_phones_may_be_unreliable(
    phones_filter: str, query: str, found: int
) -> None:
    async with client(2) as raw:
        await create_five(raw)
        raw.sandbox.change(phones_filter=phones_filter)
        got = await raw.find(f"filters[0][0]=phones&filters[0][1]={query}")
        assert got.body["total"] == len(got.body["data"]) == found


@pytest.mark.parametrize(
    ("version", "asked", "given"),
    [(1, "", 20), (1, "limit=999", 100), (2, "", 50), (2, "limit=998", 998), (2, "limit=1e3", 50)],
)
async def test_limit_outside_of_its_range_is_silently_moved_into_the_range(
    version: int, asked: str, given: int
) -> None:
    async with client(version) as raw:
        for turn in range(1005):
            raw.sandbox.add(name=f"Customer {turn}")
        assert len((await raw.find(asked)).body["data"]) == given
        assert len((await raw.find("limit=1000")).body["data"]) == (100, 999)[version - 1]
        raw.sandbox.change(v2_max_limit=200, v1_max_limit=10)
        assert len((await raw.find("limit=999")).body["data"]) == (10, 200)[version - 1]


async def test_list_can_have_four_envelopes_and_by_default_that_of_the_version() -> None:
    for version, usual in ((1, "full"), (2, "plain")):
        async with client(version) as raw:
            raw.sandbox.add(name="One")
            raw.sandbox.add(name="Two")
            default = (await raw.find("limit=1")).body
            bodies = {}
            for form in ("array", "plain", "full", "pagination"):
                raw.sandbox.change(list_form=form)
                bodies[form] = (await raw.find("limit=1")).body
            data = bodies["array"]
            assert [each["name"] for each in data] == ["Two"]
            assert default == bodies[usual]
            assert bodies["plain"] == {"success": True, "data": data, "total": 2}
            assert bodies["full"].items() > bodies["plain"].items()
            assert set(bodies["full"]) - set(bodies["plain"]) == {
                "time",
                "timestamp",
                "unix",
                "sorts",
                "message",
            }
            numbers = {"page": 1, "per_page": 1, "total": 2, "total_pages": 2}
            assert bodies["pagination"] == {"data": data, "pagination": numbers}


async def test_single_customer_may_have_no_envelope_and_ids_may_be_text() -> None:
    async with client(2, Config(bare_single=True, text_ids=True)) as raw:
        number = (await raw.create()).body["data"]["id"]
        assert isinstance(number, str)
        assert (await raw.ask("GET", f"/customers/{number}")).body["id"] == number


async def test_groups_are_in_customers_of_v1_and_on_request_in_v2() -> None:
    for version in (1, 2):
        async with client(version) as raw:
            raw.sandbox.add(name="One", group_id=1)
            plain = (await raw.find()).body["data"][0]
            asked = (await raw.find("with[0]=group")).body["data"][0]
            assert asked["group"]["name"] == "My Customers"
            assert ("group" in plain) == ("balance" in plain) == (version == 1)


async def test_groups_and_venues_are_listed() -> None:
    async with client(2, Config(groups=("My Customers", "VIP"))) as raw:
        got = await raw.ask("GET", "/customer-groups")
        assert [(each["id"], each["name"]) for each in got.body["data"]] == [
            (1, "My Customers"),
            (2, "VIP"),
        ]
        assert got.body["total"] == 2
        assert "total_amount" in got.body["sorts"]
        got = await raw.ask("GET", "/customer-groups?page=2&limit=1")
        assert [each["name"] for each in got.body["data"]] == ["VIP"]
        assert (await raw.create(group_id=2)).status == 200
        venue = {"id": 1, "name": "Main", "is_main": 1, "media": []}
        assert (await raw.ask("GET", "/venues")).body == {"success": True, "data": [venue]}
