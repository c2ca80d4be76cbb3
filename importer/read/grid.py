"""How files become a grid of text: encodings, delimiters, workbooks, headers."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Grid:
    """Every record of a file as text, blank ones included, and where they stand.

    `first_row` is the number a spreadsheet shows for `records[0]`. `malformed` is index → what is
    wrong with the record. `merged` has (first, last, column) of cells merged down a column.
    `shifts` tells that a cell too many moves the others, as it does in delimited text only.
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
    notes: list[str] = field(default_factory=list)
