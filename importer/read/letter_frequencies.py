"""Score how much a text looks like names of people in the alphabets we know."""

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
_LATIN: dict[str, dict[float, str]] = {  # of other languages, by language
    "german": {400: "ü", 250: "öä", 90: "ß", 5: "é"},
    "iberian": {150: "áéíóñ", 60: "úãç", 10: "êõâ", 5: "àüôèòï"},
    "french": {500: "é", 110: "èç", 40: "ëïôêî", 15: "âûàœ", 5: "üùÿ"},
    "italian": {300: "òà", 150: "èùì", 50: "é"},
    "nordic": {250: "åäö", 150: "ø", 50: "æé", 10: "ü"},
    "icelandic": {14: "áóð", 9: "íúþö", 5: "æýé"},  # few people, and letters that look Turkish
    "polish": {250: "ł", 110: "óąśżęń", 50: "ćź"},
    "czech": {250: "á", 120: "íéřšžčýě", 30: "ůúň", 10: "ťďľóô", 3: "ĺŕä"},
    "hungarian": {300: "á", 200: "é", 100: "óöő", 60: "íüúű"},
    "croatian": {350: "ć", 180: "ščž", 100: "đ"},
    "romanian": {250: "ăşţ", 90: "âî"},
    "lithuanian": {300: "ė", 170: "šžū", 100: "č", 30: "ąųęį"},
    "latvian": {250: "ā", 130: "īšēņ", 60: "žļķū", 25: "čģ"},
    "estonian": {250: "õäöü", 20: "šž"},
}
_MARKS: dict[float, str] = {20: "«»–—…’‘“”№\xa0", 5: "·•©®™°"}  # they stand beside letters
_RARE = math.log(0.1 / 1000)  # of a character that no name has


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


class Encoding(NamedTuple):
    """The alphabets of the languages an encoding is for, and how rarely it is met (a logarithm)."""

    alphabets: tuple[Alphabet, ...]
    rarity: float = 0.0


def _alphabets(*languages: str) -> tuple[Alphabet, ...]:
    return tuple(Alphabet(_logarithms(_LATIN[name]), cyrillic=False) for name in languages)


_MARK_LETTERS = _logarithms({})
_RUSSIAN = (Alphabet(_logarithms(_CYRILLIC), cyrillic=True),)
_TURKISH_ONE = (Alphabet(_logarithms(_TURKISH), cyrillic=False),)
_WESTERN = _alphabets("german", "iberian", "french", "italian", "nordic", "icelandic")
_CENTRAL = _alphabets("polish", "czech", "hungarian", "croatian", "romanian", "german")
_BALTIC = _alphabets("lithuanian", "latvian", "estonian", "german")
_DOS, _ABROAD = 2.0, 6.0
ENCODINGS = {
    "windows-1252": Encoding(_WESTERN),
    "windows-1254": Encoding(_TURKISH_ONE),  # iso-8859-9 and quotes
    "windows-1251": Encoding(_RUSSIAN),
    "koi8-r": Encoding(_RUSSIAN),
    "cp866": Encoding(_RUSSIAN),
    "mac-cyrillic": Encoding(_RUSSIAN),
    "cp857": Encoding(_TURKISH_ONE, _DOS),
    "cp850": Encoding(_WESTERN, _DOS),
    "mac-turkish": Encoding(_TURKISH_ONE, _DOS),
    "mac-roman": Encoding(_WESTERN, _DOS),
    "windows-1250": Encoding(_CENTRAL, _ABROAD),
    "windows-1257": Encoding(_BALTIC, _ABROAD),
    "cp852": Encoding(_CENTRAL, _ABROAD),
    "iso-8859-2": Encoding(_CENTRAL, _ABROAD),
    "mac-latin2": Encoding(_CENTRAL, _ABROAD),
    "cp775": Encoding(_BALTIC, _ABROAD),
}
"""Encoding → the letters that names have in it; the ones that are met most come first."""

_BAD_WORD = -6.0  # as rare as one in 400
_TURKISH_ONLY = frozenset("ğşıİŞĞ")
_NEVER_TURKISH = frozenset("áóúíñæøåãõëèàìòùý")
_WORD = re.compile(r"[^\s,;|\t\"'()<>@.:/+=_#&*!?%«»–—…’‘“”№·•-]+")


class LetterScore(NamedTuple):
    """Score of a text as names: share of good words, number of bad ones, a logarithm.

    `likely` is compared with that of the same bytes in another encoding: within a word there is
    one language, capitals stand where capitals do, and letters are frequent ones.
    """

    good: float
    bad: int
    likely: float


def letter_score(text: str, alphabets: tuple[Alphabet, ...]) -> LetterScore:
    """Compare a text with the alphabets of an encoding; each word may be of another language."""
    words = Counter(word for word in _WORD.findall(text) if not word.isascii())
    marks = Counter(_WORD.sub("", text))
    likely = sum(
        number * _MARK_LETTERS.get(mark, _RARE)
        for mark, number in marks.items()
        if not mark.isascii()
    )
    bad = 0
    for word, number in words.items():
        foreign = [letter for letter in word if not letter.isascii()]
        fitting = [each for each in alphabets if _is_good(word, foreign, each)]
        if not fitting:
            bad += number
            likely += number * _BAD_WORD
        likely += number * max(_likely(foreign, each.letters) for each in fitting or alphabets)
    total = words.total()
    # Without words there are marks and spaces alone, which any alphabet has.
    return LetterScore(1 - bad / total if total else 1.0, bad, likely)


def _likely(foreign: list[str], letters: dict[str, float]) -> float:
    return sum([letters.get(letter) or letters.get(letter.lower(), _RARE) for letter in foreign])


def _is_good(word: str, foreign: list[str], alphabet: Alphabet) -> bool:
    """Return whether an alphabet has a word whose letters beyond ASCII are these."""
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
    """Return whether not most letters are foreign, and none of two languages stand together."""
    if 2 * sum(not letter.isascii() for letter in letters) > len(letters) + 2:
        return False
    return _TURKISH_ONLY.isdisjoint(word) or _NEVER_TURKISH.isdisjoint(word.lower())
