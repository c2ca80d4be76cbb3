"""Under any fault each row is at Clopos once, and the results are true."""

from __future__ import annotations

import contextlib
import shutil
from itertools import permutations
from typing import TYPE_CHECKING, Any

import pytest

from importer.sandbox import Config
from importer.sandbox.faults import KINDS
from importer.sandbox.store import ClashError
from tests.harness import Harness, harness, people, status_by_row

if TYPE_CHECKING:
    from pathlib import Path

ROWS = {
    "phone": {"name": "Anar Demo", "phone": "+994500000001"},
    "code": {"name": "Anar Demo", "code": "007"},
    "both": {"name": "Anar Demo", "phone": "+994500000001", "code": "007"},
    "neither": {"name": "Anar Demo"},
}
# Every request would end like this one: the run stops, and the next one continues.
ENDING = {"403", "404", "success_false"}
ENDING_A_READ = (ENDING - {"404"}) | {"refused_done"}  # a list that is refused or unavailable
LOST = ["504a", "drop_before", "503"]  # uncertain, and not created
FIRST = ["504a", "504b", "504c", "drop"]  # uncertain: created, not created, or created late

SLOW = pytest.mark.slow(reason="the whole matrix of faults; a part of it is in every run")
OFTEN = {"phone", "neither", "504a", "504c"}


def slow_but_often(*names: str) -> list[Any]:
    """Return parameters; those that aren't in OFTEN are marked slow."""
    return [pytest.param(name, marks=() if name in OFTEN else SLOW) for name in names]


matrix = pytest.mark.parametrize("row", slow_but_often(*ROWS))


async def sent_once(
    here: Harness, row: str, fault: str, *, reading: bool = False, **options: Any
) -> None:
    """Send a row into a fault, and again where the run ends early; check that one is created."""
    sent = await here.send(ROWS[row], **options)
    assert here.sandbox.faults.waiting == 0  # all were used
    ends = fault in (ENDING_A_READ if reading else ENDING)
    assert bool(sent.error) == ends
    if ends:
        assert set(status_by_row(sent).values()) <= {"unknown"}
        sent = await here.send(ROWS[row], **options)
    [customer] = here.sandbox.customers()
    assert status_by_row(sent) == {2: "created"}
    assert sent.outcomes[2].clopos_id == str(customer["id"])


@matrix
@pytest.mark.parametrize("fault", KINDS)
@pytest.mark.parametrize("version", [1, 2])
async def test_fault_on_the_first_try_creates_the_row_once(
    tmp_path: Path, fault: str, row: str, version: int
) -> None:
    async with harness(tmp_path, version=version) as here:
        here.sandbox.faults.add(fault)
        await sent_once(here, row, fault)


@matrix
@pytest.mark.parametrize("fault", KINDS)
@pytest.mark.parametrize("first", slow_but_often(*LOST))
async def test_fault_on_the_retry_creates_the_row_once(
    tmp_path: Path, first: str, fault: str, row: str
) -> None:
    async with harness(tmp_path) as here:
        here.sandbox.faults.add(first, attempt=1)
        here.sandbox.faults.add(fault, attempt=2)
        await sent_once(here, row, fault)


@matrix
@pytest.mark.parametrize("fault", KINDS)
@pytest.mark.parametrize("first", slow_but_often(*FIRST))
async def test_fault_on_the_settling_read_creates_the_row_once(
    tmp_path: Path, first: str, fault: str, row: str
) -> None:
    async with harness(tmp_path) as here:
        here.sandbox.faults.add(first)
        here.sandbox.faults.add(fault, "list")
        await sent_once(here, row, fault, reading=True, match="never")


@pytest.mark.parametrize("row", ["phone", pytest.param("neither", marks=SLOW)])
@pytest.mark.parametrize("fault", KINDS)
@pytest.mark.parametrize("first", ["504a", "504c"])
async def test_fault_on_another_row_does_not_change_an_uncertain_row(
    tmp_path: Path, first: str, fault: str, row: str
) -> None:
    async with harness(tmp_path) as here:
        here.sandbox.faults.add(first, match={"name": "Anar Demo"})
        here.sandbox.faults.add(fault, match={"name": "Neighbour"})
        people = (ROWS[row], {"name": "Neighbour", "phone": "+994500000002"})
        sent = await here.send(*people)
        if fault in ENDING:
            assert sent.error
            sent = await here.send(*people)
        assert here.names() == {"Anar Demo": 1, "Neighbour": 1}
        ids = {c["name"]: str(c["id"]) for c in here.sandbox.customers()}
        assert status_by_row(sent) == {2: "created", 3: "created"}
        assert sent.outcomes[2].clopos_id == ids["Anar Demo"]
        assert sent.outcomes[3].clopos_id == ids["Neighbour"]


@matrix
@pytest.mark.parametrize("fault", ["504c", "503"])
@pytest.mark.parametrize("seconds", [0.5, 7.0, 9.9, 10.1, 10.3, 11.0, 17.0, 19.0, 29.0])
async def test_late_commit_is_settled_whenever_it_happens(
    tmp_path: Path, seconds: float, fault: str, row: str
) -> None:
    """Before the settling read, between it and the retry, or while that is in flight."""
    async with harness(tmp_path, Config(latency=(0.2, 0.2))) as here:
        here.sandbox.faults.add("504c", attempt=1, seconds=seconds)
        here.sandbox.faults.add(fault, attempt=2)
        sent = await here.send(ROWS[row], match="never")
        [customer] = here.sandbox.customers()
        assert status_by_row(sent) == {2: "created"}
        assert sent.outcomes[2].clopos_id == str(customer["id"])


@pytest.mark.parametrize(("lands", "status"), [(15.0, "created"), (60.0, "rejected")])
async def test_refused_retry_is_settled_by_reading(
    tmp_path: Path, lands: float, status: str
) -> None:
    """The first request commits so late that its retry is refused; the row may exist or not."""
    async with harness(tmp_path) as here:
        here.sandbox.faults.add("504c", attempt=1, seconds=lands)
        here.call_later(20.0, lambda: here.sandbox.change(groups=["My Customers", "VIP"]))
        sent = await here.send(ROWS["phone"] | {"group_id": 2}, match="never")
        assert status_by_row(sent) == {2: status}
        assert [str(c["id"]) for c in here.sandbox.customers()] == (
            [sent.outcomes[2].clopos_id] if status == "created" else []
        )


@matrix
@pytest.mark.parametrize("order", list(permutations(("phone", "code", "cid"))))
@pytest.mark.parametrize("phones_filter", ["all", "ignored", "exact"])
async def test_retry_that_conflicts_with_its_own_first_create_is_settled(
    tmp_path: Path, order: tuple[str, ...], phones_filter: Any, row: str
) -> None:
    """For any field that the 409 names, and whether filters find the row or not."""
    config = Config(conflict_order=order, phones_filter=phones_filter, latency=(0.2, 0.2))
    async with harness(tmp_path, config) as here:
        for n in range(2):
            here.sandbox.add(name=f"Anar Demo {n}", phone=f"+99450000000{n}1")
        here.sandbox.faults.add("504c", attempt=1, seconds=10.3)
        sent = await here.send(ROWS[row], match="never")
        assert [r["status"] for r in here.sandbox.requests() if r["route"] == "create"] == [
            504,
            409,
        ]
        ids = {c["name"]: str(c["id"]) for c in here.sandbox.customers()}
        assert status_by_row(sent) == {2: "created"}
        assert sent.outcomes[2].clopos_id == ids["Anar Demo"]


@pytest.mark.parametrize("row", ["phone", "code", "both"])
@pytest.mark.parametrize("hidden", [False, True])
@pytest.mark.parametrize("first", FIRST)
async def test_retry_that_conflicts_with_another_customer_is_a_conflict(
    tmp_path: Path, first: str, row: str, *, hidden: bool
) -> None:
    """The other one took the values meanwhile. Where the row was created before, it exists."""
    values = {name: value for name, value in ROWS[row].items() if name != "name"}

    async with harness(tmp_path) as here:

        def take() -> None:
            with contextlib.suppress(ClashError):
                here.sandbox.add(name="Somebody Else", hidden=hidden, **values)

        here.sandbox.faults.add(first)
        here.call_later(17.0 if first == "504a" else 12.0, take)
        sent = await here.send(ROWS[row], match="never")
        [customer] = here.sandbox.customers()
        outcome = sent.outcomes[2]
        if customer["name"] == "Anar Demo":
            assert first != "504a"
            assert (outcome.status, outcome.clopos_id) == ("created", str(customer["id"]))
        elif row == "both" and not hidden:
            # Phone and code are this customer's, under another name (M7).
            assert (outcome.status, outcome.clopos_id) == ("exists", str(customer["id"]))
        elif hidden:  # as while lists lag
            assert outcome.status == "unknown"
        else:
            assert (outcome.status, outcome.existing_id) == ("conflict", str(customer["id"]))
            assert outcome.field in values


@pytest.mark.parametrize("doubted", [False, True])
@pytest.mark.parametrize("most", [2, 999])
async def test_phone_that_is_a_part_of_other_phones_is_found_by_its_exact_value(
    tmp_path: Path, most: int, *, doubted: bool
) -> None:
    """Filters match by substring, so a page of other customers may come before it."""
    async with harness(tmp_path, Config(v2_max_limit=most)) as here:
        held = here.sandbox.add(name="Somebody Else", phone="+994500000001")
        for n in range(5):
            here.sandbox.add(name=f"Longer {n}", phone=f"+9945000000010{n}")
        if doubted:
            here.sandbox.faults.add("504a")
        sent = await here.send(ROWS["phone"], match="never")
        outcome = sent.outcomes[2]
        assert (outcome.status, outcome.field) == ("conflict", "phone")
        assert outcome.existing_id == str(held["id"])


@matrix
async def test_conflict_that_was_not_looked_up_is_unknown(tmp_path: Path, row: str) -> None:
    """The holder may be the row itself, where a journal was lost; the next run finds out."""
    async with harness(tmp_path) as here:
        await here.send(ROWS[row])
        [customer] = here.sandbox.customers()
        for folder in here.folder.glob("*/"):
            shutil.rmtree(folder)
        here.sandbox.faults.add("403", "list")
        sent = await here.send(ROWS[row], match="never")
        assert sent.error
        assert status_by_row(sent) == {2: "unknown"}
        assert "not looked up" in sent.outcomes[2].message
        sent = await here.send(ROWS[row], match="never")
        assert here.names() == {"Anar Demo": 1}
        assert status_by_row(sent)[2] in {"created", "exists"}
        assert sent.outcomes[2].clopos_id == str(customer["id"])


async def test_uncertain_rows_are_settled_by_one_read(tmp_path: Path) -> None:
    """One page of the list, and one more create for each row that doesn't exist."""
    async with harness(tmp_path) as here:
        for n in range(1, 41):
            kind = "504a" if n % 2 else "504b"
            here.sandbox.faults.add(kind, match={"name": f"Demo {n}"})
        sent = await here.send(*people(60), match="never")
        assert set(status_by_row(sent).values()) == {"created"}
        assert set(here.names().values()) == {1}
        assert sent.requests.posts == 60 + 20
        assert sent.requests.reads == 1


@pytest.mark.parametrize(("version", "pages"), [(1, 4), (2, 1)])
async def test_uncertain_rows_are_read_by_the_page_while_others_are_sent(
    tmp_path: Path, version: int, pages: int
) -> None:
    """A read takes in all rows whose wait has ended, not only the first."""
    async with harness(tmp_path, version=version) as here:
        for n in range(5, 300, 20):
            here.sandbox.faults.add("504b", match={"name": f"Demo {n}"})
        sent = await here.send(*people(300), match="never")
        assert set(status_by_row(sent).values()) == {"created"}
        assert sent.requests.posts == 300
        assert sent.requests.reads <= pages


async def test_row_that_stays_uncertain_is_unknown_and_settled_by_the_next_run(
    tmp_path: Path,
) -> None:
    async with harness(tmp_path) as here:
        here.sandbox.faults.add("504a", times=4)
        first = await here.send(ROWS["both"])
        assert status_by_row(first) == {2: "unknown"}
        assert "4 times" in first.outcomes[2].message
        second = await here.send(ROWS["both"])
        assert status_by_row(second) == {2: "created"}
        assert here.names() == {"Anar Demo": 1}


@pytest.mark.parametrize("clash", ["phone", "code", "cid"])
async def test_conflict_with_another_customer_names_the_holder(tmp_path: Path, clash: str) -> None:
    cid = "7d0f6a1e-0000-4000-8000-000000000001"
    value = {"phone": "+994500000001", "code": "007", "cid": cid}[clash]
    fields: dict[str, Any] = {clash: value}

    async with harness(tmp_path) as here:
        held = here.sandbox.add("", name="Somebody Else", **fields)
        sent = await here.send({"name": "Anar Demo", clash: value}, match="never")
        outcome = sent.outcomes[2]
        assert (outcome.status, outcome.field) == ("conflict", clash)
        assert outcome.existing_id == str(held["id"])


async def test_conflict_with_a_customer_that_no_list_shows_has_a_message(tmp_path: Path) -> None:
    async with harness(tmp_path) as here:
        here.sandbox.add(name="Gone", phone="+994500000001", hidden=True)
        sent = await here.send(ROWS["phone"])
        assert status_by_row(sent) == {2: "conflict"}
        assert "can't be seen" in sent.outcomes[2].message
        assert sent.outcomes[2].existing_id is None


@pytest.mark.parametrize("phones_filter", ["all", "extra", "exact", "ignored"])
@pytest.mark.parametrize("list_form", ["usual", "array", "plain", "full", "pagination"])
@pytest.mark.parametrize("order", [("phone", "code", "cid"), ("cid", "code", "phone")])
async def test_uncertain_row_is_settled_with_any_form_of_lists_and_filters(
    tmp_path: Path, phones_filter: str, list_form: str, order: tuple[str, ...]
) -> None:
    config = Config(
        phones_filter=phones_filter,  # type: ignore[arg-type]
        list_form=list_form,  # type: ignore[arg-type]
        conflict_order=order,
        v2_max_limit=3,
    )

    async with harness(tmp_path, config) as here:
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
async def test_changed_forms_of_responses_change_no_outcome(
    tmp_path: Path, switches: dict[str, Any]
) -> None:
    async with harness(tmp_path, Config(**switches)) as here:
        held = here.sandbox.add(name="Somebody Else", phone="+994500000002")
        sent = await here.send(*people(3), match="never")
        assert status_by_row(sent) == {2: "created", 3: "conflict", 4: "created"}
        assert sent.outcomes[3].existing_id == str(held["id"])
