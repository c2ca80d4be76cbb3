"""Builds what others can install: `make dist` writes sdist, wheel, SBOM and checksums to dist/.

Built twice from one commit, both files are the same bytes. The wheel is installed into an empty
environment for each Python there is, and used there.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import click

ROOT = Path(__file__).parent.parent
DIST = ROOT / "dist"


def build(folder: Path) -> list[Path]:
    """Build sdist and wheel into a folder and return them. Their dates are the commit's."""
    show = ("git", "log", "-1", "--format=%ct")
    time = subprocess.run(show, cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()
    command = (sys.executable, "-m", "hatchling", "build", "-d", str(folder))
    subprocess.run(command, cwd=ROOT, check=True, env=os.environ | {"SOURCE_DATE_EPOCH": time})
    return sorted(folder.iterdir())


def digest(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def try_wheel(python: str, wheel: Path) -> str:
    """Install a wheel for a Python, use it, and return what it says of itself.

    Raises CalledProcessError when it can't be installed or used.
    """
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "venv"
        subprocess.run([python, "-m", "venv", place], check=True)
        pip = [f"{place}/bin/python", "-m", "pip", "install", "--quiet"]
        pip.append("--disable-pip-version-check")
        locked = [*pip, "--require-hashes", "-r", f"{ROOT}/requirements.txt"]
        subprocess.run(locked, check=True)
        subprocess.run([*pip, "--no-deps", str(wheel)], check=True)
        sheet = shutil.copy(ROOT / "samples" / "customers.csv", folder)
        program = place / "bin" / "clopos-import"
        checked = subprocess.run([program, "check", sheet, "--quiet"], check=False, cwd=folder)
        if checked.returncode != 1:  # the sample has rows that need a person
            raise subprocess.CalledProcessError(checked.returncode, checked.args)
        said = subprocess.run([program, "--version"], check=True, capture_output=True, text=True)
        return said.stdout.strip()


def is_there(python: str) -> bool:
    """Return whether a Python can be started; a shim of a version that isn't chosen can't."""
    if not shutil.which(python):
        return False
    return subprocess.run([python, "-c", ""], check=False, capture_output=True).returncode == 0


def write_sbom(path: Path) -> None:
    """Write what users install with it as CycloneDX, from the locked requirements."""
    command = ["cyclonedx-py", "requirements", "requirements.txt", "--pyproject", "pyproject.toml"]
    command += ["--output-reproducible", "--of", "JSON", "-o", str(path)]
    subprocess.run(command, cwd=ROOT, check=True)


def main() -> None:
    """Build twice, compare, try, and write what goes with it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--python", action="append", default=[], help="to try the wheel with")
    asked = parser.parse_args().python
    pythons = [name for name in asked if is_there(name)]
    shutil.rmtree(DIST, ignore_errors=True)
    built = build(DIST)
    with tempfile.TemporaryDirectory() as folder:
        again = build(Path(folder))
        if [digest(path) for path in built] != [digest(path) for path in again]:
            sys.exit("two builds of one commit differ")
    write_sbom(DIST / "sbom.cdx.json")
    wheel = next(path for path in built if path.suffix == ".whl")
    click.echo(f"tried with {', '.join(pythons) or 'no other Python'}")
    if missing := [name for name in asked if name not in pythons]:
        click.echo(f"NOT tried with {', '.join(missing)}: not on this machine", err=True)
    for python in pythons:
        click.echo(f"{try_wheel(python, wheel)} installed and used with {python}")
    files = sorted(path for path in DIST.iterdir() if path.name != ".gitignore")
    sums = "".join(f"{digest(path)}  {path.name}\n" for path in files)
    (DIST / "SHA256SUMS").write_text(sums, "utf-8")
    click.echo(sums, nl=False)


if __name__ == "__main__":
    main()
