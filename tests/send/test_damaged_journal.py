"""A disk lost a part of the journal: customers that exist are not created a second time."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING

import pytest

from tests.harness import damage, harness, people

if TYPE_CHECKING:
    from pathlib import Path

MORE = pytest.mark.slow(reason="damage in other places")


@pytest.mark.parametrize(
    "seed", [*range(8), *(pytest.param(seed, marks=MORE) for seed in range(8, 40))]
)
async def test_no_row_is_sent_twice_after_any_damage_to_the_journal(
    tmp_path: Path, seed: int
) -> None:
    """A part is overwritten or missing: the journal is right about rows, or is renamed."""
    chance = random.Random(seed)  # noqa: S311 - repeatable on purpose
    async with harness(tmp_path) as here:
        rows = [*people(60), *({"name": f"Neither {n}"} for n in range(5))]
        here.sandbox.faults.add("504b", match={"name": "Demo 7"}, times=None)
        here.sandbox.faults.add("500", "list", times=None)
        here.call_later(30.0, here.stop.set)
        await here.send(*rows, match="never")
        here.stop = asyncio.Event()
        here.sandbox.faults.clear()
        [path] = here.folder.glob("*/journal.sqlite")
        damage(path, chance)
        sent = await here.send(*rows)
        assert sent.error is None
        assert set(here.names().values()) == {1}
        ids = {c["name"]: str(c["id"]) for c in here.sandbox.customers()}
        for row, fields in enumerate(rows, start=2):
            outcome = sent.outcomes[row]
            assert outcome.status in {"created", "exists"}
            assert outcome.clopos_id == ids[fields["name"]]
