"""The page of a run that has ended: from its results and the history."""

from __future__ import annotations

import contextlib
import os
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from importer.errors import UsageError
from importer.files import check_encodable, check_writable, mode_like
from importer.i18n import tr
from importer.mapping.columns import map_columns
from importer.mapping.profiles import load_profiles
from importer.read import read
from importer.records import MappingChoices, ReadOptions
from importer.report.facts import Facts, Sending
from importer.report.page import write_report
from importer.report.tables import from_results
from importer.results.names import find_results
from importer.store.records import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from importer.store.records import RunRecord


def rebuild_report(
    file: Path, page: Path | None, runs: Iterable[RunRecord], *, private: bool
) -> Path:
    """Write the page of the run that wrote a results file, and return where it is.

    `file` is the results file or the sheet beside which it lies; None for `page` is
    FILE.report.html; `runs` is the history, newest first. Where it doesn't have the run, the page
    has what the results tell: no plan, no requests.

    Raises UsageError when there is no results file, or the page can't be written there.
    """
    check_encodable(file)
    results = find_results(file, Kind.RUN, Kind.CHECK) or file
    page = page or file.with_name(f"{file.name}.report.html")
    if os.path.realpath(page) in {os.path.realpath(file), os.path.realpath(results)}:
        raise UsageError(
            tr("The page would overwrite the file that it describes: {page}", page=page),
            fix=tr("give another path with --to"),
        )
    check_writable(page)
    found = _facts_of(results, runs)
    lines, counts = from_results(results, found.examples() if found else ())
    if found is None:
        sending = None if "ready" in counts else Sending()
        rows = sum(counts.values())
        found = Facts(results.name, rows, counts, (), _columns(results), sending=sending)
    when = datetime.fromtimestamp(results.stat().st_mtime).astimezone()
    facts = replace(found, results=str(results))
    write_report(page, facts, lines, when, private=private, mode=mode_like(results))
    return page


def _facts_of(results: Path, runs: Iterable[RunRecord]) -> Facts | None:
    """Return the facts of the last run that wrote these results, None when no run is known."""
    path = str(results.resolve())
    for run in runs:
        if run.results == path:
            with contextlib.suppress(ValueError, TypeError, KeyError):
                return Facts.from_dict(run.summary["report"])
    return None


def _columns(results: Path) -> dict[str, tuple[str, ...]]:
    """Return field → headers as far as the headers tell by themselves."""
    try:
        sheet = read(results, ReadOptions())
        mapping = map_columns(sheet, load_profiles(), MappingChoices())
    except UsageError:
        return {}
    return {
        name: tuple(sheet.headers[position] for position in positions)
        for name, positions in mapping.columns.items()
    }
