"""Text by the columns it takes on a screen: wide letters take two, combining marks none."""

from __future__ import annotations

import re
import unicodedata

_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def harmless(text: str) -> str:
    """Return text that moves no cursor and changes no colour: a sheet may hold anything."""
    return _CONTROL.sub("�", text)


def width(text: str) -> int:
    """Return how many columns of a terminal the text takes."""
    if text.isascii():
        return len(text)
    return sum(_width(letter) for letter in text)


def pad(text: str, columns: int) -> str:
    """Return text that takes exactly so many columns: cut or filled up."""
    text = cut(text, columns)
    return text + " " * (columns - width(text))


def cut(text: str, columns: int) -> str:
    """Return text that takes so many columns at most, with … where something is missing."""
    if width(text) <= columns:
        return text
    taken, kept = 1, ""
    for letter in text:
        taken += _width(letter)
        if taken > columns:
            break
        kept += letter
    return kept.rstrip() + "…"


def wrap(text: str, columns: int, first: str = "", rest: str | None = None) -> list[str]:
    """Return lines of so many columns at most, broken at spaces.

    The first begins with `first`, the others with `rest` (None: as many spaces). A word that is
    longer than a line stands alone and whole: it may be a path to be copied.
    """
    rest = " " * width(first) if rest is None else rest
    lines, line = [], first
    empty = True
    for word in text.split(" "):
        if not empty and width(line) + 1 + width(word) > columns:
            lines.append(line)
            line, empty = rest, True
        line += word if empty else f" {word}"
        empty = False
    return [*lines, line]


def _width(letter: str) -> int:
    if unicodedata.combining(letter) or unicodedata.category(letter) in {"Cf", "Me", "Mn"}:
        return 0
    return 2 if unicodedata.east_asian_width(letter) in "WF" else 1
