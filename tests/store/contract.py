"""Contract of every implementation of `importer.store.base`. Run by `test_contract`."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from importer.errors import ServiceError
from importer.matching.verdicts import Answer
from importer.sandbox.virtual_time import run
from importer.store import has_store, history, note_run
from importer.store.records import Decision, Kind, RunEnd, RunStart, Seen, State

if TYPE_CHECKING:
    from importer.store.base import Journal, Store
    from tests.store.conftest import Stores

START = RunStart("list.csv")
DONE = RunEnd(done=True)


# -- journal -----------------------------------------------------------------------------------


async def test_intention_is_recalled_by_the_next_session(stores: Stores) -> None:
    async with stores.open() as store:
        number = await store.journal.begin(START)
        await store.journal.intend("C-1", "look", 7)
    async with stores.open() as store:
        entry = (await store.journal.recall(["c-1", "c-2"]))["c-1"]
        assert (entry.state, entry.run, entry.after_id) == (State.SENT, number, 7)
        assert (entry.clopos_id, entry.packed, entry.in_doubt) == (None, "look", True)
        assert entry.digest == store.digest("c-1")


async def test_outcomes_are_recalled(stores: Stores) -> None:
    async with stores.open() as store:
        journal = store.journal
        await journal.begin(START)
        await asyncio.gather(*(journal.intend(f"c{n}", "look") for n in range(6)))
        journal.created("c1", "41")
        journal.withdrawn("c2")
        journal.existed("c3", "43")
        await journal.intend("c4", "other", 5)
        await journal.flush()
        entries = await journal.recall([f"c{n}" for n in range(6)])
    assert {cid: (each.state, each.clopos_id) for cid, each in entries.items()} == {
        "c0": (State.SENT, None),
        "c1": (State.CREATED, "41"),
        "c3": (State.EXISTED, "43"),
        "c4": (State.SENT, None),
        "c5": (State.SENT, None),
    }
    assert (entries["c4"].packed, entries["c4"].after_id) == ("other", 5)
    assert entries["c1"].packed == "look"


Step = tuple[str, str, int]
Model = dict[str, tuple[str, int | None, str | None, str]]  # state, after_id, id, packed
FINAL = {"created", "existed", "gone"}


def modelled(model: Model, step: Step) -> Model:
    """Return the content of a journal after one more step."""
    what, cid, number = step
    state, after, _, packed = model.get(cid, ("", None, None, ""))
    if what == "intend" and state not in FINAL:
        return model | {cid: ("sent", number, None, f"{number:x}")}
    if what in {"created", "gone"} and state:
        return model | {cid: (what, after, str(number), packed)}
    if what == "existed" and state in {"sent", "existed"}:
        return model | {cid: (what, after, str(number), packed)}
    if what == "withdrawn" and state == "sent":
        return {each: entry for each, entry in model.items() if each != cid}
    return model


async def take(journal: Journal, step: Step, model: Model) -> None:
    what, cid, number = step
    match what:
        case "intend":
            await journal.intend(cid, f"{number:x}", number)
        case "created" | "existed" | "gone" if cid in model:
            getattr(journal, what)(cid, str(number))
        case "withdrawn":
            journal.withdrawn(cid)


async def recalled(journal: Journal) -> Model:
    entries = await journal.recall(["a", "b", "c"])
    return {
        cid: (str(entry.state), entry.after_id, entry.clopos_id, entry.packed)
        for cid, entry in entries.items()
    }


STEPS = ["intend", "created", "existed", "withdrawn", "gone", "recall", "open"]


@pytest.mark.usefixtures("untraced")
@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(
        st.tuples(st.sampled_from(STEPS), st.sampled_from(["a", "b", "c"]), st.integers(0, 15)),
        max_size=30,
    )
)
def test_journal_recalls_the_last_note_about_each_row(stores: Stores, steps: list[Step]) -> None:
    """At any time, whether or not the journal was closed in between."""
    brand = stores.fresh_brand()

    async def scenario() -> None:
        model: Model = {}
        rest = list(steps)
        while True:
            async with stores.open(brand) as store:
                while rest:
                    step = rest.pop(0)
                    await take(store.journal, step, model)
                    model = modelled(model, step)
                    if step[0] == "recall":
                        await store.journal.flush()
                        assert await recalled(store.journal) == model
                    if step[0] == "open":
                        break
                else:
                    await store.journal.flush()
                    assert await recalled(store.journal) == model
                    return

    run(scenario())


async def test_uncertain_row_is_listed_without_its_sheet_and_can_be_settled(stores: Stores) -> None:
    async with stores.open() as store:
        await store.journal.begin(START)
        for cid in ("a", "b", "c"):
            await store.journal.intend(cid, f"look-{cid}", 3)
            stores.clock += 1
        store.journal.created("b", "8")
    async with stores.open() as store:
        first, last = await store.journal.in_doubt()
        assert [first.digest, last.digest] == [store.digest("a"), store.digest("c")]
        assert (first.packed, first.after_id, first.cid) == ("look-a", 3, None)
        store.journal.settled(first, "7", ["key-a"])
        store.journal.settled(last, None)
        await store.journal.flush()
        assert await store.journal.in_doubt() == []
        entries = await store.journal.recall(["a", "c"])
        assert list(entries) == ["a"]
        assert (entries["a"].state, entries["a"].clopos_id) == (State.CREATED, "7")
        assert (await store.people.find(["key-a"])).customers["7"].rows == ("look-a",)


async def test_run_that_is_not_done_is_resumed(stores: Stores) -> None:
    async with stores.open() as store:
        journal = store.journal
        first = await journal.begin(START)
        assert await journal.resumed_summary() == {}
        await journal.finish(RunEnd(done=False, summary={"requests": 3}))
        assert await journal.begin(RunStart("other.csv")) == first
        assert await journal.resumed_summary() == {"requests": 3}
        await journal.finish(DONE)
        assert await journal.begin(START) == first + 1
        assert [each.file for each in await journal.runs()] == ["list.csv", "other.csv"]


async def test_times_of_recent_requests_survive(stores: Stores) -> None:
    async with stores.open() as store:
        for seconds in (0, 30, 70):
            stores.clock += seconds
            store.journal.request_sent()
        begun = stores.clock - 100
    stores.clock += 5
    async with stores.open() as store:
        assert await store.journal.recent_requests(80.0) == [begun + 30, begun + 100]


async def test_clock_that_was_set_back_delays_no_request(stores: Stores) -> None:
    """A time in the future counts as now, and leaves the window as usual."""
    async with stores.open() as store:
        store.journal.request_sent()
        await store.journal.flush()
        stores.clock -= 86_400
        assert await store.journal.recent_requests(60.0) == [stores.clock]
        stores.clock += 61
        assert await store.journal.recent_requests(60.0) == []


async def test_only_own_creates_can_be_undone(stores: Stores) -> None:
    async with stores.open() as store:
        journal = store.journal
        number = await journal.begin(START)
        for cid, clopos_id in (("a", "9"), ("b", "10"), ("c", "7")):
            await journal.intend(cid, f"look-{cid}")
            journal.created(cid, clopos_id, [f"key-{cid}"])
        await journal.intend("d", "look-d")
        journal.existed("d", "3")
        await journal.flush()
        await store.people.mark([("9", "look-other"), ("10", "look-other")])
        assert [each.clopos_id for each in await journal.created_by(number)] == ["7", "9", "10"]
        assert await journal.forget(number, ["9", "7", "3", "99"]) == 2
        assert [each.clopos_id for each in await journal.created_by(number)] == ["10"]
        entries = await journal.recall(["a", "b", "c", "d"])
        states = {cid: str(each.state) for cid, each in entries.items()}
        assert states == {"a": "gone", "b": "created", "c": "gone", "d": "existed"}
        assert (await store.people.find(["key-a", "key-b"])).holders == {"key-b": ("10",)}
        assert await store.people.marked() == {"10"}
        [record] = await journal.runs()
        assert record.forgotten == stores.clock


async def test_deleted_customer_is_no_candidate(stores: Stores) -> None:
    async with stores.open() as store:
        await store.journal.begin(START)
        await store.people.remember([Seen("17", "look", ["k"])], 1)
        store.journal.gone("a", "17")
        await store.journal.flush()
        assert (await store.journal.recall(["a"]))["a"].state is State.GONE
        assert (await store.people.find(["k"])).holders == {}


async def test_rebuild_notes_existing_customers_as_created(stores: Stores) -> None:
    async with stores.open() as store:
        await store.journal.begin(START)
        await store.journal.rebuild([("a", Seen("7", "look", ["k"]))])
        assert not store.must_rebuild
        entry = (await store.journal.recall(["a"]))["a"]
        assert (entry.state, entry.clopos_id, entry.packed) == (State.CREATED, "7", "look")
        found = await store.people.find(["k", store.digest("a")])
        assert found.holders == {"k": ("7",), store.digest("a"): ("7",)}


# -- evidence of people -------------------------------------------------------------------------


def seen(number: int, *keys: str) -> Seen:
    return Seen(str(number), f"look-{number}", [f"id-{number}", *keys])


async def read(store: Store, *customers: Seen, scope: str = "") -> None:
    """Put one complete list into the snapshot."""
    await store.snapshot.start_reading(scope)
    await store.snapshot.put(customers, 10)
    await store.snapshot.finish_reading()


async def test_customers_of_snapshot_and_journal_are_found_by_any_key(stores: Stores) -> None:
    async with stores.open() as store:
        await store.journal.begin(START)
        await read(store, seen(1, "phone"), seen(2, "mail"), seen(3))
        await store.people.remember([Seen("2", "row-2", ["code"]), Seen("4", "row-4", ["mail"])], 1)
        found = await store.people.find(["phone", "mail", "code", "nobody"])
        assert {key: set(ids) for key, ids in found.holders.items()} == {
            "phone": {"1"},
            "mail": {"2", "4"},
            "code": {"2"},
        }
        assert found.customers["1"].remote == "look-1"
        assert (found.customers["2"].remote, found.customers["2"].rows) == ("look-2", ("row-2",))
        assert (found.customers["4"].remote, found.customers["4"].rows) == (None, ("row-4",))
        assert set(found.customers) == {"1", "2", "4"}
        assert await store.people.get(["3", "4", "5"]) == {
            "3": (await store.people.get(["3"]))["3"],
            "4": found.customers["4"],
        }


async def test_created_row_is_evidence_of_its_customer(stores: Stores) -> None:
    """It is also found by the digest of its cid, without a key from the caller."""
    async with stores.open() as store:
        await store.journal.begin(START)
        await store.journal.intend("a", "look-a")
        store.journal.created("a", "7", ["k", "k2"])
    async with stores.open() as store:
        found = await store.people.find(["k2", store.digest("A")])
        assert found.holders == {"k2": ("7",), store.digest("a"): ("7",)}
        assert found.customers["7"].rows == ("look-a",)


async def test_looks_and_marks_of_a_customer_are_kept_once(stores: Stores) -> None:
    async with stores.open() as store:
        for number in (1, 2):
            await store.people.remember([Seen("5", "look", ["k"])], number)
        await store.people.remember([Seen("5", "changed", ["k3"])], 3)
        await store.people.mark([("5", "held"), ("5", "held"), ("6", "held")])
        candidate = (await store.people.get(["5", "6"]))["5"]
        assert (candidate.rows, candidate.marks) == (("look", "changed"), ("held",))
        assert (await store.people.get(["6"]))["6"].marks == ("held",)  # a customer without a look


async def test_thousands_of_keys_are_looked_up_at_once(stores: Stores) -> None:
    async with stores.open() as store:
        await read(store, *(seen(number, f"k{number}") for number in range(5000)))
        found = await store.people.find([f"k{number}" for number in range(0, 9000, 2)])
        assert found.holders == {f"k{number}": (f"{number}",) for number in range(0, 5000, 2)}


async def test_rows_of_the_last_run_of_a_sheet_are_found(stores: Stores) -> None:
    """Only the last completed run counts, and only of this sheet."""
    async with stores.open() as store:
        journal, people = store.journal, store.people
        assert await people.rows_of_last_run("list.csv") == {}
        for sheet, done, rows in (
            ("list.csv", True, {"a": "1", "b": None}),
            ("other.csv", True, {"a": "9"}),
            ("list.csv", True, {"a": "1", "c": "2"}),
            ("list.csv", False, {"z": "3"}),
        ):
            await journal.begin(RunStart("/home/demo/x.csv", sheet))
            await journal.finish(RunEnd(done=done, rows=rows.items()))
        assert await people.rows_of_last_run("list.csv") == {"a": "1", "c": "2"}
        assert await people.rows_of_last_run("other.csv") == {"a": "9"}


async def test_last_decision_about_each_customer_is_kept(stores: Stores) -> None:
    async with stores.open() as store:
        await store.people.decide([Decision("r", Answer.OTHER, "5", "look")])
        stores.clock += 1
        await store.people.decide([Decision("r", Answer.SKIP, None, "look")])
        await store.people.decide([Decision("r", Answer.SAME, "5", "look")])
    async with stores.open() as store:
        assert await store.people.decisions(["r", "s"]) == {
            "r": [
                Decision("r", Answer.SKIP, None, "look", stores.clock),
                Decision("r", Answer.SAME, "5", "look", stores.clock),
            ]
        }


# -- snapshot ----------------------------------------------------------------------------------


async def ids(store: Store) -> set[str]:
    return set((await store.people.get([str(number) for number in range(20)])).keys())


async def test_snapshot_is_empty_until_it_is_read_in_this_session(stores: Stores) -> None:
    async with stores.open() as store:
        await read(store, seen(1), seen(2))
        assert await ids(store) == {"1", "2"}
    async with stores.open() as store:
        assert await ids(store) == set()
        assert await store.snapshot.newest_id() is None
        assert await store.snapshot.start_reading("") == (2, 10)
        assert await ids(store) == set()
        assert await store.snapshot.put([seen(2), seen(3)], 10) == 2
        assert await ids(store) == {"2", "3"}
        assert await store.snapshot.put([seen(2), seen(3)], 10) == 0
        assert await store.snapshot.newest_id() == 3


async def test_completed_reading_removes_customers_that_it_did_not_see(stores: Stores) -> None:
    async with stores.open() as store:
        await read(store, *(seen(number) for number in (1, 2, 9, 10, 11)))
        await store.snapshot.start_reading("")
        await store.snapshot.put([seen(9), seen(12)], 10)
        assert await store.snapshot.count_below("10") == 3
        await store.snapshot.finish_reading(drop_from="9")
        assert await ids(store) == {"1", "2", "9", "12"}
        assert (await store.people.find(["id-10", "id-1"])).holders == {"id-1": ("1",)}
        await store.snapshot.start_reading("")
        await store.snapshot.put([seen(1)], 10)
        await store.snapshot.finish_reading()
        assert await ids(store) == {"1"}


async def test_customer_that_changed_is_no_longer_found_by_its_old_keys(stores: Stores) -> None:
    async with stores.open() as store:
        await read(store, seen(1, "old", "both"))
        await read(store, Seen("1", "new look", ["both", "new"]))
        found = await store.people.find(["old", "both", "new"])
        assert found.holders == {"both": ("1",), "new": ("1",)}
        assert found.customers["1"].remote == "new look"


async def test_snapshot_of_another_scope_is_deleted(stores: Stores) -> None:
    async with stores.open() as store:
        await read(store, seen(1), scope="venue 1")
        assert await store.snapshot.start_reading("venue 1") == (1, 10)
        assert await store.snapshot.start_reading("venue 2") == (0, 0)
        await store.snapshot.finish_reading()
        assert await ids(store) == set()


async def test_created_row_is_in_the_snapshot_at_once_and_next_time(stores: Stores) -> None:
    async with stores.open() as store:
        await read(store, seen(1))
        store.snapshot.add(seen(2, "k"))
        assert (await store.people.find(["k"])).customers["2"].remote == "look-2"
        assert await store.snapshot.newest_id() == 2
        store.snapshot.add(seen(3))
    async with stores.open() as store:
        assert (await store.snapshot.start_reading(""))[0] == 3


async def test_ids_that_are_no_numbers_are_stored(stores: Stores) -> None:
    async with stores.open() as store:
        await read(store, Seen("a-7", "look", ["k"]), seen(1))
        assert (await store.people.find(["k"])).customers["a-7"].remote == "look"
        assert await store.snapshot.newest_id() == 1


# -- the store as a whole ----------------------------------------------------------------------


async def test_brand_in_use_is_refused_and_the_error_names_its_holder(stores: Stores) -> None:
    async with stores.open(what="first.csv"):
        with pytest.raises(ServiceError, match="in progress") as refused:
            async with stores.open(what="second.csv"):
                pass
        assert "first.csv" in str(refused.value.why)
        async with stores.open("another brand"):
            pass
    async with stores.open():
        pass


async def test_brands_have_stores_and_keys_of_their_own(stores: Stores) -> None:
    assert not has_store(stores.settings())
    async with stores.open("one") as one, stores.open("two") as two:
        await one.journal.begin(START)
        await one.journal.intend("a", "look")
        assert one.key != two.key
        assert await two.journal.recall(["a"]) == {}
        key = one.key
    assert has_store(stores.settings("one"))
    async with stores.open("one") as one:
        assert (one.key, one.notes, one.must_rebuild) == (key, (), False)


async def test_history_has_runs_checks_and_dry_runs_of_all_brands(stores: Stores) -> None:
    for brand in ("one", "two"):
        async with stores.open(brand) as store:
            target = RunStart(f"{brand}.csv", venue="1", version=2, sandbox=True)
            await store.journal.begin(target)
            stores.clock += 10
            summary = {"rows": 3, "why": "Ə"}
            await store.journal.finish(RunEnd(done=True, results="r.csv", summary=summary))
            # The history can be read during a run.
            assert len((await history(stores.settings())).runs) == (1 if brand == "one" else 2)
    await note_run(
        stores.settings("two"),
        RunStart("checked.csv", kind=Kind.CHECK, options={"region": "AZ"}),
        DONE,
        started=stores.clock,
        finished=stores.clock + 1,
    )
    found = await history(stores.settings("any"))
    assert found.unreadable == ()
    assert [(each.brand, each.kind, each.file) for each in found.runs] == [
        ("two", Kind.CHECK, "checked.csv"),
        ("two", Kind.RUN, "two.csv"),
        ("one", Kind.RUN, "one.csv"),
    ]
    check, last, _ = found.runs
    assert (check.options, check.finished) == ({"region": "AZ"}, stores.clock + 1)
    assert (last.venue, last.version, last.sandbox, last.results) == ("1", 2, True, "r.csv")
    assert (last.summary, last.finished) == ({"rows": 3, "why": "Ə"}, stores.clock)
    assert last.base_url == stores.settings().base_url


async def test_history_without_runs_is_empty(stores: Stores) -> None:
    assert (await history(stores.settings())).runs == ()


async def test_failure_budget_pauses_before_an_address_is_blocked(stores: Stores) -> None:
    """480 of 600 in a minute, of all brands together."""
    async with stores.open("one") as one, stores.open("two") as two:
        pauses = [store.failures.add() for _ in range(240) for store in (one, two)]
        assert pauses[:-1] == [0.0] * 479
        assert pauses[-1] == pytest.approx(60.5)
        stores.clock += 61
        assert one.failures.add() == 0.0


async def test_no_stored_byte_shows_a_cid(stores: Stores) -> None:
    cid = "5f1c9f2e-1111-5222-8333-444455556666"
    async with stores.open() as store:
        await store.journal.begin(START)
        await read(store, Seen("4", "look", [store.digest(cid)]))
        for number in range(3):
            await store.journal.intend(cid[:-1] + str(number), "look")
        store.journal.created(cid[:-1] + "1", "9", ["k"])
        await store.journal.flush()
        held = stores.content()
    assert not re.search(cid[:-1].encode(), held, re.IGNORECASE)
    assert store.digest(cid).encode() in held
