"""Messages in the user's language.

English stands in the code; catalogues of gettext (`locales/`) hold the others. Codes, statuses,
flags and JSON are never translated: programs read them.

The language belongs to the context (`contextvars`), not to the process: tasks and
`asyncio.to_thread` inherit it, a thread of your own needs `copy_context().run`.
"""

from __future__ import annotations

import functools
import gettext
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from gettext import NullTranslations

LANGUAGES = ("en", "az", "ru", "tr")
LOCALES = Path(__file__).parent / "locales"
DOMAIN = "messages"
_WRITTEN = {  # how thousands are set apart, and the decimal mark
    "az": str.maketrans(",.", ".,"),
    "ru": str.maketrans(",.", "\u00a0,"),
    "tr": str.maketrans(",.", ".,"),
}
_PERCENT = {"ru": "{}\u00a0%", "tr": "%{}"}

_language = ContextVar("language", default="en")


def set_language(wanted: str) -> None:
    """Set the language of this context. An unknown one is English."""
    _language.set(wanted if wanted in LANGUAGES else "en")


def language() -> str:
    """Return the language of messages: en, az, ru or tr."""
    return _language.get()


@functools.cache
def _catalogue(name: str) -> NullTranslations:
    return gettext.translation(DOMAIN, LOCALES, [name], fallback=True)


def language_from_env(env: Mapping[str, str]) -> str:
    """Read the language from the environment: LC_ALL, LC_MESSAGES, else LANG."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if env.get(name):
            wanted = env[name][:2].lower()
            return wanted if wanted in LANGUAGES else "en"
    return "en"


def tr_noop(text: str) -> str:
    """Mark a text that is translated where it is shown, not where it stands."""
    return text


def everywhere(text: str) -> frozenset[str]:
    """Return a text in every language: results may have been written in another."""
    return frozenset({text, *(_catalogue(each).gettext(text) for each in LANGUAGES)})


def tr(text: str, /, **values: object) -> str:
    """Translate a text and fill its {placeholders}."""
    # gettext returns the header of the catalogue for "".
    translated = _catalogue(_language.get()).gettext(text) if text else text
    return translated.format(**values) if values else translated


def trn(one: str, many: str, count: int, /, **values: object) -> str:
    """Translate the form that goes with a count, and fill its placeholders; {n} is the count."""
    return plural_form(one, many, count).format(n=number(count), **values)


def plural_form(one: str, many: str, count: int, /) -> str:
    """Translate the form that goes with a count; its placeholders stay."""
    return _catalogue(_language.get()).ngettext(one, many, count)


def date_and_time(moment: datetime) -> str:
    """Write a moment as the language does, to the minute."""
    return f"{moment:%Y-%m-%d %H:%M}" if language() == "en" else f"{moment:%d.%m.%Y %H:%M}"


def number(value: float, places: int = 0) -> str:
    """Write a number as the language does, with so many decimal places."""
    return f"{value:,.{places}f}".translate(_WRITTEN.get(_language.get(), {}))


def percent(share: float, places: int = 0) -> str:
    """Write a share (1.0 is all) as the language does."""
    return percent_sign(number(share * 100, places))


def percent_sign(text: str) -> str:
    """Put the sign where the language has it: 10%, 10 % in Russian, %10 in Turkish."""
    return _PERCENT.get(_language.get(), "{}%").format(text)
