"""Names for rows without one: only by a flag, and reported."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

from importer.errors import UsageError
from importer.pipeline import Output, SheetOptions, check
from importer.pipeline.prepare import Prepared, prepare
from tests.cli_process import lines_of

if TYPE_CHECKING:
    from pathlib import Path

SHEET = (
    "First Name,Last Name,Phone,Email,Company Name\nAnar,Demo,0500000001,,Demo Ltd\n"
    ",,0500000002,,\n,,,a@example.com,\n,,,,Demo  MMC\n-,,x,,\n"
)


@pytest.fixture
def sheet(tmp_path: Path) -> Path:
    path = tmp_path / "list.csv"
    path.write_text(SHEET, encoding="utf-8")
    return path


def filled(sheet: Path, *sources: str) -> Prepared:
    return prepare(sheet, SheetOptions(name_from=sources), today=date(2026, 11, 23))


@pytest.mark.parametrize(
    ("sources", "names"),
    [
        ((), {2: "Anar Demo"}),
        (("phone",), {2: "Anar Demo", 3: "+994500000002"}),
        (("email",), {2: "Anar Demo", 4: "a@example.com"}),
        (("company",), {2: "Anar Demo", 5: "Demo MMC"}),
        (
            ("company", "phone", "email"),
            {2: "Anar Demo", 3: "+994500000002", 4: "a@example.com", 5: "Demo MMC"},
        ),
    ],
)
def test_name_is_taken_from_the_first_source_that_is_not_empty(
    sheet: Path, sources: tuple[str, ...], names: dict[int, str]
) -> None:
    found = filled(sheet, *sources)
    assert found.values["name"].to_dict() == names
    assert found.outcomes[6].status == "invalid"
    assert all("no name:" in found.remarks[row] for row in names if row != 2)


def test_name_fallback_is_reported_in_the_results(sheet: Path) -> None:
    results = sheet.with_name("r.csv")
    done = check(sheet, SheetOptions(name_from=("phone",)), Output(results))
    messages = {line["import_row"]: line["import_message"] for line in lines_of(results)}
    assert "«+994500000002»: no name: the phone number was taken" in messages["3"]
    assert messages["2"] == "phone read from 0500000001"
    assert done.summary.as_dict()["problems"]["name_from_phone"] == 1


@pytest.mark.parametrize("source", ["phone", "email", "company"])
def test_missing_source_of_names_is_an_error(tmp_path: Path, source: str) -> None:
    path = tmp_path / "list.csv"
    path.write_text("Name\nAnar\n", encoding="utf-8")
    with pytest.raises(UsageError, match=f"--name-from {source}"):
        filled(path, source)
