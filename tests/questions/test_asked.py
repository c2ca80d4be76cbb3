"""Sheets with a question: its code, and each of its answers settles it."""

from __future__ import annotations

from pathlib import Path

import pytest

from importer.pipeline import Output, SheetOptions, check
from importer.pipeline.answers import answered

SHEETS = sorted((Path(__file__).parent / "asked").iterdir())


def answers_by_code(path: Path, options: SheetOptions) -> dict[str, tuple[str, ...]]:
    """Return code → answers of the open questions."""
    prepared = check(path, options, Output()).prepared
    return {question.code: question.answers for question in prepared.questions}


@pytest.mark.parametrize("path", SHEETS, ids=lambda path: path.stem)
def test_question_is_settled_by_each_of_its_answers(path: Path) -> None:
    """The name of a sheet is the code of its question."""
    options = SheetOptions(region="AZ")
    code = path.name.split(".")[0]
    questions = answers_by_code(path, options)
    assert set(questions) == {code}
    assert f"--accept {code}" in questions[code]
    for answer in questions[code]:
        settled = check(path, answered(options, answer), Output()).prepared
        assert code not in {question.code for question in settled.questions}, answer
        assert len(settled.ready) or "--accept" in answer, f"{answer} holds every row back"


def test_numbers_of_the_region_are_found_as_phones_under_another_region(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    numbers = (501234567, 502234567, 503234567, 551234567, 701234567)
    rows = "".join(f"Kim{n} Nümunə;{number}\n" for n, number in enumerate(numbers))
    path.write_text(f"Ad Soyad;Xətt\n{rows}", encoding="utf-8")
    assert set(answers_by_code(path, SheetOptions(region="GE"))) == {"unused_phone"}


@pytest.mark.parametrize("path", SHEETS, ids=lambda path: path.stem)
def test_first_answers_leave_no_question_open(path: Path) -> None:
    options = SheetOptions(region="AZ")
    for _ in range(4):
        questions = answers_by_code(path, options)
        if not questions:
            return
        options = answered(options, next(iter(questions.values()))[0])
    pytest.fail(f"still asked: {questions}")


def test_few_codes_that_stand_for_none_leave_the_others_as_they_are() -> None:
    path = Path(__file__).parent / "asked" / "shared_code.few.csv"
    best, *others = answers_by_code(path, SheetOptions())["shared_code"]
    assert (best, others[0]) == ("--none-value code=0000", '--map "code="')
    prepared = check(path, answered(SheetOptions(), best), Output()).prepared
    assert (len(prepared.ready), prepared.ready["code"].notna().sum()) == (8, 6)


def test_long_list_of_values_for_none_is_asked_about_by_tens(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    rows = "".join(f"Demo{n} Number{n},05012345{n % 12:02}\n" for n in range(48))
    path.write_text(f"Name,Phone\n{rows}", encoding="utf-8")
    options, asked = SheetOptions(region="AZ"), []
    while questions := answers_by_code(path, options):
        asked.append(questions["nobodys_phone"][0].count("phone=+"))
        options = answered(options, questions["nobodys_phone"][0])
    assert asked == [10, 2]
