"""The real command and the real sandbox, each in a process of its own."""

from __future__ import annotations

import contextlib
import csv
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

PROGRAM = (sys.executable, "-u", "-m", "importer")


def command(*arguments: object, env: dict[str, str] | None = None, cwd: Path | None = None) -> Any:
    """Run clopos-import to its end."""
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
    """Run clopos-import beside the test; it is killed when the block ends before it does.

    It hears Ctrl-C, also where the tests run in the background and don't.
    """
    before = options.pop("preexec_fn", lambda: None)

    def begin() -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        before()

    with subprocess.Popen(
        [*PROGRAM, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | (env or {}),
        preexec_fn=begin,  # noqa: PLW1509 - no other thread holds a lock then
        **options,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


@contextlib.contextmanager
def serving(folder: Path, *flags: object) -> Iterator[dict[str, dict[str, str]]]:
    """Run `clopos-import sandbox` on a free port: version → the variables it prints.

    `folder` is where those who use them keep their state.
    """
    found: dict[str, dict[str, str]] = {"1": {}, "2": {}}
    english = {"LC_ALL": "C.UTF-8"}  # before a test takes the person's language away
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


def told_by(env: dict[str, str], what: str, body: Any = None) -> Any:
    """Ask a sandbox in another process what is there, what happened; or tell it, with a body."""
    url = env["CLOPOS_BASE_URL"].removesuffix("/open-api")
    assert url.startswith("http://127.0.0.1:")
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(f"{url}/sandbox/{what}", data, timeout=10) as answer:  # noqa: S310
        return json.load(answer)


def until(true: Callable[[], object], seconds: float = 30) -> None:
    """Wait until something of another process is true."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def lines_of(path: Path, delimiter: str = ",") -> list[dict[str, str]]:
    """Return the lines of a results file."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file, delimiter=delimiter))
