"""Erasing in every implementation of `importer.store.base`. Run by `test_contract`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from importer.matching.verdicts import Answer
from importer.store import history, note_run
from importer.store.records import Candidate, Decision, RunEnd, Seen
from tests.store.contract import DONE, START

if TYPE_CHECKING:
    from tests.store.conftest import Stores


async def _two_customers(stores: Stores) -> None:
    async with stores.open() as store:
        journal = store.journal
        await journal.begin(START)
        for cid, clopos_id in (("a", "9"), ("b", "10")):
            await journal.intend(cid, f"look-{cid}")
            journal.created(cid, clopos_id, [f"key-{cid}"])
        await journal.intend("doubt", "look-a")
        await journal.flush()
        await store.people.mark([("10", "look-a"), ("9", "look-b")])
        decided = [Decision("row a", Answer.SAME, "10", "look-a")]
        await store.people.decide([*decided, Decision("row b", Answer.SKIP, None, "look-b")])
        await store.snapshot.start_reading("all")
        await store.snapshot.put([Seen("9", "remote", ["key-a"])], 10)
        await store.snapshot.finish_reading()
        await journal.finish(RunEnd(done=True, rows=[("row a", "9"), ("row b", "10")]))


async def test_erased_person_leaves_only_the_digest_of_the_cid(stores: Stores) -> None:
    await _two_customers(stores)
    async with stores.open() as store:
        erased = await store.erase(lambda packed: packed == "look-a")
        assert (erased.customers, erased.entries) == (1, 2)
        found = await store.people.find(["key-a", "key-b"])
        assert found.holders == {"key-b": ("10",)}
        assert found.customers["10"].marks == ()
        assert await store.people.get(["9"]) == {}
        assert set(await store.people.decisions(["row a", "row b"])) == {"row b"}
        assert await store.people.rows_of_last_run("list.csv") == {"row b": "10"}
        entries = await store.journal.recall(["a", "b", "doubt"])
        states = {cid: (str(each.state), each.clopos_id) for cid, each in entries.items()}
        assert states == {"a": ("created", "9"), "b": ("created", "10"), "doubt": ("sent", None)}
        assert "look-a" not in {each.packed for each in entries.values()}
        assert (await store.snapshot.start_reading("all"))[0] == 0
    content = stores.content()
    assert b"look-b" in content
    for trace in (b"look-a", b"key-a", b"row a", b"remote"):
        assert trace not in content


async def test_erasing_a_brand_keeps_digests_of_cids_and_no_runs(stores: Stores) -> None:
    await _two_customers(stores)
    await note_run(stores.settings(), START, DONE, started=1.0, finished=2.0)
    async with stores.open() as store:
        assert (await store.erase()).customers == 2
        entries = await store.journal.recall(["a", "b", "doubt"])
        assert {cid: each.clopos_id for cid, each in entries.items()} == {
            "a": "9",
            "b": "10",
            "doubt": None,
        }
        [record] = await store.journal.runs()
        assert (record.id, record.file, record.summary) == (1, "", {})
        assert await store.journal.begin(START) == 2
    assert len((await history(stores.settings())).runs) == 2
    content = stores.content()
    for trace in (b"look-", b"key-", b"row a"):
        assert trace not in content


async def test_erasing_old_entries_keeps_recent_ones(stores: Stores) -> None:
    await _two_customers(stores)
    stores.clock += 100 * 86_400
    async with stores.open() as store:
        await store.journal.begin(START)
        await store.people.remember([Seen("10", "look-b2", ["key-b2"])], 2)
        await store.journal.finish(DONE)
        erased = await store.erase(before=stores.clock - 90 * 86_400)
        assert erased.customers == 1
        found = await store.people.find(["key-a", "key-b", "key-b2"])
        assert found.holders == {"key-b": ("10",), "key-b2": ("10",)}
        assert [run.id for run in await store.journal.runs()] == [2]


async def test_row_erased_while_in_doubt_stores_no_look_when_it_is_settled(stores: Stores) -> None:
    await _two_customers(stores)
    async with stores.open() as store:
        await store.erase(lambda packed: packed == "look-a")
        [doubt] = await store.journal.in_doubt()
        store.journal.settled(doubt, "11", ["key-doubt"])
        await store.journal.flush()
        found = await store.people.find(["key-doubt"])
        assert found.holders == {"key-doubt": ("11",)}
        assert found.customers == {"11": Candidate("11")}


async def test_checks_are_erased_in_any_spelling_of_the_brand(stores: Stores) -> None:
    async with stores.open("demo"):
        pass
    for brand in ("Demo", "another"):
        await note_run(stores.settings(brand), START, DONE, started=1.0, finished=2.0)
    async with stores.open("DEMO") as store:
        await store.erase()
    assert [run.brand for run in (await history(stores.settings())).runs] == ["another"]
