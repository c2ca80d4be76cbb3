"""What was meant and what became of it."""

from __future__ import annotations

import asyncio
import sqlite3
import stat
from typing import TYPE_CHECKING

import pytest

from importer.errors import ServiceError
from importer.journal import CREATED, SENT, VERSION, Journal

if TYPE_CHECKING:
    from pathlib import Path


def test_an_intention_is_durable_before_intend_returns(tmp_path: Path) -> None:
    """A second connection, as a process after a crash would have, sees it."""
    path = tmp_path / "j.sqlite"

    async def story() -> None:
        with Journal(path) as journal:
            journal.begin("a.csv")
            await journal.intend("c1", {"name": "d"}, 7)
            with sqlite3.connect(path) as other:
                assert other.execute("SELECT cid, state, after_id FROM customers").fetchall() == [
                    ("c1", "sent", 7)
                ]
            other.close()

    asyncio.run(story())


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
        assert (entries["c3"].attempts, entries["c3"].content) == (2, {"name": "e"})
        assert {entries[f"c{n}"].state for n in (0, 3, 4, 5, 6, 7, 8)} == {SENT}

    asyncio.run(story())


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
                other.execute("DROP TABLE customers")
            other.close()
            for cid in ("c2", "c3"):
                with pytest.raises(ServiceError, match="can't be written"):
                    await journal.intend(cid, {}, None)
            journal.created("c1", "1")
            with pytest.raises(ServiceError, match="can't be written"):
                await journal.flush()

    asyncio.run(story())
