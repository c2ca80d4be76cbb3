"""Results as a sheet again: rows keep their numbers, claims and decisions are read."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from importer.pipeline import Output, check
from importer.read import read
from importer.records import DECISIONS, RESULT_COLUMNS, ReadOptions

if TYPE_CHECKING:
    from pathlib import Path

    from importer.records import Sheet

HEADER = [*RESULT_COLUMNS, "Name", "Phone"]
quickly = settings(
    max_examples=settings().max_examples // 4,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def line(row: object, name: str, **cells: str) -> list[str]:
    given = {"import_row": str(row), "import_status": "ready", "Name": name} | cells
    return [given.get(header, "") for header in HEADER]


def results(folder: Path, lines: list[list[str]], header: list[str] = HEADER) -> Path:
    file = io.StringIO()
    csv.writer(file).writerows([header, *lines])
    path = folder / "list.csv.results.csv"
    path.write_text(file.getvalue(), encoding="utf-8")
    return path


def sheet_of(folder: Path, *lines: list[str], header: list[str] = HEADER) -> Sheet:
    return read(results(folder, list(lines), header), ReadOptions())


def names(sheet: Sheet) -> dict[Any, str]:
    return sheet.table[sheet.headers.index("Name")].to_dict()


@pytest.mark.usefixtures("untraced")
@quickly
@given(
    rows=st.lists(st.integers(2, 99), min_size=1, max_size=6, unique=True),
    rounds=st.lists(st.sampled_from(["csv", "xlsx", "jsonl", "parquet"]), min_size=1, max_size=3),
)
def test_row_numbers_are_kept_through_any_number_of_rounds(
    tmp_path: Path, rows: list[int], rounds: list[str]
) -> None:
    file = results(tmp_path, [line(row, f"Anar {row} Demo") for row in rows])
    for number, suffix in enumerate(rounds):
        written = tmp_path / f"{number}.{suffix}"
        checked = check(file, output=Output(written))
        file = written
        assert names(checked.prepared.sheet) == {row: f"Anar {row} Demo" for row in sorted(rows)}


def test_sorted_results_are_read_in_the_order_of_the_sheet(tmp_path: Path) -> None:
    sheet = sheet_of(tmp_path, line("9.0", "C"), line(2, "A"), line(" 5", "B"))
    assert list(names(sheet).items()) == [(2, "A"), (5, "B"), (9, "C")]
    assert not sheet.notes


@pytest.mark.parametrize("number", ["", "5", "x", "0", "-1", "1e9", "99999999999"])
def test_row_without_a_valid_number_comes_last_and_is_noted(tmp_path: Path, number: str) -> None:
    sheet = sheet_of(tmp_path, line(5, "A"), line(number, "B"), line(3, "C"))
    assert names(sheet) == {3: "C", 5: "A", 6: "B"}
    [note] = sheet.notes
    assert "numbered 6" in note


def test_two_results_files_in_one_are_reported(tmp_path: Path) -> None:
    lines = [line(row, f"Anar {row}") for row in (2, 3, 4)]
    sheet = sheet_of(tmp_path, *lines, *lines)
    assert list(names(sheet)) == [2, 3, 4, 5, 6, 7]
    assert "3 rows have no import_row, or that of another row: numbered from 5 on" in sheet.notes


def test_customer_ids_in_results_are_claims(tmp_path: Path) -> None:
    cells = {2: "17", 3: "17.0", 4: "", 5: "abc", 6: " 9 "}
    sheet = sheet_of(tmp_path, *(line(row, "A", clopos_id=text) for row, text in cells.items()))
    assert sheet.claims == {2: "17", 3: "17", 5: "abc", 6: "9"}
    assert sheet.headers == ("Name", "Phone")


@pytest.mark.parametrize("deleted", [{name} for name in RESULT_COLUMNS if name != "clopos_id"])
def test_results_are_recognised_without_a_deleted_column(tmp_path: Path, deleted: set[str]) -> None:
    kept = [place for place, name in enumerate(HEADER) if name not in deleted]
    cells = line(2, "A", clopos_id="17")
    lines = [[cells[place] for place in kept]]
    sheet = sheet_of(tmp_path, *lines, header=[HEADER[place] for place in kept])
    assert (sheet.claims, sheet.headers) == ({2: "17"}, ("Name", "Phone"))


@pytest.mark.parametrize("word", DECISIONS)
@pytest.mark.parametrize("place", [0, 7, 9])
def test_decisions_are_read_wherever_their_column_is(tmp_path: Path, word: str, place: int) -> None:
    header = [*HEADER[:place], "import_decision", *HEADER[place:]]
    lines = [
        [*cells[:place], text, *cells[place:]]
        for cells, text in ((line(2, "A"), f" {word.title()}"), (line(4, "B"), ""))
    ]
    sheet = sheet_of(tmp_path, *lines, header=header)
    assert sheet.decisions == {2: (word, None)}
    assert sheet.headers == ("Name", "Phone")


def test_unknown_decision_is_ignored_and_noted(tmp_path: Path) -> None:
    header = [*HEADER, "import_decision"]
    sheet = sheet_of(tmp_path, [*line(2, "A"), "maybe"], [*line(3, "B"), "skip"], header=header)
    assert sheet.decisions == {3: ("skip", None)}
    [note] = sheet.notes
    assert "«maybe» is none of same, other, skip" in note


@pytest.mark.parametrize("suffix", ["csv", "xlsx", "jsonl", "parquet"])
def test_decisions_are_kept_in_the_next_results(tmp_path: Path, suffix: str) -> None:
    header = [*HEADER, "import_decision"]
    file = results(tmp_path, [[*line(2, "A"), "other"], [*line(3, "B"), ""]], header)
    written = tmp_path / f"next.{suffix}"
    assert check(file, output=Output(written)).prepared.sheet.decisions == {2: ("other", None)}
    again = read(written, ReadOptions())
    assert (again.decisions, again.headers) == ({2: ("other", None)}, ("Name", "Phone"))


@pytest.mark.parametrize(
    ("word", "cells", "about"),
    [
        ("same", {"import_existing_id": "15.0"}, "15"),
        ("same", {"clopos_id": "15"}, "15"),
        ("other", {"import_existing_id": "15"}, "15"),
        ("other", {"clopos_id": "15"}, None),
    ],
)
def test_decision_is_about_the_named_holder(
    tmp_path: Path, word: str, cells: dict[str, str], about: str | None
) -> None:
    sheet = sheet_of(tmp_path, [*line(2, "A", **cells), word], header=[*HEADER, "import_decision"])
    assert sheet.decisions == {2: (word, about)}


def test_results_of_a_python_caller_are_a_sheet(tmp_path: Path) -> None:
    first = check(results(tmp_path, [line(7, "=A"), line(5, "'=B")]))
    again = check(first.rows)
    assert names(again.prepared.sheet) == names(first.prepared.sheet) == {5: "=B", 7: "=A"}


def test_workbook_has_the_values_that_are_sent(tmp_path: Path) -> None:
    path, written = tmp_path / "list.csv", tmp_path / "list.xlsx"
    path.write_text("Ad;Telefon;Cinsi;Qeyd\nAnar Demo;0500000001;Kişi;=1+1\n;;;x\n", "utf-8")
    result = check(path, output=Output(written))
    book = openpyxl.load_workbook(written)
    assert book.sheetnames == ["results", "sent"]
    header, values = book["sent"].values
    sent = dict(zip(header, values, strict=True))
    [cid] = [sent.pop("cid")]
    assert len(str(cid)) == 36
    assert sent == {
        "import_row": 2,
        "name": "Anar Demo",
        "phone": "+994500000001",
        "email": None,
        "code": None,
        "gender": 1,
        "date_of_birth": None,
        "description": "=1+1",
        "group_id": None,
    }
    assert book["sent"]["I2"].data_type == "s"
    assert read(written, ReadOptions()).headers == result.prepared.sheet.headers
    assert read(written, ReadOptions()).notes == ()
