"""Ctrl-C and SIGTERM at every stage: exit 130, no outcome lost, no incomplete file."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pty
import signal
import socket
import subprocess
import threading
from typing import TYPE_CHECKING

import pytest

from importer.pipeline import Output, SendOptions, arun
from importer.progress import NullReporter
from importer.sandbox import Config, serve
from tests.cli_process import ask_sandbox, command, lines_of, serving, started, until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from importer.progress import StepProgress

CREDENTIALS = {
    "CLOPOS_CLIENT_ID": "c",
    "CLOPOS_CLIENT_SECRET": "s",
    "CLOPOS_BRAND": "sandbox",
    "CLOPOS_INTEGRATOR_ID": "i",
}
EACH_SIGNAL = [
    signal.SIGINT,
    pytest.param(signal.SIGTERM, marks=pytest.mark.slow(reason="the same by another signal")),
]


@pytest.fixture
def sheet(tmp_path: Path) -> Path:
    path = tmp_path / "list.csv"
    rows = "".join(f"Demo {n},05000{n:05}\n" for n in range(1, 41))
    path.write_text(f"Name,Phone\n{rows}", encoding="utf-8")
    return path


def output_after_130(process: subprocess.Popen[str]) -> tuple[str, str]:
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130, err
    assert "Traceback" not in err
    return out, err


def parts(folder: Path) -> list[Path]:
    return list(folder.rglob("*.part"))


@pytest.mark.parametrize("number", EACH_SIGNAL)
def test_signal_while_reading_the_sheet_ends_the_command(
    tmp_path: Path, number: signal.Signals
) -> None:
    with started("check", "-", stdin=subprocess.PIPE, cwd=tmp_path) as process:
        assert process.stdin
        process.stdin.write(
            "Name\n" * 100_000
        )  # more than the buffer of a pipe, so the command is reading it
        process.send_signal(number)
        _, err = output_after_130(process)
    assert "Interrupted" in err
    assert list(tmp_path.iterdir()) == []


def test_sigterm_ends_a_command_that_ignores_ctrl_c(tmp_path: Path) -> None:
    """A shell starts background commands with SIGINT ignored."""

    def ignore_ctrl_c() -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)

    with started(
        "check", "-", stdin=subprocess.PIPE, cwd=tmp_path, preexec_fn=ignore_ctrl_c
    ) as process:
        assert process.stdin
        process.stdin.write("Name\n" * 100_000)
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGTERM)
        output_after_130(process)


def test_run_under_nohup_survives_its_terminal(sheet: Path) -> None:
    def nohup() -> None:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)

    with serving(sheet.parent, "--latency", "0.1-0.1") as found:
        arguments = ("run", sheet, "--yes", "--concurrency", "4", "--rate", "none")
        with started(*arguments, env=found["2"], preexec_fn=nohup) as process:
            until(lambda: ask_sandbox(found["2"], "customers"))
            process.send_signal(signal.SIGHUP)
            process.communicate(timeout=30)
        assert process.returncode == 0


def test_interrupt_while_reading_customers_ends_the_run_at_once(sheet: Path) -> None:
    """The server accepts the connection and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        env = CREDENTIALS | {
            "CLOPOS_BASE_URL": f"http://127.0.0.1:{port}/",
            "CLOPOS_STATE_DIR": str(sheet.parent / "state"),
        }
        with started("run", sheet, "--yes", env=env) as process:
            connection, _ = silent.accept()
            with connection:
                process.send_signal(signal.SIGINT)
                _, err = output_after_130(process)
    assert "Interrupted" in err
    assert not (sheet.parent / "list.csv.results.xlsx").exists()
    assert parts(sheet.parent) == []


def test_interrupt_at_the_confirmation_sends_no_row(sheet: Path) -> None:
    with serving(sheet.parent) as found:
        ours, theirs = pty.openpty()
        told = b""
        with started("run", sheet, env=found["2"], stdin=theirs) as process:
            os.close(theirs)
            assert process.stderr
            while b"[y/N]" not in told:
                told += os.read(process.stderr.fileno(), 4096)
            process.send_signal(signal.SIGINT)
            output_after_130(process)
        os.close(ours)
        assert ask_sandbox(found["2"], "customers") == []
        assert not (sheet.parent / "list.csv.results.xlsx").exists()


@pytest.mark.parametrize("number", EACH_SIGNAL)
def test_interrupt_while_sending_finishes_requests_in_flight(
    sheet: Path, number: signal.Signals
) -> None:
    with serving(sheet.parent, "--latency", "0.3-0.3") as found:
        env = found["2"]
        arguments = ("run", sheet, "--yes", "--concurrency", "4", "--rate", "none")
        with started(*arguments, env=env) as process:
            until(lambda: ask_sandbox(env, "customers"))
            process.send_signal(number)
            out, err = output_after_130(process)
        assert "Stopping" in err
        assert "continues" in err
        assert "pending" in out
        created = {str(each["id"]) for each in ask_sandbox(env, "customers")}
        results = sheet.parent / "list.csv.results.xlsx"
        lines = lines_of(results)
        assert {line["clopos_id"] for line in lines if line["clopos_id"]} == created
        assert {line["import_status"] for line in lines} == {"created", "pending"}
        ask_sandbox(env, "config", {"latency": [0, 0]})
        assert command(*arguments, env=env).returncode == 0
        assert len(ask_sandbox(env, "customers")) == 40


def test_second_interrupt_exits_at_once_and_loses_no_row(sheet: Path) -> None:
    with serving(sheet.parent, "--latency", "3-3") as found:
        env = found["2"]
        arguments = ("run", sheet, "--yes", "--rate", "none", "--match", "never", "--settle", "0")
        with started(*arguments, env=env) as process:
            until(lambda: any(seen["route"] == "create" for seen in ask_sandbox(env, "requests")))
            process.send_signal(signal.SIGTERM)
            assert process.stderr
            until(lambda: "Stopping" in process.stderr.readline())  # type: ignore[union-attr]
            threading.Event().wait(0.25)  # two signals within 0.25 s count as one key press
            process.send_signal(signal.SIGINT)
            output_after_130(process)
        ask_sandbox(env, "config", {"latency": [0, 0]})
        assert command(*arguments, env=env).returncode == 0
        names = [each["name"] for each in ask_sandbox(env, "customers")]
        assert sorted(names) == sorted({f"Demo {n}" for n in range(1, 41)})


def test_stop_while_results_are_written_leaves_them_complete(sheet: Path) -> None:
    class Stopping(NullReporter):
        @contextlib.contextmanager
        def step(self, what: str) -> Iterator[StepProgress]:
            if what.startswith("writing"):
                stop.set()
            yield lambda *_, **__: None

    stop = asyncio.Event()
    results = sheet.parent / "results.csv"
    result = asyncio.run(
        arun(
            sheet,
            output=Output(results),
            sending=SendOptions(sandbox=True, rate="none"),
            reporter=Stopping(),
            stop=stop,
        )
    )
    assert result.exit_code == 130
    assert result.summary.as_dict()["created"] == 40
    assert {line["import_status"] for line in lines_of(results)} == {"created"}


async def test_cancelled_run_writes_the_status_of_every_row(sheet: Path) -> None:
    results = sheet.parent / "results.csv"
    async with serve(Config(latency=(1.0, 1.0))) as sandbox:
        env = sandbox.env(2) | {"CLOPOS_STATE_DIR": str(sheet.parent / "state")}
        running = asyncio.ensure_future(arun(sheet, output=Output(results), env=env))
        await asyncio.sleep(5)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        created = len(sandbox.customers())
    statuses = [line["import_status"] for line in lines_of(results)]
    assert 0 < statuses.count("created") == created < 40
    assert statuses.count("pending") == 40 - created
