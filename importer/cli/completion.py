"""`--install-completion`: flags and file names at the press of Tab in bash, zsh and fish."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from click.shell_completion import get_completion_class

from importer.errors import UsageError
from importer.files import atomic_write
from importer.i18n import tr

if TYPE_CHECKING:
    from collections.abc import Mapping

    import click

PROGRAM = "clopos-import"
SHELLS = ("bash", "zsh", "fish")


def install_completion(commands: click.Command, shell: str, env: Mapping[str, str]) -> Path:
    """Write the shell's completion where it looks for one, and return the path.

    An empty `shell` is the one of $SHELL. zsh looks nowhere by itself: a line is added to .zshrc.

    Raises UsageError when the shell isn't known, ServiceError when nothing can be written.
    """
    shell = shell or Path(env.get("SHELL", "")).name
    kind = get_completion_class(shell)
    if shell not in SHELLS or kind is None:
        raise UsageError(
            tr("The shell isn't known: {shell}", shell=shell or "$SHELL"),
            fix=tr("name it: --install-completion bash, zsh or fish"),
        )
    home = Path(env.get("HOME") or Path.home())
    data = Path(env.get("XDG_DATA_HOME") or home / ".local" / "share")
    path = {
        "bash": data / "bash-completion" / "completions" / PROGRAM,
        "zsh": data / PROGRAM / "completion.zsh",
        "fish": Path(env.get("XDG_CONFIG_HOME") or home / ".config")
        / "fish"
        / "completions"
        / f"{PROGRAM}.fish",
    }[shell]
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(path) as aside:
        aside.write_text(kind(commands, {}, PROGRAM, "_CLOPOS_IMPORT_COMPLETE").source(), "utf-8")
    if shell == "zsh":
        startup = Path(env.get("ZDOTDIR") or home) / ".zshrc"
        line = f'source "{path}"'
        if not startup.exists() or line not in startup.read_text("utf-8").splitlines():
            with startup.open("a", encoding="utf-8") as file:
                file.write(f"\n# completion of {PROGRAM}\n{line}\n")
    return path
