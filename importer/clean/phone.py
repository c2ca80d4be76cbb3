"""Phone numbers → E.164, by libphonenumber's rules (R3, R4)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import phonenumbers

from importer.clean.parsed import NOTHING, Parsed
from importer.text import bare

if TYPE_CHECKING:
    from collections.abc import Iterator

REGIONS: frozenset[str] = frozenset(phonenumbers.SUPPORTED_REGIONS)
_MOST_LETTERS = 200  # of a cell; a longer text holds no numbers
_LONGEST = 17  # digits: 15 of E.164, and room for an international prefix

# In front of a number in a list: `2)`, `Mob2:`, `№ 39:`.
_LABEL = re.compile(r"^(?:№\s*)?(?:[^\d+]{0,20}\d{0,3}\s?:|[^\d+]{0,3}\d{1,2}[.)\]])\s*(?=[\d+(])")
_LINK = re.compile(r"(?:https?://|wa\.me/|tel:|t\.me/|whatsapp)\S*", re.IGNORECASE)
_DIGITS_OF_LINK = re.compile(r"(?:[/:]|phone=)\+?([0-9]{8,15})(?![0-9])")
_OLD_TRUNK = re.compile(r"8\s?[(-]?\s?(?=0)")  # dialled before the code of an area, until 2000s
_BETWEEN = re.compile(r"[^\d+(]*[^\W\d_][^\d+(]*")  # words that stand between two numbers
_CONTIGUOUS = re.compile(r"[0-9]{11,15}")
_SCIENTIFIC = re.compile(r"\+?([0-9]+)(?:[.,]([0-9]*))?[eE]\+?0{0,2}([0-9]{1,2})")
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
    if len(plain) > _MOST_LETTERS:
        return Parsed(None, "invalid_phone")
    if scientific := _SCIENTIFIC.fullmatch(plain):
        return _from_scientific(scientific, region)
    if decimals := _DECIMALS.fullmatch(plain):
        plain = decimals[1]
    for candidate, noted in _candidates(plain):
        remarks = list(noted)
        if number := _one_number(candidate, region, remarks):
            return Parsed(number, None, tuple(dict.fromkeys(remarks)))
    return Parsed(None, "invalid_phone")


def _candidates(plain: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield candidates for the number of a cell, the likeliest first, each with its remark."""
    yield plain, ()
    if linked := _in_link(plain):
        yield linked, ("phone_text_dropped",)
    if (unlabelled := _LABEL.sub("", plain)) != plain:
        yield unlabelled, ("phone_text_dropped",)
    for found in (_SEPARATORS.split(plain), _BETWEEN.split(plain), _apart(plain)):
        parts = [part for each in found if (part := _LABEL.sub("", each.strip(" ().-")))]
        if len(parts) > 1:
            yield from ((part, ("phone_multiple",)) for part in parts)


def _apart(text: str) -> list[str]:
    """Return numbers separated by blanks, if each is long enough; else nothing."""
    parts = text.split()
    return parts if all(len(_NOT_DIGITS.sub("", part)) >= 9 for part in parts) else []


def _in_link(text: str) -> str | None:
    """Return the number that a link calls, e.g. `https://wa.me/994…?text=…`, with its plus."""
    link = _LINK.search(text)
    digits = _DIGITS_OF_LINK.search(link[0]) if link else None
    return "+" + digits[1] if digits else None


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
    if number := _valid(digits, region):
        return number
    if (trunk := _OLD_TRUNK.match(without_extension)) and len(digits) == 11:
        return _valid(_NOT_DIGITS.sub("", without_extension[trunk.end() :]), region)
    return _with_plus(without_extension, digits, remarks)


def region_of(number: str) -> str:
    """Return the country of a number as ISO 3166 letters, or its calling code where it has none.

    `number` is in E.164.
    """
    parsed = phonenumbers.parse(number, None)
    region = phonenumbers.region_code_for_number(parsed)
    return region if region and region.isalpha() else f"+{parsed.country_code}"


def _with_plus(text: str, digits: str, remarks: list[str]) -> str | None:
    """Return the number that digits without blanks make with a plus in front (R3).

    With a plus, national numbers of other countries and numbers with a digit too many would be
    valid somewhere: so only contiguous digits count, and only if the number keeps them all.
    """
    if not _CONTIGUOUS.fullmatch(text.strip()):
        return None
    number = _valid("+" + digits, None)
    if number != "+" + digits:
        return None
    remarks.append("phone_country_assumed")
    return number


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
    """Read `9.94500000012E+11` if all digits are there; otherwise they are lost (R4)."""
    whole, fraction, exponent = match[1], match[2] or "", int(match[3])
    if len(fraction) < exponent:
        return Parsed(None, "phone_precision_lost")
    digits = whole + fraction[:exponent]
    remarks = ["phone_from_scientific"]
    number = _valid(digits, region) or _with_plus(digits, digits, remarks)
    if number is None:
        return Parsed(None, "invalid_phone")
    return Parsed(number, None, tuple(remarks))
