"""Reading back classifies a row as existing, missing or unknown."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from importer.clopos import Existing, Page
from importer.plan.read_back import find_created
from importer.sandbox.virtual_time import run


@dataclass
class Listing:
    """A list of customers, newest first, that may lack its total and changes while it is read."""

    ids: list[int]
    gives: int  # entries of a page, whatever the limit of the request
    tells_total: bool
    order: str
    changes: list[tuple[int, list[int]]]  # after each page: new ones, places of deleted ones
    page_size: int = 10
    pages: int = 0
    ever: set[int] = field(default_factory=set)

    async def page(self, number: int, *, sort: tuple[str, int]) -> Page:
        """Return a page in the form of the client's."""
        assert sort == ("id", -1)
        self.ever |= set(self.ids)
        shown = sorted(self.ids, reverse=True)
        if self.order == "oldest first":
            shown.reverse()
        total = len(shown) if self.tells_total else None
        start = (number - 1) * self.gives
        found = tuple(
            Existing(str(n), f"cid-{n}", f"Demo {n}") for n in shown[start : start + self.gives]
        )
        if self.pages < len(self.changes):
            born, dead = self.changes[self.pages]
            for place in sorted({place % len(shown) for place in dead if shown}):
                self.ids.remove(shown[place])
            top = max(self.ever, default=0)
            self.ids += range(top + 1, top + 1 + born)
        self.pages += 1
        return Page(found, total)


@settings(max_examples=300, deadline=None)
@given(
    size=st.integers(0, 60),
    gives=st.integers(2, 10),
    tells_total=st.booleans(),
    order=st.sampled_from(["newest first", "oldest first"]),
    changes=st.lists(st.tuples(st.integers(0, 3), st.lists(st.integers(0, 59), max_size=2))),
    wanted=st.lists(st.tuples(st.integers(1, 90), st.integers(0, 60) | st.none()), max_size=8),
    known=st.booleans(),
)
def test_reading_back_never_gives_a_wrong_answer(
    size: int,
    gives: int,
    tells_total: bool,
    order: str,
    changes: list[tuple[int, list[int]]],
    wanted: list[tuple[int, int | None]],
    known: bool,
) -> None:
    """For any changes of the list; deletions can be noticed only where it shows its total."""
    listing = Listing(list(range(1, size + 1)), gives, tells_total, order, changes)
    # The highest id known before the request is below the one that the row got.
    asked = {
        f"cid-{number}": after if after is None or number > size else min(after, number - 1)
        for number, after in wanted
    }
    there = set(listing.ids)
    verdicts = run(find_created(listing, asked, size or None if known else None))  # type: ignore[arg-type]
    still_there = there & set(listing.ids)
    assert verdicts.keys() <= asked.keys()
    assert listing.pages <= 2 * (len(listing.ever) // gives + len(changes) + 2)
    for cid, verdict in verdicts.items():
        number = int(cid.removeprefix("cid-"))
        if verdict:
            assert verdict == str(number)
        elif tells_total or not any(dead for _, dead in changes):
            assert number not in still_there


def test_row_shifted_to_a_page_already_read_is_not_reported_missing() -> None:
    """The newest customer is deleted after the first page, so number 15 moves onto that page."""
    listing = Listing(list(range(1, 21)), 5, True, "newest first", [(0, [0])])
    asked = {"cid-15": 12} | {f"cid-{number}": None for number in range(90, 95)}
    assert run(find_created(listing, asked, 20)) == {}  # type: ignore[arg-type]
    assert listing.pages == 2
