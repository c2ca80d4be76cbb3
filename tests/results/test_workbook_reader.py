"""Results workbooks, as we write them and as other programs save them, read in little memory."""

from __future__ import annotations

import tracemalloc
from typing import TYPE_CHECKING, Any

import pytest
import xlsxwriter

from importer.errors import UsageError
from importer.records import RESULT_COLUMNS
from importer.results.reader import read_results
from importer.results.workbook_reader import workbook_rows
from tests.workbook_builders import xlsx

if TYPE_CHECKING:
    from pathlib import Path

HEADER = [*RESULT_COLUMNS, "Ad", ""]


def test_workbook_of_another_program_is_read_with_its_blank_rows(tmp_path: Path) -> None:
    path = tmp_path / "results.xlsx"
    rows: list[list[Any]] = [
        HEADER,
        [2, "created", "7", None, None, None, "", "Anar\nDemo", "x"],
        [],
        [4.0, "exists", None, None, None, 2, "ok"],
    ]
    path.write_bytes(xlsx(rows, change=lambda book: book.create_sheet("sent").append(["no"])))
    header, columns = read_results(path)
    assert header == HEADER
    assert [column.to_pylist() for column in columns] == [
        ["2", "", "4"],
        ["created", "", "exists"],
        ["7", "", ""],
        ["", "", ""],
        ["", "", ""],
        ["", "", "2"],
        ["", "", "ok"],
        ["Anar\nDemo", "", ""],
        ["x", "", ""],
    ]


def test_only_the_first_columns_are_read_on_request(tmp_path: Path) -> None:
    path = tmp_path / "results.xlsx"
    path.write_bytes(xlsx([HEADER, [2, "created", "7"], [3, "pending"]]))
    header, columns = read_results(path, 3)
    assert header == HEADER[:3]
    assert [column.to_pylist() for column in columns] == [
        ["2", "3"],
        ["created", "pending"],
        ["7", ""],
    ]


@pytest.mark.parametrize(
    ("old", "new"), [('r="A2"', 'r="ZZZZZ2"'), ('<row r="2"', '<row r="999999999"'), ("</row>", "")]
)
def test_workbook_with_impossible_dimensions_is_refused(tmp_path: Path, old: str, new: str) -> None:
    path = tmp_path / "results.xlsx"
    path.write_bytes(xlsx([HEADER, [2, "created"]], xml=lambda text: text.replace(old, new)))
    with pytest.raises(UsageError, match="can't be read"):
        read_results(path)


@pytest.mark.usefixtures("untraced")
def test_rows_of_a_workbook_are_never_all_in_memory(tmp_path: Path) -> None:
    path = tmp_path / "results.xlsx"
    with xlsxwriter.Workbook(path, {"constant_memory": True}) as book:
        sheet = book.add_worksheet()
        for row in range(3_000):
            for column in range(8):
                sheet.write_string(row, column, f"text {row} {column}")
    tracemalloc.start()
    try:
        assert sum(row[7].startswith("text") for row in workbook_rows(path)) == 3_000
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 1_000_000
