"""The real command against the real sandbox, over a real socket."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import openpyxl
import pytest

from importer.cli.main import run_command
from importer.records import RESULT_COLUMNS
from tests.cli_process import ask_sandbox, command, lines_of, serving
from tests.pipeline.test_exports import EXPORTS, expected

if TYPE_CHECKING:
    from collections.abc import Iterator


NAMES = ("az-excel.csv", "square.csv")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, dict[str, str]]]:
    """Run a sandbox in a process of its own: version → the variables it printed."""
    folder = tmp_path_factory.mktemp("server")
    with serving(folder, "--store", folder / "store.sqlite", "--no-limits") as found:
        yield found


@pytest.fixture
def sandbox(
    server: dict[str, dict[str, str]], tmp_path: Path, request: pytest.FixtureRequest
) -> dict[str, dict[str, str]]:
    """Give each test a brand of its own in that sandbox."""
    brand = request.node.name
    ask_sandbox(server["2"], "config", {"brands": [brand]})
    own = {"CLOPOS_BRAND": brand, "CLOPOS_STATE_DIR": str(tmp_path / "state")}
    return {version: env | own for version, env in server.items()}


class Command:
    """The command in this process; a call returns its exit code and summary."""

    def __init__(self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self.capsys = capsys
        self.monkeypatch = monkeypatch

    def __call__(
        self, *arguments: object, env: dict[str, str] | None = None
    ) -> tuple[int, dict[str, Any]]:
        for name, value in (env or {}).items():
            self.monkeypatch.setenv(name, value)
        self.capsys.readouterr()
        code = run_command([*map(str, arguments), "--yes", "--json"])
        return code, json.loads(self.capsys.readouterr().out)


@pytest.fixture
def here(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Command:
    return Command(capsys, monkeypatch)


def statuses_if_equal(
    name: str,
    policy: str,
    summary: dict[str, Any],
    folder: Path,
    customers: list[dict[str, Any]] | None,
) -> dict[int, str]:
    """Check that expected, printed, written, sent and stored values are equal, row by row.

    `customers` are those of the sandbox, None if it has ended. Returns row → status.
    """
    facts = expected(name)
    assert summary["rows"] == facts["rows"]
    assert summary["created"] == facts[policy]["ready"]
    assert summary["invalid"] == facts[policy]["invalid"]
    assert summary["duplicate"] == facts[policy]["duplicate"]
    assert summary["conflict"] == facts[policy]["conflict"]
    assert summary["requests"]["posts"] == summary["created"]

    lines = lines_of(folder / "results.csv", ";" if name == "az-excel.csv" else ",")
    assert tuple(lines[0])[:7] == RESULT_COLUMNS
    assert [int(line["import_row"]) for line in lines] == [r["row"] for r in facts["records"]]
    statuses = {int(line["import_row"]): line["import_status"] for line in lines}
    for status in ("created", "invalid", "duplicate", "conflict"):
        assert list(statuses.values()).count(status) == summary[status]

    payloads = (folder / "payloads.jsonl").read_text("utf-8").splitlines()
    sent = {line["row"]: line["customer"] for line in map(json.loads, payloads)}
    created = {line["clopos_id"]: int(line["import_row"]) for line in lines if line["clopos_id"]}
    assert {*created.values()} == {row for row, status in statuses.items() if status == "created"}
    if customers is not None:
        store = {str(each["id"]): each for each in customers}
        assert created.keys() == store.keys()
        for clopos_id, row in created.items():
            assert {field: store[clopos_id][field] for field in sent[row]} == sent[row]
    wanted = {r["row"]: r["customer"] for r in facts["records"]}
    for row, customer in sent.items():
        seven = {field: customer.get(field) for field in wanted[row] if field != "cid"}
        assert seven == {k: v for k, v in wanted[row].items() if k != "cid"}
    return statuses


@pytest.mark.parametrize(("name", "version"), [(NAMES[0], "1"), (NAMES[0], "2"), (NAMES[1], "2")])
def test_summary_results_payloads_and_customers_of_a_run_are_equal(
    tmp_path: Path, sandbox: dict[str, dict[str, str]], here: Command, name: str, version: str
) -> None:
    """Row by row, with a sandbox in another process; a second run sends no row."""
    env = sandbox[version]
    arguments = ("run", EXPORTS / name, *expected(name)["options"], "--rate", "none")
    arguments += ("--results", tmp_path / "results.csv", "--payloads", tmp_path / "payloads.jsonl")
    done = command(*arguments, "--yes", "--json", env=env)
    assert done.returncode == 1, done.stderr
    store = _customers(env)
    statuses_if_equal(name, "default", json.loads(done.stdout), tmp_path, store)

    _, again = here(*arguments, env=env)
    assert (again["created"], again["exists"]) == (0, len(store))
    assert again["requests"]["posts"] == 0
    assert _customers(env) == store


def _customers(env: dict[str, str]) -> list[dict[str, Any]]:
    """Return the customers of the brand at the sandbox."""
    return [each for each in ask_sandbox(env, "customers") if each["brand"] == env["CLOPOS_BRAND"]]


@pytest.mark.parametrize("name", NAMES)
def test_run_with_a_sandbox_of_its_own_gives_every_row_its_expected_status(
    tmp_path: Path, here: Command, name: str
) -> None:
    """The statuses are those of the file of expected results."""
    _, summary = here(
        "run", EXPORTS / name, *expected(name)["options"], "--sandbox", "--rate", "none",
        "--drop-bad-values", "--results", tmp_path / "results.csv",
        "--payloads", tmp_path / "payloads.jsonl",
    )  # fmt: skip
    statuses = statuses_if_equal(name, "drop_bad_values", summary, tmp_path, None)
    for record in expected(name)["records"]:
        repeats = any(reason.startswith("duplicate_") for reason in record["reasons"])
        held_back = {"duplicate", "conflict"} if repeats else {"invalid"}
        wanted = {"created"} if record["status"] == "import" else held_back
        assert statuses[record["row"]] in wanted, record


def test_fixed_results_file_is_run_as_a_sheet(
    tmp_path: Path, sandbox: dict[str, dict[str, str]], here: Command
) -> None:
    sheet = tmp_path / "list.csv"
    sheet.write_text("name,phone\nAnar Demo,0500000001\n=Orxan,12\n", encoding="utf-8")
    _, first = here("run", sheet, env=sandbox["2"])
    results = Path(first["results"])
    assert results == tmp_path / "list.csv.results.xlsx"
    book = openpyxl.load_workbook(results)
    book["results"]["I3"] = "0500000002"
    book.save(results)
    code, second = here("run", results)
    assert (code, second["created"], second["exists"]) == (0, 1, 1)
    assert [each["name"] for each in _customers(sandbox["2"])] == ["Anar Demo", "=Orxan"]
    assert second["results"] == str(results)
    [edited] = tmp_path.glob("list.csv.results.edited-*.xlsx")
    assert openpyxl.load_workbook(edited)["results"]["I3"].value == "0500000002"
    # The results are unchanged since, so they are overwritten.
    assert here("run", results)[1]["results"] == str(results)
    assert len(list(tmp_path.glob("list.csv.results*"))) == 2


def test_run_with_a_limit_sends_that_many_rows_and_the_next_run_the_rest(
    tmp_path: Path, sandbox: dict[str, dict[str, str]], here: Command
) -> None:
    sheet = tmp_path / "list.csv"
    rows = "".join(f"Demo {n},05000000{n:02}\n" for n in range(1, 8))
    sheet.write_text(f"Name,Phone\n{rows}", encoding="utf-8")
    _, dry = here("run", sheet, "--dry-run", env=sandbox["2"])
    assert (dry["pending"], dry["requests"]["posts"]) == (7, 0)
    code, first = here("run", sheet, "--limit", 3)
    assert (code, first["created"], first["pending"]) == (1, 3, 4)
    code, second = here("run", sheet)
    assert (code, second["created"], second["exists"]) == (0, 4, 3)


def test_standard_input_is_read_as_a_sheet(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "importer", "check", "-", "--json"],
        input="Имя;Телефон\nАнна Демо;0500000001\n".encode("cp1251"),
        capture_output=True,
        check=False,
        cwd=tmp_path,
        timeout=60,
    )
    assert done.returncode == 0
    summary = json.loads(done.stdout)
    assert (summary["ready"], summary["mapping"]["name"]) == (1, "Имя")
    assert (tmp_path / summary["results"]).exists()
