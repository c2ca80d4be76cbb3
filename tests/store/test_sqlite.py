"""SQLite below the interface: durability, damage, the key, one commit for many."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import shutil
import sqlite3
import stat
from pathlib import Path

import pytest

from importer.errors import ServiceError, UsageError
from importer.store import history
from importer.store.records import RunEnd, RunStart, Seen
from importer.store.state import brand_path
from tests.harness import damage
from tests.store.conftest import Stores

START = RunStart("list.csv")
MORE = pytest.mark.slow(reason="damage in other places")


@pytest.fixture
def stores(tmp_path: Path) -> Stores:
    """Give an empty place for stores in SQLite alone."""
    return Stores(tmp_path / "state")


def journal_of(stores: Stores) -> Path:
    return brand_path(stores.settings()) / "journal.sqlite"


def execute(path: Path, statement: str) -> list[tuple[object, ...]]:
    """Run a statement in another connection, as another process would."""
    with contextlib.closing(sqlite3.connect(path)) as db, db:
        return db.execute(statement).fetchall()


async def fill(stores: Stores) -> None:
    """Leave a journal with a created row, and a snapshot."""
    async with stores.open() as store:
        await store.journal.begin(START)
        await store.journal.intend("a", "look")
        store.journal.created("a", "7", ["k"])
        await store.snapshot.start_reading("")
        await store.snapshot.put([Seen("7", "look", ["k"])], 10)
        await store.snapshot.finish_reading()


# -- durability --------------------------------------------------------------------------------


async def test_intention_is_on_disk_before_intend_returns(stores: Stores) -> None:
    async with stores.open() as store:
        await store.journal.begin(START)
        await store.journal.intend("a", "look", 7)
        found = execute(journal_of(stores), "SELECT digest, state, after_id FROM log")
        assert found == [(store.digest("a"), "sent", 7)]


async def test_notes_at_about_the_same_time_share_a_commit(stores: Stores) -> None:
    """A commit for each response would cost more than everything else."""
    async with stores.open() as store:
        await store.journal.begin(START)
        log = journal_of(stores).with_name("journal.sqlite-wal")
        before = log.stat().st_size

        async def send(number: int) -> None:
            await store.journal.intend(f"c{number}", "look")
            await asyncio.sleep(number * 0.000_02)
            store.journal.created(f"c{number}", str(number))

        await asyncio.gather(*(send(number) for number in range(100)))
        await store.journal.flush()
        assert log.stat().st_size - before < 30 * 4096


async def test_commits_reach_the_disk_and_so_do_the_names_of_files(
    stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    fsync = os.fsync

    def noted(handle: int) -> None:
        synced.append(str(Path(f"/proc/self/fd/{handle}").readlink()))
        fsync(handle)

    monkeypatch.setattr(os, "fsync", noted)
    folder = journal_of(stores).parent
    async with stores.open() as store:
        order = [str(folder.parent.parent), str(folder.parent), f"{folder}/.key.part", str(folder)]
        assert synced == [*order, str(folder), str(folder)]  # journal, snapshot
        db = store.journal._database.db  # type: ignore[attr-defined]
        assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert db.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL
    assert {stat.S_IMODE(path.stat().st_mode) for path in (folder, folder.parent)} == {0o700}
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}


async def test_cancelled_caller_leaves_no_half_written_transaction(stores: Stores) -> None:
    async with stores.open() as store:
        await store.journal.begin(START)
        looks = [Seen(str(number), "look", [f"k{number}"]) for number in range(20_000)]
        task = asyncio.ensure_future(store.people.remember(looks, 1))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        task.cancel()
        await store.journal.intend("a", "look")
        found = await store.people.find(["k0", "k19999"])
        assert len(found.holders) in {0, 2}
        assert len(await store.journal.in_doubt()) == 1


async def test_journal_of_a_killed_process_has_every_awaited_note(
    stores: Stores, tmp_path: Path
) -> None:
    """The folder is copied while it is in use, as a killed process would leave it."""
    folder = journal_of(stores).parent
    copies = [type(stores)(tmp_path / f"copy{number}") for number in range(8)]
    async with stores.open() as store:
        await store.journal.begin(START)
        for number, copy in enumerate(copies):
            await store.journal.intend(f"c{number}", "look")
            shutil.copytree(folder, brand_path(copy.settings()))
            store.journal.created(f"c{number}", str(number), ["k"])
    for number, copy in enumerate(copies):
        async with copy.open() as store:
            assert store.notes == ()
            entries = await store.journal.recall([f"c{each}" for each in range(9)])
            assert len(entries) == number + 1


@pytest.mark.parametrize("seed", range(12))
async def test_log_cut_at_any_byte_has_a_prefix_of_the_notes(
    stores: Stores, tmp_path: Path, seed: int
) -> None:
    """After a power cut during a write, only the last notes are missing."""
    chance = random.Random(seed)  # noqa: S311 - repeatable on purpose
    folder = journal_of(stores).parent
    copy = type(stores)(tmp_path / "copy")
    async with stores.open() as store:
        await store.journal.begin(START)
        for number in range(30):
            await store.journal.intend(f"c{number:02}", f"look-{number}")
        shutil.copytree(folder, brand_path(copy.settings()))
    log = journal_of(copy).with_name("journal.sqlite-wal")
    data = log.read_bytes()
    log.write_bytes(data[: chance.randrange(len(data))])
    async with copy.open() as store:
        assert store.must_rebuild == bool(store.notes)  # True: its tables were cut off
        entries = await store.journal.recall([f"c{number:02}" for number in range(30)])
        assert sorted(entries) == [f"c{number:02}" for number in range(len(entries))]
        assert not store.must_rebuild or not entries


# -- damage -------------------------------------------------------------------------------------


async def test_broken_journal_stops_further_requests(stores: Stores) -> None:
    async with stores.open() as store:
        await store.journal.begin(START)
        await store.journal.intend("a", "look")
        execute(journal_of(stores), "DROP TABLE log")
        for cid in ("b", "c"):
            with pytest.raises(ServiceError, match="can't be written"):
                await store.journal.intend(cid, "look")
        store.journal.created("a", "1")
        with pytest.raises(ServiceError, match="can't be written"):
            await store.journal.flush()


async def test_removed_lock_stops_further_requests(stores: Stores) -> None:
    async with stores.open() as store:
        await store.journal.begin(START)
        await store.journal.intend("a", "look")
        journal_of(stores).with_name("lock").unlink()
        async with stores.open() as second:
            assert len(await second.journal.recall(["a"])) == 1
            with pytest.raises(ServiceError, match="lock of this brand was removed"):
                await store.journal.intend("b", "look")


async def test_full_disk_is_not_reported_as_damage(stores: Stores) -> None:
    async with stores.open() as store:
        await store.journal.begin(START)
        store.journal._database.db.execute("PRAGMA query_only = 1")  # type: ignore[attr-defined]
        with pytest.raises(ServiceError, match="can't be written"):
            await store.journal.begin(START)
        with pytest.raises(ServiceError, match="can't be written"):
            await store.journal.recent_requests(60.0)
        await store.journal.finish(RunEnd(done=True))
    async with stores.open() as store:
        assert store.notes == ()
    assert not list(journal_of(stores).parent.glob("*damaged*"))


@pytest.mark.parametrize("damage", [b"this is no database", b"SQLite format 3\0" + b"\xff" * 4080])
async def test_damaged_journal_is_renamed_and_rebuilt(stores: Stores, damage: bytes) -> None:
    await fill(stores)
    path = journal_of(stores)
    path.write_bytes(damage)
    async with stores.open() as store:
        assert "damaged" in store.notes[0]
        assert await store.journal.recall(["a"]) == {}
    assert [each.read_bytes() for each in path.parent.glob("*.damaged-*")] == [damage]
    async with stores.open() as store:  # e.g. killed meanwhile
        assert (store.notes, store.must_rebuild) == ((), True)
        await store.journal.rebuild([("a", Seen("7", "look", ["k"]))])
    async with stores.open() as store:
        assert not store.must_rebuild
        assert (await store.journal.recall(["a"]))["a"].clopos_id == "7"


@pytest.mark.parametrize(
    "damage",
    [
        "DROP TABLE requests",
        "DELETE FROM facts",
        "ALTER TABLE entries DROP COLUMN after_id",
        "DROP TABLE keys",
        "UPDATE log SET state = 'sEnt'",
        "UPDATE log SET clopos_id = NULL",
        "UPDATE log SET clopos_id = '7'",
        "UPDATE log SET digest = 'c1'",
        "UPDATE log SET packed = CAST(x'3bff' AS TEXT)",
        "UPDATE log SET packed = 'layout3:;;;'",
        "INSERT INTO entries VALUES ('c1', 1, 'sent', NULL, NULL, '', 1.0, NULL)",
    ],
)
async def test_journal_with_impossible_content_is_renamed(stores: Stores, damage: str) -> None:
    await fill(stores)
    execute(journal_of(stores), damage)
    async with stores.open() as store:
        assert "damaged" in store.notes[0]
        assert store.must_rebuild


@pytest.mark.usefixtures("untraced")
@pytest.mark.parametrize(
    "seed", [*range(10), *(pytest.param(seed, marks=MORE) for seed in range(10, 60))]
)
async def test_overwritten_journal_is_right_or_renamed(stores: Stores, seed: int) -> None:
    """After damage by a disk, the journal is right about a row, or reports the damage."""
    chance = random.Random(seed)  # noqa: S311 - repeatable on purpose
    async with stores.open() as store:
        await store.journal.begin(START)
        for number in range(200):
            await store.journal.intend(f"c{number}", f"look-{number}")
            store.journal.created(f"c{number}", str(number), [f"k{number}"])
    damage(journal_of(stores), chance)
    async with stores.open() as store:
        entries = await store.journal.recall([f"c{number}" for number in range(200)])
        assert store.must_rebuild == bool(store.notes)
        assert store.must_rebuild or len(entries) >= 199  # the damage may have changed a digest
        for cid, entry in entries.items():
            assert entry.clopos_id == cid[1:]


async def test_journal_that_was_emptied_is_reported_and_rebuilt(stores: Stores) -> None:
    await fill(stores)
    journal_of(stores).write_bytes(b"")
    async with stores.open() as store:
        assert "missing" in store.notes[0]
        assert store.must_rebuild


async def test_missing_journal_is_reported_and_rebuilt(stores: Stores) -> None:
    """Files of the old one beside it don't belong to the new one."""
    path = journal_of(stores)
    async with stores.open() as store:
        await store.journal.begin(START)
        await store.journal.intend("a", "look")
        shutil.copytree(path.parent, path.parent.with_name("killed"))
    shutil.rmtree(path.parent)
    path.parent.with_name("killed").rename(path.parent)
    path.unlink()
    assert path.with_name("journal.sqlite-wal").stat().st_size > 0
    async with stores.open() as store:
        assert "missing" in store.notes[0]
        assert store.must_rebuild
        assert await store.journal.recall(["a"]) == {}


@pytest.mark.parametrize("key", [None, "", "ab" * 32, "no key\n"])
async def test_lost_key_makes_the_next_run_read_all_customers_anew(
    stores: Stores, key: str | None
) -> None:
    await fill(stores)
    path = journal_of(stores).with_name("key")
    path.unlink()
    if key is not None:
        path.write_text(key)
        path.chmod(0o600)
    async with stores.open() as store:
        assert "key" in store.notes[0]
        assert store.must_rebuild
        assert await store.journal.recall(["a"]) == {}
        assert await store.snapshot.start_reading("") == (0, 0)
        assert path.read_text().strip() == store.key.hex()
    assert list(path.parent.glob("journal.sqlite.without-key-*"))
    async with stores.open() as store:
        assert store.notes == ()


async def test_key_is_in_no_other_file(stores: Stores) -> None:
    await fill(stores)
    folder = journal_of(stores).parent
    key = bytes.fromhex((folder / "key").read_text())
    for path in folder.iterdir():
        assert key not in path.read_bytes()
        assert path.name == "key" or key.hex().encode() not in path.read_bytes()


@pytest.mark.parametrize("damage", [b"this is no database", b"SQLite format 3\0" + b"\xff" * 4080])
async def test_damaged_snapshot_is_read_anew(stores: Stores, damage: bytes) -> None:
    await fill(stores)
    journal_of(stores).with_name("snapshot.sqlite").write_bytes(damage)
    async with stores.open() as store:
        assert store.notes == ()
        assert await store.snapshot.start_reading("") == (0, 0)


async def test_snapshot_of_another_layout_is_read_anew(stores: Stores) -> None:
    await fill(stores)
    execute(journal_of(stores).with_name("snapshot.sqlite"), "PRAGMA user_version = 1")
    async with stores.open() as store:
        assert await store.snapshot.start_reading("") == (0, 0)


async def test_full_disk_ends_a_reading_but_no_create(stores: Stores) -> None:
    async with stores.open() as store:
        await store.snapshot.start_reading("")
        db = store.snapshot._database.db  # type: ignore[attr-defined]
        db.execute("PRAGMA max_page_count = 20")
        customers = [Seen(str(number), "look" * 20, [f"k{number}"]) for number in range(2000)]
        for customer in customers:
            store.snapshot.add(customer)
        assert (await store.people.find(["k1"])).holders == {}
        with pytest.raises(ServiceError, match="can't be kept"):
            await store.snapshot.put(customers, 999)


async def test_damaged_journal_does_not_hide_others_from_the_history(stores: Stores) -> None:
    await fill(stores)
    async with stores.open("another") as store:
        await store.journal.begin(RunStart("other.csv"))
    journal_of(stores).write_bytes(b"this is no database")
    found = await history(stores.settings())
    assert [run.file for run in found.runs] == ["other.csv"]
    assert str(journal_of(stores)) in found.unreadable[0]


async def test_link_in_place_of_a_journal_or_key_is_refused(stores: Stores, tmp_path: Path) -> None:
    for name in ("journal.sqlite", "key", "snapshot.sqlite"):
        brand = stores.fresh_brand()
        async with stores.open(brand):
            pass
        path = brand_path(stores.settings(brand)) / name
        path.rename(tmp_path / name)
        path.symlink_to(tmp_path / name)
        with pytest.raises(UsageError, match="state folder can't be used"):
            async with stores.open(brand):
                pass
