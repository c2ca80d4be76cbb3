"""A few kilobytes that expand to gigabytes are refused before they are expanded."""

from __future__ import annotations

import io
import json
import zipfile
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from importer.cli.main import run_command
from importer.read import limits
from tests.no_hang import no_hang
from tests.workbook_builders import ods, xls, zipped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

MEGABYTE = b" " * 1024**2
MORE = limits.MOST_BYTES // 1024**2 + 1
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
HEADER = (
    '<row r="1"><c r="A1" t="inlineStr"><is><t>Name</t></is></c>'
    '<c r="B1" t="inlineStr"><is><t>Phone</t></is></c></row>'
)


def packed(files: dict[str, Iterable[bytes]]) -> bytes:
    """Return an archive of files that are never completely in memory."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, pieces in files.items():
            with archive.open(name, "w", force_zip64=True) as member:
                for piece in pieces:
                    member.write(piece)
    return file.getvalue()


def workbook(body: str, texts: Iterable[bytes] | None = None, before: str = "") -> bytes:
    """Return an XLSX file whose worksheet has `body` below its header."""
    relations = f'<Relationship Id="r1" Type="{OFFICE}/worksheet" Target="worksheets/sheet1.xml"/>'
    if texts is not None:
        relations += (
            f'<Relationship Id="r2" Type="{OFFICE}/sharedStrings" Target="sharedStrings.xml"/>'
        )
    sheet = f'<worksheet xmlns="{MAIN}">{before}<sheetData>{HEADER}{body}</sheetData></worksheet>'
    book = (
        f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><sheets><sheet name="S" r:id="r1"/></sheets>'
    )
    files: dict[str, Iterable[bytes]] = {
        "[Content_Types].xml": [b"<Types/>"],
        "xl/workbook.xml": [f"{book}</workbook>".encode()],
        "xl/_rels/workbook.xml.rels": [f"<Relationships>{relations}</Relationships>".encode()],
        "xl/worksheets/sheet1.xml": [sheet.encode()],
    }
    return packed(files | ({"xl/sharedStrings.xml": texts} if texts is not None else {}))


def parquet_of_one_text(rows: int) -> bytes:
    """Return a Parquet file whose rows share one text."""
    file = io.BytesIO()
    block = pa.DictionaryArray.from_arrays(pa.array([0] * 1_000_000, pa.int32()), ["Anar"])
    table = pa.table({"Name": block})
    with pq.ParquetWriter(file, table.schema) as writer:
        for _ in range(rows // 1_000_000):
            writer.write_table(table)
    return file.getvalue()


def nested(depth: int) -> bytes:
    """Return an archive within archives, to some depth."""
    data = b"Name,Phone\nAnar,0500000001\n"
    for _ in range(depth):
        data = zipped({"list.csv": data})
    return data


def excel_xml_cells(cells: str) -> bytes:
    """Return a workbook of Excel 2003 of these rows."""
    urn = "urn:schemas-microsoft-com:office:spreadsheet"
    head = f'<?xml version="1.0"?><Workbook xmlns="{urn}" xmlns:ss="{urn}"><Worksheet><Table>'
    return f"{head}{cells}</Table></Worksheet></Workbook>".encode()


def repeated_ods(rows: int, columns: int) -> bytes:
    """Return an OpenDocument sheet with a cell of content that is repeated both ways."""
    cell = f'<table:table-cell table:number-columns-repeated="{columns}"'
    with zipfile.ZipFile(io.BytesIO(ods([["Name", "Phone"], ["Anar", "0500000001"]]))) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    content = files["content.xml"].decode()
    row = f'<table:table-row table:number-rows-repeated="{rows}">{cell}'
    text = ' office:value-type="string"><text:p>x</text:p></table:table-cell></table:table-row>'
    files["content.xml"] = content.replace("</table:table>", f"{row}{text}</table:table>").encode()
    return zipped(files)


FAR = '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
SHARED = '<row><c t="s"><v>0</v></c></row>'
TOO_LARGE: dict[str, Callable[[], bytes]] = {
    "xlsx: a far cell, a small dimension": lambda: workbook(FAR, before='<dimension ref="A1:B2"/>'),
    "xlsx: a far cell in single quotes": lambda: workbook(FAR.replace('"', "'")),
    "xlsx: far rows of many columns": lambda: workbook(
        '<row r="1048576"><c r="BXX1048576"><v>1</v></c></row>'
    ),
    "xlsx: one shared text": lambda: workbook(
        SHARED, [b"<sst><si><t>", *[MEGABYTE] * MORE, b"</t></si></sst>"]
    ),
    "xlsx: blanks between texts": lambda: workbook(
        SHARED, [b"<sst>", *[MEGABYTE] * MORE, b"</sst>"]
    ),
    "xlsx: a long text in many cells": lambda: workbook(
        SHARED * 600, [b"<sst><si><t>", b"x" * 999_999, b"</t></si></sst>"]
    ),
    "zip: a long sheet": lambda: packed({"a.csv": [b"Name,Phone\n", *[MEGABYTE] * MORE]}),
    "csv: 100,000 columns": lambda: b"Name,Phone" + b",c" * 100_000 + b"\nAnar,0500000001\n",
    "csv: 1,000,000 columns": lambda: b"Name,Phone" + b",c" * 1_000_000 + b"\nAnar,0500000001\n",
    "html: spans": lambda: b"<table>" + (b"<tr>" + b"<td colspan=16384>a" * 20) * 300,
    "excel xml: far places": lambda: excel_xml_cells(
        '<Row><Cell ss:Index="16384"><Data>a</Data></Cell></Row>' * 20_000
    ),
    "json: keys of their own": lambda: "".join(
        json.dumps({"name": "Anar", f"key{n}": 1}) + "\n" for n in range(12_000)
    ).encode(),
    "parquet: one text for all rows": lambda: parquet_of_one_text(60_000_000),
    "ods: rows and columns repeated": lambda: repeated_ods(1_000_000, 1000),
}
DAMAGED: dict[str, Callable[[], bytes]] = {
    "xlsx: an open tag of many attributes": lambda: workbook('<c r="A2"' + ' t="e"' * 40_000),
    "xlsx: many open tags": lambda: workbook('<c r="A3" t="e"' * 4000),
    "zip in zip, 600 deep": lambda: nested(600),
    "zip in zip": lambda: nested(2),
    "an old workbook, cut": lambda: xls([["Name"], ["Anar"]])[:900],
}
HARMLESS: dict[str, bytes] = {
    "html: tags that don't end": b"<table><tr><td>Name<tr><td>Anar" + b"<a " * 20_000,
    "html: comments that don't end": b"<table><tr><td>Name<tr><td>Anar" + b"<!--" * 100_000,
    "a phone of blanks": b"Name,Phone\nAnar,0500000001" + b" " * 20_000 + b"x\n",
    "dashes and dots": b"Name,Phone,Note\nAnar,0500000001,x\nB," + b"-. " * 20_000 + b"x,\n",
}


def exit_code_of_check(data: bytes, folder: Path) -> int:
    path = folder / "list"
    path.write_bytes(data)
    with no_hang():  # a late refusal takes minutes
        return run_command(["check", str(path), "--quiet"])


@pytest.mark.parametrize("name", TOO_LARGE)
def test_too_large_a_sheet_is_refused_with_an_error(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert exit_code_of_check(TOO_LARGE[name](), tmp_path) == 2
    printed = capsys.readouterr().err
    assert "is too large to be a list of customers" in printed
    assert "why: " in printed
    assert "fix: " in printed


@pytest.mark.parametrize("name", DAMAGED)
def test_damaged_sheet_is_refused_with_an_error(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert exit_code_of_check(DAMAGED[name](), tmp_path) == 2
    printed = capsys.readouterr().err
    assert "Error: " in printed
    assert "fix: " in printed


@pytest.mark.parametrize("name", HARMLESS)
def test_unusual_sheet_is_read_without_a_hang(name: str, tmp_path: Path) -> None:
    assert exit_code_of_check(HARMLESS[name], tmp_path) in {0, 1}
