"""A process that has imported everything and forks children, which run the real command.

    python -m tests.fork_server      one order a line on standard input, one answer a line back

A fork costs milliseconds where a start costs a second, so a test can kill hundreds of children. An
order is {"argv": […], "env": {…}, "kill": [n, seconds] or null, "die_at": n or null}; the answer is
{"code": exit code, or -9 when it was killed, "out": standard output, "seconds": its duration}.

Crash points are before and after each transaction of the store and each request; between two of
them nothing leaves the process. `die_at` kills the child at its n-th crash point. `kill` kills it
from outside, some seconds after its n-th crash point of a request: counting requests makes the
moment independent of the speed of the machine.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import io
import json
import os
import pkgutil
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import importer
from importer.cli.main import run_command
from importer.clopos.transport import Transport
from importer.store.sqlite_file import Database

if TYPE_CHECKING:
    from collections.abc import Callable

_REQUEST, _TRANSACTION = b"r", b"t"  # one byte in the file of crash points


def main() -> None:
    """Run orders until standard input ends."""
    _import_all()
    gc.freeze()  # children's collections skip the objects of the parent
    for line in sys.stdin:
        sys.stdout.write(json.dumps(_run_order(json.loads(line))) + "\n")
        sys.stdout.flush()


def _import_all() -> None:
    """Import also what the command imports late, so that no child is killed while importing."""
    for module in pkgutil.walk_packages(importer.__path__, "importer."):
        if not module.name.startswith(("importer.ui", "importer.fleet", "importer.__main__")):
            importlib.import_module(module.name)
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        sheet = Path(folder, "sheet.csv")
        sheet.write_text("Name,Phone\nDemo,+994500000001\n", "utf-8")
        os.environ["CLOPOS_STATE_DIR"] = folder  # an order has that of its child
        assert run_command(["check", str(sheet), "--quiet"]) == 0  # imports pandera and pandas


def _run_order(order: dict[str, Any]) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        out, points = Path(folder, "out"), Path(folder, "points")
        started = time.monotonic()
        child = os.fork()
        if child == 0:
            _run_in_child(order, out, points)
        status = _watch(child, points, *order["kill"]) if order.get("kill") else None
        if status is None:
            _, status = os.waitpid(child, 0)
        return {
            "code": os.waitstatus_to_exitcode(status),
            "out": out.read_text("utf-8") if out.exists() else "",
            "seconds": time.monotonic() - started,
        }


def _watch(child: int, points: Path, passed: int, seconds: float) -> int | None:
    """Kill the child at its moment. Return its wait status if it ended before that."""
    while passed and not (points.exists() and points.read_bytes().count(_REQUEST) >= passed):
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return status
        time.sleep(0.0005)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    return None


def _run_in_child(order: dict[str, Any], out: Path, points: Path) -> None:
    """Run the command in the forked process, and exit with its code."""
    os.environ.update(order["env"])
    stream = os.open(out, os.O_CREAT | os.O_WRONLY, 0o600)
    os.dup2(stream, 1)
    os.dup2(os.open(order.get("log") or os.devnull, os.O_CREAT | os.O_APPEND | os.O_WRONLY), 2)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    _count_crash_points(order.get("die_at"), points)
    code = run_command(order["argv"])
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _count_crash_points(die_at: int | None, points: Path) -> None:
    """Count crash points in a file, and kill this process at the n-th."""
    counted = os.open(points, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)

    def point(kind: bytes) -> None:
        os.write(counted, kind)
        if die_at is not None and os.fstat(counted).st_size > die_at:
            os.kill(os.getpid(), signal.SIGKILL)

    in_thread: Callable[..., Any] = Database.in_thread
    send: Callable[..., Any] = Transport.send

    def between(kind: bytes, work: Callable[..., Any]) -> Callable[..., Any]:
        async def armed(*args: Any, **kwargs: Any) -> Any:
            point(kind)
            result = await work(*args, **kwargs)
            point(kind)
            return result

        return armed

    # Every commit of the store runs in there.
    setattr(Database, "in_thread", between(_TRANSACTION, in_thread))  # noqa: B010 - mypy knows it is a method
    setattr(Transport, "send", between(_REQUEST, send))  # noqa: B010


if __name__ == "__main__":
    main()
