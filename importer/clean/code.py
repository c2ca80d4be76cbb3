"""Names, codes, cids, group ids and notes (R2, R8, R10)."""

from __future__ import annotations

import re
import uuid

from importer.clean.parsed import NOTHING, Parsed
from importer.text import (
    bare,
    has_lost_letters,
    is_cell_error,
    is_dash,
    looks_like_formula,
    one_line,
    tidy,
)

_SCIENTIFIC = re.compile(r"([0-9]+)(?:[.,]([0-9]*))?[eE]\+?([0-9]{1,2})")
_DECIMALS = re.compile(r"(-?[0-9]+)[.,]0+")


def parse_name(cells: tuple[str, ...]) -> Parsed:
    """Join the parts of a name, without those that are empty or dashes."""
    parts = [one_line(cell) for cell in cells]
    name = " ".join(
        part for part in parts if part and not is_dash(part) and not is_cell_error(part)
    )
    if not name:
        error = any(is_cell_error(part) for part in parts)
        return Parsed(None, "cell_error" if error else None)
    remarks = [
        *(["formula_like_text"] if looks_like_formula(name) else []),
        *(["name_replacement_char"] if has_lost_letters(name) else []),
    ]
    return Parsed(name, None, tuple(remarks))


def parse_code(text: str) -> Parsed:
    """Read a code as text: leading zeros stay, `.0` goes, `0` is nothing."""
    plain = bare(text)
    if decimals := _DECIMALS.fullmatch(plain):
        plain = decimals[1]
    if not plain or (plain.strip("0") == "" and len(plain) == 1):
        return NOTHING
    if match := _SCIENTIFIC.fullmatch(plain):
        fraction, exponent = match[2] or "", int(match[3])
        if len(fraction) < exponent:
            return Parsed(None, "code_precision_lost")
        plain = match[1] + fraction[:exponent]
    remarks = ("formula_like_text",) if looks_like_formula(plain) else ()
    return Parsed(plain, None, remarks)


def parse_cid(text: str) -> Parsed:
    """Read a UUID, whatever its case and brackets (RFC 9562), as 36 lower-case characters."""
    plain = bare(text)
    if not plain:
        return NOTHING
    try:
        return Parsed(str(uuid.UUID(plain)))
    except ValueError:
        return Parsed(None, "invalid_cid")


def parse_group(text: str) -> Parsed:
    """Read the number of a customer group."""
    plain = bare(text)
    if decimals := _DECIMALS.fullmatch(plain):
        plain = decimals[1]
    if not plain or plain == "0":
        return NOTHING
    if plain.isascii() and plain.isdecimal() and len(plain) < 10:
        return Parsed(int(plain))
    return Parsed(None, "invalid_group")


def parse_note(text: str) -> Parsed:
    """Read free text; its line breaks stay."""
    plain = tidy(text)
    return NOTHING if not plain or is_dash(plain) else Parsed(plain)
