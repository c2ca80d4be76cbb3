"""Effects of an open question on `check` and `run`; answers by flags and saved answers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from importer.cli.main import run_command
from importer.pipeline import Output, SheetOptions, check, run
from importer.pipeline.answers import answered, save_answers
from importer.pipeline.prepare import open_sheet, prepare_rows, understand

if TYPE_CHECKING:
    from pathlib import Path

LIST = "Ad Soyad;Xətt\nAysel Nümunə;050 000 00 01\nTural Nümunə;050 000 00 02\n"
KEYS = {"code", "field", "message", "columns", "rows", "examples", "assumed", "answers"}


@pytest.fixture
def sheet(tmp_path: Path) -> Path:
    path = tmp_path / "list.csv"
    path.write_text(LIST, encoding="utf-8")
    return path


def checked(
    capsys: pytest.CaptureFixture[str], sheet: Path, *flags: str
) -> tuple[int, dict[str, Any]]:
    results = str(sheet.with_suffix(".out.csv"))
    code = run_command(["check", str(sheet), "--json", "--results", results, *flags])
    return code, json.loads(capsys.readouterr().out)


def test_check_exits_1_while_a_question_is_open(
    sheet: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, summary = checked(capsys, sheet)
    assert (code, summary["ok"], summary["ready"]) == (1, False, 2)
    (question,) = summary["questions"]
    assert set(question) == KEYS
    assert question["code"] == "unused_phone"
    assert question["columns"] == ["Xətt"]
    assert question["answers"] == ['--map "phone=Xətt"', "--accept unused_phone"]


@pytest.mark.parametrize("flags", [("--map", "phone=Xətt"), ("--accept", "a,unused_phone")])
def test_flag_answers_a_question(
    sheet: Path, capsys: pytest.CaptureFixture[str], flags: tuple[str, str]
) -> None:
    code, summary = checked(capsys, sheet, *flags)
    assert (code, summary["questions"]) == (0, [])


def test_accepted_code_without_its_question_is_a_remark(sheet: Path) -> None:
    result = check(sheet, SheetOptions(accept=("unused_phone", "shared_code")), Output())
    assert result.exit_code == 0
    assert result.prepared.notes == ("--accept shared_code: that wasn't asked",)


def test_run_sends_no_row_while_a_question_is_open(sheet: Path) -> None:
    """Nothing listens at the address, so a request would be another error."""
    env = {
        "CLOPOS_CLIENT_ID": "id",
        "CLOPOS_CLIENT_SECRET": "secret",
        "CLOPOS_BRAND": "brand",
        "CLOPOS_VENUE_ID": "1",
        "CLOPOS_BASE_URL": "http://127.0.0.1:9",
    }
    result = run(sheet, None, Output(), env=env)
    summary = result.summary.as_dict()
    assert (summary["exit_code"], summary["ok"], summary["pending"]) == (2, False, 2)
    assert summary["error"]["code"] == "open_question"
    assert [question["code"] for question in summary["questions"]] == ["unused_phone"]


@pytest.mark.parametrize("answer", ['--map "phone=Xətt"', "--accept unused_phone"])
def test_saved_answer_is_not_asked_again(sheet: Path, answer: str) -> None:
    """The next export has other rows, and the same columns."""
    opened = open_sheet(sheet, answered(SheetOptions(region="AZ"), answer))
    save_answers(opened, prepare_rows(opened, understand(opened)))
    sheet.write_text(LIST + "Nigar Nümunə;050 000 00 03\n", encoding="utf-8")
    assert check(sheet, SheetOptions(region="AZ"), Output()).prepared.questions == ()


def test_saved_answer_ends_with_its_evidence(sheet: Path) -> None:
    """It was given for a column of another name."""
    options = SheetOptions(region="AZ", accept=("unused_phone",))
    opened = open_sheet(sheet, options)
    save_answers(opened, prepare_rows(opened, understand(opened)))
    sheet.write_text(LIST.replace("Xətt", "Nöm"), encoding="utf-8")
    assert check(sheet, SheetOptions(region="AZ"), Output()).prepared.questions


def test_answers_about_reading_are_saved(tmp_path: Path) -> None:
    sheet = tmp_path / "list.csv"
    rows = "".join(f"Kim{n} Nümunə;532 200 00 0{n}\n" for n in range(1, 6))
    sheet.write_text(f"Ad Soyad;Telefon\n{rows}", encoding="utf-8")
    (question,) = check(sheet, SheetOptions(region="AZ"), Output()).prepared.questions
    assert question.code == "other_region"
    kept = tmp_path / "list.csv.mapping.toml"
    opened = open_sheet(sheet, answered(SheetOptions(), question.answers[0]))
    save_answers(opened, prepare_rows(opened, understand(opened)))
    assert 'region = "TR"' in kept.read_text("utf-8")
    prepared = check(sheet, SheetOptions(), Output()).prepared
    assert prepared.questions == ()
    assert prepared.values["phone"].tolist()[0] == "+905322000001"
