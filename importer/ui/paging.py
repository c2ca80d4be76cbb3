"""Numbers in addresses and forms, and the pages of a long list."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

PAGE = 100  # rows of a page


class Paging(NamedTuple):
    """Which page of how many; pages count from 1."""

    page: int
    pages: int
    rows: int


def number_in(text: object) -> int | None:
    """Return the number that a field of a form or query holds, None where it isn't valid."""
    text = str(text)
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else None


def paging(query: Mapping[str, str], rows: int, most: int = PAGE) -> tuple[Paging, slice]:
    """Return the page that is asked for, and its place among so many rows, `most` a page."""
    pages = max(1, -(-rows // most))
    page_number = min(max(number_in(query.get("page", "")) or 1, 1), pages)
    first = (page_number - 1) * most
    return Paging(page_number, pages, rows), slice(first, first + most)
