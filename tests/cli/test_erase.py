"""`erase`: what is kept of a person, a brand or an earlier time; no customer becomes creatable."""

from __future__ import annotations

import io
import json
import os
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from importer.cli.main import run_command
from tests.cli_process import PROGRAM, command, serving, talk, told_by

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PEOPLE = (
    ("Aysel Demo", "050 000 00 01", "aysel@example.com", "K1"),
    ("Anar Demo", "050 000 00 02", "anar@example.com", "K2"),
    ("Leyla Demo", "050 000 00 03", "leyla@example.com", "K3"),
)


@pytest.fixture
def sheet(tmp_path: Path) -> Path:
    path = tmp_path / "list.csv"
    rows = "".join(",".join(row) + "\n" for row in PEOPLE)
    path.write_text(f"Name,Phone,Email,Code\n{rows}", encoding="utf-8")
    return path


@pytest.fixture
def env(tmp_path: Path) -> Iterator[dict[str, str]]:
    with serving(tmp_path, "--no-limits") as found:
        yield found["2"]


def erase(
    *arguments: str, env: dict[str, str], person: str = ""
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*PROGRAM, "erase", *arguments],
        input=person,
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | env,
        timeout=60,
    )


@pytest.mark.parametrize(
    "person",
    [
        "0500000001",
        pytest.param("aysel  demo", marks=pytest.mark.slow(reason="the same by another value")),
    ],
)
def test_person_is_found_by_any_value_and_not_created_again(
    sheet: Path, env: dict[str, str], person: str
) -> None:
    assert command("run", sheet, "--yes", "--rate", "none", env=env).returncode == 0
    done = erase("--person", env=env, person=f"{person}\n")
    assert done.returncode == 0, done.stderr
    assert "1 customer," in done.stdout
    assert "list.csv.results.xlsx" in done.stdout
    assert person not in done.stdout + done.stderr
    done = erase("--person", env=env, person=f"{person}\n")
    assert "0 customers," in done.stdout
    for match in ("never", "auto"):
        again = command("run", sheet, "--yes", "--rate", "none", "--match", match, env=env)
        assert again.returncode == 0, again.stderr
        assert len(told_by(env, "customers")) == 3
        posts = [each for each in told_by(env, "requests") if each["route"] == "create"]
        assert len(posts) == 3


def test_brand_is_erased_and_no_customer_is_created_again(
    sheet: Path, env: dict[str, str], tmp_path: Path
) -> None:
    assert command("run", sheet, "--yes", "--rate", "none", env=env).returncode == 0
    [folder] = tmp_path.glob("state/sandbox-*")
    (folder / "journal.sqlite.damaged-1").write_text("of whom it may be")
    done = erase("--brand", env=env)
    assert done.returncode == 0, done.stderr
    assert "3 customers," in done.stdout
    assert not list(folder.glob("*.damaged-*"))
    assert "list.csv" not in command("history", env=env).stdout
    again = command("run", sheet, "--yes", "--rate", "none", "--match", "never", env=env)
    assert again.returncode == 0, again.stderr
    assert len(told_by(env, "customers")) == 3


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "--person"),
        (("--person", "--brand"), "--person"),
        (("--older-than", "soon"), "--older-than 90d"),
        (("--person",), "phone"),
        (("--brand", "another"), "CLOPOS_BRAND"),
    ],
)
def test_value_that_cannot_be_erased_is_an_error(
    tmp_path: Path, arguments: tuple[str, ...], words: str
) -> None:
    env = {"CLOPOS_STATE_DIR": str(tmp_path / "state"), "CLOPOS_BRAND": "demo"}
    done = erase(*arguments, env=env)
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_json_is_one_line_on_success_and_on_error(
    sheet: Path,
    env: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name, value in env.items():
        monkeypatch.setenv(name, value)

    def says(*arguments: str, typed: str = "") -> tuple[int, Any]:
        monkeypatch.setattr("sys.stdin", io.StringIO(typed))
        capsys.readouterr()
        code = run_command(["erase", *arguments, "--json"])
        printed = capsys.readouterr()
        assert "0500000001" not in printed.out + printed.err
        return code, json.loads(printed.out)

    assert run_command(["run", str(sheet), "--yes", "--rate", "none"]) == 0
    code, told = says("--person", typed="0500000001\n")
    assert (code, told["ok"], told["exit_code"], told["error"]) == (0, True, 0, None)
    assert (told["brand"], told["customers"]) == ("sandbox", 1)
    assert told["results"] == [f"{sheet}.results.xlsx"]
    code, told = says()
    assert (code, told["ok"], told["exit_code"]) == (2, False, 2)
    assert "--person" in told["error"]["fix"]
    code, told = says("--brand")  # no prompt: standard input isn't a terminal
    assert (code, told["customers"]) == (0, 2)


def test_terminal_asks_for_the_person_and_before_a_whole_brand(
    sheet: Path, env: dict[str, str], tmp_path: Path
) -> None:
    assert command("run", sheet, "--yes", "--rate", "none", env=env).returncode == 0
    turns = [("name of the person", "leyla@example.com\n")]
    code, shown = talk(tmp_path, turns, "erase", "--person", env=env)
    assert (code, "1 customer," in shown) == (0, True)
    question = "Erase what is kept of all customers of sandbox?"
    code, shown = talk(tmp_path, [(question, "n\n")], "erase", "--brand", env=env)
    assert (code, "Erased" in shown, "Traceback" in shown) == (130, False, False)
    code, shown = talk(tmp_path, [(question, "y\n")], "erase", "--brand", env=env)
    assert (code, "2 customers," in shown) == (0, True)


def test_person_is_no_argument(env: dict[str, str]) -> None:
    assert erase("--person", "+994500000001", env=env).returncode == 2
