"""Questions about genders, and unused columns whose cells are short: birthdays without a year.

A few different words may mean anything. They are genders if they are words for them, or if the
names beside them show it: names of women have one word, names of men the other.
"""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from dataclasses import replace
from functools import cache
from importlib.resources import files
from itertools import pairwise
from math import comb
from typing import TYPE_CHECKING

from importer.clean.date import MONTHS
from importer.clean.gender import FEMALE, MALE, parse_gender, proven_language, stated_genders
from importer.i18n import tr
from importer.mapping.content import Content, are_flags
from importer.mapping.header_words import is_id, is_other_day, is_other_number
from importer.questions.question import Question, as_it_is, take
from importer.text import fold, tidy

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from importer.questions.evidence import Evidence

FEWEST = 4
"""Cells of a column that are evidence."""
MOST_DAYS = 0.9
"""Share of a column that must be days of a year."""
AGREE = 0.9
"""Share of the names that tell a gender which must have the value of theirs."""
CHANCE = 0.03
"""Probability that a column of anything else agrees so well; for yes and no a tenth of it."""
CHANCE_OF_SIGNS = 0.11
"""The same of values of one letter or digit, as codes of genders are: three rows of each."""
_TRIED = 400  # rows whose names are looked at
_MOST_WORDS = 6  # a word may be written in several ways
_MOST_MARKS = 2  # and an empty cell
_LONGEST = 20  # letters of a word for a gender
_EXAMPLES = 3
_DAY = re.compile(r"([0-9]{1,2})[./-]([0-9]{2})\.?")
_OF_CELL = re.compile(r"--([0-9]{2})-([0-9]{2})")  # a date cell that shows no year
_IN_WORDS = re.compile(r"([0-9]{1,2})[. -]{1,2}([^\W\d_]+)\.?|([^\W\d_]+)\.?[ -]([0-9]{1,2})")
_WOMEN = re.compile(r"(?:ova|eva|skaya|ева|ова|вна|ская|чна|qizi|kyzy|кызы)$")
_MEN = re.compile(r"(?:ov|ev|skiy|ов|ев|ский|вич|oglu|оглы)$")


def unused_birthdays(seen: Evidence) -> Iterator[Question]:
    """Ask about an unused column of days and months where no column is of dates of birth."""
    if seen.columns("date_of_birth") or seen.chosen("date_of_birth", "unused_birthdays"):
        return
    if any(seen.content(column) is Content.BIRTH_DATES for column in seen.mapping.unused):
        return  # a year and all: another question
    found = [
        column
        for column in seen.mapping.unused
        if are_days(seen.sample(column)) and not is_other_day(seen.sheet.headers[column])
    ]
    if found:
        question = _question(
            seen, found, "unused_birthdays", "date_of_birth", tr("birthdays without a year")
        )
        # Taken for the field, they would hold every row back: Clopos has no days without a year.
        yield replace(question, answers=(as_it_is("unused_birthdays"),))


def are_days(texts: Sequence[str]) -> bool:
    """Return whether texts are days of a year: 14.05, 03/12, 5 мая; no amounts, hours or parts."""
    numbers = [(int(day[1]), int(day[2])) for text in texts if (day := _DAY.fullmatch(text))]
    cells = [(int(day[2]), int(day[1])) for text in texts if (day := _OF_CELL.fullmatch(text))]
    words = [
        month
        for text in texts
        if (day := _IN_WORDS.fullmatch(text)) and (month := fold(day[2] or day[3])) in MONTHS
    ]
    if len(texts) < FEWEST or len(numbers) + len(cells) + len(words) < MOST_DAYS * len(texts):
        return False
    left, right = [first for first, _ in numbers], [second for _, second in numbers]
    months = right if max(right, default=0) <= 12 else left
    days = left if months is right else right
    possible = all(1 <= month <= 12 for month in months) and all(1 <= day <= 31 for day in days)
    of_cells = [month for _, month in cells]
    return possible and len({*months, *of_cells, *words}) >= 3 and len(set(texts)) > len(texts) / 2


def unused_gender(seen: Evidence) -> Iterator[Question]:
    """Ask about an unused column of genders where no column is taken for them."""
    if seen.columns("gender") or seen.chosen("gender", "unused_gender"):
        return
    found = [column for column in seen.mapping.unused if _are_genders(seen, column)]
    if found:
        yield _question(seen, found, "unused_gender", "gender", tr("genders"))
    elif marked := _marked_genders(seen):
        question = _question(seen, marked, "unused_gender", "gender", tr("genders"))
        # Neither column alone is the gender: they have to be joined in the sheet.
        yield replace(question, answers=(as_it_is("unused_gender"),))


def _marked_genders(seen: Evidence) -> list[int]:
    """Return the two unused columns, one for each gender, one of which has a mark in each row."""
    genders = {
        column: parse_gender(seen.sheet.headers[column], None).value
        for column in seen.mapping.unused
    }
    for left, right in pairwise(seen.mapping.unused):
        if {genders[left], genders[right]} != {MALE, FEMALE}:
            continue
        marks = [seen.sheet.table[column] != "" for column in (left, right)]
        few = all(0 < seen.sheet.table[column].nunique() <= _MOST_MARKS for column in (left, right))
        both, either = (marks[0] & marks[1]).sum(), (marks[0] | marks[1]).sum()
        if few and not both and either >= max(FEWEST, len(seen.sheet.table) / 2):
            return [left, right]
    return []


def _are_genders(seen: Evidence, column: int) -> bool:
    header = seen.sheet.headers[column]
    if is_id(header) or is_other_number(header) or len(set(seen.sample(column))) > _MOST_WORDS:
        return False
    names = seen.cleaned.values["name"]
    # As they are written: a minus is a value here.
    cells = seen.sheet.table[column].loc[names.index]
    filled = cells[cells != ""]
    counts = Counter(filled.value_counts().to_dict())
    if not 2 <= len(counts) <= _MOST_WORDS or 2 * len(filled) < len(cells):
        return False
    texts = {str(text): fold(tidy(str(text))) for text in counts}
    words: Counter[str] = Counter()
    for text, number in counts.items():
        words[texts[str(text)]] += number
    if not 2 <= len(words) <= 3 or max(map(len, words)) > _LONGEST:
        return False
    if len(filled) >= 3 and _are_words_for_genders(list(words)):
        return True
    (one, _), (other, fewer) = words.most_common(2)
    if fewer < 2 or words[one] + fewer < 0.8 * len(filled):
        return False
    chosen = filled.iloc[:: max(1, len(filled) // _TRIED)]
    pairs: Counter[tuple[int, bool]] = Counter()
    for name, text in zip(names.loc[chosen.index].fillna(""), chosen, strict=True):
        word, gender = texts[str(text)], gender_of_name(str(name))
        if gender and word in {one, other}:
            pairs[gender, word == one] += 1
    return _agree(pairs, _limit(header, list(words)))


def _limit(header: str, words: Sequence[str]) -> float:
    """Return how seldom words of a column that isn't one of genders may agree so well."""
    if are_flags(words) or set(words) == {"0", "1"}:  # Qadın: yes, no
        return 1 if stated_genders(header) else CHANCE / 10
    return CHANCE_OF_SIGNS if max(map(len, words)) == 1 else CHANCE


def gender_and_names(seen: Evidence) -> Iterator[Question]:
    """Ask where the names say that the genders are the other way round: 1 beside the women."""
    columns = seen.columns("gender")
    if not columns or seen.chosen("gender", "gender_and_names"):
        return
    values = seen.cleaned.values[["name", "gender"]].dropna()
    if values["gender"].nunique() < 2:
        return  # all alike: the other words may not be understood, which is another question
    chosen = values.iloc[:: max(1, len(values) // _TRIED)]
    contrary = [
        int(gender) != told
        for name, gender in zip(chosen["name"], chosen["gender"], strict=True)
        if (told := gender_of_name(str(name)))
    ]
    if sum(contrary) < max(FEWEST, AGREE * len(contrary)):
        return
    header = " + ".join(seen.headers("gender"))
    yield Question(
        code="gender_and_names",
        field="gender",
        message=tr(
            "the genders in «{header}» are the other way round than the names say", header=header
        ),
        columns=seen.headers("gender"),
        rows=len(values),
        examples=tuple(values["name"].head(_EXAMPLES)),
        assumed=tr("the genders as the column says"),
        answers=(take("gender", ""), as_it_is("gender_and_names")),
    )


def _are_words_for_genders(words: Sequence[str]) -> bool:
    language = proven_language(set(words))
    known = {parse_gender(word, language).value for word in words}
    understood = all(
        parse_gender(word, language).problem is None for word in words if word not in {"-", "?"}
    )
    return understood and {MALE, FEMALE} <= known and not any(map(str.isdigit, words))


def _agree(pairs: Counter[tuple[int, bool]], limit: float) -> bool:
    """Return whether names of women have one value and those of men the other, not by chance.

    By Fisher's exact test, for either direction.
    """
    a, b = pairs[FEMALE, True], pairs[FEMALE, False]
    c, d = pairs[MALE, True], pairs[MALE, False]
    if a + d < b + c:
        a, b, c, d = b, a, d, c
    total = a + b + c + d
    if a + d < AGREE * total:
        return False
    women, ones = a + b, a + c
    ways = sum(
        comb(women, both) * comb(c + d, ones - both)
        for both in range(a, min(women, ones) + 1)
        if ones - both <= c + d
    )
    return total > 0 and 2 * ways <= limit * comb(total, ones)


def gender_of_name(name: str) -> int | None:
    """Return the gender that the words of a name tell, None where they don't or contradict."""
    female, male = _first_names()
    told = set()
    for word in re.findall(r"[^\W\d_]+", fold(name)):
        if word in female or _WOMEN.search(word):
            told.add(FEMALE)
        elif word in male or _MEN.search(word):
            told.add(MALE)
    return told.pop() if len(told) == 1 else None


@cache
def _first_names() -> tuple[frozenset[str], frozenset[str]]:
    data = tomllib.loads((files("schemas") / "first_names.toml").read_text("utf-8"))
    female, male = ({fold(word) for word in data[name].split()} for name in ("female", "male"))
    return frozenset(female - male), frozenset(male - female)


def _question(seen: Evidence, columns: list[int], code: str, field: str, content: str) -> Question:
    columns.sort(key=lambda column: -seen.filled(column))
    headers = tuple(map(seen.named, columns))
    texts = seen.sheet.table[columns[0]]
    return Question(
        code=code,
        field=field,
        message=tr(
            "«{header}» isn't used, but it seems to hold {content}, and no column is taken "
            "for {field}",
            header=headers[0],
            content=content,
            field=field,
        ),
        columns=headers,
        rows=seen.filled(columns[0]),
        examples=tuple(map(str, texts[texts != ""].unique()[:_EXAMPLES])),
        assumed=tr("customers are created without {field}", field=field),
        answers=(*(take(field, header) for header in headers), as_it_is(code)),
    )
