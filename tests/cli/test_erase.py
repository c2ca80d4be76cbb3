"""`erase` of a person, a brand or old entries; no customer can be created again after it."""

from __future__ import annotations

import io
import json
import subprocess
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from importer.cli.main import run_command
from tests.cli_process import PROGRAM, ask_sandbox, run_on_terminal, serving

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


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Run a sandbox in another process and give the variables of its credentials."""
    with serving(tmp_path_factory.mktemp("server"), "--no-limits") as found:
        yield found["2"]


@pytest.fixture
def env(
    running: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> dict[str, str]:
    """Return the variables of a brand of its own in that sandbox."""
    brand = request.node.name[-30:]
    ask_sandbox(running, "config", {"brands": [brand]})
    found = running | {"CLOPOS_BRAND": brand, "CLOPOS_STATE_DIR": str(tmp_path / "state")}
    for name, value in found.items():
        monkeypatch.setenv(name, value)
    return found


class Done(NamedTuple):
    """Result of a command."""

    returncode: int
    stdout: str
    stderr: str


Command = Callable[..., Done]


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Command:
    """Return a function that runs a command in this process, with a text on standard input."""

    def run(*arguments: object, person: str = "") -> Done:
        capsys.readouterr()
        with monkeypatch.context() as patch:
            if arguments[0] == "erase":
                patch.setattr("sys.stdin", io.StringIO(person))
            code = run_command([*map(str, arguments)])
        return Done(code, *capsys.readouterr())

    return run


def customers(env: dict[str, str]) -> int:
    """Return the number of customers of the test's brand."""
    return [each["brand"] for each in ask_sandbox(env, "customers")].count(env["CLOPOS_BRAND"])


def creates(env: dict[str, str]) -> int:
    """Return the number of create requests to the sandbox in all tests."""
    return [each["route"] for each in ask_sandbox(env, "requests")].count("create")


@pytest.mark.parametrize(
    "person",
    [
        "0500000001",
        pytest.param("aysel  demo", marks=pytest.mark.slow(reason="the same by another value")),
    ],
)
def test_person_is_found_by_any_value_and_not_created_again(
    sheet: Path, env: dict[str, str], command: Command, person: str
) -> None:
    before = creates(env)
    assert command("run", sheet, "--yes", "--rate", "none").returncode == 0
    done = command("erase", "--person", person=f"{person}\n")
    assert done.returncode == 0, done.stderr
    assert "1 customer," in done.stdout
    assert "list.csv.results.xlsx" in done.stdout
    assert person not in done.stdout + done.stderr
    done = command("erase", "--person", person=f"{person}\n")
    assert "0 customers," in done.stdout
    for match in ("never", "auto"):
        again = command("run", sheet, "--yes", "--rate", "none", "--match", match)
        assert again.returncode == 0, again.stderr
        assert customers(env) == 3
        assert creates(env) - before == 3


def test_brand_is_erased_and_no_customer_is_created_again(
    sheet: Path, env: dict[str, str], command: Command, tmp_path: Path
) -> None:
    assert command("run", sheet, "--yes", "--rate", "none").returncode == 0
    [folder] = [path.parent for path in tmp_path.glob("state/*/journal.sqlite")]
    (folder / "journal.sqlite.damaged-1").write_text("of whom it may be")
    done = subprocess.run(
        [*PROGRAM, "erase", "--brand"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert "3 customers," in done.stdout
    assert not list(folder.glob("*.damaged-*"))
    assert "list.csv" not in command("history").stdout
    again = command("run", sheet, "--yes", "--rate", "none", "--match", "never")
    assert again.returncode == 0, again.stderr
    assert customers(env) == 3


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
    command: Command, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], words: str
) -> None:
    monkeypatch.setenv("CLOPOS_BRAND", "demo")
    done = command("erase", *arguments)
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_json_is_one_line_on_success_and_on_error(
    sheet: Path, env: dict[str, str], command: Command
) -> None:
    def says(*arguments: str, typed: str = "") -> tuple[int, Any]:
        done = command("erase", *arguments, "--json", person=typed)
        assert "0500000001" not in done.stdout + done.stderr
        return done.returncode, json.loads(done.stdout)

    assert command("run", sheet, "--yes", "--rate", "none").returncode == 0
    code, told = says("--person", typed="0500000001\n")
    assert (code, told["ok"], told["exit_code"], told["error"]) == (0, True, 0, None)
    assert (told["brand"], told["customers"]) == (env["CLOPOS_BRAND"], 1)
    assert told["results"] == [f"{sheet}.results.xlsx"]
    code, told = says()
    assert (code, told["ok"], told["exit_code"]) == (2, False, 2)
    assert "--person" in told["error"]["fix"]
    code, told = says("--brand")  # no prompt: standard input isn't a terminal
    assert (code, told["customers"]) == (0, 2)


def test_terminal_asks_for_the_person_and_before_a_whole_brand(
    sheet: Path, env: dict[str, str], command: Command, tmp_path: Path
) -> None:
    assert command("run", sheet, "--yes", "--rate", "none").returncode == 0
    turns = [("name of the person", "leyla@example.com\n")]
    code, shown = run_on_terminal(tmp_path, turns, "erase", "--person", env=env)
    assert (code, "1 customer," in shown) == (0, True)
    question = f"Erase what is kept of all customers of {env['CLOPOS_BRAND']}?"
    code, shown = run_on_terminal(tmp_path, [(question, "n\n")], "erase", "--brand", env=env)
    assert (code, "Erased" in shown, "Traceback" in shown) == (130, False, False)
    code, shown = run_on_terminal(tmp_path, [(question, "y\n")], "erase", "--brand", env=env)
    assert (code, "2 customers," in shown) == (0, True)


@pytest.mark.usefixtures("env")
def test_person_is_never_taken_from_the_arguments(command: Command) -> None:
    assert command("erase", "--person", "+994500000001").returncode == 2
