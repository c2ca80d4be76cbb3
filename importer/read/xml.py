"""XML → calls for its elements, in one pass and in little memory (expat).

Names come without their prefix; a document that declares entities of its own is refused: no
program writes such, and they can grow without bounds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from xml.parsers import expat

from importer.i18n import tr
from importer.read.limits import check_bytes

if TYPE_CHECKING:
    from typing import IO

_PIECE = 1 << 16


class Unpacked:
    """Counts what is unpacked from one file, over all its parts."""

    def __init__(self) -> None:
        self.bytes = 0

    def add(self, size: int) -> None:
        """Count so many bytes more. Raises TooLarge."""
        self.bytes += size
        check_bytes(self.bytes)


class Local(dict[str, str]):
    """Full name → the name without its prefix, made once for each name."""

    def __missing__(self, name: str) -> str:
        self[name] = short = name.rpartition(":")[2]
        return short


def make_parser(encoding: str | None = None) -> Any:
    """Return a parser whose handlers are still to be set."""
    parser = expat.ParserCreate(encoding)
    parser.buffer_text = True
    parser.buffer_size = _PIECE
    parser.EntityDeclHandler = _refuse
    return parser


def feed(parser: Any, file: IO[bytes], unpacked: Unpacked) -> None:
    """Parse a file piece by piece.

    Raises ValueError when it isn't XML, TooLarge when too much comes out of it.
    """
    try:
        while piece := file.read(_PIECE):
            unpacked.add(len(piece))
            parser.Parse(piece, False)
        parser.Parse(b"", True)
    except expat.ExpatError as error:
        raise ValueError(str(error)) from error


def without_prefix(attributes: dict[str, str]) -> dict[str, str]:
    """Return attributes by their names without a prefix."""
    return {name.rpartition(":")[2]: value for name, value in attributes.items()}


def _refuse(*_: Any) -> None:
    raise ValueError(tr("it declares entities"))
