"""Completion by Tab, in the shells of this machine."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from importer.cli.commands import commands
from importer.cli.completion import install_completion
from importer.cli.main import run_command
from importer.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def environment(home: Path) -> Mapping[str, str]:
    return {"HOME": str(home), "SHELL": "/usr/bin/zsh"}


@pytest.mark.parametrize(
    ("shell", "where"),
    [
        ("bash", ".local/share/bash-completion/completions/clopos-import"),
        ("zsh", ".local/share/clopos-import/completion.zsh"),
        ("fish", ".config/fish/completions/clopos-import.fish"),
    ],
)
def test_completion_is_installed_in_the_folder_of_the_shell(
    tmp_path: Path, shell: str, where: str
) -> None:
    path = install_completion(commands, shell, environment(tmp_path))
    assert path == tmp_path / where
    assert "_CLOPOS_IMPORT_COMPLETE" in path.read_text("utf-8")


def test_zsh_is_configured_once(tmp_path: Path) -> None:
    for _ in range(2):
        path = install_completion(commands, "", environment(tmp_path))
    assert (tmp_path / ".zshrc").read_text("utf-8").count(f'source "{path}"') == 1


def test_unknown_shell_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(UsageError, match="isn't known: powershell"):
        install_completion(commands, "powershell", environment(tmp_path))
    assert run_command(["--install-completion", "csh"]) == 2
    assert "name it: --install-completion bash" in capsys.readouterr().err


def test_command_prints_the_path_of_the_completion(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("SHELL", "/bin/bash")
    assert run_command(["--install-completion"]) == 0
    assert "data/bash-completion/completions/clopos-import" in capsys.readouterr().out


@pytest.mark.parametrize(("typed", "words"), [("ch", "check"), ("run x --max-r", "--max-rejected")])
def test_bash_completes_commands_and_flags(tmp_path: Path, typed: str, words: str) -> None:
    if not shutil.which("bash"):
        pytest.skip("there is no bash on this machine")
    program = tmp_path / "clopos-import"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m importer "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    path = install_completion(commands, "bash", {"HOME": str(tmp_path)})
    words_typed = ["clopos-import", *typed.split()]
    script = (
        f"source {path}; COMP_WORDS=({' '.join(words_typed)}); COMP_CWORD={len(words_typed) - 1}; "
        '_clopos_import_completion clopos-import; echo "${COMPREPLY[@]}"'
    )
    done = subprocess.run(
        ["bash", "-c", script],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}"},
    )
    assert done.stdout.split() == [words]
