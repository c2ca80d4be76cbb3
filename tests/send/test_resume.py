"""The same command again carries on: after a run that died, with a mended sheet, elsewhere."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import pytest

from importer.sandbox import Config
from importer.sandbox.virtual_time import run
from tests.harness import people, told, world

if TYPE_CHECKING:
    from pathlib import Path

    from tests.harness import World

BY_CODE: dict[str, Any] = {"name": "Anar Demo", "code": "007", "email": "old@example.com"}
MENDED = BY_CODE | {"email": "new@example.com"}
SHEET: list[dict[str, Any]] = [
    BY_CODE,
    {"name": "Leyla Demo", "phone": "+994500000001"},
    {"name": "Neither Demo"},
    {"name": "Neither Demo"},
]


@pytest.mark.parametrize("match", ["auto", "never"])
def test_of_a_mended_sheet_only_what_is_new_is_sent(tmp_path: Path, match: str) -> None:
    async def story() -> None:
        async with world(tmp_path) as here:
            first = await here.send(*SHEET)
            new = {"name": "New Demo", "phone": "+994500000003"}
            again = await here.send(new, MENDED, *SHEET[1:], match=match)
            assert told(again) == {2: "created"} | dict.fromkeys(range(3, 7), "exists")
            assert again.requests.posts == 1
            assert again.outcomes[3].message == "at Clopos with another email"
            assert [again.outcomes[row].message for row in (4, 5, 6)] == ["", "", ""]
            for row in range(2, 6):
                assert again.outcomes[row + 1].clopos_id == first.outcomes[row].clopos_id

    run(story())


@pytest.mark.parametrize("match", ["auto", "never"])
@pytest.mark.parametrize("version", [1, 2])
def test_on_another_machine_nothing_is_there_twice(
    tmp_path: Path, version: int, match: str
) -> None:
    """The cid is the same there; and where all are read first, nothing is sent."""

    async def story() -> None:
        async with world(tmp_path, version=version) as here:
            first = await here.send(*SHEET)
            forget(here)
            again = await here.send(MENDED, *SHEET[1:], match=match)
            assert set(told(again).values()) == {"exists"}
            assert again.requests.posts == (0 if match == "auto" else 4)
            assert again.outcomes[2].message == "at Clopos with another email"
            for row in range(2, 6):
                assert again.outcomes[row].clopos_id == first.outcomes[row].clopos_id
            assert len(here.sandbox.customers()) == 4

    run(story())


@pytest.mark.parametrize("match", ["auto", "never"])
@pytest.mark.parametrize("fault", ["504a", "504b", "504c"])
def test_a_row_that_was_mended_while_in_doubt(tmp_path: Path, fault: str, match: str) -> None:
    """It is created as it is now, or it exists as it was then: told by what is there."""

    async def story() -> None:
        async with world(tmp_path) as here:
            here.sandbox.faults.add(fault)
            here.sandbox.faults.add("403", "list")
            first = await here.send(BY_CODE, match="never")
            assert told(first) == {2: "unknown"}
            for _ in range(2):
                again = await here.send(MENDED, match=match)
                [customer] = here.sandbox.customers()
                outcome = again.outcomes[2]
                assert outcome.clopos_id == str(customer["id"])
                if fault == "504a":
                    assert customer["email"] == "new@example.com"
                    assert outcome.message == ""
                else:
                    assert customer["email"] == "old@example.com"
                    assert (outcome.status, outcome.message) == (
                        "exists",
                        "at Clopos with another email",
                    )

    run(story())


@pytest.mark.parametrize("lost", [False, True])
@pytest.mark.parametrize("seconds", [12.0, 20.0, 25.0, 30.05])
def test_a_mended_row_whose_first_create_lands_late(
    tmp_path: Path, seconds: float, lost: bool
) -> None:
    """…between the read that didn't find it and its retry, or after that, whose answer is lost."""

    async def story() -> None:
        async with world(tmp_path) as here:
            here.sandbox.faults.add("504c", seconds=seconds)
            if lost:
                here.sandbox.faults.add("503", attempt=2)
            here.later(12.0, here.stop.set)
            first = await here.send(BY_CODE, match="never")
            assert told(first) == {2: "unknown"}
            here.stop.clear()
            here.sandbox.change(latency=[0.5, 0.5])
            again = await here.send(MENDED, match="never")
            [customer] = here.sandbox.customers()
            outcome = again.outcomes[2]
            assert outcome.clopos_id == str(customer["id"])
            assert (outcome.status == "exists") == (customer["email"] == "old@example.com")

    run(story())


@pytest.mark.usefixtures("untraced")
@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("jump", [-86_400.0, -1800.0, 1800.0, 86_400.0])
def test_a_clock_that_jumps_changes_nothing(tmp_path: Path, jump: float, version: int) -> None:
    """…within a run, nor between two; tokens that seem to live on are renewed when refused."""

    async def story() -> None:
        config = Config(token_seconds=60.0, latency=(0.5, 0.5))
        async with world(tmp_path, config, version) as here:
            here.sandbox.faults.add("504b", match={"name": "Demo 3"})
            here.sandbox.faults.add("504a", match={"name": "Demo 5"})
            here.sandbox.faults.add("429", match={"name": "Demo 9"})

            def set_clock() -> None:
                here.clock_is_off = jump

            here.later(5.0, set_clock)
            sent = await here.send(*people(90), match="never")
            assert sent.error is None
            assert set(told(sent).values()) == {"created"}
            assert here.now < 300  # no hour is waited for
            here.clock_is_off = 0.0
            sent = await here.send(*people(95))
            assert sent.error is None
            assert set(here.names().values()) == {1}
            assert len(here.names()) == 95

    run(story())


def forget(here: World) -> None:
    """Take away what this machine knows."""
    for folder in here.folder.glob("*/"):
        shutil.rmtree(folder)
