"""Guess the kind of a column by its values alone.

Up to `SAMPLE` filled cells from the whole column represent it: a million rows cost as much as a
thousand.
"""

from __future__ import annotations

import re
from collections import Counter
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np
import phonenumbers
import pyarrow as pa
import pyarrow.compute as pc

from importer.arrow import arrow
from importer.i18n import tr_noop
from importer.text import bare, fold, is_cell_error

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from importer.records import Sheet

SAMPLE = 400
_MOST = 0.7  # share of the values that must agree

_EMAIL = re.compile(r"(?:[^@\s<>]{1,64}\s{0,3}<|mailto:)?[^@\s<>]{1,64}@[^@\s<>]+\.[^\W\d_]{2,}>?")
_PHONE = re.compile(r"(?:\+|00)?[\d\s()./-]{7,24}")
_GROUPED = re.compile(r"\+|00|0\d|\(|\d{2,4}[\s()./-]\d")
_DATE = re.compile(
    r"(?:(\d{4})[-./]\d{1,2}[-./]\d{1,2}|\d{1,2}[-./]\d{1,2}[-./](\d{4}))(?:[T ,].*)?"
)
_TIME = re.compile(r"\d:\d\d")
_SEVERAL = re.compile(r"(?<!\d)(?:\+|00)?\d[\d ()./-]{6,22}\d(?!\d)")  # numbers among words
_UUID = re.compile(r"[{(]?[0-9a-fA-F]{8}(?:-?[0-9a-fA-F]{4}){3}-?[0-9a-fA-F]{12}[)}]?")
_HASH = re.compile(
    r"\$(?:P|H|S|apr1|y|\d[a-z]{0,2}|argon2\w{1,2}|pbkdf2[\w-]{0,16})\$\S{8,}"
    r"|(?:pbkdf2_sha\d+|bcrypt\w{0,8}|argon2)\$\S{8,}|\{(?:SSHA|SHA|MD5|CRYPT)\d*\}\S{8,}"
    r"|eyJ[\w-]{8,}\.[\w-]{8,}\.\S*"
)
_NUMBER = re.compile(r"[+-]?\d+(?:[.,]\d+)?")
_NAME = re.compile(r"[\W\d]{0,8}[^\W\d_][^@_\\=<>{}$%^*|~]{0,100}")
_WORD = re.compile(r"[^\W\d_]+")
_CARD = re.compile(r"(?=\D*\d)[A-Za-z]{0,4}[-\s]?\d[\d\s-]{4,22}")
_LONGEST = 100  # letters of a cell with several phones
LAST_BIRTH_YEAR = 2012  # most of a list of guests were born before


class Content(StrEnum):
    """Likely kind of a column."""

    NOTHING = tr_noop("nothing")
    PHONES = tr_noop("phones")
    EMAILS = tr_noop("e-mail addresses")
    BIRTH_DATES = tr_noop("dates of birth")
    DATES = tr_noop("dates")
    CARDS = tr_noop("card numbers")
    UUIDS = tr_noop("UUIDs")
    SECRETS = tr_noop("passwords or tokens")
    NUMBERS = tr_noop("numbers")
    FEW = tr_noop("a few different values")
    NAMES = tr_noop("names")
    TEXT = tr_noop("text")


def sample(sheet: Sheet, column: int, most: int = SAMPLE) -> list[str]:
    """Return up to `most` filled cells of a column, from its top to its end, malformed rows out."""
    texts = sheet.table[column]
    cells = arrow(texts.drop(index=list(sheet.malformed)) if sheet.malformed else texts)
    filled = cells.filter(pc.not_equal(cells, ""))
    if len(filled) > most:
        filled = filled.take(pa.array(np.linspace(0, len(filled) - 1, most).astype(np.int64)))
    return [plain for text in filled.to_pylist() if (plain := bare(text))]


def holds_secrets(sheet: Sheet, column: int) -> bool:
    """Return whether many cells of a column are hashes of passwords, or tokens."""
    texts = sample(sheet, column, 50)
    return bool(texts) and _share(texts, _HASH.fullmatch) >= 0.3


def content_of(sheet: Sheet, column: int, region: str = "AZ") -> Content:
    """Return what most cells of a column seem to hold; national phones are those of `region`."""
    return content(sample(sheet, column), region)


def content(texts: Sequence[str], region: str = "AZ") -> Content:  # noqa: C901 - one test after the other
    """Return what most of these texts seem to be, the narrowest kind first."""
    texts = [text for text in texts if not is_cell_error(text)]
    if not texts:
        return Content.NOTHING
    if _share(texts, _HASH.fullmatch) >= 0.3:
        return Content.SECRETS
    if _share(texts, _EMAIL.fullmatch) >= _MOST:
        return Content.EMAILS
    if _share(texts, _UUID.fullmatch) >= _MOST:
        return Content.UUIDS
    years = [int(found[1] or found[2]) for text in texts if (found := _DATE.fullmatch(text))]
    if len(years) >= _MOST * len(texts):
        born = sum(1900 < year <= LAST_BIRTH_YEAR for year in years)
        times = [found[0] for text in texts if (found := _TIME.search(text))]
        # Birthdays that were kept as moments have one time, or two: that of summer is another.
        timed = 2 * len(times) >= len(texts) and len(set(times)) > 2
        likely = born >= _MOST * len(years) and not timed
        return Content.BIRTH_DATES if likely else Content.DATES
    phones = phone_share(texts, region)
    if phones >= _MOST:
        return Content.PHONES
    emails = _share(texts, _EMAIL.fullmatch)
    if phones > 0 and emails > 0 and phones + emails >= _MOST:  # how to reach each customer
        return Content.PHONES if phones >= emails else Content.EMAILS
    if _are_cards(texts):
        return Content.CARDS
    if _share(texts, _NUMBER.fullmatch) >= _MOST:
        return Content.NUMBERS
    distinct = len({fold(text) for text in texts})
    few = distinct <= 2 or distinct < 0.05 * len(texts)
    if few and (len(texts) > max(3, 2 * distinct - 1) or are_flags(texts)):
        return Content.FEW
    if _share(texts, is_like_a_name) >= _MOST:
        return Content.NAMES
    return Content.TEXT


def phone_share(texts: Sequence[str], region: str) -> float:
    """Return the share of texts that are phone numbers, of `region` or as written anywhere."""
    return _share(texts, lambda text: _is_phone(text, region))


def is_like_a_name(text: str) -> bool:
    """Return whether text could be what a person or a company is called.

    Words, in which there may be numbers (Bar 24); no number, flag, login, address or link.
    """
    if not _NAME.fullmatch(text) or are_flags([text]):
        return False
    words = _WORD.findall(text)
    letters, digits = sum(map(len, words)), sum(map(str.isdigit, text))
    login = digits > 0 and len(text.split()) == 1
    return (
        1 <= len(words) <= 12
        and (letters > 1 or not text.isascii())
        and not login
        and (digits <= 2 * letters)
    )


_YES_NO = frozenset(
    fold(word)
    for word in "yes no true false y n on off active inactive да нет bəli xeyr hə yox evet hayır "
    "var ja nein oui non sí tak nie так ні კი დიახ არა".split()
)


def are_flags(texts: Sequence[str]) -> bool:
    """Return whether all texts are words for yes and no."""
    return all(fold(text) in _YES_NO for text in texts)


def _is_phone(text: str, region: str) -> bool:
    if _DATE.fullmatch(text):
        return False
    if not _PHONE.fullmatch(text):
        found = _SEVERAL.findall(text[:_LONGEST])
        return any(_is_valid(each.strip(), region) for each in found)
    if _is_valid(text, region):
        return True
    digits = sum(map(str.isdigit, text))
    return 9 <= digits <= 13 and _GROUPED.match(text) is not None


def _is_valid(text: str, region: str) -> bool:
    digits = re.sub(r"\D", "", text)
    if not 7 <= len(digits) <= 15:
        return False
    if valid_phone(digits if not text.startswith("+") else "+" + digits, region):
        return True
    if len(digits) >= 11 and valid_phone("+" + digits, None):
        return _GROUPED.match(text) is not None or not digits.startswith("0")
    return False


def valid_phone(number: str, region: str | None) -> bool:
    """Return whether libphonenumber calls a number valid."""
    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(number, region))
    except phonenumbers.NumberParseException:
        return False


def _are_cards(texts: Sequence[str]) -> bool:
    """Return whether texts are numbers of cards: long, different, of one length, alike at first."""
    if (
        len(texts) < 3
        or len(set(texts)) < 0.95 * len(texts)
        or _share(texts, _CARD.fullmatch) < 0.9
    ):
        return False
    digits = [re.sub(r"\D", "", text) for text in texts]
    lengths = Counter(map(len, digits))
    if min(lengths) < 8 or max(lengths.values()) < 0.9 * len(texts):
        return False
    heads = Counter(each[:4] for each in digits)
    return max(heads.values()) >= 0.9 * len(texts) or _share(digits, _has_ean_check) >= 0.9


def _has_ean_check(digits: str) -> bool:
    """Return whether the last digit of an EAN-8 or EAN-13 is right (GS1 general specifications)."""
    if len(digits) not in {8, 13}:
        return False
    total = sum(
        int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(digits[-2::-1], 1)
    )
    return (10 - total % 10) % 10 == int(digits[-1])


def _share(texts: Sequence[str], holds: Callable[[str], object]) -> float:
    return sum(bool(holds(text)) for text in texts) / len(texts)
