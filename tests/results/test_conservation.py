"""The written results account for every row, and the run verifies that."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from importer.errors import ImporterError, UsageError
from importer.records import RESULT_COLUMNS, Outcome, Sheet, Status
from importer.results.conservation import verify_conservation
from importer.results.outcomes import Outcomes
from importer.results.reader import read_results
from importer.results.write import SUFFIXES, write_results

if TYPE_CHECKING:
    from pathlib import Path


def sheet_of(cells: list[str], delimiter: str | None = ",") -> Sheet:
    index = range(2, len(cells) + 2)
    table = pd.DataFrame({0: cells, 1: ["x"] * len(cells)}, index=index, dtype=object)
    return Sheet("list.csv", "csv", ("Name", "Name"), table, 1, delimiter=delimiter)


def outcomes_of(sheet: Sheet, said: dict[int, Outcome] | None = None) -> Outcomes:
    some = {2: Outcome(2, Status.CREATED, clopos_id="7")} if said is None else said
    return Outcomes(sheet.table.index, some, Status.PENDING, "not sent yet")


texts = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=6)


@pytest.mark.parametrize("suffix", SUFFIXES)
@settings(
    deadline=None, max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(texts | st.sampled_from(['"', "a\nb", "=1", ";", "7", "'"]), min_size=1, max_size=4),
    st.sampled_from([",", ";", "\t", "|"]),
)
def test_written_results_pass_verification(
    tmp_path: Path, suffix: str, cells: list[str], delimiter: str
) -> None:
    sheet = sheet_of(cells, delimiter)
    outcomes = outcomes_of(sheet)
    path = write_results(tmp_path / f"results{suffix}", sheet, outcomes)
    verify_conservation(path, outcomes)
    header, columns = read_results(path)
    assert header[:7] == list(RESULT_COLUMNS)
    assert columns[0].to_pylist() == [str(row) for row in sheet.table.index]
    assert columns[1].to_pylist() == ["created"] + ["pending"] * (len(cells) - 1)
    assert columns[8].to_pylist() == ["x"] * len(cells)


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("3,pending", "3,created", "row 3: import_status is «created», not «pending»"),
        ("2,created,7", "2,created,8", "row 2: clopos_id is «8», not «7»"),
        ("3,pending", "4,pending", "row 3: import_row is «4», not «3»"),
        ("2,created,7,,,,,a,x\r\n", "", "1 lines for 2 rows"),
        ("import_row", "row", "doesn't begin with import_row"),
    ],
)
def test_results_that_differ_fail_verification(
    tmp_path: Path, old: str, new: str, why: str
) -> None:
    sheet = sheet_of(["a", "b"])
    path = write_results(tmp_path / "results.csv", sheet, outcomes_of(sheet))
    text = path.read_bytes().decode()
    assert old in text
    path.write_bytes(text.replace(old, new).encode())
    with pytest.raises(ImporterError, match="don't account") as failed:
        verify_conservation(path, outcomes_of(sheet))
    assert why in (failed.value.why or "")
    assert failed.value.exit_code == 4


def test_outcome_of_an_unknown_row_fails_verification(tmp_path: Path) -> None:
    sheet = sheet_of(["a"])
    said = {n: Outcome(n, Status.CREATED, clopos_id=str(n)) for n in (2, 99)}
    path = write_results(tmp_path / "results.csv", sheet, outcomes_of(sheet, said))
    with pytest.raises(ImporterError) as failed:
        verify_conservation(path, outcomes_of(sheet, said))
    assert "row 99, which the sheet doesn't have" in (failed.value.why or "")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_other_file_is_refused_as_results(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"results{suffix}"
    with pytest.raises(UsageError, match="no results file"):
        read_results(path)
    path.write_bytes(b"Name,Phone\nAnar Demo,1\n")
    with pytest.raises(UsageError):
        read_results(path)
    path.write_bytes(b"")
    with pytest.raises(UsageError):
        read_results(path)
