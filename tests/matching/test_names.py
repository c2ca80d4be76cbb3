"""Names that may belong to one person (who-is-this-customer §2)."""

from __future__ import annotations

import csv
import hashlib
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from importer.matching.names import (
    alike,
    equal,
    name_evidence,
    share_a_word,
)
from importer.matching.spellings import forms

PAIRS = (Path(__file__).parent / "names.csv").read_text(encoding="utf-8")
ROWS = list(csv.DictReader(PAIRS.splitlines()))
NAMES = st.lists(
    st.sampled_from([w for row in ROWS for w in row["name"].split() if w != "?!"]),
    min_size=1,
    max_size=4,
).map(" ".join)


def tokens(name: str) -> str:
    return name_evidence(name, token)[0]


def outlines(name: str) -> tuple[str, ...]:
    return name_evidence(name, token)[1]


def token(text: str, size: int) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:size]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['name']} / {row['other']}")
def test_pair_of_names_is_alike_or_not(row: dict[str, str]) -> None:
    name, other = tokens(row["name"]), tokens(row["other"])
    assert alike(name, other) == alike(other, name) == (row["alike"] == "yes")


@given(NAMES, NAMES)
@example("17", "Гасан 17")
def test_alikeness_is_symmetric_and_implied_by_equality(name: str, other: str) -> None:
    one, two = tokens(name), tokens(other)
    assert alike(one, two) == alike(two, one)
    assert equal(one, two) == equal(two, one)
    assert alike(one, two) or not equal(one, two) or ":" not in one
    assert one == two or share_a_word(one, two) or not alike(one, two)


@given(NAMES)
def test_order_and_case_of_words_do_not_change_a_name(name: str) -> None:
    assert tokens(" ".join(reversed(name.split()))) == tokens(name)
    assert equal(tokens(name.upper()), tokens(name))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['name']} / {row['other']}")
def test_equal_names_have_an_outline_in_common(row: dict[str, str]) -> None:
    if equal(tokens(row["name"]), tokens(row["other"])):
        assert set(outlines(row["name"])) & set(outlines(row["other"]))


@given(st.text(max_size=30))
def test_any_text_has_tokens_of_ascii(text: str) -> None:
    assert tokens(text).isascii()


def test_forms_of_a_long_word_are_limited() -> None:
    assert len(forms("ə" * 40)) <= 32
