"""Text as people type it and spreadsheets mangle it (R8, R10, R14)."""

from __future__ import annotations

import re
import unicodedata
from html.entities import html5
from typing import TYPE_CHECKING
from urllib.parse import unquote, unquote_plus

if TYPE_CHECKING:
    from collections.abc import Sequence

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
_FULL_WIDTH = {code + 0xFEE0: chr(code) for code in range(0x21, 0x7F)}  # of East Asian keyboards
_SHORT = 3  # letters of a word
_COMPOSED = 5_000  # letters; composing a longer run of accents takes minutes
_NO_DIGITS = re.compile("[^0-9]+")
_FORMULA_QUOTES = re.compile(r'="(.*)"', re.DOTALL)
_DASHES = "-–—‒―"
_LIKE_DASHES = _DASHES + "_. \t\n\r\f\v\xa0"
_DOTLESS = str.maketrans({"İ": "i", "I": "i", "ı": "i", "Ə": "e", "ə": "e"})

# What other programs wrote in place of a character.
_ENTITY = re.compile(r"&(?:#([0-9]{1,7})|#[xX]([0-9a-fA-F]{1,6})|([A-Za-z][A-Za-z0-9]{1,30}));")
_WORKBOOK_ESCAPE = re.compile(r"_x(00[0-9A-Fa-f]{2})_")  # ECMA-376 22.4.2.4
_BACKSLASH = re.compile(r"""\\(["',;|])""")
_HEX_ESCAPE = re.compile(r"\\(?:x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4}))")  # of a program's text
_PERCENT = re.compile(r"%20|%[CDcd][0-9A-Fa-f]%[89ABab][0-9A-Fa-f]")  # of an address of the web
_LINE_BREAK = re.compile(r"<br\s{0,9}/?>", re.IGNORECASE)
_TAG = re.compile(
    r"</?(?:a|b|big|center|div|em|font|h[1-6]|i|img|li|p|script|small|span|strong|table|td|tr|u|ul)"
    r"(?:\s[^<>]*)?/?>",
    re.IGNORECASE,
)
_FIRST_HALVES = "\u00c2-\u00df"  # of a letter in UTF-8, read as Windows text
_SECOND_HALVES = "\u0080-\u00bfŒœŠšŸŽžƒˆ˜–—‘’‚“”„†‡•…‰‹›€™"
_HALVES_CYRILLIC = "ЂЃѓЉЊЌЋЏђљњќћџЎўЈҐЁЄЇІіґёєјЅѕї№\u0080-\u00bf–—‘’‚“”„†‡•…‰‹›€™"
_HALVES_OF_MAC_AND_DOS = "\u2500-\u259f√ƒ≈∆"  # lines that are drawn, signs: no name has them
MOJIBAKE = (
    f"[{_FIRST_HALVES}][{_SECOND_HALVES}]|[В-Я][{_HALVES_CYRILLIC}]|[{_HALVES_OF_MAC_AND_DOS}]"
    r"|…\S"
)
"""A pattern for letters of UTF-8 that were read one byte at a time: `AyÅŸe`."""
_MOJIBAKE = re.compile(MOJIBAKE)
_READ_AS = "windows-1252 windows-1254 windows-1251 mac-roman cp866 cp437 cp850".split()

# Words that people write where there is nothing, folded (R10).
_NOTHING = frozenset(
    ["n/a", "na", "n.a.", "none", "null", "nil", "nan", "нет", "н/д", "yox", "yoxdur", "yok"]
)
# What programs write where there is nothing, even in place of a name, as they write it, …
_NULLS = frozenset(["\\N", "nan", "NaN", "undefined"])
# … and in brackets: a pivot table's word, a program's, a person's.
_BRACKETS = frozenset(["()", "[]", "<>", "{}"])
_EMPTY_WORDS = (
    _NOTHING
    | frozenset(
        word.casefold()
        for word in "boş bos empty blank leer vide vuoto vacio vacío vazio пусто порожньо puste "
        "prázdné ცარიელი yoxdur adsız isimsiz üres tühi tom tomt tyhjä leeg κενό فارغ ריק gol "
        "prazno празно bo'sh бос".split()
    )
    | {"no name", "not set", "en blanco", "sin nombre", "без имени", "не указано", "ad yoxdur"}
)
# Words between the names of a person that have no capital.
_PARTICLES = frozenset(
    "oğlu qızı oglu qizi ogli qyzy kızı bin binti ibn al el de da di del della van von der den "
    "dos la le du ten ter zu zur оглы кызы и və ve and & y e i".split()
)
# What spreadsheets show for a formula that failed: #NAME? and its like in all languages, …
_FAILED = re.compile(r"#[¡¿]?[^\W\d_][\w./]{0,24}[!?]|#[^\W\d_]/[^\W\d_]{1,5}\.?|#{3,}")
# … and those without a mark at the end.
_FAILED_WORDS = frozenset(
    word.casefold()
    for word in "#NV #YOK #HIÁNYZIK #GETTING_DATA #N.D. #NDISP loading... загрузка... "
    "yüklənir... yükleniyor... chargement... cargando... caricamento... ładowanie...".split()
) | {"wird geladen..."}
_FAILED_NUMBER = re.compile(
    r"(?:err|error|ошибка|hata|xəta|fehler|erreur|errore|błąd|chyba|virhe|fel)\s?:\s?5[0-9]{2}",
    re.IGNORECASE,
)

FORMULA_STARTS = "=+@＝＋－＠-"
"""Characters that begin a formula in a spreadsheet, as the inside of a character class."""
SEPARATORS = ",;\t\r\n"
"""After any of these a spreadsheet with another list separator begins a cell, quotes or not."""
BEFORE_FORMULA = ' "\u00a0\u2000-\u200b\u202f\u3000\ufeff'
"""Characters that a spreadsheet may skip in front of a formula, as the inside of a character class."""
_CELL_START = rf"(?:(?<=[{SEPARATORS}])|\A)([{BEFORE_FORMULA}]*+)"
_MAY_RUN = re.compile(rf"{_CELL_START}('*+)(?=[{FORMULA_STARTS}])")
_ESCAPED = re.compile(rf"{_CELL_START}'(?='*+[{FORMULA_STARTS}])")
_PHONE = re.compile(r"\+[0-9 ()-]+")
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def tidy(text: str) -> str:
    """Return the text as it was meant: composed (NFC), trimmed, `="…"` taken off.

    Entities, `_x000D_`, backslashes before quotes and UTF-8 that was read as Windows text become
    the characters that they stand for; what is invisible goes. Line breaks inside stay.
    """
    if text.isascii() and text.isprintable():
        plain = text.strip()
    else:
        visible = _repaired(text).translate(_INVISIBLE).translate(_LINE_BREAKS_KEPT)
        visible = visible.translate(_FULL_WIDTH)
        plain = _composed(visible).strip()
    if "&" in plain or "\\" in plain or "_x" in plain or "<" in plain or "%" in plain:
        plain = _unescaped(plain)
    if plain.startswith('="') and (inner := _FORMULA_QUOTES.fullmatch(plain)):
        return inner[1].replace('""', '"').strip()
    # Encoded twice, or hidden behind an entity: once more, so that tidy text stays as it is.
    again = plain != text and not plain.isascii() and _MOJIBAKE.search(plain)
    return tidy(plain) if again else plain


def _composed(text: str) -> str:
    return unicodedata.normalize("NFC", text) if len(text) <= _COMPOSED else text


def _unescaped(text: str) -> str:
    plain = _LINE_BREAK.sub("\n", _WORKBOOK_ESCAPE.sub(lambda found: chr(int(found[1], 16)), text))
    plain = _HEX_ESCAPE.sub(_escaped_letter, plain)
    if _BACKSLASH.search(plain):
        plain = _BACKSLASH.sub(r"\1", plain)
    if _PERCENT.search(plain):
        plain = unquote_plus(plain) if " " not in plain and "@" not in plain else unquote(plain)
    for _ in range(2):  # &amp;uuml; was made twice
        plain = _ENTITY.sub(_entity, plain)
    visible = plain.translate(_INVISIBLE).translate(_LINE_BREAKS_KEPT)
    return _composed(visible).strip()


def _escaped_letter(found: re.Match[str]) -> str:
    code = int(found[1] or found[2], 16)
    return chr(code) if 0x20 <= code < 0x7F or 0xA0 <= code < 0xD800 else found[0]


def _entity(found: re.Match[str]) -> str:
    decimal, hexadecimal, name = found.groups()
    if name:
        return html5.get(f"{name};", found[0])
    code = int(decimal) if decimal else int(hexadecimal, 16)
    return chr(code) if 0x20 <= code < 0xD800 or 0xE000 <= code < 0x110000 else " "


def _repaired(text: str) -> str:
    """Return the original of a text whose UTF-8 was read byte by byte (`AyÅŸe`, `Ð`).

    As text of Windows, of an old Mac or of DOS, but only if the whole text is.
    """
    if not _MOJIBAKE.search(text):
        return text
    for encoding in _READ_AS:
        try:
            data = b"".join(
                letter.encode("latin-1") if "\x80" <= letter < "\xa0" else letter.encode(encoding)
                for letter in text
            )
            meant = data.decode("utf-8")
        except UnicodeError:
            continue
        if all(letter.isascii() or letter.isalpha() or letter in "«»–—’“”№" for letter in meant):
            return meant
    words = text.split(" ")
    if len(words) == 1 or len(text) > _COMPOSED:
        return text
    # Short words, e.g. Сі, may be right.
    return " ".join(_repaired(word) if len(word) > _SHORT else word for word in words)


def one_line(text: str) -> str:
    """Return tidy text with every run of white space as one space."""
    return " ".join(tidy(text).split())


def bare(text: str) -> str:
    """Return tidy text without the apostrophe that marks text in a spreadsheet, "" for nothing.

    For phones, e-mail addresses, dates and codes: there `-`, `n/a` and similar mean nothing.
    """
    plain = tidy(text).lstrip("'`’‘").strip()
    if not plain.isascii():
        plain = _with_our_digits(plain)
    return "" if is_nothing(plain) else plain


def _with_our_digits(text: str) -> str:
    """Return text with the digits of other scripts as 0 to 9."""
    return "".join(
        str(unicodedata.decimal(letter)) if letter.isdecimal() else letter for letter in text
    )


def is_nothing(text: str) -> bool:
    """Return whether text stands for an empty cell: a dash, or a word, e.g. yoxdur."""
    return not text or is_dash(text) or is_null(text) or (len(text) <= 6 and fold(text) in _NOTHING)


def is_null(text: str) -> bool:
    """Return whether text is what a program writes for nothing, in place of any value (R10)."""
    if text in _NULLS:
        return True
    return text[:1] + text[-1:] in _BRACKETS and text[1:-1].strip().casefold() in _EMPTY_WORDS


def is_dash(text: str) -> bool:
    """Return whether text is nothing but dashes."""
    return not text.strip(_LIKE_DASHES) and any(dash in text for dash in _DASHES)


def is_cell_error(text: str) -> bool:
    """Return whether text is what a program shows in place of a value (R10, R14).

    A formula that failed, in any language; a number too wide for its column; tags of a page.
    """
    if "<" in text and _TAG.search(text):
        return True
    return len(text) <= 40 and bool(
        _FAILED.fullmatch(text)
        or text.casefold().replace("…", "...") in _FAILED_WORDS
        or (":" in text and _FAILED_NUMBER.fullmatch(text))
    )


def looks_like_formula(text: str) -> bool:
    """Return whether a spreadsheet would run the text as a formula (R14)."""
    return text[:1] in {"=", "+", "-", "@"}


def has_lost_letters(text: str) -> bool:
    """Return whether a letter was replaced on the way: a ?, ¿ or □ inside a word, or U+FFFD (R14)."""
    return "\ufffd" in text or re.search(r"\w[?¿\u25a1\u25af]\w", text) is not None


def has_small_words(words: Sequence[str]) -> bool:
    """Return whether a word after the first lacks the capital that all words of names have.

    Particles like `oğlu` and `van` are ignored.
    """
    return any(word[:1].islower() and word not in _PARTICLES for word in words[1:])


def digits_of(phone: str | None) -> str:
    """Return the digits of a phone number, by which Clopos compares them (API facts §0.12)."""
    return _NO_DIGITS.sub("", phone or "")


def fold(text: str) -> str:
    """Return text by which words are compared: no case, no accents, one kind of i and of e.

    Safe for Turkish and Azerbaijani, whose İ and ı break lower-casing (KİŞİ, QADIN), and whatever
    strings pandas keeps.
    """
    if text.isascii():
        return text.lower()
    plain = text.translate(_DOTLESS).casefold()
    if len(plain) > _COMPOSED:  # a long run of accents, which go anyway, takes minutes to sort
        plain = _without_accents(plain)
    return _without_accents(unicodedata.normalize("NFKD", plain)).translate(_DOTLESS)


def _without_accents(text: str) -> str:
    return "".join([letter for letter in text if not unicodedata.combining(letter)])


def escape_formula(text: str) -> str:
    """Return text that no spreadsheet runs: an apostrophe in front of what would be a formula.

    That is at the beginning, and after each character that may separate cells (SEPARATORS): a
    spreadsheet that expects another separator ignores our quotes. Phones like `+994…` stay as
    they are. An apostrophe that would be taken for ours gets one more, so that `unescape_formula`
    gives back every text.
    """
    return text if _PHONE.fullmatch(text) else _MAY_RUN.sub(r"\1'\2", text)


def unescape_formula(text: str) -> str:
    """Return text without the apostrophes that `escape_formula` adds."""
    return _ESCAPED.sub(r"\1", text) if "'" in text else text


def strip_control(text: str) -> str:
    """Return text without control characters: a sheet may hold anything."""
    return _CONTROL.sub("�", text)


def escape_control(json: str) -> str:
    r"""Return JSON that means the same, with such characters written as `\u009b`."""
    return _CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", json)


def shorten(text: str, letters: int) -> str:
    """Return the text on one line, cut to so many letters, with … at the end if it was cut."""
    line = " ".join(text.split())
    return line if len(line) <= letters else line[: letters - 1].rstrip() + "…"
