"""Bytes → grid; the kind is recognised by the bytes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from importer.errors import UsageError
from importer.i18n import tr, tr_noop, trn
from importer.read.archive import GZIP, UNREADABLE, ZIP, gunzip, is_workbook, only_sheet, opened
from importer.read.delimited import parse
from importer.read.encoding import decode
from importer.read.excel_xml import ExcelXmlBook
from importer.read.grid import Grid
from importer.read.markup import tables_of_customers
from importer.read.ods import OdsBook
from importer.read.plain_tables import drawn_table, dump_of, fixed_width
from importer.read.typed import json_records, parquet_records
from importer.read.workbook import grid_of_one, read_workbook
from importer.read.xls import XlsBook
from importer.read.xlsx import XlsxBook

if TYPE_CHECKING:
    import zipfile

    from importer.records import ReadOptions

_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")  # how Excel keeps a workbook with a password
_NOT_TABLES = {
    b"%PDF": tr_noop("a PDF document"),
    b"\x89PNG": tr_noop("a picture"),
    b"\xff\xd8\xff": tr_noop("a picture"),
    b"GIF8": tr_noop("a picture"),
    b"{\\rtf": tr_noop("a text document"),
    b"Rar!": tr_noop("a RAR archive"),
    b"7z\xbc\xaf": tr_noop("a 7z archive"),
    b"BZh": tr_noop("a bzip2 archive"),
    b"\xfd7zXZ": tr_noop("an xz archive"),
    b"\x28\xb5\x2f\xfd": tr_noop("a Zstandard archive"),
    b"SQLite format 3": tr_noop("a database"),
    b"PGDMP": tr_noop("a dump of a database"),
    b"\x00\x01\x00\x00Standard": tr_noop("a database"),  # Access
    b"MIME-Version:": tr_noop("a web archive"),
    b"BEGIN:VCARD": tr_noop("a file of contacts (vCard)"),
    b"version https://git-lfs": tr_noop("a pointer to a file that isn't here"),
}
_ARRAY_LINE = re.compile(r'\["[^"\n]*",\s*"[^\n]*"\]\s*\n\[["0-9]')  # ["name", "phone"]
_DBASE = frozenset([0x03, 0x30, 0x31, 0x83, 0x8B, 0xF5])  # first byte of a .dbf


def grid_of(data: bytes, name: str, options: ReadOptions) -> Grid:
    """Return every record of the file.

    Raises UsageError for what isn't a table, TooLarge.
    """
    if data.startswith(GZIP):
        data, name = gunzip(data, name)
    if data.startswith(ZIP):
        archive = opened(data, name)
        if not is_workbook(archive):
            data, name = only_sheet(archive, name)
    return _grid_of_sheet(data, name, options)


def _grid_of_sheet(data: bytes, name: str, options: ReadOptions) -> Grid:
    _refuse_other_kinds(data, name)
    if data.startswith(ZIP):
        return _from_zip(data, name, options)
    if data.startswith(b"\xd0\xcf\x11\xe0"):
        if _ENCRYPTED in data:
            raise _protected(name)
        return read_workbook(lambda: XlsBook(data), name, "xls", options.sheet)
    if data.startswith(b"PAR1"):
        return Grid(parquet_records(data, name), "parquet")
    text, encoding, damaged = decode(data, name, options.encoding)
    grid = _from_text(text.removeprefix("\ufeff"), name, options)
    grid.encoding = encoding
    if damaged:
        lost = [n for n, record in enumerate(grid.records) if any("\ufffd" in c for c in record)]
        grid.malformed |= dict.fromkeys(
            lost, tr("a letter is lost: bytes that are not {encoding}", encoding=encoding)
        )
        grid.notes.append(
            trn(
                "bytes that are not {encoding}: in {n} row",
                "bytes that are not {encoding}: in {n} rows",
                len(lost),
                encoding=encoding,
            )
        )
    return grid


def _refuse_other_kinds(data: bytes, name: str) -> None:
    what = next((what for magic, what in _NOT_TABLES.items() if data.startswith(magic)), None)
    if name.lower().endswith(".dbf") and data[:1] and data[0] in _DBASE:
        what = tr_noop("a dBASE file")
    if what:
        raise UsageError(
            tr("{name} is {what}, not a table", name=name, what=tr(what)),
            fix=tr("export the customers as CSV or Excel"),
        )


def _from_text(text: str, name: str, options: ReadOptions) -> Grid:
    head = text[:2000].lstrip().lower()
    if head.startswith("<"):
        if "urn:schemas-microsoft-com:office:spreadsheet" in text[:5000]:
            return read_workbook(lambda: ExcelXmlBook(text), name, "xml", options.sheet)
        if re.search(r"<(?:html|table|tr)\b", text[:200_000], re.IGNORECASE):
            return grid_of_one(tables_of_customers(text, name, options.sheet), name, "html")
    if re.match(r"\{|\[\s*[\[{\]]", head) or _ARRAY_LINE.match(head):
        return Grid(json_records(text, name), "jsonl")
    if dump := dump_of(head):
        raise UsageError(
            tr("{name} is {what}, not a table", name=name, what=tr(dump)),
            fix=tr("export the customers as CSV or Excel"),
        )
    if options.delimiter is None and (records := drawn_table(text) or fixed_width(text)):
        return Grid(records, "txt")
    records, delimiter, malformed = parse(text, options.delimiter)
    return Grid(
        records,
        "csv",
        delimiter=delimiter,
        malformed=malformed,
        shifts=True,
        open_end=not text.endswith(("\n", "\r")),
    )


def _from_zip(data: bytes, name: str, options: ReadOptions) -> Grid:
    """Read a workbook: XLSX and ODS are ZIP files."""
    with opened(data, name) as archive:
        names = archive.namelist()
        if "xl/workbook.bin" in names:
            raise UsageError(
                tr("{name} is a binary workbook (XLSB)", name=name),
                fix=tr("open it in the spreadsheet program and save it as .xlsx"),
            )
        if "mimetype" in names and "content.xml" in names:
            if _is_locked(archive):
                raise _protected(name)
            return read_workbook(lambda: OdsBook(archive), name, "ods", options.sheet)
        return read_workbook(lambda: XlsxBook(archive), name, "xlsx", options.sheet)


def _is_locked(archive: zipfile.ZipFile) -> bool:
    """Return whether a document of OpenOffice is encrypted."""
    try:
        return b"encryption-data" in archive.read("META-INF/manifest.xml")[:1_000_000]
    except UNREADABLE:
        return False  # reading the sheet will say what is wrong


def _protected(name: str) -> UsageError:
    return UsageError(
        tr("{name} is protected with a password", name=name),
        fix=tr("open it in the spreadsheet program and save it without one"),
    )
