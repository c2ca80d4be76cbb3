"""The same command again continues: after a crashed run, with an edited sheet, elsewhere."""

from __future__ import annotations

import asyncio
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from importer.sandbox import Config
from importer.send.circuit_breaker import SendTuning
from tests.harness import harness, people, status_by_row

if TYPE_CHECKING:
    from pathlib import Path

    from tests.harness import Harness

BY_CODE: dict[str, Any] = {"name": "Anar Demo", "code": "007", "email": "old@example.com"}
EDITED = BY_CODE | {"email": "new@example.com"}
SHEET: list[dict[str, Any]] = [
    BY_CODE,
    {"name": "Leyla Demo", "phone": "+994500000001"},
    {"name": "Neither Demo"},
    {"name": "Neither Demo"},
]


@pytest.mark.parametrize("match", ["auto", "never"])
async def test_only_new_rows_of_an_edited_sheet_are_sent(tmp_path: Path, match: str) -> None:
    async with harness(tmp_path) as here:
        first = await here.send(*SHEET)
        new = {"name": "New Demo", "phone": "+994500000003"}
        again = await here.send(new, EDITED, *SHEET[1:], match=match)
        assert status_by_row(again) == {2: "created"} | dict.fromkeys(range(3, 7), "exists")
        assert again.requests.posts == 1
        asked = match == "auto"
        assert again.outcomes[3].message == _message("at Clopos with another email", asked=asked)
        assert {again.outcomes[row].message for row in (4, 5, 6)} == {_message("", asked=asked)}
        for row in range(2, 6):
            assert again.outcomes[row + 1].clopos_id == first.outcomes[row].clopos_id


async def test_uncertain_row_is_settled_after_the_newest_customer_was_deleted(
    tmp_path: Path,
) -> None:
    """No list reaches that id again until another customer is created."""
    async with harness(tmp_path) as here:
        await here.send(*people(2))
        here.sandbox.faults.add("drop_before")
        left = await here.send(*people(3), tuning=SendTuning(attempts=1))
        assert status_by_row(left)[4] == "unknown"
        here.sandbox.remove(int(left.outcomes[3].clopos_id or ""))
        again = await here.send(*people(3))
        assert status_by_row(again) == {2: "exists", 3: "conflict", 4: "created"}


@pytest.mark.parametrize("set_back", [0.0, 600.0], ids=["", "clock-set-back"])
@pytest.mark.parametrize("match", ["auto", "never"])
async def test_row_edited_while_lists_lag_waits_until_they_are_complete(
    tmp_path: Path, match: str, set_back: float
) -> None:
    """Its new cid wouldn't protect it. It waits no longer than lists may lag."""
    row = people(1)[0]
    edited = row | {"phone": "+994559999999"}
    async with harness(tmp_path, Config(list_lag=120.0)) as here:
        here.sandbox.faults.add("drop")
        assert status_by_row(await here.send(row, match=match)) == {2: "unknown"}
        here.clock_is_off = -set_back
        for _ in range(2):
            assert status_by_row(await here.send(edited, match=match)) == {2: "unknown"}
        here.sandbox.change(list_lag=0.0)
        assert status_by_row(await here.send(edited, match=match)) == {2: "conflict"}
        assert len(here.sandbox.customers()) == 1


@pytest.mark.parametrize("match", ["auto", "never"])
async def test_row_committed_after_a_newer_customer_is_no_conflict_with_itself_while_lists_lag(
    tmp_path: Path, match: str
) -> None:
    """A list that shows another new customer may still lack the row."""
    async with harness(tmp_path, Config(list_lag=40.0)) as here:
        late = {"name": "Demo 2"}
        here.sandbox.faults.add("504c", match=late, seconds=20.0)
        here.sandbox.faults.add("503", match=late)
        for _ in range(2):
            assert status_by_row(await here.send(*people(2), match=match))[3] == "unknown"
        await asyncio.sleep(40.0)
        assert status_by_row(await here.send(*people(2), match=match))[3] in {"created", "exists"}
        assert here.names() == {"Demo 1": 1, "Demo 2": 1}


@pytest.mark.parametrize("match", ["auto", "never"])
@pytest.mark.parametrize("seconds", [0.0, 35.0], ids=["lists-nobody", "lists-the-neighbour"])
async def test_edited_row_waits_whether_or_not_the_list_shows_newer_customers(
    tmp_path: Path, seconds: float, match: str
) -> None:
    """The list is too old, or shows a customer that was committed before the row."""
    neighbour, row = people(2)
    edited = row | {"phone": "+994559999999"}
    async with harness(tmp_path, Config(list_lag=40.0)) as here:
        here.sandbox.faults.add("504c", match={"name": "Demo 2"}, seconds=9.0)
        here.call_later(9.0, here.stop.set)
        assert status_by_row(await here.send(neighbour, row, match=match))[3] == "unknown"
        here.stop.clear()
        await asyncio.sleep(seconds)
        assert status_by_row(await here.send(neighbour, edited, match=match))[3] == "unknown"
        await asyncio.sleep(60.0)
        assert status_by_row(await here.send(neighbour, edited, match=match))[3] == "conflict"
        assert here.names() == {"Demo 1": 1, "Demo 2": 1}


async def test_edited_row_that_was_never_created_is_sent_after_an_hour(
    tmp_path: Path,
) -> None:
    row = people(1)[0]
    async with harness(tmp_path) as here:
        here.sandbox.faults.add("drop_before")
        assert status_by_row(await here.send(row, tuning=SendTuning(attempts=1))) == {2: "unknown"}
        edited = row | {"phone": "+994559999999"}
        assert status_by_row(await here.send(edited)) == {2: "unknown"}
        await asyncio.sleep(3600)
        assert status_by_row(await here.send(edited)) == {2: "created"}


@pytest.mark.parametrize("match", ["auto", "never"])
@pytest.mark.parametrize("version", [1, 2])
async def test_run_on_another_machine_creates_no_row_twice(
    tmp_path: Path, version: int, match: str
) -> None:
    """The cid is the same there. Where all customers are read first, no row is sent."""
    async with harness(tmp_path, version=version) as here:
        first = await here.send(*SHEET)
        forget(here)
        again = await here.send(EDITED, *SHEET[1:], match=match)
        assert set(status_by_row(again).values()) == {"exists"}
        assert again.requests.posts == (0 if match == "auto" else 4)
        assert again.outcomes[2].message == "at Clopos with another email"
        for row in range(2, 6):
            assert again.outcomes[row].clopos_id == first.outcomes[row].clopos_id
        assert len(here.sandbox.customers()) == 4


@pytest.mark.parametrize("match", ["auto", "never"])
@pytest.mark.parametrize("fault", ["504a", "504b", "504c"])
async def test_row_edited_while_in_doubt_is_the_one_that_clopos_has(
    tmp_path: Path, fault: str, match: str
) -> None:
    """Clopos has the earlier values, or the row is created with the new ones."""
    async with harness(tmp_path) as here:
        here.sandbox.faults.add(fault)
        here.sandbox.faults.add("403", "list")
        first = await here.send(BY_CODE, match="never")
        assert status_by_row(first) == {2: "unknown"}
        for time in range(2):
            again = await here.send(EDITED, match=match)
            [customer] = here.sandbox.customers()
            outcome = again.outcomes[2]
            assert outcome.clopos_id == str(customer["id"])
            asked = match == "auto" or outcome.status == "created"
            if fault == "504a":
                assert customer["email"] == "new@example.com"
                assert outcome.message == _message("", asked=asked)
            else:
                assert customer["email"] == "old@example.com"
                assert outcome.status == "exists"
                if asked or not time:
                    message = _message("at Clopos with another email", asked=asked)
                    assert outcome.message == message
                else:  # the new values were seen before, too, and Clopos wasn't asked
                    assert outcome.message.endswith(_message("", asked=False))


@pytest.mark.parametrize("lost", [False, True])
@pytest.mark.parametrize("seconds", [12.0, 20.0, 25.0, 30.05])
async def test_edited_row_waits_for_its_first_create_that_commits_late(
    tmp_path: Path, seconds: float, lost: bool
) -> None:
    """It commits between the settling read and the retry, or after a retry without a response."""
    async with harness(tmp_path) as here:
        here.sandbox.faults.add("504c", seconds=seconds)
        if lost:
            here.sandbox.faults.add("503", attempt=2)
        here.call_later(12.0, here.stop.set)
        first = await here.send(BY_CODE, match="never")
        assert status_by_row(first) == {2: "unknown"}
        here.stop.clear()
        here.sandbox.change(latency=[0.5, 0.5])
        again = await here.send(EDITED, match="never")
        [customer] = here.sandbox.customers()
        assert again.outcomes[2].clopos_id == str(customer["id"])
        # Where the edited row was sent, too, only the next run sees which of the two was created.
        last = await here.send(EDITED)
        assert len(here.sandbox.customers()) == 1
        different = customer["email"] == "old@example.com"
        assert last.outcomes[2].status == "exists"
        assert last.outcomes[2].message == ("at Clopos with another email" if different else "")


async def test_row_with_a_phone_edited_each_night_is_held_until_decided(
    tmp_path: Path,
) -> None:
    """After each edit the row still belongs to the customer that has no other row."""
    phones = ["+994500000001", "+994550000005", "+994550000006", "+994550000007"]
    async with harness(tmp_path) as here:
        nights = [await here.send({"name": "Demo 001", "phone": phone}) for phone in phones]
        [customer] = here.sandbox.customers()
        assert [status_by_row(night)[2] for night in nights] == ["created"] + 3 * ["conflict"]
        assert {n.outcomes[2].existing_id for n in nights[1:]} == {str(customer["id"])}


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("jump", [-86_400.0, -1800.0, 1800.0, 86_400.0])
async def test_clock_that_jumps_changes_no_outcome(
    tmp_path: Path, jump: float, version: int
) -> None:
    """It jumps within a run and between runs; a token that seems valid is renewed on a 401."""
    config = Config(token_seconds=60.0, latency=(0.5, 0.5))
    async with harness(tmp_path, config, version) as here:
        here.sandbox.faults.add("504b", match={"name": "Demo 3"})
        here.sandbox.faults.add("504a", match={"name": "Demo 5"})
        here.sandbox.faults.add("429", match={"name": "Demo 9"})

        def set_clock() -> None:
            here.clock_is_off = jump

        here.call_later(5.0, set_clock)
        sent = await here.send(*people(90), match="never")
        assert sent.error is None
        assert set(status_by_row(sent).values()) == {"created"}
        assert here.now < 300  # no wait of an hour
        here.clock_is_off = 0.0
        sent = await here.send(*people(95))
        assert sent.error is None
        assert set(here.names().values()) == {1}
        assert len(here.names()) == 95


def _message(text: str, *, asked: bool) -> str:
    """Return the message of a row that exists, which says so where Clopos wasn't asked."""
    blind = "" if asked else "known from an earlier run; Clopos was not asked"
    return "; ".join(filter(None, (text, blind)))


def forget(here: Harness) -> None:
    """Delete the state folder of this machine."""
    for folder in here.folder.glob("*/"):
        shutil.rmtree(folder)
