"""Values that a person says stand for none: empty in every spelling, counted, kept."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from importer.cli.main import run_command
from importer.errors import UsageError
from importer.pipeline import Output, SheetOptions, check
from importer.pipeline.prepare import Prepared, prepare
from tests.cli_process import lines_of

if TYPE_CHECKING:
    from pathlib import Path

SPELLINGS = ("050 000 00 00", "0500000000", "+994500000000", "(050) 000-00-00", "mob: 0500000000")


def prepared(path: Path, text: str, *values: str, **options: Any) -> Prepared:
    path.write_text(text, encoding="utf-8")
    return prepare(path, SheetOptions(none_value=values, **options))


@pytest.fixture
def sheet(tmp_path: Path) -> Path:
    return tmp_path / "list.csv"


def people(*phones: str) -> str:
    rows = "".join(f"Demo Number{n};{phone}\n" for n, phone in enumerate(phones))
    return f"Ad;Mobil\n{rows}"


@pytest.mark.parametrize("value", SPELLINGS[:4])
def test_every_spelling_of_the_value_is_nothing(sheet: Path, value: str) -> None:
    found = prepared(sheet, people(*SPELLINGS, "0500000007"), f"phone={value}")
    assert found.ready["phone"].dropna().to_dict() == {7: "+994500000007"}
    rows = [problem.row for problem in found.problems if problem.code == "stands_for_none"]
    assert (len(found.ready), rows, found.questions) == (6, [2, 3, 4, 5, 6], ())


def test_many_rows_of_the_fast_path_are_emptied_as_single_ones(sheet: Path) -> None:
    phones = [phone for n in range(300) for phone in (f"0501{n:06}", SPELLINGS[n % 5])]
    found = prepared(sheet, people(*phones), "phone=+994500000000")
    assert (len(found.ready), found.ready["phone"].notna().sum()) == (600, 300)
    assert found.remarks.keys() == set(range(3, 603, 2))


def test_second_column_is_taken_where_the_first_stands_for_none(sheet: Path) -> None:
    found = prepared(
        sheet,
        "Ad;Mobil;Telefon\nAysel Demo;0500000000;0500000007\nOrxan Demo;0500000000;12\n",
        "phone=+994500000000",
    )
    assert found.values["phone"].to_dict() == {2: "+994500000007"}
    assert "not a phone number" in found.outcomes[3].message


def test_values_of_a_code_and_an_email_are_nothing_and_the_row_says_so(sheet: Path) -> None:
    sheet.write_text(
        "Ad,Kod,E-poçt\nAysel Demo,0000,No@no.com\nOrxan Demo,17,b@example.com\n", "utf-8"
    )
    results = sheet.with_name("results.csv")
    options = SheetOptions(none_value=("code=0000", "email=no@no.com"))
    done = check(sheet, options, Output(results))
    assert done.prepared.ready[["code", "email"]].to_dict("list") == {
        "code": [None, "17"],
        "email": [None, "b@example.com"],
    }
    assert done.summary.as_dict()["problems"]["stands_for_none"] == 2
    message = lines_of(results)[0]["import_message"]
    assert "Kod «0000»: said to stand for none, left empty" in message
    assert "E-poçt «No@no.com»: said to stand for none, left empty" in message


def test_value_that_no_row_has_is_a_remark(sheet: Path) -> None:
    text = people("0500000007")
    found = prepared(sheet, text, "phone=0500000000", "email=no@no.com")
    assert found.notes == (
        "--none-value phone=+994500000000: no row has it",
        "--none-value email=no@no.com: no row has it",
    )
    kept = sheet.with_name("list.csv.mapping.toml")
    prepared(sheet, people("0500000000"), "phone=0500000000", save_mapping=kept)
    assert prepared(sheet, text).notes == ()  # it was said of an earlier export


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("+994500000000", "it isn't FIELD=VALUE"),
        ("name=Test", "only values of phone, email and code can"),
        ("phone=12", "«12» can't be read as phone"),
        ("email=", "«» can't be read as email"),
    ],
)
def test_value_that_cannot_stand_for_none_is_an_error(sheet: Path, value: str, why: str) -> None:
    with pytest.raises(UsageError, match=r"can't stand for none") as raised:
        prepared(sheet, people("0500000000"), value)
    assert raised.value.why == why
    assert "--none-value phone=+994500000000" in (raised.value.fix or "")


def test_flag_takes_several_values_and_adds_them_to_the_saved_ones(
    sheet: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mails = ["no@no.com", "a@a.az", "x@x.az"]
    rows = "".join(f"Demo Number{n};0501111111;{mail}\n" for n, mail in enumerate(mails * 2))
    sheet.write_text(f"Ad;Mobil;E-poçt\n{rows}", encoding="utf-8")

    def checked(*flags: str) -> dict[str, Any]:
        run_command(["check", str(sheet), "--json", "--results", str(sheet) + ".csv", *flags])
        found: dict[str, Any] = json.loads(capsys.readouterr().out)
        return found

    saved = ["--save-mapping", f"{sheet}.mapping.toml"]
    assert checked(*saved, "--none-value", "phone=0501111111")["questions"] == []
    assert checked("--none-value", "email=no@no.com, email=a@a.az")["problems"] == {
        "stands_for_none": 10,
        "duplicate_email": 1,
    }
