"""Result of a reader of any format: records of text, and what was noticed on the way."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from importer.read.limits import check_bytes, check_cells, check_letters

if TYPE_CHECKING:
    from importer.records import CellKind, OtherWorksheet

_LONG = 100  # letters; only texts beyond it can make a table too long that isn't too wide


@dataclass(slots=True)
class Worksheet:
    """One table of a workbook, or of a page, while it is read.

    `records` has its rows from the first on, each as long as its last cell with content. `kinds`
    is column → record → what a cell was that is no text and no plain number. `merged` has
    (first record, first column, last record, last column). Hidden records and columns count from 0.
    """

    name: str = ""
    hidden: bool = False
    records: list[list[str]] = field(default_factory=list)
    kinds: dict[int, dict[int, CellKind]] = field(default_factory=dict)
    merged: list[tuple[int, int, int, int]] = field(default_factory=list)
    hidden_rows: set[int] = field(default_factory=set)
    hidden_columns: set[int] = field(default_factory=set)
    not_calculated: int = 0  # formulas without a value
    width: int = 0
    letters: int = 0
    before: int = 0  # cells of the worksheets that were read before

    def put(self, row: int, column: int, text: str, kind: CellKind | None = None) -> None:
        """Put text into its cell; an empty one changes nothing. Raises TooLarge."""
        if not text:
            return
        records = self.records
        if row >= len(records) or column >= self.width:
            self.width = max(self.width, column + 1)
            check_cells(max(row + 1, len(records)), self.width, self.before)
            records.extend([] for _ in range(row + 1 - len(records)))
        record = records[row]
        if column > len(record):
            record.extend([""] * (column - len(record)))
        if column == len(record):
            record.append(text)
        else:
            record[column] = text
        if len(text) > _LONG:
            check_letters(len(text))
            self.letters += len(text)
            check_bytes(self.letters)
        if kind is not None:
            self.kinds.setdefault(column, {})[row] = kind

    def cells(self) -> int:
        """Return how many cells its content spans, with those read before."""
        return self.before + len(self.records) * self.width


@dataclass(slots=True)
class Grid:
    """Every record of a file as text, blank ones included, and where they stand.

    `first_row` is the number a spreadsheet shows for `records[0]`. `malformed` is index → what is
    wrong with the record. `merged` has (first, last, column) of cells merged down a column.
    `shifts` tells that a cell too many moves the others, as it does in delimited text only.
    `open_end` tells that the last line of a text has no line end. `kinds` is as a `Worksheet` has
    them.
    """

    records: list[list[str]]
    kind: str
    encoding: str | None = None
    delimiter: str | None = None
    worksheet: str | None = None
    serial_dates: int | None = None
    first_row: int = 1
    malformed: dict[int, str] = field(default_factory=dict)
    merged: list[tuple[int, int, int]] = field(default_factory=list)
    shifts: bool = False
    open_end: bool = False
    notes: list[str] = field(default_factory=list)
    kinds: dict[int, dict[int, CellKind]] = field(default_factory=dict)
    hidden_rows: set[int] = field(default_factory=set)
    hidden_columns: set[int] = field(default_factory=set)
    others: list[OtherWorksheet] = field(default_factory=list)
