"""Faults of one brand, worker or clock don't affect the others; workers are real processes."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

from tests.cli_process import until
from tests.fleet.lab import each_once

if TYPE_CHECKING:
    from tests.fleet.lab import Lab

_PATIENCE = 120.0  # seconds, on a busy machine
_PACED = ["--rate", "240/min", "--reserve", "0%"]
_HOUR = 3600.0

slow = pytest.mark.slow(reason="real workers")


@slow
def test_clocks_of_workers_that_differ_by_an_hour_send_no_customer_twice(
    lab: Lab, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(8):
        lab.brand(f"brand-{number}", 20, options=_PACED)
    lab.brand("night", 3, schedule="* * * * *", zone="Asia/Baku")
    lab.open_sandbox()
    names = [f"brand-{number}" for number in range(8)]
    assert lab.fleet("run", *names) == 0
    with lab.worker("--slots", "4", clock=_HOUR) as early, lab.worker(clock=-_HOUR) as late:
        until(lambda: len(lab.creates()) >= 40, _PATIENCE)
        early.process.kill()  # the other gets its brands, and its record of their quota
        until(lambda: lab.at_clopos() >= each_once([(n, 20) for n in range(8)]), _PATIENCE)
        until(lambda: each_once([(8, 3)]) <= lab.at_clopos(), _PATIENCE)
        until(lambda: lab.states(capsys)["night"] == ("idle", 0), _PATIENCE)
        found = lab.status(capsys)
        assert late.exit_code_after(signal.SIGTERM) == 0
    assert lab.at_clopos() == each_once([*((n, 20) for n in range(8)), (8, 3)])
    # The status is by the clock of the database.
    moments = [each["since"] for each in found["brands"]] + [
        each["seen"] for each in found["workers"]
    ]
    (now,) = lab.query("SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI')")[0]
    (before,) = lab.query(
        "SELECT to_char(now() AT TIME ZONE 'UTC' - interval '10 min', 'YYYY-MM-DD\"T\"HH24:MI')"
    )[0]
    assert all(before <= moment <= f"{now}:59Z" for moment in moments)


@slow
def test_job_waits_for_a_sheet_that_is_being_written(
    lab: Lab, capsys: pytest.CaptureFixture[str]
) -> None:
    lab.brand("slow", 2)
    lab.brand("other", 3)
    lab.open_sandbox()
    assert lab.fleet("run", "--all") == 0
    sheet = lab.folder / "slow.csv"
    with lab.worker("--until-idle") as worker, sheet.open("a", encoding="utf-8") as file:
        row = 2

        def waits() -> bool:
            nonlocal row
            file.write(f"Demo 0 {row},+99450000{row:04}\n")
            file.flush()
            row += 1
            found = {each["name"]: each for each in lab.status(capsys)["brands"]}
            return (
                found["slow"]["state"] == "waiting"
                and "still being written" in (found["slow"]["error"] or "")
                and found["other"]["exit_code"] == 0
            )

        until(waits, _PATIENCE)
        assert len(lab.creates()) == 3  # jobs of the other brand
        file.close()
        assert worker.wait() == 0
    assert lab.at_clopos() == each_once([(0, row), (1, 3)])
    assert len(lab.creates()) == row + 3


@slow
def test_worker_hands_its_jobs_over_and_exits_once_the_tables_are_upgraded(
    lab: Lab, capsys: pytest.CaptureFixture[str]
) -> None:
    lab.brand("tea", 60, options=_PACED)
    lab.open_sandbox()
    assert lab.fleet("run", "tea") == 0
    with lab.worker() as worker:
        until(lambda: len(lab.creates()) >= 5, _PATIENCE)
        lab.query("UPDATE fleet.layout SET version = version + 98 RETURNING 1")
        assert worker.wait() == 3
        assert "newer version" in worker.log_text
    assert len(lab.creates()) < 60
    assert lab.fleet("status") == 3
    assert "of a newer version of clopos-import" in capsys.readouterr().err
    lab.query("UPDATE fleet.layout SET version = version - 98 RETURNING 1")
    assert lab.states(capsys)["tea"][0] == "waiting"  # handed over, not left to be found crashed
    assert lab.work() == 0
    assert lab.at_clopos() == each_once([(0, 60)])
    assert len(lab.creates()) == 60
