"""The wheel has all that the program needs."""

from __future__ import annotations

import configparser
import json
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from importer import __version__
from tests.cli_process import lines_of
from tests.pipeline.test_exports import EXPORTS, expected

REPO = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel and unpack it, as installing does."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", folder],
        cwd=REPO,
        check=True,
        capture_output=True,
        timeout=60,
    )
    [wheel] = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def test_wheel_has_every_data_file_of_the_packages(installed: Path) -> None:
    """Profiles, templates and catalogues are in it, and no file that the program doesn't need."""
    others = {
        path.relative_to(REPO)
        for package in ("importer", "schemas")
        for path in (REPO / package).rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }
    inside = {path.relative_to(installed) for path in installed.rglob("*") if path.is_file()}
    about = {path for path in inside if path.parts[0].endswith(".dist-info")}
    assert inside - about == others
    assert any(path.name == "square.toml" for path in inside)
    assert any(path.name == "page.html" for path in inside)
    assert {path.name for path in about} >= {"METADATA", "entry_points.txt", "LICENSE"}


def test_installed_program_imports_a_sample_from_another_folder(
    installed: Path, tmp_path: Path
) -> None:
    """By the entry point, without the clone: profile, schema, page and sandbox are found."""
    script = configparser.ConfigParser()
    script.read(installed / f"clopos_import-{__version__}.dist-info" / "entry_points.txt")
    module, _, function = script["console_scripts"]["clopos-import"].partition(":")
    # Without `site` the clone isn't on the path, nor is the editable install.
    code = (
        f"import sys; sys.path += {[str(installed), sysconfig.get_path('platlib')]!r};"
        f"import {module} as module; assert module.__file__.startswith({str(installed)!r});"
        f"module.{function}()"
    )
    sheet = EXPORTS / "square.csv"
    arguments = ["run", sheet, *expected(sheet.name)["options"], "--sandbox", "--json", "--quiet"]
    arguments += ["--rate", "none", "--results", "results.csv", "--report", "page.html"]
    arguments += ["--lang", "az"]
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code, *map(str, arguments)],
        cwd=tmp_path,
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (1, "")
    ready = expected(sheet.name)["default"]["ready"]
    assert json.loads(done.stdout)["created"] == ready
    statuses = [line["import_status"] for line in lines_of(tmp_path / "results.csv")]
    assert statuses.count("created") == ready
    page = (tmp_path / "page.html").read_text("utf-8")
    assert '<html lang="az">' in page
    assert "Bundan sonra nə etməli" in page
