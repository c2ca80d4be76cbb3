"""The fast path of matching gives the verdicts that judging each row gives."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from importer.matching.customers import Index
from importer.matching.fast_path import decide_usual
from importer.matching.match import judged
from importer.matching.verdicts import (
    EVIDENCE,
    Answer,
    Decision,
    Kind,
    KnownCustomer,
    MatchOptions,
    Presence,
    Reason,
    Row,
)
from tests.matching.people import at_clopos, holders_for, rows

_NAMES = ("Aysel Məmmədova", "Aysel M.", "Əli Quliyev", "Гусейн", "Leyla 1", "Leyla 2", "?")


@st.composite
def people(draw: st.DrawFn, most: int) -> str:
    """Draw a person; `most` is the number of different values of each kind."""
    value = st.integers(1, most)
    text = draw(st.sampled_from(_NAMES))
    for kind in "pcebi":
        if draw(st.integers(0, 3 if kind != "i" else 9)) == 0:
            text += f" {kind}{'0' * draw(st.integers(0, 1)) if kind == 'c' else ''}{draw(value)}"
    return text


@st.composite
def nights(draw: st.DrawFn) -> tuple[list[Row], dict[str, KnownCustomer], MatchOptions]:
    """Draw a sheet, and customers of whom many equal a row or an earlier version of one."""
    most = draw(st.sampled_from([2, 9, 9999]))
    texts = draw(st.lists(people(most), max_size=10))
    ids = [str(number) for number in range(1, draw(st.integers(0, 8)) + 1)]
    sheet = [_stated(draw, row, ids) for row in rows(*texts)]
    looks = st.sampled_from([row.evidence for row in rows(*texts)]) if texts else st.nothing()
    looks |= people(most).map(lambda text: rows(text)[0].evidence)
    remote = people(most).map(lambda text: at_clopos("0", text).now)
    if texts:
        remote |= st.sampled_from([at_clopos("0", text).now for text in texts])
    customers = {
        id_: KnownCustomer(
            id_,
            now=draw(st.none() | remote),
            seen=tuple(draw(st.lists(looks, max_size=2, unique=True))),
            held=tuple(draw(st.lists(looks, max_size=1)) if draw(st.booleans()) else ()),
            presence=draw(st.sampled_from([Presence.HERE, Presence.HERE, *Presence])),
            had_row=draw(st.booleans()),
            decided=draw(st.integers(0, 9)) == 0,
        )
        for id_ in ids
    }
    options = MatchOptions(
        share_phones=draw(st.booleans()),
        accepted=draw(st.frozensets(st.sampled_from([*Reason, "shared_codes", "two_codes"]))),
        visible=draw(st.sampled_from([EVIDENCE, frozenset({"phone", "name"}), frozenset()])),
        recreate=draw(st.booleans()),
    )
    return sheet, customers, options


def _stated(draw: st.DrawFn, row: Row, ids: list[str]) -> Row:
    stated: dict[str, Any] = {}
    match draw(st.integers(0, 11)):
        case 0:
            stated["claim"] = draw(st.sampled_from([*ids, "99"]))
        case 1:
            answer = draw(st.sampled_from(Answer))
            customer = draw(st.sampled_from([*ids, "99"])) if answer is Answer.SAME else None
            stated["decision"] = Decision(answer, customer)
        case 2:
            stated["doubtful"] = True
    return Row(row.number, row.evidence, **stated)


@pytest.mark.usefixtures("untraced")
@given(nights(), st.booleans())
def test_fast_path_gives_the_verdicts_of_judging_each_row(
    night: tuple[list[Row], dict[str, KnownCustomer], MatchOptions], as_a_store_finds: bool
) -> None:
    sheet, customers, options = night
    holders = holders_for(sheet, customers) if as_a_store_finds else None
    slowly = judged(sheet, Index(customers, holders), options, at_once=False)
    assert judged(sheet, Index(customers, holders), options) == slowly


def test_fast_path_decides_all_unchanged_and_new_rows() -> None:
    sheet = rows("Aysel p1 c1", "Əli p2 e2 b2", "Leyla", "Leyla", "Nigar p5 b2", "Orxan")
    customers = {
        str(row.number): KnownCustomer(str(row.number), seen=(row.evidence,)) for row in sheet[:4]
    }
    found = decide_usual(sheet, Index(customers), MatchOptions())
    assert not found.rest
    assert [verdict.kind for verdict in found.verdicts.values()] == [
        *[Kind.EXISTS] * 4,
        *[Kind.CREATE] * 2,
    ]


def test_row_that_shares_a_value_with_a_row_or_its_customer_is_left_to_judging() -> None:
    sheet = rows("Aysel p1 c1", "Əli p2", "Vəli p2", "Nigar p5 c1", "Orxan p6")
    seen = {str(row.number): KnownCustomer(str(row.number), seen=(row.evidence,)) for row in sheet}
    customers = {id_: seen[id_] for id_ in ("2", "3", "6")}
    found = decide_usual(sheet, Index(customers), MatchOptions())
    assert [row.number for row in found.rest] == [2, 3, 4, 5]


def test_fast_path_does_not_take_a_namesake_of_a_customer_without_a_row_for_new() -> None:
    sheet = rows("Aysel p1", "Orxan p6")
    left = KnownCustomer("9", seen=(rows("Aysel p9")[0].evidence,), had_row=True)
    found = decide_usual(sheet, Index({"9": left}), MatchOptions())
    assert [row.number for row in found.rest] == [2]


def test_customer_of_three_rows_has_one_row_with_equal_values_and_one_duplicate() -> None:
    sheet = rows("Aysel M.", "Aysel M. c1 e1", "Aysel M. c1 e1")
    looks = tuple(dict.fromkeys(row.evidence for row in sheet))
    customers = {"8": KnownCustomer("8", seen=looks)}
    found = judged(sheet, Index(customers, holders_for(sheet, customers)), MatchOptions())
    assert [(each.kind, each.rows) for each in found.verdicts] == [
        (Kind.EXISTS, ()),
        (Kind.EXISTS, ()),
        (Kind.DUPLICATE, (2,)),
    ]
