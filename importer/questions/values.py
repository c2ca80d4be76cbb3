"""Questions about the values of a whole column: shared, all alike, of another country.

What counts equal values looks at every row, with the column as it was cleaned.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import phonenumbers

from importer.clean.gender import MALE
from importer.clean.phone import parse_phone
from importer.i18n import percent, tr, trn
from importer.mapping.content import are_flags
from importer.problems import field_word
from importer.questions.question import Question, as_it_is, stand_for_none, take
from importer.text import fold

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pandas as pd

    from importer.questions.evidence import Evidence

SHARED = 0.5
"""Share of the codes, or of the dates, that must be the same for a question."""
FEWEST = 3
"""Rows with one value that are evidence; fewer are a family, twins, a slip."""
NOBODYS = 4
"""From so many different names with one phone on, the phone is no evidence of a person."""
BAD = 0.5
"""Share of the phones that are no numbers of the region, for a question about the country."""
BAD_OF_MANY = 0.3
"""The same among `MANY` phones and more."""
MANY = 20
OF_ONE = 0.8
"""Share of these that must be numbers of one other country."""
ALL_OF_ONE = 0.2
"""The same where that country has all other numbers, too."""
_DATE = re.compile(r"[0-9]{1,4}([./-])[0-9]{1,2}\1[0-9]{2,4}")  # below it another list begins
_ABROAD = ("+", "00")
_TRIED = 40  # bad phones that are tried in each country
_EXAMPLES = 3
_AT_ONCE = 10
"""Values that one answer says stand for none; those of a longer list are asked about next."""
_LIKELY = (  # where equal, the country that is meant by more people here
    "AZ TR RU GE KZ UA UZ IR AE DE GB US FR IT ES PL NL IL KG TJ TM BY MD AM LT LV EE RO BG GR"
    "".split()
)


def shared_code(seen: Evidence) -> Iterator[Question]:
    """Ask where half of the codes are shared by people of different names."""
    codes = seen.values("code")
    if len(codes) < FEWEST:
        return
    shared = _of_many_names(seen, codes)
    rows = int(codes.isin(shared.index).sum())
    few = rows < max(FEWEST, SHARED * len(codes))
    if few:
        shared = shared[[stands_for_none(str(code), int(names)) for code, names in shared.items()]]
        rows = int(codes.isin(shared.index).sum())
    if not rows or are_flags(codes.unique().tolist()):  # flags are another question
        return
    header = " + ".join(seen.headers("code"))
    yield Question(
        code="shared_code",
        field="code",
        message=trn(
            "«{header}» is taken for the code, which only one customer can have, but {n} of {all} "
            "rows share theirs with others",
            "«{header}» is taken for the code, which only one customer can have, but {n} of {all} "
            "rows share theirs with others",
            rows,
            header=header,
            all=len(codes),
        ),
        columns=seen.headers("code"),
        rows=rows,
        examples=tuple(map(str, shared.index[:_EXAMPLES])),
        assumed=tr("the first customer gets it, the others are held back"),
        # Where most codes are real, leaving all out would lose them.
        answers=(
            *((stand_for_none("code", map(str, shared.index[:_AT_ONCE])),) if few else ()),
            take("code", ""),
            as_it_is("shared_code"),
        ),
    )


def stands_for_none(code: str, names: int) -> bool:
    """Return whether a code shared by so many names stands for none: 0000 of two, 1234 of three."""
    if len(code) > 2 and len(set(code)) == 1:
        return True
    return names > NOBODYS or (names >= FEWEST and len(code) > 3 and code in "0123456789")


def nobodys_phone(seen: Evidence) -> Iterator[Question]:
    """Ask where one phone, or one e-mail address, stands beside many different names."""
    for name in ("phone", "email"):
        values = seen.values(name)
        shared = _of_many_names(seen, values)
        many = [
            value
            for value, names in shared.items()
            if names >= NOBODYS
            or (names >= FEWEST and names >= SHARED * len(values))
            or (name == "phone" and _is_placeholder(str(value)))
        ]
        if not many:
            continue
        rows = int(values.isin(many).sum())
        yield Question(
            code=f"nobodys_{name}",
            field=name,
            message=trn(
                "{n} row with another name has the same {field}: it may stand for none",
                "{n} rows with different names have the same {field}: it may stand for none",
                rows,
                field=field_word(name),
            ),
            columns=seen.headers(name),
            rows=rows,
            examples=tuple(map(str, many[:_EXAMPLES])),
            assumed=tr("the first customer gets it, the others are held back")
            if name == "phone"
            else tr("each of these customers gets it"),
            answers=(
                stand_for_none(name, map(str, many[:_AT_ONCE])),
                as_it_is(f"nobodys_{name}"),
            ),
            same=name,
        )


def _is_placeholder(phone: str) -> bool:
    """Return whether the last seven digits of a number are one digit, or count up or down."""
    tail = phone[-7:]
    return len(set(tail)) == 1 or tail in "01234567890" or tail in "09876543210"


def _of_many_names(seen: Evidence, values: pd.Series[str]) -> pd.Series[int]:
    """Return the values that two or more different names have, with their number, most first."""
    shared = values[values.duplicated(keep=False)].astype(object)
    names = seen.cleaned.values["name"].loc[shared.index].fillna("").astype(object)
    counts = names.map(_words).groupby(shared).nunique()
    return counts[counts > 1].sort_values(ascending=False)


def _words(name: str) -> str:
    return " ".join(sorted(fold(name).split()))


def gender_numbers(seen: Evidence) -> Iterator[Question]:
    """Ask where the genders are 0 and 1 alone: then 1 and 2 aren't what Clopos means by them."""
    columns = seen.columns("gender")
    if not columns or seen.reading.genders:
        return
    texts = {text.removesuffix(".0") for text in seen.sample(columns[0])}
    if texts != {"0", "1"}:
        return
    yield Question(
        code="gender_numbers",
        field="gender",
        message=tr(
            "the genders in «{header}» are 0 and 1: the sheet doesn't say which is which",
            header=seen.named(columns[0]),
        ),
        columns=(seen.named(columns[0]),),
        rows=seen.filled(columns[0]),
        examples=("0", "1"),
        assumed=tr("1 is male, 0 is nothing, as Clopos counts"),
        answers=(take("gender", ""), as_it_is("gender_numbers")),
    )


def gender_words(seen: Evidence) -> Iterator[Question]:
    """Ask where all genders that are understood are the same and a fifth isn't understood.

    Beside M alone an H is enough: then it is a man in Spanish or Portuguese, and M a woman.
    """
    unknown = [
        problem.value
        for problem in seen.cleaned.problems
        if problem.field == "gender" and problem.code == "unknown_gender"
    ]
    known = seen.values("gender")
    others = sum(p.code == "gender_not_representable" for p in seen.cleaned.problems)
    distinct = sorted(set(unknown))
    alike = known.min() == known.max() if len(known) else others > 0
    if len(distinct) > 3 or not alike:
        return
    few = len(unknown) < max(2, 0.2 * (len(unknown) + len(known)))
    if few and not (known.isin([MALE]).any() and "h" in map(fold, distinct)):
        return
    yield Question(
        code="gender_words",
        field="gender",
        message=tr(
            "every gender in «{header}» that is understood is the same, and {words} isn't "
            "understood: the words may be of another language",
            header=" + ".join(seen.headers("gender")),
            words=", ".join(f"«{word}»" for word in distinct),
        ),
        columns=seen.headers("gender"),
        rows=len(unknown),
        examples=tuple(distinct),
        assumed=tr("the rows that aren't understood are held back"),
        answers=(take("gender", ""), as_it_is("gender_words")),
    )


def other_region(seen: Evidence) -> Iterator[Question]:
    """Ask where most phones are no numbers of the region and nearly all of them of another."""
    bad = [
        problem.value
        for problem in seen.cleaned.problems
        if problem.field == "phone"
        and problem.code in {"invalid_phone", "phone_country_assumed"}
        and not _DATE.fullmatch(problem.value)
    ]
    filled = (
        len(bad)
        + len(seen.values("phone"))
        - sum(problem.code == "phone_country_assumed" for problem in seen.cleaned.problems)
    )
    if len(bad) < max(2, (BAD if filled < MANY else BAD_OF_MANY) * filled):
        yield from _all_of_another(seen, bad, filled)
        return
    tried = bad[:: max(1, len(bad) // _TRIED)][:_TRIED]
    needed = OF_ONE * len(tried)
    found = {region: _read_in(region, tried, needed) for region in phonenumbers.SUPPORTED_REGIONS}
    order = {region: place for place, region in enumerate(_LIKELY)}
    ranked = sorted(found, key=lambda region: (-found[region], order.get(region, 99), region))
    best = [region for region in ranked[:3] if found[region] >= needed]
    if not best or best[0] == seen.reading.region:
        return
    yield _of_region(seen, bad, filled, best, found[best[0]] / len(tried))


def _of_region(
    seen: Evidence, bad: list[str], filled: int, best: list[str], share: float
) -> Question:
    return Question(
        code="other_region",
        field="phone",
        message=trn(
            "{n} of {all} phones is no number of {region}; {share} of these are numbers of {other}",
            "{n} of {all} phones are no numbers of {region}; {share} of these are numbers of "
            "{other}",
            len(bad),
            all=filled,
            region=seen.reading.region,
            share=percent(share),
            other=best[0],
        ),
        columns=seen.headers("phone"),
        rows=len(bad),
        examples=tuple(bad[:_EXAMPLES]),
        assumed=tr("the rows with these phones are held back"),
        answers=(*(f"--region {region}" for region in best), as_it_is("other_region")),
        same=f"{seen.reading.region} {best[0]}",
    )


def _all_of_another(seen: Evidence, bad: list[str], filled: int) -> Iterator[Question]:
    """Ask where another country has all numbers, the region some of them: 555 10 00 00.

    Numbers that aren't of the region, or have the country with them, are all of that country; none
    has the region with it; and those without are numbers of that country, too.
    """
    columns = seen.columns("phone")
    if (
        len(columns) != 1
        or columns[0] in seen.mapping.phone_regions
        or seen.mapping.country is not None
    ):
        return
    texts = seen.sample(columns[0])
    abroad = [text for text in texts if text.startswith(_ABROAD)]
    national = [text for text in texts if not text.startswith(_ABROAD)]
    others = [text for text in bad if not text.startswith(_ABROAD)][:_TRIED]
    if not national or len(abroad) + len(others) < max(FEWEST, ALL_OF_ONE * len(texts)):
        return
    found = {_country(text) for text in abroad}
    if len(found) > 1:
        return
    regions: Sequence[str | None] = [*found] or [
        region for region in _LIKELY if _read_in(region, others, len(others)) == len(others)
    ]
    best = [
        region
        for region in regions
        if region
        and region != seen.reading.region
        and _read_in(region, national, len(national)) == len(national)
    ][:_EXAMPLES]
    if best:
        assumed = tr("numbers without a country are of {region}", region=seen.reading.region)
        yield replace(_of_region(seen, [*abroad, *others], filled, best, 1), assumed=assumed)


def _country(text: str) -> str | None:
    try:
        number = phonenumbers.parse("+" + text.removeprefix("00").lstrip("+"), None)
    except phonenumbers.NumberParseException:
        return None
    return phonenumbers.region_code_for_number(number)


def _read_in(region: str, texts: list[str], needed: float) -> int:
    """Return how many texts are numbers of a region; it stops where fewer than needed can be."""
    misses = 0
    for text in texts:
        parsed = parse_phone(text, region)
        if parsed.value is None or "phone_country_assumed" in parsed.remarks:
            misses += 1
            if misses > len(texts) - needed:
                break
    return len(texts) - misses
