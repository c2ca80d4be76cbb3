"""Conservation: the results file that was written has exactly one line for each row."""

from __future__ import annotations

from typing import TYPE_CHECKING

from importer.errors import ImporterError, UsageError
from importer.i18n import tr, trn
from importer.records import RESULT_COLUMNS
from importer.results.reader import read_results

if TYPE_CHECKING:
    from pathlib import Path

    from importer.results.outcomes import Outcomes

_COMPARED = 3  # import_row, import_status, clopos_id


def verify_conservation(path: Path, outcomes: Outcomes) -> None:
    """Read the results back and check that they account for every row, in order.

    Raises ImporterError when they say anything else.
    """
    if why := _difference(path, outcomes):
        raise ImporterError(
            tr("The results don't account for every row: {path}", path=path),
            why=why,
            fix=tr("run it again: it sends nothing twice and writes them anew"),
        )


def _difference(path: Path, outcomes: Outcomes) -> str | None:
    try:
        _, found = read_results(path, _COMPARED)
    except UsageError as error:
        return f"{error.what}: {error.why}"
    rows = len(outcomes)
    if len(found[0]) != rows:
        return trn(
            "{lines} lines for {n} row", "{lines} lines for {n} rows", rows, lines=len(found[0])
        )
    if unknown := [row for row in outcomes.explicit if row not in outcomes.rows]:
        return tr("there is an outcome for row {row}, which the sheet doesn't have", row=unknown[0])
    for start, block in outcomes.blocks():
        for name, column, expected in zip(RESULT_COLUMNS, found, block, strict=False):
            written = column.slice(start, len(expected))
            if not written.equals(expected):
                texts, wanted = written.to_pylist(), expected.to_pylist()
                place = next(n for n, text in enumerate(texts) if text != wanted[n])
                return tr(
                    "row {row}: {column} is «{text}», not «{wanted}»",
                    row=block[0][place].as_py(),
                    column=name,
                    text=texts[place],
                    wanted=wanted[place],
                )
    return None
