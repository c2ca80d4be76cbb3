"""What to send, and what is known without asking."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from importer.identity import digest, fingerprints
from importer.plan import Index, Known, Plan, Remembered, make_plan, scan_pays
from importer.records import FIELDS, Customer, Status

KEY = b"k" * 32


def customer(row: int = 2, **fields: Any) -> Customer:
    given: dict[str, Any] = {"row": row, "cid": f"cid-{row}", "name": "Anar Palıdov"}
    return Customer(**(given | fields))


def content(**fields: Any) -> dict[str, str]:
    return fingerprints(fields.items(), KEY)


def index(*holders: tuple[str, str | None, dict[str, Any]]) -> Index:
    made = Index()
    for clopos_id, cid, fields in holders:
        made.add(Known(clopos_id, content(**fields)), cid)
    return made


def plan(*rows: Customer, at_clopos: Index | None = None, **options: Any) -> Plan:
    given: dict[str, Any] = {"journal": {}, "key": KEY, "per_minute": 270.0} | options
    journal = given.pop("journal")
    return make_plan(rows, journal, at_clopos or Index(), **given)


def test_a_row_of_which_nothing_is_known_is_sent() -> None:
    made = plan(customer())
    assert (len(made.to_send), made.known) == (1, ())


def test_the_same_cid_exists_and_differing_fields_are_named() -> None:
    held = index(("9", "cid-2", {"name": "ANAR  palıdov", "email": "a@example.com"}))
    [outcome] = plan(customer(email="b@example.com", gender=1), at_clopos=held).known
    assert (outcome.status, outcome.clopos_id) == (Status.EXISTS, "9")
    assert outcome.message == "at Clopos with another email and gender"


@pytest.mark.parametrize("field", ["phone", "code"])
def test_the_same_value_under_the_same_name_exists(field: str) -> None:
    held = index(("9", "other", {"name": "anar palidov", field: "994500000001"}))
    [outcome] = plan(customer(2, **{field: "994500000001"}), at_clopos=held).known
    assert (outcome.status, outcome.clopos_id, outcome.message) == (Status.EXISTS, "9", "")


@pytest.mark.parametrize("field", ["phone", "code"])
def test_the_same_value_under_another_name_is_a_conflict(field: str) -> None:
    held = index(("9", "other", {"name": "Orxan Dağlı", field: "994500000001"}))
    [outcome] = plan(customer(2, **{field: "994500000001"}), at_clopos=held).known
    assert (outcome.status, outcome.field, outcome.existing_id) == (Status.CONFLICT, field, "9")


def test_phone_and_code_of_two_customers_are_a_conflict_with_both_named() -> None:
    name = "Anar Palıdov"
    held = index(("8", "x", {"name": name, "phone": "1"}), ("9", "y", {"name": name, "code": "7"}))
    [outcome] = plan(customer(phone="1", code="7"), at_clopos=held).known
    assert (outcome.status, outcome.field, outcome.existing_id) == (Status.CONFLICT, "phone", "8")
    assert "customer 9" in outcome.message


def test_any_of_several_phones_at_clopos_counts() -> None:
    made = Index()
    phones = " ".join(digest("phone", number, KEY) for number in ("11", "22"))
    made.add(Known("9", content(name="Anar Palıdov") | {"phone": phones}), "x")
    [outcome] = plan(customer(phone="22"), at_clopos=made).known
    assert (outcome.status, outcome.message) == (Status.EXISTS, "")


@pytest.mark.parametrize(("this_run", "status"), [(True, Status.CREATED), (False, Status.EXISTS)])
def test_what_the_journal_created_is_not_sent_again(this_run: bool, status: Status) -> None:
    journal = {"cid-2": Remembered(False, this_run, "9", content(name="Anar Palıdov"))}
    [outcome] = plan(customer(), journal=journal).known
    assert (outcome.status, outcome.clopos_id) == (status, "9")


def test_a_mended_row_that_was_created_earlier_exists_with_what_differs() -> None:
    journal = {"cid-2": Remembered(False, True, "9", content(name="Anar Palıdov", code="1"))}
    [outcome] = plan(customer(code="1", gender=2), journal=journal).known
    assert outcome.status is Status.EXISTS
    assert outcome.message == "at Clopos with another gender"


def test_a_doubtful_row_is_settled_unless_its_cid_is_seen_at_clopos() -> None:
    journal = {"cid-2": Remembered(True, True, None, {})}
    held = index(("9", "other", {"name": "Anar Palıdov", "phone": "1"}))
    made = plan(customer(phone="1"), journal=journal, at_clopos=held)
    assert [row.row for row in made.doubtful] == [2]
    seen = index(("9", "cid-2", {"name": "Anar Palıdov"}))
    [outcome] = plan(customer(), journal=journal, at_clopos=seen).known
    assert outcome.status is Status.CREATED


def test_the_limit_counts_what_would_be_sent() -> None:
    held = index(("9", "cid-2", {"name": "Anar Palıdov"}))
    made = plan(*(customer(row) for row in range(2, 7)), at_clopos=held, limit=2)
    assert [row.row for row in made.to_send] == [3, 4]
    assert [row.row for row in made.held_back] == [5, 6]


def test_the_price_is_in_requests_minutes_and_sign_ins() -> None:
    price = plan(*(customer(row) for row in range(2, 27002))).price
    assert (price.creates, price.reads, price.minutes, price.sign_ins) == (27000, 0, 100.0, 2)
    assert price.requests == 27002
    assert plan(customer(), per_minute=None).price.minutes is None
    assert plan().price.requests == 0


@given(
    st.lists(st.sampled_from(["cid-2", "cid-3", "cid-4"]), unique=True),
    st.integers(0, 6),
    st.lists(st.booleans(), min_size=3, max_size=3),
)
def test_every_row_is_in_exactly_one_place(
    seen: list[str], limit: int, doubtful: list[bool]
) -> None:
    rows = [customer(row) for row in range(2, 7)]
    journal = {f"cid-{n + 3}": Remembered(flag, True, "1", {}) for n, flag in enumerate(doubtful)}
    held = index(*((cid[-1], cid, {"name": "Anar Palıdov"}) for cid in seen))
    made = plan(*rows, journal=journal, at_clopos=held, limit=limit)
    sent = [row.row for row in (*made.to_send, *made.doubtful, *made.held_back)]
    assert sorted([*sent, *(outcome.row for outcome in made.known)]) == [2, 3, 4, 5, 6]
    assert len(made.to_send) + len(made.doubtful) <= limit


@pytest.mark.parametrize(
    ("rows", "total", "pays"),
    [
        (100_000, 100_000, True),
        (40, 100_000, False),
        (200, 100_000, True),
        (5, 3, True),
        (1, 0, True),
    ],
)
def test_a_scan_pays_when_it_can_save_more_than_it_costs(rows: int, total: int, pays: bool) -> None:
    assert scan_pays(rows, total, 999) is pays


def test_fields_of_a_customer_are_the_contracts() -> None:
    assert {"row", *FIELDS} == set(Customer.__dataclass_fields__)
