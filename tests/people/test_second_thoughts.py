"""Decisions that are changed, outlived by their customer, or about rows that were one before."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import openpyxl
import pytest

from tests.people.conftest import results

if TYPE_CHECKING:
    from tests.people.conftest import Restaurant

pytestmark = pytest.mark.parametrize("restaurant", ["2"], indirect=True)


def write(summary: dict[str, Any], row: int, **cells: str) -> Path:
    """Write cells into a row of a results workbook, as Excel would; return its path."""
    path = Path(summary["results"])
    book = openpyxl.load_workbook(path)
    sheet = book["results"]
    columns = {str(cell.value): place for place, cell in enumerate(sheet[1], start=1)}
    for name, text in cells.items():
        column = columns.get(name, sheet.max_column + 1)
        sheet.cell(1, column).value = name
        sheet.cell(row, column).value = text
    book.save(path)
    return path


def ids(summary: dict[str, Any]) -> list[str]:
    """Return the customers of the rows."""
    return [line["clopos_id"] for line in results(summary)]


def test_two_who_were_one_customer_are_two_once_one_was_decided(restaurant: Restaurant) -> None:
    """Mother and daughter of one name; the daughter marries, and the mother's row is decided."""
    restaurant.types(name="Kamilə V.", phone="0551110001", email="k@example.com")
    head, mother = "Ad,Telefon,Kod,E-poçt\n", "Kamilə Vəliyeva,0551110001,,\n"
    daughter = "Kamilə Vəliyeva,0551110001,K54,k@example.com\n"
    restaurant.run(restaurant.sheet(head + mother + daughter))
    married = restaurant.sheet(head + mother + daughter.replace("Vəliyeva", "Kərimova"))
    _, held = restaurant.run(married)
    assert (held["conflict"], held["exists"]) == (1, 1)
    code, done = restaurant.run(write(held, 2, import_decision="other"))
    assert (code, done["created"]) == (0, 1)
    for sheet in (married, done["results"]):
        code, again = restaurant.run(sheet, "--dry-run")
        assert (code, again["plan"]["to_create"]) == (0, 0)
        code, again = restaurant.run(sheet)
        assert (code, again["exists"], len({*ids(again)})) == (0, 2, 2)
    # Her row says more of her one day: it is still hers.
    restaurant.sheet(married.read_text("utf-8").replace("0001,,\n", "0001,,m@example.com\n"))
    code, again = restaurant.run(married)
    assert (code, again["exists"]) == (0, 2)
    assert len(restaurant.customers()) == 2


@pytest.mark.parametrize("answer", ["other", "same"])
def test_decided_customer_who_is_deleted_is_created_anew_only_on_request(
    restaurant: Restaurant, answer: str
) -> None:
    restaurant.types(name="Kamran Misal", phone="0551110001")
    sheet = restaurant.sheet("Ad,Telefon\nOrxan Demo,0551110001\n")
    _, held = restaurant.run(sheet)
    _, done = restaurant.run(write(held, 2, import_decision=answer))
    restaurant.deletes(*ids(done))
    before = len(restaurant.customers())
    for flags in ([], ["--match", "always"]):
        code, gone = restaurant.run(sheet, *flags)
        assert (code, gone["conflict"], gone["created"]) == (1, 1, 0)
        why = {"other": "belongs to customer", "same": "no longer at Clopos"}[answer]
        assert why in results(gone)[0]["import_message"]
    code, anew = restaurant.run(sheet, "--recreate")
    if answer == "other":  # Kamran has the phone all the same
        assert (code, anew["conflict"]) == (1, 1)
        code, anew = restaurant.run(write(anew, 2, import_decision="other"))
    assert (code, anew["created"]) == (0, 1)
    code, again = restaurant.run(sheet)
    assert (code, again["exists"], ids(again)) == (0, 1, ids(anew))
    assert len(restaurant.customers()) == before + 1


def test_deleted_customer_is_created_anew_by_a_decision(restaurant: Restaurant) -> None:
    sheet = restaurant.sheet("Ad,Telefon\nOrxan Demo,0551110001\n")
    _, first = restaurant.run(sheet)
    restaurant.deletes(*ids(first))
    _, gone = restaurant.run(sheet)
    code, anew = restaurant.run(write(gone, 2, import_decision="other"))
    assert (code, anew["created"]) == (0, 1)
    code, again = restaurant.run(sheet)
    assert (code, again["exists"], ids(again)) == (0, 1, ids(anew))
    assert len(restaurant.customers()) == 1


def test_decided_customer_who_is_deleted_and_typed_anew_is_recognised(
    restaurant: Restaurant,
) -> None:
    restaurant.types(name="Kamran Misal", phone="0551110001")
    sheet = restaurant.sheet("Ad,Telefon\nOrxan Demo,0551110001\n")
    _, held = restaurant.run(sheet)
    _, done = restaurant.run(write(held, 2, import_decision="same"))
    restaurant.deletes(*ids(done))
    anew = restaurant.types(name="Orxan", phone="055 111 00 01")
    for flags in (["--recreate"], []):
        code, again = restaurant.run(sheet, *flags)
        assert (code, ids(again)) == (0, [anew])


def test_wrong_same_is_taken_back_by_other(restaurant: Restaurant) -> None:
    kamran = restaurant.types(name="Kamran Misal", phone="0551110001")
    sheet = restaurant.sheet("Ad,Telefon\nOrxan Demo,0551110001\n")
    _, held = restaurant.run(sheet)
    _, skipped = restaurant.run(write(held, 2, import_decision="skip"))
    code, same = restaurant.run(
        write(skipped, 2, import_decision="same", import_existing_id=kamran)
    )
    assert (code, ids(same)) == (0, [kamran])
    code, other = restaurant.run(write(same, 2, import_decision="other"))
    assert (code, other["created"]) == (0, 1)
    assert restaurant.customers()[1:] == [("Orxan Demo", None)]
    for source in (other["results"], sheet):
        code, again = restaurant.run(source)
        assert (code, ids(again)) == (0, ids(other))


def test_customer_that_was_forgotten_holds_no_row_back(restaurant: Restaurant) -> None:
    """The sheet was run after its customers were deleted, and before `forget`."""
    sheet = restaurant.sheet("Ad,Telefon\nƏli Demo,0551110001\nOrxan Demo,0551110002\n")
    _, first = restaurant.run(sheet)
    restaurant.deletes(*ids(first))
    code, gone = restaurant.run(sheet)
    assert (code, gone["conflict"]) == (1, 2)
    assert restaurant.says("forget", first["run"])[0] == 0
    code, anew = restaurant.run(sheet)
    assert (code, anew["created"]) == (0, 2)


def test_same_about_a_row_of_the_sheet_is_that_rows_customer(restaurant: Restaurant) -> None:
    sheet = restaurant.sheet("Ad,Telefon\nAysel Demo,0551110001\nAyselka Yeni,0551110001\n")
    _, held = restaurant.run(sheet)
    assert (held["created"], held["conflict"]) == (1, 1)
    assert not results(held)[1]["import_existing_id"]  # it was no customer before
    code, same = restaurant.run(write(held, 3, import_decision="same"))
    assert (code, same["exists"], len({*ids(same)})) == (0, 2, 1)
    code, again = restaurant.run(sheet)
    assert (code, again["exists"]) == (0, 2)


def test_conflicts_come_with_how_they_are_decided(restaurant: Restaurant) -> None:
    head = "Ad,Kod,Telefon\n"
    restaurant.run(restaurant.sheet(f"{head}Aysel Demo,1,0551110001\n", "one.csv"))
    two = restaurant.sheet(f"{head}Kamran Misal,1,0551110011\n", "two.csv")
    code, said = restaurant.says("run", two, "--yes", "--rate", "none")
    said = " ".join(said.split())
    assert code == 1
    assert "1 needs a decision" in said
    assert "e.g. a branch's: --code-prefix TEXT" in said
    assert "write same, other or skip into a column import_decision of two.csv.results.xlsx" in said
    skipped = write({"results": "two.csv.results.xlsx"}, 2, import_decision="skip")
    for source in (skipped, two):
        code, said = restaurant.says("run", source, "--yes", "--rate", "none")
        assert code == 0
        assert "decision" not in said.replace("import_decision", "")
        assert "Decide" not in said


def test_address_of_many_is_everybodys(restaurant: Restaurant) -> None:
    """The office's e-mail address: no row is held back for it or taken for another."""
    names = ("Aysel", "Orxan", "Nigar", "Kamran", "Leyla", "Rauf", "Sevda", "Tural")
    rows = "".join(f"{name} Demo,info@example.com\n" for name in names)
    sheet = restaurant.sheet(f"Ad,E-poçt\n{rows}")
    code, asked = restaurant.run(sheet)
    assert (code, [each["code"] for each in asked["questions"]]) == (2, ["nobodys_email"])
    assert asked["questions"][0]["assumed"] == "each of these customers gets it"
    for status in ("created", "exists"):
        code, summary = restaurant.run(sheet, "--accept", "nobodys_email")
        assert (code, summary[status]) == (0, len(names))
    assert {each["email"] for each in restaurant.records()} == {"info@example.com"}
