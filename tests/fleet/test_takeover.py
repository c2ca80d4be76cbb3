"""Forty brands and two workers that are killed, paused or stopped; the sandbox shows the result."""

from __future__ import annotations

import itertools
import os
import random
import signal
import time
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from tests.cli_process import ask_sandbox, command, until
from tests.fleet.lab import each_once

if TYPE_CHECKING:
    from tests.fleet.lab import Lab, Worker

BRANDS, ROWS = 40, 20
EVERYBODY = each_once((number, ROWS) for number in range(BRANDS))
_PATIENCE = 120.0  # seconds, on a busy machine
_PACED = ["--rate", "240/min", "--reserve", "0%"]

pytestmark = pytest.mark.slow(reason="real workers, and waits for what is dead")


@pytest.fixture
def forty_brands(lab: Lab) -> Lab:
    """Give a fleet of forty brands, each with a job."""
    for number in range(BRANDS):
        lab.brand(f"brand-{number}", ROWS, options=_PACED)
    lab.open_sandbox()
    assert lab.fleet("run", "--all") == 0
    return lab


def wait_for_creates(lab: Lab, many: int) -> None:
    """Wait until at least so many create requests were sent, or all."""
    until(lambda: len(lab.creates()) >= min(many, BRANDS * ROWS), _PATIENCE)


def at_work(lab: Lab, worker: Worker) -> None:
    """Wait until a worker has begun a brand, or no brand is left."""
    whole = BRANDS * ROWS
    until(lambda: "begun with" in worker.log_text or len(lab.creates()) >= whole, _PATIENCE)


def quota_is_kept(lab: Lab) -> bool:
    """Return whether no brand exceeded its requests a minute."""
    times: dict[str, list[float]] = {}
    for each in lab.creates():
        times.setdefault(each["caller"], []).append(each["wall"])
    return all(
        sum(start <= moment < start + 60 for moment in of_brand) <= 240
        for of_brand in times.values()
        for start in of_brand
    )


def test_two_workers_create_each_customer_once_within_the_quota(
    forty_brands: Lab, capsys: pytest.CaptureFixture[str]
) -> None:
    flags = ("--until-idle", "--slots", "5")  # few enough that both get work
    with forty_brands.worker(*flags) as one, forty_brands.worker(*flags) as two:
        assert one.wait(120) == 0
        assert two.wait(120) == 0
        assert "begun with" in one.log_text
        assert "begun with" in two.log_text
    assert forty_brands.at_clopos() == EVERYBODY
    assert len(forty_brands.creates()) == BRANDS * ROWS
    assert quota_is_kept(forty_brands)
    assert set(forty_brands.states(capsys).values()) == {("idle", 0)}
    for name in ("CLOPOS_CLIENT_ID", "CLOPOS_CLIENT_SECRET"):
        assert forty_brands.sandbox[name].encode() not in forty_brands.stored()


def test_killed_worker_is_replaced_and_no_customer_is_created_twice(
    forty_brands: Lab, capsys: pytest.CaptureFixture[str]
) -> None:
    chance = random.Random(17)  # noqa: S311 - a test
    with forty_brands.worker("--until-idle") as survivor:
        for _ in range(3):
            with forty_brands.worker("--slots", "20") as victim:
                at_work(forty_brands, victim)
                time.sleep(chance.uniform(0, 3))
                victim.process.kill()
                victim.wait()
        assert survivor.wait(180) == 0
    assert forty_brands.at_clopos() == EVERYBODY
    assert Counter(
        each["cid"] for each in forty_brands.creates() if each["status"] == 200
    ).total() == (BRANDS * ROWS)
    assert set(forty_brands.states(capsys).values()) == {("idle", 0)}


def test_worker_without_a_free_slot_returns_the_jobs_of_a_killed_one(lab: Lab) -> None:
    for name in ("tea", "coffee"):
        lab.brand(name, 30, options=["--rate", "20/min", "--reserve", "0%"])
    lab.open_sandbox()
    assert lab.fleet("run", "--all") == 0
    with lab.worker("--slots", "1") as killed, lab.worker("--slots", "1") as full:
        at_work(lab, killed)
        at_work(lab, full)
        killed.process.kill()
        jobs = "SELECT status::text FROM queue.procrastinate_jobs ORDER BY 1"
        until(lambda: lab.query(jobs) == [("doing",), ("todo",)], _PATIENCE)
        assert full.log_text.count("begun with") == 1
        assert full.exit_code_after(signal.SIGTERM) == 0


def test_terminated_worker_hands_its_brands_over_at_once(
    forty_brands: Lab, capsys: pytest.CaptureFixture[str]
) -> None:
    with forty_brands.worker() as leaving:
        wait_for_creates(forty_brands, 100)
        assert leaving.exit_code_after(signal.SIGTERM) == 0
        assert "PutOff" not in leaving.log_text
    created = len(forty_brands.creates())
    assert created < BRANDS * ROWS
    assert {state for state, _ in forty_brands.states(capsys).values()} <= {"waiting", "idle"}
    assert forty_brands.work() == 0
    assert forty_brands.at_clopos() == EVERYBODY
    assert len(forty_brands.creates()) == BRANDS * ROWS  # none of them was resent


def test_third_worker_continues_after_both_were_killed(forty_brands: Lab) -> None:
    with forty_brands.worker() as one, forty_brands.worker() as two:
        wait_for_creates(forty_brands, 100)
        one.process.kill()
        two.process.kill()
    with forty_brands.worker("--until-idle") as third:
        assert third.wait(180) == 0
    assert forty_brands.at_clopos() == EVERYBODY


def test_worker_paused_too_long_exits_and_sends_no_more_rows(forty_brands: Lab) -> None:
    with forty_brands.worker() as paused:
        wait_for_creates(forty_brands, 100)
        os.kill(paused.process.pid, signal.SIGSTOP)
        with forty_brands.worker("--until-idle") as other:
            until(lambda: "begun with" in other.log_text, _PATIENCE)
            wait_for_creates(forty_brands, len(forty_brands.creates()) + 20)
            os.kill(paused.process.pid, signal.SIGCONT)
            assert paused.wait() == 75
            assert other.wait(180) == 0
    assert forty_brands.at_clopos() == EVERYBODY


def test_run_of_a_brand_beside_its_worker_is_refused_and_the_error_names_the_worker(
    lab: Lab,
) -> None:
    lab.brand("tea", 60, options=_PACED)
    lab.open_sandbox()
    assert lab.fleet("run", "tea") == 0
    assert lab.fleet("run", "tea") == 0  # already waits, so it is brought forward
    with lab.worker("--until-idle") as worker:
        wait_for_creates(lab, 5)
        beside = lab.sandbox | {"CLOPOS_BRAND": "tea", "CLOPOS_DATABASE_URL": lab.url}
        done = command("run", lab.folder / "tea.csv", "--yes", env=beside)
        assert done.returncode == 3
        assert f"process {worker.process.pid} " in done.stderr
        assert worker.wait() == 0
    assert lab.at_clopos() == each_once([(0, 60)])


def test_stopped_brand_ends_with_130_and_its_next_job_sends_the_rest(
    lab: Lab, capsys: pytest.CaptureFixture[str]
) -> None:
    lab.brand("tea", 80, options=_PACED)
    lab.brand("night", 3, schedule="* * * * *", zone="Asia/Baku")
    lab.open_sandbox()
    assert lab.fleet("run", "tea") == 0
    with lab.worker() as worker:
        until(lambda: each_once([(1, 3)]) <= lab.at_clopos(), _PATIENCE)  # by its schedule alone
        wait_for_creates(lab, 20)
        assert lab.fleet("stop", "tea") == 0
        until(lambda: lab.states(capsys)["tea"] == ("idle", 130), _PATIENCE)
        assert lab.fleet("stop", "tea") == 0
        assert "tea has no job" in capsys.readouterr().out
        assert lab.fleet("run", "tea") == 0
        until(lambda: lab.states(capsys)["tea"] == ("idle", 0), _PATIENCE)
        assert worker.exit_code_after(signal.SIGTERM) == 0
    assert lab.at_clopos() == each_once([(0, 80), (1, 3)])
    assert len(lab.creates()) == 83


def test_worker_of_an_older_version_refuses_to_start(lab: Lab) -> None:
    lab.brand("tea", 1)
    lab.query("UPDATE fleet.layout SET version = 99 RETURNING 1")
    assert lab.fleet("work", "--until-idle", "--metrics", "none") == 3
    assert lab.fleet("status") == 3


def test_failures_of_two_workers_stay_below_the_limit_that_blocks_an_address(
    lab: Lab,
) -> None:
    for number in range(10):
        lab.brand(f"brand-{number}", 90, options=["--rate", "600/min", "--match", "never"])
    lab.open_sandbox(failed_per_minute=600, per_minute=3000)
    # Another customer has each phone already: every creation fails.
    for number, row in itertools.product(range(10), range(90)):
        other = {"name": f"Other {row}", "phone": f"+99450{number:03}{row:04}"}
        ask_sandbox(lab.sandbox, "customers", {"brand": f"brand-{number}", **other})
    assert lab.fleet("run", "--all") == 0
    flags = ("--until-idle", "--slots", "5")
    with lab.worker(*flags) as one, lab.worker(*flags) as two:
        one.wait(300)
        two.wait(300)
        assert "begun with" in one.log_text
        assert "begun with" in two.log_text
    failed = [each["wall"] for each in lab.creates() if each["status"] >= 400]
    assert len(failed) > 600
    assert max(sum(start <= m < start + 60 for m in failed) for start in failed) <= 600
