"""Results as a workbook that a shop owner reads, fixes and runs again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import openpyxl
import pytest

from importer.pipeline import Output, Result, SheetOptions, check
from importer.results.xlsx_writer import LONGEST_CELL
from tests.workbook_builders import xlsx

if TYPE_CHECKING:
    from pathlib import Path

LIST = (
    "Ad Soyad;Mobil;Telefon;Kod;Qeyd\n"
    'Anar Demo;+994500000001;;007;"=1+1"\n'
    "Leyla Demo;sonra;9,945E+11;008;çay\n"
    ";0500000003;;009;\n"
    "Anar Demo;050 000 00 01;;010;\n"
    "Nigar Demo;0500000004 daxili;;011;\n"
)


def written(folder: Path, text: str = LIST, **options: Any) -> tuple[Result, Any]:
    (folder / "list.csv").write_text(text, encoding="utf-8")
    results = folder / "list.xlsx"
    result = check(folder / "list.csv", SheetOptions(**options), Output(results))
    return result, openpyxl.load_workbook(results).active


def test_workbook_has_frozen_header_filter_and_status_colours(
    tmp_path: Path,
) -> None:
    _, sheet = written(tmp_path)
    assert (sheet.freeze_panes, sheet.auto_filter.ref) == ("C2", "A1:L6")
    statuses = [sheet.cell(row, 2) for row in range(2, 7)]
    said = {cell.value: cell.fill.fgColor.rgb for cell in statuses}
    assert list(said) == ["ready", "invalid", "duplicate"]
    assert len(set(said.values())) == 3


def test_columns_are_text_even_where_they_are_empty(tmp_path: Path) -> None:
    _, sheet = written(tmp_path)
    assert [cell.value for cell in sheet[2][8:12]] == ["+994500000001", None, "007", "=1+1"]
    assert {cell.data_type for cell in (sheet["I2"], sheet["K2"], sheet["L2"])} == {"s"}
    formats = {
        column: of.number_format
        for of in sheet.column_dimensions.values()
        for column in range(of.min, of.max + 1)
    }
    assert formats == dict.fromkeys(range(1, 13), "@")


def test_bad_cell_has_a_colour_and_a_comment(tmp_path: Path) -> None:
    """Of two columns of phones only the bad one; a remark has another colour."""
    _, sheet = written(tmp_path)
    comments = {
        cell.coordinate: cell.comment.text for row in sheet.rows for cell in row if cell.comment
    }
    assert comments["H4"] == "no name: give the customer a name, or delete the row"
    assert comments["I5"] == "the same phone as row 2"
    assert "left out" in comments["I6"]
    assert comments["I3"].startswith("not a phone number")
    assert set(comments) == {"I3", "H4", "I5", "I6"}
    grave = sheet["I3"].fill.fgColor.rgb
    assert sheet["H4"].fill.fgColor.rgb == grave != sheet["I6"].fill.fgColor.rgb


def test_row_is_as_high_as_its_message_and_long_text_is_cut(
    tmp_path: Path,
) -> None:
    _, sheet = written(tmp_path, f"Name;Phone;Note\nAnar;05;{'x' * 40_000}\nLeyla;;y\n")
    assert sheet.row_dimensions[2].height > 15
    assert sheet.row_dimensions[3].height is None
    assert len(sheet["J2"].value) == LONGEST_CELL
    assert "(cut:" in sheet["J2"].value


def test_workbook_corrected_in_excel_is_a_sheet(tmp_path: Path) -> None:
    _, sheet = written(tmp_path)
    book = sheet.parent
    sheet["I3"], sheet["J3"], sheet["H4"] = "050 000 00 02", None, "Orxan Demo"
    book.save(tmp_path / "mended.xlsx")
    result = check(tmp_path / "mended.xlsx")
    values = result.prepared.ready
    assert values["name"].tolist() == ["Anar Demo", "Leyla Demo", "Orxan Demo", "Nigar Demo"]
    assert values["code"].tolist() == ["007", "008", "009", "011"]
    assert values["description"].tolist()[0] == "=1+1"


@pytest.mark.parametrize("suffix", ["csv", "xlsx", "jsonl", "parquet"])
def test_results_of_every_format_are_the_same_sheet(tmp_path: Path, suffix: str) -> None:
    """Row numbers are kept, in a workbook as well."""
    path = tmp_path / "list.xlsx"
    rows = [["Ad Soyad", "Telefon", "Kod"], ["Anar", "+994500000001", "007"], ["Leyla", "", "-1"]]
    path.write_bytes(xlsx(rows))
    first = check(path, output=Output(tmp_path / f"results.{suffix}"))
    again = check(tmp_path / f"results.{suffix}", output=Output(tmp_path / "again.csv"))
    assert again.prepared.ready.reset_index(drop=True).equals(
        first.prepared.ready.reset_index(drop=True)
    )
