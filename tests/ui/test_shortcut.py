"""The file to double-click."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from importer.errors import UsageError
from importer.ui.shortcut import starter, write_starter

FOLDER = "/home/aysel/Köhnə sistem $1 `x` 100% \\ it's"


def test_mac_starter_runs_the_command_in_its_folder(tmp_path: Path) -> None:
    path = write_starter(tmp_path, "darwin", "/bin/echo", Path(FOLDER))
    assert os.access(path, os.X_OK)
    said = subprocess.run([path], capture_output=True, text=True, check=True).stdout
    assert said == f"-m importer ui {FOLDER}\n"


def test_desktop_entry_follows_its_specification() -> None:
    text = starter("linux", "/usr/bin/python3", FOLDER).text
    line = next(line for line in text.splitlines() if line.startswith("Exec="))
    value = line.removeprefix("Exec=").replace("\\\\", "\\")  # a string: first the escapes of it
    words = shlex.split(value.replace("\\`", "`").replace("\\$", "$"))  # then those of the quotes
    assert [word.replace("%%", "%") for word in words] == [
        "/usr/bin/python3",
        *"-m importer ui".split(),
        FOLDER,
    ]


def test_batch_file_quotes_its_folder() -> None:
    name, text = starter("win32", r"C:\Program Files\python.exe", r"C:\Old lists 100%")
    assert name.endswith(".cmd")
    assert r'"C:\Program Files\python.exe" -m importer ui "C:\Old lists 100%%"' in text


def test_folder_name_that_no_starter_can_contain_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No shortcut"):
        write_starter(tmp_path, sys.platform, sys.executable, Path('/a"b'))
