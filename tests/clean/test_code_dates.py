"""A date or truth value that a spreadsheet made of a code or name is a problem (R8)."""

from __future__ import annotations

import pytest

from importer.clean.code import parse_code, parse_name


@pytest.mark.parametrize(
    "text",
    ["2026-05-10", "2026-05-10 00:00:00", "2026-05-10T20:00:00Z", "--05-10", "2026-05-XX", "TRUE"],
)
def test_date_or_truth_value_in_a_code_or_name_is_a_problem(text: str) -> None:
    assert parse_code(text).problem == "not_as_typed"
    assert parse_name((text,)).problem == "not_as_typed"


@pytest.mark.parametrize(
    "text", ["2026-05", "10-51", "2026-0510", "2026", "True-1", "05-10", "A-1"]
)
def test_text_code_that_looks_like_a_date_is_kept(text: str) -> None:
    assert parse_code(text).value == text
