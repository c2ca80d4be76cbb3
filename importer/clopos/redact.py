"""Take secrets and personal data out of a text that a server may have echoed (API facts §8.2)."""

from __future__ import annotations

import base64
import html
import json
import re
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_PIECE = 8  # characters of a secret in a row that are never shown
_DIGITS = 6  # of a number
_SHORTEST = 3  # of a value: "7" or "Li" would blank out half of a sentence
_TOKEN = re.compile(r"oauth_\w{8,}|eyJ[\w-]{8,}(?:\.[\w-]+){0,2}", re.ASCII)
_NUMBER = re.compile(r"\d[\d\s().-]{4,}\d")


def redact(text: str, secrets: Iterable[str], values: Iterable[str]) -> str:
    """Return the text with "…" for each trace of a secret or a value.

    A secret is found in any common spelling (JSON, HTML, URL, base64, hexadecimal) and in pieces,
    a value whatever its case, and a phone number with other separators or without its country.
    """
    values = [value for value in values if len(value) >= _SHORTEST]
    for secret in secrets:
        for spelling in _spellings(secret):
            text = _without_pieces(text, spelling)
    for value in sorted(values, key=len, reverse=True):
        for spelling in dict.fromkeys((value, json.dumps(value)[1:-1], html.escape(value))):
            text = re.sub(re.escape(spelling), "…", text, flags=re.IGNORECASE)
    numbers = [digits for value in values if len(digits := re.sub(r"\D", "", value)) >= _DIGITS]
    if numbers:
        text = _NUMBER.sub(lambda match: "…" if _shares(match[0], numbers) else match[0], text)
    return _TOKEN.sub("…", text)


def _spellings(secret: str) -> Iterator[str]:
    raw = secret.encode()
    yield from (secret, json.dumps(secret)[1:-1], html.escape(secret), raw.hex())
    yield from (quote(secret, safe=""), quote_plus(secret))
    for shift in range(3):  # where it stands in what was encoded
        encoded = base64.b64encode(b"\0" * shift + raw).decode().rstrip("=")
        yield encoded[4 if shift else 0 : len(encoded) - 1]
        yield base64.urlsafe_b64encode(b"\0" * shift + raw).decode().rstrip("=")[4:-1]


def _without_pieces(text: str, secret: str) -> str:
    """Return the text without any run of characters that it shares with the secret."""
    size = min(_PIECE, len(secret))
    if size < _SHORTEST:
        return text
    folded, hidden = text.lower(), secret.lower()
    if len(folded) != len(text):  # a letter whose lower case is two
        folded, hidden = text, secret
    pieces = {hidden[at : at + size] for at in range(len(hidden) - size + 1)}
    kept, at = [], 0
    covered_until = 0
    for at in range(len(text)):
        if folded[at : at + size] in pieces:
            if at >= covered_until:
                kept.append("…")
            covered_until = at + size
        if at >= covered_until:
            kept.append(text[at])
    return "".join(kept)


def _shares(found: str, numbers: Iterable[str]) -> bool:
    digits = re.sub(r"\D", "", found)
    pieces = [digits[at : at + _DIGITS] for at in range(len(digits) - _DIGITS + 1)]
    return any(piece in number for number in numbers for piece in pieces)
