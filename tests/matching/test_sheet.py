"""Rows of one sheet among themselves, in every order (who-is-this-customer §2)."""

from __future__ import annotations

import csv
from collections import Counter
from itertools import permutations, product
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from importer.matching.evidence import unpack
from importer.matching.fit import Person, consistent
from importer.matching.match import match
from importer.matching.verdicts import Kind, Matches, MatchOptions
from tests.matching.people import at_clopos, rows
from tests.no_hang import no_hang

SHEETS = list(
    csv.DictReader((Path(__file__).parent / "sheets.csv").read_text("utf-8").splitlines())
)
PEOPLE = st.builds(
    " ".join,
    st.tuples(
        st.sampled_from(["Əli", "Vəli", "Aysel", "Aysel M.", "Aysel R.", "Айсель Мамедова"]),
        st.sampled_from(["", "p1", "p2", "p3"]),
        st.sampled_from(["", "", "c1", "c2"]),
        st.sampled_from(["", "", "e1"]),
        st.sampled_from(["", "", "b80", "b81"]),
    ),
)


@pytest.mark.parametrize("sheet", SHEETS, ids=lambda sheet: sheet["sheet"])
def test_number_of_people_in_a_sheet_does_not_depend_on_the_order_of_rows(
    sheet: dict[str, str],
) -> None:
    for order in permutations(sheet["sheet"].split(" / ")):
        found = match(rows(*order), {})
        assert people_in(found) == int(sheet["people"]), (order, found.verdicts)


@given(st.lists(PEOPLE, max_size=6), st.lists(PEOPLE, max_size=3))
def test_every_row_has_one_verdict_and_only_alike_rows_are_duplicates(
    sheet: list[str], known: list[str]
) -> None:
    made = rows(*sheet)
    found = match(made, {str(n): at_clopos(str(n), text) for n, text in enumerate(known)})
    assert [verdict.row for verdict in found.verdicts] == [row.number for row in made]
    look = {row.number: unpack(row.evidence) for row in made}
    for verdict in found.verdicts:
        if verdict.kind is Kind.DUPLICATE:
            assert consistent(look[verdict.row], Person([look[verdict.rows[0]]]))
    existing = [verdict for verdict in found.verdicts if verdict.kind is Kind.EXISTS]
    for one in existing:
        for other in existing:
            if one.customers == other.customers:
                assert consistent(look[one.row], Person([look[other.row]]))


def names(many: int) -> list[str]:
    """Return so many names that have no word in common, however they are spelt."""
    syllables = product("bdlmnr", "aou")
    first = ["".join(map("".join, each)) for each in permutations(syllables, 3)][:many]
    return [f"{name.title()} {name.title()}lan" for name in first]


@pytest.mark.parametrize("many", [20, 200])
@pytest.mark.parametrize(
    ("value", "share", "other"),
    [
        ("p1", False, Kind.CONFLICT),
        ("p1", True, Kind.CREATE),
        ("e1", False, Kind.CREATE),
        ("e1", True, Kind.CREATE),
    ],
)
def test_repeated_row_is_found_however_many_rows_have_its_phone_or_email(
    many: int, value: str, share: bool, other: Kind
) -> None:
    *people, new = (f"{name} {value}" for name in names(many))
    last = people[-1]
    made = rows(*people, last, f"{last} c77", f"{people[-2]} b80", new)
    found = match(made, {}, MatchOptions(share_phones=share)).verdicts[-4:]
    assert [verdict.kind for verdict in found] == [*[Kind.DUPLICATE] * 3, other]
    assert [verdict.rows for verdict in found[:3]] == [(many,), (many,), (many - 1,)]


@pytest.mark.parametrize("many", [20, 200])
@pytest.mark.parametrize("value", ["p1", "e1"])
def test_customer_is_found_however_many_have_its_phone_or_email(many: int, value: str) -> None:
    """A cashier typed the shop's own phone or address for everybody."""
    people = [f"{name} {value}" for name in names(many)]
    customers = {str(n): at_clopos(str(n), text) for n, text in enumerate(people)}
    found = match(rows(*people), customers).verdicts
    assert [(verdict.kind, verdict.customers) for verdict in found] == [
        (Kind.EXISTS, (id_,)) for id_ in customers
    ]


@pytest.mark.usefixtures("untraced")
@pytest.mark.parametrize(("value", "share"), [("p1", True), ("e1", False)])
def test_thousands_of_rows_with_one_value_are_not_compared_each_with_each(
    value: str, share: bool
) -> None:
    """They took a minute of the processor."""
    made = rows(*(f"{name} {value}" for name in names(3000)))
    with no_hang():
        first = match(made, {}, MatchOptions(share_phones=share)).verdicts
    held = [row.evidence for row, found in zip(made, first, strict=True) if found.row > 2]
    known = {"7": at_clopos("7", f"{names(1)[0]} {value}")._replace(held=tuple(held))}
    with no_hang():
        again = match(made, known, MatchOptions(share_phones=share)).verdicts
    assert again[0].kind is Kind.EXISTS


@given(st.lists(PEOPLE, max_size=6), st.booleans())
def test_no_two_rows_are_sent_with_the_same_phone_or_code(sheet: list[str], share: bool) -> None:
    made = rows(*sheet)
    found = match(made, {}, MatchOptions(share_phones=share))
    sent: Counter[str] = Counter()
    for row, verdict in zip(made, found.verdicts, strict=True):
        if verdict.kind is Kind.CREATE:
            look = unpack(row.evidence)
            sent.update(() if "phone" in verdict.without else look.phones)
            sent.update(() if "code" in verdict.without else look.codes)
    assert all(count == 1 for count in sent.values())


@given(st.lists(PEOPLE, max_size=5))
@example(["Aysel M. c1 b80", "Aysel R. c1 e1", "Aysel M. e1 b80", "Aysel e1"])
@example(["Vəli p2", "Vəli c1", "Vəli p1 c1 b80", "Vəli p2 b80", "Əli p1"])
@example(["Əli", "Əli p2 b80", "Vəli c1", "Əli b80", "Əli p1 c1 b80"])
def test_second_run_of_a_sheet_creates_no_customer(sheet: list[str]) -> None:
    """The journal has the looks of duplicates and of rows that were held back."""
    made = rows(*sheet)
    first = match(made, {}).verdicts
    look = {row.number: row.evidence for row in made}
    known = {}
    for verdict in first:
        number = verdict.row
        if verdict.kind is Kind.CREATE:
            repeats = [v.row for v in first if v.kind is Kind.DUPLICATE and number in v.rows[:1]]
            held = [v.row for v in first if v.kind is Kind.CONFLICT and number in v.rows]
            known[str(number)] = at_clopos(str(number), sheet[number - 2])._replace(
                seen=(look[number], *(look[repeat] for repeat in repeats)),
                held=tuple(look[row] for row in held),
                had_row=True,
            )
    again = match(made, known)
    assert not [verdict for verdict in again.verdicts if verdict.kind is Kind.CREATE]


def people_in(found: Matches) -> int:
    """Return the number of people in a sheet: rows that are no duplicates."""
    return sum(verdict.kind is not Kind.DUPLICATE for verdict in found.verdicts)
