"""Everybody of a town through the whole pipeline, night by night (who-is-this-customer §5).

`tests/matching/test_population.py` has the same at the level of the function, with more people.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.people.town import WAYS, Town

if TYPE_CHECKING:
    from pathlib import Path

    from tests.matching.nights import Tally


def hold(tally: Tally) -> None:
    """Hold the promise: where the data decide, no customer is doubled, confused or lost."""
    for what in ("twice (d)", "wrong (d)", "lost (d)"):
        assert not tally.counts[what], tally.examples[what]


SLOW = pytest.mark.slow(reason="each row is looked up among 1,500 others")


@pytest.mark.parametrize(
    "way", [pytest.param(way, marks=SLOW if way == "looked up" else ()) for way in WAYS]
)
async def test_no_customer_is_doubled_or_lost_by_the_whole_pipeline(
    tmp_path: Path, way: str
) -> None:
    tally = await Town(31, 150, WAYS[way], tmp_path).go(3)
    hold(tally)
    assert sum(tally.conflicts) / len(tally.conflicts) < 0.1


@pytest.mark.slow(reason="a town over ten nights, six ways, through store and socket")
@pytest.mark.parametrize("seed", [41, 42, 43])
@pytest.mark.parametrize("way", WAYS)
async def test_no_customer_is_doubled_or_lost_in_ten_nights(
    tmp_path: Path, way: str, seed: int
) -> None:
    tally = await Town(seed, 400, WAYS[way], tmp_path).go(10)
    hold(tally)
    assert sum(tally.decidable) / len(tally.decidable) <= 0.005, tally.examples["person (d)"]
