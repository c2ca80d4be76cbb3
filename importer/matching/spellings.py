"""One word of a name → the ways it may be spelt, in one small alphabet.

The same name is Hüseyn, Huseyn, Гусейн; Quliyev, Guliyev, Кулиев; Yuliya, Julia, Юлия. What only
changes the spelling becomes one letter (y and i, sh and ş); what may be one of two sounds gives two
forms (ə, and e where the ə was lost: a or e; Г: g or h). Two words are the same when they have a
form in common. Letters are never compared by similarity: Əli and Vəli differ, and so do Camil and
Kamil.

Letters of other scripts than Latin and Cyrillic are read by anyascii.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from itertools import islice, product

from anyascii import anyascii

_MOST_FORMS = 32  # a word has 1 to 8; Xədicəxanım has 32

# Sounds that Latin writes with two letters or an accent have one letter here:
# č ç, š ş, ž zh, J Azerbaijani c (English j).
_SPELLINGS = """
ə=a/e ä=a/e e=a/e ı=i y=i w=v ş=š/s ș=š/s š=š/s sh=š sch=š shch=š ç=č č=č ch=č tch=č chr=kr c=J/č
dj=J dzh=J j=J/ž/i zh=ž ž=ž q=g/k ğ=g gh=g kh=h x=h/ks ck=k ct=kt cl=kl cr=kr ph=f th=t tz=ts
yo=o/e kya=ka/kia gya=ga/gia

а=a б=b в=v г=g/h ґ=g д=d дж=J е=e ё=e/o є=e ж=ž з=z и=i і=i ї=i й=i ј=i к=k/g кс=ks л=l м=m н=n
о=o п=p р=r с=s т=t у=u ў=u ф=f х=h ц=ts ч=č ш=š/s щ=š ъ= ы=i ь= э=e ю=u
ә=a/e ғ=g ҝ=g қ=k/g ҹ=J җ=J ҷ=J һ=h ө=o ү=u ұ=u ң=n
"""
# A letter that is read otherwise in one place has a letter of its own there: Кямран is Kamran and
# Катя Katya, but Яна isn't Ana; c is Azerbaijani, but Marc ends in k.
_PLACES = (
    (re.compile("(?<=[бвгджзклмнпрстфхцчшщ])я"), "ѧ"),
    (re.compile("c$"), "ċ"),
)
_READINGS: dict[str, tuple[str, ...]] = {
    letters: tuple(sounds.split("/"))
    for letters, _, sounds in (
        item.partition("=") for item in f"{_SPELLINGS} я=ia ѧ=ia/a ċ=J/č/k".split()
    )
}
_PARTS = re.compile(
    "|".join(sorted(map(re.escape, _READINGS), key=len, reverse=True)) + "|.", re.DOTALL
)
_APOSTROPHES = re.compile(r"['’‘`´ʹʼʻ\u0300-\u036f]")
_REPEATED = re.compile(r"([^\W\d])\1+")  # a letter: Table11 isn't Table1
_ENDING_ER = re.compile(r"(?<=[bcdfghklmnprstvzčšžJ])er$")
# In a surname e and a, and -ov and -ev, are one: Мамедов and Mammadov are Məmmədov, Оруджев is
# Orucov, and it distinguishes no brothers.
_SURNAME = re.compile(r"(.{2,})((?:[oe](?:[vf]a?|vič|vna))|zad[ea])")
_OUTLINE = str.maketrans("hkš", "ggs", "aeiouJčž")
_WITHOUT_CASE = str.maketrans({"İ": "i", "I": "i"})


@lru_cache(maxsize=20_000)
def forms(word: str) -> tuple[str, ...]:
    """Return the forms of a word, sorted; at least one, where the word has a letter or digit."""
    if word.isascii() and word.isdecimal():
        return (word,)
    plain = _lowered(word)
    for place, letter in _PLACES:
        plain = place.sub(letter, plain)
    readings = [_readings(part) for part in _PARTS.findall(plain)]
    spelt = islice(product(*readings), _MOST_FORMS)
    return tuple(sorted({_canonical("".join(letters)) for letters in spelt} - {""}))


@lru_cache(maxsize=20_000)
def initials(word: str) -> tuple[str, ...]:
    """Return the letters that may stand for a word as its initial, sorted.

    By its sound and by its first letter: Şahin is abbreviated Ş. and S., Yusif Y., Юсиф Ю. or Y.
    """
    plain = _lowered(word)
    if not plain:
        return ()
    letters = {form[0] for form in forms(word)}
    for first in (plain[0], anyascii(plain[0])[:1].lower()):
        letters.update(form[:1] for form in _READINGS.get(first, (first,)))
    return tuple(sorted(letters - {""}))


def _lowered(word: str) -> str:
    plain = word.translate(_WITHOUT_CASE).casefold()
    return _APOSTROPHES.sub("", unicodedata.normalize("NFC", plain))


def _readings(part: str) -> tuple[str, ...]:
    if found := _READINGS.get(part):
        return found
    plain = anyascii(part).lower().replace("'", "")
    return _READINGS.get(plain, (plain,))


def _canonical(spelt: str) -> str:
    """Return one spelling: no double letters, no i before another vowel but a, no German e."""
    plain = _REPEATED.sub(r"\1", spelt)
    for pair, letter in (("iu", "u"), ("ie", "e"), ("io", "o"), ("ue", "u"), ("oe", "o")):
        plain = plain.replace(pair, letter)
    plain = _ENDING_ER.sub("r", _REPEATED.sub(r"\1", plain))
    if surname := _SURNAME.fullmatch(plain):
        return surname[1].replace("e", "a") + surname[2].replace("f", "v").replace("e", "o")
    return plain


@lru_cache(maxsize=20_000)
def outlines(word: str) -> tuple[str, ...]:
    """Return rough texts, mostly one, of which two spellings of a word have one in common.

    To find names by: consonants that no spelling confuses with a vowel, one for each class.
    """
    return tuple(sorted({form.translate(_OUTLINE) for form in forms(word)}))
