"""The same list in another format of workbook gives the same texts (R8)."""

from __future__ import annotations

import io
from datetime import date
from typing import TYPE_CHECKING

import openpyxl
import pytest
import xlwt

from importer.read import read
from importer.records import CellKind, ReadOptions
from tests.workbook_builders import ods, zipped

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

HEADER = ["Name", "Code"]
SERIAL = (date(2026, 5, 14) - date(1899, 12, 30)).days
CELLS: dict[str, tuple[float, str, str, str]] = {
    # shown text: number, format code, text of OpenDocument, text that is read
    "zeros": (42, "00000", "00042", "00042"),
    "a prefix": (42, '"CL-"0000', "CL-0042", "CL-0042"),
    "parts": (420001, r"000\-000\-000", "000-420-001", "000-420-001"),
    "no format": (42, "General", "42", "42"),
    "thousands": (1001, "#,##0", "1,001", "1001"),
    "two decimals": (42, "0.00", "42.00", "42"),
    "fifteen digits": (999999999999999, "0", "999999999999999", "999999999999999"),
    "sixteen digits": (9900000012345670, "0", "9900000012345670", "9.90000001234567E+15"),
    "a phone": (994500000001, "0", "994500000001", "994500000001"),
}


def as_xlsx(number: float, code: str, _: str) -> bytes:
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    sheet.append(HEADER)
    sheet.append(["Anar", number])
    sheet["B2"].number_format = code
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def as_xls(number: float, code: str, _: str) -> bytes:
    book = xlwt.Workbook()
    sheet = book.add_sheet("Sheet1")
    for column, name in enumerate(HEADER):
        sheet.write(0, column, name)
    sheet.write(1, 0, "Anar")
    sheet.write(1, 1, number, xlwt.easyxf(num_format_str=code))
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def as_ods(number: float, _: str, shown: str) -> bytes:
    import zipfile  # noqa: PLC0415

    plain = ods([HEADER, ["Anar", 0]])
    with zipfile.ZipFile(io.BytesIO(plain)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    old = '<table:table-cell office:value-type="float" office:value="0"><text:p>0</text:p>'
    new = f'<table:table-cell office:value-type="float" office:value="{number}"><text:p>{shown}'
    content = files["content.xml"].decode()
    assert old in content
    return zipped(files | {"content.xml": content.replace(old, f"{new}</text:p>").encode()})


def as_excel_xml(number: float, code: str, _: str) -> bytes:
    urn = "urn:schemas-microsoft-com:office:spreadsheet"
    quoted = code.replace('"', "&quot;")
    texts = "".join(f'<Cell><Data ss:Type="String">{name}</Data></Cell>' for name in HEADER)
    return (
        f'<?xml version="1.0"?><Workbook xmlns="{urn}" xmlns:ss="{urn}"><Styles>'
        f'<Style ss:ID="s1"><NumberFormat ss:Format="{quoted}"/></Style></Styles>'
        f'<Worksheet ss:Name="a"><Table><Row>{texts}</Row><Row><Cell><Data ss:Type="String">Anar'
        f'</Data></Cell><Cell ss:StyleID="s1"><Data ss:Type="Number">{number}</Data></Cell></Row>'
        "</Table></Worksheet></Workbook>"
    ).encode()


KINDS: dict[str, Callable[[float, str, str], bytes]] = {
    "xlsx": as_xlsx,
    "xls": as_xls,
    "ods": as_ods,
    "xml": as_excel_xml,
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("cell", CELLS)
def test_code_is_the_displayed_text_of_its_cell(kind: str, cell: str, tmp_path: Path) -> None:
    number, code, shown, expected = CELLS[cell]
    path = tmp_path / "list"
    path.write_bytes(KINDS[kind](number, code, shown))
    assert read(path, ReadOptions()).table[1].tolist() == [expected]


@pytest.mark.parametrize("kind", ["xlsx", "xls"])
@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("dd.mm.yyyy", "2026-05-14"),
        ("[$-42C]d mmmm;@", "--05-14"),
        ("d-mmm", "--05-14"),
        ("mmm-yy", "2026-05-XX"),
        ("yyyy-mm-dd h:mm:ss", "2026-05-14"),
    ],
)
def test_date_has_the_parts_that_its_cell_shows(
    kind: str, code: str, expected: str, tmp_path: Path
) -> None:
    path = tmp_path / "list"
    path.write_bytes(KINDS[kind](SERIAL, code, ""))
    sheet = read(path, ReadOptions())
    assert sheet.table[1].tolist() == [expected]
    assert sheet.kinds == {1: {2: CellKind.DATE}}


def test_hidden_rows_and_columns_are_read_and_reported(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    for row in (["Name", "Phone", "Note"], ["Anar", "0500000001", "a"], ["Lalə", "0500000002", ""]):
        sheet.append(row)
    sheet.row_dimensions[3].hidden = True
    sheet.column_dimensions["C"].hidden = True
    book.save(tmp_path / "list.xlsx")
    found = read(tmp_path / "list.xlsx", ReadOptions())
    assert len(found.table) == 2
    assert (found.hidden_rows, found.hidden_columns) == ((3,), (2,))
    notes = " ".join(found.notes)
    assert "hidden in the spreadsheet, read all the same: 1 row" in notes
    assert "the columns Note" in notes


def test_second_list_of_customers_in_a_workbook_is_reported(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    people = book.worksheets[0]
    people.append(["Name", "Phone"])
    for number in range(20):
        people.append([f"Anar {number}", f"05000000{number:02}"])
    older = book.create_sheet("2024")
    older.append(["Name", "Phone"])
    older.append(["Lalə", "0550000001"])
    book.create_sheet("Help").append(["How to fill in this list"])
    book.save(tmp_path / "list.xlsx")
    found = read(tmp_path / "list.xlsx", ReadOptions())
    assert len(found.table) == 20
    assert [(each.name, each.rows, each.lists_customers) for each in found.others] == [
        ("2024", 1, True),
        ("Help", 0, False),
    ]
