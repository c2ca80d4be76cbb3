"""Defects of the first version that doubled or lost customers (who-is-this-customer, D1-D8)."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import openpyxl
import pandas as pd
import pytest

from importer.pipeline import SendOptions, arun
from importer.records import Status
from importer.sandbox import Config, serve
from importer.sandbox.virtual_time import VirtualTimeLoop
from tests.people.conftest import results

if TYPE_CHECKING:
    from tests.people.conftest import Restaurant


def test_d1_phone_in_the_spelling_of_a_cashier_is_the_same_phone(restaurant: Restaurant) -> None:
    typed = [
        restaurant.create_by_hand(name="Sevda", phone="0551112233"),
        restaurant.create_by_hand(name="Aydan", phone="(055) 111-22-44"),
        restaurant.create_by_hand(name="Nigar", phone="551112255"),
    ]
    sheet = restaurant.sheet(
        "Ad,Telefon\nSevda Demo,+994551112233\nAydan Demo,055 111 22 44\nNigar Demo,0551112255\n"
    )
    for match in ("always", "auto"):
        code, summary = restaurant.run(sheet, "--match", match)
        assert (code, summary["exists"], summary["created"]) == (0, 3, 0)
        assert [line["clopos_id"] for line in results(summary)] == typed
    assert len(restaurant.customers()) == 3


def test_d2_row_fixed_in_the_results_is_matched_by_its_id(restaurant: Restaurant) -> None:
    sheet = restaurant.sheet("Ad,Telefon\nOrxan Demo,05511122\nAygün Demo,0551110002\n")
    code, first = restaurant.run(sheet, "--drop-bad-values")
    assert (code, first["created"]) == (0, 2)
    book = openpyxl.load_workbook(first["results"])
    cells = book["results"]
    phone = next(cell.column for cell in cells[1] if cell.value == "Telefon")
    cells.cell(2, phone).value = "0551110001"
    book.save(first["results"])
    code, second = restaurant.run(first["results"])
    assert (code, second["exists"], second["created"]) == (0, 2, 0)
    assert "phone" in results(second)[0]["import_message"]
    assert len(restaurant.customers()) == 2


def test_d2b_codes_that_lost_their_zeros_in_a_spreadsheet_create_no_customer_twice(
    restaurant: Restaurant,
) -> None:
    stranger = restaurant.create_by_hand(name="Kamran Demo", code="7", phone="0559990000")
    sheet = restaurant.sheet(
        "Ad,Kod,Telefon\nOrxan Demo,00042,0551110001\nAygün Demo,00007,0551110002\n"
        "Leyla Demo,00043,\n"
    )
    code, first = restaurant.run(sheet, "--results", "results.csv")
    assert (code, first["created"]) == (0, 3)
    ids = [line["clopos_id"] for line in results(first)]
    pd.read_csv(first["results"], encoding="utf-8-sig").to_csv(first["results"], index=False)
    assert "00042" not in Path(first["results"]).read_text("utf-8")
    code, second = restaurant.run(first["results"], "--results", "second.csv")
    assert (code, second["exists"], second["created"]) == (0, 3, 0)
    assert [line["clopos_id"] for line in results(second)] == ids
    assert stranger not in ids
    assert len(restaurant.customers()) == 4


def test_d3_changed_header_creates_no_customer_twice(restaurant: Restaurant) -> None:
    rows = "".join(f"Demo {n:02},05511100{n:02}\n" for n in range(1, 21))
    code, first = restaurant.run(restaurant.sheet(f"Ad,Telefon\n{rows}"))
    assert (code, first["created"]) == (0, 20)
    code, second = restaurant.run(restaurant.sheet(f"Ad,billing_phone\n{rows}"))
    assert second.get("created") == 0
    assert len(restaurant.customers()) == 20
    assert second["exists"] == 20 or code == 2


def test_d3_phones_removed_from_the_sheet_create_no_customer_twice(restaurant: Restaurant) -> None:
    names = [f"{given} Demo" for given in ("Aysel", "Orxan", "Nigar", "Kamran", "Leyla", "Rauf")]
    rows = "".join(f"{name},055111000{n}\n" for n, name in enumerate(names))
    code, _ = restaurant.run(restaurant.sheet(f"Ad,Telefon\n{rows}"))
    assert code == 0
    code, second = restaurant.run(restaurant.sheet("Ad\n" + "\n".join(names) + "\n"))
    assert (code == 0) == (second.get("exists") == 6)
    assert len(restaurant.customers()) == 6


def test_d4_changed_note_and_added_phone_create_no_customer_twice(restaurant: Restaurant) -> None:
    head = "Ad,E-poçt,Qeyd,Telefon\n"
    first = restaurant.run(restaurant.sheet(f"{head}Orxan Demo,orxan@example.com,VIP,\n"))
    assert (first[0], first[1]["created"]) == (0, 1)
    for row in ("Orxan Demo,orxan@example.com,çay,", "Orxan Demo,orxan@example.com,,0551110001"):
        code, summary = restaurant.run(restaurant.sheet(f"{head}{row}\n"))
        assert (code, summary["exists"], summary["created"]) == (0, 1, 0)
    assert "phone" in results(summary)[0]["import_message"]
    # The phone is now evidence: without the e-mail it is still the same person.
    code, summary = restaurant.run(restaurant.sheet(f"{head}Orxan Demo,,,055 111 00 01\n"))
    assert (code, summary["exists"]) == (0, 1)
    assert len(restaurant.customers()) == 1


def test_d5_two_branches_with_the_same_codes_are_asked_about(restaurant: Restaurant) -> None:
    one = restaurant.sheet(
        "Ad,Kod,Telefon\nAysel Demo,1,0551110001\nOrxan Demo,2,0551110002\n"
        "Nigar Demo,3,0551110003\n",
        "one.csv",
    )
    two = restaurant.sheet(
        "Ad,Kod,Telefon\nKamran Misal,1,0551110011\nLeyla Misal,2,0551110012\n"
        "Rauf Misal,3,0551110013\n",
        "two.csv",
    )
    assert restaurant.run(one)[0] == 0
    for _ in range(2):
        code, summary = restaurant.run(two)
        assert (code, summary["conflict"], summary["created"]) == (1, 3, 0)
        assert {line["import_field"] for line in results(summary)} == {"code"}
    assert len(restaurant.customers()) == 3


def test_d6_right_sheet_after_a_deleted_wrong_one_creates_its_customers(
    restaurant: Restaurant,
) -> None:
    wrong = restaurant.sheet("Ad,Telefon,Qeyd\nAysel Demo,0551110001,x\nOrxan Demo,0551110002,x\n")
    _, first = restaurant.run(wrong)
    ids = [line["clopos_id"] for line in results(first)]
    restaurant.delete(*ids)
    right = restaurant.sheet("Ad,Telefon,Qeyd\nAysel Demo,0551110001,\nOrxan Demo,0551110002,\n")
    for match in ("auto", "always"):
        code, held = restaurant.run(right, "--match", match)
        assert (code, held["conflict"], held["created"]) == (1, 2, 0)
        assert "no longer at Clopos" in results(held)[0]["import_message"]
    code, anew = restaurant.run(right, "--recreate")
    assert (code, anew["created"]) == (0, 2)
    code, again = restaurant.run(right)
    assert (code, again["exists"]) == (0, 2)
    assert len(restaurant.customers()) == 2


def test_d7_two_people_on_one_phone_are_two_customers(restaurant: Restaurant) -> None:
    sheet = restaurant.sheet("Ad,Telefon\nƏli Demo,0551110001\nVəli Demo,0551110001\n")
    assert restaurant.run(sheet, command="check")[1]["conflict"] == 1
    code, held = restaurant.run(sheet)
    assert (code, held["created"], held["conflict"]) == (1, 1, 1)
    code, sent = restaurant.run(sheet, "--shared-phone", "without")
    assert (code, sent["exists"], sent["created"]) == (0, 1, 1)
    code, again = restaurant.run(sheet, "--shared-phone", "without")
    assert (code, again["exists"]) == (0, 2)
    assert sorted(restaurant.customers()) == [("Vəli Demo", None), ("Əli Demo", "+994551110001")]


@pytest.mark.parametrize("version", [1, 2])
async def test_d8_five_rows_among_thousands_of_customers_are_looked_up(
    tmp_path: Path, version: int
) -> None:
    """Reading all would cost more; phones are looked up in the spellings of cashiers."""
    names = ("Aysel", "Orxan", "Nigar", "Kamran", "Leyla")
    typed = ("0551110000", "994551110001", "551110002", "+994551110003", "0 (55) 111-00-04")
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualTimeLoop)
    async with serve(Config(), now=lambda: loop.wall) as sandbox:
        ids = [
            str(sandbox.add(name=name, phone=phone)["id"])
            for name, phone in zip(names, typed, strict=True)
        ]
        for n in range(4100):
            sandbox.add(name=f"Misal {n}", phone=f"07011{n:05}")
        rows = "".join(f"{name} Demo,055111000{n}\n" for n, name in enumerate(names))
        sheet = tmp_path / "list.csv"
        sheet.write_text(f"Ad,Telefon\n{rows}", encoding="utf-8")
        env = sandbox.env(version) | {"CLOPOS_STATE_DIR": str(tmp_path / "state")}
        rate = "20/hour"  # reading all of them takes longer than ten minutes
        done = await arun(sheet, sending=SendOptions(rate=rate), env=env)
        found = {row: outcome.clopos_id for row, outcome in done.outcomes.items()}
        assert sorted(map(str, found.values())) == sorted(ids)
        assert Status.CREATED not in {outcome.status for outcome in done.outcomes.values()}
        assert len(sandbox.customers()) == 4105
        assert done.summary.requests
        assert done.summary.requests["reads"] <= 11  # the first page, and two for each row
