"""Text as people type it and spreadsheets mangle it (R8, R10, R14)."""

from __future__ import annotations

import re
import unicodedata

# Zero-width and direction characters: invisible, and they make equal values differ.
_INVISIBLE = dict.fromkeys(
    [0x00AD, 0x200B, 0x200E, 0x200F, 0x2060, 0xFEFF, *range(0x202A, 0x202F), *range(0x2066, 0x206A)]
)
_CONTROLS = {
    code: " " if chr(code) in "\t\n\v\f\r\x85" else None
    for code in range(0xA0)
    if unicodedata.category(chr(code)) == "Cc"
}
_LINE_BREAKS_KEPT = {code: None for code, to in _CONTROLS.items() if to is None}
_FORMULA_QUOTES = re.compile(r'="(.*)"', re.DOTALL)
_DASHES = re.compile(r"[-–—‒―_.\s]*[-–—‒―][-–—‒―_.\s]*")
_DOTLESS = str.maketrans({"İ": "i", "I": "i", "ı": "i", "Ə": "e", "ə": "e"})

# Words that people write where there is nothing, folded (R10).
_NOTHING = frozenset(
    ["n/a", "na", "n.a.", "none", "null", "nil", "nan", "нет", "н/д", "yox", "yoxdur", "yok"]
)
# What spreadsheets show for a formula that failed, in their languages.
_CELL_ERRORS = frozenset(
    [
        "#N/A",
        "#REF!",
        "#VALUE!",
        "#DIV/0!",
        "#NAME?",
        "#NULL!",
        "#NUM!",
        "#SPILL!",
        "#CALC!",
        "#GETTING_DATA",
        "#Н/Д",
        "#ССЫЛКА!",
        "#ЗНАЧ!",
        "#ДЕЛ/0!",
        "#ИМЯ?",
        "#ПУСТО!",
        "#ЧИСЛО!",
        "#YOK",
        "#BAŞV!",
        "#DEĞER!",
        "#SAYI/0!",
        "#AD?",
        "#BOŞ!",
        "#SAYI!",
    ]
)


def tidy(text: str) -> str:
    """Return the text without what is invisible: composed (NFC), trimmed, `="…"` taken off.

    Line breaks inside stay.
    """
    if text.isascii() and text.isprintable():
        plain = text.strip()
    else:
        visible = text.translate(_INVISIBLE).translate(_LINE_BREAKS_KEPT)
        plain = unicodedata.normalize("NFC", visible).strip()
    if plain.startswith('="') and (inner := _FORMULA_QUOTES.fullmatch(plain)):
        return inner[1].replace('""', '"').strip()
    return plain


def one_line(text: str) -> str:
    """Return tidy text with every run of white space as one space."""
    return " ".join(tidy(text).split())


def bare(text: str) -> str:
    """Return tidy text without the apostrophe that keeps a spreadsheet's hands off, "" for nothing.

    For phones, e-mail addresses, dates and codes: there `-`, `n/a` and their like mean nothing.
    """
    plain = tidy(text).lstrip("'`’‘").strip()
    return "" if is_nothing(plain) else plain


def is_nothing(text: str) -> bool:
    """Tell whether text stands for an empty cell: a dash, or a word such as yoxdur."""
    return not text or is_dash(text) or (len(text) <= 6 and fold(text) in _NOTHING)


def is_dash(text: str) -> bool:
    """Tell whether text is nothing but dashes."""
    return _DASHES.fullmatch(text) is not None


def is_cell_error(text: str) -> bool:
    """Tell whether text is what a spreadsheet shows for a failed formula (R14)."""
    return text.startswith("#") and text.upper() in _CELL_ERRORS


def looks_like_formula(text: str) -> bool:
    """Tell whether a spreadsheet would run the text as a formula (R14)."""
    return text[:1] in {"=", "+", "-", "@"}


def has_lost_letters(text: str) -> bool:
    """Tell whether a letter was replaced on the way: a ? inside a word, or U+FFFD (R14)."""
    return "\ufffd" in text or re.search(r"\w\?\w", text) is not None


def fold(text: str) -> str:
    """Return text by which words are compared: no case, no accents, one kind of i and of e.

    Safe for Turkish and Azerbaijani, whose İ and ı break lower-casing (KİŞİ, QADIN), and whatever
    strings pandas keeps.
    """
    if text.isascii():
        return text.lower()
    plain = unicodedata.normalize("NFKD", text.translate(_DOTLESS).casefold())
    kept = "".join(letter for letter in plain if not unicodedata.combining(letter))
    return kept.translate(_DOTLESS)
