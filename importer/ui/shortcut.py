"""A file to double-click that starts `clopos-import ui` in a folder."""

from __future__ import annotations

import os
import shlex
import subprocess
from typing import TYPE_CHECKING, NamedTuple

from importer.errors import UsageError
from importer.files import atomic_write
from importer.i18n import tr

if TYPE_CHECKING:
    from pathlib import Path

_IN_DESKTOP_ENTRY = str.maketrans({"\\": "\\" * 4, "`": r"\\`", "$": r"\\$", "%": "%%"})
_IN_BATCH = str.maketrans({"%": "%%"})


class Starter(NamedTuple):
    """The file: its name and text."""

    name: str
    text: str


def starter(platform: str, python: str, folder: str) -> Starter:
    """Return the file for a platform (`sys.platform`) that starts the page of a folder."""
    command = [python, "-m", "importer", "ui", folder]
    if platform == "win32":
        line = subprocess.list2cmdline(command).translate(_IN_BATCH)
        return Starter("Clopos import.cmd", f"@echo off\r\nchcp 65001 >nul\r\n{line}\r\npause\r\n")
    if platform == "darwin":
        return Starter("Clopos import.command", f"#!/bin/sh\nexec {shlex.join(command)}\n")
    quoted = " ".join(f'"{part.translate(_IN_DESKTOP_ENTRY)}"' for part in command)
    return Starter(
        "clopos-import.desktop",
        "[Desktop Entry]\nType=Application\nName=Clopos import\n"
        f"Exec={quoted}\nTerminal=true\nCategories=Office;\n",
    )


def write_starter(desktop: Path, platform: str, python: str, folder: Path) -> Path:
    """Write the file to the desktop and return where it is.

    Raises UsageError for a folder whose name no such file can hold, ServiceError when it can't be
    written.
    """
    if any(letter in str(folder) for letter in '\n\r"'):
        raise UsageError(
            tr("No shortcut can name this folder: {folder}", folder=folder), fix=tr("rename it")
        )
    made = starter(platform, python, str(folder))
    path = desktop / made.name
    with atomic_write(path, 0o600) as part:
        part.write_text(made.text, encoding="utf-8", newline="")
    if os.name != "nt":
        path.chmod(0o700)
    return path
