"""Changes of values are in the results, however they are divided into blocks."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import pytest

from importer.clean.changes import Changes
from importer.pipeline import Output, SheetOptions, check
from importer.pipeline.prepare import prepare
from tests.cli_process import lines_of
from tests.pipeline.test_exports import EXPORTS, FILES

if TYPE_CHECKING:
    from pathlib import Path

SHEET = """Name,Surname,Mobile,Phone,Email,Code,CID,Gender,Birthday,Note
Anar,Demo, +994500000001 ,,a@example.com,M-1,,1,1990-04-17,x
 Lalə ,Demo,050 000 00 02,,,,,,,
A\u0308li,,x,0500000003,B@Example.com,7.0,{5F0C7A1E-0000-4000-8000-00000000000A},M,17.04.1990,"a
b"
,,,0500000004,,,,,,
"""
SAID = {
    "2": "",
    "3": "phone read from 050 000 00 02",
    "4": "phone read from 0500000003; email read from B@Example.com; code read from 7.0; "
    "cid read from {5F0C7A1E-0000-4000-8000-00000000000A}; gender read from M; "
    "date of birth read from 17.04.1990",
}


def test_every_value_changed_beyond_trimming_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text(SHEET, encoding="utf-8")
    results = tmp_path / "r.csv"
    check(path, SheetOptions(dates="DMY"), Output(results))
    lines = {line["import_row"]: line["import_message"] for line in lines_of(results)}
    assert lines["2"] == SAID["2"]
    assert lines["3"] == SAID["3"]
    assert lines["4"].removeprefix("name read from A\u0308li; ") == SAID["4"]
    assert "read from" not in lines["5"]  # it isn't sent


@pytest.mark.parametrize("name", FILES)
def test_changes_by_block_equal_changes_of_the_whole_column(name: str) -> None:
    found = prepare(EXPORTS / name, SheetOptions(), today=date(2026, 11, 23))
    assert found.changes
    rows = np.asarray(found.sheet.table.index)[:100]
    whole = found.changes.of(rows)
    assert whole is not None
    assert len(whole) == len(rows)
    for size in (1, 7, 50):
        parts: list[str] = []
        for start in range(0, len(rows), size):
            block = rows[start : start + size]
            said = found.changes.of(block)
            parts += [""] * len(block) if said is None else said.to_pylist()
        assert parts == whole.to_pylist()


def test_unchanged_values_have_no_message() -> None:
    found = prepare(EXPORTS / FILES[0], SheetOptions(), today=date(2026, 11, 23))
    assert Changes(found.values, {}).of(np.asarray(found.values.index)) is None
    assert found.changes
    assert found.changes.of(np.array([], int)) is None
