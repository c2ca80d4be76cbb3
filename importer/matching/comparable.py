"""Values as they are compared: one number, code or address in all its spellings."""

from __future__ import annotations

import re
from functools import lru_cache

import phonenumbers

_NO_DIGITS = re.compile("[^0-9]+")
_SEVERAL = re.compile(r"[,;/|\n]+")
_DECIMALS = re.compile(r"([0-9]+)[.,]0+")
_ZEROS = re.compile(r"0*([0-9]+)(?:\.0+)?")
_FEWEST_DIGITS = 4  # of what counts as a phone at all


@lru_cache(maxsize=20_000)
def comparable_phones(text: str, region: str) -> tuple[str, ...]:
    """Return the phones of a cell as digits with their country code; () where there is none.

    National numbers belong to `region`. What can't be parsed is compared by its digits
    (API facts §0.12).
    """
    if number := _number(text, region):
        return (number,)
    parts = _SEVERAL.split(text)
    if len(parts) > 1:
        numbers = dict.fromkeys(number for part in parts if (number := _number(part, region)))
        if numbers:
            return tuple(numbers)
    digits = _NO_DIGITS.sub("", text)
    return (digits,) if len(digits) >= _FEWEST_DIGITS else ()


def comparable_code(text: str) -> tuple[str, str]:
    """Return a code as it is, and without what a spreadsheet takes off it: leading zeros, `.0`."""
    plain = text.strip()
    match = _ZEROS.fullmatch(plain)
    return plain, match[1] if match else plain


def comparable_email(text: str) -> str:
    """Return an e-mail address in lower case; "" where there is none."""
    plain = text.strip().casefold()
    return plain if "@" in plain else ""


def _number(text: str, region: str) -> str | None:
    """Return the digits of one valid number, None when the text isn't one."""
    if decimals := _DECIMALS.fullmatch(text.strip()):
        text = decimals[1]
    digits = _NO_DIGITS.sub("", text)
    if not _FEWEST_DIGITS <= len(digits) <= 18:
        return None
    if text.lstrip(" (").startswith("+") or digits.startswith("00"):
        return _valid("+" + digits.removeprefix("00"), None)
    return _valid(digits, region) or _valid("+" + digits, None)


def _valid(number: str, region: str | None) -> str | None:
    """Return the digits of a number; one with a zero behind its country code counts, too."""
    try:
        parsed = phonenumbers.parse(number, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(parsed):
        return None
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)[1:]
