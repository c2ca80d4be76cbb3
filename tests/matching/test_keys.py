"""The cid of a row (API facts §0.4)."""

from __future__ import annotations

import uuid
from typing import Any

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from importer.matching.keys import customers, digest, digits_of, fingerprints
from importer.records import FIELDS, Customer

SCOPE = {"base_url": "https://clopos.example/open-api", "brand": "demo"}


def frame(*rows: dict[str, Any]) -> pd.DataFrame:
    cells = [{name: row.get(name) for name in FIELDS} for row in rows]
    return pd.DataFrame(cells, columns=list(FIELDS), index=range(2, len(rows) + 2), dtype=object)


def cids(*rows: dict[str, Any], **scope: str) -> list[str]:
    return [customer.cid for customer in customers(frame(*rows), **(SCOPE | scope))]


def test_a_rows_own_cid_is_kept() -> None:
    own = "7d0f6a1e-0000-4000-8000-000000000001"
    assert cids({"name": "A", "cid": own}) == [own]


def test_the_cid_hangs_on_the_code_first_then_on_the_phone() -> None:
    [by_code] = cids({"name": "A", "code": "7", "phone": "+994500000001"})
    assert by_code == cids({"name": "B", "code": "7", "phone": "+994500000002"})[0]
    [by_phone] = cids({"name": "A", "phone": "+994500000001"})
    assert by_phone == cids({"name": "B", "phone": "+994500000001", "gender": 1})[0]
    assert by_code != by_phone
    assert by_code != cids({"name": "A", "phone": "7"})[0]


def test_rows_without_key_are_told_apart_by_their_values_and_an_ordinal() -> None:
    first, second, other = cids({"name": "A"}, {"name": "A"}, {"name": "B"})
    assert len({first, second, other}) == 3
    assert cids({"name": "B"}, {"name": "A"}, {"name": "A"}) == [other, first, second]


def test_the_group_makes_nobody_another_person() -> None:
    """A run that puts all rows into a group must not create those again that it has no key of."""
    assert cids({"name": "A"}, {"name": "B"}) == cids({"name": "A", "group_id": 2}, {"name": "B"})
    assert len({*cids({"name": "A", "group_id": 1}, {"name": "A", "group_id": 2})}) == 2


def test_another_brand_or_api_gives_other_cids() -> None:
    row = {"name": "A", "code": "7"}
    assert len({*cids(row), *cids(row, brand="x"), *cids(row, base_url="https://y.example")}) == 3
    assert cids(row) == cids(row, brand="DEMO")


@given(st.lists(st.fixed_dictionaries({"name": st.sampled_from("AB"), "email": st.none()})))
def test_every_row_has_a_uuid_of_its_own(rows: list[dict[str, Any]]) -> None:
    made = cids(*rows)
    assert len(set(made)) == len(rows)
    assert all(str(uuid.UUID(cid)) == cid and uuid.UUID(cid).version == 5 for cid in made)


def test_the_body_leaves_out_what_is_empty() -> None:
    customer = Customer(row=2, cid="c", name="A", gender=1)
    assert customer.body() == {"name": "A", "cid": "c", "gender": 1}


def test_digests_compare_as_people_do_and_hide_the_value() -> None:
    key = b"k" * 32
    assert digest("name", "Ayşe  ƏLİYEVA", key) == digest("name", "ayşe əliyeva", key)
    assert digest("phone", "+994 50 000 00 01", key) == digest("phone", "994500000001", key)
    assert digest("code", "007", key) != digest("code", "7", key)
    assert digest("code", "7", key) != digest("code", "7", b"j" * 32)
    assert digest("code", "7", key) != digest("email", "7", key)
    told = fingerprints(Customer(2, "c", "Ayşe"), key)
    assert list(told) == ["name"]
    assert "Ay" not in told["name"]


def test_digits_are_ascii_digits_only() -> None:
    assert digits_of("+994 (50) 000-00-0١") == "99450000000"
    assert digits_of(None) == ""
