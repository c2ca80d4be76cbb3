"""The real command and the real sandbox, each in a process of its own."""

from __future__ import annotations

import contextlib
import csv
import fcntl
import json
import os
import pty
import subprocess
import sys
import termios
import time
import urllib.request
from typing import TYPE_CHECKING, Any

import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

PROGRAM = (sys.executable, "-u", "-m", "importer")


def command(*arguments: object, env: dict[str, str] | None = None, cwd: Path | None = None) -> Any:
    """Run clopos-import until it ends."""
    return subprocess.run(
        [*PROGRAM, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | (env or {}),
        cwd=cwd,
        timeout=60,
    )


@contextlib.contextmanager
def started(
    *arguments: object, env: dict[str, str] | None = None, **options: Any
) -> Iterator[subprocess.Popen[str]]:
    """Run clopos-import beside the test; kill it at the end of the block if it still runs."""
    with subprocess.Popen(
        [*PROGRAM, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | (env or {}),
        **options,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def run_on_terminal(
    folder: Path,
    turns: Iterable[tuple[str, str]],
    *arguments: str,
    env: dict[str, str] | None = None,
) -> tuple[int, str]:
    """Run the command on a new terminal; return its exit code and all that the screen showed.

    `turns` are pairs of a prompt and the text that is typed once the prompt is shown.
    """
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [*PROGRAM, *arguments],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        cwd=folder,
        env=os.environ | {"NO_COLOR": "1", "LANG": "C.UTF-8", "COLUMNS": "100"} | (env or {}),
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509 - Ctrl-C needs it
    ) as process:
        os.close(theirs)
        shown, seen = "", 0
        left = list(turns)
        try:
            while part := os.read(ours, 65536):
                shown += part.decode()
                while left and (place := shown.find(left[0][0], seen)) >= 0:
                    seen = place + len(left[0][0])
                    os.write(ours, left.pop(0)[1].encode())
        except OSError:  # the other side is closed
            pass
        code = process.wait(30)
    os.close(ours)
    assert not left, shown
    return code, shown.replace("\r\n", "\n")


@contextlib.contextmanager
def serving(folder: Path, *flags: object) -> Iterator[dict[str, dict[str, str]]]:
    """Run `clopos-import sandbox` on a free port: version → the variables it prints.

    A command with these variables keeps its state below `folder`.
    """
    found: dict[str, dict[str, str]] = {"1": {}, "2": {}}
    english = {"LC_ALL": "C.UTF-8"}  # fixtures of a module run before the one that resets it
    with started("sandbox", "--port", "0", "--empty", *flags, env=english) as process:
        assert process.stdout
        version = ""
        for line in process.stdout:
            if line.startswith("# version "):
                version = line.split()[2]
            if line.startswith("export "):
                name, _, value = line.removeprefix("export ").strip().partition("=")
                found[version][name] = value.strip("'\"")
            if line.startswith("# stop"):
                break
        for variables in found.values():
            variables["CLOPOS_STATE_DIR"] = str(folder / "state")
        yield found
        process.terminate()
        assert process.wait(10) == 0


def ask_sandbox(env: dict[str, str], what: str, body: Any = None) -> Any:
    """Return what `/sandbox/…` of a sandbox in another process answers; a body changes it."""
    url = env["CLOPOS_BASE_URL"].removesuffix("/open-api")
    assert url.startswith("http://127.0.0.1:")
    data = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(f"{url}/sandbox/{what}", data, headers)  # noqa: S310
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
        return json.load(answer)


def until(true: Callable[[], object], seconds: float = 30, every: float = 0.02) -> None:
    """Wait until a condition about another process holds; fail after so many seconds."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(every)


def lines_of(path: Path, delimiter: str = ",") -> list[dict[str, str]]:
    """Return the lines of a results file (CSV or workbook): column → text."""
    if path.suffix == ".xlsx":
        table = pd.read_excel(path, dtype=str, keep_default_na=False, engine="openpyxl")
        return [
            {str(name): cell for name, cell in line.items()} for line in table.to_dict("records")
        ]
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file, delimiter=delimiter))
