"""What to send, and what is known without asking."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from importer.matching.keys import digest, fingerprints
from importer.plan.decide import Plan, make_plan, pick, reading_pays
from importer.records import FIELDS, Customer, Status
from importer.store.records import Block, Index, Known, Remembered

if TYPE_CHECKING:
    from collections.abc import Iterator

KEY = b"k" * 32


def customer(row: int = 2, **fields: Any) -> Customer:
    given: dict[str, Any] = {"row": row, "cid": f"cid-{row}", "name": "Anar Palıdov"}
    return Customer(**(given | fields))


def content(**fields: Any) -> dict[str, str]:
    return fingerprints(SimpleNamespace(**fields), KEY)


def index(*holders: tuple[str, str | None, dict[str, Any]]) -> Index:
    made = Index()
    for clopos_id, cid, fields in holders:
        made.add(Known(clopos_id, content(**fields)), cid)
    return made


def plan(*rows: Customer, at_clopos: Index | None = None, **options: Any) -> Plan:
    given: dict[str, Any] = {"journal": {}, "key": KEY, "seconds_of": lambda n: n / 4.5}
    given |= {"page_size": 999} | options
    block = Block(rows, given.pop("journal"), at_clopos or Index())
    return make_plan([block], **given)


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


def test_reading_back_costs_a_request_for_each_page_of_doubtful_rows() -> None:
    rows = [customer(row=n, cid=f"cid-{n}", phone=None, code=str(n)) for n in range(2, 203)]
    journal = {each.cid: Remembered(True, True, None, {}) for each in rows}
    assert plan(*rows, journal=journal, page_size=100).price.reads == 3
    assert plan(*rows, journal=journal, page_size=999).price.reads == 1


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
    assert list(made.to_send) == [3, 4]
    assert made.held_back == 2


def test_the_price_is_in_requests_minutes_and_sign_ins() -> None:
    price = plan(*(customer(row) for row in range(2, 27002))).price
    assert (price.creates, price.reads, price.minutes, price.sign_ins) == (27000, 0, 100.0, 2)
    assert price.requests == 27002
    assert plan(customer(), seconds_of=lambda _: None).price.minutes is None
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
    placed = [*made.to_send, *(c.row for c in made.doubtful), *(o.row for o in made.known)]
    assert len(set(placed)) == len(placed) == 5 - made.held_back
    assert set(placed) <= {2, 3, 4, 5, 6}
    assert len(made.to_send) <= max(0, limit - len(made.doubtful))
    # What may have been sent is settled whatever the limit.
    assert {int(cid[4:]) for cid in journal} <= set(placed)


@pytest.mark.parametrize(
    ("pages", "rows", "total", "pays"),
    [
        (100, 100_000, 100_000, True),
        (100, 40, 100_000, False),  # forty POSTs cost less
        (100, 200, 100_000, True),
        (0, 5, 3, True),  # the first page was all
        (3, 100_000, 2, False),  # a list that gives one at a time
    ],
)
def test_reading_pays_when_it_can_save_more_than_it_costs(
    pages: int, rows: int, total: int, pays: bool
) -> None:
    assert reading_pays(pages, rows, total) is pays


def test_of_two_customers_with_one_phone_the_one_with_the_rows_name_or_code_counts() -> None:
    other = ("8", "x", {"name": "Orxan Dağlı", "phone": "1"})
    same_name = ("9", "y", {"name": "Anar Palıdov", "phone": "1"})
    [outcome] = plan(customer(phone="1"), at_clopos=index(other, same_name)).known
    assert (outcome.status, outcome.clopos_id) == (Status.EXISTS, "9")
    same_code = ("10", "z", {"name": "Anar Palıdov", "phone": "1", "code": "7"})
    held = index(other, same_name, same_code)
    [outcome] = plan(customer(phone="1", code="7"), at_clopos=held).known
    assert (outcome.status, outcome.clopos_id) == (Status.EXISTS, "10")


def test_the_plan_groups_and_explains_what_is_not_sent() -> None:
    held = index(
        ("1", "cid-2", {"name": "Anar Palıdov"}),
        ("2", "cid-3", {"name": "Anar Palıdov", "email": "a@example.com"}),
        ("3", "x", {"name": "Orxan Dağlı", "phone": "1", "code": "8"}),
        ("4", "y", {"name": "Orxan Dağlı", "code": "7"}),
    )
    made = plan(
        customer(2),
        customer(3, email="b@example.com"),
        customer(4, phone="1"),
        customer(5, code="7"),
        *(customer(row, phone="1", code="7") for row in range(6, 14)),
        customer(14),
        at_clopos=held,
    )
    told = made.as_dict()
    assert told["to_create"] == 1
    assert told["exists"] == {"identical": 1, "different": 1, "fields": {"email": 1}}
    assert [(clash["fields"], clash["count"], clash["rows"]) for clash in told["clashes"]] == [
        (["phone"], 1, [4]),
        (["code"], 1, [5]),
        (["phone", "code"], 8, [6, 7, 8, 9, 10]),
    ]
    assert "two different customers" in told["clashes"][2]["reason"]
    assert "another name" in told["clashes"][0]["reason"]
    assert told["requests"] == {"total": 2, "posts": 1, "reads": 0, "auths": 1}
    assert told["minutes"] == round(1 / 270, 2)


def test_customers_are_picked_one_at_a_time_in_order() -> None:
    made = 0

    def all_rows() -> Iterator[Customer]:
        nonlocal made
        for row in range(2, 1000):
            made += 1
            yield customer(row)

    picked = pick(all_rows(), [3, 5, 900])
    assert [next(picked).row, next(picked).row] == [3, 5]
    assert made == 4
    assert [each.row for each in picked] == [900]


def test_fields_of_a_customer_are_the_contracts() -> None:
    assert {"row", *FIELDS} == set(Customer.__dataclass_fields__)
