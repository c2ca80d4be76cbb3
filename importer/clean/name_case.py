"""Names typed in capitals alone, or without any, in the case of a name: Əli Məmmədov.

For Azerbaijani, Turkish, Russian and English. A name in mixed case stays: its author knew better.
"""

from __future__ import annotations

import re

_TURKIC = re.compile("[əƏğĞıİşŞçÇöÖüÜ]")
_DOTS = re.compile("[İı]")
_LOWER = str.maketrans({"I": "ı", "İ": "i"})
_UPPER = str.maketrans({"i": "İ", "ı": "I"})
_WORD = re.compile(r"[^\s\-./]+")
_VOWELS = frozenset("aeiouyəıöüаеёиоуыэюяіїє")
_SON_OF = frozenset("oğlu oglu qızı qizi kızı kizi оглы кызы угли".split())
"""Words of a patronymic, which are no names."""
_FORMS = frozenset("ооо оао зао пао ао ип тоо чп ао аş".split())
"""Legal forms that have vowels; those without are known by that."""


def title_case(name: str, language: str | None = None) -> str:
    """Return a name in the case of a name, the same where it is in mixed case already.

    `language` is az, ru, tr, en or None. İ and I are different letters where the language may be a
    Turkic one and the name has a letter of its own; a name in plain ASCII keeps i and I one letter.
    """
    letters = [letter for letter in name if letter.isalpha()]
    one_case = len({letter.isupper() for letter in letters if letter.isupper() or letter.islower()})
    if one_case != 1:
        return name
    letters_of_it = _DOTS if language in {"ru", "en"} else _TURKIC
    turkic = bool(letters_of_it.search(name))
    return _WORD.sub(lambda found: _titled(found[0], turkic=turkic), name)


def _titled(word: str, *, turkic: bool) -> str:
    small = _lower(word, turkic=turkic)
    if small in _SON_OF:
        return small
    if word.isupper() and (small in _FORMS or _is_short_form(small)):
        return word
    parts = re.split("(['’ʼ`])", small)  # O'Neil, D'Angelo; but Ayşe'nin
    if len(parts) == 3 and len(parts[0]) == 1:
        return "".join(_capital(part, turkic=turkic) for part in parts)
    return _capital(small, turkic=turkic)


def _is_short_form(small: str) -> bool:
    return len(small) > 1 and small.isalpha() and not _VOWELS & set(small)


def _lower(text: str, *, turkic: bool) -> str:
    if turkic:
        return text.translate(_LOWER).lower()
    return text.lower().replace("i\u0307", "i")  # what lower() makes of İ


def _capital(text: str, *, turkic: bool) -> str:
    for place, letter in enumerate(text):
        if letter.isalpha():
            large = letter.translate(_UPPER) if turkic else letter
            return text[:place] + large.upper() + text[place + 1 :]
    return text
