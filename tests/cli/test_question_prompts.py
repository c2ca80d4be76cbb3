"""Questions about a sheet on a real terminal: best answer first, no silent default."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING

import pytest

from importer.cli.question_prompts import answer_questions
from importer.pipeline import SheetOptions
from importer.pipeline.prepare import Opened, Prepared, open_sheet, prepare_rows, understand
from tests.cli_process import run_on_terminal

if TYPE_CHECKING:
    from pathlib import Path

TURKISH = "Ad,Telefon\n" + "".join(f"Demo {n},0532 111 22 {n}\n" for n in range(10, 30))
MAPPING, ANSWER = "Is this correct?", "Number of the answer"


@pytest.fixture
def sheet(tmp_path: Path) -> Path:
    """Return a list whose phones are all of another country."""
    path = tmp_path / "list.csv"
    path.write_text(TURKISH, encoding="utf-8")
    return path


def answered(sheet: Path, *typed: str) -> tuple[Prepared, str]:
    """Answer the questions about a sheet; return the prepared sheet and the shown text."""
    left = list(typed)
    shown: list[str] = []

    def again(options: SheetOptions) -> tuple[Opened, Prepared]:
        opened = open_sheet(sheet, options)
        return opened, prepare_rows(opened, understand(opened))

    prepared = answer_questions(
        *again(SheetOptions()), again, tell=shown.extend, ask=lambda _: f"{left.pop(0)}\n"
    )
    assert not left
    return prepared, "\n".join(shown)


def test_answer_is_reported_and_saved_and_the_question_is_not_asked_again(sheet: Path) -> None:
    turns = [(MAPPING, "\n"), (ANSWER, "yes\n"), ("have the numbers", ""), (ANSWER, "9\n1\n")]
    code, shown = run_on_terminal(sheet.parent, turns, "check", "list.csv")
    assert code == 0, shown
    best, other = shown.index("  1. --region TR"), shown.index("  4. --accept other_region")
    assert best < other < shown.index(ANSWER)
    assert "100% of these are numbers of TR" in shown
    assert shown.count("the answers have the numbers 1 to 4") == 2
    assert "taken: --region TR" in shown
    assert "saved in list.csv.mapping.toml" in shown
    kept = tomllib.loads((sheet.parent / "list.csv.mapping.toml").read_text("utf-8"))
    assert kept["reading"]["region"] == "TR"
    prepared, shown = answered(sheet)
    assert (len(prepared.ready), shown) == (20, "")


def test_question_that_no_flag_answers_otherwise_says_what_else_can_be_done(sheet: Path) -> None:
    otherwise = "  - if it isn't: correct the list, then check it again"
    assert otherwise not in answered(sheet, "0")[1]
    days = "".join(f"{n} Demo;{n};{n % 12 + 1};{1970 + n}\n" for n in range(13, 29))
    sheet.write_text(f"Ad;Gün;Ay;İl\n{days}", encoding="utf-8")
    _, shown = answered(sheet, "0")
    assert shown.index(otherwise) < shown.index("  1. --accept split_date")


def test_enter_empties_a_value_that_stands_for_none(sheet: Path) -> None:
    """Two phones and an e-mail address: one answer a field, kept together."""
    phones = ("050 000 00 00", "0500000000", "0501234567", "+994501234567") * 2
    rows = "".join(f"Demo Number{n};{phone};No@no.com\n" for n, phone in enumerate(phones))
    sheet.write_text(f"Ad;Mobil;E-poçt\n{rows}", encoding="utf-8")
    prepared, shown = answered(sheet, "", "")
    assert "1. --none-value phone=+994500000000,phone=+994501234567" in shown
    assert "taken: --none-value email=no@no.com" in shown
    assert (len(prepared.ready), prepared.ready[["phone", "email"]].notna().sum().sum()) == (8, 0)
    kept = tomllib.loads((sheet.parent / "list.csv.mapping.toml").read_text("utf-8"))
    assert kept["reading"]["none_value"] == [
        "phone=+994500000000",
        "phone=+994501234567",
        "email=no@no.com",
    ]
    assert answered(sheet)[1] == ""


def test_interrupted_question_is_not_answered(sheet: Path) -> None:
    turns = [(MAPPING, "\n"), (ANSWER, "\x03")]
    code, shown = run_on_terminal(sheet.parent, turns, "run", "list.csv", "--sandbox")
    assert (code, "Traceback" in shown) == (130, False)
    assert [path.name for path in sheet.parent.iterdir() if path.is_file()] == ["list.csv"]


def test_question_left_open_stays_open_and_saves_nothing(sheet: Path) -> None:
    prepared, shown = answered(sheet, "0")
    assert [question.code for question in prepared.questions] == ["other_region"]
    assert shown.endswith("left open")
    assert not (sheet.parent / "list.csv.mapping.toml").exists()


def test_enter_takes_the_first_answer_and_reports_it(sheet: Path) -> None:
    prepared, shown = answered(sheet, "")
    assert not prepared.questions
    assert prepared.options.region == "TR"
    assert shown.endswith("list.csv.mapping.toml")
    assert "taken: --region TR" in shown


def test_accepted_question_is_saved_and_ends_with_its_evidence(sheet: Path) -> None:
    prepared, shown = answered(sheet, "4")
    assert (len(prepared.ready), len(prepared.invalid)) == (0, 20)
    assert "taken: --accept other_region" in shown
    kept = tomllib.loads((sheet.parent / "list.csv.mapping.toml").read_text("utf-8"))
    assert [*kept["accepted"]] == ["other_region"]
    assert answered(sheet)[1] == ""
    sheet.write_text(TURKISH.replace(",0532 111 22 ", ",+44 20 7946 09"), encoding="utf-8")
    assert answered(sheet)[0].ready["phone"].str.startswith("+44").all()


def test_end_of_input_at_a_question_is_not_an_answer(sheet: Path) -> None:
    opened = open_sheet(sheet)
    prepared = prepare_rows(opened, understand(opened))
    with pytest.raises(KeyboardInterrupt):
        answer_questions(
            opened, prepared, lambda _: (opened, prepared), tell=lambda _: None, ask=lambda _: ""
        )
    assert not opened.saved_in.exists()
