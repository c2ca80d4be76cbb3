"""Decisions about conflicts, and undoing of runs, with the real command."""

from __future__ import annotations

from typing import TYPE_CHECKING

import openpyxl
import pytest

from tests.people.conftest import results

if TYPE_CHECKING:
    from pathlib import Path

    from tests.people.conftest import Restaurant

FAMILY = "Ad,Telefon\nƏli Demo,0551110001\nVəli Demo,0551110001\nOrxan Demo,0551110002\n"


def decide(path: str, answers: dict[int, str]) -> None:
    """Add `import_decision` to a results file: row of the worksheet → answer."""
    book = openpyxl.load_workbook(path)
    cells = book["results"]
    column = cells.max_column + 1
    cells.cell(1, column).value = "import_decision"
    for row, answer in answers.items():
        cells.cell(row, column).value = answer
    book.save(path)


@pytest.mark.parametrize(
    ("answer", "code", "counts", "everybody"),
    [
        ("same", 0, {"exists": 3}, ["Orxan Demo", "Əli Demo"]),
        ("other", 0, {"exists": 2, "created": 1}, ["Orxan Demo", "Vəli Demo", "Əli Demo"]),
        ("skip", 0, {"exists": 2, "conflict": 1}, ["Orxan Demo", "Əli Demo"]),
    ],
)
def test_decision_applies_to_its_row_alone_and_is_kept(
    restaurant: Restaurant, answer: str, code: int, counts: dict[str, int], everybody: list[str]
) -> None:
    sheet = restaurant.sheet(FAMILY)
    first_code, first = restaurant.run(sheet)
    assert (first_code, first["created"], first["conflict"]) == (1, 2, 1)
    restaurant.run(sheet)  # the holder is a customer now, with an id
    decide(first["results"], {3: answer})
    done, second = restaurant.run(first["results"])
    assert (done, {name: second[name] for name in counts}) == (code, counts)
    assert sorted(name for name, _ in restaurant.customers()) == everybody
    # The sheet itself, the next night: the decision is still followed.
    again_code, again = restaurant.run(sheet)
    assert (again_code, again["created"]) == (0, 0)
    ids = [line["clopos_id"] for line in results(again)]
    assert len({*filter(None, ids)}) == len(everybody)
    assert sorted(name for name, _ in restaurant.customers()) == everybody


def test_undo_list_names_created_customers_and_forget_lets_them_be_created_again(
    restaurant: Restaurant, tmp_path: Path
) -> None:
    sheet = restaurant.sheet(FAMILY)
    _, first = restaurant.run(sheet, "--shared-phone", "without")
    assert first["created"] == 3
    code, _ = restaurant.output_of("undo-list", first["run"], "--to", "undo.csv")
    assert code == 0
    listed = (tmp_path / "undo.csv").read_text("utf-8-sig").splitlines()
    names = sorted(line.split(",")[1] for line in listed[1:])
    assert names == ["Orxan Demo", "Vəli Demo", "Əli Demo"]
    restaurant.delete(*[each["id"] for each in restaurant.records()][:2])
    code, said = restaurant.output_of("forget", first["run"])
    assert code == 2
    assert "still at Clopos" in said
    restaurant.delete(*[each["id"] for each in restaurant.records()])
    assert restaurant.output_of("forget", first["run"])[0] == 0
    code, anew = restaurant.run(sheet, "--shared-phone", "without")
    assert (code, anew["created"]) == (0, 3)
    assert len(restaurant.customers()) == 3


def test_recreate_needs_the_exact_number_of_customers(restaurant: Restaurant) -> None:
    rows = "".join(f"Demo {n:02},05511100{n:02}\n" for n in range(30))
    sheet = restaurant.sheet(f"Ad,Telefon\n{rows}")
    _, first = restaurant.run(sheet)
    ids = [line["clopos_id"] for line in results(first)]
    restaurant.delete(*ids[:12])
    code, asked = restaurant.run(sheet)
    assert (code, asked["error"]["code"]) == (2, "open_question")
    for flags in (["--recreate"], ["--recreate", 3]):  # many customers need their number
        code, asked = restaurant.run(sheet, *flags)
        assert (code, asked["error"]["code"], asked["created"]) == (2, "open_question", 0)
        assert "--recreate 12" in asked["questions"][0]["answers"]
    assert len(restaurant.customers()) == 18
    code, right = restaurant.run(sheet, "--recreate", 12)
    assert (code, right["created"], right["exists"]) == (0, 12, 18)
    assert len(restaurant.customers()) == 30
    code, again = restaurant.run(sheet)
    assert (code, again["exists"]) == (0, 30)


def test_accept_same_name_matches_the_customer_despite_a_new_phone(restaurant: Restaurant) -> None:
    restaurant.run(restaurant.sheet("Ad,Telefon\nSevda Demo,0551110001\nOrxan Demo,0551110002\n"))
    moved = restaurant.sheet("Ad,Telefon\nSevda Demo,0551110009\nOrxan Demo,0551110002\n")
    for _ in range(2):
        code, held = restaurant.run(moved)
        assert (code, held["conflict"]) == (1, 1)
    code, taken = restaurant.run(moved, "--accept", "same_name")
    assert (code, taken["exists"], taken["created"]) == (0, 2, 0)
    code, again = restaurant.run(moved)
    assert (code, again["exists"]) == (0, 2)
    assert len(restaurant.customers()) == 2


def test_deleted_customer_typed_anew_by_a_cashier_is_recognised(
    restaurant: Restaurant,
) -> None:
    sheet = restaurant.sheet(FAMILY.replace("Vəli Demo,0551110001", "Vəli Demo,0551110009"))
    _, first = restaurant.run(sheet)
    restaurant.delete(results(first)[0]["clopos_id"])
    anew = restaurant.create_by_hand(name="Əli", phone="(055) 111-00-01")
    for flags in ([], ["--recreate"], ["--match", "always"]):
        code, summary = restaurant.run(sheet, *flags)
        assert (code, summary["exists"], summary["created"]) == (0, 3, 0)
        assert results(summary)[0]["clopos_id"] == anew
    assert len(restaurant.customers()) == 3


def test_phone_of_a_deleted_customer_may_be_used_by_another(restaurant: Restaurant) -> None:
    """Another customer has it now, so the deleted one can't be created with it."""
    sheet = restaurant.sheet("Ad,Telefon\nƏli Demo,0551110001\n")
    _, first = restaurant.run(sheet)
    restaurant.delete(results(first)[0]["clopos_id"])
    restaurant.create_by_hand(name="Kamran Misal", phone="0551110001")
    for flags in ([], ["--recreate"]):
        code, summary = restaurant.run(sheet, *flags)
        assert (code, summary["conflict"], summary["created"]) == (1, 1, 0)
    assert restaurant.customers() == [("Kamran Misal", "0551110001")]


@pytest.mark.parametrize("match", ["auto", "always", "never"])
def test_sheet_sent_again_creates_no_customer(restaurant: Restaurant, match: str) -> None:
    sheet = restaurant.sheet("Ad,E-poçt\nƏli Demo,ali@example.com\nVəli Demo,\nVəli Demo,\n")
    assert restaurant.run(sheet, "--match", match)[1]["created"] == 3
    for _ in range(2):
        code, summary = restaurant.run(sheet, "--match", match)
        assert (code, summary["exists"], summary["created"]) == (0, 3, 0)
