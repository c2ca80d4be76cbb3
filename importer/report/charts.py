"""Facts → the shapes of the two figures: what happened to the rows, and requests by the minute.

Only numbers are computed here; the template draws them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from importer.records import Status

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

WIDTH = 220  # of the widest bar, in units of the drawing
BAR = 28  # height of a bar
_LABEL = 20  # height of a line of text beside it
_GAP = 30  # between two bars
_BUCKETS = 240  # bars of the second figure, at most


@dataclass(frozen=True, slots=True)
class Part:
    """Rows that leave the way here: a piece of the bar and a label at its right."""

    status: str
    number: int
    x: float
    width: float
    label_y: float


@dataclass(frozen=True, slots=True)
class Stage:
    """One bar: all rows that came this far; `kept` of them go on, the parts leave."""

    name: str
    number: int
    kept: int
    y: float
    width: float
    kept_width: float
    height: float  # down to the next bar
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Bucket:
    """One bar of requests, averaged over `minutes`. Heights in percent of the figure."""

    x: float
    requests: float  # a minute
    throttled: int
    height: float
    throttled_height: float
    idle: bool


def way_of_rows(rows: int, counts: Mapping[str, int], *, checked: bool) -> tuple[Stage, ...]:
    """Return the bars from the sheet down to Clopos and what leaves at each.

    `checked`: nothing was sent, so the way ends at what is ready.
    """
    leaving: list[tuple[str, tuple[Status, ...]]] = [("sheet", (Status.INVALID, Status.DUPLICATE))]
    if not checked:
        refused = (Status.CONFLICT, Status.REJECTED, Status.FAILED, Status.UNKNOWN, Status.PENDING)
        leaving += [("valid", (Status.EXISTS,)), ("new", refused)]
    names = [*(name for name, _ in leaving), "ready" if checked else "created"]
    stages: list[Stage] = []
    left, y = rows, 0.0
    for name, (_, statuses) in zip(names, [*leaving, ("", ())], strict=True):
        gone = [(status, counts.get(status, 0)) for status in statuses if counts.get(status)]
        kept = left - sum(number for _, number in gone)
        parts: list[Part] = []
        x = _scaled(kept, rows)
        for place, (status, number) in enumerate(gone):
            part = Part(str(status), number, x, _scaled(number, rows), y + 20 + place * _LABEL)
            parts.append(part)
            x += part.width
        height = max(BAR + _GAP, len(parts) * _LABEL + 20.0) + 18
        width = max(x, _scaled(left, rows))
        stages.append(Stage(name, left, kept, y, width, _scaled(kept, rows), height, tuple(parts)))
        left, y = kept, y + height
    return tuple(stages)


def by_the_minute(
    timeline: Sequence[tuple[int, int]], quota: float | None
) -> tuple[tuple[Bucket, ...], float]:
    """Return the bars and the requests a minute that the figure is high."""
    if not timeline:
        return (), 0.0
    minutes = -(-len(timeline) // _BUCKETS)
    pieces = [timeline[start : start + minutes] for start in range(0, len(timeline), minutes)]
    means = [sum(sent for sent, _ in piece) / len(piece) for piece in pieces]
    top = max(*means, quota or 0.0, 1.0) * 1.1
    buckets = []
    for place, (piece, mean) in enumerate(zip(pieces, means, strict=True)):
        throttled = sum(number for _, number in piece)
        share = throttled / len(piece) / top * 100
        height = mean / top * 100
        red = min(height, max(share, 3.0)) if throttled else 0.0
        buckets.append(Bucket(place, mean, throttled, height, red, mean == 0))
    return tuple(buckets), top


def _scaled(number: int, rows: int) -> float:
    """Return the width of a bar; few rows among many are still to be seen."""
    return max(number / rows * WIDTH, 2.0) if number and rows else 0.0
