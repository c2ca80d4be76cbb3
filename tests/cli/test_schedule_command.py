"""Printed schedules work unchanged."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from importer.cli.main import run_command

NAME = "exports of 100%"  # a space and a %, which cron and systemd interpret


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / NAME
    folder.mkdir()
    project = folder / "clopos.toml"
    project.write_text('[options]\npayloads = "sent.jsonl"\n[[sheets]]\npath = "list.csv"\n')
    project.chmod(0o600)
    (folder / "empty.toml").touch(0o600)
    (folder / "list.csv").write_text("Name,Phone\nAnar Demo,0500000001\n")
    monkeypatch.chdir(folder)
    return folder


def test_cron_line_runs_without_an_environment(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PYTHONPATH", raising=False)
    assert run_command(["schedule", "--kind", "cron", "--time-zone", "Asia/Baku"]) == 0
    zone, line = capsys.readouterr().out.splitlines()[:2]
    assert zone == "CRON_TZ=Asia/Baku"
    assert line.startswith("15 3 * * *  ")
    command = line.split("  ", 1)[1].replace(r"\%", "%").replace(" run --yes ", " check --json ")
    here = Path(__file__).parents[2]
    env = ["env", "-i", "PATH=/usr/bin:/bin", f"HOME={folder}", f"PYTHONPATH={here}"]
    done = subprocess.run(
        [*env, "sh", "-c", command], cwd="/", capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["ready"] == 1
    assert (folder / "sent.jsonl").exists()


def complaints(units: Path) -> list[str]:
    """Return the complaints of systemd about units; its exit code ignores unknown keys."""
    files = sorted(map(str, units.iterdir()))
    done = subprocess.run(
        ["systemd-analyze", "verify", *files], capture_output=True, text=True, check=False
    )
    lines = (done.stdout + done.stderr).splitlines()
    return [line for line in lines if "clopos-import" in line or done.returncode]


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd here")
def test_units_pass_the_verification_of_systemd(folder: Path) -> None:
    words = ["schedule", "--kind", "systemd", "--time-zone", "Asia/Baku", "--to", "units"]
    assert run_command(words) == 0
    assert complaints(folder / "units") == []
    service = folder / "units" / "clopos-import.service"
    service.write_text(service.read_text().replace("ProtectSystem=", "ProtectSytem="))
    assert "ProtectSytem" in complaints(folder / "units")[0]


def test_units_have_absolute_paths_and_the_time_zone(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["schedule", "--kind", "systemd", "--at", "22:05", "--time-zone", "Asia/Baku"]
    assert run_command(words) == 0
    told = capsys.readouterr().out
    escaped = str(folder).replace("%", "%%")
    assert f"WorkingDirectory={escaped}\n" in told
    assert f'--project "{escaped}/clopos.toml"\n' in told
    assert "OnCalendar=*-*-* 22:05:00 Asia/Baku\n" in told
    (start,) = [
        line for line in told.splitlines() if line.startswith("ExecStart=") and "run" in line
    ]
    assert start.removeprefix("ExecStart=")[0] == "/"


def test_windows_task_is_xml_with_the_command(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command(["schedule", "--kind", "windows"]) == 0
    task = ET.fromstring(capsys.readouterr().out)  # noqa: S314 - our own
    names = {each.tag.rpartition("}")[2]: each.text for each in task.iter()}
    assert names["WorkingDirectory"] == str(folder)
    assert "run --yes --project" in (names["Arguments"] or "")
    assert names["StartBoundary"] == "2026-01-01T03:15:00"


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--project", "none.toml"], "no project file"),
        (["--time-zone", "Baku"], "is not a time zone"),
        (["--project", "list.csv"], "can't be read"),
        (["--project", "empty.toml"], "names no sheet"),
        (["--kind", "windows", "--time-zone", "Asia/Baku"], "clock of the machine"),
        (["--at", "25:00"], "does not match"),
        (["--to", "list.csv/units"], "can't be written"),
    ],
)
def test_impossible_schedule_is_an_error(
    words: list[str], why: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command(["schedule", *words]) == 2
    assert why in " ".join(capsys.readouterr().err.split())
    assert (folder / "clopos.toml").exists()
