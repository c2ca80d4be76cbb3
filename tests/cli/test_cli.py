"""The command line: help, bad input, exit codes, streams."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import zipfile
from typing import TYPE_CHECKING

import pytest

from importer import __version__
from importer.cli.main import run_command
from importer.settings import DEFAULT_BASE_URL
from tests.cli_process import ask_sandbox, lines_of, serving, until
from tests.pipeline.test_exports import EXPORTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
from types import SimpleNamespace

SHEET = "Name,Phone\nAnar Demo,0500000001\n"


@pytest.fixture
def sheet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "list.csv"
    path.write_text(SHEET, encoding="utf-8")
    return path


FLEET = {"croniter", "procrastinate", "prometheus_client", "psycopg", "psycopg_pool"}


@pytest.mark.parametrize(
    ("commands", "heavy", "shown"),
    [
        (
            [["--help"], ["run", "--help"]],
            {"pandas", "pandera", "aiohttp", "asyncio", "tqdm", "sqlite3"},
            "--limit N",
        ),
        ([["history"]], {"pandas", "pandera", "pyarrow", "aiohttp"}, "\n"),
        ([["check", "list.csv"]], {"aiohttp", "importer.sandbox", "jinja2"}, "1 ready"),
        ([["fleet", "--help"], ["fleet", "work", "--help"]], {"pandas", "aiohttp"}, "--slots N"),
        ([["run", "list.csv", "--sandbox", "--yes"]], set(), "1 created"),
    ],
)
def test_commands_import_no_heavy_module_that_they_do_not_need(
    sheet: Path, commands: list[list[str]], heavy: set[str], shown: str
) -> None:
    """Help and small commands answer at once."""
    script = (
        "import sys; from importer.cli.main import run_command;"
        f"codes = [run_command(words) for words in {commands}];"
        f"heavy = {heavy | FLEET} & set(sys.modules);"
        "sys.exit(str(heavy) if heavy else any(codes))"
    )
    # Measuring coverage would itself import some of them.
    env = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
    env["CLOPOS_STATE_DIR"] = str(sheet.parent / "state")
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False, env=env
    )
    assert done.returncode == 0, done.stderr
    assert shown in done.stdout


def test_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["--version"]) == 0
    assert __version__ in capsys.readouterr().out


def test_check_exits_0_when_every_row_is_ready(
    sheet: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command(["check", str(sheet)]) == 0
    told = capsys.readouterr()
    assert "1 ready  would be sent" in told.out
    assert "Anar Demo" in told.err


def test_standard_output_of_json_is_one_summary(
    sheet: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command(["check", str(sheet), "--json", "--quiet"]) == 0
    told = capsys.readouterr()
    assert told.err == ""
    summary = json.loads(told.out)
    assert summary.pop("seconds") >= 0
    assert summary == {
        "ok": True,
        "exit_code": 0,
        "error": None,
        "run": None,
        "target": {
            "brand": None,
            "venue": None,
            "base_url": DEFAULT_BASE_URL,
            "version": 1,
            "sandbox": False,
        },
        "file": str(sheet),
        "rows": 1,
        "ready": 1,
        "invalid": 0,
        "duplicate": 0,
        "conflict": 0,
        "exists": 0,
        "mapping": {"name": "Name", "phone": "Phone"},
        "unused": {},
        "problems": {},
        "questions": [],
        "results": f"{sheet}.check.xlsx",
    }


def _empty(path: Path) -> None:
    path.write_text("")


def _zip_of_two(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.csv", SHEET)
        archive.writestr("b.csv", SHEET)


def _russian(path: Path) -> None:
    path.write_bytes("Имя,Телефон\nАнна,1\n".encode("cp1251"))


def _nothing(_path: Path) -> None:
    pass


FILES: dict[str, tuple[str, Callable[[Path], object], str]] = {
    "no file": ("x.csv", _nothing, "no file"),
    "a folder": ("x.csv", lambda path: path.mkdir(), "is a folder"),
    "empty": ("x.csv", _empty, "is empty"),
    "blank": ("x.csv", lambda path: path.write_text(" \n\n"), "is empty"),
    "a header alone": ("x.csv", lambda path: path.write_text("Name,Phone\n"), "no rows"),
    "no name column": ("x.csv", lambda path: path.write_text("a,b\n1x,2y\n"), "names"),
    "no workbook": ("x.xlsx", lambda path: path.write_bytes(b"PK\x03\x04rubbish"), "damaged"),
    "half a workbook": (
        "x.xlsx",
        lambda path: path.write_bytes((EXPORTS / "iiko-ru.xlsx").read_bytes()[:5000]),
        "damaged",
    ),
    "an old workbook, cut": (
        "x.xls",
        lambda path: path.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)),
        "can't be read as a workbook",
    ),
    "a PDF": ("x.csv", lambda path: path.write_bytes(b"%PDF-1.7\n"), "PDF"),
    "a program": ("x.csv", lambda path: path.write_bytes(bytes(range(32)) * 9), "not text"),
    "a ZIP of two": ("x.zip", _zip_of_two, "one sheet"),
    "JSON that isn't": ("x.jsonl", lambda path: path.write_text('{"a": 1}\n{'), "JSON"),
    "JSON of numbers": ("x.jsonl", lambda path: path.write_text('[{"a":1}, 2]'), "objects"),
    "Parquet that isn't": ("x.parquet", lambda path: path.write_bytes(b"PAR1xx"), "Parquet"),
}


@pytest.mark.parametrize("case", list(FILES))
def test_unreadable_sheet_is_exit_2_with_a_message(
    tmp_path: Path, case: str, capsys: pytest.CaptureFixture[str]
) -> None:
    name, make, word = FILES[case]
    make(tmp_path / name)
    results = tmp_path / "r.csv"
    assert run_command(["check", str(tmp_path / name), "--results", str(results)]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert word in told.err
    assert "fix:" in told.err
    assert not results.exists()


FLAGS: list[tuple[list[str], str]] = [
    (["--encoding", "klingon"], "no encoding klingon"),
    (["--encoding", "base64"], "no encoding base64"),
    (["--header-row", "9"], "Row 9"),
    (["--delimiter", ";;"], "--delimiter"),
    (["--profile", "nosuch"], "no profile nosuch"),
    (["--map", "phone"], '"="'),
    (["--map", "shoe=Phone"], "no field shoe"),
    (["--map", "phone=Fone"], "did you mean"),
    (["--map", "name="], "names"),
    (["--mapping", "none.toml"], "none.toml"),
    (["--results", "r.pdf"], "can't be written as .pdf"),
    (["--results", "list.csv"], "overwrite"),
    (["--results", "."], "can't be written"),
    (["--dates", "XYZ"], "--dates"),
    (["--no-such-flag"], "No such option"),
]


@pytest.mark.parametrize(("flags", "word"), FLAGS, ids=str)
def test_wrong_usage_is_exit_2_with_a_message(
    sheet: Path, flags: list[str], word: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command(["check", str(sheet), *flags]) == 2
    told = capsys.readouterr()
    assert word in told.err
    assert told.out == ""


def test_wrong_encoding_is_an_error_that_names_the_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _russian(tmp_path / "x.csv")
    assert run_command(["check", str(tmp_path / "x.csv"), "--encoding", "utf-8"]) == 2
    assert "x.csv is not in utf-8, line 1" in capsys.readouterr().err


RUN_FLAGS: list[tuple[dict[str, str], list[str], int, str]] = [
    ({}, [], 2, "CLOPOS_BRAND"),
    ({"CLOPOS_BASE_URL": "http://clopos.example/"}, [], 2, "not encrypted"),
    ({"CLOPOS_BASE_URL": "nonsense"}, ["--sandbox"], 2, "not an address"),
    ({}, ["--sandbox", "--rate", "fast"], 2, "not a rate"),
    ({}, ["--sandbox", "--reserve", "200%"], 2, "not a share"),
    ({}, ["--sandbox", "--max-rejected", "x"], 2, "--max-rejected"),
    ({"CLOPOS_STATE_DIR": "list.csv"}, ["--sandbox", "--limit", "-1"], 2, "--limit"),
]


@pytest.mark.parametrize(("env", "flags", "code", "word"), RUN_FLAGS, ids=str)
def test_run_that_cannot_begin_reports_the_reason(
    sheet: Path,
    env: dict[str, str],
    flags: list[str],
    code: int,
    word: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    assert run_command(["run", str(sheet), "--yes", *flags]) == code
    assert word in capsys.readouterr().err


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Run a sandbox in another process and give the variables of its credentials."""
    with serving(tmp_path_factory.mktemp("server"), "--no-limits") as found:
        yield found["2"]


@pytest.fixture
def server(
    running: dict[str, str], tmp_path: Path, request: pytest.FixtureRequest
) -> dict[str, str]:
    """Give each test a brand of its own in that sandbox."""
    brand = request.node.name
    ask_sandbox(running, "config", {"brands": [brand]})
    return running | {"CLOPOS_BRAND": brand, "CLOPOS_STATE_DIR": str(tmp_path / "state")}


@pytest.mark.parametrize(
    ("name", "value", "word"),
    [
        ("CLOPOS_CLIENT_SECRET", "not-the-right-one", "CLOPOS_CLIENT_SECRET"),
        ("CLOPOS_INTEGRATOR_ID", "nobody", "CLOPOS_INTEGRATOR_ID"),
        ("CLOPOS_CLIENT_ID", "disabled-client", "module"),
    ],
)
def test_refused_credentials_are_exit_3_with_a_fix(
    sheet: Path,
    server: dict[str, str],
    name: str,
    value: str,
    word: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for each, said in (server | {name: value}).items():
        monkeypatch.setenv(each, said)
    assert run_command(["run", str(sheet), "--yes", "--json"]) == 3
    told = capsys.readouterr()
    assert "refuses" in told.err
    assert word in told.err
    assert "not-the-right-one" not in told.err
    assert '"not-the-right-one"' not in told.out
    summary = json.loads(told.out)
    assert (summary["pending"], summary["requests"]["posts"]) == (1, 0)


def test_env_file_is_read_and_overridden_by_the_environment(
    sheet: Path,
    server: dict[str, str],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lines = [f"{name}={value}" for name, value in server.items()]
    (sheet.parent / ".env").write_text("\n".join(lines), encoding="utf-8")
    assert run_command(["run", str(sheet), "--yes", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["created"] == 1
    assert run_command(["run", str(sheet), "--yes"]) == 0
    monkeypatch.setenv("CLOPOS_INTEGRATOR_ID", "another")
    monkeypatch.setenv("CLOPOS_STATE_DIR", str(sheet.parent / "fresh"))
    assert run_command(["run", str(sheet), "--yes"]) == 3


def test_brand_that_differs_between_environment_and_env_file_sends_no_row(
    sheet: Path,
    server: dict[str, str],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lines = [f"{name}={value}" for name, value in server.items()]
    own = sheet.parent / "own.env"
    own.write_text("\n".join(lines), encoding="utf-8")
    monkeypatch.setenv("CLOPOS_BRAND", "another")
    assert run_command(["run", str(sheet), "--yes", "--env-file", str(own)]) == 2
    told = capsys.readouterr().err
    assert "another" in told
    assert server["CLOPOS_BRAND"] in told
    monkeypatch.delenv("CLOPOS_BRAND")
    assert run_command(["run", str(sheet), "--yes", "--env-file", str(own)]) == 0


def test_second_run_of_a_brand_names_the_running_one(
    sheet: Path,
    server: dict[str, str],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in server.items():
        monkeypatch.setenv(name, value)
    many = sheet.parent / "many.csv"
    rows = "".join(f"Demo {n},05000{n:05}\n" for n in range(2, 61))
    many.write_text(f"Name,Phone\n{rows}", encoding="utf-8")
    first = subprocess.Popen(
        [sys.executable, "-m", "importer", "run", str(many), "--yes", "--rate", "60/min"],
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with first:
        brand = server["CLOPOS_BRAND"]
        until(lambda: any(each["brand"] == brand for each in ask_sandbox(server, "customers")))
        assert run_command(["run", str(sheet), "--yes"]) == 3
        told = capsys.readouterr().err
        assert f"process {first.pid}" in told
        assert "many.csv" in told
        first.send_signal(signal.SIGINT)
        out, err = first.communicate(timeout=30)
    assert first.returncode == 130
    assert "continues" in err
    assert "pending" in out
    statuses = {line["import_status"] for line in lines_of(many.with_name("many.csv.results.xlsx"))}
    assert statuses <= {"created", "pending"}
    assert run_command(["run", str(sheet), "--yes"]) == 0


def test_bug_leaves_a_report_without_customer_data(
    sheet: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(sheet.parent))

    class Broken:
        def read(self) -> bytes:
            raise ValueError(SHEET)

    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=Broken(), isatty=lambda: False))
    assert run_command(["check", "-"]) == 4
    told = capsys.readouterr().err
    [report] = sheet.parent.glob("clopos-import-fault-*.txt")
    assert str(report) in told
    assert "ValueError" in report.read_text("utf-8")
    assert "Anar" not in told + report.read_text("utf-8")


def test_bug_is_exit_4_without_its_message_where_no_report_can_be_written() -> None:
    """In the process of the test, reading standard input raises an error that no code expects."""
    script = (
        "import sys, tempfile; from types import SimpleNamespace;"
        "from importer.cli.main import run_command;"
        "tempfile.tempdir = '/nowhere';"
        "fail = lambda: (_ for _ in ()).throw(ValueError('Aysel +99450'));"
        "sys.stdin = SimpleNamespace(buffer=SimpleNamespace(read=fail), isatty=lambda: False);"
        "sys.exit(run_command(['check', '-', '--json']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert done.returncode == 4, done.stderr
    assert "Internal error in clopos-import" in done.stderr
    assert json.loads(done.stdout)["error"]["code"] == "fault"
    assert "Aysel" not in done.stderr + done.stdout
    assert "Traceback" not in done.stderr


def test_control_characters_of_a_sheet_are_neither_on_screen_nor_in_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a\x1b]0;x\x07\x9b\u202e.csv"
    path.write_text("Name,x\u009b31m\nAnar Demo,1\n", encoding="utf-8")
    for flags in (["--json"], []):
        run_command(["check", str(path), *flags])
        shown = capsys.readouterr()
        assert not set(shown.out + shown.err) & set("\x1b\x07\x9b\u202e")
        if flags:
            assert json.loads(shown.out)["file"] == str(path)
    run_command(["report", str(path)])
    assert not set("".join(capsys.readouterr())) & set("\x1b\x07")


@pytest.mark.parametrize("command", ["check", "run", "rehearse", "verify"])
def test_help_has_groups_and_tuning_flags_are_in_help_all(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command([command, "--help"]) == 0
    shown = capsys.readouterr().out
    headings = [line for line in shown.splitlines() if line.endswith(":") and line[0] != " "]
    assert {"Reading the file:", "Values:", "Output:"} <= set(headings)
    assert ("Sending:" in headings) is (command in {"run", "rehearse"})
    assert "--concurrency" not in shown
    assert run_command([command, "--help-all"]) == 0
    assert ("--concurrency" in capsys.readouterr().out) is (command in {"run", "rehearse"})


@pytest.mark.parametrize(
    ("command", "flag"),
    [
        *(("verify", f"--{flag}") for flag in ("payloads", "report", "save-mapping")),
        *(("rehearse", f"--{flag}") for flag in ("results", "save-mapping", "sandbox")),
        ("check", "--limit"),
    ],
)
def test_flag_that_a_command_would_ignore_is_refused(
    sheet: Path, command: str, flag: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command([command, str(sheet), flag, "1"]) == 2
    assert f"No such option '{flag}'" in capsys.readouterr().err


def test_rows_beyond_a_worksheet_are_written_as_csv(
    sheet: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The CSV file lies beside the name that was asked for."""
    monkeypatch.setattr("importer.results.write.WORKSHEET", (1, 16_384))
    for name in ("out.csv", "out.csv"):
        assert run_command(["check", str(sheet), "--json", "--results", "out.xlsx"]) == 0
        assert json.loads(capsys.readouterr().out)["results"] == name
        assert [line["import_status"] for line in lines_of(sheet.parent / name)] == ["ready"]


def test_results_whose_place_became_a_folder_are_saved_beside_it(sheet: Path) -> None:
    """Another program made the folder during the run."""
    from importer.pipeline import check  # noqa: PLC0415
    from importer.results.write import write_results  # noqa: PLC0415

    done = check(sheet)
    blocked = sheet.parent / "blocked.csv"
    blocked.mkdir()
    written = write_results(blocked, done.prepared.sheet, done.outcomes)
    assert written == sheet.parent / "blocked.2.csv"
    assert [line["import_status"] for line in lines_of(written)] == ["ready"]


def test_program_without_a_command_prints_the_steps_of_a_migration(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run_command([]) == 2
    assert "A migration, step by step:" in "".join(capsys.readouterr())


@pytest.mark.parametrize(
    ("arguments", "what", "fix"),
    [
        (
            ["chek", "x.csv"],
            "No such command 'chek'. Did you mean 'check'?",
            "clopos-import --help",
        ),
        (["check"], "Missing argument 'FILE...'.", "see clopos-import check --help"),
        (["sandbox", "--fault", "504b"], "--fault 504b= is not a share", "--fault 504b=10%"),
        (["sandbox", "--fault", "9=1%"], "The sandbox has no fault 9", "take one of"),
    ],
)
def test_wrong_usage_is_exit_2_with_a_fix(
    arguments: list[str], what: str, fix: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command(arguments) == 2
    error, *_, advice = capsys.readouterr().err.splitlines()
    assert error == f"Error: {what}"
    assert fix in advice
    assert advice.startswith("  fix: ")
