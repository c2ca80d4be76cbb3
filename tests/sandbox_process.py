"""A sandbox and a fork server in processes of their own, for tests that kill runs."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

REPO = Path(__file__).parents[1]


class Processes:
    """Controls of a sandbox and a fork server in other processes."""

    def __init__(self, env: dict[str, str], orders: IO[str], answers: IO[str]) -> None:
        self.env = env
        self._orders = orders
        self._answers = answers
        self._url = env["CLOPOS_BASE_URL"].removesuffix("/open-api") + "/sandbox/"

    def command(self, *argv: object, env: dict[str, str], **order: Any) -> dict[str, Any]:
        """Run the command in a child; `tests/fork_server.py` has the keys of order and answer."""
        given = {"argv": [str(each) for each in argv], "env": self.env | env, **order}
        self._orders.write(json.dumps(given) + "\n")
        self._orders.flush()
        answer: dict[str, Any] = json.loads(self._answers.readline())
        return answer

    def sandbox(self, what: str, body: Any = None, method: str | None = None) -> Any:
        """Return what `/sandbox/…` answers; a body changes it."""
        assert self._url.startswith("http://127.0.0.1:")
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(self._url + what, data, headers, method=method)  # noqa: S310
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            return json.load(answer)


@contextmanager
def sandbox_and_fork_server() -> Iterator[Processes]:
    """Run an empty sandbox without limits, and a fork server."""
    with ExitStack() as stack:

        def start(*arguments: str) -> subprocess.Popen[str]:
            process = stack.enter_context(
                subprocess.Popen(
                    [sys.executable, "-u", "-m", *arguments],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                    cwd=REPO,
                )
            )
            stack.callback(process.terminate)
            return process

        server = start("importer", "sandbox", "--port", "0", "--empty", "--no-limits")
        fork_server = start("tests.fork_server")
        assert server.stdout
        assert fork_server.stdin
        assert fork_server.stdout
        env: dict[str, str] = {}
        for line in server.stdout:
            if "version 1" in line:
                break
            if line.startswith("export "):
                name, _, value = line.removeprefix("export ").strip().partition("=")
                env[name] = value.strip("'\"")
        yield Processes(env, fork_server.stdin, fork_server.stdout)
