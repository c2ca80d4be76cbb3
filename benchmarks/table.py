"""Measurements as Markdown and as JSON."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from benchmarks.measure import Timed


PAGE = Path(__file__).parents[1] / "docs" / "reference" / "measurements.md"


class Line(NamedTuple):
    """One contender. `rows` is None where rows don't count, `timed` where it isn't here."""

    name: str
    rows: int | None
    timed: Timed | None
    lacks: str  # what it doesn't do that we do


class Target(NamedTuple):
    """A figure, and what it should be at most or at least; None: it is only shown."""

    name: str
    value: float
    wanted: float | None = None
    at_least: bool = False

    @property
    def met(self) -> bool:
        """Return whether it is what it should be."""
        if self.wanted is None:
            return True
        return self.value >= self.wanted if self.at_least else self.value <= self.wanted


def markdown(title: str, lines: Iterable[Line], targets: Iterable[Target]) -> str:
    """Return a part of the report."""
    text = [f"### {title}", ""]
    text += ["| | rows | seconds | rows/s | CPU µs/row | MB | what it doesn't do |"]
    text += ["|---|---:|---:|---:|---:|---:|---|"]
    for line in lines:
        text.append(f"| {line.name} | {' | '.join(_figures(line))} | {line.lacks} |")
    text += ["", "| | | wanted | |", "|---|---:|---:|---|"]
    for target in targets:
        sign = "≥" if target.at_least else "≤"
        wanted = "" if target.wanted is None else f"{sign} {target.wanted:g}"
        met = "" if target.wanted is None else "yes" if target.met else "no"
        shown = f"{target.value:,.0f}" if target.value >= 100 else f"{target.value:.2f}"
        text.append(f"| {target.name} | {shown} | {wanted} | {met} |")
    return "\n".join([*text, ""])


def _figures(line: Line) -> list[str]:
    """Return rows, seconds, rows a second, processor time a row, memory."""
    if line.timed is None:
        return ["–"] * 5
    seconds, cpu, megabytes, _ = line.timed
    memory = f"{megabytes:,.0f}" if megabytes else ""
    if line.rows is None:
        return ["", f"{seconds:.3f}", "", "", memory]
    a_second, a_row = line.rows / seconds, cpu / line.rows * 1e6
    return [f"{line.rows:,}", f"{seconds:.2f}", f"{a_second:,.0f}", f"{a_row:,.0f}", memory]


def as_json(title: str, lines: Iterable[Line], targets: Iterable[Target]) -> dict[str, Any]:
    """Return the same for programs."""
    return {
        "title": title,
        "lines": [
            {"name": line.name.replace("*", ""), "rows": line.rows, "lacks": line.lacks}
            | (
                {
                    "seconds": round(line.timed.seconds, 4),
                    "cpu_seconds": round(line.timed.cpu, 3),
                    "megabytes": round(line.timed.megabytes),
                }
                if line.timed
                else {}
            )
            for line in lines
        ],
        "targets": [target._asdict() | {"met": target.met} for target in targets],
    }


def into_page(name: str, text: str) -> None:
    """Put tables between their marks in the page, with the commit they were made at."""
    git = ("git", "rev-parse", "--short", "HEAD")
    commit = subprocess.run(git, cwd=PAGE.parent, check=True, capture_output=True, text=True)
    text = f"Measured at {commit.stdout.strip()}.\n\n{text}"
    begin, end = f"<!-- {name}, by make bench -->", f"<!-- end of {name} -->"
    page = PAGE.read_text("utf-8")
    before, _, rest = page.partition(begin)
    _, _, after = rest.partition(end)
    PAGE.write_text(f"{before}{begin}\n{text}\n{end}{after}", "utf-8")


def machine() -> str:
    """Name the machine by what matters here."""
    pages = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    load = Path("/proc/loadavg")
    busy = f", load {load.read_text().split()[0]} when it began" if load.exists() else ""
    return f"{os.cpu_count()} cores, {pages / 1024**3:.0f} GiB{busy}"
