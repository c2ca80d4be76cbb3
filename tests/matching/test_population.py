"""A town over ten nights (who-is-this-customer §5), matched by the function alone.

`python -m tests.matching.nights 2000 SEED…` prints the table for more people.
"""

from __future__ import annotations

import pytest

from importer.matching.verdicts import MatchOptions
from tests.matching.nights import Nights

MODES = {
    "open": (MatchOptions(), False),
    "decided": (MatchOptions(), True),
    "without": (MatchOptions(share_phones=True), False),
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("seed", [11, 12])
def test_no_customer_is_doubled_or_confused_where_the_data_decide(seed: int, mode: str) -> None:
    options, decide = MODES[mode]
    tally = Nights(seed, 400, options, decide=decide).run(10)
    for what in ("twice (d)", "wrong (d)", "lost (d)"):
        assert not tally.counts[what], tally.examples[what]
    assert sum(tally.decidable) / len(tally.decidable) <= 0.005, tally.examples["person (d)"]
    later = sum(tally.conflicts[1:]) / len(tally.conflicts[1:])
    assert later < {"open": 0.1, "decided": 0.02, "without": 0.05}[mode]
