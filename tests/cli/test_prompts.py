"""Confirming columns at a prompt: accepted by one Enter, changed, saved, reused."""

from __future__ import annotations

import os
import pty
import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from importer.cli.prompts import confirm_mapping
from importer.errors import UsageError
from importer.mapping.choices import AmbiguousColumnsError, address, column_of
from importer.mapping.columns import map_columns
from importer.mapping.preview import match_share, sample_values
from importer.mapping.saved import load_saved, save_mapping
from importer.pipeline import Output, SheetOptions, check
from importer.pipeline.prepare import Opened, open_sheet
from importer.records import FIELDS, ColumnMapping, MappingChoices, Sheet
from tests.cli_process import PROGRAM

if TYPE_CHECKING:
    from pathlib import Path


LIST = (
    "Ad Soyad;Telefon;Kart;Kod;Session token;\n"
    "Anar Demo;0500000001;A1;007;s1;note\n"
    "Leyla Demo;0500000002;A2;008;s2;\n"
)
TIE = "Müştəri;Client;Telefon\nAnar Demo;Demo MMC;0500000001\n"


def opened_of(text: str, folder: Path) -> Opened:
    path = folder / "list.csv"
    path.write_text(text, encoding="utf-8")
    return open_sheet(path)


def sheet_of(text: str, folder: Path) -> Sheet:
    return opened_of(text, folder).sheet


def confirmed(
    opened: Opened, *answers: str, given: tuple[tuple[str, str], ...] = (), again: bool = False
) -> tuple[dict[str, list[str]], list[str], list[str]]:
    """Return field → headers as confirmed, the shown lines, and the saved fields.

    `again` confirms a sheet whose mapping was saved earlier.
    """
    left = list(answers)
    shown: list[str] = []
    if again:
        save_mapping(opened.saved_in, ColumnMapping({}), opened.sheet)

    def ask(question: str) -> str:
        shown.append(question)
        return f"{left.pop(0)}\n"

    choices = MappingChoices(given=given)
    mapping = confirm_mapping(replace(opened, choices=choices), tell=shown.extend, ask=ask)
    assert not left
    called = {
        name: [address(opened.sheet.headers, column) for column in columns]
        for name, columns in mapping.columns.items()
    }
    saved = opened.saved_in.is_file() and not again
    pairs = load_saved(opened.saved_in).pairs if saved else ()
    return called, shown, list(dict.fromkeys(field for field, header in pairs if header))


@pytest.mark.parametrize("answer", ["", "y", "YES"])
def test_correct_mapping_is_accepted_with_one_answer(tmp_path: Path, answer: str) -> None:
    called, told, saved = confirmed(opened_of(LIST, tmp_path), answer)
    assert called == {"name": ["Ad Soyad"], "phone": ["Telefon"], "code": ["Kod"]}
    assert sum(line.startswith("Is this correct?") for line in told) == 1
    assert "  phone  ← Telefon   100%  0500000001 · 0500000002" in told
    assert not saved


def test_field_is_changed_by_number_or_header_or_left_out(tmp_path: Path) -> None:
    sheet = opened_of(LIST, tmp_path)
    answers = ("co", "3", "desc", "6", "phone", "0", "name", "ad soyad", "gender", "", "save")
    called, told, saved = confirmed(sheet, *answers)
    assert called == {"name": ["Ad Soyad"], "code": ["Kart"], "description": ["(1)"]}
    assert "  ←  4  Kod            100%  007 · 008" in told  # the mapping before the change
    assert saved == ["name", "code", "description"]


def test_several_columns_of_a_field_are_kept_in_the_given_order(tmp_path: Path) -> None:
    called, _, _ = confirmed(opened_of(LIST, tmp_path), "code", "4, 3 4", "")
    assert called["code"] == ["Kod", "Kart"]


def test_invalid_answer_is_asked_again(tmp_path: Path) -> None:
    _, told, _ = confirmed(opened_of(LIST, tmp_path), "no", "code", "9", "Kort", "", "")
    assert "  the columns have the numbers 1 to 6" in told
    assert "  there is no column «Kort»" in told
    assert any("the fields are name, phone" in line for line in told)


def test_tied_columns_are_a_question_with_values_of_both(tmp_path: Path) -> None:
    called, told, _ = confirmed(opened_of(TIE, tmp_path), "", "2", "")
    assert called == {"name": ["Client"], "phone": ["Telefon"]}
    assert told[:3] == [
        "Several columns could be the name: «Müştəri», «Client»",
        "     1  Müştəri  100%  Anar Demo",
        "     2  Client   100%  Demo MMC",
    ]


def test_saved_mapping_is_not_asked_again_except_for_a_tie(tmp_path: Path) -> None:
    given = (("phone", "Telefon"),)
    _, told, _ = confirmed(opened_of(LIST, tmp_path), given=given, again=True)
    assert told[0] == "Understood"
    called, told, _ = confirmed(opened_of(TIE, tmp_path), "1", given=given, again=True)
    assert called["name"] == ["Müştəri"]
    assert not any(line.startswith("Is this correct?") for line in told)


def test_values_of_secret_columns_are_not_shown(tmp_path: Path) -> None:
    _, told, _ = confirmed(opened_of(LIST, tmp_path), "code", "", "")
    assert "     5  Session token  100%  (secret, not shown)" in told
    assert "  secret, not used and not in the results: Session token" in told
    assert not any("s1" in line for line in told)


@pytest.mark.parametrize("by", [("code", "Session token"), ("code", "session TOKEN")])
def test_secret_column_is_used_and_copied_if_it_is_mapped_explicitly(
    tmp_path: Path, by: tuple[str, str]
) -> None:
    path = tmp_path / "list.csv"
    path.write_text(LIST, encoding="utf-8")
    plain = check(path).rows
    assert "Session token" not in plain.columns
    asked = check(path, SheetOptions(choices=MappingChoices(given=(by,))))
    assert asked.rows["Session token"].tolist() == ["s1", "s2"]
    assert asked.prepared.values["code"].tolist() == ["s1", "s2"]


def test_tied_columns_that_make_no_difference_are_no_question(tmp_path: Path) -> None:
    """One is empty, the other a copy."""
    sheet = opened_of("Client;Müştəri;Guest name\n;Anar;Anar\n;Leyla;Leyla\n", tmp_path)
    assert confirmed(sheet, "")[0] == {"name": ["Guest name"]}
    with pytest.raises(AmbiguousColumnsError):
        map_columns(sheet_of("Client;Guest name\nAli;Anar\n", tmp_path), (), MappingChoices())


def test_columns_with_the_same_header_are_distinguished_by_their_order(tmp_path: Path) -> None:
    sheet = sheet_of("Ad Soyad;Kod;Kod;;\nAnar;7;8;x;y\n", tmp_path)
    with pytest.raises(AmbiguousColumnsError) as unclear:
        map_columns(sheet, (), MappingChoices())
    assert unclear.value.fix == 'say it with --map "code=Kod (1)" or --map "code=Kod (2)"'
    given = (("code", "Kod (2)"), ("description", "(2)"))
    mapping = map_columns(sheet, (), MappingChoices(given=given))
    assert (mapping.columns["code"], mapping.columns["description"]) == ((2,), (4,))
    assert [column_of(sheet.headers, "x", address(sheet.headers, n)) for n in range(5)] == [
        *range(5)
    ]
    with pytest.raises(UsageError, match="no column «Kod \\(3\\)»"):
        map_columns(sheet, (), MappingChoices(given=(("code", "Kod (3)"),)))


def test_saved_mapping_has_every_field_and_is_reused(tmp_path: Path) -> None:
    sheet = sheet_of('Ad Soyad;Kod;Kod;\nAnar;7;8;"x"\n', tmp_path)
    given = (("code", "Kod (2)"), ("description", "(1)"))
    mapping = map_columns(sheet, (), MappingChoices(given=given))
    path, place = tmp_path / "list.csv", tmp_path / "list.csv.mapping.toml"
    save_mapping(place, mapping, sheet)
    assert {name for name, _ in load_saved(place).pairs} == set(FIELDS)
    assert check(path).prepared.mapping.columns == mapping.columns
    # A flag overrides the saved choice of its field, whatever the case of the field's name.
    now = SheetOptions(choices=MappingChoices(given=(("Code", "Kod (1)"),)))
    assert check(path, now).prepared.mapping.columns == {**mapping.columns, "code": (1,)}
    # A field that was left out stays so.
    left_out = SheetOptions(choices=MappingChoices(given=(("code", ""),)), save_mapping=place)
    check(path, left_out)
    assert "code" not in check(path).prepared.mapping.columns
    results = check(path, output=Output(tmp_path / "list.csv.results.csv")).results
    assert results
    assert "code" not in check(results).prepared.mapping.columns  # and out of its results
    moved = tmp_path / "moved.toml"
    place.rename(moved)
    with pytest.raises(AmbiguousColumnsError):
        check(path)
    assert open_sheet(path, SheetOptions(mapping=moved)).choices.saved


def test_saved_mapping_that_no_longer_fits_is_an_error_that_names_the_file(tmp_path: Path) -> None:
    sheet_of(LIST, tmp_path)
    (tmp_path / "list.csv.mapping.toml").write_text('phone = ["Mobil"]', encoding="utf-8")
    with pytest.raises(UsageError, match=r"list\.csv\.mapping\.toml") as error:
        check(tmp_path / "list.csv")
    assert "«Mobil»" in str(error.value.why)
    now = SheetOptions(choices=MappingChoices(given=(("phone", "Telefon"),)))
    assert check(tmp_path / "list.csv", now).prepared.mapping.columns["phone"] == (1,)


@pytest.mark.parametrize(
    ("field", "values", "share"),
    [
        ("name", "Anar Demo|0500000001|a@example.com|Əli", 0.5),
        ("phone", "+994 50 000 00 01|9,945E+11|050000|0500000001 / 0500000002", 0.5),
        ("email", "a@example.com|yox|A <a@example.az>|a@b", 0.5),
        ("gender", "K|kişi|1|30.11.1990", 0.75),
        ("gender", "Не указан|prefer not to say|01.02.1990|+994 50", 0.5),
        ("group_id", "Weekend discount|3|4.0|VIP", 0.5),
        ("date_of_birth", "01.02.1990|15 марта 1992 г.|1990-02-01 00:00|0500000001", 0.75),
        ("code", "a|b c", 1.0),
        ("email", "", None),
    ],
)
def test_share_of_values_that_fit_a_field_is_measured(
    tmp_path: Path, field: str, values: str, share: float | None
) -> None:
    lines = "".join(f'x;"{value}"\n' for value in values.split("|"))
    sheet = sheet_of(f"Name;Value\n{lines}", tmp_path)
    assert match_share(sheet, field, (1,)) == share
    assert sample_values(sheet, (1,)) == [value for value in values.split("|") if value][:2]


def on_a_terminal(folder: Path, typed: str, *arguments: str) -> tuple[int, str]:
    """Run the command with a terminal on both sides; return its exit code and what is shown."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [*PROGRAM, *arguments],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        cwd=folder,
        env=os.environ | {"NO_COLOR": "1", "LANG": "C.UTF-8"},
    ) as process:
        os.close(theirs)
        os.write(ours, typed.encode())
        shown = b""
        try:
            while part := os.read(ours, 65536):
                shown += part
        except OSError:  # the other side is closed
            pass
        code = process.wait(30)
    os.close(ours)
    return code, shown.decode()


def test_confirmed_mapping_is_saved_and_not_asked_again(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text(TIE, encoding="utf-8")
    code, shown = on_a_terminal(tmp_path, "2\ns\n", "check", "list.csv")
    assert code == 0
    assert "name   ← Client" in shown
    assert "saved in list.csv.mapping.toml" in shown
    code, shown = on_a_terminal(tmp_path, "", "check", "list.csv")
    assert (code, "Is this correct?" in shown, "name   ← Client" in shown) == (0, False, True)
    assert check(path, output=Output()).prepared.values["name"].tolist() == ["Demo MMC"]


def test_ctrl_d_at_a_question_ends_the_command(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text(LIST, encoding="utf-8")
    code, shown = on_a_terminal(tmp_path, "\x04", "run", "list.csv", "--sandbox")
    assert code == 130
    assert "Interrupted" in shown
    assert "Traceback" not in shown
    assert not (tmp_path / "list.csv.results.xlsx").exists()


@pytest.mark.parametrize("flag", ["--json", "--quiet"])
def test_quiet_run_asks_no_question(tmp_path: Path, flag: str) -> None:
    (tmp_path / "list.csv").write_text(TIE, encoding="utf-8")
    code, shown = on_a_terminal(tmp_path, "", "check", "list.csv", flag)
    assert code == 2
    assert '--map "name=Müştəri" or --map "name=Client"' in shown
    assert "Column number" not in shown


def test_sample_values_of_columns_that_make_a_name_together_show_their_order(
    tmp_path: Path,
) -> None:
    sheet = sheet_of("First;Last\nAysel;Demo\n;\nOrxan;\nLeyla;Test\n", tmp_path)
    assert sample_values(sheet, (1, 0), "name") == ["Demo Aysel", "Orxan"]
    assert sample_values(sheet, (1, 0), "phone") == ["Demo", "Test"]
