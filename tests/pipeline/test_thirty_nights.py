"""Thirty nights of an unattended job: mails and pings are those an operator expects."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
import time_machine

from importer.cli.main import run_command
from importer.sandbox import Config, Sandbox, serve
from tests.cli.test_watching import Receiver, receiving
from tests.cli_process import ask_sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

START = datetime(2026, 11, 1, 3, 15, tzinfo=UTC)
"""When the job of the first night begins."""
HEADER = "Name,Phone"
KNOWN_BAD = "Kamran Demo,12"
PROJECT = """\
[options]
rate = "none"
quiet = true
known-problems = "ok"
min-age = 60
min-rows = "50%"
metrics = "clopos.prom"
notify = ["json://{url}"]
ping = "http://{url}/job"

[[sheets]]
path = "drop/customers-*.csv"
newest = true
move-to = "done"
"""
# Fault of a night, exit code, title of the mail ("": none), end of the ping.
ODD_NIGHTS = {
    1: ("first night, with a row that needs a person", 1, "a person is needed", ""),
    6: ("header changes", 2, "failed", "/fail"),
    9: ("cut in half", 2, "failed", "/fail"),
    12: ("not written", 2, "failed", "/fail"),
    13: ("still being written", 2, "failed", "/fail"),
    15: ("secret expired", 3, "failed", "/fail"),
    18: ("machine was off", None, "", None),
    21: ("another bad row", 1, "a person is needed", ""),
    24: ("bad row is fixed", 0, "", ""),
    27: ("the bad row is back", 1, "a person is needed", ""),
}


def begin(night: int) -> datetime:
    return START + timedelta(days=night - 1)


def sheet_of(night: int) -> str:
    rows = [f"Demo {n},05000{n:05}" for n in range(1, 60 + night)]
    bad = [] if night in range(24, 27) else [KNOWN_BAD]
    bad += ["Zaur Demo,99"] if night >= 21 else []
    header = "Name,Reference" if night == 6 else HEADER
    rows = rows[: len(rows) // 3] if night == 9 else rows
    return "\n".join([header, *rows[:5], *bad, *rows[5:]]) + "\n"


@contextmanager
def sandbox() -> Iterator[Sandbox]:
    """Run a sandbox in a thread of this process, on the clock that the test moves."""
    found: list[Sandbox] = []
    begun = threading.Event()
    stop = asyncio.Event()
    loop = asyncio.new_event_loop()

    async def until_stopped() -> None:
        unlimited = Config(auth_per_minute=None, failed_per_minute=None, per_minute=None)
        async with serve(unlimited) as here:
            found.append(here)
            begun.set()
            await stop.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(until_stopped(),))
    thread.start()
    try:
        assert begun.wait(10)
        yield found[0]
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()


@pytest.mark.slow(reason="thirty runs of the whole command")
def test_thirty_nights_send_the_expected_mails_and_pings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A drop folder with a new file each night; a month of faults."""
    monkeypatch.chdir(tmp_path)
    drop = tmp_path / "drop"
    drop.mkdir()
    with receiving() as receiver, sandbox() as clopos:
        env = clopos.env(2) | {"CLOPOS_STATE_DIR": str(tmp_path / "state")}
        for name, value in env.items():
            monkeypatch.setenv(name, value)
        project = tmp_path / "clopos.toml"
        project.write_text(PROJECT.format(url=receiver.url))
        project.chmod(0o600)
        for night in range(1, 31):
            with time_machine.travel(begin(night)):
                run_night(night, drop, receiver, monkeypatch)
        names = [each["name"] for each in ask_sandbox(env, "customers")]
    assert len(names) == len(set(names)) == 89
    # A sheet that couldn't be sent stays in the drop folder.
    left = sorted(each.name for each in drop.glob("*.csv"))
    assert left == ["customers-13.csv", "customers-15.csv"]
    capsys.readouterr()
    assert run_command(["history", "--json"]) == 0
    days = {int(day) for day in re.findall(r'"2026-11-(\d\d)', capsys.readouterr().out)}
    failed_early = {night for night, odd in ODD_NIGHTS.items() if odd[1] in {2, None}}
    assert days == set(range(1, 31)) - failed_early


def run_night(night: int, drop: Path, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    what, code, title, end = ODD_NIGHTS.get(night, ("nothing new", 0, "", ""))
    if code is None:  # the service notices a missing ping
        return
    sheet = drop / f"customers-{night:02}.csv"
    if night == 12:
        shutil.rmtree(drop)  # with its content
        drop.mkdir()
    else:
        sheet.write_text(sheet_of(night), "utf-8")
        age = timedelta(seconds=20) if night == 13 else timedelta(minutes=15)
        os.utime(sheet, ((begin(night) - age).timestamp(),) * 2)
    receiver.pings.clear()
    receiver.bodies.clear()
    with monkeypatch.context() as patch:
        if night == 15:
            patch.setenv("CLOPOS_CLIENT_SECRET", "expired")
        assert run_command(["run", "--yes"]) == code, (night, what)
    assert receiver.pings == ["/job/start", f"/job{end}"], (night, what)
    titles = [body["title"] for body in receiver.bodies]
    assert titles == ([f"clopos-import: {title}"] if title else []), (night, what)
    check_metrics(drop.parent / "clopos.prom", night)


def check_metrics(path: Path, night: int) -> None:
    """Check that the sheet has one series, with the time of the last success."""
    well = [n for n in range(1, night + 1) if ODD_NIGHTS.get(n, ("", 0))[1] in {0, 1}]
    for name, at in (("run", begin(night)), ("success", begin(well[-1]))):
        pattern = rf"clopos_import_last_{name}_timestamp_seconds{{(.*)}} (\d+)"
        ((labels, seconds),) = re.findall(pattern, path.read_text("utf-8"))
        assert 'customers-*.csv",brand="sandbox"' in labels
        assert 0 <= int(seconds) - at.timestamp() < 300, (night, name)
