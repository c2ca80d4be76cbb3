"""Cost of a run in requests, when Clopos has most of its rows; the sandbox counts them."""

from __future__ import annotations

import math
import uuid
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from importer.plan.decide import Approach
from importer.sandbox import Config
from importer.sandbox.store import COLUMNS, INSERT
from tests.harness import Harness, harness, people, status_by_row

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


DAY = "2026-01-01T00:00:00.000000Z"


def fill(here: Harness, number: int) -> None:
    """Create the first people of the sheet at Clopos."""
    fill_with(here, people(number))


def fill_with(here: Harness, customers: Iterable[dict[str, Any]]) -> None:
    """Put these customers into the sandbox's store."""
    with here.sandbox.store._db as db:  # in bulk: one by one they take half a minute
        db.executemany(INSERT, map(stored, customers))


def stored(person: dict[str, Any]) -> dict[str, Any]:
    """Return a row of the sandbox's store."""
    row = dict.fromkeys(COLUMNS) | person
    numbers, folded = person["phone"].removeprefix("+"), person["name"].casefold()
    row |= {"brand": "sandbox", "cid": str(uuid.uuid4()), "venue_id": 1, "hidden": 0}
    return row | {"phones": "[]", "created_at": DAY, "folded_name": folded, "numbers": numbers}


@pytest.mark.usefixtures("untraced")
@pytest.mark.parametrize(
    ("many", "pages"),
    [
        (3000, 4),
        pytest.param(100_000, 101, marks=pytest.mark.slow(reason="a hundred thousand, twice")),
    ],
)
async def test_run_whose_rows_all_exist_costs_the_pages_of_the_list(
    tmp_path: Path, many: int, pages: int
) -> None:
    """Cold: pages of 999 and a sign-in; warm: the last page shows that nothing is new."""
    async with harness(tmp_path, Config()) as here:
        fill(here, many)
        rows = people(many)
        cold = await here.send(*rows)
        assert cold.error is None
        assert set(status_by_row(cold).values()) == {"exists"}
        assert cold.requests.total <= pages + 1
        assert cold.requests.posts == 0
        warm = await here.send(*rows)
        assert set(status_by_row(warm).values()) == {"exists"}
        assert warm.requests.total <= 3


async def test_forty_new_rows_among_two_thousand_cost_forty_creates_and_three_pages(
    tmp_path: Path,
) -> None:
    async with harness(tmp_path, Config(latency=(0.05, 0.4))) as here:
        fill(here, 2000)
        sent = await here.send(*people(2040))
        assert sent.requests.posts == 40
        assert sent.requests.total <= 3 + 40 + 3
        again = await here.send(*people(2040))
        assert again.requests.total <= 3
        assert sum(status == "created" for status in status_by_row(sent).values()) == 40


@pytest.mark.usefixtures("untraced")
@pytest.mark.parametrize("rows", [3, 100])
async def test_match_auto_reads_all_customers_rather_than_send_unchecked(
    tmp_path: Path, rows: int
) -> None:
    """Ten pages show 9,990 customers: less than a minute of the quota, for any number of rows."""
    async with harness(tmp_path, Config()) as here:
        fill(here, 9990)
        sent = await here.send(*people(9990)[-rows:])
        assert sent.requests.posts == 0
        assert sent.requests.total <= 12


NO_PHONES = (
    "zəng etmə {}",
    "055-??? {}",
    "{}",
    "0{}0",
    "050 111 22 3x {}",
    "+994 {}",
    "evdə {} mənzil {}",
)


@pytest.mark.usefixtures("untraced")
@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize(
    "many", [1200, pytest.param(300_000, marks=pytest.mark.slow(reason="300,000 customers"))]
)
async def test_unreadable_phones_cost_the_planned_requests_and_create_no_customer_twice(
    tmp_path: Path, many: int, version: int
) -> None:
    """Version 1 reads 300,000 customers too slowly for that, and looks each row up."""
    rate = "1/min" if version == 1 and many == 1200 else None
    rows = [{"name": f"Demo {n}", "phone": f"+99455{n:07}", "code": f"K{n}"} for n in range(24)]
    typed = [
        {
            "name": f"Demo {n}" if n % 4 else f"Демо {n}",
            "phone": NO_PHONES[n % len(NO_PHONES)].format(n, n),
            "code": f"K{n}",
        }
        for n in reversed(range(0, 2 * many, 2))  # half of the rows are new
    ]
    async with harness(tmp_path, Config(), version) as here:
        fill_with(here, typed)
        sent = await here.send(*rows, match="auto", rate=rate)
        assert sent.error is None
        assert sent.plan
        looked_up = sent.plan.compared.approach is Approach.LOOK_UP
        assert looked_up == (version == 1)
        # A look-up can't find another spelling by its code: the row is refused, and not created.
        assert set(status_by_row(sent).values()) - {"conflict"} == {"created", "exists"}
        codes = Counter(each["code"] for each in here.sandbox.customers())
        assert {codes[row["code"]] for row in rows} == {1}
        read = 1 if looked_up else math.ceil(many / 999)  # before the plan was made
        assert sent.requests.total <= 1 + read + sent.plan.price.requests
