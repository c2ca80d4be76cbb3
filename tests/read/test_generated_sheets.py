"""Workbooks and other generated sheets: one for each trap, and its expected rows.

Sheets of plain text are files in `sheets/`.
"""

from __future__ import annotations

import codecs
from typing import TYPE_CHECKING, Any

import pytest
from openpyxl.utils.datetime import CALENDAR_MAC_1904

from tests.read.sheet_cases import Case, check_case
from tests.workbook_builders import day, excel_xml, html, jsonl, ods, parquet, xls, xlsx, zipped

if TYPE_CHECKING:
    from pathlib import Path

    import openpyxl

PHONE, OTHER, THIRD = "+994500000001", "+994500000002", "+994500000003"
ANAR = {"name": "Anar Demo", "phone": PHONE}
LALE = {"name": "Lalə Demo", "phone": OTHER}
ANNA = {"name": "Анна Демо", "phone": PHONE}
IVAN = {"name": "Иван Щёкин", "phone": OTHER}
TWO = "Name,Phone\nAnar Demo,0500000001\nLalə Demo,0500000002\n"
RUSSIAN = "Имя;Телефон\r\nАнна Демо;0500000001\r\nИван Щёкин;0500000002\r\n"
TURKISH = "Ad Soyad;Telefon\nAyşe Yılmaz;0500000001\nİbrahim Doğan;0500000002\n"
WESTERN = "Name;Phone\nJosé Núñez;0500000001\nMüller Jürgen;0500000002\n"
GRID = [["Name", "Phone"], ["Anar Demo", "0500000001"], ["Lalə Demo", "0500000002"]]


def person(name: str, phone: str | None = None, **more: Any) -> dict[str, Any]:
    """Return the fields of a customer as sent."""
    return {"name": name} | ({"phone": phone} if phone else {}) | more


TWO_ROWS: dict[int, Any] = {2: ANAR, 3: LALE}
RUSSIANS: dict[int, Any] = {2: ANNA, 3: IVAN}
TURKS: dict[int, Any] = {2: person("Ayşe Yılmaz", PHONE), 3: person("İbrahim Doğan", OTHER)}
WEST: dict[int, Any] = {2: person("José Núñez", PHONE), 3: person("Müller Jürgen", OTHER)}

ENCODINGS = {
    "utf-8 with a mark": Case(codecs.BOM_UTF8 + TWO.encode(), TWO_ROWS),
    "utf-8 with two marks": Case(codecs.BOM_UTF8 * 2 + TWO.encode(), TWO_ROWS),
    "utf-16 little, mark": Case(codecs.BOM_UTF16_LE + TWO.encode("utf-16-le"), TWO_ROWS),
    "utf-16 big, mark": Case(codecs.BOM_UTF16_BE + TWO.encode("utf-16-be"), TWO_ROWS),
    "utf-16 little": Case(TWO.encode("utf-16-le"), TWO_ROWS, facts={"encoding": "utf-16-le"}),
    "utf-16 big": Case(TWO.encode("utf-16-be"), TWO_ROWS, facts={"encoding": "utf-16-be"}),
    "utf-16 Russian, no mark": Case(RUSSIAN.encode("utf-16-le"), RUSSIANS),
    "utf-16 big Russian, no mark": Case(RUSSIAN.encode("utf-16-be"), RUSSIANS),
    "utf-16 names only, no mark": Case(
        "Имя\nАнна\nИван\n".encode("utf-16-le"), {2: person("Анна"), 3: person("Иван")}
    ),
    "utf-16 cut in the middle of a letter": Case(
        TWO.encode("utf-16")[:-1], {2: ANAR, 3: "malformed_row"}
    ),
    "utf-32": Case(TWO.encode("utf-32"), TWO_ROWS),
    "Excel's Unicode text": Case(
        TWO.replace(",", "\t").replace("\n", "\r\n").encode("utf-16"),
        TWO_ROWS,
        facts={"delimiter": "\t"},
        name="list.txt",
    ),
    "windows-1251": Case(RUSSIAN.encode("cp1251"), RUSSIANS, facts={"encoding": "windows-1251"}),
    "koi8-r": Case(RUSSIAN.encode("koi8-r"), RUSSIANS, facts={"encoding": "koi8-r"}),
    "cp866": Case(RUSSIAN.encode("cp866"), RUSSIANS, facts={"encoding": "cp866"}),
    "mac-cyrillic": Case(RUSSIAN.encode("mac-cyrillic"), RUSSIANS),
    "windows-1251, one name": Case(
        "Name;Phone\nЩукина Елена;0500000001\n".encode("cp1251"), {2: person("Щукина Елена", PHONE)}
    ),
    "windows-1251 in capitals": Case(
        "ИМЯ;ТЕЛЕФОН\nАННА ДЕМОНСТРАЦИОННАЯ;0500000001\n".encode("cp1251"),
        {2: person("АННА ДЕМОНСТРАЦИОННАЯ", PHONE)},
    ),
    "windows-1254": Case(TURKISH.encode("cp1254"), TURKS, facts={"encoding": "windows-1254"}),
    "iso-8859-9": Case(TURKISH.encode("iso-8859-9"), TURKS),
    "windows-1252": Case(WESTERN.encode("cp1252"), WEST, facts={"encoding": "windows-1252"}),
    "windows-1252 with Icelandic letters": Case(
        "Name;Phone\nGuðrún Þórsdóttir;0500000001\n".encode("cp1252"),
        {2: person("Guðrún Þórsdóttir", PHONE)},
    ),
    "the first foreign letter in row 40,000": Case(
        ("Name;Phone\n" + "".join(f"Demo {n};\n" for n in range(2, 40_000))).encode()
        + "Анна Демо;0500000001\n".encode("cp1251"),
        {40_000: ANNA},
        facts={"encoding": "windows-1251"},
    ),
    "the same, in utf-8": Case(
        "Name;Phone\n" + "Demo;\n" * 39_998 + "Лалэ Демо;0500000001\n",
        {40_000: person("Лалэ Демо", PHONE)},
        facts={"encoding": "utf-8"},
    ),
    "too little to tell": Case(
        "Name;Phone\nмама;0500000001\n".encode("koi8-r"), error="koi8-r: мама; windows-1251: НБНБ"
    ),
    "a question shows how names would look": Case(
        "Name;Phone\nмама;0500000001\n".encode("cp1251"), error="--encoding windows-1251"
    ),
    "told, and right": Case(
        "Name;Phone\nмама;0500000001\n".encode("koi8-r"),
        {2: person("мама", PHONE)},
        read={"encoding": "koi8-r"},
    ),
    "told, and wrong": Case(
        RUSSIAN.encode("cp1251"), error="not in utf-8", read={"encoding": "utf-8"}
    ),
    "told, and no encoding": Case(TWO, error="no encoding", read={"encoding": "klingon"}),
    "told, and no text": Case(TWO, error="no encoding", read={"encoding": "base64"}),
    "utf-8 with one damaged byte": Case(
        "Name,Phone\nLalə Demo,0500000001\nƏ".encode()
        + b"\xff,0500000002\n"
        + "Ülkə,\n".encode() * 60,
        {2: person("Lalə Demo", PHONE), 3: "malformed_row"},
        note="bytes that are not utf-8: in 1 row",
    ),
    "utf-8 cut in the middle of a letter": Case(
        "Name,Phone,Note\nAnar Demo,0500000001,\nLalə Demo,0500000002,ə".encode()[:-1],
        {2: ANAR, 3: "malformed_row"},
    ),
}

DELIMITED = {
    "sep=| in utf-16": Case(
        "sep=|\r\nName|Phone\r\nAnar Demo|0500000001".encode("utf-16"), {2: ANAR}
    ),
    "a cell above 131,072 characters": Case(
        f"Name,Phone,Note\nAnar Demo,0500000001,{'x' * 200_000}\n",
        {2: ANAR | {"description": "x" * 200_000}},
    ),
    "an unclosed quote far from the end": Case(
        'Name,Phone\n"Demo,0500000003\n' + "Demo,\n" * 3000 + "Anar Demo,0500000001\n",
        {2: "malformed_row", 3: person("Demo"), 3003: ANAR},
    ),
}


def locked(archive: bytes) -> bytes:
    """Return an archive whose one file says that it is encrypted."""
    found = bytearray(archive)
    found[6] |= 1
    found[archive.index(b"PK\x01\x02") + 8] |= 1
    return bytes(found)


def merged(book: openpyxl.Workbook) -> None:
    """Merge a title, a section and a group."""
    sheet = book["Sheet1"]
    for cells in ("A1:D1", "A3:D3", "C4:C5", "A6:A7"):
        sheet.merge_cells(cells)


def two_rows(book: openpyxl.Workbook) -> None:
    """Merge a header of two rows."""
    sheet = book.worksheets[0]
    sheet.merge_cells("A1:A2")
    sheet.merge_cells("B1:C1")


def hidden(book: openpyxl.Workbook) -> None:
    """Hide all worksheets but the first."""
    for sheet in book.worksheets[1:]:
        sheet.sheet_state = "hidden"


def padded(book: openpyxl.Workbook) -> None:
    """Show numbers in the third column with five digits."""
    formats = ("[$-419]00000;-00000", "00000")
    for row, number_format in enumerate(formats, start=2):
        book["Sheet1"].cell(row, 3).number_format = number_format


def from_1904(book: openpyxl.Workbook) -> None:
    """Count days as old Macs did."""
    book.epoch = CALENDAR_MAC_1904


def far_away(book: openpyxl.Workbook) -> None:
    """Put a value into the last possible cell of a worksheet."""
    book["Sheet1"]["XFD1048576"] = "x"


def errors(book: openpyxl.Workbook) -> None:
    """Add formulas with error values."""
    for cell in ("B2", "B3"):
        book["Sheet1"][cell].data_type = "e"


def calculated(xml: str) -> str:
    """Store the results of the formulas, as Excel does."""
    return xml.replace("<f>1+1</f><v></v>", "<f>1+1</f><v>500000001</v>").replace(
        "<f>1+1</f><v />", "<f>1+1</f><v>500000001</v>"
    )


BOOK: dict[str, Any] = {"name": "list.xlsx"}
WORKBOOKS = {
    "xlsx": Case(xlsx(GRID), TWO_ROWS, facts={"kind": "xlsx", "worksheet": "Sheet1"}, **BOOK),
    "xlsx called csv": Case(xlsx(GRID), TWO_ROWS),
    "csv called xlsx": Case(TWO, TWO_ROWS, facts={"kind": "csv"}, **BOOK),
    "numbers": Case(
        xlsx([["Name", "Phone", "Code"], ["Anar", 994500000001, 7], ["Lalə", 500000002.0, "007"]]),
        {2: person("Anar", PHONE, code="7"), 3: person("Lalə", OTHER, code="007")},
    ),
    "numbers that are shown with zeros": Case(
        xlsx([["Name", "Phone", "Code"], ["Anar", None, 42], ["Lalə", None, "42"]], change=padded),
        {2: person("Anar", code="00042"), 3: person("Lalə", code="42")},
    ),
    "dates": Case(
        xlsx([["Name", "Birthday"], ["A", day("1990-04-17")], ["B", "17.04.1990"], ["C", 32980]]),
        {at: person(name, date_of_birth="1990-04-17") for at, name in enumerate("ABC", start=2)},
    ),
    "dates from 1904": Case(
        xlsx([["Name", "Birthday"], ["A", day("1990-04-17")], ["C", 31518]], change=from_1904),
        {at: person(name, date_of_birth="1990-04-17") for at, name in enumerate("AC", start=2)},
    ),
    "formulas with values": Case(
        xlsx([["Name", "Phone"], ["Anar Demo", "=1+1"]], xml=calculated), {2: ANAR}
    ),
    "formulas that were never calculated": Case(
        xlsx([["Name", "Phone"], ["Anar Demo", "=1+1"]]),
        {2: "cell_error"},
        note="formulas without a value: 1",
    ),
    "failed formulas": Case(
        xlsx([["Name", "Phone"], ["Anar", "#N/A"], ["Lalə", "#REF!"]], change=errors),
        {2: "cell_error", 3: "cell_error"},
    ),
    "merged cells": Case(
        xlsx(
            [
                ["Customers of Demo", None, None, None],
                ["Name", "Phone", "Group", "Note"],
                ["VIP", None, None, None],
                ["Anar Demo", "0500000001", "gold", None],
                ["Lalə Demo", "0500000002", None, None],
                ["Demo", "0500000003", None, None],
                [None, "0500000004", None, None],
            ],
            change=merged,
        ),
        {3: "malformed_row", 4: ANAR, 5: LALE, 6: person("Demo", THIRD), 7: "missing_name"},
        note="merged cells: «Group» of row 4 stands for rows up to 5",
    ),
    "worksheets of which one is the list": Case(
        xlsx({"Info": [["by", "Demo"]], "Guests": [*GRID, *[["Demo", ""]] * 9]}),
        TWO_ROWS,
        facts={"worksheet": "Guests"},
        note="worksheets not read: Info",
    ),
    "a worksheet of sales before the list": Case(
        xlsx({"Sales": [["Date", "Name", "Sum"], *[["1.1.", "x", 5]] * 50], "Guests": GRID[:2]}),
        {2: ANAR},
        facts={"worksheet": "Guests"},
        note="worksheets not read: Sales",
    ),
    "two header rows, merged": Case(
        xlsx([["Name", "Contact", None], [None, "Phone", "City"], *GRID[1:]], change=two_rows),
        {3: ANAR, 4: LALE},
    ),
    "worksheets of which any could be": Case(
        xlsx({"Old": GRID, "New": GRID}),
        TWO_ROWS,
        facts={"worksheet": "Old"},
        note="worksheets not read: New",
    ),
    "a worksheet that was told": Case(
        xlsx({"Old": [["Name"], ["x"]], "New": GRID}), TWO_ROWS, read={"sheet": "new"}
    ),
    "a worksheet that isn't there": Case(xlsx(GRID), error="Sheet1", read={"sheet": "New"}),
    "hidden worksheets": Case(
        xlsx({"Shown": GRID, "Hidden": GRID * 20}, change=hidden),
        TWO_ROWS,
        facts={"worksheet": "Shown"},
    ),
    "only hidden worksheets have rows": Case(
        xlsx({"Shown": [], "Hidden": GRID}, change=hidden), error="choose one with --sheet"
    ),
    "a table that doesn't begin in A1": Case(
        xlsx([[], [], [None, None, "Name", "Phone"], [None, None, "Anar Demo", "0500000001"]]),
        {4: ANAR},
        facts={"header_row": 3},
    ),
    "blank rows in a workbook": Case(
        xlsx([GRID[0], [], GRID[1], [None, " "], GRID[2]]), {3: ANAR, 5: LALE}
    ),
    "notes beside the table": Case(xlsx([GRID[0], [*GRID[1], None, "call"], GRID[2]]), TWO_ROWS),
    "line breaks and tabs in cells": Case(
        xlsx([["Name", "Phone"], ["Anar\nDemo", "0500000001\t"]]), {2: ANAR}
    ),
    "a cell at the far end": Case(
        xlsx(GRID, change=far_away), error="delete what doesn't belong to the table"
    ),
    "xls": Case(xls(GRID), TWO_ROWS, facts={"kind": "xls"}, name="list.xls"),
    "xls with numbers and dates": Case(
        xls([["Name", "Phone", "Birthday"], ["Anar Demo", 994500000001, day("1990-04-17")]]),
        {2: ANAR | {"date_of_birth": "1990-04-17"}},
    ),
    "xls with failed formulas": Case(
        xls([["Name", "Phone"], ["Anar Demo", "#N/A"], ["Lalə Demo", "0500000002"]]),
        {2: "cell_error", 3: LALE},
    ),
    "xls from 1904": Case(
        xls([["Name", "Birthday"], ["Anar", 31518]], dates_1904=True),
        {2: person("Anar", date_of_birth="1990-04-17")},
    ),
    "xls that is a page": Case(html(GRID), TWO_ROWS, facts={"kind": "html"}, name="list.xls"),
    "a page in windows-1251 that says so": Case(
        html([["Имя", "Телефон"], ["мама", "0500000001"]], head="<meta charset=windows-1251>")
        .decode()
        .encode("cp1251"),
        {2: person("мама", PHONE)},
        facts={"encoding": "windows-1251"},
    ),
    "a page with entities, breaks and spans": Case(
        b"<!-- x --><style>td{}</style><TABLE><TR><TH COLSPAN=2>Guests<TR><TH>Name<TH>Phone"
        b"<TR><TD><b>An</b>ar&nbsp;&amp;\n Demo<TD>0500000001<br>0500000002</TABLE>",
        {3: person("Anar & Demo", PHONE)},
    ),
    "a page with cells over several rows": Case(
        b"<table><tr><th rowspan=2>Name<th colspan=2>Contact<tr><th>Phone<th>City"
        b"<tr><td>Anar Demo<td>0500000001<td rowspan=2>Baku<tr><td rowspan=2>Lal&#601; Demo"
        b"<td>0500000002<tr><td>0500000003<td rowspan=x>Baku</table>",
        {3: ANAR, 4: LALE, 5: "missing_name"},
    ),
    "a page with many groups over several rows": Case(
        b"<table><tr><th>Group<th>Name"
        + b"".join(b"<tr><td rowspan=2>G%d<td>Demo<tr><td>Anar Demo" % n for n in range(9))
        + b"<tr><td rowspan=999999 colspan=99999>x</table>",
        {2: person("Demo"), 3: person("Anar Demo"), 19: person("Anar Demo")},
        note="stands for rows up to 7 · … and 6 more of that kind",
    ),
    "a page with several tables": Case(
        b"<table><tr><td>Menu</td></tr></table>" + html(GRID), TWO_ROWS
    ),
    "xls that is Excel's XML": Case(
        excel_xml([["Name", None, "Phone"], ["Anar Demo", None, 994500000001]]),
        {2: ANAR},
        facts={"kind": "xml"},
        name="list.xls",
    ),
    "ods": Case(ods(GRID), TWO_ROWS, facts={"kind": "ods"}, name="list.ods"),
    "ods with numbers and dates": Case(
        ods([["Name", "Phone", "Birthday"], ["Anar Demo", 994500000001, day("1990-04-17")]]),
        {2: ANAR | {"date_of_birth": "1990-04-17"}},
    ),
    "ods that claims a million rows": Case(ods(GRID, repeated=1_048_000), TWO_ROWS),
}

OTHERS = {
    "JSON lines": Case(
        jsonl({"Name": "Anar Demo", "Phone": 994500000001}, {"Phone": OTHER, "Name": "Lalə Demo"}),
        TWO_ROWS,
        facts={"kind": "jsonl"},
        name="list.jsonl",
    ),
    "JSON lines with blank ones and a mark": Case(
        codecs.BOM_UTF8 + b'{"Name": "Anar Demo", "Phone": "0500000001"}\r\n\r\n', {2: ANAR}
    ),
    "JSON with objects in objects": Case(
        jsonl(
            {"name": "Anar Demo", "contact": {"phone": "0500000001", "more": {}}},
            {"name": "Lalə Demo", "contact": {"phone": OTHER}},
        ),
        TWO_ROWS,
    ),
    "JSON without end": Case("[" * 100_000, error="JSON"),
    "Parquet": Case(
        parquet({"Name": ["Anar Demo", "Lalə Demo"], "Phone": [994500000001, 994500000002]}),
        TWO_ROWS,
        facts={"kind": "parquet"},
        name="list.parquet",
    ),
    "Parquet with dates, bytes and nulls": Case(
        parquet(
            {
                "Name": [b"Anar Demo", b"Demo"],
                "Birthday": [day("1990-04-17"), None],
                "Phone": [None, 994500000003.0],
            }
        ),
        {2: person("Anar Demo", date_of_birth="1990-04-17"), 3: person("Demo", THIRD)},
    ),
    "Parquet that isn't": Case(b"PAR1rubbish", error="Parquet"),
    "ZIP of a CSV": Case(zipped({"customers/list.csv": TWO.encode()}), TWO_ROWS, name="list.zip"),
    "ZIP of a workbook, with a Mac's rubbish": Case(
        zipped(
            {
                "list.xlsx": xlsx(GRID),
                "__MACOSX/._list.csv": b"x",
                "._a.csv": b"x",
                "readme.pdf": b"x",
            }
        ),
        TWO_ROWS,
    ),
    "ZIP of a CSV in windows-1251": Case(zipped({"a.txt": RUSSIAN.encode("cp1251")}), RUSSIANS),
    "ZIP of two": Case(zipped({"a.csv": b"x", "b.csv": b"y"}), error="a.csv, b.csv"),
    "ZIP of none": Case(zipped({"a.pdf": b"x"}), error="no sheet"),
    "a ZIP that is cut": Case(zipped({"a.csv": b"x"})[:40], error="damaged"),
    "empty": Case(b"", error="is empty"),
    "spaces": Case(b" \r\n\t \n", error="is empty"),
    "a mark and nothing else": Case(codecs.BOM_UTF16_LE, error="no rows"),
    "a workbook with a password": Case(
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(500) + "EncryptedPackage".encode("utf-16-le"),
        error="protected with a password",
    ),
    "an OpenDocument sheet with a password": Case(
        zipped(
            {
                "mimetype": b"application/vnd.oasis.opendocument.spreadsheet",
                "content.xml": b"x",
                "META-INF/manifest.xml": b"<manifest:encryption-data/>",
            }
        ),
        error="protected with a password",
    ),
    "a ZIP with a password": Case(locked(zipped({"a.csv": TWO.encode()})), error="a password"),
    "a PDF": Case(b"%PDF-1.7 x", error="a PDF"),
    "a program": Case(bytes(range(32)) * 200, error="not text"),
    "an old workbook, cut": Case(xls(GRID)[:900], error="can't be read"),
    "a workbook, cut": Case(xlsx(GRID)[:2000], error="damaged"),
}

CASES = {
    f"{kind}: {name}": case
    for kind, cases in (
        ("encoding", ENCODINGS),
        ("text", DELIMITED),
        ("workbook", WORKBOOKS),
        ("other", OTHERS),
    )
    for name, case in cases.items()
}


@pytest.mark.parametrize("name", CASES)
def test_generated_sheet_is_read_as_expected(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    path = tmp_path / case.name
    path.write_bytes(case.data if isinstance(case.data, bytes) else case.data.encode())
    check_case(case, path)
