"""Unattended runs: earlier results, the log, the failures of all brands together."""

from __future__ import annotations

import logging
import os
import tempfile
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from importer.cli.log_file import log_to
from importer.cli.main import run_command
from importer.errors import UsageError
from importer.sandbox import Config
from importer.sandbox.virtual_time import run
from importer.store.failure_budget import MOST, WINDOW, Failures
from importer.text import strip_control
from tests.harness import harness, people, status_by_row

DAY = 86400
BEGAN = 1_767_225_600


def test_log_is_rotated_and_four_older_ones_are_kept(
    tmp_path: Path,
) -> None:
    with log_to(tmp_path / "run.log", print, largest=200):
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


def test_error_that_ends_a_run_is_in_the_log(tmp_path: Path) -> None:
    path = tmp_path / "run.log"
    with pytest.raises(UsageError), log_to(path, print):
        raise UsageError("No credentials", why="nobody set them")
    assert "ERROR ended: No credentials; nobody set them" in path.read_text("utf-8")


def test_run_without_a_log_file_writes_no_log(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with log_to(None, print):
        logging.getLogger("importer.clopos.rate_limiter").warning("Clopos asks to wait")
    assert capsys.readouterr() == ("", "")


def test_log_that_cannot_be_written_is_a_warning_on_the_screen(tmp_path: Path) -> None:
    with (
        pytest.raises(UsageError, match="log file"),
        log_to(tmp_path / "nowhere" / "run.log", print),
    ):
        pass


def test_log_on_a_named_pipe_is_refused_before_writing_would_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "run.log")
    with pytest.raises(UsageError) as refused, log_to(tmp_path / "run.log", print):
        pass
    assert refused.value.why == "it is a named pipe"


def test_log_on_a_full_disk_is_one_warning_and_ends_no_run() -> None:
    if not Path("/dev/full").exists():
        pytest.skip("there is no /dev/full on this machine")
    remarks: list[str] = []
    with log_to(Path("/dev/full"), remarks.append):
        for number in range(3):
            logging.getLogger("importer").warning("row %d", number)
    assert remarks == ["The log file can't be written, it is incomplete: /dev/full"]


@given(st.text())
def test_log_entry_with_any_text_is_one_line(text: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run.log"
        with log_to(path, print):
            logging.getLogger("importer").warning("%s", text)
        [line] = path.read_text("utf-8").splitlines()
        assert " WARNING" in line
        assert strip_control(line) == line


def test_two_runs_of_one_process_log_each_to_its_own_file(tmp_path: Path) -> None:
    def run_with_log(name: str) -> None:
        with log_to(tmp_path / name, print):
            ready.wait(10)
            logging.getLogger("importer").warning(name)
            ready.wait(10)

    ready = threading.Barrier(2)
    threads = [threading.Thread(target=run_with_log, args=(name,)) for name in ("one", "two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    logs = {path.name: path.read_text("utf-8").split()[-1] for path in tmp_path.iterdir()}
    assert logs == {"one": "one", "two": "two"}


@pytest.mark.parametrize("taken", ["list.csv", "out.csv"])
def test_log_file_that_is_the_sheet_or_its_results_is_refused(
    tmp_path: Path, taken: str, capsys: pytest.CaptureFixture[str]
) -> None:
    sheet = tmp_path / "list.csv"
    sheet.write_text("Name,Phone\nAnar Demo,0500000001\n", encoding="utf-8")
    flags = ["--results", str(tmp_path / "out.csv"), "--log-file", str(tmp_path / taken)]
    assert run_command(["run", str(sheet), "--sandbox", "--yes", *flags]) == 2
    assert "The log-file would overwrite the" in capsys.readouterr().err
    assert len(sheet.read_text("utf-8").splitlines()) == 2


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
        # A wait until the oldest failure has left the window.
        assert wait == pytest.approx(WINDOW - (MOST - 1) * 0.1 + 0.5, abs=0.01)
        clock.at += wait
        assert one.add() < 1.0
        clock.at += WINDOW + 1
        assert one.add() == 0.0
    assert path.stat().st_mode & 0o777 == 0o600


def test_clock_that_was_set_back_delays_no_run(tmp_path: Path) -> None:
    clock = Clock()
    with Failures(tmp_path / "failures.sqlite", clock) as failures:
        for _ in range(MOST):
            failures.add()
        clock.at -= DAY
        assert failures.add() == 0.0


def test_unusable_file_of_the_failure_budget_stops_no_run(tmp_path: Path) -> None:
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
def test_run_slows_down_before_its_failures_block_the_address(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Each row is a 409 and a read; at a rate of 3000 the 409s alone would be 1350 a minute."""
    caplog.set_level(logging.WARNING, "importer.pipeline.upload")

    async def scenario() -> None:
        config = Config(per_minute=None)
        async with harness(tmp_path, config) as here:
            for number in range(1, 701):
                here.sandbox.add(name=f"Other {number}", phone=f"+99450{number:07}")
            sent = await here.send(*people(700), match="never", rate="3000/min")
            assert set(status_by_row(sent).values()) == {"conflict"}
            failed = [seen.clock for seen in here.sandbox._gateway.log if (seen.status or 0) >= 400]
            assert len(failed) == 700
            for first, last in zip(failed, failed[600:], strict=False):
                assert last - first > 60.0
            assert sent.requests.throttled == 0

    run(scenario())
    assert "600 a minute for which Clopos blocks an address" in caplog.text
