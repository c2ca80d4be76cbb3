"""Meanings of header words, in many languages.

The words are in `schemas/header_words.toml`. A header is compared by its words, in any order: first
as it is; then without words that carry no meaning, name the owner or number the column; in parts if
it has two languages; and last without the endings of words.
"""

from __future__ import annotations

import re
import tomllib
from importlib.resources import files
from typing import NamedTuple

from importer.records import RESULT_COLUMNS
from importer.text import fold

_PART_OF_DATE = {  # day, gün, день; month, ay, месяц; year, il, yıl, год
    **dict.fromkeys("dgд", "D"),
    **dict.fromkeys("maм", "M"),
    **dict.fromkeys("yiг", "Y"),
}
_PART = r"(d{1,2}|g{1,2}|д{1,2}|m{1,2}|a{1,2}|м{1,2}|y{2,4}|i{2,4}|г{2,4})"
_DATE_FORMAT = re.compile(rf"\b{_PART}[-./ ]{_PART}[-./ ]{_PART}\b")
_NUMBERED = re.compile(r"[№#]|\b(?:no|nr|num)\b\.?\s*$", re.IGNORECASE)
_LEGEND = re.compile(r"\b[0-9]\s?[-=–—]\s?[^\W\d_]+|[^\W\d_]+\s?[-=–—]\s?[0-9]\b")  # 1=F, 2=M
_ASIDE = re.compile(r"\([^()]*\)|\[[^\[\]]*\]")
_SEPARATORS = re.compile(r"[/|()\[\]\n,;:]| [-–—] ")
_LONGEST = 200  # letters; beyond it is a text, not a header
_ENOUGH = 3  # letters by which a header is known that has lost others
_NOT_WORD = re.compile(r"[\W\d_]+")
_ENDING = re.compile(  # of a possessive, a plural or a case, after letters that are enough
    r"(?<=\w{4})(?:lari|leri|lar|ler|nin|nun|si|su|s|i|u|ы|и|а|ов|ам)$"
)


class Word(NamedTuple):
    """Meaning of a header: the field (or the part of a name), its rank, and its languages."""

    field: str
    rank: int
    languages: frozenset[str]


def key(header: str) -> str:
    """Return a header by which headers are compared: folded, no punctuation, numbers or spaces."""
    return "".join(_tokens(header))


def meaning(header: str) -> Word | None:
    """Return what a header means, None when its words are not known."""
    if len(header) > _LONGEST:
        return None
    word = _meaning(header)
    if word and word.field == "full" and _NUMBERED.search(header):
        return word._replace(field="code", rank=1)  # Customer #, Пациент №
    return word


def _meaning(header: str) -> Word | None:
    return (
        _known(_tokens(header))
        or _known(_tokens(_DATE_FORMAT.sub(" ", _lowered(_ASIDE.sub(" ", header)))))
        or _known(_tokens(_LEGEND.sub(" ", header)))
        or _of_parts(header)
        or _with_lost_letters(header)
    )


def _known(tokens: list[str]) -> Word | None:
    """Return what words mean, at first as they are, then with fewer and fewer of them."""
    if not tokens or len(tokens) > 8:
        return None
    if word := _BY_KEY.get("".join(tokens)):
        return word
    late = sum(_LATER.get(token, 0) for token in tokens)
    for silent in (_NOISE, _NOISE | _OWNERS, _NOISE | _OWNERS | _JOINING | _LATER.keys()):
        left = [token for token in tokens if token not in silent]
        word = _BY_KEY.get("".join(left)) or _BY_WORDS.get(frozenset(left))
        if word and word.field == "full" and "user" in tokens:
            return None  # a user name is a login
        if word:
            return word._replace(rank=word.rank + late)
    return _of_words(left) or _BY_STEMS.get(frozenset(map(_stem, left)))


def _of_words(tokens: list[str]) -> Word | None:
    """Return the meaning of several known words together: фамилия имя отчество, тел мобильный."""
    words = [word for token in tokens if (word := _BY_KEY.get(token))]
    fields = [word.field for word in words]
    if len(fields) < 2 or len(fields) < len(tokens):
        return None
    languages = frozenset.intersection(*(word.languages for word in words))
    if len(set(fields)) == 1:
        return Word(fields[0], min(word.rank for word in words), languages)
    if not _PARTS.issuperset(fields):
        return None
    if {"last", "first"}.issubset(fields) or {"last", "full"}.issubset(fields):
        return Word("full", 0, languages)
    return Word("first", 0, languages) if set(fields) == {"first", "middle"} else None


def _of_parts(header: str) -> Word | None:
    """Return the meaning of a header that states it more than once: Telefon / Phone."""
    parts = [part for part in _SEPARATORS.split(header) if _tokens(part)]
    words = [_known(_tokens(part)) for part in parts]
    known = [word for word in words if word]
    if len(parts) < 2 or len(known) < len(parts):
        return None
    fields = {word.field for word in known}
    languages = frozenset[str]().union(*(word.languages for word in known))
    rank = min(word.rank for word in known)
    if len(fields) == 1:
        return Word(known[0].field, rank, languages)
    if fields <= {"full", "first"}:  # Ad / Name
        return Word("first", rank, languages)
    return Word("full", rank, languages) if fields <= _PARTS and "last" in fields else None


def _with_lost_letters(header: str) -> Word | None:
    """Return the meaning of a header whose letters an old encoding turned into ?: Do?um tarixi."""
    asked = header.replace("\ufffd", "?")
    if "?" not in asked:
        return None
    known = ["".join(_tokens(part)) for part in asked.split("?")]
    if sum(map(len, known)) < _ENOUGH:
        return None
    spelt = re.compile("[^\\W\\d_]".join(map(re.escape, known)))
    words = [word for key, word in _BY_KEY.items() if spelt.fullmatch(key)]
    return words[0] if len({word.field for word in words}) == 1 else None


def _lowered(header: str) -> str:
    return header.lower().replace("i\u0307", "i")


def stated_order(header: str) -> str | None:
    """Return the order of dates that a header says, DMY of `Birthday (DD.MM.YYYY)`; None: none."""
    for parts in _DATE_FORMAT.findall(_lowered(header)):
        order = "".join(_PART_OF_DATE[part[0]] for part in parts)
        if order in {"DMY", "MDY", "YMD"}:
            return order
    return None


def is_known(header: str) -> bool:
    """Return whether a header is one of those that every list of people has."""
    return header in RESULT_COLUMNS or is_id(header) or meaning(header) is not None


def is_id(header: str) -> bool:
    """Return whether a header names an identifier, which is a cid if its values are UUIDs."""
    return key(header) in _IDS


def is_company(header: str) -> bool:
    """Return whether a column holds the name of a company."""
    return key(header) in _COMPANIES


def is_other_number(header: str) -> bool:
    """Return whether a column holds numbers of orders, taxes, papers or accounts, so no cards."""
    return not _OTHER_NUMBERS.isdisjoint(_tokens(header))


def is_other_day(header: str) -> bool:
    """Return whether a column holds days of the year that aren't birthdays: of a wedding."""
    tokens = _tokens(header)
    return not _OTHER_DAYS.isdisjoint(tokens) or " ".join(tokens) in _OTHER_DAYS


def is_secret(header: str) -> bool:
    """Return whether a column holds passwords, tokens or the like."""
    tokens = _tokens(header)
    return not _SECRET.isdisjoint(tokens) or any(
        part in token for token in tokens for part in _SECRET_PARTS
    )


def _tokens(header: str) -> list[str]:
    split = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", header.replace("№", " "))
    return _NOT_WORD.sub(" ", fold(split)).split()


def _stem(token: str) -> str:
    return _ENDING.sub("", token)


_DATA = tomllib.loads((files("schemas") / "header_words.toml").read_text("utf-8"))
_OTHER = _DATA["other"]
_IDS = frozenset(map(key, _OTHER["ids"]))
_COMPANIES = frozenset(map(key, _OTHER["company"]))
_OTHER_NUMBERS = frozenset(map(fold, _OTHER["other_numbers"]))
_OTHER_DAYS = frozenset(map(fold, _OTHER["other_days"]))
_SECRET = frozenset(map(fold, _OTHER["secret"]))
_SECRET_PARTS = tuple(map(fold, _OTHER["secret_parts"]))
_NOISE = frozenset(map(fold, _OTHER["noise"]))
_OWNERS = frozenset(map(fold, _OTHER["owners"]))
_JOINING = frozenset(map(fold, _OTHER["joining"]))
_LATER = {fold(word): rank for word, rank in _DATA["later"].items()}
_PARTS = frozenset(["full", "first", "middle", "last"])


_LISTED = tuple(
    (_tokens(header), Word(field, int(rank), frozenset([language])))
    for field, ranks in _DATA["words"].items()
    for rank, languages in ranks.items()
    for language, headers in languages.items()
    for header in headers
)
"""Every header that is known, by its words, and what it means in one language."""


def _by_key() -> dict[str, Word]:
    found: dict[str, Word] = {}
    for tokens, word in _LISTED:
        known = found.get(header := "".join(tokens))
        found[header] = word._replace(
            languages=word.languages | (known.languages if known else frozenset())
        )
    return found


def _by(words: dict[frozenset[str], set[str]]) -> dict[frozenset[str], Word]:
    """Return words → what they mean, where all headers of these words mean one field."""
    found = {}
    for tokens, headers in words.items():
        meant = [_BY_KEY[header] for header in sorted(headers)]
        if len({word.field for word in meant}) == 1:
            languages = frozenset[str]().union(*(word.languages for word in meant))
            rank = min(word.rank for word in meant)
            found[tokens] = Word(meant[0].field, rank, languages)
    return found


def _gathered(*, stems: bool) -> dict[frozenset[str], set[str]]:
    found: dict[frozenset[str], set[str]] = {}
    for header, _ in _LISTED:
        tokens = [token for token in header if token not in _JOINING]
        words = frozenset(map(_stem, tokens) if stems else tokens)
        if words and len(words) == len(tokens):
            found.setdefault(words, set()).add("".join(header))
    return found


_BY_KEY = _by_key()
_BY_WORDS = _by(_gathered(stems=False))
_BY_STEMS = _by(_gathered(stems=True))
