"""Phone numbers → E.164, by libphonenumber's rules (R3, R4)."""

from __future__ import annotations

import re

import phonenumbers

from importer.clean.parsed import NOTHING, Parsed
from importer.text import bare

REGIONS: frozenset[str] = frozenset(phonenumbers.SUPPORTED_REGIONS)
_LONGEST = 17  # digits: 15 of E.164, and room for an international prefix

_SCIENTIFIC = re.compile(r"\+?([0-9]+)(?:[.,]([0-9]*))?[eE]\+?([0-9]{1,2})")
_EXTENSION = re.compile(
    r"[\s,;]*(?:\bext(?:ension)?|\bдоб(?:авочный)?|\bвн(?:утр)?|\bdaxili|\bdahili|\bx|#)"
    r"\s*[.:№]*\s*[0-9]{1,6}\s*\)?\s*$",
    re.IGNORECASE,
)
_PREFIX = re.compile(r"^(?:tel|t|phone|mob|тел|моб)\s*[.:]\s*", re.IGNORECASE)
_SEPARATORS = re.compile(
    r"\s*(?::::|[,;/|\n\r]|\s(?:and|or|и|или|və|ve|veya|ya|yaxud|ya da|&)\s)\s*", re.IGNORECASE
)
_WORDS = re.compile(r"[^\W\d_]")
_NOT_DIGITS = re.compile(r"[^0-9]")
_DECIMALS = re.compile(r"(\+?[0-9]{5,})[.,]0+")


def parse_phone(text: str, region: str) -> Parsed:
    """Read a cell that should hold a phone number; national numbers belong to `region`.

    The whole cell is tried as one number first, then its parts, of which the first valid one is
    taken. Valid is what libphonenumber's `is_valid_number` says.
    """
    plain = bare(text)
    if not plain:
        return NOTHING
    if scientific := _SCIENTIFIC.fullmatch(plain):
        return _from_scientific(scientific, region)
    if decimals := _DECIMALS.fullmatch(plain):
        plain = decimals[1]
    remarks: list[str] = []
    if number := _one_number(plain, region, remarks):
        return Parsed(number, None, tuple(remarks))
    parts = [part for part in _SEPARATORS.split(plain) if part]
    for part in parts if len(parts) > 1 else []:
        remarks = ["phone_multiple"]
        if number := _one_number(part, region, remarks):
            return Parsed(number, None, tuple(remarks))
    return Parsed(None, "invalid_phone")


def _one_number(text: str, region: str, remarks: list[str]) -> str | None:
    """Return the number in E.164, None when the text isn't one valid number."""
    plain = _PREFIX.sub("", text)
    without_extension = _EXTENSION.sub("", plain)
    if without_extension != plain:
        remarks.append("phone_extension_dropped")
    if _WORDS.search(without_extension):
        remarks.append("phone_text_dropped")
    digits = _NOT_DIGITS.sub("", without_extension)
    if not 4 <= len(digits) <= _LONGEST:
        return None
    # libphonenumber reads letters as keys and takes the first of two numbers: give it digits only.
    international = without_extension.lstrip(" (").startswith("+")
    if not international and digits.startswith("00"):
        international, digits = True, digits[2:]
    if international:
        return _valid("+" + _without_trunk_zero(without_extension, digits), None)
    return _valid(digits, region) or _valid("+" + digits, None)


def _without_trunk_zero(text: str, digits: str) -> str:
    """Take out the zero of `+44 (0)20 …`, which is dialled inside the country only."""
    before, bracket, after = text.partition("(0)")
    if not bracket:
        return digits
    return _NOT_DIGITS.sub("", before) + _NOT_DIGITS.sub("", after)


def _valid(number: str, region: str | None) -> str | None:
    try:
        parsed = phonenumbers.parse(number, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(parsed):
        return None
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def _from_scientific(match: re.Match[str], region: str) -> Parsed:
    """Read `9.94500000012E+11` if all digits are there; else they are lost for good (R4)."""
    whole, fraction, exponent = match[1], match[2] or "", int(match[3])
    if len(fraction) < exponent:
        return Parsed(None, "phone_precision_lost")
    digits = whole + fraction[:exponent]
    number = _valid(digits, region) or _valid("+" + digits, None)
    if number is None:
        return Parsed(None, "invalid_phone")
    return Parsed(number, None, ("phone_from_scientific",))
