"""A state folder of layout 3 is upgraded.

`layout3.zip` was made by the program of commit 32647a2: a run of `first.csv` that was done, then
one of `customers.csv` that was killed (kill -9) with rows created and in doubt. `clopos.json` is
what the sandbox held after that.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
import stat
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from importer.errors import ServiceError
from importer.settings import Settings
from importer.store import history, open_store
from importer.store.records import LEGACY, RunStart, State
from importer.store.state import brand_folder

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from importer.store.base import Store

ZIP = Path(__file__).with_name("layout3.zip")


class Old:
    """The folder as the old program left it, and its true content."""

    def __init__(self, folder: Path) -> None:
        with zipfile.ZipFile(ZIP) as archive:
            archive.extractall(folder)
        self.state = folder / "state"
        [self.brand] = [path for path in self.state.iterdir() if path.is_dir()]
        clopos: list[dict[str, Any]] = json.loads((folder / "clopos.json").read_text())
        self.ids = {each["cid"]: str(each["id"]) for each in clopos}
        self.journal = self.brand / "journal.sqlite"
        copy = folder / "copy"
        copy.mkdir()
        for suffix in ("", "-wal"):
            source = self.journal.with_name(self.journal.name + suffix)
            (copy / source.name).write_bytes(source.read_bytes())
        with contextlib.closing(sqlite3.connect(copy / self.journal.name)) as db:
            both = "SELECT cid, state FROM customers UNION ALL SELECT cid, state FROM log"
            rows = db.execute(both).fetchall()
            (self.key,) = db.execute("SELECT key FROM secret").fetchone()
        self.created = {cid for cid, state in rows if state == "created"}
        self.in_doubt = {cid for cid, _ in rows} - self.created

    def open(self) -> AbstractAsyncContextManager[Store]:
        base_url = "http://127.0.0.1:18912/open-api"
        return open_store(Settings(base_url, brand="sandbox", state_dir=str(self.state)), "x")

    def stored_bytes(self) -> bytes:
        """Return all bytes of the brand's folder but its key."""
        files = (path for path in self.brand.iterdir() if path.name != "key")
        return b"".join(path.read_bytes() for path in files)


@pytest.fixture
def old(tmp_path: Path) -> Old:
    return Old(tmp_path)


async def test_upgrade_keeps_created_customers(old: Old) -> None:
    assert (len(old.created), len(old.in_doubt)) == (32, 8)
    async with old.open() as store:
        assert (store.notes, store.must_rebuild, store.key) == ((), False, old.key)
        entries = await store.journal.recall(old.created)
        assert {cid: entry.clopos_id for cid, entry in entries.items()} == {
            cid: old.ids[cid] for cid in old.created
        }
        assert {entry.state for entry in entries.values()} == {State.CREATED}
        assert all(entry.packed.startswith(LEGACY) for entry in entries.values())
        found = await store.people.find([store.digest(cid) for cid in old.created])
        assert set(found.customers) == {old.ids[cid] for cid in old.created}
        assert {each.rows for each in found.customers.values()} == {()}


async def test_upgrade_keeps_rows_in_doubt_and_they_are_settled_by_their_old_cid(old: Old) -> None:
    async with old.open() as store:
        entries = await store.journal.in_doubt()
        assert {entry.cid for entry in entries} == old.in_doubt
        at_clopos = {store.digest(cid): clopos_id for cid, clopos_id in old.ids.items()}
        landed = [entry for entry in entries if entry.digest in at_clopos]
        assert 0 < len(landed) < len(entries)
        for entry in entries:
            store.journal.settled(entry, at_clopos.get(entry.digest))
        await store.journal.flush()
        recalled = await store.journal.recall(old.in_doubt)
        assert {cid: entry.clopos_id for cid, entry in recalled.items()} == {
            str(entry.cid): at_clopos[entry.digest] for entry in landed
        }
        assert await store.journal.in_doubt() == []
    assert not [cid for cid in old.in_doubt | old.created if cid.encode() in old.stored_bytes()]


async def test_upgraded_folder_has_no_cids_but_those_of_rows_in_doubt_and_no_old_key(
    old: Old,
) -> None:
    assert old.key in old.stored_bytes()
    async with old.open():
        pass
    stored = old.stored_bytes()
    assert {cid for cid in old.in_doubt | set(old.ids) if cid.encode() in stored} == old.in_doubt
    assert old.key not in stored
    assert (old.brand / "key").read_text() == f"{old.key.hex()}\n"
    assert stat.S_IMODE((old.brand / "key").stat().st_mode) == 0o600


async def test_upgrade_keeps_runs_and_the_killed_run_is_resumed(old: Old) -> None:
    settings = Settings(state_dir=str(old.state))
    before = await history(settings)
    assert before.unreadable == ()
    assert [(run.id, run.file, run.brand) for run in before.runs] == [
        (2, "customers.csv", "sandbox"),
        (1, "first.csv", "sandbox"),
    ]
    assert [run.finished is None for run in before.runs] == [True, False]
    async with old.open() as store:
        assert await history(settings) == before
        assert await store.journal.begin(RunStart("customers.csv")) == 2
        assert await store.journal.begin(RunStart("customers.csv")) == 2


async def test_older_version_refuses_a_newer_layout(old: Old) -> None:
    """So does this version."""
    async with old.open():
        pass
    with contextlib.closing(sqlite3.connect(old.journal)) as db:
        assert db.execute("PRAGMA user_version").fetchone() > (3,)
        db.execute("PRAGMA user_version = 99")
    with pytest.raises(ServiceError, match="newer version"):
        async with old.open():
            pass


@pytest.mark.parametrize("key", ["the same", "another"])
async def test_killed_upgrade_is_repeated(old: Old, key: str) -> None:
    """The key is written first; another key belongs to an earlier journal."""
    text = old.key.hex() if key == "the same" else "ab" * 32
    (old.brand / "key").write_text(text)
    (old.brand / "key").chmod(0o600)
    async with old.open() as store:
        assert (store.key, store.notes) == (old.key, ())
        assert len(await store.journal.recall(old.created)) == len(old.created)


async def test_damaged_old_journal_is_renamed(old: Old) -> None:
    with contextlib.closing(sqlite3.connect(old.journal)) as db, db:
        db.execute("UPDATE customers SET state = 'sEnt'")
    async with old.open() as store:
        assert "damaged" in store.notes[0]
        assert store.must_rebuild
    assert [path.name for path in old.brand.glob("*.damaged-*")]


async def test_journal_of_the_first_layout_is_upgraded(tmp_path: Path) -> None:
    settings = Settings(brand="first", state_dir=str(tmp_path))
    journal = brand_folder(settings) / "journal.sqlite"
    with contextlib.closing(sqlite3.connect(journal)) as db:
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
            INSERT INTO secret VALUES (zeroblob(32));
            INSERT INTO runs VALUES (3, 1.0, NULL, 'a.csv', NULL, NULL);
            INSERT INTO customers VALUES
                ('c1', 3, 'sent', 1, 5, NULL, '{"name": "d", "group_id": "e"}', 1.0),
                ('c2', 3, 'created', 2, NULL, '7', '{}', 1.0);
            PRAGMA user_version = 1;
            """
        )
    async with open_store(settings, "x") as store:
        assert (store.notes, store.must_rebuild) == ((), False)
        assert await store.journal.begin(RunStart("a.csv")) == 3
        entries = await store.journal.recall(["c1", "c2"])
        assert (entries["c1"].packed, entries["c1"].cid) == (f"{LEGACY}d;;;;;;;e", "c1")
        assert (entries["c2"].state, entries["c2"].clopos_id) == (State.CREATED, "7")
