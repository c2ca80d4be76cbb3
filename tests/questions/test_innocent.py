"""Sheets that only look like trouble: nothing is asked about them, and no row is held back."""

from __future__ import annotations

from pathlib import Path

import pytest

from importer.pipeline import Output, SheetOptions, check

SHEETS = sorted((Path(__file__).parent / "innocent").iterdir())
CLASHES = {"family-phone.csv"}  # two customers, of whom only one can have the phone


@pytest.mark.parametrize("path", SHEETS, ids=lambda path: path.stem)
def test_nothing_is_asked_about_an_innocent_sheet(path: Path) -> None:
    result = check(path, SheetOptions(region="AZ"), Output())
    assert [question.message for question in result.prepared.questions] == []
    held = {row: outcome.message for row, outcome in result.prepared.outcomes.items()}
    assert len(held) == (path.name in CLASHES), held


def test_there_are_forty_innocent_sheets() -> None:
    assert len(SHEETS) >= 40
