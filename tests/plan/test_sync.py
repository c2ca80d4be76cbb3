"""The snapshot of Clopos is read once; later runs read only the end of the list."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from importer.clopos import Existing, Page
from importer.errors import ServiceError
from importer.plan.sync import Synced, sync
from importer.sandbox.virtual_time import run
from importer.store.records import Seen
from importer.store.sqlite_snapshot import SqliteSnapshot

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def always(_pages: int, _total: int) -> bool:
    return True


class Listing:
    """A list of customers by page and limit, with the deviations of real servers."""

    def __init__(self, size: int = 10, **oddities: Any) -> None:
        self.page_size = size
        self.ids = list(range(1, 36))
        self.gives = size  # most entries of a page; a server may give fewer than the limit
        self.tells_total = True
        self.sorts = True
        self.asked: list[int] = []
        self.meanwhile: Callable[[int], None] = lambda _: None
        for name, value in oddities.items():
            setattr(self, name, value)

    async def page(self, number: int, *, sort: tuple[str, int]) -> Page:
        """Return a page in the form of the client's."""
        assert sort == ("id", 1)
        self.asked.append(number)
        ids = sorted(self.ids, reverse=not self.sorts)
        start = (number - 1) * self.gives
        shown = tuple(Existing(str(each)) for each in ids[start : start + self.gives])
        page = Page(shown, len(ids) if self.tells_total else None)
        self.meanwhile(number)
        return page


def as_seen(existing: Existing) -> Seen:
    return Seen(existing.id, "look", [f"id-{existing.id}"])


def ids_and_result(
    folder: Path, *listings: Listing, pays: Callable[[int, int], bool] = always
) -> tuple[list[int], Synced]:
    """Read each list in a session of its own; return the ids then seen and the last result."""

    async def scenario() -> tuple[list[int], Synced]:
        for listing in listings:
            snapshot = SqliteSnapshot(folder / "s.sqlite", "")
            result = await sync(listing, snapshot, as_seen, pays, "scope")
            found = await snapshot.looks([str(number) for number in range(200)])
            await snapshot.close()
        return sorted(map(int, found)), result

    return run(scenario())


def ids_after(
    folder: Path, *listings: Listing, pays: Callable[[int, int], bool] = always
) -> list[int]:
    """Return the ids seen after reading each list in a session of its own."""
    return ids_and_result(folder, *listings, pays=pays)[0]


def test_second_sync_reads_only_the_end_of_the_list(tmp_path: Path) -> None:
    cold, warm = Listing(), Listing()
    assert ids_after(tmp_path, cold, warm) == cold.ids
    assert (cold.asked, warm.asked) == ([1, 2, 3, 4], [4])


@pytest.mark.parametrize("tells_total", [True, False])
def test_new_customers_cost_only_the_last_pages_of_the_list(
    tmp_path: Path, tells_total: bool
) -> None:
    later = Listing(ids=list(range(1, 58)), tells_total=tells_total)
    assert ids_after(tmp_path, Listing(), later) == later.ids
    assert later.asked == [4, 5, 6]


def test_list_with_pages_shorter_than_the_limit_is_read_to_its_end(tmp_path: Path) -> None:
    cold, warm = Listing(gives=4), Listing(gives=4)
    assert ids_after(tmp_path, cold, warm) == cold.ids
    assert (len(cold.asked), warm.asked) == (9, [9])


def test_list_with_longer_pages_than_last_time_is_read_anew(tmp_path: Path) -> None:
    more = Listing()
    assert ids_after(tmp_path, Listing(gives=4), more) == more.ids
    assert more.asked == [9, 1, 2, 3, 4]


def test_list_without_total_ends_at_a_page_without_new_customers(tmp_path: Path) -> None:
    cold = Listing(tells_total=False)
    assert ids_after(tmp_path, cold) == cold.ids
    assert cold.asked == [1, 2, 3, 4, 5]


def test_deletion_is_found_by_reading_back_to_where_the_numbers_agree(tmp_path: Path) -> None:
    deleted = Listing(ids=[n for n in range(1, 36) if n != 24])
    assert ids_after(tmp_path, Listing(), deleted) == deleted.ids
    assert deleted.asked == [4, 3]


def test_list_that_lost_a_whole_page_is_read_again(tmp_path: Path) -> None:
    shorter = Listing(ids=list(range(1, 29)))
    assert ids_after(tmp_path, Listing(), shorter) == shorter.ids
    assert shorter.asked[-3:] == [1, 2, 3]


def test_list_in_another_order_is_read_completely_each_time(tmp_path: Path) -> None:
    first, second = Listing(sorts=False), Listing(sorts=False)
    assert ids_after(tmp_path, first, second) == first.ids
    assert len(first.asked) == len(second.asked) == 4


def test_deletion_while_the_list_is_read_restarts_the_reading(tmp_path: Path) -> None:
    cold = Listing()

    def delete(number: int) -> None:
        if number == 2 and 5 in cold.ids:
            cold.ids.remove(5)

    cold.meanwhile = delete
    assert ids_after(tmp_path, cold) == cold.ids
    assert cold.asked == [1, 2, 3, 1, 2, 3, 4]


def test_list_that_changes_during_every_reading_is_incomplete(tmp_path: Path) -> None:
    cold = Listing()
    cold.meanwhile = lambda _: cold.ids.remove(cold.ids[0])
    found = ids_after(tmp_path, cold)
    assert set(cold.ids) - set(found) <= set(range(1, 36))
    assert len(cold.asked) == 6


def test_reading_of_the_list_ends_where_it_no_longer_pays(tmp_path: Path) -> None:
    asked: list[tuple[int, int]] = []

    def pays(pages: int, total: int) -> bool:
        asked.append((pages, total))
        return False

    cold = Listing()
    assert ids_after(tmp_path, cold, pays=pays) == list(range(1, 11))
    assert (cold.asked, asked) == ([1], [(3, 35)])
    # What was read is the beginning of the next reading.
    again = Listing()
    assert ids_after(tmp_path, again) == again.ids
    assert again.asked == [1, 2, 3, 4]
    grown = Listing(ids=list(range(1, 99)))
    assert ids_after(tmp_path, grown, pays=pays) == list(range(31, 41))


@settings(max_examples=60, deadline=None)
@given(data=st.data(), gives=st.integers(2, 7), tells_total=st.booleans())
def test_snapshot_equals_the_list_after_any_change(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, gives: int, tells_total: bool
) -> None:
    """Customers are deleted anywhere and created at the end; the snapshot equals the list.

    Equal numbers of additions and deletions before the last page can't be seen. They don't happen:
    new customers have higher ids, so none is added there.
    """
    before = list(range(1, data.draw(st.integers(0, 25)) + 1))
    gone = data.draw(st.sets(st.sampled_from(before))) if before else set()
    new = data.draw(st.integers(0, 12))
    after = [n for n in before if n not in gone] + list(range(26, 26 + new))
    folder = tmp_path_factory.mktemp("s")
    first, second = (
        Listing(ids=ids, gives=gives, tells_total=tells_total) for ids in (before, after)
    )
    assert ids_after(folder, first, second) == after


def test_result_of_a_sync_shows_whether_the_snapshot_is_complete(tmp_path: Path) -> None:
    assert ids_and_result(tmp_path, Listing())[1] == Synced(complete=True, total=35)
    assert not ids_and_result(tmp_path, Listing(ids=[*range(1, 99)]), pays=lambda *_: False)[
        1
    ].complete


async def test_list_that_never_ends_is_an_error(tmp_path: Path) -> None:
    endless = Listing(ids=list(range(1, 999)), tells_total=False)
    snapshot = SqliteSnapshot(tmp_path / "s.sqlite", "")
    with pytest.raises(ServiceError, match="no end"):
        await sync(endless, snapshot, as_seen, always, "", most_pages=5)
    await snapshot.close()
    assert len(endless.asked) == 5
