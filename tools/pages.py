"""Parts of README and docs that are made from the program: `make pages` writes them anew.

- Blocks of `console` are commands and what they print; a block of `python` is followed by one of
  `text` with what it prints. Those of a page are run one after the other in a folder of its own,
  which has the samples and a sheet customers.csv, against a sandbox.
- Between marks stand tables and texts that are made from the program, see `generated`.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path

import click

from importer.cli.commands import commands
from importer.cli.translated_click import SHOW_ALL
from importer.i18n import LANGUAGES
from importer.problems import CATALOGUE
from importer.questions.catalogue import KINDS
from importer.sandbox import Config, serve
from tools import json_schemas

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
PAGES = (README, *sorted((ROOT / "docs").rglob("*.md")))
_BLOCK = re.compile(
    r"^(?P<indent> *)```(?P<kind>console|python)\n(?P<body>.*?)^ *```\n"
    r"(?P<shown>\n^ *```text\n(?P<output>.*?)^ *```\n)?",
    re.MULTILINE | re.DOTALL,
)
_MARKED = re.compile(r"(?s)(<!-- generated: (\w+) -->\n).*?(<!-- end -->)")
_CHANGING = (  # what is different each time
    (re.compile(r"\b[0-9.,]+\s(seconds|san|с|sn)\b"), r"N \1"),
    (re.compile(r"\bdone at [0-9:]+"), "done at N"),
    (re.compile(r"127\.0\.0\.1:[0-9]+"), "127.0.0.1:N"),
)


def steady(text: str) -> str:
    """Return text without what is different each time."""
    for pattern, word in _CHANGING:
        text = pattern.sub(word, text)
    return text


def blocks(text: str) -> list[str]:
    """Return the blocks of a page that are run, each with what it shows."""
    return [match[0] for match in _BLOCK.finditer(text)]


def generated(text: str) -> str:
    """Return the page with what stands between its marks made anew."""
    return _MARKED.sub(lambda match: f"{match[1]}{_MAKERS[match[2]]()}{match[3]}", text)


def language_of(page: Path) -> str:
    """Return the language of a page: that of its folder, else English."""
    return page.parent.name if page.parent.name in LANGUAGES else "en"


def run_anew(text: str, language: str = "en") -> str:
    """Return the page with what its commands print today. Raises RuntimeError when one fails."""
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(_run(text, language, Path(folder)))


async def _run(text: str, language: str, folder: Path) -> str:
    shutil.copytree(ROOT / "samples", folder / "samples", ignore=shutil.ignore_patterns("*.png"))
    shutil.copy(ROOT / "samples" / "customers.csv", folder)
    async with serve(Config()) as sandbox:
        env = os.environ | sandbox.env(2) | {"CLOPOS_STATE_DIR": str(folder / "state")}
        env |= {"PATH": f"{Path(sys.executable).parent}:{env['PATH']}", "COLUMNS": "80"}
        env |= {"LANG": language, "LC_ALL": "", "LC_MESSAGES": "", "PYTHONUTF8": "1"}
        parts, end = [], 0
        for match in _BLOCK.finditer(text):
            parts.append(text[end : match.start()])
            parts.append(await asyncio.to_thread(_block, match, folder, env))
            end = match.end()
        return "".join([*parts, text[end:]])


def _block(match: re.Match[str], folder: Path, env: dict[str, str]) -> str:
    indent, body = match["indent"], textwrap.dedent(match["body"])
    if match["kind"] == "python":
        printed = _printed([sys.executable, "-c", body], folder, env)
        return f"```python\n{body}```\n\n```text\n{printed}```\n"
    lines = ""
    for line in body.splitlines():
        if line.startswith("$ "):
            shown = _printed(["sh", "-c", line[2:]], folder, env)
            keep = "\n" in body.rstrip("\n")  # a command alone stays alone
            lines += f"{line}\n{shown if keep else ''}"
    return textwrap.indent(f"```console\n{lines}```\n", indent)


def _printed(command: list[str], folder: Path, env: dict[str, str]) -> str:
    done = subprocess.run(
        command,
        cwd=folder,
        env=env,
        check=False,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    if done.returncode not in {0, 1}:
        raise RuntimeError(f"{command[-1]} ended with {done.returncode}:\n{done.stdout}")
    return done.stdout


def _questions() -> str:
    head = "| code | what is seen | threshold | answer, beside `--accept` |\n"
    head += "| --- | --- | --- | --- |\n"
    return head + "".join(
        f"| `{kind.code}` | {kind.evidence} | {kind.threshold} | {kind.answers} |\n"
        for kind in KINDS
    )


def _problems() -> str:
    head = "| code | rule | reach | what | fix |\n| --- | --- | --- | --- | --- |\n"
    return head + "".join(
        f"| `{code}` | {entry.rule} | {entry.level.value} | {entry.title} | {entry.hint} |\n"
        for code, entry in CATALOGUE.items()
    )


def _commands() -> str:
    """Return the help of every command, those within groups included."""
    parts = []

    def add(name: str, command: click.Command, parent: click.Context | None) -> None:
        context = click.Context(command, parent, name, terminal_width=80, max_content_width=80)
        context.meta[SHOW_ALL] = True
        parts.append(f"## {context.command_path}\n\n```text\n{command.get_help(context)}\n```\n")
        below = command.commands if isinstance(command, click.Group) else {}
        for each, inner in below.items():
            if not inner.hidden:
                add(each, inner, context)

    add("clopos-import", commands, None)
    return "\n" + "\n".join(parts) + "\n"


_MAKERS = {"questions": _questions, "problems": _problems, "commands": _commands}


if __name__ == "__main__":
    for page in PAGES:
        text = generated(page.read_text("utf-8"))
        page.write_text(run_anew(text, language_of(page)), "utf-8")
    json_schemas.write()
