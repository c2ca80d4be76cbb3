"""Text by the columns it takes on a screen: wide letters take two, combining marks none."""

from __future__ import annotations

import wcwidth


def width(text: str) -> int:
    """Return how many columns of a terminal the text takes."""
    return len(text) if text.isascii() else wcwidth.width(text, control_codes="ignore")


def pad(text: str, columns: int) -> str:
    """Return text that takes exactly so many columns: cut or filled up."""
    text = cut(text, columns)
    return text + " " * (columns - width(text))


def cut(text: str, columns: int) -> str:
    """Return text that takes at most so many columns, with … where something is missing."""
    if width(text) <= columns:
        return text
    kept = ""
    for letter in wcwidth.iter_graphemes(text):  # a flag or an accent is never cut in two
        if width(kept + letter) >= columns:
            break
        kept += letter
    return kept.rstrip() + "…"


def wrap(text: str, columns: int, first: str = "", rest: str | None = None) -> list[str]:
    """Return lines of at most so many columns, broken at spaces.

    The first begins with `first`, the others with `rest` (None: as many spaces). A word that is
    longer than a line stands alone and whole: it may be a path to be copied.
    """
    rest = " " * width(first) if rest is None else rest
    lines, line = [], first
    empty = True
    for word in text.split(" "):
        if not empty and width(f"{line} {word}") > columns:
            lines.append(line)
            line, empty = rest, True
        line += word if empty else f" {word}"
        empty = False
    return [*lines, line]
