"""How much text looks like what people are called in the alphabets we know. Pure."""

from __future__ import annotations

import math
import re
from collections import Counter
from typing import NamedTuple

# Letters by how many there are of them in a thousand.
_CYRILLIC: dict[float, str] = {
    110: "о",
    80: "еаи",
    65: "нт",
    50: "срвл",
    33: "кмдпу",
    18: "яыьгзб",
    11: "чйхж",
    6: "шюцщэф",
    1: "ъёіїєґў",
    0.5: "әғҹһөүҝ",
}
_TURKISH: dict[float, str] = {
    250: "ı",
    120: "üş",
    80: "çöğİ",
    20: "âé",
    5: "îûáäñèíóß",
    1: "êëàãåïìòôõøúùæœžš",
}
_WESTERN: dict[float, str] = {
    150: "éüöä",
    100: "áíóñç",
    50: "èãëßøåúôê",
    20: "æàâîïõìòùûœšž",
    1: "ýðþ",
}
_MARKS: dict[float, str] = {20: "«»–—…’‘“”№\xa0", 5: "·•©®™°"}  # they stand beside letters
_ELSEWHERE = 0.1  # of a character that no name has


def _logarithms(table: dict[float, str]) -> dict[str, float]:
    return {
        letter: math.log(thousandth / 1000)
        for thousandth, letters in (*table.items(), *_MARKS.items())
        for letter in letters
    }


class Alphabet(NamedTuple):
    """Letters beyond ASCII with the logarithm of how frequent they are."""

    letters: dict[str, float]
    cyrillic: bool


_RUSSIAN = Alphabet(_logarithms(_CYRILLIC), cyrillic=True)
ALPHABETS = {
    "windows-1252": Alphabet(_logarithms(_WESTERN), cyrillic=False),
    "windows-1254": Alphabet(_logarithms(_TURKISH), cyrillic=False),  # iso-8859-9 and quotes
    "windows-1251": _RUSSIAN,
    "koi8-r": _RUSSIAN,
    "cp866": _RUSSIAN,
    "mac-cyrillic": _RUSSIAN,
}
"""Encoding → the letters that names have in it."""

_BAD_WORD = -6.0  # as rare as one in 400
_TURKISH_ONLY = frozenset("ğşıİŞĞ")
_NEVER_TURKISH = frozenset("áóúíñæøåãõëèàìòùý")
_WORD = re.compile(r"[^\s,;|\t\"'()<>@.:/+=_#&*!?%«»–—…’‘“”№·•-]+")


def likeness(text: str, alphabet: Alphabet) -> tuple[float, float]:
    """Return the share of words that are like ones of the alphabet, and how likely the text is.

    The second is a logarithm that is compared with that of the same bytes in another alphabet:
    within a word there is one alphabet, capitals stand where capitals do, and letters are
    frequent ones.
    """
    rare = math.log(_ELSEWHERE / 1000)
    letters = alphabet.letters
    likely = sum(
        number * letters.get(letter, letters.get(letter.lower(), rare))
        for letter, number in Counter(text).items()
        if not letter.isascii()
    )
    words = Counter(word for word in _WORD.findall(text) if not word.isascii())
    total = words.total()
    good = sum(number for word, number in words.items() if _is_good(word, alphabet))
    # Without words there are marks and spaces alone, which any alphabet has.
    return good / total if total else 1.0, likely + _BAD_WORD * (total - good)


def _is_good(word: str, alphabet: Alphabet) -> bool:
    foreign = [letter for letter in word if not letter.isascii()]
    known = alphabet.letters
    if not all(letter in known or letter.lower() in known for letter in foreign):
        return False
    if any(letter.isdecimal() for letter in word):  # 050а123 is a phone number
        return False
    letters = [letter for letter in word if letter.isalpha()]
    if not letters:
        return True
    fits = _fits_cyrillic if alphabet.cyrillic else _fits_latin
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
