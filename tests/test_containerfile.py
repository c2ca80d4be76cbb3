"""The steps of the Containerfile, run in a folder in place of an image."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest

from tests.cli_process import ask_sandbox, serving

REPO = Path(__file__).parents[1]
FILE = REPO / "samples" / "schedulers" / "Containerfile"


def steps() -> list[tuple[str, str]]:
    """Return the instructions of the file as pairs of name and arguments."""
    lines = [line for line in FILE.read_text("utf-8").splitlines() if line and line[0] != "#"]
    return [(name, rest) for name, _, rest in (line.partition(" ") for line in lines)]


def _as_installed(pin: re.Match[str]) -> str:
    """Return a requirement with the installed version, which may not be that of the lock."""
    try:
        return f"{pin[1]}=={version(pin[1])}"
    except PackageNotFoundError:  # a dependency of another system
        return pin[0]


class ImageRoot:
    """A folder in place of the root of an image; `run` starts a program as in a container."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.folder = root
        # Nothing is downloaded: pip finds the packages that are installed for the tests.
        self.env = {
            "PATH": os.environ["PATH"],
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "PIP_NO_INDEX": "1",
            "PYTHONPATH": sysconfig.get_path("purelib"),
        }

    def inside(self, text: str) -> str:
        """Return a text with absolute paths moved below the folder."""
        return re.sub(r"(?<![\w./])/(?=\w)", f"{self.root}/", text)

    def take(self, name: str, rest: str) -> None:
        """Execute one instruction."""
        match name:
            case "WORKDIR":
                self.folder = Path(self.inside(rest))
                self.folder.mkdir(parents=True, exist_ok=True)
            case "COPY":
                *sources, target = rest.split()
                for source in sources:
                    self._copy(REPO / source, self.folder / target)
            case "ARG" | "ENV":
                for pair in rest.split():
                    variable, _, value = pair.partition("=")
                    self.env[variable] = self.inside(value)
            case "RUN":
                python = f'python() {{ "{sys.executable}" "$@"; }}; '
                owner = "chown() { :; }; "  # the tests can't change the user
                self.run("sh", "-e", "-c", python + owner + self.inside(rest))
            case _:
                assert name in {"FROM", "USER", "VOLUME", "ENTRYPOINT", "CMD"}

    def _copy(self, source: Path, target: Path) -> None:
        if source.is_dir():
            ignore = shutil.ignore_patterns("__pycache__")
            shutil.copytree(source, target, dirs_exist_ok=True, ignore=ignore)
        else:
            shutil.copy(source, target)
        if source.name == "requirements.txt":
            copied = target / source.name
            copied.write_text(re.sub(r"(?m)^([\w.-]+)==\S+", _as_installed, copied.read_text()))

    def run(self, *command: str, **env: str) -> str:
        """Run a program in the working folder and return its output."""
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=self.env | env,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.mark.slow(reason="an environment is made, and the program installed in it")
def test_steps_of_the_containerfile_make_a_job_that_sends(tmp_path: Path) -> None:
    place = ImageRoot(tmp_path / "root")
    for name, rest in steps():
        place.take(name, rest)
    given = dict(steps())
    command = [place.inside(each) for each in json.loads(given["ENTRYPOINT"])]
    command += [*json.loads(given["CMD"]), "--json", "--quiet"]
    # The program is the installed one, not the folder of the tests.
    python = str(place.root / "opt" / "clopos-import" / "venv" / "bin" / "python")
    where = place.run(python, "-c", "import importer, apprise; print(importer.__file__)")
    assert where.startswith(str(place.root))
    customers = place.root / "customers"
    assert place.folder == customers
    (customers / "list.csv").write_text("Name,Phone\nAnar Demo,0500000001\n", "utf-8")
    (customers / "clopos.toml").write_text('[[sheets]]\npath = "list.csv"\n', "utf-8")
    (customers / "clopos.toml").chmod(0o600)
    with serving(tmp_path, "--no-limits") as served:
        env = {name: value for name, value in served["2"].items() if name != "CLOPOS_STATE_DIR"}
        assert json.loads(place.run(*command, **env))["created"] == 1
        assert json.loads(place.run(*command, **env))["exists"] == 1
        assert len(ask_sandbox(served["2"], "customers")) == 1
    state = place.inside(given["VOLUME"])
    assert list(Path(state).rglob("journal.sqlite"))
    assert not list((place.root / "opt").rglob("journal.sqlite"))
