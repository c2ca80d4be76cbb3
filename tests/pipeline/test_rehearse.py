"""A rehearsal: the engine of `run` on virtual time, and the error of the forecast."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from importer.cli.main import run_command
from importer.cli.width import width
from importer.errors import UsageError
from importer.pipeline import SendOptions
from importer.pipeline.prepare import prepare
from importer.pipeline.rehearse import (
    SCENARIOS,
    Rehearsal,
    Scenario,
    rehearse,
    rehearse_prepared,
)
from importer.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

V1 = {"CLOPOS_BRAND": "demo"}


@pytest.fixture
def sheet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "list.csv"
    write(path, 900)
    return path


def write(path: Path, number: int) -> None:
    rows = "".join(f"Demo {n},0501{n:06}\n" for n in range(number))
    path.write_text(f"Name,Phone\n{rows}", encoding="utf-8")


def all_created(rehearsal: Rehearsal, number: int) -> dict[str, Any]:
    assert rehearsal.error is None
    assert rehearsal.exit_code == 0
    assert rehearsal.summary.as_dict()["created"] == rehearsal.summary.as_dict()["rows"] == number
    return rehearsal.summary.as_dict()


@pytest.mark.parametrize(
    ("number", "latency", "env"),
    [
        (900, (0.02, 9.0), {}),
        *(
            pytest.param(900, latency, {}, marks=pytest.mark.slow(reason="another latency"))
            for latency in ((0.02, 0.02), (7.5, 9.0))
        ),
        pytest.param(
            1900,  # more than two hours' quotas of 1000 less the reserve
            (0.05, 0.4),
            V1,
            marks=pytest.mark.slow(reason="two hours of requests"),
        ),
    ],
)
def test_forecast_is_right_and_the_quota_is_used(
    sheet: Path, number: int, latency: tuple[float, float], env: dict[str, str]
) -> None:
    write(sheet, number)
    told = all_created(rehearse(sheet, scenario=Scenario(latency=latency), env=env), number)
    assert told["requests"]["throttled"] == 0
    assert abs(told["forecast_off"]["first_minute"]) <= 0.02
    assert abs(told["forecast_off"]["worst_later"]) <= 0.02
    assert told["quota"]["used"] >= (0.95 if env else 0.99)
    assert told["quota"]["largest_window"] <= 0.9
    assert told["quota"]["into_reserve"] == 0
    assert told["minutes"] == pytest.approx(121.1 if env else 3.3, abs=0.3)
    assert told["seconds"] >= told["minutes"] * 60


@pytest.mark.parametrize(
    "share", [pytest.param(0.3, marks=pytest.mark.slow(reason="fewer tills")), 0.6]
)
@pytest.mark.parametrize(
    ("version", "number"),
    [(2, 900), pytest.param(1, 1650, marks=pytest.mark.slow(reason="three hours of requests"))],
)
def test_forecast_is_right_beside_tills_and_the_reserve_stays_free(
    sheet: Path, version: int, number: int, share: float
) -> None:
    """On v1 no headers arrive for most of an hour; the expected requests of tills stay reserved."""
    write(sheet, number)
    env = V1 if version == 1 else {}
    told = all_created(rehearse(sheet, scenario=Scenario(tills=share), env=env), number)
    assert told["requests"]["throttled"] == 0
    assert abs(told["forecast_off"]["first_minute"]) <= 0.02
    assert abs(told["forecast_off"]["worst_later"]) <= 0.02
    assert told["quota"]["used"] >= 0.96
    assert told["quota"]["largest_window"] <= 0.92
    assert told["quota"]["into_reserve_seconds"] <= 1.0


@pytest.mark.parametrize(("faults", "off"), [("typical", 0.02), ("harsh", 0.1)])
def test_faults_and_tills_lose_no_row_and_the_forecast_is_right_after_a_minute(
    sheet: Path, faults: str, off: float
) -> None:
    """With harsh faults, the number of uncertain rows in the first minute is chance."""
    told = all_created(rehearse(sheet, scenario=replace(SCENARIOS[faults], seed=1)), 900)
    assert told["requests"]["posts"] >= 900
    assert told["quota"]["largest_window"] <= 1.0
    assert told["requests"]["throttled"] == 0 or faults == "harsh"
    assert abs(told["forecast_off"]["first_minute"]) <= off
    assert abs(told["forecast_off"]["worst_later"]) <= off


def test_deadline_ends_a_rehearsal_like_a_run(sheet: Path) -> None:
    """160 rows take two days, and the deadline is in three hours."""
    write(sheet, 160)
    by = (datetime.now(UTC).astimezone() + timedelta(hours=3)).time()
    rehearsal = rehearse(sheet, sending=SendOptions(finish_by=by, rate="4/hour"))
    assert rehearsal.error
    assert rehearsal.exit_code == 130
    assert rehearsal.summary.as_dict()["pending"] > 50
    assert rehearsal.summary.as_dict()["plan"]["fits"] is False


def test_rehearse_sends_no_row_and_writes_no_file(
    sheet: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sheet.write_text(sheet.read_text("utf-8") + "Demo,12\n", encoding="utf-8")
    assert run_command(["rehearse", "list.csv", "--limit", "300", "--group", "Guests"]) == 1
    shown = capsys.readouterr()
    assert shown.err.startswith("Understood\n")
    assert "300 rows to create" in shown.err
    lines = shown.out.splitlines()
    assert lines[0] == "Result"
    assert "  300 created  created in Clopos" in lines
    assert all(width(line) <= 80 for line in lines)
    assert lines[-1].endswith("nothing was sent to Clopos")
    assert [path.name for path in sheet.parent.iterdir()] == ["list.csv"]


def test_rehearsal_is_shown_as_json(sheet: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(sheet, 90)
    flags = ("--json", "--quiet", "--rate", "none", "--faults", "typical")
    assert run_command(["rehearse", "list.csv", *flags]) == 0
    shown = capsys.readouterr()
    assert shown.err == ""
    told = json.loads(shown.out)
    assert (told["created"], told["results"], told["quota"]) == (90, None, None)
    assert told["plan"]["to_create"] == 90


def test_rate_that_is_used_up_by_signing_in_is_an_error(sheet: Path) -> None:
    with pytest.raises(UsageError, match="nothing but signing in"):
        rehearse(sheet, sending=SendOptions(rate="2/hour"))


def test_stopped_rehearsal_ends_early_and_accounts_for_all_rows(
    sheet: Path,
) -> None:
    asked = 0

    def stopping() -> bool:
        nonlocal asked
        asked += 1
        return asked > 20

    rehearsal = rehearse_prepared(prepare(sheet), Settings(), stopping=stopping)
    told = rehearsal.summary.as_dict()
    assert rehearsal.error
    assert rehearsal.error.code == "stopped"
    assert 0 < told["created"] < 900
    assert told["created"] + told["pending"] == 900
