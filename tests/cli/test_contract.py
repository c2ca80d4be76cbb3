"""The contract that other tools rely on: names, numbers and columns."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

from importer.cli.commands import check, commands, run
from importer.cli.main import run_command
from importer.errors import Exit
from importer.records import RESULT_COLUMNS, Status
from importer.settings import DEFAULT_BASE_URL, read_settings
from tests.cli_process import ask_sandbox, command, lines_of, serving
from tests.results.result_schema import result_schema

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SHEET_FLAGS = (
    "--profile --map --sheet --encoding --delimiter --header-row --region --dates --language "
    "--drop-bad-values --results --payloads --json --quiet"
).split()
RUN_FLAGS = (
    "--sandbox --dry-run --limit --rate --reserve --concurrency --timeout --settle --match --yes"
).split()
STATUSES = "created exists conflict duplicate invalid rejected failed unknown pending".split()
COLUMNS = (
    "import_row import_status clopos_id import_field import_existing_id import_duplicate_of "
    "import_message"
).split()


def flags_of(command: Any) -> dict[str, Any]:
    return {flag: option for option in command.params for flag in option.opts}


def test_commands_and_their_flags_are_contract() -> None:
    assert {"check", "run", "sandbox"} <= commands.commands.keys()
    assert flags_of(check).keys() >= {*SHEET_FLAGS}
    assert flags_of(run).keys() >= {*SHEET_FLAGS, *RUN_FLAGS}
    assert not flags_of(check).keys() & {*RUN_FLAGS}
    assert flags_of(run)["--timeout"].default == 20
    assert flags_of(run)["--settle"].default == 10
    assert flags_of(run)["--reserve"].default == "10%"
    assert flags_of(run)["--match"].default == "auto"
    assert list(flags_of(run)["--match"].type.choices) == ["auto", "always", "never"]
    assert list(flags_of(run)["--dates"].type.choices) == ["DMY", "MDY", "YMD"]
    assert set(flags_of(run)["--language"].type.choices) == {"az", "ru", "tr", "en"}
    assert flags_of(run)["--map"].multiple


def test_no_flag_takes_a_secret() -> None:
    for each in commands.commands.values():
        words = " ".join(flags_of(each)).lower().replace("--secret-command", "")  # prints it
        assert not any(word in words for word in ("secret", "token", "password", "client-id"))


def test_statuses_columns_and_exit_codes_are_contract() -> None:
    assert list(RESULT_COLUMNS) == COLUMNS
    assert {str(status) for status in Status} == {*STATUSES, "ready"}
    assert {code.value for code in Exit} == {0, 1, 2, 3, 4, 130}


def test_variables_of_the_environment_are_contract() -> None:
    settings = read_settings({})
    assert settings.base_url == DEFAULT_BASE_URL == "https://integrations.clopos.com/open-api"
    assert (settings.version, settings.region, settings.state_dir) == (1, "", "")
    names = "CLIENT_ID CLIENT_SECRET BRAND VENUE_ID INTEGRATOR_ID TOKEN REGION STATE_DIR".split()
    settings = read_settings({f"CLOPOS_{name}": f"X-{name}" for name in names})
    assert [getattr(settings, name.lower()) for name in names] == [f"X-{name}" for name in names]
    assert settings.version == 2
    assert settings.api_url.endswith("/open-api/v2")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, dict[str, str]]]:
    with serving(tmp_path_factory.mktemp("server"), "--no-limits") as found:
        yield found


SHEET = """Ad;Telefon;Kod;Doğum tarixi
Anar Demo;0500000001;007;01.02.1990
Orxan Demo;0500000002;008;31.12.1985
Anar Demo;050 000 00 01;009;
;0500000004;;
Leyla Demo;12;011;
"""


@pytest.fixture
def sheet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "list.csv"
    path.write_text(SHEET, encoding="utf-8")
    return path


def test_check_counts_rows_by_status_and_lists_payloads(
    sheet: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    payloads = sheet.parent / "payloads.jsonl"
    assert run_command(["check", "list.csv", "--json", "--payloads", str(payloads)]) == 1
    told = json.loads(capsys.readouterr().out)
    assert told.keys() >= {
        *("file", "rows", "ready", "invalid", "duplicate", "mapping", "problems"),
        *("seconds", "results"),
    }
    assert (told["file"], told["rows"]) == ("list.csv", 5)
    assert (told["ready"], told["invalid"], told["duplicate"]) == (2, 2, 1)
    assert told["mapping"]["date_of_birth"] == "Doğum tarixi"
    assert told["problems"] == {"invalid_phone": 1, "missing_name": 1}
    assert told["results"] == "list.csv.check.xlsx"
    lines = lines_of(sheet.parent / told["results"])
    assert list(lines[0]) == [*COLUMNS, "Ad", "Telefon", "Kod", "Doğum tarixi"]
    assert [line["import_status"] for line in lines] == [
        *("ready", "ready", "duplicate", "invalid", "invalid")
    ]
    assert lines[2]["import_duplicate_of"] == "2"
    assert [line["Telefon"] for line in lines][2:] == ["050 000 00 01", "0500000004", "12"]
    bodies = [json.loads(line) for line in payloads.read_text("utf-8").splitlines()]
    assert [body["row"] for body in bodies] == [2, 3]
    assert bodies[0]["customer"] == {
        "name": "Anar Demo",
        "phone": "+994500000001",
        "code": "007",
        "cid": bodies[0]["customer"]["cid"],
        "date_of_birth": "1990-02-01",
    }


@pytest.mark.parametrize(
    "version",
    [pytest.param("1", marks=pytest.mark.slow(reason="test_journey runs version 1")), "2"],
)
def test_run_acts_and_reports(sheet: Path, server: dict[str, dict[str, str]], version: str) -> None:
    env = server[version] | {"CLOPOS_STATE_DIR": str(sheet.parent / "state")}
    brand = len(ask_sandbox(env, "customers"))
    results = sheet.parent / "out.jsonl"
    wanted = ("run", sheet, "--yes", "--json", "--quiet", "--results", results)
    done = command(*wanted, "--payloads", "sent.jsonl", env=env, cwd=sheet.parent)
    assert (done.returncode, done.stderr) == (1, "")
    told = json.loads(done.stdout)
    assert told.keys() >= {"file", "rows", *STATUSES, "requests", "seconds", "results"}
    assert "ready" not in told
    assert told["requests"].keys() == {"total", "posts", "reads", "auths", "throttled", "unsent"}
    assert told["requests"]["total"] == sum(
        told["requests"][kind] for kind in ("posts", "reads", "auths")
    )
    assert sum(told[status] for status in STATUSES) == told["rows"] == 5
    assert told["created" if not brand else "exists"] == 2
    table = pd.read_json(results, lines=True, dtype=False).astype(str)
    result_schema().validate(table, lazy=True)
    store = {str(each["id"]): each for each in ask_sandbox(env, "customers")}
    sent = (sheet.parent / "sent.jsonl").read_text("utf-8").splitlines()
    bodies = {line["row"]: line["customer"] for line in map(json.loads, sent)}
    for row, clopos_id in zip(table["import_row"], table["clopos_id"], strict=True):
        if clopos_id:
            assert store[clopos_id].items() >= bodies[int(row)].items()
    assert list((sheet.parent / "state").glob("*/journal.sqlite"))


def test_run_writes_only_the_state_folder_and_the_results(sheet: Path) -> None:
    done = command("run", sheet, "--sandbox", "--json", "--quiet", cwd=sheet.parent)
    assert done.returncode == 1
    written = {path.name for path in sheet.parent.iterdir()}
    assert written == {"list.csv", "list.csv.results.xlsx", "home"}


def test_region_is_taken_from_the_flag_before_the_environment(
    sheet: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sheet.write_text("Name,Phone\nAnar Demo,5551234567\n", encoding="utf-8")

    def phone(*flags: str) -> str:
        assert run_command(["check", "list.csv", "--quiet", "--payloads", "p.jsonl", *flags]) == 0
        body = json.loads((sheet.parent / "p.jsonl").read_text("utf-8"))
        return str(body["customer"]["phone"])

    assert phone("--region", "tr") == "+905551234567"
    monkeypatch.setenv("CLOPOS_REGION", "TR")
    assert phone() == "+905551234567"
    monkeypatch.setenv("CLOPOS_REGION", "GB")
    assert phone("--region", "TR") == "+905551234567"


@pytest.mark.usefixtures("sheet")
def test_results_of_any_format_are_a_sheet_with_the_same_counts(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for suffix in ("csv", "xlsx", "jsonl", "parquet"):
        first, second = f"one.{suffix}", f"two.{suffix}"
        assert run_command(["check", "list.csv", "--json", "--quiet", "--results", first]) == 1
        assert run_command(["check", first, "--json", "--quiet", "--results", second]) == 1
        one, two = map(json.loads, capsys.readouterr().out.splitlines())
        assert one["mapping"] == two["mapping"]
        for name in ("rows", "ready", "invalid", "duplicate", "problems"):
            assert one[name] == two[name]
