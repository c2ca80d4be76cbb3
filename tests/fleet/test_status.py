"""`fleet status` from brands.toml, the tables and the queue."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from importer.cli.render_fleet import status_lines
from importer.fleet.brands import parse_brands
from importer.fleet.jobs import JobRow
from importer.fleet.status import BrandStatus, fleet_status
from importer.fleet.tables import BrandRow, WorkerRow
from tools.json_schemas import schemas

NOW = datetime(2026, 11, 26, 3, 0, tzinfo=UTC)
AGO = NOW - timedelta(minutes=5)
TEXT = '[brands.tea]\nbrand = "tea"\nsheet = "tea.csv"\n'
WAITS = JobRow("tea", False, "default", None, False, AGO)
RUNS = JobRow("tea", True, "default", 1, True, AGO)
ORPHAN = JobRow("tea", True, "default", 1, False, AGO)
WORKER = WorkerRow(1, "host-7", 50, 0, NOW)


def status_of_tea(kept: BrandRow | None, *jobs: JobRow, text: str = TEXT) -> BrandStatus:
    fleet = parse_brands(text, Path("brands.toml"))
    rows = {kept.name: kept} if kept else {}
    status = fleet_status(fleet, rows, jobs, [WORKER], NOW)
    return next(brand for brand in status.brands if brand.name == "tea")


def ended_run(code: int, error: str | None = None) -> BrandRow:
    return BrandRow("tea", worker="host-7", since=AGO, ended=NOW, exit_code=code, error=error)


@pytest.mark.parametrize(
    ("kept", "jobs", "state", "needs_person"),
    [
        (None, [], "idle", False),
        (None, [WAITS], "waiting", False),
        (None, [RUNS], "running", False),
        (None, [RUNS, WAITS], "running", False),
        (None, [ORPHAN], "waiting", False),
        (ended_run(0), [], "idle", False),
        (ended_run(1), [], "idle", True),
        (ended_run(2, "x"), [], "failed", True),
        (ended_run(3, "x"), [], "failed", True),
        (ended_run(3, "x"), [WAITS], "waiting", False),  # it is retried
        (ended_run(4, "x"), [], "failed", True),
        (ended_run(130, "x"), [], "idle", False),
        (BrandRow("tea", paused=True), [], "paused", False),
        (BrandRow("tea", paused=True), [WAITS], "paused", False),
        (BrandRow("tea", paused=True), [RUNS], "running", False),
    ],
)
def test_state_of_a_brand_follows_its_last_and_waiting_jobs(
    kept: BrandRow | None, jobs: list[JobRow], state: str, needs_person: bool
) -> None:
    found = status_of_tea(kept, *jobs)
    assert (found.state, found.needs_person) == (state, needs_person)


def test_running_brand_shows_its_progress() -> None:
    kept = BrandRow("tea", worker="host-7", since=AGO, rows=90, done=30, finish=NOW)
    assert status_of_tea(kept, RUNS) == BrandStatus(
        "tea",
        "tea",
        "running",
        "host-7",
        "2026-11-26T02:55:00Z",
        90,
        30,
        "2026-11-26T03:00:00Z",
    )


def test_broken_brand_in_the_file_needs_a_person() -> None:
    found = status_of_tea(None, text=f'{TEXT}zon = "UTC"\n')
    assert (found.state, found.exit_code, found.needs_person) == ("failed", 2, True)
    assert found.error == "[brands.tea]: there is no key zon; did you mean zone?"


def test_brand_removed_from_the_file_is_shown_while_it_has_a_job() -> None:
    fleet = parse_brands(TEXT, Path("brands.toml"))
    gone = JobRow("gone", False, "default", None, False, AGO)
    status = fleet_status(fleet, {"gone": BrandRow("gone")}, [gone], [], NOW)
    assert [(brand.name, brand.state) for brand in status.brands] == [
        ("gone", "waiting"),
        ("tea", "idle"),
    ]


def test_json_has_the_keys_of_the_contract() -> None:
    fleet = parse_brands(TEXT, Path("brands.toml"))
    status = fleet_status(fleet, {}, [RUNS], [WORKER], NOW).as_dict()
    Draft202012Validator(schemas()["fleet-status"]).validate(status)
    assert list(status) == ["brands", "workers", "queue"]
    assert list(status["brands"][0]) == (
        "name brand state worker since rows done finish exit_code needs_person error".split()
    )
    assert status["workers"] == [
        {"name": "host-7", "seen": "2026-11-26T03:00:00Z", "slots": 50, "running": 1}
    ]
    assert status["queue"] == {"waiting": 0, "running": 1}


def test_table_names_errors_and_late_jobs() -> None:
    fleet = parse_brands(TEXT, Path("brands.toml"))
    old = JobRow("tea", False, "default", None, False, NOW - timedelta(hours=2))
    status = fleet_status(fleet, {"tea": ended_run(3, "Clopos is away")}, [old], [], NOW)
    text = "\n".join(status_lines(status))
    assert "late: it has waited for over an hour" in text
    assert "Clopos is away" in text
    assert "no worker" in text
    assert all(len(line) <= 80 for line in text.splitlines())
