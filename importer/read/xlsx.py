"""What the workbook reader doesn't tell about a worksheet of an XLSX file, from its XML.

Failed formulas and formulas that were never calculated come from the reader as empty cells, which
would lose a value silently; a code that is shown as 00042 comes as 42; and a single cell at the far
end of the sheet makes it ask for more memory than there is.
"""

from __future__ import annotations

import contextlib
import io
import posixpath
import re
import zipfile
import zlib
from dataclasses import dataclass, field
from xml.etree import ElementTree as ET

from importer.errors import UsageError
from importer.i18n import number, tr

_MOST_CELLS = 50_000_000  # of the square that a worksheet's content spans
_MOST_BYTES = 2 * 1024**3  # of one worksheet, unpacked
_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
# Of a number format the part for what is above zero, perhaps after a language.
_PADDED = re.compile(r"(?:\[\$[^\]]*\])?(00+)(?:;.*)?")
_DIMENSION = re.compile(rb'<dimension ref="(?:[A-Z]+[0-9]+:)?([A-Z]{1,3})([0-9]{1,7})"')
_PLACES = re.compile(rb'<c r="([A-Z]{1,3})([0-9]{1,7})"')
_ERROR = re.compile(
    rb'<c r="([A-Z]{1,3})([0-9]{1,7})"[^>]*? t="e"[^>]*>(?:<f[^>]*/>|<f[^>]*>[^<]*</f>)?<v>([^<]*)'
)
_NEVER_CALCULATED = re.compile(
    # A text that came out empty (t="str") is a value.
    rb'<c r="([A-Z]{1,3})([0-9]{1,7})"(?![^>]* t="str")[^>]*>'
    rb"(?:<f[^>]*/>|<f[^>]*>[^<]*</f>)(?:<v ?/>|<v></v>)?</c>"
)
NOT_CALCULATED = "#CALC!"

# What a damaged archive raises; the reader of workbooks has its own words for that.
_DAMAGED = (
    zipfile.BadZipFile,
    ET.ParseError,
    KeyError,
    OSError,
    EOFError,
    RuntimeError,
    NotImplementedError,
    ValueError,
    zlib.error,
)


@dataclass(slots=True)
class Extras:
    """What goes into cells, by (row, column) from 0.

    `texts` are errors; `zeros` is to how many digits a number is shown.
    """

    texts: dict[tuple[int, int], str] = field(default_factory=dict)
    zeros: dict[tuple[int, int], int] = field(default_factory=dict)
    not_calculated: int = 0  # formulas without a stored value


def check_size(data: bytes, name: str) -> None:
    """Raise UsageError when the cells of a worksheet span more than memory would hold."""
    with contextlib.suppress(*_DAMAGED), zipfile.ZipFile(io.BytesIO(data)) as archive:
        for sheet, path in _sheets(archive).items():
            with archive.open(path) as file:
                found = _DIMENSION.search(file.read(4096))
            places = [found.groups()] if found else _PLACES.findall(archive.read(path))
            width = max((_column(letters) + 1 for letters, _ in places), default=0)
            height = max((int(row) for _, row in places), default=0)
            if width * height > _MOST_CELLS:
                raise UsageError(
                    tr("The worksheet «{sheet}» of {name} is too large", sheet=sheet, name=name),
                    why=tr(
                        "its cells span {height} rows and {width} columns",
                        height=number(height),
                        width=number(width),
                    ),
                    todo=tr("delete what stands far away from the table, or save the table as CSV"),
                )


def extras_of(data: bytes, worksheet: str) -> Extras:
    """Return what is to be put into the cells of a worksheet."""
    extras = Extras()
    with contextlib.suppress(*_DAMAGED), zipfile.ZipFile(io.BytesIO(data)) as archive:
        xml = archive.read(_sheets(archive)[worksheet])
        if b' t="e"' in xml:
            for letters, row, error in _ERROR.findall(xml):
                extras.texts[_place(letters, row)] = error.decode("utf-8", "replace")
        if b"<f" in xml:
            for letters, row in _NEVER_CALCULATED.findall(xml):
                extras.texts[_place(letters, row)] = NOT_CALCULATED
                extras.not_calculated += 1
        for style, digits in _padded_styles(archive).items():
            pattern = rb'<c r="([A-Z]{1,3})([0-9]{1,7})" s="%d"' % style
            for letters, row in re.findall(pattern, xml):
                extras.zeros[_place(letters, row)] = digits
    return extras


def _sheets(archive: zipfile.ZipFile) -> dict[str, str]:
    """Return the worksheets: name → path in the archive."""
    names = set(archive.namelist())
    relations = _parsed(archive, "xl/_rels/workbook.xml.rels")
    targets = {each.get("Id"): each.get("Target", "") for each in relations}
    sheets = {}
    for sheet in _parsed(archive, "xl/workbook.xml").iter(f"{_MAIN}sheet"):
        path = posixpath.join("/xl", targets.get(sheet.get(_RELATION), "")).lstrip("/")
        if path in names and archive.getinfo(path).file_size <= _MOST_BYTES:
            sheets[sheet.get("name", "")] = path
    return sheets


def _padded_styles(archive: zipfile.ZipFile) -> dict[int, int]:
    """Return cell style → number of digits, for number formats such as `00000`."""
    styles = _parsed(archive, "xl/styles.xml")
    zeros = {
        each.get("numFmtId"): len(shown[1])
        for each in styles.iter(f"{_MAIN}numFmt")
        if (shown := _PADDED.fullmatch(each.get("formatCode", "")))
    }
    cells = styles.find(f"{_MAIN}cellXfs")
    if not zeros or cells is None:
        return {}
    return {
        number: zeros[style.get("numFmtId")]
        for number, style in enumerate(cells)
        if style.get("numFmtId") in zeros
    }


def _parsed(archive: zipfile.ZipFile, path: str) -> ET.Element:
    # The parser below it limits how far entities can grow.
    return ET.fromstring(archive.read(path))  # noqa: S314


def _place(letters: bytes, row: bytes) -> tuple[int, int]:
    return int(row) - 1, _column(letters)


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number - 1
