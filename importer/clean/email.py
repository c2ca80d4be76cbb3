"""E-mail addresses (R5). The pandera model decides what is valid."""

from __future__ import annotations

import re

from importer.clean.parsed import NOTHING, Parsed
from importer.text import bare

_MOST_LETTERS = 1000  # of a cell; a longer text holds no addresses
_SEPARATORS = re.compile(r"\s*[,;|\n]\s*|\s*:::\s*|\s+|/(?=[^@/]*@)")
_BRACKETS = re.compile(r"<([^<>]*)>")
_LIKELY = re.compile(r"[^@\s]+@[^@\s]+\.[^\W\d_]{2,}")
_LABEL = re.compile(r"^[^\W\d_]{1,12}(?:-[^\W\d_]{1,12})?\s?:\s?")  # mailto:, e-mail:
_AFTER = re.compile(r"(\.[^\W\d_]{2,})\?.*")  # what a link says behind the address
_BETWEEN = re.compile(r"[\s,;|]")
_COMMENT = re.compile(r"\s+\([^()@]{1,40}\)$")
_LATIN, _CYRILLIC = re.compile(r"[a-z]"), re.compile(r"[\u0400-\u04ff]")
_QUOTES = "\"'`“”„«»‘’<> "


def parse_email(text: str) -> Parsed:
    """Read a cell that should hold an address: trimmed, lower case, the first of several.

    Of a text with a blank in it a part may be another person's address: several are only taken
    apart where each is an address.
    """
    plain = bare(text)
    if len(plain) > _MOST_LETTERS:
        return Parsed(None, "invalid_email")
    # Lower-cased, İ is an i and a dot of its own.
    plain = _COMMENT.sub("", plain.replace("İ", "I").lower())
    if not plain:
        return NOTHING
    if bracketed := _BRACKETS.search(plain):
        plain = bracketed[1] or plain  # brackets around nothing are no address
    parts = [part for each in _SEPARATORS.split(plain) if (part := _unwrapped(each))]
    whole = _unwrapped(plain)
    if _LIKELY.fullmatch(whole) and not _BETWEEN.search(whole):
        # A slash stands between two names; a Cyrillic letter among Latin ones only looks like one.
        local = whole.partition("@")[0]
        if "/" in local or (_LATIN.search(local) and _CYRILLIC.search(local)):
            return Parsed(None, "invalid_email")
        parts = [whole]
    if len(parts) == 1:
        return Parsed(parts[0])
    if parts and all(map(_LIKELY.fullmatch, parts)):
        return Parsed(parts[0], None, ("email_multiple",))
    if _BETWEEN.search(whole):
        return Parsed(None, "invalid_email")
    return Parsed(whole or plain)


def _unwrapped(text: str) -> str:
    plain = text.strip(_QUOTES)
    return bare(_AFTER.sub(r"\1", _LABEL.sub("", plain)).strip(_QUOTES))
