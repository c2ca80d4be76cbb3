"""Names of results files: one for each sheet, whatever number of rounds it goes through."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from importer.store.records import Kind

if TYPE_CHECKING:
    from pathlib import Path

MOST_ROWS = {Kind.RUN: 200_000, Kind.DRY_RUN: 200_000, Kind.CHECK: 20_000}
"""Rows up to which results are a workbook where no path is given; above they are CSV."""

_WORDS = {Kind.RUN: "results", Kind.DRY_RUN: "results", Kind.CHECK: "check"}
_TIME = "[0-9]{8}-[0-9]{6}"
_OURS = re.compile(
    rf"(?P<sheet>.+)\.(?:results|check)(?:\.(?:edited-|run-)?{_TIME}|\.[0-9]+)?"
    r"\.(?:xlsx|csv|jsonl|parquet)",
    re.IGNORECASE | re.DOTALL,
)

_YEAR, _MONTH, _DAY = "(?:19|20)[0-9]{2}", "(?:0[1-9]|1[0-2])", "(?:0[1-9]|[12][0-9]|3[01])"
_DATE = re.compile(
    rf"(?<![0-9])(?:{_YEAR}([-_. ]?){_MONTH}\1{_DAY}|{_DAY}([-_. ]?){_MONTH}\2{_YEAR})(?![0-9])"
)


def default_path(file: Path, kind: Kind, rows: int = 0) -> Path:
    """Return where the results of `file` ("-": standard input) go where no path is given.

    Beside it, `FILE.results.xlsx` for a run and `FILE.check.xlsx` for a check, `.csv` above
    MOST_ROWS. Results of a results file go where those of its sheet go.
    """
    name = "customers" if str(file) == "-" else sheet_name(file)
    suffix = "xlsx" if rows <= MOST_ROWS[kind] else "csv"
    return file.with_name(f"{name}.{_WORDS[kind]}.{suffix}")


def sheet_name(file: Path) -> str:
    """Return the name of the sheet that a results file is about; of another file its own."""
    found = _OURS.fullmatch(file.name)
    return found["sheet"] if found else file.name


def lasting_name(file: Path) -> str:
    """Return the name by which the next run knows the list of a file, which may have its date."""
    return _DATE.sub("DATE", sheet_name(file))


def is_results_name(file: Path) -> bool:
    """Return whether a file is named like results that we write."""
    return _OURS.fullmatch(file.name) is not None


def find_results(file: Path, *kinds: Kind) -> Path | None:
    """Return the newest results of a sheet, of the first of `kinds` of which there are any.

    They are looked for beside it under their default names; None: there are none. A file that is
    named like results is its own.
    """
    if is_results_name(file):
        return file
    for kind in kinds:
        names = (default_path(file, kind, rows) for rows in (0, MOST_ROWS[kind] + 1))
        if found := [path for path in names if path.is_file()]:
            return max(found, key=lambda path: path.stat().st_mtime)
    return None
