"""Run the benchmarks and write the table: `make bench`, or `make bench-quick`.

    python -m benchmarks [--quick] [--million] [--only PART]… [--out FOLDER]

The parts are `check`, `start`, `run`, `page`, `pace` and `fleet`; `--million` adds a run of a
million rows (some minutes, for its memory). The tables are written to FOLDER (build/bench) as
table.md and table.json, those of a full run into the page of measurements too.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks import preparing, sending, table

PARTS = ("check", "start", "run", "page", "pace", "fleet")


def main() -> None:
    """Measure, say what goes on, write."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--million", action="store_true")
    parser.add_argument("--only", action="append", choices=PARTS)
    parser.add_argument("--out", type=Path, default=Path("build/bench"))
    parser.add_argument("--build", type=Path, default=Path("build/bench"))
    given = parser.parse_args()
    rounds, large, small, sent = (
        (3, 100_000, 20_000, 5_000) if given.quick else (5, 1_000_000, 100_000, 50_000)
    )
    only = given.only or PARTS
    here = sending.tools(given.build.absolute())
    measured = f"{table.machine()}; medians of {rounds}, alternating"
    texts, facts, paced = [f"On {measured}.\n"], [], ""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)

        def part(title: str, found: tuple[list[table.Line], list[table.Target]]) -> None:
            texts.append(table.markdown(title, *found))
            facts.append(table.as_json(title, *found))

        if "check" in only:
            found = preparing.prepare(folder, large, small, rounds, here.get("requests"), say)
            part("Checking a sheet of nine columns, results written", found)
        if "start" in only:
            preparing.few(folder)
            part("How soon it answers", preparing.start(folder, here["us"], 2 * rounds + 1, say))
        if "run" in only:
            part("Creating customers", sending.send(folder, sent, rounds, here, say))
        if given.million:
            part("A million customers", sending.million(folder, 1_000_000))
        if "page" in only:
            paced += _pages(facts, quick=given.quick)
        if "pace" in only:
            paced += _pace(facts, quick=given.quick)
        if "fleet" in only:
            paced += _fleet(facts, quick=given.quick)
    speed = "\n".join(texts)
    if not given.quick and not given.only:
        table.into_page("the speed", speed)
    text = speed + paced
    (given.out / "table.md").write_text(text, encoding="utf-8")
    summary = {"machine": measured, "parts": facts}
    (given.out / "table.json").write_text(json.dumps(summary, indent=1) + "\n", encoding="utf-8")
    print(text)  # noqa: T201 - what it is for


# Imported late: what is imported here counts in the memory of the processes that are measured.


def _pages(facts: list[dict[str, Any]], *, quick: bool) -> str:
    """Measure the page in the browser; return its table, and add its figures to `facts`."""
    from benchmarks import pages  # noqa: PLC0415

    bars = list(pages.measure(10_000 if quick else 100_000))
    if not quick:
        table.into_page("the page in the browser", pages.table(bars))
    facts.append({"title": "page", "lines": [each._asdict() for each in bars]})
    return f"\n### The page in the browser\n\n{pages.table(bars)}\n"


def _pace(facts: list[dict[str, Any]], *, quick: bool) -> str:
    """Measure the pace; return its tables, and add its figures to `facts`."""
    from benchmarks import pace, rehearsals  # noqa: PLC0415

    rows = pace.measure(pace.CASES[:3] if quick else pace.CASES)
    told = rehearsals.measure(rehearsals.CASES[:1] if quick else rehearsals.CASES)
    if not quick:
        table.into_page("the pace", pace.table(rows))
        table.into_page("the rehearsals", rehearsals.table(told))
    facts.append({"title": "pace", "lines": [asdict(row) for row in rows]})
    facts.append({"title": "rehearsals", "lines": told})
    text = f"\n### The pace against a strict window\n\n{pace.table(rows)}\n"
    return f"{text}\n### Rehearsals\n\n{rehearsals.table(told)}\n"


def _fleet(facts: list[dict[str, Any]], *, quick: bool) -> str:
    """Measure a fleet; return its table, and add its figures to `facts`."""
    from benchmarks import fleet  # noqa: PLC0415

    carried = fleet.measured((40,) if quick else fleet.SIZES, quick=quick)
    if not quick:
        table.into_page("the fleet", fleet.table(carried))
    facts.append({"title": "fleet", "lines": carried})
    return f"\n### A fleet\n\n{fleet.table(carried)}\n"


def say(text: str) -> None:
    """Show what goes on."""
    print(text, file=sys.stderr, flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
