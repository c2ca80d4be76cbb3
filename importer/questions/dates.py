"""Questions about dates of birth: all alike, without a day or a year, shifted, turned round."""

from __future__ import annotations

from typing import TYPE_CHECKING

from importer.clean.date import EVENING, proven_order
from importer.clean.date_columns import common_times, half_turned
from importer.i18n import tr, trn
from importer.mapping.content import LAST_BIRTH_YEAR
from importer.questions.question import Question, as_it_is, take
from importer.questions.values import FEWEST, MANY, SHARED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from importer.questions.evidence import Evidence

BY_CHANCE = 0.1
"""Share of `MANY` dates of birth that can't be one day by chance."""
FIRSTS = 0.8
"""Share of dates of birth, on the first of a month or of recent years, that is evidence."""
_EXAMPLES = 3


def one_birthday(seen: Evidence) -> Iterator[Question]:
    """Ask where half of the dates of birth, and three at least, are the same day.

    Or a tenth, and twenty at least: of so many one in 300 would be much.
    """
    dates = seen.values("date_of_birth")
    if len(dates) < FEWEST:
        return
    counts = dates.value_counts()
    most, day = int(counts.iloc[0]), str(counts.index[0])
    if most < max(FEWEST, SHARED * len(dates)) and most < max(MANY, BY_CHANCE * len(dates)):
        return
    yield Question(
        code="one_birthday",
        field="date_of_birth",
        message=trn(
            "{n} of {all} customers would be born on the same day: it may stand for an empty date",
            "{n} of {all} customers would be born on the same day: it may stand for an empty date",
            most,
            all=len(dates),
        ),
        columns=seen.headers("date_of_birth"),
        rows=most,
        examples=(day,),
        assumed=tr("they were born that day"),
        answers=(take("date_of_birth", ""), as_it_is("one_birthday")),
        same=day,
    )


def recent_birthdays(seen: Evidence) -> Iterator[Question]:
    """Ask where dates of birth are of one recent year or two: a spreadsheet adds that of typing."""
    dates = seen.values("date_of_birth")
    years = dates.str[:4]
    recent = years[years > str(LAST_BIRTH_YEAR)].astype(int)
    if len(recent) < max(FEWEST, FIRSTS * len(dates)) or recent.max() - recent.min() > 1:
        return
    yield Question(
        code="recent_birthdays",
        field="date_of_birth",
        message=trn(
            "{n} of {all} customers would be born in {years}: these may be the years of typing",
            "{n} of {all} customers would be born in {years}: these may be the years of typing",
            len(recent),
            all=len(dates),
            years=", ".join(map(str, sorted(set(recent)))),
        ),
        columns=seen.headers("date_of_birth"),
        rows=len(recent),
        examples=tuple(dates.loc[recent.index[:_EXAMPLES]]),
        assumed=tr("they were born on these days"),
        answers=(take("date_of_birth", ""), as_it_is("recent_birthdays")),
    )


def first_of_month(seen: Evidence) -> Iterator[Question]:
    """Ask where four of five dates of birth are the first of a month: no day was typed."""
    dates = seen.values("date_of_birth").drop_duplicates()
    if len(dates) < 5:
        return
    firsts = dates[dates.str.endswith("-01")]
    if len(firsts) < FIRSTS * len(dates):
        return
    yield Question(
        code="first_of_month",
        field="date_of_birth",
        message=trn(
            "{n} of {all} dates of birth is the first of a month: the days may be unknown",
            "{n} of {all} dates of birth are the first of a month: the days may be unknown",
            len(firsts),
            all=len(dates),
        ),
        columns=seen.headers("date_of_birth"),
        rows=len(firsts),
        examples=tuple(firsts.tolist()[:_EXAMPLES]),
        assumed=tr("they were born on these days"),
        answers=(take("date_of_birth", ""), as_it_is("first_of_month")),
    )


def shifted_dates(seen: Evidence) -> Iterator[Question]:
    """Ask where most dates of birth have a time of the evening, and the same one or two."""
    for column in seen.columns("date_of_birth")[:1]:
        times = sorted(time for time in common_times(seen.sample(column)) if time >= EVENING)
        if not times:
            continue
        yield Question(
            code="shifted_dates",
            field="date_of_birth",
            message=tr(
                "the dates in «{header}» have a time, {times}, which is midnight of the next day "
                "in another time zone",
                header=seen.named(column),
                times=", ".join(times),
            ),
            columns=(seen.named(column),),
            rows=seen.filled(column),
            examples=tuple(seen.sample(column)[:_EXAMPLES]),
            assumed=tr("the day after the one that is written"),
            answers=(as_it_is("shifted_dates"), take("date_of_birth", "")),
        )


def half_turned_dates(seen: Evidence) -> Iterator[Question]:
    """Ask where dates of one form never have a day above 12 and the others always do."""
    if seen.reading.dates_given:
        return
    for column in seen.columns("date_of_birth")[:1]:
        order = half_turned(seen.sheet, column)
        if order is None:
            continue
        yield Question(
            code="half_turned_dates",
            field="date_of_birth",
            message=tr(
                "in «{header}» dates of one form never have a day above 12 and the others always "
                "do: a spreadsheet swapped day and month of the first",
                header=seen.named(column),
            ),
            columns=(seen.named(column),),
            rows=seen.filled(column),
            examples=tuple(seen.sample(column)[:_EXAMPLES]),
            assumed=tr("each date as it stands"),
            answers=(f"--dates {order}", as_it_is("half_turned_dates")),
        )


def contrary_dates(seen: Evidence) -> Iterator[Question]:
    """Ask where the order of dates that a flag, a profile or a header says isn't the column's."""
    for column in seen.columns("date_of_birth")[:1]:
        texts = seen.sample(column)
        proven = proven_order(texts)
        if proven is None or seen.reading.dates in {None, "YMD", proven}:
            continue
        proofs = sum(proven_order([text]) == proven for text in texts)
        if proofs < 2 and proofs < len(texts):
            continue
        yield Question(
            code="contrary_dates",
            field="date_of_birth",
            message=tr(
                "the dates in «{header}» would be read as {order}, but they prove {proven}",
                header=seen.named(column),
                order=seen.reading.dates,
                proven=proven,
            ),
            columns=(seen.named(column),),
            rows=seen.filled(column),
            examples=tuple(text for text in texts if proven_order([text]))[:_EXAMPLES],
            assumed=str(seen.reading.dates),
            answers=(f"--dates {proven}", as_it_is("contrary_dates")),
        )
