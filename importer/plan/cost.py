"""Cost of sending: requests, minutes, finish time."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

TOKEN_SECONDS = 3300.0  # 3600 (API facts §3.3), renewed some minutes early


@dataclass(frozen=True, slots=True)
class Price:
    """Cost of sending.

    `creates`, `reads` and `sign_ins` are requests. `minutes` at the pace that is left after the
    reserve; None: no limit. `finish` is when it is done, hours in which nothing is sent included;
    `deadline` when it has to be done, None for no matter, and `in_time` how many rows are created
    until then. Both in epoch seconds. `reserve` is the share of the quota that is left for the
    tills, None without a quota.
    """

    creates: int
    reads: int
    sign_ins: int
    minutes: float | None
    finish: float | None = None
    deadline: float | None = None
    in_time: int | None = None
    reserve: float | None = None

    @property
    def requests(self) -> int:
        """Return all requests together."""
        return self.creates + self.reads + self.sign_ins

    @property
    def fits(self) -> bool | None:
        """Return whether all is done by the deadline, None without one."""
        return None if self.in_time is None else self.in_time == self.creates


def price_of(
    creates: int,
    reads: int,
    seconds_of: Callable[[int], float | None],
    *,
    signed_in: bool,
    reserve: float | None = None,
) -> Price:
    """Return the price; `seconds_of` gives how long so many requests take (None: no limit)."""
    if not creates and not reads:
        return Price(0, 0, 0, 0.0, reserve=reserve)
    seconds = seconds_of(creates + reads)
    sign_ins = int((seconds or 0.0) // TOKEN_SECONDS) + (not signed_in)
    minutes = None if seconds is None else seconds / 60
    return Price(creates, reads, sign_ins, minutes, reserve=reserve)


def with_times(
    price: Price, finish: Callable[[int], float], deadline: float | None, ending: float
) -> Price:
    """Return the price with its times; `finish` is requests → when they are done.

    `ending` is how many seconds before the deadline sending stops, if it isn't done.
    """
    # Reads that each row needs before it is sent are spread evenly among them.
    each = (price.creates + price.reads) / price.creates if price.creates else 1.0
    rows = None
    if deadline is not None:
        last = deadline - ending
        rows = bisect_right(range(price.creates), last, key=lambda n: finish(round((n + 1) * each)))
    done = finish(price.creates + price.reads)
    return replace(price, finish=done, deadline=deadline, in_time=rows)


def local_time(epoch: float | None) -> str | None:
    """Return a time as people and programs read it, with its distance from UTC."""
    if epoch is None:
        return None
    return datetime.fromtimestamp(epoch).astimezone().isoformat(timespec="seconds")
