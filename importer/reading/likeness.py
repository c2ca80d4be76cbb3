"""How much text looks like what people are called in the alphabets we know. Pure."""

from __future__ import annotations

import re

_CYRILLIC = frozenset("абвгдежзийклмнопрстуфхцчшщъыьэюяёіїєґўәғҹһөүҝ")
_SHARED = "çöüâîûéèêëáàäãåíìïóòôõøúùñßæœžš"
_TURKISH = frozenset([*_SHARED, *"ğış", "i\u0307"])  # the last is what İ is in lower case
_WESTERN = frozenset(_SHARED + "ýðþ")

ALPHABETS = {
    "windows-1251": _CYRILLIC,
    "koi8-r": _CYRILLIC,
    "cp866": _CYRILLIC,
    "mac-cyrillic": _CYRILLIC,
    "windows-1252": _WESTERN,
    "windows-1254": _TURKISH,  # iso-8859-9 with more quotes
}
"""Encoding → the letters beyond ASCII that names have in it."""

_FREQUENT = frozenset("оеаинтсрвлкм" + "əıişçöüğéáèí")
_RARE = frozenset("ъэщцёіїєґўәғҹһөүҝ" + "ýðþæœøãõåëïžš")
_TURKISH_ONLY = frozenset("ğşıİŞĞ")
_NEVER_TURKISH = frozenset("áóúíñæøåãõëèàìòùý")
_BETWEEN = frozenset("«»–—…’‘“”№·•©®™°")  # marks that stand beside letters
_WORD = re.compile(r"[^\s\d,;|\t\"'()<>@.:/+=_#&*!?%-]+")


def words_of(text: str) -> list[str]:
    """Return the words that hold something beyond ASCII."""
    return [word for word in _WORD.findall(text) if not word.isascii()]


def likeness(text: str, alphabet: frozenset[str]) -> float:
    """Return from 0 to 1 how much the words of text look like ones of the alphabet.

    Three quarters are for good words, one is for letters that are frequent in any text; rare ones
    count against it.
    """
    words = words_of(text)
    if not words:
        return 0.0
    good = sum(_is_good(word, alphabet) for word in words) / len(words)
    letters = [letter for word in words for letter in word.lower() if not letter.isascii()]
    frequent = sum(letter in _FREQUENT for letter in letters) / len(letters)
    rare = sum(letter in _RARE for letter in letters) / len(letters)
    return 0.75 * good + 0.25 * max(0.0, frequent - rare)


def _is_good(word: str, alphabet: frozenset[str]) -> bool:
    foreign = [letter for letter in word if not letter.isascii()]
    if not all(letter.lower() in alphabet or letter in _BETWEEN for letter in foreign):
        return False
    letters = [letter for letter in word if letter.isalpha()]
    if not letters:
        return True
    fits = _fits_cyrillic if alphabet is _CYRILLIC else _fits_latin
    if not fits(word, letters):
        return False
    tail = letters[1:]
    lower = all(letter.islower() for letter in tail)
    return lower or (letters[0].isupper() and all(letter.isupper() for letter in tail))


def _fits_cyrillic(_word: str, letters: list[str]) -> bool:
    return not any(letter.isascii() for letter in letters)


def _fits_latin(word: str, letters: list[str]) -> bool:
    """Tell whether not most letters are foreign, and none of two languages stand together."""
    if 2 * sum(not letter.isascii() for letter in letters) > len(letters) + 2:
        return False
    return _TURKISH_ONLY.isdisjoint(word) or _NEVER_TURKISH.isdisjoint(word.lower())
