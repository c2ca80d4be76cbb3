"""Bad sheets, folders, credentials and addresses: a clear error, exit 2 or 3, nothing sent.

Each error has its three parts (what, why unless obvious, fix) and no traceback.
"""

from __future__ import annotations

import ctypes
import io
import json
import os
import resource
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest

from importer.cli.main import run_command
from tests.cli_process import PROGRAM, ask_sandbox, lines_of, serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

SHEET = "Name,Phone\nAnar Demo,0500000001\n"


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    with serving(tmp_path_factory.mktemp("server"), "--no-limits") as found:
        yield found["2"]


@pytest.fixture
def here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sandbox: dict[str, str]
) -> dict[str, str]:
    """Change into a folder with a good sheet; return the variables of good credentials."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "list.csv").write_text(SHEET, encoding="utf-8")
    env = sandbox | {"CLOPOS_STATE_DIR": str(tmp_path / "state")}
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    return env


def _sheets(folder: Path) -> dict[str, str]:
    """Write unreadable sheets; return name → a word of the error."""
    (folder / "folder").mkdir()
    (folder / "empty.csv").touch()
    (folder / "header.csv").write_text("Name,Phone\n")
    (folder / "nameless.csv").write_text("a,b\n1x,2y\n")
    (folder / "damaged.xlsx").write_bytes(b"PK\x03\x04rubbish")
    (folder / "old.xls").write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600))
    (folder / "loop.csv").symlink_to("loop.csv")
    (folder / "picture.csv").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)))
    return {
        "missing.csv": "no file",
        "folder": "folder",
        "empty.csv": "empty",
        "header.csv": "no rows",
        "nameless.csv": "names",
        "damaged.xlsx": "damaged",
        "old.xls": "workbook",
        "loop.csv": "symbolic links",
        "picture.csv": "a picture",
        "/dev/null": "empty",
    }


def error_text(capsys: pytest.CaptureFixture[str], word: str) -> str:
    """Check that standard error has the parts of an error, and return it."""
    told = capsys.readouterr()
    assert told.err.count("Error: ") == 1
    assert "fix:" in told.err
    assert word in " ".join(told.err.split())
    assert "Traceback" not in told.err
    return told.out


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("verb", ["check", "run"])
def test_unreadable_sheets_are_errors_in_three_parts(
    tmp_path: Path, verb: str, sandbox: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    before = len(ask_sandbox(sandbox, "requests"))
    for name, word in _sheets(tmp_path).items():
        assert run_command([verb, name, "--json", *(["--yes"] if verb == "run" else [])]) == 2, name
        summary = json.loads(error_text(capsys, word))
        assert (summary["ok"], summary["exit_code"], summary["results"]) == (False, 2, None)
    assert not list(tmp_path.rglob("*.check.xlsx"))
    assert len(ask_sandbox(sandbox, "requests")) == before


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("flags", "word"),
    [
        (["--encoding", "klingon"], "klingon"),
        (["--encoding", "utf-16"], "no rows"),
        (["--header-row", "99"], "Row 99"),
        (["--map", "phone=Nowhere"], "Nowhere"),
        (["--profile", "nosuch"], "nosuch"),
        (["--results", "list.csv"], "overwrite"),
        (["--payloads", "list.csv"], "payloads would overwrite the sheet"),
        (["--payloads", "r.csv", "--results", "./r.csv"], "payloads would overwrite the results"),
        (["--results", "/proc/results.csv"], "can't be written"),
        (["--results", "list.csv/results.csv"], "can't be written"),
        (["--payloads", "/proc/payloads.jsonl"], "can't be written"),
        (["--mapping", "list.csv"], "saved mapping list.csv can't be read"),
        (["--mapping", "number.toml"], "number.toml is not a saved mapping"),
        (["--save-mapping", "list.csv"], "save-mapping would overwrite the sheet"),
        (["--save-mapping", "/proc/mapping.toml"], "can't be written"),
        (["--report", "list.csv"], "report would overwrite the sheet"),
        (["--region", "XX"], "no country XX"),
        (["--delimiter", "ab"], "can't separate"),
        (["--rate", "quick"], "not a rate"),
        (["--rate", "0/min"], "not a rate"),
        (["--reserve", "all"], "not a share"),
        (["--reserve", "150%"], "not a share"),
        (["--reserve", "nan"], "not a share"),
    ],
    ids=str,
)
def test_invalid_flags_are_errors_in_three_parts(
    tmp_path: Path,
    flags: list[str],
    word: str,
    sandbox: dict[str, str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "number.toml").write_text("phone = 3\n", encoding="utf-8")
    assert run_command(["run", "list.csv", "--yes", "--json", *flags]) == 2
    error_text(capsys, word)
    assert (tmp_path / "list.csv").read_text("utf-8") == SHEET
    assert ask_sandbox(sandbox, "customers") == []


ENVIRONMENT: list[tuple[dict[str, str], int, str]] = [
    ({"CLOPOS_CLIENT_SECRET": ""}, 2, "CLOPOS_CLIENT_SECRET"),
    ({"CLOPOS_BRAND": ""}, 2, "CLOPOS_BRAND"),
    ({"CLOPOS_INTEGRATOR_ID": ""}, 2, "CLOPOS_VENUE_ID"),
    ({"CLOPOS_CLIENT_SECRET": "wrong-secret-4711"}, 3, "CLOPOS_CLIENT_SECRET"),
    ({"CLOPOS_CLIENT_SECRET": "two\nlines-4711"}, 2, "CLOPOS_CLIENT_SECRET"),
    ({"CLOPOS_TOKEN": "not-a-token-4711", "CLOPOS_CLIENT_SECRET": ""}, 3, "CLOPOS_TOKEN"),
    ({"CLOPOS_BASE_URL": "http://clopos.example/open-api"}, 2, "not encrypted"),
    ({"CLOPOS_BASE_URL": "http://10.0.0.7:8089/open-api"}, 2, "not encrypted"),
    ({"CLOPOS_BASE_URL": "clopos.example"}, 2, "not an address"),
    ({"CLOPOS_BASE_URL": "https://clopos..example/"}, 2, "not an address"),
    ({"CLOPOS_BASE_URL": "https://clopos.example/open-api?brand=x"}, 2, "more than an address"),
    ({"CLOPOS_BASE_URL": "https://me:secret-4711@clopos.example/"}, 2, "more than an address"),
    ({"CLOPOS_REGION": "XX"}, 2, "no country XX"),
    ({"CLOPOS_BASE_URL": "http://127.0.0.1:1/"}, 3, "check the network and CLOPOS_BASE_URL"),
    ({"CLOPOS_STATE_DIR": "list.csv"}, 2, "state folder"),
    ({"CLOPOS_STATE_DIR": "/proc/nowhere"}, 2, "state folder"),
]


@pytest.mark.parametrize(("change", "code", "word"), ENVIRONMENT, ids=str)
def test_wrong_credentials_and_addresses_are_errors_in_three_parts(
    here: dict[str, str],
    change: dict[str, str],
    code: int,
    word: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in change.items():
        monkeypatch.setenv(name, value)
    assert run_command(["run", "list.csv", "--yes", "--json", "--quiet"]) == code
    out = error_text(capsys, word)
    assert "4711" not in out
    if code == 3:
        summary = json.loads(out)
        assert (summary["pending"], summary["requests"]["posts"]) == (1, 0)
        assert summary["requests"]["total"] <= 5
    else:
        assert (json.loads(out)["exit_code"], json.loads(out)["results"]) == (code, None)
    assert ask_sandbox(here, "customers") == []


def test_invalid_env_file_is_refused(
    here: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / ".env").write_bytes(b"CLOPOS_BRAND=\xff\xfe\n")
    assert run_command(["run", "list.csv", "--yes"]) == 2
    error_text(capsys, ".env")
    (tmp_path / ".env").unlink()
    (tmp_path / ".env").mkdir()
    assert run_command(["run", "list.csv", "--yes", "--limit", "0"]) in {1, 2}
    assert "Traceback" not in capsys.readouterr().err
    assert ask_sandbox(here, "customers") == []


def _without_privileges() -> None:
    """Drop root's right to ignore the permissions of files."""
    drop_from_bounding_set, override, read_search = 24, 1, 2  # linux/prctl.h, capability.h
    for capability in (override, read_search):
        ctypes.CDLL(None).prctl(drop_from_bounding_set, capability, 0, 0, 0)


def _with_files_up_to(size: int) -> Callable[[], None]:
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def ran(env: dict[str, str], *arguments: object, before: Callable[[], None]) -> Any:
    return subprocess.run(
        [*PROGRAM, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | env,
        preexec_fn=before,
        timeout=60,
    )


@pytest.mark.skipif(sys.platform != "linux", reason="permissions are taken from root")
@pytest.mark.parametrize("verb", ["check", "run"])
def test_read_only_folder_stops_a_run_before_rows_are_sent(
    here: dict[str, str], tmp_path: Path, verb: str
) -> None:
    """Its results could not be written."""
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o555)
    done = ran(here, verb, "list.csv", "--results", "closed/r.csv", before=_without_privileges)
    assert done.returncode == 2, done.stderr
    assert "closed/r.csv can't be written" in done.stderr
    assert "fix:" in done.stderr
    assert ask_sandbox(here, "customers") == []


@pytest.mark.skipif(sys.platform != "linux", reason="permissions are taken from root")
def test_sheet_without_permission_to_read_is_an_error(here: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "list.csv").chmod(0)
    done = ran(here, "check", "list.csv", before=_without_privileges)
    assert done.returncode == 2
    assert "list.csv can't be read\n  why: Permission denied\n  fix: change" in done.stderr


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("name", ["two\nlines.csv", "-.csv", "no suffix", "{x}.csv"])
def test_file_name_of_any_text_is_accepted(
    tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Other systems and mail programs make such names."""
    sheet = tmp_path / name
    sheet.write_text(SHEET, encoding="utf-8")
    assert run_command(["check", str(sheet), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["ready"] == 1
    assert run_command(["run", str(sheet), "--sandbox", "--json", "--report", f"{sheet}.html"]) == 0
    assert json.loads(capsys.readouterr().out)["created"] == 1
    assert sheet.with_name(f"{name}.results.xlsx").exists()
    assert "1 of 1" in sheet.with_name(f"{name}.html").read_text("utf-8")
    assert run_command(["report", str(sheet), "--to", str(tmp_path / "later.html")]) == 0
    capsys.readouterr()
    sheet.write_text("", encoding="utf-8")
    assert run_command(["check", str(sheet)]) == 2
    error_text(capsys, "is empty")


@pytest.mark.parametrize(
    "flags", [("--rate", "quick"), ("--reserve", "all"), ("--window", "x"), ("--finish-by", "x")]
)
def test_flags_are_checked_before_the_sheet_is_read(
    flags: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Reading may take a while."""
    assert run_command(["run", "missing.csv", "--sandbox", *flags]) == 2
    error_text(capsys, flags[0])


@pytest.mark.usefixtures("here")
def test_file_name_that_is_not_utf_8_is_an_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Neither results nor journal could name it."""
    name = "b\udcffd.csv"
    try:
        (tmp_path / name).write_text(SHEET, encoding="utf-8")
    except (OSError, UnicodeError):
        pytest.skip("this machine has no such names")
    assert isinstance(sys.stderr, io.TextIOWrapper)
    sys.stderr.reconfigure(errors="backslashreplace")  # as it is outside of tests
    for arguments in (
        ["check", name],
        ["run", name, "--sandbox", "--results", "r.csv"],
        ["run", "list.csv", "--sandbox", "--results", name],
        ["report", name, "--to", "page.html"],
    ):
        assert run_command(arguments) == 2
        error_text(capsys, "is not valid UTF-8")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes with names")
@pytest.mark.usefixtures("here")
def test_named_pipe_is_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_text, args=(SHEET,))
    writer.start()
    assert run_command(["check", str(pipe), "--json"]) == 0
    writer.join()
    assert json.loads(capsys.readouterr().out)["ready"] == 1


@pytest.mark.usefixtures("here")
def test_report_overwrites_neither_the_sheet_nor_the_results(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command(["check", "list.csv", "--quiet"]) == 0
    capsys.readouterr()
    for place in ("list.csv", "list.csv.check.xlsx"):
        assert run_command(["report", "list.csv", "--to", place]) == 2
        error_text(capsys, "would overwrite the file that it describes")
    assert run_command(["report", "list.csv", "--to", "/proc/page.html"]) == 2
    error_text(capsys, "can't be written")
    assert (tmp_path / "list.csv").read_text("utf-8") == SHEET


@pytest.mark.skipif(sys.platform != "linux", reason="permissions are taken from root")
def test_read_only_state_folder_is_an_error(here: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "state").mkdir(mode=0o555)
    done = ran(here, "run", "list.csv", "--yes", before=_without_privileges)
    assert done.returncode == 2, done.stderr
    assert "state folder can't be used" in done.stderr
    assert ask_sandbox(here, "customers") == []


def test_full_disk_while_writing_results_loses_no_outcome(
    here: dict[str, str], tmp_path: Path
) -> None:
    """Sent rows are reported, recorded, and not resent."""
    note = "n" * 30_000
    (tmp_path / "big.csv").write_text(
        "Name,Code,Whatever\n" + "".join(f"Full {n},full{n},{note}\n" for n in range(20))
    )
    arguments = ("run", "big.csv", "--yes", "--json", "--rate", "none")
    done = ran(here, *arguments, before=_with_files_up_to(400_000))
    assert done.returncode == 3, done.stderr
    assert "big.csv.results.xlsx can't be written" in done.stderr
    assert "fix: free some space" in done.stderr
    summary = json.loads(done.stdout)
    assert (summary["created"], summary["results"]) == (20, None)
    assert list(tmp_path.glob("*results*")) == list(tmp_path.rglob("*.part")) == []
    again = ran(here, *arguments, before=_with_files_up_to(10_000_000))
    summary = json.loads(again.stdout)
    # The next command resumes this run, whose rows are created by it.
    assert (summary["created"], summary["requests"]["posts"]) == (20, 0)
    statuses = {line["import_status"] for line in lines_of(tmp_path / summary["results"])}
    assert statuses == {"created"}
    names = [each["name"] for each in ask_sandbox(here, "customers") if each["name"][:4] == "Full"]
    assert len(names) == len(set(names)) == 20


def test_full_disk_before_the_run_sends_no_row(here: dict[str, str], tmp_path: Path) -> None:
    """A row that can't be recorded isn't sent."""
    before = len(ask_sandbox(here, "customers"))
    done = ran(here, "run", "list.csv", "--yes", "--json", before=_with_files_up_to(8192))
    assert done.returncode == 3, done.stderr
    assert "journal can't be written" in done.stderr
    assert len(ask_sandbox(here, "customers")) == before
    assert list(tmp_path.rglob("*.part")) == []


def test_unwritable_standard_output_is_an_error(here: dict[str, str]) -> None:
    """Standard output is a full device."""
    with open("/dev/full", "w") as full:  # noqa: PTH123
        done = subprocess.run(
            [*PROGRAM, "check", "list.csv", "--json"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            env=os.environ | here,
            timeout=60,
        )
    assert "Error: Standard output can't be written" in done.stderr
    assert "Traceback" not in done.stderr
    assert done.returncode == 3
