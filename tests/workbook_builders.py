"""Builders of sheets as an old POS, or Excel after it, may have written them."""

from __future__ import annotations

import io
import json
import zipfile
from datetime import date, datetime
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import xlwt

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Rows = list[list[Any]]


def xlsx(
    sheets: dict[str, Rows] | Rows,
    *,
    change: Callable[[openpyxl.Workbook], object] = lambda _: None,
    xml: Callable[[str], str] | None = None,
) -> bytes:
    """Return an XLSX workbook. `xml` rewrites the XML of its worksheets."""
    book = openpyxl.Workbook()
    assert book.active
    book.remove(book.active)
    for name, rows in (sheets if isinstance(sheets, dict) else {"Sheet1": sheets}).items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    change(book)
    file = io.BytesIO()
    book.save(file)
    return rewritten(file.getvalue(), xml) if xml else file.getvalue()


def rewritten(data: bytes, xml: Callable[[str], str]) -> bytes:
    """Return an XLSX workbook with the XML of its worksheets rewritten by a function."""
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(file, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name.startswith("xl/worksheets/"):
                content = xml(content.decode()).encode()
            new.writestr(name, content)
    return file.getvalue()


def xls(rows: Rows, *, dates_1904: bool = False) -> bytes:
    """Return a workbook of Excel 97."""
    book = xlwt.Workbook()
    book.dates_1904 = dates_1904
    sheet = book.add_sheet("Sheet1")
    style = xlwt.easyxf(num_format_str="DD.MM.YYYY")
    for at, row in enumerate(rows):
        for column, cell in enumerate(row):
            if cell == "#N/A":
                sheet.row(at).set_cell_error(column, 0x2A)
            elif isinstance(cell, date):
                sheet.write(at, column, cell, style)
            elif cell is not None:
                sheet.write(at, column, cell)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def ods(rows: Rows, *, repeated: int = 0) -> bytes:
    """Return an OpenDocument sheet whose rows are followed by empty ones, stored as one."""

    def cell(value: Any) -> str:
        if value is None:
            return "<table:table-cell/>"
        if isinstance(value, int | float):
            kind = f'office:value-type="float" office:value="{value}"'
        elif isinstance(value, date):
            kind = f'office:value-type="date" office:date-value="{value.isoformat()}"'
        else:
            kind = 'office:value-type="string"'
        return f"<table:table-cell {kind}><text:p>{escape(str(value))}</text:p></table:table-cell>"

    body = "".join(f"<table:table-row>{''.join(map(cell, row))}</table:table-row>" for row in rows)
    if repeated:
        body += (
            f'<table:table-row table:number-rows-repeated="{repeated}">'
            '<table:table-cell table:number-columns-repeated="1024"/></table:table-row>'
        )
    urn = "urn:oasis:names:tc:opendocument:xmlns"
    content = (
        f'<?xml version="1.0" encoding="UTF-8"?><office:document-content'
        f' xmlns:office="{urn}:office:1.0" xmlns:table="{urn}:table:1.0"'
        f' xmlns:text="{urn}:text:1.0" office:version="1.2"><office:body><office:spreadsheet>'
        f'<table:table table:name="Sheet1">{body}</table:table>'
        f"</office:spreadsheet></office:body></office:document-content>"
    )
    manifest = (
        f'<?xml version="1.0"?><manifest:manifest xmlns:manifest="{urn}:manifest:1.0">'
        '<manifest:file-entry manifest:full-path="/"'
        ' manifest:media-type="application/vnd.oasis.opendocument.spreadsheet"/>'
        "</manifest:manifest>"
    )
    return zipped(
        {
            "mimetype": b"application/vnd.oasis.opendocument.spreadsheet",
            "content.xml": content.encode(),
            "META-INF/manifest.xml": manifest.encode(),
        }
    )


def zipped(files: dict[str, bytes]) -> bytes:
    """Return an archive."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return file.getvalue()


def parquet(columns: dict[str, list[Any]]) -> bytes:
    """Return a Parquet file of typed columns."""
    file = io.BytesIO()
    pq.write_table(pa.table(columns), file)
    return file.getvalue()


def jsonl(*rows: dict[str, Any]) -> bytes:
    """Return JSON Lines: one object a line."""
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def html(rows: Rows, *, head: str = "") -> bytes:
    """Return an HTML table, which many programs name .xls."""
    lines = ("".join(f"<td>{escape(str(cell))}</td>" for cell in row) for row in rows)
    body = "".join(f"<tr>{line}</tr>\n" for line in lines)
    return f"<html><head>{head}</head><body><table border=1>{body}</table></body></html>".encode()


def excel_xml(rows: Rows) -> bytes:
    """Return the XML of Excel 2003; a cell None is left out, the next one has an index."""

    def line(row: Iterable[Any]) -> str:
        cells = ""
        for place, cell in enumerate(row, start=1):
            if cell is not None:
                kind = "Number" if isinstance(cell, int | float) else "String"
                text = escape(str(cell)).replace("\n", "&#10;")
                data = f'<Data ss:Type="{kind}">{text}</Data>'
                note = "<Comment><ss:Data>a note</ss:Data></Comment>"
                cells += f'<Cell ss:Index="{place}">{data}{note}</Cell>'
        return f"<Row>{cells}</Row>"

    return (
        '<?xml version="1.0"?><?mso-application progid="Excel.Sheet"?>'
        '<Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet"'
        ' xmlns:ss="urn:schemas-microsoft-com:office:spreadsheet">'
        f'<Worksheet ss:Name="Sheet1"><Table>{"".join(map(line, rows))}</Table></Worksheet>'
        "</Workbook>"
    ).encode()


def day(text: str) -> date:
    """Return a date cell."""
    return datetime.fromisoformat(text).date()
