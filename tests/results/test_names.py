"""Results always have the same name, and edited ones are never overwritten."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from importer.pipeline import Output, check, run
from importer.pipeline.options import SendOptions
from importer.results.fingerprint import keep_edited, remember
from importer.results.names import default_path, find_results, is_results_name, sheet_name
from importer.store.records import Kind

if TYPE_CHECKING:
    from collections.abc import Callable

SHEET = "Name,Phone\nAnar Demo,0500000001\nOrxan Demo,12\n"
TO_SANDBOX = SendOptions(sandbox=True, rate="none")


@pytest.mark.parametrize(
    ("file", "kind", "rows", "expected"),
    [
        ("list.csv", Kind.RUN, 200_000, "list.csv.results.xlsx"),
        ("list.csv", Kind.RUN, 200_001, "list.csv.results.csv"),
        ("list.csv", Kind.CHECK, 20_000, "list.csv.check.xlsx"),
        ("list.csv", Kind.CHECK, 20_001, "list.csv.check.csv"),
        ("a/list.XLSX", Kind.RUN, 1, "a/list.XLSX.results.xlsx"),
        ("-", Kind.RUN, 1, "customers.results.xlsx"),
        ("-", Kind.CHECK, 1, "customers.check.xlsx"),
        ("list.csv.results.csv", Kind.RUN, 1, "list.csv.results.xlsx"),
        ("list.csv.results.xlsx", Kind.CHECK, 1, "list.csv.check.xlsx"),
        ("list.csv.check.xlsx", Kind.RUN, 1, "list.csv.results.xlsx"),
        ("list.csv.results.2.xlsx", Kind.RUN, 1, "list.csv.results.xlsx"),
        ("l.results.20261124-031500.jsonl", Kind.RUN, 1, "l.results.xlsx"),
        ("l.results.edited-20261124-031500.xlsx", Kind.RUN, 1, "l.results.xlsx"),
        ("results.csv", Kind.RUN, 1, "results.csv.results.xlsx"),
    ],
)
def test_default_name_is_made_of_that_of_the_sheet(
    file: str, kind: Kind, rows: int, expected: str
) -> None:
    assert default_path(Path(file), kind, rows) == Path(expected)


@given(st.from_regex(r"[a-zə.]{1,12}", fullmatch=True), st.lists(st.sampled_from(Kind)))
def test_default_name_of_results_of_results_is_the_same(name: str, rounds: list[Kind]) -> None:
    file = Path(f"x{name}")
    for kind in rounds:
        file = default_path(file, kind)
        assert is_results_name(file)
        assert sheet_name(file) == sheet_name(Path(f"x{name}"))


def test_newest_results_of_a_sheet_are_found(tmp_path: Path) -> None:
    sheet = tmp_path / "list.csv"
    assert find_results(sheet, Kind.RUN) is None
    for age, suffix in enumerate(("check.xlsx", "results.csv", "results.xlsx")):
        path = tmp_path / f"list.csv.{suffix}"
        path.touch()
        os.utime(path, (1000 - age,) * 2)
    found = find_results(sheet, Kind.RUN, Kind.CHECK)
    assert found == tmp_path / "list.csv.results.csv"
    assert find_results(tmp_path / "other.csv.results.csv", Kind.RUN) is not None


@pytest.fixture
def sheet(tmp_path: Path) -> Path:
    path = tmp_path / "list.csv"
    path.write_text(SHEET, encoding="utf-8")
    return path


def results_beside(sheet: Path) -> list[str]:
    return sorted(path.name for path in sheet.parent.glob("r*"))


def edit(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"\n")


def replace_by_copy(path: Path) -> None:
    data = path.read_bytes()
    path.unlink()
    path.write_bytes(data)


@pytest.mark.parametrize("suffix", ["csv", "xlsx", "jsonl", "parquet"])
def test_edited_results_are_renamed_in_every_format(sheet: Path, suffix: str) -> None:
    results = sheet.parent / f"r.{suffix}"
    for _ in range(2):
        check(sheet, output=Output(results))
        assert results_beside(sheet) == [results.name]
    edit(results)
    edited = results.read_bytes()
    check(sheet, output=Output(results))
    [kept] = sheet.parent.glob("r.edited-*")
    assert kept.read_bytes() == edited


@pytest.mark.parametrize(("change", "files"), [(edit, 2), (replace_by_copy, 1)])
def test_results_with_changed_bytes_only_are_renamed(
    sheet: Path, change: Callable[[Path], None], files: int
) -> None:
    results = sheet.parent / "r.csv"
    check(sheet, output=Output(results))
    change(results)
    check(sheet, output=Output(results))
    assert len(results_beside(sheet)) == files


def test_check_does_not_overwrite_the_results_of_a_run(sheet: Path) -> None:
    results = sheet.parent / "r.csv"
    for _ in range(2):
        run(sheet, output=Output(results), sending=TO_SANDBOX)
        assert results_beside(sheet) == ["r.csv"]
    sent = results.read_bytes()
    check(sheet, output=Output(results))
    [kept] = sheet.parent.glob("r.run-*")
    assert kept.read_bytes() == sent


def test_file_of_unknown_origin_is_renamed(tmp_path: Path) -> None:
    path = tmp_path / "list.csv.results.csv"
    path.write_text("mine", encoding="utf-8")
    message = keep_edited(path, Kind.RUN, tmp_path / "state")
    assert message
    assert "kept as" in message
    assert not path.exists()


def test_unusable_state_folder_makes_check_rename_results(tmp_path: Path) -> None:
    path, state = tmp_path / "r.csv", tmp_path / "state"
    path.write_text("ours", encoding="utf-8")
    state.write_text("no folder", encoding="utf-8")
    remember(path, Kind.RUN, state)
    assert keep_edited(path, Kind.RUN, state)
    assert [each.read_text("utf-8") for each in tmp_path.glob("r.edited-*")] == ["ours"]
