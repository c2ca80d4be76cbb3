"""Rows that are no customers are held back; customers that resemble them are not (R11)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from importer.read import read
from importer.records import ReadOptions

if TYPE_CHECKING:
    from pathlib import Path


def held_rows(text: str, folder: Path) -> set[int]:
    """Return the rows that are held back."""
    path = folder / "list.csv"
    path.write_text(text, encoding="utf-8")
    return set(read(path, ReadOptions()).malformed)


@pytest.mark.parametrize(
    "row",
    [
        "Ad;Kod;Qeyd",
        "Имя;Код;Примечание",
        "string;int;text",
        "varchar(99);varchar(20);nvarchar(255) NULL",
        "(required);(unique);(optional)",
        "zorunlu;benzersiz;isteğe bağlı",
        "1;2;3",
        "A;B;C",
        "first_name;customer_code;notes",
        "e.g. Anna;e.g. 101;",
        "-----;----;----",
        "===;;",
    ],
)
def test_row_about_the_columns_is_held_back(row: str, tmp_path: Path) -> None:
    assert held_rows(f"Name;Code;Note\n{row}\nAysel;101;x\nTural;102;\n", tmp_path) == {2}


@pytest.mark.parametrize(
    "line",
    [
        "--- end ---",
        "***",
        "2 records",
        "(2 rows affected)",
        "www.example.com",
        "© 2026 Demo POS",
        "Davamı var...",
        "End of the report",
        "Demo POS v3.1",
        "*** конец отчёта ***",
        "15 müştəri",
        "Rows exported: 2",
    ],
)
def test_total_of_a_report_is_held_back(line: str, tmp_path: Path) -> None:
    sheet = f"Name;Phone;Code\nAysel;0500000001;101\nTural;0500000002;102\n{line};;\n"
    assert held_rows(sheet, tmp_path) == {4}


@pytest.mark.parametrize(
    "row",
    [
        "Lalə;;",
        "Əliyev Rauf Tofiq oğlu;;",
        "Ludwig van Demo;;",
        "Demo MMC;;",
        "7 Göl Restoranı;0500000009;",
        "Max Demo;0500000009;7",
        "Д'Артаньян;;9",
        "Anna-Maria;;",
        "O'Demo, Sean;;",
        "1;2;4",
    ],
)
def test_customer_that_resembles_such_a_row_is_not_held_back(row: str, tmp_path: Path) -> None:
    first = f"Name;Phone;Code\n{row}\nAysel;0500000001;101\nTural;0500000002;102\n"
    last = f"Name;Phone;Code\nAysel;0500000001;101\nTural;0500000002;102\n{row}\n"
    assert held_rows(first, tmp_path) == set()
    assert held_rows(last, tmp_path) == set()


def test_row_broken_into_two_lines_is_held_back(tmp_path: Path) -> None:
    rows = ["A,Street 1,0500000001,", "B,Street", "bina 12,0500000002,b@example.com"]
    assert held_rows("\n".join(["Name,Address,Phone,Email", *rows, ""]), tmp_path) == {3, 4}


def test_line_with_the_rest_of_a_note_is_held_back(tmp_path: Path) -> None:
    rows = ["A,0500000001,table", "by the window", "B,0500000002,"]
    assert held_rows("\n".join(["Name,Phone,Note", *rows, ""]), tmp_path) == {3}


def test_incomplete_last_line_is_held_back(tmp_path: Path) -> None:
    rows = ["A,0500000001,x", "B,0500000002,y", "Cem"]
    assert held_rows("\n".join(["Name,Phone,Note", *rows]), tmp_path) == {4}


def test_rows_without_their_trailing_empty_cells_are_not_held_back(tmp_path: Path) -> None:
    rows = ["Aysel,0500000001", "Lalə", "Cem,0500000003,,vip", "Duman", "Eldar,0500000005", "Fuad"]
    assert held_rows("\n".join(["Name,Phone,Email,Note", *rows]), tmp_path) == set()
