"""Contract of a results file as a pandera model: one line a row, each with its reason.

All values are text, as in every format of the results, "" for none. The sheet's own columns after
the seven may have any text. The name of a check says which rule is broken.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
from pandera.pandas import Check, Column, DataFrameSchema

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

STATUSES = (
    "created",
    "exists",
    "conflict",
    "duplicate",
    "invalid",
    "rejected",
    "failed",
    "unknown",
    "pending",
)
"""What can have become of a row in a run: each has one of these."""
CHECKED = ("ready", "invalid", "duplicate", "conflict", "exists")
"""What a row can be without a run."""
AT_CLOPOS = ("created", "exists")
COMPARED = ("phone", "code", "cid", "email", "date_of_birth", "name")
"""What tells that two rows are one person, or what two people can't share."""


def result_schema() -> DataFrameSchema:
    """Return the model of a results file, read as a table of text with any index."""
    return DataFrameSchema(
        {
            "import_row": _text("a row number as a spreadsheet shows it", r"[1-9][0-9]*"),
            "import_status": Column(
                checks=Check(lambda said: said.isin([*STATUSES, "ready"]), name="a known status")
            ),
            "clopos_id": _text("an id", r"[0-9A-Za-z_-]*"),
            "import_field": Column(
                checks=Check(lambda said: said.isin(["", *COMPARED]), name="a compared field")
            ),
            "import_existing_id": _text("an id", r"[0-9A-Za-z_-]*"),
            "import_duplicate_of": _text("a row number or nothing", r"([1-9][0-9]*)?"),
            "import_message": Column(),
        },
        checks=[
            Check(_rows_rise, name="rows are in the sheet's order, each once"),
            Check(_of_one_kind, name="statuses of a run or of a check, not of both"),
            _exactly("clopos_id", AT_CLOPOS),
            _only("import_duplicate_of", ("duplicate", "conflict")),
            _only("import_existing_id", ("conflict",)),
            _only("import_field", ("conflict", "duplicate", "rejected")),
            Check(_names_its_row, name="a duplicate names the row it repeats"),
            Check(_names_a_kept_row, name="a duplicate names another row that is kept"),
            Check(_says_why, name="what isn't at Clopos has its reason"),
        ],
        strict=False,
    )


def conserved(table: pd.DataFrame, rows: Iterable[int]) -> bool:
    """Return whether a results file accounts for exactly these rows of the sheet."""
    return table["import_row"].tolist() == [str(row) for row in rows]


def _text(name: str, pattern: str) -> Column:
    def matches(texts: pd.Series[str]) -> pd.Series[bool]:
        return texts.str.fullmatch(pattern)

    return Column(checks=Check(matches, name=name))


def _exactly(column: str, statuses: tuple[str, ...]) -> Check:
    def holds(table: pd.DataFrame) -> pd.Series[bool]:
        return (table[column] != "") == table["import_status"].isin(statuses)

    return Check(holds, name=f"{column} stands where the status is {' or '.join(statuses)}")


def _only(column: str, statuses: tuple[str, ...]) -> Check:
    def holds(table: pd.DataFrame) -> pd.Series[bool]:
        return (table[column] == "") | table["import_status"].isin(statuses)

    return Check(holds, name=f"{column} stands only where the status is {' or '.join(statuses)}")


def _numbers(texts: pd.Series[str]) -> pd.Series[float]:
    numbers: Callable[..., pd.Series[float]] = pd.to_numeric
    return numbers(texts, errors="coerce")


def _rows_rise(table: pd.DataFrame) -> bool:
    rows = _numbers(table["import_row"])
    return bool(rows.is_monotonic_increasing and rows.is_unique)


def _of_one_kind(table: pd.DataFrame) -> bool:
    found = set(table["import_status"])
    return "ready" not in found or found <= set(CHECKED)


def _names_its_row(table: pd.DataFrame) -> pd.Series[bool]:
    return (table["import_status"] != "duplicate") | (table["import_duplicate_of"] != "")


def _names_a_kept_row(table: pd.DataFrame) -> pd.Series[bool]:
    given_up = table["import_status"].isin(["duplicate", "invalid"])
    kept = table.loc[~given_up, "import_row"]
    of = table["import_duplicate_of"]
    return (of == "") | (of.isin(kept) & (of != table["import_row"]))


def _says_why(table: pd.DataFrame) -> pd.Series[bool]:
    quiet = table["import_status"].isin([*AT_CLOPOS, "ready"])
    return quiet | (table["import_message"] != "")
