"""Customers created at Clopos during a run, and rows that are looked up one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from importer.plan.decide import Approach
from importer.sandbox import Config
from tests.harness import harness, people, status_by_row
from tests.plan.test_price import fill

if TYPE_CHECKING:
    from pathlib import Path


async def test_customer_typed_by_a_cashier_during_the_run_is_not_created_again(
    tmp_path: Path,
) -> None:
    """The newest page is read every ten minutes, and compared with the rows still to be sent."""
    async with harness(tmp_path, Config()) as here:
        here.call_later(60.0, lambda: here.sandbox.add(name="Demo 300", phone="050 000 03 00"))
        sent = await here.send(*people(300), rate="20/min")
        assert status_by_row(sent)[301] == "exists"
        assert here.names()["Demo 300"] == 1
        assert sent.requests.posts == 299
        assert sent.requests.reads <= 1 + 2  # the list, and the newest page twice at most


@pytest.mark.usefixtures("untraced")
async def test_customer_typed_during_the_run_with_another_name_is_a_conflict(
    tmp_path: Path,
) -> None:
    async with harness(tmp_path, Config()) as here:
        here.call_later(60.0, lambda: here.sandbox.add(name="Another Demo", phone="0500000300"))
        sent = await here.send(*people(300), rate="20/min")
        assert status_by_row(sent)[301] == "conflict"
        assert sent.outcomes[301].existing_id
        assert sent.requests.posts == 299


async def test_rows_are_looked_up_where_reading_all_takes_over_ten_minutes(
    tmp_path: Path,
) -> None:
    """A phone in a cashier's spelling is found by its national digits, another name is new."""
    async with harness(tmp_path, Config(), version=1) as here:
        fill(here, 7000)
        here.sandbox.add(name="Sevda Demo", phone="0551112233")
        rows = [
            {"name": "Sevda Demo", "phone": "+994551112233"},
            {"name": "Nobody Demo", "phone": "+994559999999"},
        ]
        sent = await here.send(*rows, rate="6/min")
        assert sent.plan
        assert sent.plan.compared.approach is Approach.LOOK_UP
        assert (sent.plan.compared.full_minutes or 0) > 10
        assert status_by_row(sent) == {2: "exists", 3: "created"}
        planned = sent.plan.price.reads
        assert sent.requests.reads <= 1 + planned  # the first page showed the total


async def test_conflict_found_by_a_look_up_is_remembered_where_clopos_is_not_asked(
    tmp_path: Path,
) -> None:
    """A namesake, and a phone in another spelling: Clopos would create both once more."""
    async with harness(tmp_path, Config(), version=1) as here:
        fill(here, 7000)
        here.sandbox.add(name="Sevda Demo", phone="0551112233")
        here.sandbox.add(name="Kamran Demo")
        rows = [{"name": "Another Demo", "phone": "+994551112233"}, {"name": "Kamran Demo"}]
        for match in ("auto", "never"):
            sent = await here.send(*rows, rate="6/min", match=match)
            assert status_by_row(sent) == {2: "conflict", 3: "conflict"}
        assert (sent.requests.posts, sent.requests.reads) == (0, 1)  # the credentials are tried
        here.sandbox.change(list_lag=3600.0)  # lists and look-ups are an hour old
        sent = await here.send(*rows, rate="6/min")
        assert status_by_row(sent) == {2: "conflict", 3: "conflict"}
        for customer in here.sandbox.customers()[-2:]:
            here.sandbox.remove(customer["id"])
        here.sandbox.change(list_lag=0.0)
        assert status_by_row(await here.send(*rows, rate="6/min")) == {2: "created", 3: "created"}
