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
from importer.cli.commands import _main
from tests.cli_process import lines_of, serving, told_by, until
from tests.pipeline.test_exports import EXPORTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

SHEET = "Name,Phone\nAnar Demo,0500000001\n"


@pytest.fixture
def sheet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "list.csv"
    path.write_text(SHEET, encoding="utf-8")
    return path


def test_help_needs_nothing_heavy() -> None:
    """…so that it answers at once."""
    script = (
        "import sys; from importer.cli.commands import _main;"
        "_main(['--help']); _main(['run', '--help']);"
        "heavy = {'pandas', 'pandera', 'aiohttp', 'asyncio', 'tqdm', 'sqlite3'} & set(sys.modules);"
        "sys.exit(str(heavy) if heavy else 0)"
    )
    # Measuring coverage would itself import some of them.
    env = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False, env=env
    )
    assert done.returncode == 0, done.stderr
    assert "--limit N" in done.stdout


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert _main(["--version"]) == 0
    assert __version__ in capsys.readouterr().out


def test_check_exits_0_when_nothing_is_wrong(
    sheet: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _main(["check", str(sheet)]) == 0
    told = capsys.readouterr()
    assert "1 ready  would be sent" in told.out
    assert "Anar Demo" in told.err


def test_json_is_the_summary_and_nothing_else(
    sheet: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _main(["check", str(sheet), "--json", "--quiet"]) == 0
    told = capsys.readouterr()
    assert told.err == ""
    summary = json.loads(told.out)
    assert summary.pop("seconds") >= 0
    assert summary == {
        "file": str(sheet),
        "rows": 1,
        "ready": 1,
        "invalid": 0,
        "duplicate": 0,
        "mapping": {"name": "Name", "phone": "Phone"},
        "problems": {},
        "results": f"{sheet}.results.csv",
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
def test_a_sheet_that_cannot_be_read_is_exit_2_in_words(
    tmp_path: Path, case: str, capsys: pytest.CaptureFixture[str]
) -> None:
    name, make, word = FILES[case]
    make(tmp_path / name)
    results = tmp_path / "r.csv"
    assert _main(["check", str(tmp_path / name), "--results", str(results)]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert word in told.err
    assert "to do:" in told.err
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
def test_wrong_usage_is_exit_2_in_words(
    sheet: Path, flags: list[str], word: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _main(["check", str(sheet), *flags]) == 2
    told = capsys.readouterr()
    assert word in told.err
    assert told.out == ""


def test_an_encoding_that_does_not_fit_is_named_with_the_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _russian(tmp_path / "x.csv")
    assert _main(["check", str(tmp_path / "x.csv"), "--encoding", "utf-8"]) == 2
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
def test_a_run_that_cannot_begin_says_why(
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
    assert _main(["run", str(sheet), "--yes", *flags]) == code
    assert word in capsys.readouterr().err


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Run a sandbox in another process and give the variables that let in."""
    with serving(tmp_path_factory.mktemp("server"), "--no-limits") as found:
        yield found["2"]


@pytest.fixture
def server(
    running: dict[str, str], tmp_path: Path, request: pytest.FixtureRequest
) -> dict[str, str]:
    """Give each test a brand of its own in that sandbox."""
    brand = request.node.name
    told_by(running, "config", {"brands": [brand]})
    return running | {"CLOPOS_BRAND": brand, "CLOPOS_STATE_DIR": str(tmp_path / "state")}


@pytest.mark.parametrize(
    ("name", "value", "word"),
    [
        ("CLOPOS_CLIENT_SECRET", "not-the-right-one", "CLOPOS_CLIENT_SECRET"),
        ("CLOPOS_INTEGRATOR_ID", "nobody", "CLOPOS_INTEGRATOR_ID"),
        ("CLOPOS_CLIENT_ID", "disabled-client", "module"),
    ],
)
def test_refused_credentials_are_exit_3_and_what_to_do(
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
    assert _main(["run", str(sheet), "--yes", "--json"]) == 3
    told = capsys.readouterr()
    assert "refuses" in told.err
    assert word in told.err
    assert "not-the-right-one" not in told.err + told.out
    summary = json.loads(told.out)
    assert (summary["pending"], summary["requests"]["posts"]) == (1, 0)


def test_a_file_env_is_read_and_the_environment_wins(
    sheet: Path,
    server: dict[str, str],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lines = [f"{name}={value}" for name, value in server.items()]
    (sheet.parent / ".env").write_text("\n".join(lines), encoding="utf-8")
    assert _main(["run", str(sheet), "--yes", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["created"] == 1
    monkeypatch.setenv("CLOPOS_BRAND", "another")
    assert _main(["run", str(sheet), "--yes"]) == 3


def test_the_second_run_of_a_brand_is_told_who_is_at_work(
    sheet: Path,
    server: dict[str, str],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in server.items():
        monkeypatch.setenv(name, value)
    many = sheet.parent / "many.csv"
    rows = "".join(f"Demo {n},05000{n:05}\n" for n in range(1, 60))
    many.write_text(f"Name,Phone\n{rows}", encoding="utf-8")
    first = subprocess.Popen(
        [sys.executable, "-m", "importer", "run", str(many), "--yes", "--rate", "60/min"],
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with first:
        brand = server["CLOPOS_BRAND"]
        until(lambda: any(each["brand"] == brand for each in told_by(server, "customers")))
        assert _main(["run", str(sheet), "--yes"]) == 3
        told = capsys.readouterr().err
        assert f"process {first.pid}" in told
        assert "many.csv" in told
        first.send_signal(signal.SIGINT)
        out, err = first.communicate(timeout=30)
    assert first.returncode == 130
    assert "carries on" in err
    assert "pending" in out
    statuses = {line["import_status"] for line in lines_of(many.with_name("many.csv.results.csv"))}
    assert statuses <= {"created", "pending"}
    assert _main(["run", str(sheet), "--yes"]) == 0


def test_a_fault_of_ours_leaves_a_report_without_data(
    sheet: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(sheet.parent))

    def broken(*_: object, **__: object) -> None:
        raise ValueError(SHEET)

    monkeypatch.setattr("importer.pipeline.calls.check", broken)
    assert _main(["check", str(sheet)]) == 4
    told = capsys.readouterr().err
    [report] = sheet.parent.glob("clopos-import-fault-*.txt")
    assert str(report) in told
    assert "ValueError" in report.read_text("utf-8")
    assert "Anar" not in told + report.read_text("utf-8")


def test_what_no_worksheet_holds_is_written_as_csv(
    sheet: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """…beside the name that was asked for, and never over what is there."""
    monkeypatch.setattr("importer.results.write.WORKSHEET", (1, 16_384))
    for name in ("out.xlsx.csv", "out.xlsx.2.csv"):
        assert _main(["check", str(sheet), "--json", "--results", "out.xlsx"]) == 0
        assert json.loads(capsys.readouterr().out)["results"] == name
        assert [line["import_status"] for line in lines_of(sheet.parent / name)] == ["ready"]


def test_results_that_cannot_take_their_place_are_saved_beside(sheet: Path) -> None:
    """…when the folder in which they should be has become one in the meantime."""
    from importer.pipeline.calls import check  # noqa: PLC0415
    from importer.results.write import write_results  # noqa: PLC0415

    done = check(sheet)
    blocked = sheet.parent / "blocked.csv"
    blocked.mkdir()
    written = write_results(blocked, done.prepared.sheet, done.outcomes)
    assert written == sheet.parent / "blocked.2.csv"
    assert [line["import_status"] for line in lines_of(written)] == ["ready"]


def test_without_a_command_the_way_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert _main([]) == 2
    assert "A migration, step by step:" in "".join(capsys.readouterr())


@pytest.mark.parametrize(
    ("arguments", "what", "todo"),
    [
        (
            ["chek", "x.csv"],
            "No such command 'chek'. Did you mean 'check'?",
            "clopos-import --help",
        ),
        (["check"], "Missing argument 'FILE'.", "see clopos-import check --help"),
        (["sandbox", "--fault", "504b"], "--fault 504b= is not a share", "--fault 504b=10%"),
        (["sandbox", "--fault", "9=1%"], "The sandbox knows no fault 9", "take one of"),
    ],
)
def test_wrong_usage_says_what_to_do(
    arguments: list[str], what: str, todo: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _main(arguments) == 2
    error, *_, advice = capsys.readouterr().err.splitlines()
    assert error == f"Error: {what}"
    assert todo in advice
    assert advice.startswith("  to do: ")
