"""One value of a person finds all evidence of that person, and of no other."""

from __future__ import annotations

import pytest

from importer.matching.evidence import customer_evidence
from importer.matching.layout3 import PACKED, digest
from importer.plan.person import person_test
from importer.store.records import LEGACY

KEY = b"k" * 32
AYSEL = {
    "name": "Aysel Demo",
    "phone": "+994 50 000 00 01",
    "email": "aysel@example.com",
    "code": "007",
}
ANAR = {"name": "Anar Demo", "phone": "0500000002", "email": "a@example.com", "code": "8"}


@pytest.mark.parametrize(
    "text",
    [
        "+994500000001",
        "050 000-00-01",
        "0500000001\n",
        "AYSEL@example.com",
        "007",
        "7",
        "Aysel Demo",
        "demo  aysel",
        "AYSEL DEMO",
    ],
)
def test_person_is_found_by_any_value_however_it_is_spelt(text: str) -> None:
    is_person = person_test(text, "AZ", KEY)
    assert is_person(customer_evidence(AYSEL, "AZ", KEY))
    assert not is_person(customer_evidence(ANAR, "AZ", KEY))
    assert not is_person("")


@pytest.mark.parametrize("text", ["Aysel", "Demo", "0500000003", "x@example.com", "70", "-"])
def test_part_of_a_value_matches_no_customer(text: str) -> None:
    is_person = person_test(text, "AZ", KEY)
    assert not is_person(customer_evidence(AYSEL, "AZ", KEY))
    assert not is_person(customer_evidence({"name": "-"}, "AZ", KEY))


def test_evidence_of_an_earlier_layout_is_found_by_the_value_as_it_was_sent() -> None:
    values = {"name": "Aysel Demo", "phone": "+994500000001"}
    digests = [digest(name, values[name], KEY) if name in values else "" for name in PACKED]
    packed = LEGACY + ";".join(digests)
    assert person_test("+994500000001", "AZ", KEY)(packed)
    assert person_test("050 000 00 01", "AZ", KEY)(packed)
    assert person_test("aysel demo", "AZ", KEY)(packed)
    assert not person_test("Anar Demo", "AZ", KEY)(packed)
