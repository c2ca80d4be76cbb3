"""Figures of runs as a file that the textfile collector of node_exporter reads."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from importer.errors import Exit
from importer.files import atomic_write

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from importer.results.summary import Summary

_FIGURES = {
    "exit_code": "Exit code of the last run",
    "rows": "Rows of the sheet in the last run, by outcome",
    "requests": "Requests of the last run to Clopos",
    "seconds": "Seconds that the last run took",
    "last_run_timestamp_seconds": "When the last run ended",
    "last_success_timestamp_seconds": "When a run ended last with exit code 0 or 1",
}
_LAST = re.compile(
    r"(?m)^clopos_import_last_success_timestamp_seconds\{(?P<labels>.*)\} (?P<at>[0-9.]+)$"
)


def write_metrics(path: Path, ends: Iterable[tuple[str, Summary]], now: float) -> None:
    """Write the figures of runs that ended at `now` (epoch seconds), in one step.

    `ends` are pairs of the name of the sheet, the same each night, and the summary. The time of the
    last success is taken over from the file that is replaced, and so is the brand of a run that
    failed too early to know it.

    Raises ServiceError when it can't be written.
    """
    try:
        before = {found["labels"]: found["at"] for found in _LAST.finditer(path.read_text("utf-8"))}
    except (OSError, ValueError):
        before = {}
    lines: dict[str, list[str]] = {name: [] for name in _FIGURES}
    for sheet, summary in ends:
        brand = (summary.target.brand or "") if summary.target else None
        named = _labels({"sheet": sheet})
        known = next((each for each in before if each.startswith(f"{named},")), None)
        own = known if brand is None and known else f"{named},{_labels({'brand': brand or ''})}"
        code = summary.exit_code
        well = f"{now:.0f}" if code <= Exit.ROWS_NEED_YOU else before.get(own)
        figures = {
            "exit_code": int(code),
            "requests": (summary.requests or {}).get("total", 0),
            "seconds": round(summary.seconds, 3),
            "last_run_timestamp_seconds": f"{now:.0f}",
            **({"last_success_timestamp_seconds": well} if well else {}),
        }
        for name, value in figures.items():
            lines[name].append(f"clopos_import_{name}{{{own}}} {value}")
        for status, number in (summary.counts or {}).items():
            counted = f"{own},{_labels({'status': status})}"
            lines["rows"].append(f"clopos_import_rows{{{counted}}} {number}")
    text = "".join(
        f"# HELP clopos_import_{name} {meaning}\n# TYPE clopos_import_{name} gauge\n"
        + "".join(f"{line}\n" for line in lines[name])
        for name, meaning in _FIGURES.items()
        if lines[name]
    )
    with atomic_write(path) as part:
        part.write_text(text, "utf-8")


def _labels(labels: Mapping[str, str]) -> str:
    return ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items())


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
