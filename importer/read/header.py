"""Find the header, and the records that aren't customers."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from importer.i18n import tr_noop
from importer.mapping.header_words import is_known
from importer.records import RESULT_COLUMNS
from importer.text import fold, tidy

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

LOOK_AT = 40
"""Records among which the header is sought."""
_LOOK_LIKE = 200  # letters of a cell that are looked at
_DATA = re.compile(
    r"[^@\s]+@[^@\s]+|\+?[\d\s().-]{5,}|.*\d{4}-\d\d-\d\d.*|\d{1,2}[./]\d{1,2}[./]\d{2,4}"
)
TOTALS = frozenset(
    fold(word)
    for word in "total totals subtotal sum итого итог всего cəmi yekun toplam toplamı summe gesamt "
    "insgesamt razem łącznie suma всього разом усього ჯამი სულ totale totaal".split()
)
GRAND = frozenset(fold(word) for word in "grand общий общее ümumi genel sub".split())
_ALIKE: dict[str, str] = {}  # letter → what folds to it
for _letter in map(chr, range(0x41, 0x530)):
    _folded = fold(_letter)
    _ALIKE[_folded] = _ALIKE.get(_folded, "") + _letter
_HEADINGS = frozenset(
    fold(word)
    for word in "group groups category customers clients guests members page printed generated "
    "exported report группа категория клиенты гости страница отчёт сформировано сформирован "
    "выгружено seite strona сторінка qrup qrupu kateqoriya müştərilər müştəriləri səhifə hesabat "
    "qonaqlar qonaqları üzvlər alıcılar misafirler üyeler покупатели поставщики контрагенты "
    "grup kategori müşteriler müşterileri sayfa rapor".split()
)
_DATED = r"[0-9]{1,4}[./-][0-9]{1,2}[./-][0-9]{2,4}"


def _spelt(words: Iterable[str]) -> str:
    """Return a pattern for words, whatever their case and accents."""
    return "|".join(
        "".join(f"[{_ALIKE.get(letter, letter)}][\u0300-\u036f]*" for letter in word)
        for word in sorted(words)
    )


LIKE_A_TOTAL = _spelt(TOTALS | GRAND)
"""Words a total may begin with; such rows are looked at closely."""
_LABELLED = r"[^\W\d_]\s*:"
LIKE_A_HEADING = rf"{_LABELLED}|{_spelt(_HEADINGS)}|[^\W\d_].*{_DATED}"
"""Words of headings and of lines below the table; such rows are looked at closely."""
_MAY_BE_TOTAL = re.compile(rf"[\W\d_]*(?:{LIKE_A_TOTAL})")
_PHONE = re.compile(r"[+0(][0-9 ()-]{8,}")
_AMOUNT = re.compile(r"[-+]?[0-9][0-9 .,\u00a0']{0,12}(?: ?[^\W\d_]{1,3}| ?[%₼$€£₽₺₾])?")
_RESULT_COLUMNS = frozenset(RESULT_COLUMNS)
_SECTION = re.compile(r".{1,80}:|\w", re.DOTALL)

HEADER_AGAIN = tr_noop("the header again, not a customer")
OTHER_ORDER = tr_noop("the headers in another order, not a customer")
TOTAL = tr_noop("a total, not a customer")
HEADING = tr_noop("a heading, not a customer")


def is_blank(record: list[str]) -> bool:
    """Return whether no cell holds anything (R1)."""
    return not any(cell and (cell[0].isalnum() or tidy(cell)) for cell in record)


def of_results(header: Iterable[str]) -> bool:
    """Return whether a header is that of our results files.

    Two of its columns are enough: a person may have deleted the others.
    """
    return len(_RESULT_COLUMNS.intersection(header)) >= 2


def holds_results(records: list[list[str]]) -> bool:
    """Return whether a table has the columns of our results files."""
    return any(map(of_results, records[:LOOK_AT]))


def find_header(records: list[list[str]]) -> int | None:
    """Return the index of the header, None when there is no record with content.

    It is the record with the most words that headers are made of. Where there is none with two, it
    is the first that is about as wide as the table and looks like words rather than like a
    customer; if there is none either, the first with content.
    """
    filled = [
        (index, [cell for cell in record if cell and tidy(cell)])
        for index, record in enumerate(records[:LOOK_AT])
    ]
    filled = [(index, cells) for index, cells in filled if cells]
    if not filled:
        return None
    ours = [index for index, cells in filled if of_results(cells)]
    if ours:
        return ours[0]
    widest = max(Counter(len(cells) for _, cells in filled))
    # Rows have empty cells, headers seldom do: half of the widest row is wide enough.
    enough = max(1, (widest + 1) // 2)
    wide = [
        (index, cells)
        for index, cells in filled
        if len(cells) >= enough
        and not any(_DATA.fullmatch(tidy(cell)[:_LOOK_LIKE]) for cell in cells)
    ]
    known = [(sum(map(is_known, cells)), -index) for index, cells in wide]
    most, at = max(known, default=(0, 0))
    if most >= 2:
        return -at
    return wide[0][0] if wide else filled[0][0]


def not_a_customer(record: list[str], header: list[str]) -> str | None:
    """Return why a record of the table is no customer, None when it may be one.

    It may sum up the others, repeat the header (as the pages of a report do), or be a heading.
    """
    # Called for every row of a large sheet: cheap tests come first.
    first = record[0]
    if not first or first.isspace():
        first = next((cell for cell in record if cell and not cell.isspace()), "")
    if len(first) <= 100 and _MAY_BE_TOTAL.match(first) and _is_total(tidy(first), record):
        return TOTAL
    first = first.lstrip("\ufeff")  # of an export that was put below another
    if first in header:
        if first == next(filter(None, header), None) and _same(record, header):
            return HEADER_AGAIN
        if len(header) > 1 and sorted(filter(None, record)) == sorted(filter(None, header)):
            return OTHER_ORDER
    if len(header) > 1 and sum(map(bool, record)) == 1 and _is_heading(first):
        return HEADING
    word = first.strip()
    if (len(word) == 1 or word.endswith(":")) and len(header) > 1 and _SECTION.fullmatch(word):
        return HEADING if sum(map(bool, map(str.strip, record))) == 1 else None
    return None


def _same(record: list[str], header: list[str]) -> bool:
    return [cell.strip().lstrip("\ufeff") for cell in record[: len(header)]] == [
        cell.strip() for cell in header
    ]


def _is_heading(alone: str) -> bool:
    """Return whether the only text of a row is a heading, or the date or owner of the list."""
    if len(alone) > 200 or not (
        # Compiled when it is needed: most sheets have no such row, and it is a long pattern.
        re.search(LIKE_A_HEADING, alone, re.DOTALL) or _MAY_BE_TOTAL.match(alone)
    ):
        return False
    words = re.findall(r"[^\W\d_]+", fold(alone))
    total = bool(words) and words[0] in TOTALS and re.search(r"\d", alone)
    labelled = re.search(_LABELLED, alone) or re.search(rf"[^\W\d_].*{_DATED}", alone, re.DOTALL)
    return bool(total or labelled or not _HEADINGS.isdisjoint(words))


def is_subtotal(record: Sequence[str]) -> bool:
    """Return whether a row at the end of a group sums it up: a word for it, numbers, no phone."""
    filled = [plain for cell in record if (plain := tidy(cell[:_LOOK_LIKE]))]
    words = re.findall(r"[^\W\d_]+", fold(filled[0]))
    return not TOTALS.isdisjoint(words) and all(_AMOUNT.fullmatch(cell) for cell in filled[1:])


def _is_total(first: str, record: list[str]) -> bool:
    words = re.findall(r"[^\W\d_]+", fold(first))
    if words and words[0] in GRAND:
        words = words[1:]
    return (
        0 < len(words) <= 2
        and words[0] in TOTALS
        and not any("@" in cell or _PHONE.fullmatch(cell.strip()[:_LOOK_LIKE]) for cell in record)
    )
