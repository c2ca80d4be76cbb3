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
_LATIN, _LOOKS_LATIN = re.compile(r"[a-z]"), re.compile(r"[\u0370-\u04ff]")  # Greek, Cyrillic
_STARS = re.compile("[*•●]")
_LETTERS = re.compile(r"[^\W\d_]+")
_QUOTES = "\"'`“”„«»‘’<> "


def parse_email(text: str) -> Parsed:
    """Read a cell that should hold an address: trimmed, lower case, the first of several.

    Of a text with a blank in it a part may be another person's address: several are only taken
    apart where each is an address.
    """
    plain = bare(text)
    if len(plain) > _MOST_LETTERS:
        return Parsed(None, "invalid_email")
    parsed = _parse(plain)
    if parsed.value is not None and _is_disguised(parsed.value):
        return Parsed(None, "invalid_email")
    return parsed


def _is_disguised(address: str) -> bool:
    """Return whether stars hide letters, or a letter of another keyboard looks like the right one.

    A dotless i alone among ASCII letters was typed on a Turkish keyboard.
    """
    if address.isascii():
        return "*" in address
    words = _LETTERS.findall(address)
    mixed = any(_LATIN.search(word) and _LOOKS_LATIN.search(word) for word in words)
    dotless = any("ı" in word and word.replace("ı", "i").isascii() for word in words)
    return mixed or dotless or _STARS.search(address) is not None


def _parse(plain: str) -> Parsed:
    # Lower-cased, İ is an i and a dot of its own.
    plain = _COMMENT.sub("", plain.replace("İ", "I").lower())
    if not plain:
        return NOTHING
    if bracketed := _BRACKETS.search(plain):
        plain = bracketed[1] or plain  # brackets around nothing are no address
    parts = [part for each in _SEPARATORS.split(plain) if (part := _unwrapped(each))]
    whole = _unwrapped(plain)
    if _LIKELY.fullmatch(whole) and not _BETWEEN.search(whole):
        if "/" in whole.partition("@")[0]:  # it stands between two names
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
