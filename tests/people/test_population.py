"""A town through the whole pipeline, night by night (who-is-this-customer §5).

`tests/matching/test_population.py` has more people, matched by the function alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.people.town import SCENARIOS, Town

if TYPE_CHECKING:
    from pathlib import Path

    from tests.matching.nights import Tally


def check_tally(tally: Tally) -> None:
    """Check that no customer is doubled, confused or lost where the data decide."""
    for what in ("twice (d)", "wrong (d)", "lost (d)"):
        assert not tally.counts[what], tally.examples[what]


SLOW = pytest.mark.slow(reason="each row is looked up among 1,500 others")


@pytest.mark.parametrize(
    "scenario",
    [
        pytest.param(scenario, marks=SLOW if scenario == "looked up" else ())
        for scenario in SCENARIOS
    ],
)
async def test_no_customer_is_doubled_or_lost_in_three_nights(
    tmp_path: Path, scenario: str
) -> None:
    tally = await Town(31, 150, SCENARIOS[scenario], tmp_path).go(3)
    check_tally(tally)
    assert sum(tally.conflicts) / len(tally.conflicts) < 0.1


@pytest.mark.slow(reason="a town over ten nights, six ways, through store and socket")
@pytest.mark.parametrize("seed", [41, 42, 43])
@pytest.mark.parametrize("scenario", SCENARIOS)
async def test_no_customer_is_doubled_or_lost_in_ten_nights(
    tmp_path: Path, scenario: str, seed: int
) -> None:
    tally = await Town(seed, 400, SCENARIOS[scenario], tmp_path).go(10)
    check_tally(tally)
    assert sum(tally.decidable) / len(tally.decidable) <= 0.005, tally.examples["person (d)"]
