"""Find the country that a header or a cell names: its dialling code, its letters, or its name.

Names are in `schemas/countries.toml`.
"""

from __future__ import annotations

import re
import tomllib
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, SUPPORTED_REGIONS

from importer.i18n import LANGUAGES
from importer.mapping.content import sample, valid_phone
from importer.text import fold

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from importer.records import Sheet

_DIALLED = re.compile(r"(?:\+|00)?\s?(\d{1,3})")
_IN_HEADER = re.compile(r"\+\s?(\d{1,3})(?!\d)")
_FLAG_LETTERS = {0x1F1E6 + place: chr(ord("A") + place) for place in range(26)}
_SAMPLE = 100  # rows
_ASIDE = re.compile(r"[(\[]([^()\[\]]{2,40})[)\]]")


def country_of(text: str) -> str | None:
    """Return the region (ISO 3166) that a cell names, None for anything else.

    `994`, `+994`, `AZ`, 🇦🇿, `Azerbaijan`, `Азербайджан`; +7 is Russia, +1 the United States.
    """
    plain = text.strip().removesuffix(".0").translate(_FLAG_LETTERS)
    if dialled := _DIALLED.fullmatch(plain):
        return _of_code(dialled[1])
    if len(plain) == 2 and plain.upper() in SUPPORTED_REGIONS:
        return plain.upper()
    return _names().get(fold(plain)) if 3 <= len(plain) <= 40 else None


def stated_country(header: str) -> str | None:
    """Return the region that a header of phones names: `Telefon (+995)`, `Phone [Georgia]`."""
    if dialled := _IN_HEADER.search(header):
        return _of_code(dialled[1])
    return next(filter(None, map(country_of, _ASIDE.findall(header))), None)


def country_name(region: str, language: str) -> str:
    """Return the name of a region in en, az, ru or tr; its code where it has no name."""
    names = _listed().get(region)
    return names[LANGUAGES.index(language)] if names else region


def _of_code(digits: str) -> str | None:
    regions = COUNTRY_CODE_TO_REGION_CODE.get(int(digits), ())
    return regions[0] if regions and regions[0] in SUPPORTED_REGIONS else None


@cache
def _listed() -> dict[str, list[str]]:
    return tomllib.loads((files("schemas") / "countries.toml").read_text("utf-8"))


@cache
def _names() -> dict[str, str]:
    return {fold(name): region for region, names in _listed().items() for name in names}


def country_column(sheet: Sheet, phones: Sequence[int], columns: Iterable[int]) -> int | None:
    """Return the column that names the country of each row's phones, None if there is none.

    Nine of ten of its values are countries or dialling codes, and seven of ten phones beside them
    that have no country code are numbers of theirs.
    """
    for column in columns:
        texts = sample(sheet, column, _SAMPLE)
        if not texts or sum(country_of(text) is not None for text in texts) < 0.9 * len(texts):
            continue
        if any(_agree(sheet, phone, column) for phone in phones):
            return column
    return None


def _agree(sheet: Sheet, phone: int, country: int) -> bool:
    pairs = zip(
        sheet.table[phone].head(_SAMPLE).tolist(),
        sheet.table[country].head(_SAMPLE).tolist(),
        strict=True,
    )
    national = [
        (text, region)
        for text, named in pairs
        if (region := country_of(named))
        and re.search(r"\d{3}", text)
        and not text.strip(" '(").startswith(("+", "00"))
    ]
    good = sum(valid_phone(text, region) for text, region in national)
    return len(national) > 0 and good >= 0.7 * len(national)
