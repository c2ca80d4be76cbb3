"""Decisions that are changed, whose customer is deleted, or about rows that were one customer."""

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


def test_two_people_matched_as_one_customer_are_two_after_a_decision(
    restaurant: Restaurant,
) -> None:
    """Mother and daughter have one name; the daughter marries, and the mother's row is decided."""
    restaurant.create_by_hand(name="Kamilə V.", phone="0551110001", email="k@example.com")
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
    # Her row gets more values later; it is still hers.
    restaurant.sheet(married.read_text("utf-8").replace("0001,,\n", "0001,,m@example.com\n"))
    code, again = restaurant.run(married)
    assert (code, again["exists"]) == (0, 2)
    assert len(restaurant.customers()) == 2


@pytest.mark.parametrize("answer", ["other", "same"])
def test_deleted_customer_of_a_decision_is_created_only_with_recreate(
    restaurant: Restaurant, answer: str
) -> None:
    restaurant.create_by_hand(name="Kamran Misal", phone="0551110001")
    sheet = restaurant.sheet("Ad,Telefon\nOrxan Demo,0551110001\n")
    _, held = restaurant.run(sheet)
    _, done = restaurant.run(write(held, 2, import_decision=answer))
    restaurant.delete(*ids(done))
    before = len(restaurant.customers())
    for flags in ([], ["--match", "always"]):
        code, gone = restaurant.run(sheet, *flags)
        assert (code, gone["conflict"], gone["created"]) == (1, 1, 0)
        why = {"other": "belongs to customer", "same": "no longer at Clopos"}[answer]
        assert why in results(gone)[0]["import_message"]
    code, anew = restaurant.run(sheet, "--recreate")
    if answer == "other":  # the phone is still Kamran's
        assert (code, anew["conflict"]) == (1, 1)
        code, anew = restaurant.run(write(anew, 2, import_decision="other"))
    assert (code, anew["created"]) == (0, 1)
    code, again = restaurant.run(sheet)
    assert (code, again["exists"], ids(again)) == (0, 1, ids(anew))
    assert len(restaurant.customers()) == before + 1


def test_deleted_customer_is_created_anew_by_a_decision(restaurant: Restaurant) -> None:
    sheet = restaurant.sheet("Ad,Telefon\nOrxan Demo,0551110001\n")
    _, first = restaurant.run(sheet)
    restaurant.delete(*ids(first))
    _, gone = restaurant.run(sheet)
    code, anew = restaurant.run(write(gone, 2, import_decision="other"))
    assert (code, anew["created"]) == (0, 1)
    code, again = restaurant.run(sheet)
    assert (code, again["exists"], ids(again)) == (0, 1, ids(anew))
    assert len(restaurant.customers()) == 1


def test_deleted_customer_of_a_decision_is_recognised_when_typed_anew(
    restaurant: Restaurant,
) -> None:
    restaurant.create_by_hand(name="Kamran Misal", phone="0551110001")
    sheet = restaurant.sheet("Ad,Telefon\nOrxan Demo,0551110001\n")
    _, held = restaurant.run(sheet)
    _, done = restaurant.run(write(held, 2, import_decision="same"))
    restaurant.delete(*ids(done))
    anew = restaurant.create_by_hand(name="Orxan", phone="055 111 00 01")
    for flags in (["--recreate"], []):
        code, again = restaurant.run(sheet, *flags)
        assert (code, ids(again)) == (0, [anew])


def test_decision_other_replaces_a_wrong_same(restaurant: Restaurant) -> None:
    kamran = restaurant.create_by_hand(name="Kamran Misal", phone="0551110001")
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


def test_forgotten_customer_holds_no_row_back(restaurant: Restaurant) -> None:
    """The sheet was run between the deletion of its customers and `forget`."""
    sheet = restaurant.sheet("Ad,Telefon\nƏli Demo,0551110001\nOrxan Demo,0551110002\n")
    _, first = restaurant.run(sheet)
    restaurant.delete(*ids(first))
    code, gone = restaurant.run(sheet)
    assert (code, gone["conflict"]) == (1, 2)
    assert restaurant.output_of("forget", first["run"])[0] == 0
    code, anew = restaurant.run(sheet)
    assert (code, anew["created"]) == (0, 2)


def test_decision_same_for_a_conflict_with_another_row_means_its_customer(
    restaurant: Restaurant,
) -> None:
    sheet = restaurant.sheet("Ad,Telefon\nAysel Demo,0551110001\nAyselka Yeni,0551110001\n")
    _, held = restaurant.run(sheet)
    assert (held["created"], held["conflict"]) == (1, 1)
    assert not results(held)[1]["import_existing_id"]  # the other row wasn't a customer yet
    code, same = restaurant.run(write(held, 3, import_decision="same"))
    assert (code, same["exists"], len({*ids(same)})) == (0, 2, 1)
    code, again = restaurant.run(sheet)
    assert (code, again["exists"]) == (0, 2)


def test_conflicts_are_shown_with_the_ways_to_decide_them(restaurant: Restaurant) -> None:
    head = "Ad,Kod,Telefon\n"
    restaurant.run(restaurant.sheet(f"{head}Aysel Demo,1,0551110001\n", "one.csv"))
    two = restaurant.sheet(f"{head}Kamran Misal,1,0551110011\n", "two.csv")
    code, said = restaurant.output_of("run", two, "--yes", "--rate", "none")
    said = " ".join(said.split())
    assert code == 1
    assert "1 needs a decision" in said
    assert "e.g. a branch's: --code-prefix TEXT" in said
    assert "write same, other or skip into a column import_decision of two.csv.results.xlsx" in said
    skipped = write({"results": "two.csv.results.xlsx"}, 2, import_decision="skip")
    for source in (skipped, two):
        code, said = restaurant.output_of("run", source, "--yes", "--rate", "none")
        assert code == 0
        assert "decision" not in said.replace("import_decision", "")
        assert "Decide" not in said


def test_email_address_of_many_rows_belongs_to_each_of_them(restaurant: Restaurant) -> None:
    """The address of an office holds no row back and confuses no customers."""
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
