"""What was meant and what became of it."""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import sqlite3
import stat
import tempfile
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from importer.errors import ServiceError
from importer.sandbox.virtual_time import run
from importer.settings import Settings
from importer.store.sqlite_journal import CREATED, SENT, Entry, Journal
from importer.store.sqlite_layout import VERSION
from importer.store.state import brand_folder
from tests.harness import people, world


def test_an_intention_is_durable_before_intend_returns(tmp_path: Path) -> None:
    """A second connection, as a process after a crash would have, sees it."""
    path = tmp_path / "j.sqlite"

    async def story() -> None:
        with Journal(path) as journal:
            journal.begin("a.csv")
            await journal.intend("c1", {"name": "d"}, 7)
            with sqlite3.connect(path) as other:
                found = other.execute("SELECT cid, state, after_id FROM log").fetchall()
            other.close()
            assert found == [("c1", "sent", 7)]

    asyncio.run(story())


def test_what_is_noted_close_together_is_committed_together(tmp_path: Path) -> None:
    """Answers come one by one, each a little later: a commit for each would cost more than all."""
    path = tmp_path / "j.sqlite"

    async def story() -> int:
        with Journal(path) as journal:
            journal.begin("a.csv")
            written = path.with_name("j.sqlite-wal")
            before = written.stat().st_size

            async def send(number: int) -> None:
                await journal.intend(f"c{number}", {}, None)
                await asyncio.sleep(number * 0.000_02)
                journal.created(f"c{number}", str(number))

            await asyncio.gather(*(send(number) for number in range(100)))
            await journal.flush()
            return written.stat().st_size - before

    assert run(story()) < 30 * 4096


def test_outcomes_are_recalled(tmp_path: Path) -> None:
    path = tmp_path / "j.sqlite"

    async def story() -> None:
        with Journal(path) as journal:
            run = journal.begin("a.csv")
            await asyncio.gather(*(journal.intend(f"c{n}", {"name": "d"}, None) for n in range(9)))
            journal.created("c1", "41")
            journal.withdraw("c2")
            await journal.intend("c3", {"name": "e"}, 5)
            await journal.flush()
        with Journal(path) as journal:
            entries = journal.recall([f"c{n}" for n in range(9)])
        assert entries["c1"].state == CREATED
        assert entries["c1"].clopos_id == "41"
        assert entries["c1"].run == run
        assert "c2" not in entries
        assert (entries["c3"].after_id, entries["c3"].content) == (5, {"name": "e"})
        assert {entries[f"c{n}"].state for n in (0, 3, 4, 5, 6, 7, 8)} == {SENT}

    asyncio.run(story())


Told = tuple[str, str, int]
Known = dict[str, tuple[str, int | None, str | None, str]]  # state, after, id, digest of the name


def known_after(known: Known, told: Told) -> Known:
    """Return what a journal knows after one more step."""
    what, cid, number = told
    state, after, _, name = known.get(cid, ("", None, None, ""))
    if what == "intend" and state != CREATED:
        return known | {cid: (SENT, number, None, f"{number:x}")}
    if what == "created" and state:
        return known | {cid: (CREATED, after, str(number), name)}
    if what == "withdraw" and state == SENT:
        return {each: entry for each, entry in known.items() if each != cid}
    return known


def recalled(journal: Journal) -> Known:
    return {
        cid: (entry.state, entry.after_id, entry.clopos_id, entry.content.get("name", ""))
        for cid, entry in journal.recall(["a", "b", "c"]).items()
    }


async def note(journal: Journal, told: Told, known: Known) -> None:
    what, cid, number = told
    match what:
        case "intend":
            await journal.intend(cid, {"name": f"{number:x}"}, number)
        case "created" if cid in known:
            journal.created(cid, str(number))
        case "withdraw":
            journal.withdraw(cid)


steps = st.tuples(
    st.sampled_from(["intend", "created", "withdraw", "recall", "open"]),
    st.sampled_from(["a", "b", "c"]),
    st.integers(0, 15),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(steps, max_size=30))
def test_it_recalls_what_was_noted_last_whenever_it_is_asked(steps: list[Told]) -> None:
    """…and whether or not it was closed in between, by a run that hasn't finished."""

    async def story(path: Path) -> None:
        known: Known = {}
        with ExitStack() as stack:
            journal = stack.enter_context(Journal(path))
            for told in [*steps, ("recall", "", 0)]:
                await note(journal, told, known)
                known = known_after(known, told)
                if told[0] in {"recall", "open"}:
                    await journal.flush()
                if told[0] == "recall":
                    assert recalled(journal) == known
                if told[0] == "open":
                    stack.close()
                    journal = stack.enter_context(Journal(path))

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(story(Path(folder) / "j.sqlite"))


def test_a_created_customer_is_never_withdrawn(tmp_path: Path) -> None:
    async def story() -> None:
        with Journal(tmp_path / "j.sqlite") as journal:
            journal.begin("a.csv")
            await journal.intend("c", {}, None)
            journal.created("c", "1")
            journal.withdraw("c")
            await journal.flush()
            assert journal.recall(["c"])["c"].state == CREATED

    asyncio.run(story())


def test_a_run_that_was_not_done_is_carried_on(tmp_path: Path) -> None:
    with Journal(tmp_path / "j.sqlite") as journal:
        first = journal.begin("a.csv")
        journal.finish(done=False, results="r.csv", summary={})
        assert journal.begin("b.csv") == first
        journal.finish(done=True, results="r.csv", summary={"rows": 1})
        assert journal.begin("a.csv") == first + 1


def test_the_times_of_recent_requests_survive(tmp_path: Path) -> None:
    times = iter([100.0, 130.0, 170.0, 175.0, 175.0])

    async def story() -> None:
        with Journal(tmp_path / "j.sqlite", now=lambda: next(times)) as journal:
            for _ in range(3):
                journal.request_left()
            await journal.flush()
            assert journal.recent_requests(60.0) == [130.0, 170.0]

    asyncio.run(story())


def test_only_its_owner_can_read_it(tmp_path: Path) -> None:
    path = tmp_path / "j.sqlite"
    with Journal(path):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("damage", [b"this is no database", b"SQLite format 3\0" + b"\xff" * 4080])
def test_a_damaged_journal_is_set_aside_and_said_so(tmp_path: Path, damage: bytes) -> None:
    path = tmp_path / "j.sqlite"
    path.write_bytes(damage)
    with Journal(path) as journal:
        assert "damaged" in journal.notes[0]
        assert journal.recall(["c"]) == {}
    assert [p.read_bytes() for p in tmp_path.glob("*.damaged-*")] == [damage]


def test_a_journal_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "j.sqlite"
    with Journal(path) as journal:
        journal.begin("a.csv")
    with sqlite3.connect(path) as db:
        db.execute(f"PRAGMA user_version = {VERSION + 1}")
    db.close()
    with pytest.raises(ServiceError, match="newer version"):
        Journal(path)


def test_a_journal_that_cannot_be_made_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(ServiceError, match="can't be written"):
        Journal(tmp_path / "no" / "such" / "j.sqlite")


def test_a_journal_that_breaks_lets_nothing_more_leave(tmp_path: Path) -> None:
    """Every intention after a failed write fails, so that no request follows it."""
    path = tmp_path / "j.sqlite"

    async def story() -> None:
        with Journal(path) as journal:
            journal.begin("a.csv")
            await journal.intend("c1", {}, None)
            with sqlite3.connect(path) as other:
                other.execute("DROP TABLE log")
            other.close()
            for cid in ("c2", "c3"):
                with pytest.raises(ServiceError, match="can't be written"):
                    await journal.intend(cid, {}, None)
            journal.created("c1", "1")
            with pytest.raises(ServiceError, match="can't be written"):
                await journal.flush()

    asyncio.run(story())


# -- what the disk may have done to it ---------------------------------------------------------


def test_commits_reach_the_disk_before_they_return(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """…and so does the name of the file: a power cut takes neither."""
    synced: list[Path] = []
    fsync = os.fsync

    def noted(handle: int) -> None:
        synced.append(Path(f"/proc/self/fd/{handle}").readlink())
        fsync(handle)

    monkeypatch.setattr(os, "fsync", noted)
    settings = Settings(brand="b", state_dir=str(tmp_path / "state" / "here"))
    folder = brand_folder(settings)
    assert synced == [folder.parent, folder.parent.parent]
    with Journal(folder / "j.sqlite") as journal:
        assert synced[-1] == folder
        assert journal._db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert journal._db.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL


def test_a_full_disk_is_no_damage(tmp_path: Path) -> None:
    """It is said so, and the journal stays where it is."""
    path = tmp_path / "j.sqlite"
    with Journal(path) as journal:
        journal.begin("a.csv")
    path.chmod(0o400)
    before = path.read_bytes()
    with Journal(path) as journal:
        journal._db.execute("PRAGMA query_only = 1")  # what a write then meets
        with pytest.raises(ServiceError, match="can't be written"):
            journal.begin("b.csv")
        with pytest.raises(ServiceError, match="can't be written"):
            journal.recent_requests(60.0)
        journal.finish(done=True, results="r.csv", summary={})
    assert path.read_bytes()[:100] == before[:100]
    assert list(tmp_path.glob("*damaged*")) == []


def test_what_a_journal_left_that_was_taken_away_is_no_part_of_a_new_one(tmp_path: Path) -> None:
    path = tmp_path / "j.sqlite"

    async def story() -> None:
        with Journal(path) as journal:
            journal.begin("a.csv")
            await journal.intend("c1", {}, None)
            shutil.copytree(tmp_path, tmp_path / "killed")  # as such a process leaves it

    asyncio.run(story())
    left = tmp_path / "killed" / path.name
    left.unlink()
    assert left.with_name(f"{left.name}-wal").stat().st_size > 0
    with Journal(left) as journal:
        assert journal.recall(["c1"]) == {}
        assert journal.begin("b.csv") == 1


@pytest.mark.parametrize(
    "damage",
    [
        "DROP TABLE requests",
        "DELETE FROM secret",
        "ALTER TABLE customers DROP COLUMN after_id",
        "DROP TABLE facts",
        "INSERT INTO customers VALUES ('c1', 1, 'sEnt', NULL, NULL, ';;;;;;;', 1.0)",
        "INSERT INTO log VALUES ('c1', 1, 'sent', NULL, NULL, ';;;', 1.0)",
        "INSERT INTO log VALUES ('c1', 1, 'sent', 0, NULL, CAST(x'3b3b3b3b3b3b3bff' AS TEXT), 1.0)",
        "INSERT INTO customers VALUES ('c1', 1, 'created', NULL, NULL, ';;;;;;;', 1.0)",
    ],
)
def test_a_journal_that_lacks_something_or_makes_no_sense_is_rebuilt(
    tmp_path: Path, damage: str
) -> None:
    """It stays to be rebuilt until it was: a run that is killed meanwhile changes nothing."""
    path = tmp_path / "j.sqlite"
    with Journal(path) as journal:
        journal.begin("a.csv")
    with sqlite3.connect(path) as db:
        db.execute(damage)
    db.close()
    with Journal(path) as journal:
        assert "damaged" in journal.notes[0]
    with Journal(path) as journal:
        assert (journal.notes, journal.to_rebuild) == ([], True)
        run = journal.begin("a.csv")
        journal.rebuilt([("c1", "7", {"name": "d"})])
    with Journal(path) as journal:
        assert not journal.to_rebuild
        entry = journal.recall(["c1"])["c1"]
        assert (entry.state, entry.clopos_id, entry.content) == (CREATED, "7", {"name": "d"})
        assert entry.run != run


@pytest.mark.parametrize("seed", range(40))
def test_whatever_a_disk_did_to_a_journal_no_row_is_sent_twice(tmp_path: Path, seed: int) -> None:
    """A part of it is overwritten or gone: what it says of rows is right, or it is set aside."""
    chance = random.Random(seed)  # noqa: S311 - repeatable on purpose

    async def story() -> None:
        async with world(tmp_path) as here:
            rows = [*people(60), *({"name": f"Neither {n}"} for n in range(5))]
            here.sandbox.faults.add("504b", match={"name": "Demo 7"}, times=None)
            here.sandbox.faults.add("500", "list", times=None)
            here.later(30.0, here.stop.set)
            await here.send(*rows, match="never")
            here.stop = asyncio.Event()
            here.sandbox.faults.clear()
            [path] = here.folder.glob("*/journal.sqlite")
            data = bytearray(path.read_bytes())
            start = chance.randrange(len(data))
            match chance.choice(["cut", "zeros", "noise"]):
                case "cut":
                    del data[start:]
                case "zeros":
                    data[start : start + 512] = bytes(len(data[start : start + 512]))
                case _:
                    data[start : start + 64] = chance.randbytes(len(data[start : start + 64]))
            path.write_bytes(data)
            sent = await here.send(*rows)
            assert sent.error is None
            assert set(here.names().values()) == {1}
            ids = {c["name"]: str(c["id"]) for c in here.sandbox.customers()}
            for row, fields in enumerate(rows, start=2):
                outcome = sent.outcomes[row]
                assert outcome.status in {"created", "exists"}
                assert outcome.clopos_id == ids[fields["name"]]

    run(story())


def test_a_journal_of_the_first_layout_is_brought_up_to_date(tmp_path: Path) -> None:
    path = tmp_path / "j.sqlite"
    with sqlite3.connect(path) as db:
        db.executescript(
            """
            CREATE TABLE runs (
                id INTEGER PRIMARY KEY, started REAL NOT NULL, finished REAL, file TEXT,
                results TEXT, summary TEXT
            );
            CREATE TABLE customers (
                cid TEXT PRIMARY KEY, run INTEGER NOT NULL, state TEXT NOT NULL,
                attempts INTEGER NOT NULL, after_id INTEGER, clopos_id TEXT,
                content TEXT NOT NULL, changed REAL NOT NULL
            ) WITHOUT ROWID;
            CREATE TABLE requests (sent REAL NOT NULL);
            CREATE TABLE secret (key BLOB NOT NULL);
            INSERT INTO secret VALUES (x'00112233');
            INSERT INTO runs VALUES (3, 1.0, NULL, 'a.csv', NULL, NULL);
            INSERT INTO customers VALUES
                ('c1', 3, 'sent', 1, 5, NULL, '{"name": "d", "group_id": "e"}', 1.0),
                ('c2', 3, 'created', 2, NULL, '7', '{}', 1.0);
            PRAGMA user_version = 1;
            """
        )
    db.close()
    with Journal(path) as journal:
        assert journal.key == bytes.fromhex("00112233")
        assert (journal.notes, journal.to_rebuild) == ([], False)
        assert journal.begin("a.csv") == 3
        assert journal.recall(["c1", "c2"]) == {
            "c1": Entry(SENT, 3, 5, None, {"name": "d", "group_id": "e"}, 1.0),
            "c2": Entry(CREATED, 3, None, "7", {}, 1.0),
        }
        assert journal._db.execute("PRAGMA user_version").fetchone() == (VERSION,)


def test_a_clock_that_was_set_back_costs_no_wait(tmp_path: Path) -> None:
    """What seems to have left in the future left at most now, and is forgotten in its time."""
    clock = [1_000_000.0]

    async def story() -> None:
        with Journal(tmp_path / "j.sqlite", now=lambda: clock[0]) as journal:
            journal.request_left()
            await journal.flush()
            clock[0] -= 86_400
            assert journal.recent_requests(60.0) == [clock[0]]
            clock[0] += 61
            assert journal.recent_requests(60.0) == []

    asyncio.run(story())


def test_an_intention_never_hides_a_customer_that_was_created(tmp_path: Path) -> None:
    async def story() -> None:
        with Journal(tmp_path / "j.sqlite") as journal:
            journal.begin("a.csv")
            await journal.intend("c", {"name": "d"}, None)
            journal.created("c", "7")
            await journal.intend("c", {"name": "e"}, None)
            assert journal.recall(["c"])["c"].clopos_id == "7"

    asyncio.run(story())
