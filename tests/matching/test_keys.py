"""The key of a row and its cid (who-is-this-customer §1, API facts §0.4)."""

from __future__ import annotations

import uuid
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from importer.matching.evidence import KINDS
from importer.matching.keys import RowKey, cid_of, scope_of
from importer.matching.layout3 import digest
from importer.plan.rows import Rows, Variant
from importer.records import Customer
from importer.text import digits_of
from tests.harness import frame

SCOPE = {"base_url": "https://clopos.example/open-api", "brand": "demo"}


def cids(*rows: dict[str, Any], variants: Any = None, **scope: str) -> list[str]:
    where = SCOPE | scope
    rows_of = Rows(frame(*rows), where["base_url"], where["brand"])
    made = rows_of.customers(variants=variants)
    return [customer.cid for customer in made]


def test_cid_in_the_sheet_is_kept() -> None:
    own = "7d0f6a1e-0000-4000-8000-000000000001"
    assert cids({"name": "A", "cid": own, "code": "7"}) == [own]


def test_cid_is_made_of_the_code_and_else_of_the_phone() -> None:
    [by_code] = cids({"name": "A", "code": "7", "phone": "+994500000001"})
    assert by_code == cids({"name": "B", "code": "7", "phone": "+994500000002"})[0]
    [by_phone] = cids({"name": "A", "phone": "+994500000001"})
    assert by_phone == cids({"name": "B", "phone": "+994500000001", "gender": 1})[0]
    assert by_code != by_phone
    assert by_code != cids({"name": "A", "phone": "7"})[0]


def test_cid_of_a_row_without_code_and_phone_includes_the_name() -> None:
    for field, value in (("email", "a@example.com"), ("date_of_birth", "1990-05-15")):
        first, second, same = cids(
            {"name": "Ayşe", field: value},
            {"name": "Ali", field: value},
            {"name": "AYŞE", field: value},
        )
        assert first == same
        assert first != second


def test_rows_with_nothing_but_the_same_name_are_distinguished_by_an_ordinal() -> None:
    first, second, other = cids({"name": "A"}, {"name": "A"}, {"name": "B"})
    assert len({first, second, other}) == 3
    assert cids({"name": "B"}, {"name": "A"}, {"name": "A"}) == [other, first, second]


@given(note=st.text(max_size=5), group=st.none() | st.integers(1, 9), gender=st.none() | st.just(1))
def test_changed_values_outside_of_the_key_do_not_change_the_cid(
    note: str, group: int | None, gender: int | None
) -> None:
    changing = {"description": note, "group_id": group, "gender": gender}
    for key in ({"code": "7"}, {"phone": "+994500000001"}, {"email": "a@example.com"}, {}):
        row = {"name": "A"} | key
        assert cids(row) == cids(row | changing)


def test_another_brand_or_api_version_gives_other_cids() -> None:
    row = {"name": "A", "code": "7"}
    assert len({*cids(row), *cids(row, brand="x"), *cids(row, base_url="https://y.example")}) == 3
    assert cids(row) == cids(row, brand="DEMO")


def test_next_generation_of_a_customer_has_another_cid_even_with_a_cid_in_the_sheet() -> None:
    own = "7d0f6a1e-0000-4000-8000-000000000001"
    for row in ({"name": "A", "code": "7"}, {"name": "A"}, {"name": "A", "cid": own}):
        made = [cids(row, variants={2: Variant(generation)})[0] for generation in range(3)]
        assert len(set(made)) == 3
        assert made[0] == cids(row)[0]


def test_omitted_value_is_not_in_the_key() -> None:
    with_phone = {"name": "A", "phone": "+994500000001"}
    left_out = cids(with_phone, variants={2: Variant(without=("phone",))})
    assert left_out == cids({"name": "A"})


@given(st.lists(st.fixed_dictionaries({"name": st.sampled_from("AB"), "email": st.none()})))
def test_every_row_has_a_uuid_of_its_own(rows: list[dict[str, Any]]) -> None:
    made = cids(*rows)
    assert len(set(made)) == len(rows)
    assert all(str(uuid.UUID(cid)) == cid and uuid.UUID(cid).version == 5 for cid in made)


@given(st.sampled_from(KINDS[1:]), st.text(), st.integers(0, 3))
def test_cid_is_the_uuid5_of_its_key(kind: str, text: str, generation: int) -> None:
    scope = scope_of("https://clopos.example", "demo")
    parts = (str(generation), kind, text) if generation else (kind, text)
    expected = uuid.uuid5(scope, "\x1f".join(parts))
    assert cid_of(RowKey(kind, text), scope, generation) == str(expected)


def test_body_omits_empty_fields() -> None:
    customer = Customer(row=2, cid="c", name="A", gender=1)
    assert customer.body() == {"name": "A", "cid": "c", "gender": 1}


def test_digests_of_layout_3_ignore_case_and_spaces_and_format() -> None:
    key = b"k" * 32
    assert digest("name", "Ayşe  ƏLİYEVA", key) == digest("name", "ayşe əliyeva", key)
    assert digest("phone", "+994 50 000 00 01", key) == digest("phone", "994500000001", key)
    assert digest("code", "007", key) != digest("code", "7", key)
    assert digest("code", "7", key) != digest("code", "7", b"j" * 32)
    assert digest("code", "7", key) != digest("email", "7", key)


def test_digits_of_a_key_are_ascii_digits_only() -> None:
    assert digits_of("+994 (50) 000-00-0١") == "99450000000"
    assert digits_of(None) == ""
