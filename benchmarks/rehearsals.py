"""Forecast and quota use by `rehearse`, for every kind of day.

The whole engine against the sandbox, on the clock that jumps. `make bench` shows the table.
"""

from __future__ import annotations

import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.table import into_page
from importer.pipeline.rehearse import SCENARIOS, Scenario, rehearse

if TYPE_CHECKING:
    from collections.abc import Iterable

V1 = {"CLOPOS_BRAND": "sandbox"}
_LATENCIES = {"50 to 400 ms": (0.05, 0.4), "20 ms to 9 s": (0.02, 9.0)}


@dataclass(frozen=True)
class Case:
    """One rehearsal of so many new customers."""

    name: str
    scenario: Scenario
    rows: int = 3000
    version: int = 2


CASES = (
    *(
        Case(
            f"v{version}, {name}" + (f", tills take {others:.0%}" if others else ""),
            Scenario(latency=latency, tills=others),
            3000 if version == 2 else 1650,
            version,
        )
        for version in (2, 1)
        for name, latency in _LATENCIES.items()
        for others in (0.0, 0.3, 0.6)
    ),
    *(Case(f"v2, `--faults {name}`", scenario) for name, scenario in SCENARIOS.items()),
)


def measure(cases: Iterable[Case] = CASES) -> list[dict[str, Any]]:
    """Return the summary of each rehearsal, with its `case`."""
    found = []
    with tempfile.TemporaryDirectory() as folder:
        sheet = Path(folder) / "list.csv"
        for case in cases:
            rows = "".join(f"Demo {n},+99450{n:07}\n" for n in range(case.rows))
            sheet.write_text(f"Name,Phone\n{rows}", encoding="utf-8")
            env = V1 if case.version == 1 else {}
            rehearsal = rehearse(sheet, scenario=case.scenario, env=env)
            found.append({"case": case.name, **rehearsal.summary.as_dict(), "file": sheet.name})
    return found


def table(found: Iterable[dict[str, Any]]) -> str:
    """Return the rehearsals as a table in Markdown."""
    columns = "forecast off | at most | used | 429 | fullest | into reserve | for"
    lines = [
        f"| rehearsal | rows | minutes | {columns} |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for told in found:
        off, quota = told["forecast_off"], told["quota"]
        lines.append(
            f"| {told['case']} | {told['rows']:,} | {told['minutes']:.1f} "
            f"| {abs(off['first_minute']):.1%} | {abs(off['worst_later']):.1%} "
            f"| {quota['used']:.1%} | {told['requests']['throttled']} "
            f"| {quota['largest_window']:.1%} | {quota['into_reserve']} "
            f"| {quota['into_reserve_seconds']:.1f} s |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    shown = table(measure())
    print(shown)  # noqa: T201 - that is what it is for
    if "--readme" in sys.argv:
        into_page("the rehearsals", shown)
