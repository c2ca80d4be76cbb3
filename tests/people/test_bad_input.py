"""Sheets and results with customers of another brand, duplicate customers, or missing ones."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import pytest

from tests.people.conftest import results

if TYPE_CHECKING:
    from tests.people.conftest import Restaurant

ROWS = "".join(f"{name} Demo,055111000{n}\n" for n, name in enumerate(["Aysel", "Orxan", "Nigar"]))


def test_ids_in_the_results_of_another_brand_are_failed_claims(restaurant: Restaurant) -> None:
    mine = restaurant.brand
    restaurant.use_brand(f"{mine}-other")
    _, there = restaurant.run(restaurant.sheet(f"Ad,Telefon\n{ROWS}"), "--results", "there.csv")
    assert there["created"] == 3
    restaurant.use_brand(mine)
    # In this brand, other people have these ids, and one of the rows exists already.
    for n in range(3):
        restaurant.create_by_hand(name=f"Misal {n}", phone=f"05599900{n}0")
    nigar = restaurant.create_by_hand(name="Nigar Demo", phone="0551110002")
    code, said = restaurant.output_of("run", "there.csv", "--yes", "--rate", "none")
    assert code == 0, said
    assert said.count("3 rows claim customers") == 1  # once, not for each row
    assert len(restaurant.customers()) == 6
    code, again = restaurant.run("there.csv", "--results", "again.csv")
    assert (code, again["exists"], again["created"]) == (0, 3, 0)
    assert results(again)[2]["clopos_id"] == nigar


def test_results_of_a_sandbox_create_their_rows_at_another_clopos(restaurant: Restaurant) -> None:
    sheet = restaurant.sheet(f"Ad,Telefon\n{ROWS}")
    _, tried = restaurant.run(sheet, "--sandbox", "--results", "tried.csv")
    assert tried["created"] == 3
    assert not restaurant.customers()
    code, real = restaurant.run("tried.csv", "--results", "real.csv")
    assert (code, real["created"]) == (0, 3)
    assert len(restaurant.customers()) == 3


def test_results_cut_in_half_create_no_customer_twice(restaurant: Restaurant) -> None:
    rows = "".join(f"Demo {n:03},05511{n:05}\n" for n in range(40))
    _, first = restaurant.run(restaurant.sheet(f"Ad,Telefon\n{rows}"), "--results", "half.csv")
    whole = Path(first["results"]).read_bytes()
    Path(first["results"]).write_bytes(whole[: len(whole) // 2])
    code, summary = restaurant.run("half.csv", "--results", "second.csv")
    assert summary["created"] == 0
    assert summary["exists"] + summary["invalid"] + summary["conflict"] == summary["rows"]
    assert (code == 0) == (summary["exists"] == summary["rows"])
    assert len(restaurant.customers()) == 40


def test_two_results_files_of_one_sheet_create_no_customer_twice(restaurant: Restaurant) -> None:
    sheet = restaurant.sheet(f"Ad,Telefon\n{ROWS}")
    restaurant.run(sheet, "--results", "one.csv")
    restaurant.run(sheet, "--results", "two.csv")
    one, two = (Path(name).read_text("utf-8-sig") for name in ("one.csv", "two.csv"))
    for name in ("one.csv", "two.csv"):
        code, summary = restaurant.run(name, "--results", "after.csv")
        assert (code, summary["exists"]) == (0, 3)
    both = restaurant.sheet(one + two.split("\n", 1)[1], "both.csv")
    code, summary = restaurant.run(both, "--results", "after.csv")
    assert (code, summary["exists"], summary["duplicate"], summary["created"]) == (0, 3, 3, 0)
    assert len(restaurant.customers()) == 3


@pytest.mark.usefixtures("untraced")
@pytest.mark.parametrize("claim", ["abc", "-5", "1e3", "999999999999999999999", "17; DROP", "№ 3"])
def test_claim_that_is_no_id_is_a_failed_claim(restaurant: Restaurant, claim: str) -> None:
    sheet = restaurant.sheet(f"Ad,Telefon\n{ROWS}")
    restaurant.run(sheet, "--results", "list.results.csv")
    table = pd.read_csv("list.results.csv", dtype=str, keep_default_na=False)
    table["clopos_id"] = claim
    table.loc[2, ["Ad", "Telefon"]] = ["Leyla Demo", "0551110009"]
    table.to_csv("list.results.csv", index=False)
    code, summary = restaurant.run("list.results.csv", "--results", "after.csv")
    assert (code, summary["exists"], summary["created"]) == (0, 2, 1)
    assert len(restaurant.customers()) == 4


@pytest.mark.parametrize("existing", ["abc", "999999", "", "-1"])
def test_decision_for_a_missing_customer_decides_nothing(
    restaurant: Restaurant, existing: str
) -> None:
    restaurant.create_by_hand(name="Kamran Misal", phone="0551110001")
    sheet = restaurant.sheet(f"Ad,Telefon\n{ROWS}")
    code, first = restaurant.run(sheet, "--results", "list.results.csv")
    assert (code, first["conflict"]) == (1, 1)
    table = pd.read_csv("list.results.csv", dtype=str, keep_default_na=False)
    table["import_decision"] = ["", "same", ""]
    table.loc[1, "import_existing_id"] = existing
    table.to_csv("list.results.csv", index=False)
    for source in ("list.results.csv", sheet):
        code, summary = restaurant.run(source, "--results", "after.csv")
        assert (code, summary["conflict"], summary["exists"]) == (1, 1, 2)
    assert len(restaurant.customers()) == 3


def test_people_with_names_of_one_letter_are_distinguished_by_phone(restaurant: Restaurant) -> None:
    rows = "".join(f"{letter},05511100{n:02}\n" for n, letter in enumerate("ABCDEFGHAB"))
    sheet = restaurant.sheet(f"Ad,Telefon\n{rows}")
    code, first = restaurant.run(sheet)
    if code == 2:  # a question whether these are names
        assert first["questions"]
        code, first = restaurant.run(sheet, "--accept", first["questions"][0]["code"])
    assert (code, first["created"]) == (0, 10)
    code, again = restaurant.run(sheet, "--accept", "short_names")
    assert again["created"] == 0
    assert len(restaurant.customers()) == 10


@pytest.mark.parametrize(
    "many", [60, pytest.param(1000, marks=pytest.mark.slow(reason="a thousand requests"))]
)
def test_rows_with_the_same_phone_are_distinguished_by_name(
    restaurant: Restaurant, many: int
) -> None:
    """The number of the shop was typed for everybody."""
    rows = "".join(f"Ata{n:04} Demo{n:04},0551110000\n" for n in range(many))
    sheet = restaurant.sheet(f"Ad,Telefon\n{rows}")
    code, first = restaurant.run(sheet, "--accept", "nobodys_phone")
    assert (code, first["created"] + first["conflict"]) == (1, many)
    assert first["created"] == 1
    code, sent = restaurant.run(sheet, "--shared-phone", "without", "--accept", "nobodys_phone")
    assert (code, sent["created"], sent["exists"]) == (0, many - 1, 1)
    code, again = restaurant.run(sheet, "--shared-phone", "without", "--accept", "nobodys_phone")
    assert (code, again["created"], again["exists"]) == (0, 0, many)
    assert len(restaurant.customers()) == many
