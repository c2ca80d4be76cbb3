"""The real command against the real sandbox, over a real socket."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.process import command, lines_of, serving, told_by
from tests.test_exports import EXPORTS, expected

if TYPE_CHECKING:
    from collections.abc import Iterator

RESULT_COLUMNS = "import_row import_status clopos_id import_field import_existing_id "
RESULT_COLUMNS += "import_duplicate_of import_message"


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[dict[str, dict[str, str]]]:
    """Run a sandbox in a process of its own: version → the variables it printed."""
    with serving(tmp_path, "--store", tmp_path / "store.sqlite") as found:
        yield found


@pytest.mark.parametrize("version", ["1", "2"])
@pytest.mark.parametrize("name", ["az-excel.csv", "square.csv"])
def test_summary_results_and_store_agree(
    tmp_path: Path, sandbox: dict[str, dict[str, str]], name: str, version: str
) -> None:
    """…row by row, against a sandbox in another process; the same again sends nothing."""
    results, payloads = tmp_path / "results.csv", tmp_path / "payloads.jsonl"
    arguments = ("run", EXPORTS / name, *expected(name)["options"], "--yes", "--json")
    arguments += ("--rate", "none", "--results", results, "--payloads", payloads)
    done = command(*arguments, env=sandbox[version])
    assert done.returncode == 1, done.stderr
    summary = json.loads(done.stdout)
    facts = expected(name)
    assert summary["created"] == facts["default"]["ready"]
    assert summary["invalid"] == facts["default"]["invalid"]
    assert summary["duplicate"] == facts["default"]["duplicate"]
    assert summary["rows"] == facts["rows"]
    assert summary["requests"]["posts"] == summary["created"]

    lines = lines_of(results, ";" if name == "az-excel.csv" else ",")
    assert list(lines[0])[:7] == RESULT_COLUMNS.split()
    assert [int(line["import_row"]) for line in lines] == [r["row"] for r in facts["records"]]
    store = {str(each["id"]): each for each in told_by(sandbox[version], "customers")}
    sent = {
        line["row"]: line["customer"]
        for line in map(json.loads, payloads.read_text("utf-8").splitlines())
    }
    created = {line["clopos_id"]: int(line["import_row"]) for line in lines if line["clopos_id"]}
    assert created.keys() == store.keys()
    for clopos_id, row in created.items():
        assert {field: store[clopos_id][field] for field in sent[row]} == sent[row]
    wanted = {r["row"]: r["customer"] for r in facts["records"]}
    for row, customer in sent.items():
        seven = {field: customer.get(field) for field in wanted[row] if field != "cid"}
        assert seven == {k: v for k, v in wanted[row].items() if k != "cid"}

    again = command(*arguments, env=sandbox[version])
    summary = json.loads(again.stdout)
    assert (summary["created"], summary["exists"]) == (0, len(store))
    assert summary["requests"]["posts"] == 0
    assert len(told_by(sandbox[version], "customers")) == len(store)


@pytest.mark.parametrize("name", ["az-excel.csv", "square.csv"])
def test_a_sandbox_for_one_run(tmp_path: Path, name: str) -> None:
    results = tmp_path / "results.csv"
    options = expected(name)["options"]
    done = command(
        "run", EXPORTS / name, *options, "--sandbox", "--yes", "--json", "--rate", "none",
        "--drop-bad-values", "--results", results,
    )  # fmt: skip
    summary = json.loads(done.stdout)
    assert summary["created"] == expected(name)["drop_bad_values"]["ready"]
    assert "needs" not in done.stdout


def test_a_fixed_results_file_goes_straight_back_in(
    tmp_path: Path, sandbox: dict[str, dict[str, str]]
) -> None:
    sheet = tmp_path / "list.csv"
    sheet.write_text("name,phone\nAnar Demo,0500000001\n=Orxan,12\n", encoding="utf-8")
    first = command("run", sheet, "--yes", "--json", env=sandbox["2"])
    results = Path(json.loads(first.stdout)["results"])
    assert results == tmp_path / "list.csv.results.csv"
    mended = results.read_text("utf-8-sig").replace(",12", ",0500000002")
    results.write_text(mended, encoding="utf-8-sig")
    second = command("run", results, "--yes", "--json", env=sandbox["2"])
    summary = json.loads(second.stdout)
    assert (second.returncode, summary["created"], summary["exists"]) == (0, 1, 1)
    assert [c["name"] for c in told_by(sandbox["2"], "customers")] == ["Anar Demo", "=Orxan"]


def test_a_limit_sends_so_many_and_the_rest_later(
    tmp_path: Path, sandbox: dict[str, dict[str, str]]
) -> None:
    sheet = tmp_path / "list.csv"
    rows = "".join(f"Demo {n},05000000{n:02}\n" for n in range(1, 8))
    sheet.write_text(f"Name,Phone\n{rows}", encoding="utf-8")
    arguments = ("run", sheet, "--yes", "--json", "--rate", "none")
    dry = json.loads(command(*arguments, "--dry-run", env=sandbox["2"]).stdout)
    assert (dry["pending"], dry["requests"]["posts"]) == (7, 0)
    first = command(*arguments, "--limit", 3, env=sandbox["2"])
    summary = json.loads(first.stdout)
    assert (first.returncode, summary["created"], summary["pending"]) == (1, 3, 4)
    second = command(*arguments, env=sandbox["2"])
    summary = json.loads(second.stdout)
    assert (second.returncode, summary["created"], summary["exists"]) == (0, 4, 3)


def test_standard_input_is_a_file_too(tmp_path: Path) -> None:
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
