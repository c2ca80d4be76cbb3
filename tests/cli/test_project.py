"""The project file: sheets, options and restaurant of every command, and its errors."""

from __future__ import annotations

import json
import os
import shlex
from typing import TYPE_CHECKING, Any

import pytest

from importer.cli.main import run_command
from tests.cli_process import ask_sandbox, serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

SHEET = "Name,Phone\nAnar Demo,0500000001\n"
ASKED = "Ad,Əlaqə,Qeyd\nAnar Demo,0500000001,vip\n"  # asks whether that column is the phone
OTHER = "Name,Phone\nLale Demo,0500000002\nKamran Demo,12\n"


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Return a function that writes a project file, in a folder with two sheets."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.csv").write_text(SHEET, "utf-8")
    (tmp_path / "b.csv").write_text(OTHER, "utf-8")

    def write_project(text: str) -> Path:
        path = tmp_path / "clopos.toml"
        path.write_text(text, "utf-8")
        path.chmod(0o600)
        return path

    return write_project


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, dict[str, str]]]:
    with serving(tmp_path_factory.mktemp("sandbox"), "--no-limits") as served:
        yield served


def summary(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, dict[str, Any]]:
    capsys.readouterr()
    code = run_command([*words, "--json", "--quiet"])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1
    return code, json.loads(lines[0])


def test_sheets_of_the_project_are_checked_in_one_call_with_one_line_of_json(
    write: Callable[[str], Path], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "a.csv").write_text(ASKED, "utf-8")
    write(
        '[[sheets]]\npath = "a.csv"\nmap = ["phone=Əlaqə"]\n'
        '[[sheets]]\npath = "b.csv"\nregion = "TR"'
    )
    code, facts = summary(capsys, "check")
    assert code == 1
    assert facts["exit_code"] == 1
    first, second = facts["sheets"]
    assert first["mapping"]["phone"] == "Əlaqə"
    assert second["invalid"] == 2  # numbers of Azerbaijan aren't those of Turkey


def test_several_sheets_end_with_a_table_and_the_worst_exit_code(
    write: Callable[[str], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    write("")
    assert run_command(["check", "a.csv", "missing.csv", "b.csv", "--quiet"]) == 2
    table = capsys.readouterr().out.splitlines()[-4:]
    assert table[0] == "3 sheets"
    assert "1 ready" in table[1]
    assert "missing.csv" in table[2]
    assert "1 invalid" in table[3]


def test_flag_overrides_the_sheet_and_the_sheet_overrides_the_project(
    write: Callable[[str], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    write('[options]\nregion = "TR"\n[[sheets]]\npath = "b.csv"\nregion = "AZ"')
    assert summary(capsys, "check", "a.csv")[1]["invalid"] == 1
    assert summary(capsys, "check", "a.csv", "--region", "AZ")[1]["ready"] == 1
    assert summary(capsys, "check", "b.csv")[1]["ready"] == 1
    assert summary(capsys, "check", "b.csv", "--region", "TR")[1]["invalid"] == 2
    assert summary(capsys, "check", "a.csv", "--no-project")[1]["ready"] == 1


def test_paths_in_a_project_file_are_relative_to_its_folder(
    write: Callable[[str], Path],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    path = write('[[sheets]]\npath = "a.csv"\nresults = "out/a.csv"')
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    code, facts = summary(capsys, "check", "--project", str(path))
    assert code == 0
    assert facts["results"] == str(tmp_path / "out" / "a.csv")


def test_newest_file_of_a_pattern_is_taken_but_never_our_results(
    write: Callable[[str], Path], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    write('[[sheets]]\npath = "night-*.csv"\nnewest = true')
    for day, name in ((2, "night-02.csv"), (3, "night-03.csv"), (1, "night-11.csv")):
        (tmp_path / name).write_text(SHEET, "utf-8")
        os.utime(tmp_path / name, (day, day))
    (tmp_path / "night-03.csv.results.csv").write_text(SHEET, "utf-8")
    assert str(summary(capsys, "check")[1]["file"]).endswith("night-03.csv")
    write('[[sheets]]\npath = "night-*.csv"')
    assert len(summary(capsys, "check")[1]["sheets"]) == 3


def test_pattern_without_a_match_stops_no_other_sheet(
    write: Callable[[str], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    write('[[sheets]]\npath = "none-*.csv"\n[[sheets]]\npath = "a.csv"')
    code, facts = summary(capsys, "check")
    assert code == 2
    first, second = facts["sheets"]
    assert "No file matches" in first["error"]["what"]
    assert second["ready"] == 1


def test_secret_command_in_a_found_project_file_is_not_started(
    write: Callable[[str], Path], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = write('[restaurant]\nsecret_command = "touch started"\n[[sheets]]\npath = "a.csv"')
    code, facts = summary(capsys, "check")
    assert code == 2
    assert f"--project {path.name}" in str(facts["error"])
    assert (
        summary(capsys, "check", "--project", str(path))[0] == 0
    )  # a command that needs no secret
    assert not (tmp_path / "started").exists()


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("[options]\nnotify = ['json://127.0.0.1:9/']", "notify"),
        ("[[sheets]]\npath = 'b.csv'\nping = 'http://127.0.0.1:9/'", "ping"),
        ("[[sheets]]\npath = 'a.csv'\nsource = 'http://127.0.0.1:9/'", "source"),
        ("[[sheets]]\npath = 'a.csv'\nquery = 'SELECT 1'\ndatabase = 'sqlite://'", "source"),
        ("[options]\nlog-file = '../run.log'", "log-file"),
        ("[options]\npayloads = 'link/sent.jsonl'", "payloads"),
    ],
)
def test_project_file_beside_a_sheet_reaches_no_other_folder_unless_named(
    text: str,
    name: str,
    write: Callable[[str], Path],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    path = write(text)
    here = tmp_path.parent / f"{tmp_path.name} here"
    here.mkdir()
    (tmp_path / "link").symlink_to(here)
    monkeypatch.chdir(here)
    code, facts = summary(capsys, "check", str(tmp_path / "b.csv"))
    assert code == 2
    assert f"{name}: a file that came with a sheet" in str(facts["error"])
    assert f"--project {path}" in str(facts["error"])
    assert summary(capsys, "check", str(tmp_path / "b.csv"), "--project", str(path))[0] == 1
    monkeypatch.chdir(tmp_path)
    assert (
        summary(capsys, "check", "b.csv")[0] == 1
    )  # now the folder of the project is the working folder


def test_sheet_of_a_found_project_file_is_never_fetched_into_another_folder(
    write: Callable[[str], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    write("[[sheets]]\npath = '../list.csv'\nsource = 'http://127.0.0.1:9/'")
    code, facts = summary(capsys, "check")
    assert code == 2
    assert "path: a file that came with a sheet" in str(facts["error"])


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[options]\nregoin = 'AZ'", "region"),
        ("[options]\nmapp = ['phone=x']", "map"),
        ("[option]\n", "options"),
        ("[restaurant]\nbrnd = 'x'", "brand"),
        ("[restaurant]\nclient_secret = 'invented'", "is a secret"),
        ("[restaurant]\nbrand = ['x']", "is a text"),
        ("restaurant = 5", "is a table"),
        ("[options]\nyes = true", "command line"),
        ("[options]\ndrop-bad-values = 'yes'", "true or false"),
        ("[options]\nregion = true", "a text or a number"),
        ("[options]\nmap = [1.5, ['a']]", "a list of texts"),
        ("[options]\nmatch = 'sometimes'", "'sometimes' is not one of"),
        ("[options]\ntimeout = -1", "timeout"),
        ("sheets = 'a.csv'", "are tables"),
        ("sheets = [5]", "needs a path"),
        ("[[sheets]]\npath = ''", "needs a path"),
        ("[[sheets]]\npath = 'a.csv'\nnewest = true", "with a *"),
        ("[[sheets]]\npth = 'a.csv'", "needs a path"),
        ("[options]\nresults='x.csv'\n[[sheets]]\npath='a.csv'\n[[sheets]]\npath='b.csv'", "one"),
        ("[options\n", "line 1"),
        ("\x00", "line 1"),
    ],
)
def test_wrong_project_file_is_an_error_with_its_line_and_fix(
    text: str, why: str, write: Callable[[str], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    write(text)
    code, facts = summary(capsys, "check", "a.csv")
    assert code == 2
    error = facts["error"]
    assert isinstance(error, dict)
    assert "clopos.toml" in error["what"]
    assert why in f"{error['why']} {error['fix']}"


def test_project_file_that_others_can_change_is_refused(
    write: Callable[[str], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    write("").chmod(0o666)
    code, facts = summary(capsys, "check", "a.csv")
    assert code == 2
    assert "can be changed by other users" in str(facts["error"])


def test_missing_project_file_that_was_named_is_an_error(
    write: Callable[[str], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    write("")
    code, facts = summary(capsys, "check", "a.csv", "--project", "none.toml")
    assert code == 2
    assert "No such file" in str(facts["error"])


def test_project_file_of_another_restaurant_than_the_environment_is_refused(
    write: Callable[[str], Path],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    write('[restaurant]\nbrand = "one"\n')
    assert summary(capsys, "check", "a.csv")[1]["target"]["brand"] == "one"
    monkeypatch.setenv("CLOPOS_BRAND", "two")
    code, facts = summary(capsys, "check", "a.csv")
    assert code == 2
    assert "the environment" in str(facts["error"])


def test_options_of_the_project_file_shape_values_and_are_reported(
    write: Callable[[str], Path], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    write(
        '[options]\nwhere = ["Bonus > 10"]\nname-case = "title"\ncode-prefix = "OLD-"\n'
        'description = "bonus {Bonus}"\npayloads = "sent.jsonl"'
    )
    (tmp_path / "c.csv").write_text(
        "Name,Phone,Code,Bonus\nƏLİ DEMO,0500000001,007,12\nLALƏ DEMO,0500000002,008,3\n", "utf-8"
    )
    assert run_command(["check", "c.csv"]) == 0
    told = " ".join(capsys.readouterr().err.split())
    assert "--where Bonus > 10: 1 row left out" in told
    assert "name: 1 in title case" in told
    sent = json.loads((tmp_path / "sent.jsonl").read_text("utf-8"))["customer"]
    assert (sent["name"], sent["code"], sent["description"]) == ("Əli Demo", "OLD-007", "bonus 12")


def test_one_results_file_for_several_sheets_is_refused(
    write: Callable[[str], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    write("")
    code, _ = summary(capsys, "check", "a.csv", "b.csv", "--results", "x.csv")
    assert code == 2


def test_flags_of_a_run_are_reused_by_verify_and_init(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    sandbox: dict[str, dict[str, str]],
    tmp_path: Path,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.csv").write_text(ASKED, "utf-8")
    for name, value in sandbox["2"].items():
        monkeypatch.setenv(name, value)
    flags = ["--map", "name=Ad", "--map", "phone=Əlaqə", "--map", "description="]
    flags += ["--rate", "none", "--results", "out.csv", "--yes"]
    assert summary(capsys, "run", "a.csv", *flags)[1]["created"] == 1
    # Without the flags of the run the description would differ.
    assert summary(capsys, "verify", "a.csv", "--results", "out.csv")[0] == 0
    project = tmp_path / "clopos.toml"
    assert run_command(["init", "a.csv"]) == 0
    assert capsys.readouterr().out.strip() == str(project)
    text = project.read_text("utf-8")
    assert 'map = ["name=Ad", "phone=Əlaqə", "description="]' in text
    assert 'results = "out.csv"' in text
    assert "yes" not in text
    code, facts = summary(capsys, "run", "--yes")
    assert (code, facts["exists"]) == (0, 1)
    assert ask_sandbox(sandbox["2"], "customers")[0]["description"] is None
    assert run_command(["init", "a.csv"]) == 2  # the file exists


def test_suggested_command_is_complete(
    write: Callable[[str], Path],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    sandbox: dict[str, dict[str, str]],
    tmp_path: Path,
) -> None:
    write("")
    for name, value in sandbox["2"].items():
        monkeypatch.setenv(name, value)
    (tmp_path / "two words.csv").write_text("Name,Phone\nA Demo,0500000011\nB Demo,0500000012\n")
    words = ["run", "two words.csv", "--rate", "none", "--yes", "--limit", "1"]
    assert run_command(words) == 1
    told = capsys.readouterr().out.splitlines()
    again = next(line for line in told if "clopos-import run" in line)
    assert shlex.split(again) == ["clopos-import", *words]
