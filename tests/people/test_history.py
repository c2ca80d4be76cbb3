"""A row that was held back for a night is still matched with its customer later."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.people.conftest import Restaurant

pytestmark = pytest.mark.parametrize("restaurant", ["2"], indirect=True)

HEAD = "Ad,Telefon\n"
NAMES = ("Orxan", "Aygün", "Kamran", "Leyla", "Rauf", "Nigar", "Emin", "Gülnar", "Tural", "Zaur")
OTHERS = "".join(f"{name} Demo,05511100{n}\n" for n, name in enumerate(NAMES, start=10))
SEVDA, MOVED = "Sevda Demo,0551110001\n", "Sevda Demo,0551119999\n"

HELD = {
    "an invalid phone": "Sevda Demo,05511\n",
    "neither": "########,05511\n",
    "cells too many": "Sevda,Demo,0551110001,x\n",
    "somebody else's name and phone": "Orxan Demo,0551110010\n",
}


@pytest.mark.parametrize("row", HELD.values(), ids=HELD)
def test_row_held_back_and_then_sent_with_a_new_phone_is_held(
    restaurant: Restaurant, row: str
) -> None:
    code, first = restaurant.run(restaurant.sheet(HEAD + SEVDA + OTHERS))
    assert (code, first["created"]) == (0, 11)
    for _ in range(2):
        _, held = restaurant.run(restaurant.sheet(HEAD + OTHERS + row))
        assert (held["exists"], held["created"]) == (10, 0)
    for _ in range(2):
        code, back = restaurant.run(restaurant.sheet(HEAD + MOVED + OTHERS))
        assert (code, back["conflict"], back["created"]) == (1, 1, 0)
    assert len(restaurant.customers()) == 11


@pytest.mark.parametrize("dates", [("2026-11-26", "2026-11-27"), ("26112026", "27112026")])
def test_list_with_a_date_in_its_name_continues_that_of_the_day_before(
    restaurant: Restaurant, dates: tuple[str, str]
) -> None:
    before, after = (f"customers-{date}.csv" for date in dates)
    restaurant.run(restaurant.sheet(HEAD + SEVDA + OTHERS, before))
    for _ in range(2):
        code, moved = restaurant.run(restaurant.sheet(HEAD + MOVED + OTHERS, after))
        assert (code, moved["conflict"], moved["created"]) == (1, 1, 0)


def test_history_of_a_row_beyond_the_limit_is_kept(restaurant: Restaurant) -> None:
    restaurant.run(restaurant.sheet(HEAD + SEVDA + OTHERS))
    _, held = restaurant.run(
        restaurant.sheet(HEAD + OTHERS + "Sona Demo,0551110004\n"), "--limit", 0
    )
    assert (held["pending"], held["exists"]) == (1, 10)
    code, back = restaurant.run(restaurant.sheet(HEAD + MOVED + OTHERS))
    assert (code, back["conflict"], back["created"]) == (1, 1, 0)


def test_other_list_under_the_same_name_has_no_history(restaurant: Restaurant) -> None:
    """Newcomers of this week aren't those of last week, even if a row is invalid."""
    weeks = [
        "".join(
            f"{first} {second},05{n}111{m}0{k}\n"
            for m, first in enumerate(NAMES)
            for k, second in enumerate(surnames, start=10)
        )
        for n, surnames in ((5, ("Demo", "Misal")), (0, ("Nümunə", "Sınaq")))
    ]
    restaurant.run(restaurant.sheet(HEAD + weeks[0]))
    restaurant.run(restaurant.sheet(HEAD + weeks[1] + "Sona,0551\n"))
    code, summary = restaurant.run(restaurant.sheet(HEAD + "Orxan Demo,0707777777\n"))
    assert (code, summary["created"]) == (0, 1)


def test_history_of_a_row_that_left_the_sheet_ends_after_a_night(restaurant: Restaurant) -> None:
    """Otherwise a namesake would be a conflict for ever."""
    restaurant.run(restaurant.sheet(HEAD + SEVDA + OTHERS))
    for _ in range(2):
        code, _ = restaurant.run(restaurant.sheet(HEAD + OTHERS))
        assert code == 0
    code, namesake = restaurant.run(restaurant.sheet(HEAD + MOVED + OTHERS))
    assert (code, namesake["created"]) == (0, 1)
