"""Words and codes for a gender → 1 male, 2 female (R6, API facts §4.1)."""

from __future__ import annotations

import re

from importer.clean.parsed import NOTHING, Parsed
from importer.text import fold, is_nothing, tidy

MALE, FEMALE = 1, 2

_WORDS = {
    MALE: """1 m male man men boy kisi oglan erkek bay м муж мужской мужчина мужчины мальчик
        homme hombre uomo mann männlich mężczyzna чоловік чоловіча чол ч
        კაცი მამრობითი მამრ erkak ер еркек masculin masculino maschio varón macho férfi bărbat
        muž мъж mies mees vyras vīrietis άνδρας άντρας ذكر مرد זכר 男 男性 남 남성 남자 nam ชาย
        արական""",
    FEMALE: """2 f female woman women girl qadin qiz kadin bayan ж жен женский женщина женщины
        девочка femme mujer donna frau weiblich w kobieta жінка жіноча жін
        ქალი მდედრობითი მდედრ ayol әйел féminin feminino femenino femmina vrouw kvinna kvinde nő
        femeie žena жена nainen naine moteris sieviete γυναίκα أنثى انثى زن נקבה 女 女性 여 여성
        여자 nữ หญิง իգական""",
}
_GENDER = {fold(word): gender for gender, words in _WORDS.items() for word in words.split()}
_EQUATION = re.compile(r"(?<![^\W_])(?=([^\W_]{1,15})\s?[-=:–—]\s?([^\W_]{1,15}))")
_LETTERS = re.compile(r"[^\W\d_]+")
_YES = tuple("1 yes true y bəli hə evet да так ja oui sí tak დიახ".split())
_NO = tuple("0 no false n yox xeyr hayır нет ні nein non nie არა".split())
_BY_LANGUAGE = {
    "az": {"k": MALE, "q": FEMALE},
    "tr": {"e": MALE, "k": FEMALE},
    "pl": {"k": FEMALE},
    "fr": {"h": MALE},
    "nl": {"v": FEMALE},
    "he": {"ז": MALE, "נ": FEMALE},
}
LETTER_LANGUAGES = frozenset(_BY_LANGUAGE)
"""Languages in which single letters mean what they mean nowhere else."""
_NOT_GIVEN = frozenset(
    fold(word)
    for word in [
        "0",
        "unknown",
        "unspecified",
        "undefined",
        "not given",
        "not specified",
        "not set",
        "prefer not to say",
        "rather not say",
        "bilinmir",
        "naməlum",
        "göstərilməyib",
        "qeyd olunmayıb",
        "bilinmiyor",
        "belirtilmemiş",
        "belirtilmedi",
        "belirsiz",
        "не указан",
        "не указано",
        "не указана",
        "неизвестно",
        "неизвестен",
        "не задан",
        "нет данных",
    ]
)
_OTHER = frozenset(
    fold(word)
    for word in [
        "other",
        "x",
        "non-binary",
        "nonbinary",
        "non binary",
        "nb",
        "diverse",
        "divers",
        "d",
        "another",
        "другой",
        "другое",
        "digər",
        "başqa",
        "diğer",
        "başka",
    ]
)


def parse_gender(text: str, language: str | None, own: tuple[tuple[str, int], ...] = ()) -> Parsed:
    """Read a cell that should hold a gender. K, Q and E are known in a `language` only.

    `own` are words of the system that the list is from, before all others; 0 for not given.
    """
    plain = tidy(text)
    word = fold(plain).strip(" .").removesuffix(".0")
    for known, meant in own:
        if fold(known) == word:
            return Parsed(meant) if meant else NOTHING
    if is_nothing(plain):
        return NOTHING
    if word in _NOT_GIVEN:
        return NOTHING
    if gender := _GENDER.get(word) or _BY_LANGUAGE.get(language or "", {}).get(word):
        return Parsed(gender)
    if word in _OTHER:
        return Parsed(None, None, ("gender_not_representable",))
    return Parsed(None, "unknown_gender")


def stated_genders(header: str) -> tuple[tuple[str, int], ...]:
    """Return what a header says of its values, as `Sex (1=F 2=M)` does: value → gender.

    A header that is a gender, `Female?`, has yes and no below it.
    """
    if len(header) > 100:
        return ()
    words = [word for word in _LETTERS.findall(fold(header)) if len(word) > 1]
    genders = {_GENDER[word] for word in words if word in _GENDER}
    if len(genders) == 1 and not _EQUATION.search(header):
        [stated] = genders
        return (
            *((word, stated) for word in _YES),
            *((word, FEMALE if stated == MALE else MALE) for word in _NO),
        )
    found: dict[str, int] = {}
    for left, right in _EQUATION.findall(header):
        for value, word in ((left, right), (right, left)):
            gender = None if word.isdigit() else _GENDER.get(fold(word))
            if gender and not (value.isalpha() and fold(value) in _GENDER):
                found.setdefault(value, gender)
                break
    return tuple(found.items())


def proven_language(texts: set[str]) -> str | None:
    """Return the language that the words of a column prove, for reading K; None: not proven.

    Q stands in Azerbaijani only (qadın), E in Turkish only (erkek); H beside F is French.
    """
    words = {fold(tidy(text)).strip(" .") for text in texts}
    az = bool(words & {"q", "qadin", "kisi", "qiz", "oglan"})
    tr = bool(words & {"e", "erkek", "kadin", "bay", "bayan"})
    if not az and not tr and {"h", "f"} <= words and "m" not in words:
        return "fr"
    return None if az == tr else "az" if az else "tr"
