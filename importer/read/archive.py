"""ZIP and gzip → the bytes of the one sheet inside. An archive in an archive isn't opened."""

from __future__ import annotations

import gzip
import io
import zipfile
import zlib
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from importer.errors import UsageError
from importer.files import SHEET_SUFFIXES
from importer.i18n import tr
from importer.read.limits import check_bytes

if TYPE_CHECKING:
    from typing import IO

GZIP, ZIP = b"\x1f\x8b", b"PK\x03\x04"
_PIECE = 1 << 20
UNREADABLE = (  # what a damaged archive ends in
    zipfile.BadZipFile,
    RuntimeError,
    NotImplementedError,
    OSError,
    EOFError,
    ValueError,
    KeyError,
    zlib.error,
)


def opened(data: bytes, name: str) -> zipfile.ZipFile:
    """Open a ZIP file. Raises UsageError when it is damaged."""
    try:
        return zipfile.ZipFile(io.BytesIO(data))
    except UNREADABLE as error:
        raise UsageError(
            tr("{name} is damaged", name=name), why=str(error), fix=tr("copy or export it again")
        ) from error


def only_sheet(archive: zipfile.ZipFile, name: str) -> tuple[bytes, str]:
    """Return the one sheet in an archive and its name.

    Raises UsageError when there is none, or several, or it can't be unpacked; TooLarge.
    """
    sheets = [
        info
        for info in archive.infolist()
        if PurePosixPath(info.filename).suffix.lower() in SHEET_SUFFIXES
        # a Mac's rubbish, and what a program says of itself
        and not PurePosixPath(info.filename).name.lower().startswith(("._", "readme"))
    ]
    if len(sheets) != 1:
        inside = [info.filename for info in sheets or archive.infolist()][:10]
        raise UsageError(
            tr("The archive {name} must hold exactly one sheet", name=name),
            why=tr("it holds {what}", what=", ".join(inside) or tr("no sheet"))
            if sheets
            else tr("it holds no sheet: {what}", what=", ".join(inside)),
            fix=tr("unpack it and give the sheet itself"),
        )
    [info] = sheets
    if info.flag_bits & 1:
        raise UsageError(
            tr("{name} is protected with a password", name=name),
            fix=tr("unpack it yourself and give the sheet"),
        )
    check_bytes(info.file_size)
    try:
        with archive.open(info) as file:
            inner = _unpacked(file)
    except UNREADABLE as error:
        raise _damaged(info.filename, name, error) from error
    return _no_archive(inner, info.filename, name), info.filename


def gunzip(data: bytes, name: str) -> tuple[bytes, str]:
    """Return what is in a gzip file, and its name. Raises UsageError, TooLarge."""
    inside = name.removesuffix(".gz")
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
            inner = _unpacked(file)
    except UNREADABLE as error:
        raise _damaged(inside, name, error) from error
    return _no_archive(inner, inside, name), inside


def _unpacked(file: IO[bytes] | gzip.GzipFile) -> bytes:
    """Read all of a file, but not more than may come out of an archive."""
    pieces: list[bytes] = []
    size = 0
    while piece := file.read(_PIECE):
        size += len(piece)
        check_bytes(size)
        pieces.append(piece)
    return b"".join(pieces)


def _no_archive(data: bytes, inside: str, name: str) -> bytes:
    if data.startswith(GZIP) or (data.startswith(ZIP) and not is_workbook(opened(data, inside))):
        raise UsageError(
            tr("{name} is an archive that holds another, {inside}", name=name, inside=inside),
            fix=tr("unpack it and give the sheet itself"),
        )
    return data


def is_workbook(archive: zipfile.ZipFile) -> bool:
    """Return whether a ZIP file is a workbook: XLSX, XLSB or ODS."""
    names = archive.namelist()
    return "[Content_Types].xml" in names or {"mimetype", "content.xml"}.issubset(names)


def _damaged(inside: str, name: str, error: Exception) -> UsageError:
    return UsageError(
        tr("{filename} in {name} can't be unpacked", filename=inside, name=name),
        why=str(error),
        fix=tr("unpack it yourself and give the sheet"),
    )
