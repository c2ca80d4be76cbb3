"""Bytes → grid, by what the bytes say they are."""

from __future__ import annotations

import io
import json
import zipfile
from html.parser import HTMLParser
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from importer.errors import UsageError
from importer.reading import Grid
from importer.reading.delimited import parse
from importer.reading.encoding import decode

if TYPE_CHECKING:
    from importer.records import ReadOptions

_MOST_BYTES = 2 * 1024**3  # of one file inside a ZIP
_SUFFIXES = frozenset(
    [".csv", ".tsv", ".txt", ".xlsx", ".xlsm", ".xlsb", ".xls", ".ods", ".jsonl", ".parquet"]
)
_NOT_TABLES = {
    b"%PDF": "a PDF document",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"GIF8": "a picture",
    b"{\\rtf": "a text document",
    b"Rar!": "a RAR archive",
    b"7z\xbc\xaf": "a 7z archive",
    b"\x1f\x8b": "a gzip archive",
    b"SQLite format 3": "a database",
}


def grid_of(data: bytes, name: str, options: ReadOptions) -> Grid:
    """Return every record of the file.

    Raises UsageError for what isn't a table.
    """
    for magic, what in _NOT_TABLES.items():
        if data.startswith(magic):
            raise UsageError(
                f"{name} is {what}, not a table",
                todo="export the customers as CSV or Excel",
            )
    if data.startswith(b"PK\x03\x04"):
        return _from_zip(data, name, options)
    if data.startswith(b"\xd0\xcf\x11\xe0"):
        return _workbook(data, name, "xls", options)
    if data.startswith(b"PAR1"):
        return _from_parquet(data, name)
    text, encoding = decode(data, name, options.encoding)
    head = text[:2000].lstrip("\ufeff \t\r\n").lower()
    if head.startswith(("<html", "<!doctype html", "<table", "<meta", "<style")):
        return Grid(_html_records(text), "html", encoding=encoding)
    if head.startswith("<?xml") and "urn:schemas-microsoft-com:office:spreadsheet" in text[:5000]:
        return Grid(_html_records(text), "xml", encoding=encoding, serial_dates=1900)
    if head.startswith(("{", "[{", "[\n")):
        return Grid(_json_records(text, name), "jsonl", encoding=encoding)
    if _is_rubbish(text):
        raise UsageError(
            f"{name} is not text and not a workbook",
            todo="export the customers as CSV or Excel",
        )
    records, delimiter, malformed = parse(text, options.delimiter)
    return Grid(records, "csv", encoding=encoding, delimiter=delimiter, malformed=malformed)


def _is_rubbish(text: str) -> bool:
    head = text[:4000]
    controls = sum(character < " " and character not in "\t\r\n\f\v\0" for character in head)
    return controls > 0.05 * len(head)


def _workbook(data: bytes, name: str, kind: str, options: ReadOptions) -> Grid:
    # Late: most files aren't workbooks.
    from importer.reading.workbook import read_workbook  # noqa: PLC0415

    return read_workbook(data, name, kind, options.sheet)


def _from_zip(data: bytes, name: str, options: ReadOptions) -> Grid:
    """Read a workbook (XLSX, ODS are ZIP files) or the one sheet in an archive."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except zipfile.BadZipFile as error:
        raise UsageError(
            f"{name} is damaged", why=str(error), todo="copy or export it again"
        ) from error
    with archive:
        names = archive.namelist()
        if any(each.startswith("xl/") for each in names):
            kind = "xlsb" if "xl/workbook.bin" in names else "xlsx"
            return _workbook(data, name, kind, options)
        if "mimetype" in names and "content.xml" in names:
            return _workbook(data, name, "ods", options)
        sheets = [
            info
            for info in archive.infolist()
            if PurePosixPath(info.filename).suffix.lower() in _SUFFIXES
            and not info.filename.startswith("__MACOSX/")
        ]
        if len(sheets) != 1:
            what = ", ".join(info.filename for info in sheets) or "no sheet"
            raise UsageError(
                f"The archive {name} doesn't hold one sheet",
                why=f"it holds {what}",
                todo="unpack it and give the sheet itself",
            )
        [info] = sheets
        if info.file_size > _MOST_BYTES:
            raise UsageError(f"{info.filename} in {name} is too large", todo="unpack it first")
        try:
            inner = archive.read(info)
        except (zipfile.BadZipFile, RuntimeError, NotImplementedError, OSError) as error:
            raise UsageError(
                f"{info.filename} in {name} can't be unpacked",
                why=str(error),
                todo="unpack it yourself and give the sheet",
            ) from error
    return grid_of(inner, info.filename, options)


def _from_parquet(data: bytes, name: str) -> Grid:
    import pyarrow.parquet as pq  # noqa: PLC0415 - late: few files are Parquet

    try:
        table = pq.read_table(io.BytesIO(data))
    except (OSError, ValueError) as error:
        raise UsageError(
            f"{name} can't be read as Parquet", why=str(error)[:200], todo="export it again"
        ) from error
    columns = [[_value(cell) for cell in column.to_pylist()] for column in table.columns]
    records = [list(table.column_names), *(list(row) for row in zip(*columns, strict=True))]
    return Grid(records, "parquet")


def _json_records(text: str, name: str) -> list[list[str]]:
    """Read objects, one a line or all in one array; the header is all their keys in order."""
    rows: list[dict[str, Any]] = []
    try:
        if text.lstrip("\ufeff \t\r\n").startswith("["):
            rows = json.loads(text.lstrip("\ufeff"))
        else:
            rows = [json.loads(line) for line in text.split("\n") if line.strip("\ufeff \t\r")]
    except ValueError as error:
        raise UsageError(
            f"{name} can't be read as JSON lines",
            why=str(error)[:200],
            todo="write one object a line, or export as CSV",
        ) from error
    if not all(isinstance(row, dict) for row in rows):
        raise UsageError(
            f"{name} holds something else than objects", todo="write one object a line"
        )
    headers = list(dict.fromkeys(key for row in rows for key in row))
    return [headers, *([_value(row.get(header)) for header in headers] for row in rows)]


def _value(cell: object) -> str:
    if cell is None:
        return ""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return "TRUE" if cell else "FALSE"
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell) if not isinstance(cell, list | dict) else json.dumps(cell, ensure_ascii=False)


class _Table(HTMLParser):
    """Collects the cells of `tr` and `td` (HTML) or `Row` and `Cell` (Excel 2003 XML)."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.records: list[list[str]] = []
        self.inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begin a record or a cell."""
        tag = tag.removeprefix("ss:")
        given = {key.removeprefix("ss:"): value or "" for key, value in attrs}
        if tag in {"tr", "row"}:
            self._pad(self.records, given, [])
            self.records.append([])
        elif tag in {"td", "th", "cell"} and self.records:
            self._pad(self.records[-1], given, "")
            self.records[-1].append("")
            self.inside = True
        elif tag == "br" and self.inside:
            self.handle_data("\n")

    def handle_endtag(self, tag: str) -> None:
        """End a cell."""
        if tag.removeprefix("ss:") in {"td", "th", "cell"}:
            self.inside = False

    def handle_data(self, data: str) -> None:
        """Add text to the cell."""
        if self.inside:
            self.records[-1][-1] += data

    @staticmethod
    def _pad(items: list[Any], given: dict[str, str], empty: Any) -> None:
        """Fill up to the place that Excel's XML gives when it leaves empty ones out."""
        place = given.get("index", "")
        while place.isdecimal() and len(items) < min(int(place), 1_048_576) - 1:
            items.append(type(empty)())


def _html_records(text: str) -> list[list[str]]:
    table = _Table()
    table.feed(text)
    return [[cell.strip() for cell in record] for record in table.records]
