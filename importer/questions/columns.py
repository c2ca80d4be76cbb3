"""Questions about columns: unused ones, and a column of names that holds no names."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from importer.i18n import tr
from importer.mapping.content import (
    LAST_BIRTH_YEAR,
    Content,
    is_like_a_name,
    valid_phone,
)
from importer.mapping.countries import country_column
from importer.mapping.header_match import BY_VALUES, is_within
from importer.mapping.header_words import is_id, is_other_day, is_other_number, meaning
from importer.questions.question import Question, as_it_is, take

if TYPE_CHECKING:
    from collections.abc import Iterator

    from importer.questions.evidence import Evidence

_FIELD_OF = {
    Content.PHONES: "phone",
    Content.EMAILS: "email",
    Content.BIRTH_DATES: "date_of_birth",
    Content.CARDS: "code",
}
_EXAMPLES = 3
_NEIGHBOURS = ("AZ", "TR", "GE", "RU", "KZ", "UA")
_FEWEST_GAPS = 3  # rows
_NUMBER = re.compile(r"[+(]?\d[\d ()./-]*")
# A number of the list before the name, or a date behind it.
_NUMBERED = re.compile(r"^\d{1,6}\s?[.)\]]\s?[^\W\d_]|\d[./-]\d{1,2}[./-]\d{2,4}\W{0,3}$")
_BESIDE_NUMBER = re.compile(r"(?<!\S)([^\W\d_]+) \d+(?!\S)|(?<!\S)\d+ ([^\W\d_]+)(?!\S)")
_LONGEST = 200  # letters of a name that are looked at
_TRIED, _FEWEST_ABROAD = 20, 5  # numbers that are tried as those of other countries
NAMES = 0.5
"""Share of the values of a name that must look like names."""
COUNTED = 0.8
"""Share of them that have one word beside a number, and a name beside both: Table 5 - …"""


def unused_column(seen: Evidence) -> Iterator[Question]:
    """Ask about unused columns of phones, e-mails, dates of birth or cards the field has none of.

    A field whose column is empty for the customers that the other one is filled for has none.
    One question a field: its best column comes first in the answers.
    """
    for content, name in _FIELD_OF.items():
        if seen.chosen(name, f"unused_{name}"):
            continue
        found = [
            column
            for column in (*seen.mapping.unused, *_notes(seen, name))
            if (seen.content(column) is content or (name == "phone" and _are_abroad(seen, column)))
            and not (content is Content.CARDS and _is_no_card(seen.sheet.headers[column]))
            and not (content is Content.BIRTH_DATES and is_other_day(seen.sheet.headers[column]))
            and (not seen.columns(name) or _fills_gaps(seen, name, column))
        ]
        if not found:
            continue
        found.sort(key=lambda column: -seen.filled(column))
        headers = tuple(map(seen.named, found))
        beside = [take(name, header) for header in seen.headers(name)]
        yield Question(
            code=f"unused_{name}",
            field=name,
            message=tr(
                "«{header}» isn't used, but it seems to hold {content}, and «{other}», which is "
                "taken for {field}, is empty for most of these customers",
                other=" + ".join(seen.headers(name)),
                header=headers[0],
                content=tr(content),
                field=name,
            )
            if beside
            else tr(
                "«{header}» isn't used, but it seems to hold {content}, and no column is taken "
                "for {field}",
                header=headers[0],
                content=tr(content),
                field=name,
            ),
            columns=headers,
            rows=seen.filled(found[0]),
            examples=tuple(seen.sample(found[0])[:_EXAMPLES]),
            assumed=tr("customers are created without {field}", field=name),
            answers=(
                *(" ".join([*beside, take(name, header)]) for header in headers),
                as_it_is(f"unused_{name}"),
            ),
        )


def _fills_gaps(seen: Evidence, name: str, column: int) -> bool:
    """Return whether a column is filled in half of the rows, and the field has no value there."""
    values = seen.cleaned.values[name]
    rows = int((values.isna() & (seen.sheet.table[column].loc[values.index] != "")).sum())
    return rows >= _FEWEST_GAPS and 2 * rows >= len(values)


def _are_abroad(seen: Evidence, column: int) -> bool:
    """Return whether numbers are phones of one other country, or of that in a country column.

    Ten digits may be anything; it is no coincidence if all are numbers of one country.
    """
    header = seen.sheet.headers[column]
    if seen.content(column) is not Content.NUMBERS or _is_no_card(header):
        return False
    if country_column(seen.sheet, (column,), seen.mapping.unused) is not None:
        return True
    texts = [text for text in seen.sample(column)[:_TRIED] if 9 <= len(text) <= 11]
    return len(texts) >= _FEWEST_ABROAD and any(
        all(valid_phone(text, region) for text in texts) for region in _NEIGHBOURS
    )


def _is_no_card(header: str) -> bool:
    return is_id(header) or is_other_number(header)


def _notes(seen: Evidence, name: str) -> tuple[int, ...]:
    """Return the columns of notes; they may hold phones or e-mails only."""
    taken = name in {"phone", "email"} and not seen.chosen("description")
    return seen.columns("description") if taken else ()


def name_is_none(seen: Evidence) -> Iterator[Question]:
    """Ask where fewer than half of the names look like names of people or companies."""
    if seen.chosen("name", "name_not_names"):
        return
    columns = seen.columns("name")
    texts = [text for column in columns for text in seen.sample(column)]
    like = sum(is_like_a_name(text.strip("* ")) and not _NUMBERED.search(text) for text in texts)
    if _counted(texts) > COUNTED * len(texts):
        like = 0  # ages, tables, rooms beside the names
    some = texts[:: max(1, len(texts) // _TRIED)]
    if len(some) > 1 and sum(meaning(text) is not None for text in some) > NAMES * len(some):
        like = 0  # the headers of a sheet whose customers stand side by side
    flags = len(columns) == 1 and seen.content(columns[0]) is Content.FEW
    if not texts or (like >= NAMES * len(texts) and not flags):
        return
    others = [column for column in seen.mapping.unused if seen.content(column) is Content.NAMES]
    yield Question(
        code="name_not_names",
        field="name",
        message=tr(
            "«{header}» is taken for the name, but its values don't look like names",
            header=" + ".join(seen.headers("name")),
        ),
        columns=seen.headers("name"),
        rows=len(seen.values("name")),
        examples=tuple(texts[:_EXAMPLES]),
        assumed=tr("they are the names"),
        answers=(
            *(take("name", seen.named(column)) for column in others),
            as_it_is("name_not_names"),
        ),
    )


def _counted(texts: list[str]) -> int:
    """Return how many texts have the word that most have beside a number of its own."""
    found = [_BESIDE_NUMBER.search(text[:_LONGEST]) for text in texts if text.count(" ") > 2]
    words = Counter((each[1] or each[2]).casefold() for each in found if each)
    return max(words.values(), default=0)


def guessed_name(seen: Evidence) -> Iterator[Question]:
    """Ask where no header says name and a column is taken because its values look like names."""
    if seen.mapping.reasons.get("name") != BY_VALUES:
        return
    column = seen.columns("name")[0]
    yield Question(
        code="guessed_name",
        field="name",
        message=tr(
            "no header says name; «{header}» is the only column whose values look like names",
            header=seen.named(column),
        ),
        columns=(seen.named(column),),
        rows=seen.filled(column),
        examples=tuple(seen.sample(column)[:_EXAMPLES]),
        assumed=tr("they are the names"),
        answers=(take("name", seen.named(column)), as_it_is("guessed_name")),
    )


def phone_in_name(seen: Evidence) -> Iterator[Question]:
    """Ask where names have a phone number beside them in the cell, and no column is of phones."""
    if seen.columns("phone") or seen.chosen("name", "phone_in_name"):
        return
    texts = [text for column in seen.columns("name") for text in seen.sample(column)]
    region = seen.reading.region
    found = [
        text
        for text in texts
        if any(valid_phone(part, region) for part in _NUMBER.findall(text[:_LONGEST]))
    ]
    if not texts or len(found) < NAMES * len(texts):
        return
    yield Question(
        code="phone_in_name",
        field="name",
        message=tr(
            "«{header}» holds phone numbers beside the names, and no column is taken for phone",
            header=" + ".join(seen.headers("name")),
        ),
        columns=seen.headers("name"),
        rows=len(seen.values("name")),
        examples=tuple(found[:_EXAMPLES]),
        assumed=tr("the numbers are a part of the names"),
        answers=(as_it_is("phone_in_name"),),
    )


def half_a_name(seen: Evidence) -> Iterator[Question]:
    """Ask where all names are one word and an unused column beside them holds one-word names."""
    columns = [column for column in seen.columns("name") if seen.filled(column)]
    if len(columns) != 1 or seen.chosen("name", "half_a_name"):
        return
    if not _single_words(seen, columns[0]):
        return
    left, right = (_beside(seen, columns[0], step) for step in (-1, 1))
    parts = tuple(map(seen.named, (*reversed(left), columns[0], *right)))
    others = [*left, *right]
    if not others:
        return
    header, beside = seen.named(columns[0]), seen.named(others[0])
    yield Question(
        code="half_a_name",
        field="name",
        message=tr(
            "«{header}» holds one word of names, and «{beside}» beside it isn't used and "
            "seems to hold the other",
            header=header,
            beside=beside,
        ),
        columns=parts,
        rows=seen.filled(others[0]),
        examples=tuple(seen.sample(others[0])[:_EXAMPLES]),
        assumed=tr("«{header}» alone is the name", header=header),
        answers=(" ".join(take("name", part) for part in parts), as_it_is("half_a_name")),
    )


def _beside(seen: Evidence, column: int, step: int) -> list[int]:
    """Return the unused columns of one-word names next to a column, empty parts of names aside."""
    found: list[int] = []
    empty = [part for part in seen.columns("name") if not seen.filled(part)]
    while (column := column + step) in (*seen.mapping.unused, *empty):
        if column not in empty:
            if not _single_words(seen, column):
                break
            found.append(column)
    return found


def _single_words(seen: Evidence, column: int) -> bool:
    """Return whether a column holds names of one word, hardly one like the other."""
    texts = seen.sample(column)
    single = sum(len(text.split()) == 1 and is_like_a_name(text) for text in texts)
    capital = sum(text[:1].isupper() for text in texts)
    filled = seen.filled(column) >= 0.5 * len(seen.sheet.table)
    return (
        filled
        and single >= 0.9 * len(texts) > 0
        and capital >= 0.7 * len(texts)
        and len(set(texts)) >= min(0.3 * len(texts), 20)
        and (len(set(texts)) > 1 or len(texts) == 1)
    )


def two_names(seen: Evidence) -> Iterator[Question]:
    """Ask where first or last names that aren't in the name stand in columns that aren't used."""
    columns = seen.columns("name")
    if len(columns) != 1 or seen.chosen("name", "two_names"):
        return
    named = [(meaning(seen.sheet.headers[column]), column) for column in seen.mapping.unused]
    parts = [
        column
        for part in ("first", "middle", "last")
        for word, column in named
        if word and word.field == part and seen.content(column) is Content.NAMES
    ]
    if not parts or any(is_within(seen.sheet, part, columns[0]) for part in parts):
        return
    header = seen.named(columns[0])
    yield Question(
        code="two_names",
        field="name",
        message=tr(
            "«{header}» is taken for the name, but {others}, which isn't used, holds other names",
            header=header,
            others=" + ".join(f"«{seen.named(part)}»" for part in parts),
        ),
        columns=(header, *map(seen.named, parts)),
        rows=seen.filled(parts[0]),
        examples=tuple(seen.sample(parts[0])[:_EXAMPLES]),
        assumed=tr("«{header}» alone is the name", header=header),
        answers=(
            " ".join(take("name", seen.named(part)) for part in parts),
            as_it_is("two_names"),
        ),
    )


def split_date(seen: Evidence) -> Iterator[Question]:
    """Ask where three unused columns side by side are day, month and year of birth."""
    if seen.columns("date_of_birth") or seen.chosen("date_of_birth", "split_date"):
        return
    unused = set(seen.mapping.unused)
    for first in seen.mapping.unused:
        columns = (first, first + 1, first + 2)
        if not unused.issuperset(columns):
            continue
        kinds = sorted(_part_of_date(seen.sample(column)) for column in columns)
        if kinds not in (["day", "month", "year"], ["month", "month", "year"]):
            continue
        headers = tuple(map(seen.named, columns))
        yield Question(
            code="split_date",
            field="date_of_birth",
            message=tr(
                "{headers} aren't used and seem to hold day, month and year of birth",
                headers=", ".join(f"«{header}»" for header in headers),
            ),
            columns=headers,
            rows=seen.filled(first),
            examples=tuple("-".join(seen.sample(column)[:1]) for column in columns),
            assumed=tr("customers are created without {field}", field="date_of_birth"),
            answers=(as_it_is("split_date"),),
        )
        return


def _part_of_date(texts: list[str]) -> str:
    numbers = [int(text) for text in texts if text.isascii() and text.isdecimal()]
    if not numbers or len(numbers) < len(texts):
        return ""
    if all(1900 < number <= LAST_BIRTH_YEAR for number in numbers):
        return "year"
    if min(numbers) < 1 or max(numbers) > 31:
        return ""
    return "month" if max(numbers) <= 12 else "day"
