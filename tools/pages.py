"""README's commands, run: `python -m tools.pages` writes anew what they print today.

Blocks of `console` are commands and what they print, a block of `python` is followed by one of
`text` with what it prints. All are run one after the other in a folder that has the samples and a
sheet customers.csv, against a sandbox.
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

from importer.sandbox import Config, serve

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
_BLOCK = re.compile(
    r"^(?P<indent> *)```(?P<kind>console|python)\n(?P<body>.*?)^ *```\n"
    r"(?P<shown>\n^ *```text\n(?P<output>.*?)^ *```\n)?",
    re.MULTILINE | re.DOTALL,
)
_CHANGING = (  # what is different each time
    (re.compile(r"\b[0-9.]+ seconds\b"), "N seconds"),
    (re.compile(r"\bdone at [0-9:]+"), "done at N"),
    (re.compile(r"127\.0\.0\.1:[0-9]+"), "127.0.0.1:N"),
)


def steady(text: str) -> str:
    """Return text without what is different each time."""
    for pattern, word in _CHANGING:
        text = pattern.sub(word, text)
    return text


def run_anew(text: str) -> str:
    """Return the page with what its commands print today. Raises RuntimeError when one fails."""
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(_run(text, Path(folder)))


async def _run(text: str, folder: Path) -> str:
    shutil.copytree(ROOT / "samples", folder / "samples", ignore=shutil.ignore_patterns("*.png"))
    shutil.copy(ROOT / "samples" / "customers.csv", folder)
    async with serve(Config()) as sandbox:
        env = os.environ | sandbox.env(2) | {"CLOPOS_STATE_DIR": str(folder / "state")}
        env |= {"PATH": f"{Path(sys.executable).parent}:{env['PATH']}", "COLUMNS": "80"}
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


if __name__ == "__main__":
    README.write_text(run_anew(README.read_text("utf-8")), "utf-8")
