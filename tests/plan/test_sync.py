"""What is at Clopos is read once, and from then on only what is new."""

from __future__ import annotations

import sqlite3
import stat
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from importer.clopos import Existing, Page
from importer.errors import ServiceError
from importer.records import Customer
from importer.sandbox import Config
from importer.sandbox.virtual_time import run
from importer.store.sqlite_snapshot import Snapshot
from tests.harness import people, told, world

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from pathlib import Path

    from importer.pipeline.upload import Uploaded

KEY = b"k" * 32


def always(_pages: int, _total: int) -> bool:
    return True


class Listing:
    """A list as Clopos gives it, by page and limit, that may be odd in several ways."""

    def __init__(self, size: int = 10, **oddities: Any) -> None:
        self.page_size = size
        self.ids = list(range(1, 36))
        self.gives = size  # a server may give fewer than asked for
        self.tells_total = True
        self.sorts = True
        self.asked: list[int] = []
        self.meanwhile: Callable[[int], None] = lambda _: None
        for name, value in oddities.items():
            setattr(self, name, value)

    async def page(self, number: int, *, sort: tuple[str, int]) -> Page:
        """Return a page, as the client does."""
        assert sort == ("id", 1)
        self.asked.append(number)
        ids = sorted(self.ids, reverse=not self.sorts)
        start = (number - 1) * self.gives
        shown = tuple(person(each) for each in ids[start : start + self.gives])
        page = Page(shown, len(ids) if self.tells_total else None)
        self.meanwhile(number)
        return page


def person(number: int) -> Existing:
    return Existing(str(number), f"cid-{number}", f"Demo {number}", (f"99450{number}",))


def row(number: int) -> Customer:
    return Customer(2, "another", "Demo", phone=f"99450{number}")


def known(snapshot: Snapshot, up_to: int = 99) -> list[int]:
    """Return the ids that are found by their phones."""
    index = snapshot.look_up([row(number) for number in range(1, up_to)])
    return sorted(int(each.id) for found in index.by_phone.values() for each in found)


def refreshed(path: Path, *listings: Any, pays: Callable[[int, int], bool] = always) -> list[int]:
    """Return the ids that are known after refreshing from each list, in sessions of their own."""
    found: list[int] = []

    async def story() -> None:
        for listing in listings:
            with Snapshot(path / "s.sqlite", KEY) as snapshot:
                await snapshot.refresh(listing, pays)
                found[:] = known(snapshot)

    run(story())
    return found


def test_everything_is_read_once_and_then_only_the_end(tmp_path: Path) -> None:
    cold, warm = Listing(), Listing()
    assert refreshed(tmp_path, cold, warm) == cold.ids
    assert (cold.asked, warm.asked) == ([1, 2, 3, 4], [4])


@pytest.mark.parametrize("tells_total", [True, False])
def test_new_customers_are_at_the_end(tmp_path: Path, tells_total: bool) -> None:
    later = Listing(ids=list(range(1, 58)), tells_total=tells_total)
    assert refreshed(tmp_path, Listing(), later) == later.ids
    assert later.asked == [4, 5, 6]


def test_a_server_that_gives_fewer_than_asked_for_is_read_to_its_end(tmp_path: Path) -> None:
    cold, warm = Listing(gives=4), Listing(gives=4)
    assert refreshed(tmp_path, cold, warm) == cold.ids
    assert (len(cold.asked), warm.asked) == (9, [9])


def test_a_server_that_gives_more_than_last_time_is_read_anew(tmp_path: Path) -> None:
    more = Listing()
    assert refreshed(tmp_path, Listing(gives=4), more) == more.ids
    assert more.asked == [9, 1, 2, 3, 4]


def test_a_list_without_a_total_ends_where_nobody_new_comes(tmp_path: Path) -> None:
    cold = Listing(tells_total=False)
    assert refreshed(tmp_path, cold) == cold.ids
    assert cold.asked == [1, 2, 3, 4, 5]


def test_the_pages_before_are_read_back_to_where_the_numbers_agree(tmp_path: Path) -> None:
    deleted = Listing(ids=[n for n in range(1, 36) if n != 24])
    assert refreshed(tmp_path, Listing(), deleted) == deleted.ids
    assert deleted.asked == [4, 3]


def test_a_list_that_lost_a_whole_page_is_read_anew(tmp_path: Path) -> None:
    shorter = Listing(ids=list(range(1, 29)))
    assert refreshed(tmp_path, Listing(), shorter) == shorter.ids
    assert shorter.asked[-3:] == [1, 2, 3]


def test_a_list_in_another_order_is_read_whole_each_time(tmp_path: Path) -> None:
    first, second = Listing(sorts=False), Listing(sorts=False)
    assert refreshed(tmp_path, first, second) == first.ids
    assert len(first.asked) == len(second.asked) == 4


def test_who_is_deleted_while_the_list_is_read_makes_it_begin_anew(tmp_path: Path) -> None:
    cold = Listing()

    def delete(number: int) -> None:
        if number == 2 and 5 in cold.ids:
            cold.ids.remove(5)

    cold.meanwhile = delete
    assert refreshed(tmp_path, cold) == cold.ids
    assert cold.asked == [1, 2, 3, 1, 2, 3, 4]


def test_a_list_that_never_holds_still_is_taken_as_it_was_read(tmp_path: Path) -> None:
    cold = Listing()
    cold.meanwhile = lambda _: cold.ids.remove(cold.ids[0])
    found = refreshed(tmp_path, cold)
    assert set(cold.ids) - set(found) <= set(range(1, 36))
    assert len(cold.asked) == 6


def test_reading_ends_where_it_no_longer_pays(tmp_path: Path) -> None:
    asked: list[tuple[int, int]] = []

    def pays(pages: int, total: int) -> bool:
        asked.append((pages, total))
        return False

    cold = Listing()
    assert refreshed(tmp_path, cold, pays=pays) == list(range(1, 11))
    assert (cold.asked, asked) == ([1], [(3, 35)])
    # What was read is the beginning of the next reading.
    again = Listing()
    assert refreshed(tmp_path, again) == again.ids
    assert again.asked == [1, 2, 3, 4]
    grown = Listing(ids=list(range(1, 99)))
    assert refreshed(tmp_path, grown, pays=pays) == list(range(31, 41))


def test_own_creates_are_known_at_once_and_next_time(tmp_path: Path) -> None:
    grown = Listing(ids=[*range(1, 36), 40, 41, 42])

    async def story() -> None:
        with Snapshot(tmp_path / "s.sqlite", KEY) as snapshot:
            await snapshot.refresh(Listing(), always)  # type: ignore[arg-type]
            for number in (42, 40):  # 41 is somebody else's
                snapshot.add(str(number), f"cid-{number}", {"name": "d"})
        with Snapshot(tmp_path / "s.sqlite", KEY) as snapshot:
            await snapshot.refresh(grown, always)  # type: ignore[arg-type]
            assert snapshot.newest_id == 42
            index = snapshot.look_up([Customer(2, f"cid-{n}", "Demo") for n in (40, 41, 42)])
            assert sorted(index.by_cid) == ["cid-40", "cid-41", "cid-42"]

    run(story())
    assert grown.asked == [4]


@settings(max_examples=60, deadline=None)
@given(data=st.data(), gives=st.integers(2, 7), tells_total=st.booleans())
def test_whatever_changes_between_two_runs_is_known_after(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, gives: int, tells_total: bool
) -> None:
    """Deleted anywhere, created at the end: the snapshot holds exactly what the list holds.

    Unless as many came as went before the last page: that can't be seen there. New ones have
    higher ids, so nobody ever comes there.
    """
    before = list(range(1, data.draw(st.integers(0, 25)) + 1))
    gone = data.draw(st.sets(st.sampled_from(before))) if before else set()
    new = data.draw(st.integers(0, 12))
    after = [n for n in before if n not in gone] + list(range(26, 26 + new))
    folder = tmp_path_factory.mktemp("s")
    first, second = (
        Listing(ids=ids, gives=gives, tells_total=tells_total) for ids in (before, after)
    )
    assert refreshed(folder, first, second) == after


def test_it_holds_no_personal_data_and_is_its_owners_alone(tmp_path: Path) -> None:
    refreshed(tmp_path, Listing(ids=[777]))
    path = tmp_path / "s.sqlite"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    held = b"".join(each.read_bytes() for each in tmp_path.iterdir())
    assert b"cid-777" in held
    assert b"Demo" not in held
    assert b"99450777" not in held


@pytest.mark.parametrize("damage", [b"this is no database", b"SQLite format 3\0" + b"\xff" * 4080])
def test_a_damaged_one_is_read_anew(tmp_path: Path, damage: bytes) -> None:
    (tmp_path / "s.sqlite").write_bytes(damage)
    assert refreshed(tmp_path, Listing()) == Listing().ids


def test_one_of_another_key_or_version_is_read_anew(tmp_path: Path) -> None:
    refreshed(tmp_path, Listing())
    again = Listing()

    async def story() -> None:
        with Snapshot(tmp_path / "s.sqlite", b"x" * 32) as snapshot:
            assert known(snapshot) == []  # before it is refreshed nothing is said
            await snapshot.refresh(again, always)  # type: ignore[arg-type]
            assert known(snapshot) == again.ids

    run(story())
    assert again.asked == [1, 2, 3, 4]
    with sqlite3.connect(tmp_path / "s.sqlite") as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    assert refreshed(tmp_path, Listing()) == Listing().ids


def test_a_folder_that_can_t_be_written_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(ServiceError, match="can't be kept"):
        Snapshot(tmp_path / "nowhere" / "s.sqlite", KEY)


def test_a_disk_that_is_full_is_said_so(tmp_path: Path) -> None:
    async def story() -> None:
        with Snapshot(tmp_path / "s.sqlite", KEY) as snapshot:
            snapshot._db.execute("PRAGMA max_page_count = 10")
            for number in range(500):  # what can't be kept is read next time
                snapshot.add(str(number), f"cid-{number}", {"name": "d" * 18})
            with pytest.raises(ServiceError, match="can't be kept"):
                await snapshot.refresh(Listing(999, ids=list(range(999))), always)  # type: ignore[arg-type]

    run(story())


# -- with the real client and the sandbox -------------------------------------------------------


def nightly(
    folder: Path, config: Config, story: Callable[[Any], Coroutine[Any, Any, None]]
) -> None:
    async def main() -> None:
        async with world(folder, config) as w:
            await story(w)

    run(main())


def requests(uploaded: Uploaded) -> tuple[int, int, int]:
    return uploaded.requests.posts, uploaded.requests.reads, uploaded.requests.auths


def test_a_nightly_run_costs_the_new_rows_and_a_page_or_two(tmp_path: Path) -> None:
    """40 new among 5,000, cold: 5 pages; the same again: nothing; 7 more: a page and they."""
    rows = people(5007)

    async def story(w: Any) -> None:
        for each in rows[:4960]:
            w.sandbox.add(**each)
        first = await w.send(*rows[:5000])
        assert list(told(first).values()).count("created") == 40
        assert requests(first) == (40, 5, 1)
        again = await w.send(*rows[:5000])
        assert set(told(again).values()) == {"exists"}
        assert requests(again) == (0, 1, 1)
        more = await w.send(*rows)
        assert requests(more) == (7, 1, 1)
        assert list(told(more).values()).count("created") == 7

    nightly(tmp_path, Config(), story)


def test_a_few_rows_are_sent_rather_than_all_customers_read(tmp_path: Path) -> None:
    async def story(w: Any) -> None:
        for each in people(50):
            w.sandbox.add(**each)
        uploaded = await w.send({"name": "Demo New", "phone": "+994551234567"})
        assert requests(uploaded) == (1, 1, 1)  # 1 page of 10 tells that 4 more don't pay
        whole = await w.send({"name": "Demo 50", "phone": "+994500000050"}, match="always")
        assert requests(whole) == (0, 5, 1)
        assert told(whole) == {2: "exists"}

    nightly(tmp_path, Config(v2_max_limit=10), story)


def test_never_means_that_nothing_is_read(tmp_path: Path) -> None:
    async def story(w: Any) -> None:
        uploaded = await w.send(*people(3), match="never")
        assert requests(uploaded) == (3, 0, 1)

    nightly(tmp_path, Config(), story)


def test_a_limit_bounds_what_reading_can_save(tmp_path: Path) -> None:
    async def story(w: Any) -> None:
        for each in people(90):
            w.sandbox.add(**each)
        rows = [{"name": f"Demo {n}", "phone": f"+99455000000{n}"} for n in range(9)]
        uploaded = await w.send(*rows, limit=2)
        assert requests(uploaded) == (2, 1, 1)

    nightly(tmp_path, Config(v2_max_limit=10), story)
