"""Whatever breaks: each row is at Clopos once, and the results tell the truth."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from importer.sandbox import Config
from importer.sandbox.virtual_time import run
from tests.world import people, told, world

if TYPE_CHECKING:
    from pathlib import Path

ROWS = {
    "phone": {"name": "Anar Demo", "phone": "+994500000001"},
    "code": {"name": "Anar Demo", "code": "007"},
    "both": {"name": "Anar Demo", "phone": "+994500000001", "code": "007"},
    "neither": {"name": "Anar Demo"},
}
REFUSED = {"expired401", "invalid401", "message401", "429"}
LOST = {"500", "502", "503", "504a", "drop_before", "timeout"}
DONE = {"500b", "502b", "504b", "drop", "garbage", "no_id", "timeout_b", "504c", "slow"}
FAULTS = sorted(REFUSED | LOST | DONE)


@pytest.mark.parametrize("row", list(ROWS))
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("version", [1, 2])
def test_a_fault_on_the_first_try(tmp_path: Path, fault: str, row: str, version: int) -> None:
    async def story() -> None:
        async with world(tmp_path, version=version) as here:
            here.sandbox.faults.add(fault)
            sent = await here.send(ROWS[row])
            [customer] = here.sandbox.customers()
            assert told(sent) == {2: "created"}
            assert sent.outcomes[2].clopos_id == str(customer["id"])

    run(story())


@pytest.mark.parametrize("row", list(ROWS))
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("first", ["504a", "504b", "504c", "drop"])
def test_a_fault_on_the_retry_or_the_neighbour(
    tmp_path: Path, first: str, fault: str, row: str
) -> None:
    async def story() -> None:
        async with world(tmp_path) as here:
            here.sandbox.faults.add(first, match={"name": "Anar Demo"})
            here.sandbox.faults.add(fault)
            sent = await here.send(ROWS[row], {"name": "Neighbour", "phone": "+994500000002"})
            assert here.names() == {"Anar Demo": 1, "Neighbour": 1}
            ids = {c["name"]: str(c["id"]) for c in here.sandbox.customers()}
            assert told(sent) == {2: "created", 3: "created"}
            assert sent.outcomes[2].clopos_id == ids["Anar Demo"]

    run(story())


@pytest.mark.parametrize("row", list(ROWS))
@pytest.mark.parametrize("fault", ["expired401", "429", "500", "502", "503", "504a", "garbage"])
@pytest.mark.parametrize("first", ["504a", "504b", "504c", "drop"])
def test_a_fault_on_the_settling_read(tmp_path: Path, first: str, fault: str, row: str) -> None:
    async def story() -> None:
        async with world(tmp_path) as here:
            here.sandbox.faults.add(first)
            here.sandbox.faults.add(fault, "list")
            sent = await here.send(ROWS[row], match="never")
            [customer] = here.sandbox.customers()
            assert told(sent) == {2: "created"}
            assert sent.outcomes[2].clopos_id == str(customer["id"])

    run(story())


def test_doubtful_rows_are_settled_together(tmp_path: Path) -> None:
    """One page of verdicts, and one more request for each row that wasn't there."""

    async def story() -> None:
        async with world(tmp_path) as here:
            for n in range(1, 41):
                kind = "504a" if n % 2 else "504b"
                here.sandbox.faults.add(kind, match={"name": f"Demo {n}"})
            sent = await here.send(*people(60), match="never")
            assert set(told(sent).values()) == {"created"}
            assert set(here.names().values()) == {1}
            assert sent.requests.posts == 60 + 20
            assert sent.requests.reads == 1

    run(story())


def test_a_row_that_stays_in_doubt_is_unknown_and_settled_by_the_next_run(tmp_path: Path) -> None:
    async def story() -> None:
        async with world(tmp_path) as here:
            here.sandbox.faults.add("504a", times=4)
            first = await here.send(ROWS["both"])
            assert told(first) == {2: "unknown"}
            assert "4 times" in first.outcomes[2].message
            second = await here.send(ROWS["both"])
            assert told(second) == {2: "created"}
            assert here.names() == {"Anar Demo": 1}

    run(story())


@pytest.mark.parametrize("clash", ["phone", "code", "cid"])
def test_a_true_conflict_names_the_holder(tmp_path: Path, clash: str) -> None:
    cid = "7d0f6a1e-0000-4000-8000-000000000001"
    value = {"phone": "+994500000001", "code": "007", "cid": cid}[clash]
    fields: dict[str, Any] = {clash: value}

    async def story() -> None:
        async with world(tmp_path) as here:
            held = here.sandbox.add("", name="Somebody Else", **fields)
            sent = await here.send({"name": "Anar Demo", clash: value}, match="never")
            outcome = sent.outcomes[2]
            # A cid that is there already is this very customer, whatever it is called.
            expected = "exists" if clash == "cid" else "conflict"
            assert outcome.status == expected
            holder = outcome.clopos_id if clash == "cid" else outcome.existing_id
            assert holder == str(held["id"])
            assert outcome.field == (None if clash == "cid" else clash)

    run(story())


def test_a_conflict_with_nobody_to_be_seen_says_so(tmp_path: Path) -> None:
    async def story() -> None:
        async with world(tmp_path) as here:
            here.sandbox.add(name="Gone", phone="+994500000001", hidden=True)
            sent = await here.send(ROWS["phone"])
            assert told(sent) == {2: "conflict"}
            assert "can't be seen" in sent.outcomes[2].message
            assert sent.outcomes[2].existing_id is None

    run(story())


@pytest.mark.parametrize("phones_filter", ["all", "extra", "exact", "ignored"])
@pytest.mark.parametrize("list_form", ["usual", "array", "plain", "full", "pagination"])
@pytest.mark.parametrize("order", [("phone", "code", "cid"), ("cid", "code", "phone")])
def test_whatever_lists_and_filters_do_a_doubt_is_settled_rightly(
    tmp_path: Path, phones_filter: str, list_form: str, order: tuple[str, ...]
) -> None:
    config = Config(
        phones_filter=phones_filter,  # type: ignore[arg-type]
        list_form=list_form,  # type: ignore[arg-type]
        conflict_order=order,
        v2_max_limit=3,
    )

    async def story() -> None:
        async with world(tmp_path, config) as here:
            for n in range(5):
                here.sandbox.add(name=f"Old {n}", phone=f"+99451000000{n}")
            for fault in ("504b", "504a", "drop"):
                here.sandbox.faults.add(fault)
            here.sandbox.add(name="Somebody Else", phone="+99450 000 00 07")
            sent = await here.send(*people(6), {"name": "X", "phone": "+994500000007"})
            made = {k: v for k, v in here.names().items() if k.startswith("Demo")}
            assert made == {f"Demo {n}": 1 for n in range(1, 7)}
            ids = {c["name"]: str(c["id"]) for c in here.sandbox.customers()}
            for n in range(1, 7):
                outcome = sent.outcomes[n + 1]
                assert (outcome.status, outcome.clopos_id) == ("created", ids[f"Demo {n}"])
            assert sent.outcomes[8].existing_id == ids["Somebody Else"]

    run(story())


SWITCHES: list[dict[str, Any]] = [
    {"conflict_array": True},
    {"conflict_status": 422},
    {"error_form": "array"},
    {"error_form": "sentence"},
    {"text_ids": True},
    {"created_status": 201},
    {"bare_single": True},
]


@pytest.mark.parametrize("switches", SWITCHES, ids=str)
def test_drifting_shapes_change_nothing(tmp_path: Path, switches: dict[str, Any]) -> None:
    async def story() -> None:
        async with world(tmp_path, Config(**switches)) as here:
            held = here.sandbox.add(name="Somebody Else", phone="+994500000002")
            sent = await here.send(*people(3), match="never")
            assert told(sent) == {2: "created", 3: "conflict", 4: "created"}
            assert sent.outcomes[3].existing_id == str(held["id"])

    run(story())
