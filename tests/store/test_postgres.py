"""PostgreSQL below the interface: leases, the fence, outages of the database."""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import replace
from typing import TYPE_CHECKING

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from importer.errors import FencedError, ServiceError
from importer.store import history, open_store, postgres_leases
from importer.store.postgres_committer import _WRITE
from importer.store.postgres_connection import connect
from importer.store.postgres_failures import Budget
from importer.store.postgres_layout import prepare
from importer.store.postgres_leases import LASTS, check, release, renew, take
from importer.store.postgres_server import shared_server
from importer.store.records import RunEnd, RunStart, Seen
from importer.store.state import brand_folder
from tests.harness import harness, people

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from importer.store.base import Store
    from importer.store.postgres_connection import Connection
    from importer.store.postgres_leases import Lease
    from tests.store.conftest import PostgresStores

START = RunStart("list.csv")


@pytest.fixture
def stores(postgres_stores: PostgresStores) -> PostgresStores:
    """Give an empty place for stores in PostgreSQL alone."""
    return postgres_stores


def from_elsewhere(
    stores: PostgresStores, machine: str, brand: str = "demo"
) -> AbstractAsyncContextManager[Store]:
    """Open the store of a brand as another machine does, with a state folder of its own."""
    elsewhere = replace(stores.settings(brand), state_dir=str(stores.folder / machine))
    return open_store(elsewhere, "list.csv", now=lambda: stores.clock)


# -- leases and the fence ----------------------------------------------------------------------


def is_note_accepted(db: Connection, lease: Lease, state: str) -> bool:
    """Write a note as the committer does; return whether it was accepted."""
    before = notes(db)
    columns = [[lease.brand_id], [lease.token], ["d"], [1], [state], [None], [None], ["x"], [0.0]]
    db.execute(_WRITE, (*columns, [None], [], []))
    return notes(db) > before


def notes(db: Connection) -> int:
    row = db.execute("SELECT count(*) FROM log").fetchone()
    assert row
    return int(row[0])


def new_brand(stores: PostgresStores) -> int:
    sql = """
    INSERT INTO brands (base_url, brand, key, rebuild) VALUES ('u', %s, '', false) RETURNING id
    """
    row = stores.db.execute(sql, (stores.fresh_brand(),)).fetchone()
    assert row
    return int(row[0])


def takes(db: Connection, brand: int) -> Lease | None:
    try:
        return take(db, brand, "list.csv")
    except ServiceError:
        return None


def passes(db: Connection, lease: Lease) -> bool:
    try:
        check(db, lease)
    except FencedError:
        return False
    return True


ACTS = ["take", "renew", "renew all", "release", "intend", "created", "check"]


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["a", "b", "c"]), st.sampled_from(ACTS), st.sampled_from([0, 50])
        ),
        max_size=25,
    )
)
def test_only_the_process_that_took_a_brand_last_can_write(
    stores: PostgresStores, acts: list[tuple[str, str, int]]
) -> None:
    """In any order of taking, renewing, losing and writing by three processes.

    `held` is who has the brand, `until` when the lease ends; `leases` what each process believes.
    """
    db, brand = stores.db, new_brand(stores)
    leases: dict[str, Lease] = {}
    held, until = "", 0.0
    for who, act, seconds in acts:
        stores.clock += seconds
        lease = leases.get(who)
        is_held = who == held and lease is not None and not lease.error
        if act == "take":
            taken = takes(db, brand)
            assert (taken is not None) == (not held or until < stores.clock)
            if taken:
                leases[who], held, until = taken, who, stores.clock + LASTS
        elif lease is None:
            continue
        elif act.startswith("renew"):
            renew(db, leases.values() if act == "renew all" else [lease])
            assert (lease.error is None) == is_held
            renewed = is_held or (held and act == "renew all")
            until = stores.clock + LASTS if renewed else until
        elif act == "release":
            release(db, lease)
            held = "" if is_held else held
        elif act == "check":
            assert passes(db, lease) == is_held
        else:
            assert is_note_accepted(db, lease, "sent" if act == "intend" else act) == (
                is_held or act == "created"
            )


def test_takeover_waits_for_a_write_in_progress_and_renewal_does_not(
    stores: PostgresStores,
) -> None:
    db, brand = stores.db, new_brand(stores)
    lease = take(db, brand, "first.csv")
    stores.clock += LASTS + 1
    with connect(stores.database_url) as other, db.transaction():
        check(db, lease)
        other.execute("SET lock_timeout = '100ms'")
        renew(other, [lease])
        assert lease.error is None
        other.execute("UPDATE public.test_clock SET at = at + 91")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            take(other, brand, "second.csv")
    with connect(stores.database_url) as other:
        assert take(other, brand, "second.csv").token == lease.token + 1
    with pytest.raises(FencedError):
        check(db, lease)


async def test_run_that_lost_its_brand_sends_no_row_and_completes_no_run(
    stores: PostgresStores,
) -> None:
    """The rows that it created are in the journal of the run that took over."""
    async with stores.open() as paused:
        await paused.journal.begin(START)
        await asyncio.gather(*(paused.journal.intend(cid, f"look-{cid}") for cid in "ab"))
        stores.clock += LASTS + 1
        async with from_elsewhere(stores, "other") as active:
            run = await active.journal.begin(START)
            assert {each.packed for each in await active.journal.in_doubt()} == {"look-a", "look-b"}
            await active.journal.intend("b", "look-b")
            with pytest.raises(FencedError):
                await paused.journal.intend("c", "look-c")
            paused.journal.created("a", "17", ["k"])
            paused.journal.withdrawn("b")
            with pytest.raises(FencedError):
                await paused.journal.flush()
            with pytest.raises(FencedError):
                await paused.confirm_held()
            with pytest.raises(FencedError):
                await paused.people.remember([Seen("9", "look", ["k9"])], run)
            await paused.journal.finish(RunEnd(done=True))
            entries = await active.journal.recall("abc")
            states = {cid: str(each.state) for cid, each in entries.items()}
            assert states == {"a": "created", "b": "sent"}
            assert (await active.people.find(["k", "k9"])).holders == {"k": ("17",)}
            assert (await active.journal.runs())[0].finished is None
            await active.confirm_held()


async def test_no_request_leaves_until_an_old_lease_is_renewed(stores: PostgresStores) -> None:
    """After half a minute without a renewal, the next request renews the lease or fails."""
    async with stores.open() as store:
        lease = store.brand.lease  # type: ignore[attr-defined]
        lease.asked -= 31
        assert not lease.is_fresh
        await store.confirm_held()
        assert lease.is_fresh
        lease.asked -= 31
        stores.clock += LASTS + 1
        async with from_elsewhere(stores, "other"):
            with pytest.raises(FencedError) as fenced:
                await store.confirm_held()
    assert (fenced.value.exit_code, fenced.value.code) == (3, "fenced")


TAKEN_OVER_AT_ONCE = """
CREATE FUNCTION take_over() RETURNS trigger LANGUAGE plpgsql AS
'BEGIN UPDATE clopos.leases SET token = token + 1; RETURN NULL; END';
CREATE TRIGGER take_over AFTER INSERT ON clopos.log FOR EACH ROW
EXECUTE FUNCTION take_over();
"""


async def test_process_paused_between_commit_and_request_sends_no_request(
    guest: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its intention is durable; then it is paused for longer than its lease."""
    with connect(guest) as db:
        prepare(db)
        db.execute(TAKEN_OVER_AT_ONCE)
        uptimes = itertools.chain([0.0], itertools.repeat(100.0))  # when it was taken, and later
        monkeypatch.setattr(postgres_leases, "uptime", lambda: next(uptimes))
        async with harness(tmp_path) as here:
            sent = await here.send(*people(3), variables={"CLOPOS_DATABASE_URL": guest})
            assert isinstance(sent.error, FencedError)
            assert not [
                each
                for each in here.sandbox.requests()
                if each["method"] == "POST" and each["path"].endswith("/customers")
            ]
        assert notes(db) > 0
        assert db.execute("SELECT finished FROM runs").fetchall() == [(None,)]


# -- outages of the database --------------------------------------------------------------------


def shut_out(db: Connection) -> None:
    """Refuse connections to the database `guest`, and close the open ones."""
    db.execute("ALTER DATABASE guest ALLOW_CONNECTIONS false")
    db.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'guest'")


def let_in_again(db: Connection) -> None:
    db.execute("ALTER DATABASE guest ALLOW_CONNECTIONS true")


async def test_intention_waits_for_the_database_and_outcomes_are_written_later(
    guest: str, tmp_path: Path, stores: PostgresStores
) -> None:
    there = replace(stores.settings(), database_url=guest, state_dir=str(tmp_path))
    async with open_store(there, "list.csv") as store:
        await store.journal.begin(START)
        await store.journal.intend("a", "look-a")
        shut_out(stores.db)
        store.journal.created("a", "7")
        waiting = asyncio.ensure_future(store.journal.intend("b", "look-b"))
        await asyncio.sleep(300)
        assert not waiting.done()
        let_in_again(stores.db)
        await waiting
        await store.journal.flush()
        await store.confirm_held()
        entries = await store.journal.recall("ab")
        assert {cid: str(each.state) for cid, each in entries.items()} == {
            "a": "created",
            "b": "sent",
        }


async def test_run_ends_when_the_database_is_unavailable_for_ten_minutes(
    guest: str, tmp_path: Path, stores: PostgresStores
) -> None:
    """Outcomes of before are written once it is available again."""
    there = replace(stores.settings(), database_url=guest, state_dir=str(tmp_path))
    async with open_store(there, "list.csv") as store:
        await store.journal.begin(START)
        await store.journal.intend("a", "look-a")
        shut_out(stores.db)
        store.journal.created("a", "7")
        with pytest.raises(ServiceError, match="can't be reached") as away:
            await store.journal.intend("b", "look-b")
        assert (away.value.exit_code, away.value.code) == (3, "database_away")
        with pytest.raises(ServiceError):
            await store.journal.intend("c", "look-c")
        with pytest.raises(ServiceError):
            await store.journal.flush()
        let_in_again(stores.db)
        await asyncio.sleep(5)
    async with open_store(there, "list.csv") as store:
        assert set(await store.journal.recall("abc")) == {"a"}
        assert await store.journal.in_doubt() == []


async def test_value_that_cannot_be_stored_ends_the_run_of_its_brand_alone(
    stores: PostgresStores,
) -> None:
    async with stores.open("one") as one, stores.open("two") as two:
        await asyncio.gather(one.journal.intend("a", "look"), two.journal.intend("a", "look"))
        one.journal.created("a", "7\0")
        two.journal.created("a", "8")
        later = asyncio.ensure_future(two.journal.intend("b", "look"))
        with pytest.raises(ServiceError):
            await one.journal.flush()
        await later
        await two.journal.flush()
        entries = await two.journal.recall("ab")
        assert {cid: each.clopos_id for cid, each in entries.items()} == {"a": "8", "b": None}


# -- what all machines share -------------------------------------------------------------------


async def test_failures_of_all_workers_count_together(stores: PostgresStores) -> None:
    async with shared_server(stores.database_url) as server:
        workers = [Budget("https://clopos.example", server) for _ in range(2)]
        for _ in range(47):
            for worker in workers:
                assert [worker.add(lambda: stores.clock) for _ in range(5)] == [0.0] * 5
            await asyncio.sleep(2)
        for worker in workers:
            [worker.add(lambda: stores.clock) for _ in range(5)]
        await asyncio.sleep(2)
        assert all(worker.add(lambda: stores.clock) > 0 for worker in workers)
        stores.clock += 62
        assert workers[0].add(lambda: stores.clock) == 0.0
        for worker in workers:
            await worker.close()


async def test_snapshot_moves_with_the_brand_between_machines(stores: PostgresStores) -> None:
    """The newer copy is used, and erased customers are erased on every machine."""
    async with from_elsewhere(stores, "one") as store:
        await store.snapshot.start_reading("")
        await store.snapshot.put([Seen("1", "look-1", ["k1"])], 10)
        await store.snapshot.finish_reading()
    async with from_elsewhere(stores, "two") as store:
        assert await store.snapshot.start_reading("") == (1, 10)
        await store.snapshot.put([Seen("2", "look-2", ["k2"])], 10)
        await store.snapshot.finish_reading(drop_from="2")
        store.snapshot.add(Seen("3", "look-3", ["k3"]))
    async with from_elsewhere(stores, "one") as store:
        assert await store.snapshot.start_reading("") == (3, 10)
        await store.erase()
    async with from_elsewhere(stores, "two") as store:
        assert await store.snapshot.start_reading("") == (0, 0)
    assert b"look-" not in stores.content()


async def test_paused_process_and_its_successor_have_snapshots_of_their_own(
    stores: PostgresStores,
) -> None:
    async with stores.open() as paused:
        await paused.snapshot.start_reading("")
        await paused.snapshot.put([Seen("1", "look", ["k"])], 10)
        stores.clock += LASTS + 1
        async with stores.open() as active:
            assert await active.snapshot.start_reading("") == (0, 0)
            await paused.snapshot.put([Seen("2", "look", ["k"])], 10)
            assert (await active.people.find(["k"])).holders == {}


async def test_brand_with_a_journal_on_this_machine_is_rebuilt(stores: PostgresStores) -> None:
    local = replace(stores.settings(), database_url="")
    async with open_store(local, "list.csv"):
        pass
    async with stores.open() as store:
        assert store.must_rebuild
        assert "isn't in the database" in store.notes[0]
        await store.journal.rebuild([])
    async with stores.open("DEMO") as store:
        assert (store.must_rebuild, store.notes) == (False, ())
    assert brand_folder(local).exists()


async def test_times_of_requests_are_by_the_clock_of_the_database(stores: PostgresStores) -> None:
    """The clocks of machines may differ."""
    behind = replace(stores.settings(), state_dir=str(stores.folder / "other"))
    async with open_store(behind, "list.csv", now=lambda: stores.clock - 3600) as store:
        store.journal.request_sent()
    async with stores.open() as store:
        assert await store.journal.recent_requests(60.0) == [stores.clock]
    assert (await history(stores.settings())).runs == ()
