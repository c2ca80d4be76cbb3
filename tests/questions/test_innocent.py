"""Innocent sheets that resemble faulty ones: no question, and no row is held back."""

from __future__ import annotations

from pathlib import Path

import pytest

from importer.pipeline import Output, SheetOptions, check

SHEETS = sorted((Path(__file__).parent / "innocent").iterdir())
CLASHES = {"family-phone.csv"}  # two customers, of whom only one can have the phone


@pytest.mark.parametrize("path", SHEETS, ids=lambda path: path.stem)
def test_innocent_sheet_has_no_question_and_no_held_row(path: Path) -> None:
    result = check(path, SheetOptions(region="AZ"), Output())
    assert [question.message for question in result.prepared.questions] == []
    held = {row: outcome.message for row, outcome in result.prepared.outcomes.items()}
    assert len(held) == (path.name in CLASHES), held


def test_folder_has_forty_innocent_sheets() -> None:
    assert len(SHEETS) >= 40
