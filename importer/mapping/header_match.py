"""Header words, then what the columns hold → which columns make which field."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from importer.i18n import tr
from importer.mapping.choices import AmbiguousColumnsError, address, listed
from importer.mapping.content import Content, content, is_like_a_name, sample
from importer.mapping.header_words import is_company, is_id, meaning
from importer.records import FIELDS
from importer.text import fold

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from importer.records import Sheet

# For these fields the first usable value is taken, so several columns may fit.
_TRIED_IN_ORDER = frozenset({"phone", "email"})
BY_VALUES = "values"
"""Why a column was taken that no header and no person names."""
_FEWEST = 3  # names that make a column
_SAMPLE = 200  # rows that tell whether a column stands in another
_NOT: dict[str, frozenset[Content]] = {  # what a column of the field doesn't hold
    "phone": frozenset(
        {Content.EMAILS, Content.UUIDS, Content.BIRTH_DATES, Content.DATES, Content.FEW}
    ),
    "email": frozenset(
        {Content.PHONES, Content.NUMBERS, Content.BIRTH_DATES, Content.DATES, Content.FEW}
    ),
    "code": frozenset(
        {Content.PHONES, Content.EMAILS, Content.BIRTH_DATES, Content.DATES, Content.FEW}
    ),
    "gender": frozenset({Content.PHONES, Content.EMAILS, Content.DATES, Content.BIRTH_DATES}),
    "date_of_birth": frozenset(
        {Content.PHONES, Content.EMAILS, Content.DATES, Content.FEW, Content.NAMES}
    ),
    "description": frozenset({Content.PHONES, Content.EMAILS}),
    "group_id": frozenset({Content.NAMES, Content.PHONES, Content.EMAILS}),
}


@dataclass(slots=True)
class Draft:
    """A mapping in the making: field → columns, field → why, and the languages of headers."""

    columns: dict[str, tuple[int, ...]] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    languages: Counter[str] = field(default_factory=Counter)

    def take(self, name: str, columns: Iterable[int], reason: str) -> None:
        """Let columns make a field."""
        self.columns[name] = tuple(columns)
        self.reasons[name] = reason


def from_words(draft: Draft, sheet: Sheet, columns: Sequence[int], given: set[str]) -> None:
    """Fill a draft with the columns whose headers say a field; `given` fields are left alone.

    Raises AmbiguousColumnsError when two columns claim a field alike.
    """
    candidates: dict[str, dict[int, list[int]]] = {}
    for number in columns:
        header = sheet.headers[number]
        if is_id(header) and _content(sheet, number) is Content.UUIDS:
            candidates.setdefault("cid", {}).setdefault(1, []).append(number)
        elif word := meaning(header):
            candidates.setdefault(word.field, {}).setdefault(word.rank, []).append(number)
            draft.languages.update(word.languages)
    if "name" not in draft.columns and "name" not in given:
        _name(draft, sheet, candidates)
    for name in FIELDS:
        ranks = candidates.get(name)
        if not ranks or name in draft.columns or name in given:
            continue
        ordered = [number for rank in sorted(ranks) for number in ranks[rank]]
        fitting = _fitting(sheet, name, ordered)
        if name in _TRIED_IN_ORDER:
            draft.take(name, [*fitting, *(n for n in ordered if n not in fitting)], "header word")
            continue
        if name == "description":
            draft.take(name, fitting, "header word")
            continue
        lowest = min(rank for rank, of in ranks.items() if not set(fitting).isdisjoint(of))
        best = _differing(sheet, [number for number in ranks[lowest] if number in fitting])
        if len(best) > 1:
            raise _tie(name, sheet.headers, best)
        draft.take(name, best, "header word")


def _fitting(sheet: Sheet, name: str, columns: list[int]) -> list[int]:
    """Return the columns whose values don't contradict the field; all if each does."""
    if len(columns) < 2:
        return columns
    wrong = _NOT.get(name, frozenset()) | {Content.NOTHING}
    return [number for number in columns if _content(sheet, number) not in wrong] or columns


def _name(draft: Draft, sheet: Sheet, candidates: dict[str, dict[int, list[int]]]) -> None:
    """Take a column of whole names, else first, middle and last name in this order.

    A column called name is a first name if there is a separate column of surnames, and a surname if
    it is one word and there is a separate column of first names. It is ignored if its values don't
    look like names and there are columns of first or last names.
    """
    ranks = (
        candidates.get(part, {0: []}) for part in ("full", "first", "middle", "last", "second")
    )
    full, first, middle, last, second = (
        _differing(sheet, _like_names(sheet, of[min(of)])) for of in ranks
    )
    parts = first or last
    if full and parts and not any(_holds_names(sheet, column) for column in full):
        full = []
    if len(full) == len(parts) == 1 and not (first and last):
        apart = not is_within(sheet, parts[0], full[0])
        if apart and (last or _are_single(sheet, full[0])):
            first, last, full = first or full, last or full, []
    for part in (full,) if full else (first, middle, last, second):
        if len(part) > 1:
            raise _tie("name", sheet.headers, part)
    taken = full or [*first, *middle, *last, *second]
    if taken:
        draft.take("name", taken, "header word")


def _are_single(sheet: Sheet, column: int) -> bool:
    """Return whether most texts of a column are one word."""
    texts = sample(sheet, column, _SAMPLE)
    return sum(len(text.split()) == 1 for text in texts) >= 0.9 * len(texts) > 0


def from_values(draft: Draft, sheet: Sheet, columns: Sequence[int]) -> None:
    """Take the only column of whole names as the name if no header says it; the user is asked.

    Another header must say phone or e-mail: else the row of headers may be none.
    """
    names = [number for number in columns if _holds_whole_names(sheet, number)]
    if len(names) == 1 and not _TRIED_IN_ORDER.isdisjoint(draft.columns):
        draft.take("name", names, BY_VALUES)


def _holds_whole_names(sheet: Sheet, column: int) -> bool:
    """Return whether a column holds first and last names, hardly one like the other."""
    header = sheet.headers[column]
    texts = sample(sheet, column, _SAMPLE)
    if len(texts) < _FEWEST or not header or is_company(header) or meaning(header):
        return False
    whole = [
        text
        for text in texts
        if 2 <= len(text.split()) <= 4
        and not any(letter.isdigit() for letter in text)
        and not any(word[0].islower() for word in text.split())
        and is_like_a_name(text)
    ]
    return len(whole) >= 0.8 * len(texts) and len(set(whole)) >= 0.8 * len(texts)


def _like_names(sheet: Sheet, columns: list[int]) -> list[int]:
    """Return the candidates that hold names, all where none does or there is one only."""
    if len(columns) < 2:
        return columns
    return [number for number in columns if _holds_names(sheet, number)] or columns


def _holds_names(sheet: Sheet, column: int) -> bool:
    """Return whether a column looks like names of people or companies."""
    texts = sample(sheet, column, _SAMPLE)
    like = 2 * sum(map(is_like_a_name, texts)) >= len(texts) > 0
    return like and content(texts) is not Content.FEW


def is_within(sheet: Sheet, part: int, whole: int) -> bool:
    """Return whether most texts of a column stand in those of another."""
    pairs = zip(
        sheet.table[part].head(_SAMPLE).tolist(),
        sheet.table[whole].head(_SAMPLE).tolist(),
        strict=True,
    )
    found = [fold(text) in fold(within) for text, within in pairs if text.strip()]
    return 2 * sum(found) > len(found)


def _differing(sheet: Sheet, columns: list[int]) -> list[int]:
    """Return equal candidates without those that make no difference: empty ones, and copies."""
    if len(columns) < 2:
        return columns
    found: list[int] = []
    # By header: what is found must not depend on the order of columns.
    for column in sorted(columns, key=lambda number: sheet.headers[number]):
        texts = sheet.table[column]
        if (texts != "").any() and not any((texts == sheet.table[of]).all() for of in found):
            found.append(column)
    return sorted(found or columns[:1])


def _content(sheet: Sheet, column: int) -> Content:
    return content(sample(sheet, column, _SAMPLE))


def _tie(name: str, headers: Sequence[str], columns: list[int]) -> AmbiguousColumnsError:
    called = [address(headers, column) for column in columns]
    lines = tr(" or ").join(f'--map "{name}={each}"' for each in called)
    return AmbiguousColumnsError(
        name,
        columns,
        tr("Several columns could be the {name}: {headers}", name=name, headers=listed(called)),
        why=tr("nothing says which one is right"),
        fix=tr("say it with {lines}", lines=lines),
    )
