"""Attacks and failing machines: the tests that belong to no single room.

The numbers are those of `README.md` here, which also lists the tests in other rooms.
"""

from __future__ import annotations

import json
import re
import resource
import subprocess
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from importer.pipeline import Output, SendOptions, arun
from importer.progress import NullReporter
from importer.sandbox import Config, serve
from tests.cli_process import ask_sandbox, command, lines_of, serving, started

if TYPE_CHECKING:
    from importer.progress import SendProgress

ROOT = Path(__file__).parents[2]


@pytest.fixture
def sheet(tmp_path: Path) -> Path:
    path = tmp_path / "list.csv"
    rows = "".join(f"Demo {n},05000{n:05}\n" for n in range(1, 101))
    path.write_text(f"Name,Phone\n{rows}", encoding="utf-8")
    return path


class _FaultyReporter(NullReporter):
    """Fails after two rows, with customer data in the message, as any code may."""

    def sending(self, progress: SendProgress) -> None:
        """Raise an error once two rows are done."""
        if progress.done >= 2:
            raise OverflowError("row of Aysel, +994501234567")


async def test_s4_bug_while_sending_leaves_results_and_the_run_in_the_history(
    tmp_path: Path, sheet: Path
) -> None:
    results = tmp_path / "results.csv"
    async with serve(Config()) as here:
        env = here.env(2) | {"CLOPOS_STATE_DIR": str(tmp_path / "state")}
        where = Output(results=results)
        result = await arun(sheet, None, where, SendOptions(), env=env, reporter=_FaultyReporter())
        lines = lines_of(results)
        ids = {line["clopos_id"] for line in lines if line["import_status"] == "created"}
        assert {str(customer["id"]) for customer in here.customers()} == ids
    assert len(lines) == 100
    assert 2 <= len(ids) < 100
    assert result.exit_code == 4
    assert result.error
    assert "Aysel" not in f"{result.error.what}{result.error.why}"
    told = command("history", "--json", env={"CLOPOS_STATE_DIR": env["CLOPOS_STATE_DIR"]})
    assert str(len(ids)) in told.stdout


def test_s6_log_on_a_full_disk_changes_neither_summary_nor_exit_code(tmp_path: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("there is no /dev/full on this machine")
    sheet = tmp_path / "list.csv"
    sheet.write_text("Name,Phone\nDemo,0500000001\n", encoding="utf-8")
    arguments = ("--sandbox", "--yes", "--quiet", "--json", "--log-file", "/dev/full")
    done = command("run", sheet, *arguments, env={"CLOPOS_STATE_DIR": str(tmp_path / "state")})
    assert done.returncode == 0
    assert json.loads(done.stdout)["created"] == 1
    assert "Logging error" not in done.stderr
    assert done.stderr.count("/dev/full") == 1


def test_s22_few_file_handles_lower_the_concurrency_and_lose_no_row(
    tmp_path: Path, sheet: Path
) -> None:
    def few() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (24, 24))

    with serving(tmp_path, "--no-limits", "--latency", "0.01-0.01") as found:
        env = found["2"]
        arguments = ("--yes", "--json", "--rate", "none")
        with started("run", sheet, *arguments, env=env, preexec_fn=few) as process:
            out, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
        assert json.loads(out)["created"] == 100
        creates = [each for each in ask_sandbox(env, "requests") if each["route"] == "create"]
        assert len(creates) == 100


def _names(path: Path) -> set[str]:
    return set(re.findall(r"(?m)^([a-z0-9-]+)(?:\[[a-z0-9,-]+\])?==", path.read_text("utf-8")))


def test_s25_requirements_of_users_have_hashes_and_no_developer_tools() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    need = {re.split(r"[^a-z0-9-]", each)[0] for each in project["project"]["dependencies"]}
    tools = {
        re.split(r"[^a-z0-9-]", each)[0]
        for each in project["dependency-groups"]["dev"]
        if isinstance(each, str)
    }
    users, developers = (ROOT / name for name in ("requirements.txt", "requirements-dev.txt"))
    assert need <= _names(users) <= _names(developers)
    assert not tools & _names(users)
    assert tools <= _names(developers)
    for path in (users, developers):
        text = path.read_text("utf-8")
        assert text.count("==") <= text.count(" \\\n    --hash=sha256:")
        assert "://" not in text


def test_s25_repository_has_no_binary_package() -> None:
    done = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.skip("this is no checkout")
    assert not [name for name in done.stdout.split() if name.endswith((".whl", ".so", ".pyd"))]


def test_every_number_of_the_readme_has_a_test() -> None:
    table = (Path(__file__).parent / "README.md").read_text("utf-8")
    numbers = re.findall(r"(?m)^\| (S?[0-9]+) \|", table)
    assert numbers == [*map(str, range(1, 24)), *(f"S{n}" for n in range(1, 28))]
    for name in re.findall(r"`((?:\w+/)?test_\w+\.py|\w+/contract\.py)", table):
        assert any((ROOT / "tests" / place / name).exists() for place in ("", "faults")), name
    every = "".join(path.read_text("utf-8") for path in (ROOT / "tests").rglob("*.py"))
    for name in re.findall(r"\b(test_\w+)(?=…?`)(?!\.py)", table):
        assert f"def {name}" in every, name
