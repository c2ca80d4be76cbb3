"""Compare two names by words, initials and spelling (who-is-this-customer §2).

A name is compared as tokens of its words, so that it can be kept as keyed digests: a text in which
each word is one item, words separated by spaces. An item is `letters:forms` for a word, `letters`
for an initial, `#token` for a number; a letter has 2 characters and a form 5, without separator.
"""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import islice, product
from typing import TYPE_CHECKING, NamedTuple

from importer.matching.spellings import forms, initials, outlines

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Token = Callable[[str, int], str]
    """Makes a token of a text and the number of characters the token has."""

_LETTER = 2  # characters of a token
_FORM = 5
_OUTLINE = 6
_WORDS = re.compile(r"[^\W\d_]['’‘`´ʹʼʻ\w\u0300-\u036f]*|[0-9]+")
_PARTICLES = frozenset(["oglu", "ogli", "gizi", "kizi"])  # son of, daughter of: not part of a name
_MOST_WORDS = 12
_MOST_OUTLINES = 8


class _Word(NamedTuple):
    forms: frozenset[str]  # empty for an initial
    letters: frozenset[str]  # empty for a number


class _Part(NamedTuple):
    """Looks of a word of a name, or of a number, by which it is found and compared."""

    item: str
    outlines: tuple[str, ...]
    is_particle: bool


def name_evidence(name: str, token: Token) -> tuple[str, tuple[str, ...]]:
    """Return a name as tokens, and tokens to find it by, mostly one, that equal names share.

    Both are empty where it has no letter and no digit. Particles don't tell people apart.
    """
    words = _WORDS.findall(name)[:_MOST_WORDS]
    parts = [_part(word, token) for word in set(words)]
    parts = [part for part in parts if not part.is_particle] or parts
    if not parts:
        return "", ()
    tokens = " ".join(sorted({part.item for part in parts}))
    return tokens, _outlines([part.outlines for part in parts], token)


def _outlines(parts: list[tuple[str, ...]], token: Token) -> tuple[str, ...]:
    combined = list(islice(product(*sorted(parts)), _MOST_OUTLINES))
    if len(combined) == 1:
        return (token(" ".join(sorted(combined[0])), _OUTLINE),)
    texts = {" ".join(sorted(part)) for part in combined}
    return tuple(sorted([token(text, _OUTLINE) for text in texts]))


@lru_cache(maxsize=200_000)
def _part(word: str, token: Token) -> _Part:
    particle = not _PARTICLES.isdisjoint(forms(word))
    return _Part(_item(word, token), outlines(word), particle)


def _item(word: str, token: Token) -> str:
    if word[0].isdigit():
        return "#" + token(word, _FORM)
    letters = "".join(token(letter, _LETTER) for letter in initials(word))
    if len(word) == 1:
        return letters
    return f"{letters}:{''.join(token(form, _FORM) for form in forms(word))}"


@lru_cache(maxsize=100_000)
def alike(name: str, other: str) -> bool:
    """Return whether two names (as tokens) may be one person's.

    The words of one are contained in the other, an initial standing for a word; a word at least is
    in both; their numbers are the same (Guest 1 isn't Guest 2, nor Guest).
    """
    if name == other:
        return bool(name)
    fewer, more = sorted((_words(name), _words(other)), key=len)
    return (
        _numbers(fewer) == _numbers(more)
        and share_a_word(name, other)
        and _contained(fewer, more, initials_count=True)
    )


@lru_cache(maxsize=100_000)
def equal(name: str, other: str) -> bool:
    """Return whether two names (as tokens) have the same words, however they are spelt.

    An initial is the same as an initial only.
    """
    words, others = _words(name), _words(other)
    return len(words) == len(others) > 0 and _contained(words, others, initials_count=False)


@lru_cache(maxsize=100_000)
def share_a_word(name: str, other: str) -> bool:
    """Return whether a word is in both names; an initial and a number are no words."""
    return any(
        word.forms & candidate.forms
        for word in _words(name)
        for candidate in _words(other)
        if word.letters and candidate.letters
    )


def _contained(fewer: Sequence[_Word], more: Sequence[_Word], *, initials_count: bool) -> bool:
    """Return whether each word finds one of its own among the others."""
    if not fewer:
        return True
    first, rest = fewer[0], fewer[1:]
    return any(
        _same(first, candidate, initials_count)
        and _contained(rest, [*more[:index], *more[index + 1 :]], initials_count=initials_count)
        for index, candidate in enumerate(more)
    )


def _same(word: _Word, other: _Word, initials_count: bool) -> bool:
    if word.forms and other.forms:
        return not word.forms.isdisjoint(other.forms)
    if bool(word.forms) != bool(other.forms) and not initials_count:
        return False
    return not word.letters.isdisjoint(other.letters)


def _numbers(words: Sequence[_Word]) -> set[frozenset[str]]:
    return {word.forms for word in words if not word.letters}


@lru_cache(maxsize=100_000)
def _words(name: str) -> tuple[_Word, ...]:
    return tuple(_unpacked(item) for item in name.split())


def _unpacked(item: str) -> _Word:
    if item.startswith("#"):
        return _Word(frozenset([item]), frozenset())
    letters, _, spelt = item.partition(":")
    return _Word(_split(spelt, _FORM), _split(letters, _LETTER))


def _split(tokens: str, size: int) -> frozenset[str]:
    return frozenset(tokens[start : start + size] for start in range(0, len(tokens), size))
