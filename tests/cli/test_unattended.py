"""Runs that nobody watches: earlier results, the log, the failures of all brands together."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING

import pytest

from importer.cli import log_file as logs
from importer.cli.log_file import log_to
from importer.errors import ServiceError, UsageError
from importer.results.retention import keep_earlier
from importer.sandbox import Config
from importer.sandbox.virtual_time import run
from importer.store.failure_budget import MOST, WINDOW, Failures
from tests.harness import people, told, world

if TYPE_CHECKING:
    from pathlib import Path

DAY = 86400
BEGAN = 1_767_225_600


def results_of(folder: Path, day: int, text: str) -> Path:
    path = folder / "list.results.csv"
    path.write_text(text, encoding="utf-8")
    os.utime(path, (BEGAN + day * DAY,) * 2)
    return path


def test_so_many_results_are_kept_as_are_asked_for(tmp_path: Path) -> None:
    others = [tmp_path / name for name in ("list.results.2026.csv", "other.20260101-000000.csv")]
    for other in others:
        other.touch()
    for day in range(6):
        path = results_of(tmp_path, day, f"of day {day}")
        keep_earlier(path, 3)
        assert not path.exists()
    kept = sorted(set(tmp_path.iterdir()) - set(others))
    assert [path.read_text("utf-8") for path in kept] == ["of day 4", "of day 5"]
    assert kept[0].name.startswith("list.results.2026010")
    assert all(other.exists() for other in others)


def test_results_of_the_same_second_are_all_kept(tmp_path: Path) -> None:
    for number in range(4):
        keep_earlier(results_of(tmp_path, 0, str(number)), 9)
    kept = sorted(tmp_path.iterdir())
    assert [path.read_text("utf-8") for path in kept] == ["0", "1", "2", "3"]


def test_where_there_are_none_nothing_is_put_aside(tmp_path: Path) -> None:
    keep_earlier(tmp_path / "list.results.csv", 1)
    assert list(tmp_path.iterdir()) == []


def test_results_that_can_not_be_put_aside_are_told(tmp_path: Path) -> None:
    with pytest.raises(ServiceError, match="can't be put aside") as told_of:
        keep_earlier(tmp_path / "nowhere" / "list.results.csv", 1)
    assert "--keep-results" in (told_of.value.todo or "")


def test_a_log_is_turned_over_and_four_older_ones_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs, "_LARGEST", 200)
    with log_to(tmp_path / "run.log"):
        for number in range(40):
            logging.getLogger("importer.send.job").info("row %d", number)
    assert {path.name for path in tmp_path.iterdir()} == {
        "run.log",
        *(f"run.log.{number}" for number in range(1, 5)),
    }
    last = (tmp_path / "run.log").read_text("utf-8").splitlines()[-1]
    moment, process, level, *words = last.split(maxsplit=4)[1:]
    assert moment.endswith("Z")
    assert (process, level) == (str(os.getpid()), "INFO")
    assert words == ["row 39"]


def test_what_ends_a_run_is_in_the_log(tmp_path: Path) -> None:
    path = tmp_path / "run.log"
    with pytest.raises(UsageError), log_to(path):
        raise UsageError("No credentials", why="nobody set them")
    assert "ERROR ended: No credentials; nobody set them" in path.read_text("utf-8")


def test_without_a_log_file_nothing_is_logged_anywhere(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with log_to(None):
        logging.getLogger("importer.clopos.rate_limiter").warning("Clopos asks to wait")
    assert capsys.readouterr() == ("", "")


def test_a_log_that_can_not_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="log file"), log_to(tmp_path / "nowhere" / "run.log"):
        pass


class Clock:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.at = float(BEGAN)

    def __call__(self) -> float:
        return self.at


def test_failed_answers_of_all_runs_count_together(tmp_path: Path) -> None:
    clock = Clock()
    path = tmp_path / "failures.sqlite"
    with Failures(path, clock) as one, Failures(path, clock) as other:
        for number in range(MOST - 1):
            assert (one if number % 2 else other).add() == 0.0
            clock.at += 0.1
        wait = other.add()
        # Until the oldest of them is out of the window.
        assert wait == pytest.approx(WINDOW - (MOST - 1) * 0.1 + 0.5, abs=0.01)
        clock.at += wait
        assert one.add() < 1.0
        clock.at += WINDOW + 1
        assert one.add() == 0.0
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_clock_that_was_set_back_blocks_nobody(tmp_path: Path) -> None:
    clock = Clock()
    with Failures(tmp_path / "failures.sqlite", clock) as failures:
        for _ in range(MOST):
            failures.add()
        clock.at -= DAY
        assert failures.add() == 0.0


def test_a_file_that_can_not_be_used_stops_no_run(tmp_path: Path) -> None:
    clock = Clock()
    broken = tmp_path / "failures.sqlite"
    broken.write_bytes(b"no database at all, but long enough to look at" * 9)
    with Failures(broken, clock) as failures:
        assert [failures.add() for _ in range(MOST + 1)] == [0.0] * (MOST + 1)
    with Failures(tmp_path / "nowhere" / "failures.sqlite", clock) as failures:
        assert failures.add() == 0.0
    locked = tmp_path / "later.sqlite"
    with Failures(locked, clock) as failures:
        failures.add()
        locked.write_bytes(b"overwritten" * 500)
        assert failures.add() == 0.0


@pytest.mark.usefixtures("untraced")
def test_a_run_slows_down_before_its_failures_block_the_address(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Each row is a 409 and a reading; with a rate of 3000 these alone would be 1350 a minute."""
    caplog.set_level(logging.WARNING, "importer.pipeline.upload")

    async def story() -> None:
        config = Config(per_minute=None)
        async with world(tmp_path, config) as here:
            for number in range(1, 701):
                here.sandbox.add(name=f"Other {number}", phone=f"+99450{number:07}")
            sent = await here.send(*people(700), match="never", rate="3000/min")
            assert set(told(sent).values()) == {"conflict"}
            failed = [seen.clock for seen in here.sandbox._gateway.log if (seen.status or 0) >= 400]
            assert len(failed) == 700
            for first, last in zip(failed, failed[600:], strict=False):
                assert last - first > 60.0
            assert sent.requests.throttled == 0

    run(story())
    assert "600 a minute for which Clopos blocks an address" in caplog.text
