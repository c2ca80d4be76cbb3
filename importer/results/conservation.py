"""Holds a results file that was written against what was meant: no row lost, none untold."""

from __future__ import annotations

from typing import TYPE_CHECKING

from importer.errors import ImporterError, UsageError
from importer.i18n import tr, trn
from importer.records import RESULT_COLUMNS
from importer.results.reader import read_results

if TYPE_CHECKING:
    from pathlib import Path

    from importer.results.outcomes import Outcomes

_LOOKED_AT = 3  # import_row, import_status, clopos_id


def account(path: Path, outcomes: Outcomes) -> None:
    """Read the results back: exactly one line for each row, in order, saying what became of it.

    Raises ImporterError when they say anything else.
    """
    if why := _difference(path, outcomes):
        raise ImporterError(
            tr("The results don't account for every row: {path}", path=path),
            why=why,
            todo=tr("run the same command again: it sends nothing twice and writes them anew"),
        )


def _difference(path: Path, outcomes: Outcomes) -> str | None:
    try:
        _, found = read_results(path, _LOOKED_AT)
    except UsageError as error:
        return f"{error.what}: {error.why}"
    rows = len(outcomes)
    if len(found[0]) != rows:
        return trn(
            "{there} lines for {n} row", "{there} lines for {n} rows", rows, there=len(found[0])
        )
    if strangers := [row for row in outcomes.said if row not in outcomes.rows]:
        return tr(
            "there is an outcome for row {row}, which the sheet doesn't have", row=strangers[0]
        )
    for start, meant in outcomes.blocks():
        for name, column, wanted in zip(RESULT_COLUMNS, found, meant, strict=False):
            there = column.slice(start, len(wanted))
            if not there.equals(wanted):
                texts, wishes = there.to_pylist(), wanted.to_pylist()
                place = next(n for n, text in enumerate(texts) if text != wishes[n])
                row = meant[0][place].as_py()
                return tr(
                    "row {row}: {column} is «{text}», not «{wanted}»",
                    row=row,
                    column=name,
                    text=texts[place],
                    wanted=wishes[place],
                )
    return None
