"""Rows that a report puts around its customers: second headers, hints, rulers, last lines.

(R11: they are no customers.) `header.not_a_customer` knows totals, headings and repeated headers;
here the signs are the place of a row and all of its cells.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from importer.i18n import tr_noop
from importer.mapping.header_words import meaning
from importer.text import bare, fold, has_small_words, tidy

if TYPE_CHECKING:
    from collections.abc import Sequence

UNDER_HEADER = 3
"""Rows below the header that may belong to it."""
_LOOKED_AT = 200  # letters of a cell

SECOND_HEADER = tr_noop("names, kinds or hints for the columns, not a customer")
RULER = tr_noop("a line that separates, not a customer")
OTHER_TABLE = tr_noop("the header of another table below the list")
BELOW = tr_noop("a row of another table: it has other columns than the list above")
LAST_LINE = tr_noop("a line of the report, not a customer")

_TYPE = re.compile(
    r"(?:n?var)?char(?:acter)?2?|n?text|string|str|u?u?id|guid|(?:big|small|tiny)?int(?:eger)?"
    r"|long|number|numeric|decimal|double|float|real|bool(?:ean)?|bit|date|time|date ?time"
    r"|timestamp|json|enum|object|email|phone|tel|url|metin|sayi|tarih|metn|eded|tarix"
    r"|строка|число|дата|текст|целое|логический|булево"
)
_SIZE = re.compile(r"\s*\(\s*[0-9]+(?:\s*,\s*[0-9]+)?\s*\)|\s*(?:not )?null$")
_HINTS = frozenset(
    fold(word)
    for word in "required optional mandatory unique recommended example sample format max maximum "
    "обязательно необязательно обязательное необязательное уникальный уникально пример формат "
    "məcburi vacib könüllü unikal məsələn format zorunlu isteğe bağlı benzersiz örnek "
    "pflichtfeld erforderlich beispiel obligatoire facultatif exemple".split()
)
_HINT_SHAPE = re.compile(
    r"[(\[<{*].{0,150}[)\]>}*]"  # (required)
    r"|(?:e\. ?g\.|eg\.|ex\.|for example|for instance|məs\.|məsələn|örn\.|örneğin|mes\."
    r"|напр\.|например|пример:|example:|z\. ?b\.|par ex).{0,150}"
    r"|[dmyгмд]{2,4}[./ -][dmyгмд]{2,4}[./ -][dmyгмд]{2,4}"
    r"|\+?[0-9 ()-]{0,12}[xх#_*]{2,}[xх#_*0-9 ()-]{0,20}",
    re.IGNORECASE | re.DOTALL,
)
_LABELLED_NAME = re.compile(r"[^\W\d_]{3,20}\.?:\s{0,3}[^\W\d_]")
_TITLE = re.compile(r"(?=[^\W\d_])[^\d@]{2,60}")
_ENOUGH_ROWS, _ENOUGH_NAMES = 10, 4
_INITIALS = re.compile(r"(?:[^\W\d_]\.\s?){2,4}")  # М.П., where a stamp goes
_FOOTNOTE = re.compile(r"[*†‡•·]+\s*\w.{0,150}", re.DOTALL)
_MARKED = re.compile(r"[©®™]|\(c\)\s*[0-9]{4}|\bhttps?://|\bwww\.", re.IGNORECASE)
_COUNTED = re.compile(r"[^\w]*[0-9]+(?:[ .,][0-9]{3})*[^\W\d_]*[\s:]+[^\W\d_].{0,100}", re.DOTALL)
_ENCLOSED = re.compile(r"[^\w\s\"'“”«»„.+#@&-].*[^\w\s\"'“”«»„.!?+]|-{2,}.*-{2,}", re.DOTALL)
_VERSION = re.compile(r"\bv\.?\s?[0-9]+\.[0-9]", re.IGNORECASE)
_NUMBERED = re.compile(r"[^\W\d_]{1,20}\.? [0-9]+ ?(?:[^\W\d_]{1,10}|/) ?[0-9]+")  # Seite 1 von 3


def belongs_to_header(record: Sequence[str]) -> str | None:
    """Return why a row right below the header is no customer: all its cells are about columns."""
    cells = [fold(tidy(cell[:_LOOKED_AT])) for cell in record]
    filled = [(column, cell) for column, cell in enumerate(cells) if cell]
    if len(filled) < 2:
        return None
    numbers = [cell for _, cell in filled]
    if all(cell == str(column + 1) for column, cell in filled) and len(filled) > 2:
        return SECOND_HEADER
    if len(filled) > 2 and numbers == [chr(ord("a") + column) for column, _ in filled]:
        return SECOND_HEADER
    return SECOND_HEADER if all(_is_about_a_column(cell) for cell in numbers) else None


def _is_about_a_column(cell: str) -> bool:
    plain = cell.strip("*:.! ")
    words = re.findall(r"[^\W\d_]+", plain)
    return bool(
        meaning(plain)
        or _TYPE.fullmatch(_SIZE.sub("", plain))
        or _HINT_SHAPE.fullmatch(cell)
        or (words and words[0] in _HINTS)
    )


def is_example(record: Sequence[str], others: Sequence[Sequence[str]]) -> bool:
    """Return whether the row below the header is an example: a word and a colon before its name.

    `others` are the rows below it; none of them has a colon there.
    """
    first = next((cell for cell in record if cell.strip()), "")
    place = list(record).index(first) if first else 0
    return bool(_LABELLED_NAME.match(first)) and not any(
        ":" in row[place] for row in others if len(row) > place
    )


def has_label(record: Sequence[str]) -> bool:
    """Return whether the first text of a row is a word and a colon before a name."""
    return bool(_LABELLED_NAME.match(next((cell for cell in record if cell.strip()), "")))


def begins_another_table(record: Sequence[str], header: Sequence[str]) -> bool:
    """Return whether a row below a blank one is the header of another table: of suppliers, takings.

    It has words in all columns of the header, also where phones, addresses or dates belong.
    """
    cells = [tidy(cell[:_LOOKED_AT]) for cell in record[: len(header)]]
    filled = [cell for cell in cells if cell]
    columns = sum(bool(cell) for cell in header)
    if len(filled) < max(2, columns) or not all(map(_TITLE.fullmatch, filled)):
        return False
    typed = [
        cell
        for cell, title in zip(cells, header, strict=False)
        if (word := meaning(title)) and word.field in {"phone", "email", "date_of_birth"}
    ]
    return any(map(bare, typed))


def is_odd_word(alone: str, column: int, others: Sequence[Sequence[str]]) -> bool:
    """Return whether the last row, with one cell, is a word below rows of two words and more cells.

    `Celkem`, `Confidential`: a line of the report in whatever language.
    """
    beside = [row[column].split() for row in others if len(row) > column and row[column].strip()]
    whole = sum(len(words) > 1 for words in beside)
    return (
        len(alone.split()) == 1
        and len(others) >= _ENOUGH_ROWS
        and len(beside) == len(others)
        and whole == len(others)
        and all(sum(bool(cell.strip()) for cell in row) > 1 for row in others)
    )


def headings(rows: Sequence[tuple[int, Sequence[str]]]) -> list[int]:
    """Return which rows, each (place, cells), head groups of customers: they have one cell.

    Words without capitals are no name where all names have them; a single word is none where all
    names have more, if it stands above the first customer, or there are several such rows.
    """
    alone = {place: cells for place, cells in rows if sum(map(bool, cells)) == 1}
    if not alone or 2 * len(alone) > len(rows):
        return []
    columns = {next(n for n, cell in enumerate(cells) if cell) for cells in alone.values()}
    others = [cells for place, cells in rows if place not in alone][:_LOOKED_AT]
    column = columns.pop()
    names = [cells[column].split() if len(cells) > column else [] for cells in others]
    if columns or len(names) < _ENOUGH_NAMES or not all(names):
        return []
    found = {place: cells[column].split() for place, cells in alone.items()}
    single = [place for place, words in found.items() if len(words) == 1]
    if not all(len(name) > 1 for name in names) or (len(single) < 2 and rows[0][0] not in single):
        single = []
    single += _lettered(found, names)
    if any(map(has_small_words, names)):
        return single
    return single + [place for place, words in found.items() if has_small_words(words)]


def _lettered(alone: dict[int, list[str]], names: Sequence[list[str]]) -> list[int]:
    """Return the rows that are one word and a letter or number of its own: Hall A, Hall B.

    No customer is called by this word.
    """
    pairs = {
        place: fold(words[0])
        for place, words in alone.items()
        if len(words) == 2 and (len(words[1]) == 1 or words[1].isdecimal())
    }
    words = set(pairs.values())
    if len(pairs) < 2 or len(words) > 1 or any(fold(word) in words for n in names for word in n):
        return []
    return list(pairs)


def is_ruler(record: Sequence[str]) -> bool:
    """Return whether no cell of a row has a letter or a digit, and one is drawn: `---`, `***`."""
    filled = [plain for cell in record if (plain := cell.strip())]
    return any(len(cell) > 2 for cell in filled) and not any(
        letter.isalnum() or letter in "?\ufffd" for cell in filled for letter in cell[:_LOOKED_AT]
    )


def is_last_line(alone: str, *, trailing: bool) -> bool:
    """Return whether the only text of a row is a line of a report rather than a name.

    `trailing` tells that only such rows follow, where less of a sign is enough.
    """
    plain = tidy(alone[:_LOOKED_AT])
    if not plain:
        return False
    signs = (
        _MARKED.search(plain)
        or _COUNTED.fullmatch(plain)
        or _ENCLOSED.fullmatch(plain)
        or _NUMBERED.fullmatch(plain)
        or _FOOTNOTE.fullmatch(plain)
    )
    if signs or "___" in plain or not trailing:
        return bool(signs) or "___" in plain
    if _INITIALS.fullmatch(plain) or plain.endswith(("...", "…")) or _VERSION.search(plain):
        return True
    # Names have capitals; `Davamı var`, `End of report` have none in the middle.
    words = plain.split()
    return words[0][:1].isupper() and has_small_words(words) and "@" not in plain
