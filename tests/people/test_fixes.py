"""Fixes in the whole pipeline: checking, sending, results, and the identity of fixed rows."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.people.conftest import results

if TYPE_CHECKING:
    from pathlib import Path

    from tests.people.conftest import Restaurant

SHEET = """Ad,Mobil,Cinsi
Aygün Demo,050 111 22 33,Qad1n
Orxan Demo,"9,945E+11",Kişi
Nigar Demo,055 444 55 66,Qad1n
Cəmi,,1 204
"""
ACTS: list[dict[str, Any]] = [
    {"do": "set", "column": "Cinsi", "was": ["Qad1n"], "is": "Qadın"},
    {"do": "set", "column": "Mobil", "row": 3, "was": ["9,945E+11"], "is": "050 111 22 34"},
    {"do": "leave out", "row": 5, "was": "Cəmi;;1 204"},
]


def fix(sheet: Path, *acts: dict[str, Any], of: str | None = None) -> Path:
    """Write the file of fixes of a sheet, as the page does."""
    path = sheet.with_name(f"{sheet.name}.fixes.jsonl")
    lines = [{"fixes": 1, "of": of or sheet.name}]
    lines += [{"n": n, "at": "", **act} for n, act in enumerate(acts, start=1)]
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines), "utf-8")
    return path


def test_fixes_apply_in_check_and_run_and_verify_and_rehearse(
    restaurant: Restaurant,
) -> None:
    sheet = restaurant.sheet(SHEET)
    fix(sheet, *ACTS)
    fixed = {"cells": 3, "left_out": 1, "unfit": 0}

    code, checked = restaurant.run(sheet, command="check")
    assert (code, checked["ready"], checked["invalid"]) == (0, 3, 1)
    assert (checked["fixes"], checked["problems"]) == (fixed, {"left_out": 1})
    code, rehearsed = restaurant.run(sheet, command="rehearse")
    assert (code, rehearsed["created"], rehearsed["fixes"]) == (0, 3, fixed)

    code, sent = restaurant.run(sheet)
    assert (code, sent["created"], sent["invalid"], sent["fixes"]) == (0, 3, 1, fixed)
    lines = results(sent)
    assert [line["Cinsi"] for line in lines] == ["Qadın", "Kişi", "Qadın", "1 204"]
    assert "Cinsi: fixed, was «Qad1n»" in lines[0]["import_message"]
    assert "Mobil: fixed, was «9,945E+11»" in lines[1]["import_message"]
    assert lines[3]["import_message"] == "left out by hand"
    assert ("Orxan Demo", "+994501112234") in restaurant.customers()

    code, verified = restaurant.run(sheet, command="verify")
    assert (code, verified["differences"], verified["fixes"]) == (0, [], fixed)
    code, verified = restaurant.run(sheet, "--no-fixes", command="verify")
    assert code == 1


def test_number_of_fixed_cells_and_of_unfit_fixes_is_reported(
    restaurant: Restaurant,
) -> None:
    sheet = restaurant.sheet(SHEET)
    gone = {"do": "set", "column": "Mobil", "row": 4, "was": ["12"], "is": ""}
    path = fix(sheet, *ACTS, gone, of="november.csv")
    path.write_text(path.read_text("utf-8") + '{"n":5,"at', "utf-8")
    code, words = restaurant.output_of("check", sheet)
    words = " ".join(words.split())
    assert code == 0
    assert "3 cells fixed by hand, 1 row left out, 1 fix no longer fits the sheet (row 4)" in words
    assert "the fixes were made in «november.csv»" in words
    assert "its last line was cut off, and is ignored" in words


def test_results_do_not_get_the_fixes_of_their_sheet_and_keep_rows_left_out(
    restaurant: Restaurant,
) -> None:
    sheet = restaurant.sheet(SHEET)
    fix(sheet, *ACTS)
    _, sent = restaurant.run(sheet)
    code, again = restaurant.run(sent["results"])
    assert (code, again["exists"], again["invalid"]) == (0, 3, 1)
    assert "fixes" not in again
    assert results(again)[3]["import_message"] == "left out by hand"
    assert len(restaurant.customers()) == 3


def test_fixes_in_another_place_apply_only_if_they_are_named(restaurant: Restaurant) -> None:
    sheet = restaurant.sheet(SHEET)
    elsewhere = fix(sheet, *ACTS).rename(restaurant.folder / "fixes.jsonl")
    assert restaurant.run(sheet, command="check")[1]["ready"] == 0
    assert restaurant.run(sheet, "--fixes", elsewhere, command="check")[1]["ready"] == 3
    code, words = restaurant.output_of("check", sheet, "--fixes", "nowhere.jsonl")
    assert code == 2
    assert "nowhere.jsonl" in words


def test_damaged_fixes_end_a_run_before_rows_are_sent(restaurant: Restaurant) -> None:
    sheet = restaurant.sheet(SHEET)
    path = fix(sheet, *ACTS)
    path.write_text(path.read_text("utf-8").replace('"was"', '"were"'), "utf-8")
    for command in ("check", "run", "rehearse", "verify"):
        code, summary = restaurant.run(sheet, command=command)
        assert (code, summary["error"]["code"]) == (2, "usage")
        assert summary["error"]["what"] == f"Line 2 of {path} is not a fix"
    assert restaurant.customers() == []


SENT = """Ad,Telefon,Kod,E-poçt
Aysel Demo,0551110002,72,
Kamran Demo,0551110003,,kamran@example.az
Leyla Demo,0551110004,74,
Tural Demo,0551110005,,
Günel Demo,0551110006,,
Rəşad Demo,0551110007,,
Orxan Demo,0551110008,78,orxan@example.az
Səbinə Demo,,,
"""


def changes(*cells: tuple[str, int, str, str]) -> list[dict[str, Any]]:
    """Return acts that set cells, given as (column, row, current text, new text)."""
    return [
        {"do": "set", "column": column, "row": row, "was": [was], "is": new}
        for column, row, was, new in cells
    ]


def test_row_fixed_after_it_was_sent_is_not_created_again(restaurant: Restaurant) -> None:
    sheet = restaurant.sheet(SENT)
    assert restaurant.run(sheet)[1]["created"] == 8
    acts = changes(
        ("Telefon", 2, "0551110002", "0551110092"),
        ("Kod", 4, "74", "94"),
        ("Telefon", 5, "0551110005", "0551110095"),
        ("Ad", 6, "Günel Demo", "Nigar Sınaq"),
        # Every value that identifies a row is changed.
        ("Ad", 7, "Rəşad Demo", "Vüqar Sınaq"),
        ("Telefon", 7, "0551110007", "0551110097"),
        ("Ad", 9, "Səbinə Demo", "Sevinc Sınaq"),
    )
    fix(sheet, *acts)
    _, again = restaurant.run(sheet)
    assert (again["created"], again["exists"], again["fixes"]["cells"]) == (0, 8, 7)
    lines = {int(line["import_row"]): line for line in results(again)}
    assert "at Clopos with another name and phone" in lines[7]["import_message"]
    once_more = changes(
        ("Ad", 7, "Vüqar Sınaq", "Zaur Sınaq"), ("Telefon", 7, "0551110097", "0551110077")
    )
    fix(sheet, *acts, *once_more)
    assert restaurant.run(sheet)[1]["exists"] == 8
    assert len(restaurant.customers()) == 8


def test_row_fixed_again_after_it_was_sent_with_fixes_is_not_created_again(
    restaurant: Restaurant,
) -> None:
    sheet = restaurant.sheet(SENT)
    first = changes(
        ("Ad", 7, "Rəşad Demo", "Vüqar Sınaq"), ("Telefon", 7, "0551110007", "0551110097")
    )
    fix(sheet, *first)
    assert restaurant.run(sheet)[1]["created"] == 8
    second = changes(
        ("Ad", 7, "Vüqar Sınaq", "Zaur Sınaq"), ("Telefon", 7, "0551110097", "0551110077")
    )
    fix(sheet, *first, *second)
    assert restaurant.run(sheet)[1]["exists"] == 8


def test_duplicate_fixed_to_be_another_person_is_created(restaurant: Restaurant) -> None:
    """Before the fix it had the text of the other row, and so its customer."""
    sheet = restaurant.sheet("Ad,Telefon\nAnar Demo,0551110001\nAnar Demo,0551110001\n")
    assert restaurant.run(sheet)[1]["created"] == 1
    fix(
        sheet,
        *changes(("Ad", 3, "Anar Demo", "Zaur Sınaq"), ("Telefon", 3, "0551110001", "0551110002")),
    )
    _, again = restaurant.run(sheet)
    assert (again["created"], again["exists"]) == (1, 1)


def test_fixed_row_of_a_deleted_customer_is_created_only_with_recreate(
    restaurant: Restaurant,
) -> None:
    sheet = restaurant.sheet("Ad,Telefon\nAnar Demo,0551110001\nLeyla Demo,0551110003\n")
    _, sent = restaurant.run(sheet)
    restaurant.delete(results(sent)[0]["clopos_id"])
    fix(
        sheet,
        *changes(("Ad", 2, "Anar Demo", "Zaur Sınaq"), ("Telefon", 2, "0551110001", "0551110002")),
    )
    code, again = restaurant.run(sheet, "--match", "always")
    assert (code, again["created"], again["conflict"]) == (1, 0, 1)
    code, again = restaurant.run(sheet, "--match", "always", "--recreate")
    assert (code, again["created"]) == (0, 1)
    assert ("Zaur Sınaq", "+994551110002") in restaurant.customers()
