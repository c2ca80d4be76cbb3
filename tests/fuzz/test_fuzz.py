"""Damaged input for all readers of foreign input: `make fuzz` does the same for ten minutes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tools.fuzz import TARGETS, attempt

if TYPE_CHECKING:
    from pathlib import Path

TRIALS = {"readers": 100, "results": 200, "responses": 3000}


@pytest.mark.parametrize("name", TARGETS)
def test_damaged_input_is_read_or_refused_with_a_fix(name: str, tmp_path: Path) -> None:
    for number in range(TRIALS[name]):
        assert attempt(name, number, tmp_path) is None, number
