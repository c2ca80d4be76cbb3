"""Tools and benchmarks, which no other test runs completely, find all names that they use."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import data, preparing

ROOT = Path(__file__).parent.parent
FILES = sorted(path for folder in ("benchmarks", "tools") for path in (ROOT / folder).glob("*.py"))
FOREIGN = {"requests"}  # installed for benchmarks only, in an environment of its own
DOTTED = re.compile(r"\b(?:importer|benchmarks|tools|tests|schemas)(?:\.\w+)+(?![\w/])")


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_module_of_tools_or_benchmarks_is_importable(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLOPOS_BASE_URL", "http://127.0.0.1")  # some read it on import
    try:
        importlib.import_module(f"{path.parent.name}.{path.stem}")
    except ModuleNotFoundError as error:
        assert error.name in FOREIGN  # noqa: PT017 - which one it is, is the question


def test_modules_named_in_strings_exist() -> None:
    """They are commands and lines of Python for other processes, which no import checks."""
    texts = {
        node.value
        for path in FILES
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    names = {name for text in texts for name in DOTTED.findall(text)}
    assert {"benchmarks.data", "importer.read"} <= names
    for name in names:
        pkgutil.resolve_name(name)


@pytest.mark.parametrize(
    "code", [preparing.OUR_READING, preparing.CALAMINE, *preparing.IMPORTS.values()]
)
def test_benchmark_line_that_reads_a_workbook_runs(code: str, tmp_path: Path) -> None:
    data.write_workbook(tmp_path / "sheet.xlsx", data.customers(3))
    assert preparing.python(code, tmp_path / "sheet.xlsx").output == ""


def test_benchmark_of_the_store_finds_every_function_that_is_timed(tmp_path: Path) -> None:
    """With `--version` it replaces them all and times nothing."""
    shares = tmp_path / "shares.txt"
    command = (sys.executable, "-m", "benchmarks.accounted", shares, "--version")
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=60)
    assert float(shares.read_text("utf-8")) == 0
