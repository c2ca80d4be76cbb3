"""Nightly runs: their cost when few rows are new, their log and their history."""

from __future__ import annotations

import asyncio
import json
import os
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest

from importer.cli.history import history_lines, history_rows
from importer.cli.main import run_command
from importer.cli.width import width
from importer.results.retention import find_rotated
from importer.sandbox import virtual_time
from importer.settings import Settings
from importer.store import history, note_run, open_store
from importer.store.records import Kind, RunEnd, RunStart
from tests.cli_process import ask_sandbox, command, serving
from tests.harness import harness, people

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BRAND = {"CLOPOS_BRAND": "sandbox"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    with serving(tmp_path_factory.mktemp("server"), "--no-limits") as found:
        yield found["2"]


@pytest.fixture
def night(tmp_path: Path, server: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a sheet of forty customers in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    for name, value in (server | {"CLOPOS_STATE_DIR": str(tmp_path / "state")}).items():
        monkeypatch.setenv(name, value)
    sheet = tmp_path / "list.csv"
    write(sheet, 40)
    return sheet


def write(sheet: Path, number: int) -> None:
    rows = "".join(f"Demo {n},05000{n:05}\n" for n in range(1, number + 1))
    sheet.write_text(f"Name,Phone\n{rows}", encoding="utf-8")


def run(capsys: pytest.CaptureFixture[str], *flags: str) -> tuple[int, dict[str, Any]]:
    code = run_command(["run", "list.csv", "--yes", "--quiet", "--json", "--rate", "none", *flags])
    return code, json.loads(capsys.readouterr().out)


def test_nightly_runs_send_only_new_rows_and_keep_earlier_results(
    night: Path, server: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    flags = ("--log-file", "run.log", "--keep-results", "2")
    code, first = run(capsys, *flags)
    assert (code, first["created"]) == (0, 40)

    before = len(ask_sandbox(server, "requests"))
    code, second = run(capsys, *flags)
    assert (code, second["exists"], second["requests"]["posts"]) == (0, 40, 0)
    assert second["requests"]["total"] <= 3
    assert len(ask_sandbox(server, "requests")) - before == second["requests"]["total"]

    write(night, 43)
    code, third = run(capsys, *flags)
    assert (code, third["created"], third["requests"]["posts"]) == (0, 3, 3)
    assert third["requests"]["total"] <= 3 + 3

    aside = [path for path in night.parent.iterdir() if path.name.startswith("list.csv.results.2")]
    assert len(aside) == 1
    assert (night.parent / "list.csv.results.xlsx").is_file()
    log = (night.parent / "run.log").read_text("utf-8")
    assert log.count("list.csv: 40 rows are ready") == 2
    assert "Demo" not in log
    assert "05000" not in log

    assert run_command(["history", "--json"]) == 0
    runs = json.loads(capsys.readouterr().out)
    assert [each["counts"] for each in runs] == [
        {"created": 3, "exists": 40},
        {"exists": 40},
        {"created": 40},
    ]
    assert [each["requests"]["posts"] for each in runs] == [3, 0, 40]
    assert [each["file"] for each in runs] == ["list.csv"] * 3
    assert runs[0]["results"] == str(night.parent / "list.csv.results.xlsx")
    assert runs[2]["results"] is None  # two earlier ones are kept
    assert all(each["started"] <= each["finished"] for each in runs)
    assert all(0 <= each["minutes"] < 1 and each["error"] is None for each in runs)

    assert run_command(["history"]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert shown[0].split() == ["when", "file", "minutes", "requests"]
    assert "  3 created, 40 exists" in shown
    assert all(width(line) <= 80 for line in shown if "→" not in line)


def test_process_without_rows_to_send_prints_one_line_of_json(
    night: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The real command, as cron starts it."""
    run(capsys)
    done = command("run", "list.csv", "--quiet", "--json", cwd=night.parent)
    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.splitlines()) == 1
    told = json.loads(done.stdout)
    assert (told["exists"], told["requests"]["posts"]) == (40, 0)
    assert told["requests"]["total"] <= 3


def test_run_that_cannot_begin_is_in_the_log(night: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLOPOS_CLIENT_SECRET", "wrong")
    assert run_command(["run", "list.csv", "--quiet", "--log-file", "run.log"]) == 3
    log = (night.parent / "run.log").read_text("utf-8")
    assert "ERROR" in log
    assert "wrong" not in log


@pytest.mark.parametrize(
    "flags", [("--window", "22-8"), ("--finish-by", "six"), ("--log-file", "no/where.log")]
)
@pytest.mark.usefixtures("night")
def test_invalid_options_are_errors_before_the_sheet_is_read(
    flags: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command(["run", "list.csv", *flags]) == 2
    told = capsys.readouterr().err
    assert "Understood" not in told
    assert "fix:" in told


def test_dry_run_reports_the_plan(night: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = "".join(f"New {n},05100{n:05}\n" for n in range(40))
    night.write_text(f"Name,Phone\n{rows}", encoding="utf-8")
    hours = [f"--window={hours} reserve=0%" for hours in ("00:00-12:00", "12:00-00:00")]
    code, told = run(capsys, "--dry-run", "--rate", "300/min", "--finish-by", "12:00", *hours)
    assert code == 1
    plan = told["plan"]
    assert (plan["to_create"], plan["held_back"], plan["to_settle"]) == (40, 0, 0)
    assert plan["requests"] == {"total": 40, "posts": 40, "reads": 0, "auths": 0}
    assert isinstance(plan["fits"], bool)
    assert datetime.fromisoformat(plan["finish_by"]).hour == 12
    assert datetime.fromisoformat(plan["finish"]).tzinfo
    assert 0 < plan["minutes"] < 1
    assert told["requests"]["posts"] == 0


def test_history_before_the_first_run_is_empty(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run_command(["history"]) == 0
    assert run_command(["history", "--json"]) == 0
    assert capsys.readouterr().out == "no runs yet\n[]\n"
    assert not (tmp_path / "home").exists()


async def test_history_shows_runs_that_failed_or_crashed(tmp_path: Path) -> None:
    settings = Settings(brand="demo", state_dir=str(tmp_path))
    async with open_store(settings, "x", now=lambda: 1_767_225_600.0) as store:
        await store.journal.begin(RunStart("old.csv"))
        await store.journal.finish(RunEnd(done=True, results=str(tmp_path / "a.csv")))
        await store.journal.begin(RunStart("müştərilər " * 9 + ".csv", venue="3", sandbox=True))
    rows = history_rows((await history(settings)).runs)
    assert [(each["finished"], each["results"], each["counts"]) for each in rows] == [
        (None, None, None),
        ("2026-01-01T00:00:00Z", str(tmp_path / "a.csv"), None),
    ]
    lines = history_lines(rows)
    assert "  not ended" in lines
    assert "  run 2, demo, venue 3, sandbox" in lines
    assert all(width(line) <= 80 for line in lines if "→" not in line)


def test_history_names_an_unreadable_journal(
    night: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(capsys)
    journal = night.parent / "state" / "other-00000000" / "journal.sqlite"
    journal.parent.mkdir()
    journal.write_bytes(b"broken" * 1000)
    assert run_command(["history", "--json"]) == 3
    shown = capsys.readouterr()
    assert len(json.loads(shown.out)) == 1
    assert str(journal) in shown.err


def test_history_shows_checks_and_dry_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = Settings(brand="demo", venue_id="2", state_dir=str(tmp_path))
    start = RunStart("list.csv", kind=Kind.CHECK)
    end = RunEnd(done=True, summary={"ready": 3, "invalid": 1, "seconds": 6.0})
    asyncio.run(note_run(settings, start, end, started=1.0, finished=7.0))
    monkeypatch.setenv("CLOPOS_STATE_DIR", str(tmp_path))
    assert run_command(["history", "--json"]) == 0
    [row] = json.loads(capsys.readouterr().out)
    assert (row["kind"], row["brand"], row["run"]) == ("check", "demo", None)
    assert (row["counts"], row["minutes"]) == ({"ready": 3, "invalid": 1}, 0.1)
    assert run_command(["history"]) == 0
    assert "  check, demo" in capsys.readouterr().out.splitlines()


def test_resumed_run_is_one_entry_in_the_history_with_all_its_requests(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with harness(tmp_path) as here:

            async def rows() -> list[dict[str, Any]]:
                return history_rows((await history(Settings(state_dir=str(here.folder)))).runs)

            here.call_later(30.0, here.stop.set)
            first = await here.send(*people(300))
            here.stop.clear()
            second = await here.send(*people(300))
            [entry] = await rows()
            assert 0 < first.requests.posts < 300
            assert entry["requests"]["posts"] == 300
            assert entry["requests"]["total"] == first.requests.total + second.requests.total
            assert entry["minutes"] == pytest.approx(here.now / 60, abs=0.02)
            await here.send(*people(301))
            assert [each["requests"]["posts"] for each in await rows()] == [1, 300]

    virtual_time.run(scenario())


async def test_renamed_results_of_an_earlier_run_are_found_by_its_time(tmp_path: Path) -> None:
    results = tmp_path / "list.results.csv"
    aside = tmp_path / "list.results.20260103-000000.csv"
    aside.touch()
    began = datetime(2026, 1, 3).astimezone().timestamp()
    os.utime(aside, (began, began))
    assert find_rotated(results, began, began + 60) == aside
    assert find_rotated(results, began - 60, began) is None
    assert find_rotated(results, began + 1, began + 60) is None
    assert find_rotated(tmp_path / "nowhere" / "list.csv", began, began + 60) is None
    now = began
    settings = Settings(brand="demo", state_dir=str(tmp_path / "state"))
    async with open_store(settings, "x", now=lambda: now) as store:
        for hour in range(3):
            now = began + hour * 3600
            await store.journal.begin(RunStart("list.csv"))
            await store.journal.finish(RunEnd(done=True, results=str(results)))
    runs = (await history(settings)).runs
    assert [each["results"] for each in history_rows(runs)] == [str(results), None, str(aside)]
    aside.unlink()
    assert [each["results"] for each in history_rows(runs)] == [str(results), None, None]
