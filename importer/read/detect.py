"""Bytes → grid, by what the bytes say they are."""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from importer.errors import UsageError
from importer.i18n import later, tr, trn
from importer.read.delimited import parse
from importer.read.encoding import decode
from importer.read.grid import Grid
from importer.read.markup import markup_records
from importer.read.typed import json_records, value_text

if TYPE_CHECKING:
    from importer.records import ReadOptions

_MOST_BYTES = 2 * 1024**3  # of one file inside a ZIP
_SUFFIXES = frozenset(
    ".csv .tsv .tab .txt .xlsx .xlsm .xlsb .xls .ods .json .jsonl .ndjson .parquet "
    ".html .htm".split()
)
_UNREADABLE = (  # what a damaged archive ends in
    zipfile.BadZipFile,
    RuntimeError,
    NotImplementedError,
    OSError,
    EOFError,
    ValueError,
    zlib.error,
)
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")  # how Excel keeps a workbook with a password
_NOT_TABLES = {
    b"%PDF": later("a PDF document"),
    b"\x89PNG": later("a picture"),
    b"\xff\xd8\xff": later("a picture"),
    b"GIF8": later("a picture"),
    b"{\\rtf": later("a text document"),
    b"Rar!": later("a RAR archive"),
    b"7z\xbc\xaf": later("a 7z archive"),
    b"\x1f\x8b": later("a gzip archive"),
    b"SQLite format 3": later("a database"),
    b"MIME-Version:": later("a web archive"),
    b"BEGIN:VCARD": later("a file of contacts (vCard)"),
}


def grid_of(data: bytes, name: str, options: ReadOptions) -> Grid:
    """Return every record of the file.

    Raises UsageError for what isn't a table.
    """
    for magic, what in _NOT_TABLES.items():
        if data.startswith(magic):
            raise UsageError(
                tr("{name} is {what}, not a table", name=name, what=tr(what)),
                todo=tr("export the customers as CSV or Excel"),
            )
    if data.startswith(b"PK\x03\x04"):
        return _from_zip(data, name, options)
    if data.startswith(b"\xd0\xcf\x11\xe0"):
        if _ENCRYPTED in data:
            raise _protected(name)
        return _workbook(data, name, "xls", options)
    if data.startswith(b"PAR1"):
        return _from_parquet(data, name)
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


def _from_text(text: str, name: str, options: ReadOptions) -> Grid:
    head = text[:2000].lstrip().lower()
    if head.startswith("<"):
        if "urn:schemas-microsoft-com:office:spreadsheet" in text[:5000]:
            records, merged = markup_records(text, name, options.sheet, breaks=True)
            return Grid(records, "xml", serial_dates=1900, merged=merged)
        if re.search(r"<(?:html|table|tr)\b", text[:200_000], re.IGNORECASE):
            records, merged = markup_records(text, name, options.sheet, breaks=False)
            return Grid(records, "html", merged=merged)
    if re.match(r"\{|\[\s*[\[{\]]", head):
        return Grid(json_records(text, name), "jsonl")
    records, delimiter, malformed = parse(text, options.delimiter)
    return Grid(records, "csv", delimiter=delimiter, malformed=malformed, shifts=True)


def _workbook(data: bytes, name: str, kind: str, options: ReadOptions) -> Grid:
    # Late: most files aren't workbooks.
    from importer.read.workbook import read_workbook  # noqa: PLC0415

    return read_workbook(data, name, kind, options.sheet)


def _from_zip(data: bytes, name: str, options: ReadOptions) -> Grid:
    """Read a workbook (XLSX, ODS are ZIP files) or the one sheet in an archive."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError) as error:
        raise UsageError(
            tr("{name} is damaged", name=name), why=str(error), todo=tr("copy or export it again")
        ) from error
    with archive:
        names = archive.namelist()
        if any(each.startswith("xl/") for each in names):
            kind = "xlsb" if "xl/workbook.bin" in names else "xlsx"
            return _workbook(data, name, kind, options)
        if "mimetype" in names and "content.xml" in names:
            if _is_locked(archive):
                raise _protected(name)
            return _workbook(data, name, "ods", options)
        sheets = [
            info
            for info in archive.infolist()
            if PurePosixPath(info.filename).suffix.lower() in _SUFFIXES
            and not PurePosixPath(info.filename).name.startswith("._")  # a Mac's rubbish
        ]
        if len(sheets) != 1:
            what = ", ".join(info.filename for info in sheets) or tr("no sheet")
            raise UsageError(
                tr("The archive {name} doesn't hold one sheet", name=name),
                why=tr("it holds {what}", what=what),
                todo=tr("unpack it and give the sheet itself"),
            )
        [info] = sheets
        if info.file_size > _MOST_BYTES:
            raise UsageError(
                tr("{filename} in {name} is too large", filename=info.filename, name=name),
                todo=tr("unpack it first"),
            )
        if info.flag_bits & 1:
            raise UsageError(
                tr("{name} is protected with a password", name=name),
                todo=tr("unpack it yourself and give the sheet"),
            )
        try:
            inner = archive.read(info)
        except _UNREADABLE as error:
            raise UsageError(
                tr("{filename} in {name} can't be unpacked", filename=info.filename, name=name),
                why=str(error),
                todo=tr("unpack it yourself and give the sheet"),
            ) from error
    return grid_of(inner, info.filename, options)


def _is_locked(archive: zipfile.ZipFile) -> bool:
    """Tell whether a document of OpenOffice is encrypted."""
    try:
        return b"encryption-data" in archive.read("META-INF/manifest.xml")
    except (KeyError, *_UNREADABLE):
        return False  # reading the sheet will say what is wrong


def _protected(name: str) -> UsageError:
    return UsageError(
        tr("{name} is protected with a password", name=name),
        todo=tr("open it in the spreadsheet program and save it without one"),
    )


def _from_parquet(data: bytes, name: str) -> Grid:
    import pyarrow.parquet as pq  # noqa: PLC0415 - late: few files are Parquet

    try:
        table = pq.read_table(io.BytesIO(data))
        columns = [[value_text(cell) for cell in column.to_pylist()] for column in table.columns]
    except Exception as error:  # damaged files raise whatever the decoder met
        raise UsageError(
            tr("{name} can't be read as Parquet", name=name),
            why=str(error)[:200],
            todo=tr("export it again"),
        ) from error
    records = [list(table.column_names), *(list(row) for row in zip(*columns, strict=True))]
    return Grid(records, "parquet")
