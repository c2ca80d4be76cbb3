"""Questions about the names as a whole: one that most rows have, or a part of one."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from importer.i18n import tr, trn
from importer.mapping.content import Content
from importer.questions.question import Question, as_it_is, take
from importer.text import fold, has_small_words

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from importer.questions.evidence import Evidence

SHARED = 0.5
"""Share of the customers with one name from which on it may stand for nobody."""
FEWEST = 3
MANY = 20
"""Customers with one name that are too many, if they are a tenth of all and …"""
BY_CHANCE = 0.1
TIMES = 5
"""… so many times as many as those with the next name: common names of people come in steps."""

ALONE = 0.2
"""Share of the rows with a name alone that have one, for lines that belong to other rows."""
_DIGITS, _TRIED = "[0-9]+", 1000

PART = 0.2
"""Share of a first name, surname or patronymic that is one text."""


def one_name(seen: Evidence) -> Iterator[Question]:
    """Ask where most customers, who have different phones, have one name: Guest, Müştəri."""
    columns = seen.columns("name")
    if len(columns) == 1 and seen.content(columns[0]) is Content.FEW:
        return  # a few words repeated are another question
    values = seen.cleaned.values[["name", "phone", "email", "code"]]
    if (lines := _lines_between(seen, values)) is not None:
        name, often, all_rows = lines
        message = trn(
            "{n} row of {all} has nothing but a name like «{name}»: it may be a line that belongs "
            "to the row above",
            "{n} rows of {all} have nothing but a name like «{name}»: they may be lines that "
            "belong to the row above",
            often,
            all=all_rows,
            name=name,
        )
        yield _one_name(seen, name, often, message)
        return
    named = values["name"].value_counts()
    if named.empty or named.iloc[0] < BY_CHANCE * named.sum() / 2:  # however it is written
        return
    people = values[values["name"].notna()].astype(object).drop_duplicates()
    counts = people["name"].value_counts()
    folded = counts.groupby(list(map(_words, counts.index))).sum().sort_values(ascending=False)
    most, all_rows = int(folded.iloc[0]), int(folded.sum())
    following = int(folded.iloc[1]) if len(folded) > 1 else 0
    often = most >= max(MANY, BY_CHANCE * all_rows) and most >= TIMES * following
    if most < max(FEWEST, SHARED * all_rows) and not often:
        return
    name = next(str(name) for name in counts.index if _words(name) == folded.index[0])
    message = trn(
        "{n} of {all} customers would be called «{name}»: it may stand for no name",
        "{n} of {all} customers would be called «{name}»: it may stand for no name",
        most,
        all=all_rows,
        name=name,
    )
    yield _one_name(seen, name, most, message)


def _lines_between(seen: Evidence, values: pd.DataFrame) -> tuple[str, int, int] | None:
    """Return a name that rows without anything else share but for numbers, their count, and all.

    `Order 5001`, `Lunch`: lines below the customers that they belong to. No customer with a phone,
    address or code is called so. Or they have a column of their own, of amounts say.
    """
    bare = values[["phone", "email", "code"]].isna().all(axis="columns") & values["name"].notna()
    alone, others = values["name"][bare], values["name"][~bare].dropna()
    if len(alone) < FEWEST or len(others) < FEWEST:
        return None
    for column in seen.mapping.unused:
        amounts = all(any(map(str.isdigit, text)) for text in seen.sample(column))
        if amounts and ((seen.sheet.table[column].loc[values.index] != "") == bare).all():
            return str(alone.iloc[0]), len(alone), len(values)
    alone = alone.iloc[:: max(1, len(alone) // _TRIED)]
    forms = alone.str.replace(_DIGITS, "0", regex=True)
    counts = forms.value_counts()
    form, often = str(counts.index[0]), int(counts.iloc[0])
    if often < max(FEWEST, ALONE * len(alone)):
        return None
    if (others.str.replace(_DIGITS, "0", regex=True) == form).any():
        return None
    return str(alone[forms == form].iloc[0]), often, len(values)


def _one_name(seen: Evidence, name: str, most: int, message: str) -> Question:
    return Question(
        code="one_name",
        field="name",
        message=message,
        columns=seen.headers("name"),
        rows=most,
        examples=(name,),
        assumed=tr("they are the names"),
        answers=(as_it_is("one_name"),),
        same=name,
    )


def one_part(seen: Evidence) -> Iterator[Question]:
    """Ask where a part of many names is one text that doesn't look like a surname: не указано.

    It has no capital, or a word without one.
    """
    columns = seen.columns("name")
    if len(columns) < 2 or seen.chosen("name", "one_part"):
        return
    for column in columns:
        texts = seen.sample(column)
        counts = Counter(map(fold, texts))
        if not counts:
            continue
        word, often = counts.most_common(1)[0]
        text = next(text for text in texts if fold(text) == word)
        others = [other for n in columns if n != column for other in seen.sample(n)]
        capitals = 2 * sum(other[:1].isupper() for other in others) > len(others)
        small = capitals and text.islower()
        if often < max(FEWEST, PART * len(texts)) or not (
            small or (capitals and has_small_words(text.split()))
        ):
            continue
        header = seen.named(column)
        yield Question(
            code="one_part",
            field="name",
            message=trn(
                "«{header}» is «{text}» in {n} of {all} names: it may stand for none",
                "«{header}» is «{text}» in {n} of {all} names: it may stand for none",
                often,
                all=len(texts),
                header=header,
                text=text,
            ),
            columns=(header,),
            rows=often,
            examples=(text,),
            assumed=tr("it is a part of these names"),
            answers=(
                " ".join(take("name", seen.named(other)) for other in columns if other != column),
                as_it_is("one_part"),
            ),
            same=word,
        )
        return


def _words(name: str) -> str:
    return " ".join(sorted(fold(name).split()))
