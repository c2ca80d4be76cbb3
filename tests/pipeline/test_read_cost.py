"""Cost of a run in reads: customers are read where it pays, and later only new ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from importer.sandbox import Config
from tests.harness import harness, people, status_by_row

if TYPE_CHECKING:
    from pathlib import Path

    from tests.harness import Sent


def requests(sent: Sent) -> tuple[int, int, int]:
    """Return POSTs, reads and sign-ins."""
    return sent.requests.posts, sent.requests.reads, sent.requests.auths


async def test_nightly_run_costs_the_new_rows_and_the_last_page(tmp_path: Path) -> None:
    """First 40 new among 2,000: 2 pages; then none new: the last page; then 7 new: 1 page."""
    rows = people(2007)
    async with harness(tmp_path) as here:
        for each in rows[:1960]:
            here.sandbox.add(**each)
        first = await here.send(*rows[:2000])
        assert list(status_by_row(first).values()).count("created") == 40
        assert requests(first) == (40, 2, 1)
        again = await here.send(*rows[:2000])
        assert set(status_by_row(again).values()) == {"exists"}
        assert requests(again) == (0, 1, 1)
        more = await here.send(*rows)
        assert requests(more) == (7, 1, 1)
        assert list(status_by_row(more).values()).count("created") == 7


async def test_match_never_reads_no_customer(tmp_path: Path) -> None:
    async with harness(tmp_path) as here:
        assert requests(await here.send(*people(3), match="never")) == (3, 0, 1)


async def test_match_auto_looks_each_row_up_where_reading_all_takes_too_long(
    tmp_path: Path,
) -> None:
    """One page shows the number of customers; then at most two look-ups a row."""
    async with harness(tmp_path, Config(v1_max_limit=10), version=1) as here:
        for n in range(12_000):
            here.sandbox.add(name=f"Old {n}")
        here.sandbox.add(name="Demo 3", phone="0500000003")
        sent = await here.send(*people(3))
        assert status_by_row(sent) == {2: "created", 3: "created", 4: "exists"}
        assert sent.plan
        assert sent.plan.compared.approach == "look_up"
        assert sent.requests.reads <= 1 + 2 * 3


async def test_match_always_reads_all_customers_anew(tmp_path: Path) -> None:
    async with harness(tmp_path, Config(v2_max_limit=10)) as here:
        for each in people(50):
            here.sandbox.add(**each)
        for _ in range(2):
            sent = await here.send({"name": "Demo 50", "phone": "+994500000050"}, match="always")
            assert requests(sent) == (0, 5, 1)
            assert status_by_row(sent) == {2: "exists"}
