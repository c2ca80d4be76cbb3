"""Results of earlier runs are renamed with their time, and a given number is kept."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from importer.errors import ServiceError
from importer.results.retention import rotate

if TYPE_CHECKING:
    from pathlib import Path

DAY = 86400
BEGAN = 1_767_225_600


def results_of(folder: Path, day: int, text: str) -> Path:
    path = folder / "list.results.csv"
    path.write_text(text, encoding="utf-8")
    os.utime(path, (BEGAN + day * DAY,) * 2)
    return path


def test_rotation_keeps_the_newest_results(tmp_path: Path) -> None:
    others = [tmp_path / name for name in ("list.results.2026.csv", "other.20260101-000000.csv")]
    for other in others:
        other.touch()
    for day in range(6):
        path = results_of(tmp_path, day, f"of day {day}")
        rotate(path, 3)
        assert not path.exists()
    kept = sorted(set(tmp_path.iterdir()) - set(others))
    assert [path.read_text("utf-8") for path in kept] == ["of day 4", "of day 5"]
    assert kept[0].name.startswith("list.results.2026010")
    assert all(other.exists() for other in others)


def test_results_of_the_same_second_get_different_names(tmp_path: Path) -> None:
    for number in range(4):
        rotate(results_of(tmp_path, 0, str(number)), 9)
    kept = sorted(tmp_path.iterdir())
    assert [path.read_text("utf-8") for path in kept] == ["0", "1", "2", "3"]


def test_rotation_without_results_does_nothing(tmp_path: Path) -> None:
    rotate(tmp_path / "list.results.csv", 1)
    assert list(tmp_path.iterdir()) == []


def test_failed_rotation_is_an_error_that_names_its_flag(tmp_path: Path) -> None:
    with pytest.raises(ServiceError, match="can't be renamed") as failed:
        rotate(tmp_path / "nowhere" / "list.results.csv", 1)
    assert "--keep-results" in (failed.value.fix or "")
