"""What the program says, in the language of whoever reads it.

English stands in the code; catalogues of gettext (`locales/`) hold the others. Codes, statuses,
flags and JSON are never translated: programs read them.
"""

from __future__ import annotations

import gettext
import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from gettext import NullTranslations

LANGUAGES = ("en", "az", "ru", "tr")
LOCALES = Path(__file__).parent / "locales"
DOMAIN = "messages"
_WRITTEN = {  # how thousands are set apart, and the decimal mark
    "az": str.maketrans(",.", ".,"),
    "ru": str.maketrans(",.", "\u00a0,"),
    "tr": str.maketrans(",.", ".,"),
}

_catalogue: NullTranslations | None = None  # None: English, as it stands in the code
_language = "en"


def use(wanted: str) -> None:
    """Speak this language from now on. One that isn't known is English."""
    global _catalogue, _language  # noqa: PLW0603 - a process speaks to one person
    _catalogue = None
    _language = wanted if wanted in LANGUAGES else "en"
    # click asks gettext for its own words, which looks here for the language.
    os.environ["LANGUAGE"] = _language
    gettext.bindtextdomain(DOMAIN, str(LOCALES))
    if _language != "en":
        _catalogue = gettext.translation(DOMAIN, LOCALES, [_language], fallback=True)


def language() -> str:
    """Return the language that is spoken: en, az, ru or tr."""
    return _language


def spoken(env: Mapping[str, str]) -> str:
    """Return the language that the environment asks for: LC_ALL, LC_MESSAGES, else LANG."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if env.get(name):
            wanted = env[name][:2].lower()
            return wanted if wanted in LANGUAGES else "en"
    return "en"


def later(text: str) -> str:
    """Mark a text that is translated where it is shown, not where it stands."""
    return text


def everywhere(text: str) -> frozenset[str]:
    """Return a text in every language: results may have been written in another."""
    others = (gettext.translation(DOMAIN, LOCALES, [each], fallback=True) for each in LANGUAGES)
    return frozenset({text, *(catalogue.gettext(text) for catalogue in others)})


def tr(text: str, /, **values: object) -> str:
    """Return the text in the language spoken, its {placeholders} filled."""
    said = _catalogue.gettext(text) if _catalogue and text else text
    return said.format(**values) if values else said


def number(value: float, places: int = 0) -> str:
    """Return a number as it is written in the language spoken, with so many decimal places."""
    return f"{value:,.{places}f}".translate(_WRITTEN.get(_language, {}))


def trn(one: str, many: str, count: int, /, **values: object) -> str:
    """Return the form that goes with a count; {n} is the count."""
    english = one if count == 1 else many
    said = _catalogue.ngettext(one, many, count) if _catalogue else english
    return said.format(n=number(count), **values)
