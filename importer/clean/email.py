"""E-mail addresses (R5). What is valid is the pandera model's to say."""

from __future__ import annotations

import re

from importer.clean.parsed import NOTHING, Parsed
from importer.text import bare

_SEPARATORS = re.compile(r"[,;/|\s]+")
_BRACKETS = re.compile(r"<([^<>]*)>")
_LIKELY = re.compile(r"[^@\s]+@[^@\s]+\.[^\W\d_]{2,}")


def parse_email(text: str) -> Parsed:
    """Read a cell that should hold an address: trimmed, lower case, the first of several."""
    plain = bare(text).lower()
    if not plain:
        return NOTHING
    if bracketed := _BRACKETS.search(plain):
        plain = bracketed[1]
    plain = _unwrapped(plain)
    parts = [_unwrapped(part) for part in _SEPARATORS.split(plain)]
    likely = [part for part in parts if _LIKELY.fullmatch(part)]
    if len(parts) > 1 and likely:
        return Parsed(likely[0], None, ("email_multiple",))
    return Parsed(plain or bare(text).lower())  # brackets around nothing are no address


def _unwrapped(text: str) -> str:
    return bare(text.strip("<> ").removeprefix("mailto:"))
