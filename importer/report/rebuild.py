"""The page of a run that has ended: from its results, and the journal that knows of it."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from importer.errors import UsageError
from importer.files import can_be_written, must_be_text
from importer.i18n import tr
from importer.mapping.columns import map_columns
from importer.mapping.profiles import load_profiles
from importer.read.sheet import read
from importer.records import MappingChoices, ReadOptions
from importer.report.facts import Facts, Sending
from importer.report.page import write_report
from importer.report.tables import from_results

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def report_later(file: Path, page: Path | None, state: Path, *, private: bool) -> Path:
    """Write the page of the run that wrote a results file, and return where it is.

    `file` is the results file or the sheet beside which it lies (FILE.results.csv); None for
    `page` is FILE.report.html; `state` is the folder that has the brands' folders. Where no
    journal knows of the run, the page has what the results tell: no plan, no requests.

    Raises UsageError when there is no results file, or the page can't be written there.
    """
    must_be_text(file)
    beside = file.with_name(f"{file.name}.results.csv")
    results = beside if beside.exists() else file
    page = page or file.with_name(f"{file.name}.report.html")
    if os.path.realpath(page) in {os.path.realpath(file), os.path.realpath(results)}:
        raise UsageError(
            tr("The page would overwrite what it is about: {page}", page=page),
            todo=tr("give another path with --to"),
        )
    can_be_written(page)
    found = _noted(results, state)
    lines, counts = from_results(results, found.examples() if found else ())
    if found is None:
        sending = None if "ready" in counts else Sending()
        rows = sum(counts.values())
        found = Facts(results.name, rows, counts, (), _columns(results), sending=sending)
    when = datetime.fromtimestamp(results.stat().st_mtime).astimezone()
    write_report(page, replace(found, results=str(results)), lines, when, private=private)
    return page


def _noted(results: Path, state: Path) -> Facts | None:
    """Return the facts of the last run that wrote these results, None when no journal has them."""
    found: list[tuple[float, str]] = []
    for path in state.glob("*/journal.sqlite"):
        with contextlib.suppress(sqlite3.Error), _reading(path) as db:
            found += db.execute(
                "SELECT started, summary FROM runs WHERE results = ? AND summary IS NOT NULL",
                (str(results.resolve()),),
            ).fetchall()
    for _, summary in sorted(found, reverse=True):
        with contextlib.suppress(ValueError, TypeError, KeyError):
            return Facts.from_dict(json.loads(summary)["report"])
    return None


@contextlib.contextmanager
def _reading(path: Path) -> Iterator[sqlite3.Connection]:
    db = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)
    try:
        yield db
    finally:
        db.close()


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
