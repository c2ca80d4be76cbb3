"""What the workbook reader doesn't tell about an XLS file, from its records ([MS-XLS]).

Failed formulas come from the reader as empty cells; and a damaged place of a cell makes it ask for
more memory than there is.
"""

from __future__ import annotations

import io
import struct
from typing import TYPE_CHECKING, NamedTuple

import olefile

from importer.errors import UsageError
from importer.i18n import tr

if TYPE_CHECKING:
    from collections.abc import Iterator

_MOST_COLUMNS = 256  # [MS-XLS] 2.5.17: more can only be damage
_BOF, _EOF, _DATEMODE, _BOUNDSHEET = 0x0809, 0x000A, 0x0022, 0x0085
_FORMULA, _BOOLERR, _MULRK, _MULBLANK = 0x0006, 0x0205, 0x00BD, 0x00BE
_CELLS = frozenset([_FORMULA, _BOOLERR, _MULRK, _MULBLANK, 0x0201, 0x0203, 0x0204, 0x00FD, 0x027E])
_ERRORS = {
    0x00: "#NULL!",
    0x07: "#DIV/0!",
    0x0F: "#VALUE!",
    0x17: "#REF!",
    0x1D: "#NAME?",
    0x24: "#NUM!",
    0x2A: "#N/A",
}


class XlsFacts(NamedTuple):
    """Errors by sheet, in the book's order, and (row, column) from 0; days count from 1904?."""

    errors: list[dict[tuple[int, int], str]]
    from_1904: bool


def xls_facts(data: bytes, name: str) -> XlsFacts:
    """Return what the reader doesn't tell.

    Raises UsageError when the file is damaged.
    """
    try:
        return _facts(_stream(data))
    except (OSError, struct.error, IndexError, ValueError, TypeError) as error:
        raise UsageError(
            tr("{name} can't be read as a workbook", name=name),
            why=str(error)[:200] or None,
            todo=tr("open it in the spreadsheet program and save it anew as .xlsx or .csv"),
        ) from error


def _stream(data: bytes) -> bytes:
    with olefile.OleFileIO(io.BytesIO(data)) as ole:
        for stream in ("Workbook", "Book"):
            if ole.exists(stream):
                content: bytes = ole.openstream(stream).read()
                return content
    raise ValueError(tr("there is no workbook in it"))


def _facts(stream: bytes) -> XlsFacts:
    errors: list[dict[tuple[int, int], str]] = []
    from_1904 = False
    depth = 0  # charts have a beginning and an end of their own
    for kind, content in _records(stream):
        if kind == _BOF:
            depth += 1
            if depth == 1:
                errors.append({})
        elif kind == _EOF:
            depth -= 1
        elif kind == _DATEMODE:
            from_1904 = content[:2] == b"\1\0"
        elif kind in _CELLS:
            row, column = struct.unpack_from("<HH", content)
            last = struct.unpack_from("<H", content, len(content) - 2)[0]
            if column >= _MOST_COLUMNS or (kind in {_MULRK, _MULBLANK} and last >= _MOST_COLUMNS):
                raise ValueError(
                    tr("a cell of row {row} stands where there are no columns", row=row + 1)
                )
            if errors and (error := _error(kind, content)):
                errors[-1][row, column] = error
    return XlsFacts(errors[1:], from_1904)  # the first part is the book itself


def _records(stream: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at + 4 <= len(stream):
        kind, length = struct.unpack_from("<HH", stream, at)
        yield kind, stream[at + 4 : at + 4 + length]
        at += 4 + length


def _error(kind: int, content: bytes) -> str | None:
    if kind == _BOOLERR and content[7]:
        return _ERRORS.get(content[6])
    if kind == _FORMULA and content[12:14] == b"\xff\xff" and content[6] == 2:
        return _ERRORS.get(content[8])
    return None
