"""What a run costs when Clopos has most of its rows: requests, counted by the sandbox."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

import pytest

from importer.sandbox import Config
from importer.sandbox.store import COLUMNS, INSERT
from importer.sandbox.virtual_time import run
from tests.harness import World, people, told, world

if TYPE_CHECKING:
    from pathlib import Path


DAY = "2026-01-01T00:00:00.000000Z"


def fill(here: World, number: int) -> None:
    """Let Clopos have so many people of the sheet already, whoever created them."""
    with here.sandbox.store._db as db:  # at once: one by one they take half a minute
        db.executemany(INSERT, map(stored, people(number)))


def stored(person: dict[str, Any]) -> dict[str, Any]:
    """Return a row of the sandbox's store."""
    row = dict.fromkeys(COLUMNS) | person
    numbers, folded = person["phone"].removeprefix("+"), person["name"].casefold()
    row |= {"brand": "sandbox", "cid": str(uuid.uuid4()), "venue_id": 1, "hidden": 0}
    return row | {"phones": "[]", "created_at": DAY, "folded_name": folded, "numbers": numbers}


@pytest.mark.usefixtures("untraced")
def test_a_hundred_thousand_rows_that_are_all_there(tmp_path: Path) -> None:
    """Cold: 101 pages of 999 and a sign-in; warm: the last page tells that nothing is new."""

    async def story() -> None:
        async with world(tmp_path, Config()) as here:
            fill(here, 100_000)
            rows = people(100_000)
            cold = await here.send(*rows)
            assert cold.error is None
            assert set(told(cold).values()) == {"exists"}
            assert cold.requests.total <= 102
            assert cold.requests.posts == 0
            warm = await here.send(*rows)
            assert set(told(warm).values()) == {"exists"}
            assert warm.requests.total <= 3

    run(story())


def test_forty_new_among_five_thousand(tmp_path: Path) -> None:
    async def story() -> None:
        async with world(tmp_path, Config(latency=(0.05, 0.4))) as here:
            fill(here, 5000)
            sent = await here.send(*people(5040))
            assert sent.requests.posts == 40
            assert sent.requests.total <= 6 + 40 + 3
            again = await here.send(*people(5040))
            assert again.requests.total <= 3
            assert sum(status == "created" for status in told(sent).values()) == 40

    run(story())


@pytest.mark.parametrize(("rows", "posts"), [(3, 3), (100, 0)])
def test_match_auto_works_out_whether_reading_or_sending_costs_less(
    tmp_path: Path, rows: int, posts: int
) -> None:
    """Of 9,990 customers ten pages tell: too many for three rows, few for a hundred."""

    async def story() -> None:
        async with world(tmp_path, Config()) as here:
            fill(here, 9990)
            sent = await here.send(*people(9990)[-rows:])
            assert sent.requests.posts == posts
            assert sent.requests.total <= 12

    run(story())
