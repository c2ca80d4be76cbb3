"""Limits on the size of a sheet. Checked before anything of that size is made.

A few kilobytes can stand for terabytes: an archive unpacks, a cell names a far place, a span or a
repetition is filled up, a text is shared by a million cells. Every reader asks here first.
"""

from __future__ import annotations

from importer.errors import UsageError
from importer.i18n import number, tr

MOST_BYTES = 512 * 1024**2
"""Of all that is unpacked from one file, and of all text in its cells."""
MOST_CELLS = 25_000_000
"""Rows × columns, of all worksheets together: a million customers with 25 columns."""
MOST_COLUMNS = 2_000
"""Exports of the largest systems have some hundreds."""
MOST_ROWS = 5_000_000
"""Blank ones included: each costs memory too. A workbook ends at 1,048,576."""
MOST_LETTERS = 1_000_000
"""Of one cell; a spreadsheet program keeps 32,767."""


class TooLarge(Exception):  # noqa: N818 - readers raise it, `read` turns it into a UsageError
    """A sheet is larger than allowed. Its text says which limit it exceeds, in words."""


def check_cells(rows: int, columns: int, before: int = 0) -> None:
    """Check the size of a table that is about to be made.

    `before` is the number of cells of what was read before it. Raises TooLarge.
    """
    if rows > MOST_ROWS:
        raise TooLarge(
            tr("it has {n} rows; {most} can be read", n=number(rows), most=number(MOST_ROWS))
        )
    if columns > MOST_COLUMNS:
        raise TooLarge(
            tr(
                "it has {n} columns; {most} can be read",
                n=number(columns),
                most=number(MOST_COLUMNS),
            )
        )
    if before + rows * columns > MOST_CELLS:
        raise TooLarge(
            tr(
                "its cells span {height} rows and {width} columns; {most} cells can be read",
                height=number(rows),
                width=number(columns),
                most=number(MOST_CELLS),
            )
        )


def check_bytes(size: int) -> None:
    """Check how much is unpacked, or how long all text of the cells is. Raises TooLarge."""
    if size > MOST_BYTES:
        raise TooLarge(
            tr("unpacked it has more than {most} MB", most=number(MOST_BYTES // 1024**2))
        )


def check_letters(length: int) -> None:
    """Check the length of a cell. Raises TooLarge."""
    if length > MOST_LETTERS:
        raise TooLarge(
            tr("one of its cells has more than {most} characters", most=number(MOST_LETTERS))
        )


def refusal(name: str, error: TooLarge) -> UsageError:
    """Return the error for the file `name`."""
    return UsageError(
        tr("{name} is too large to be a list of customers", name=name),
        why=str(error),
        fix=tr("delete what doesn't belong to the table, or save the table alone as CSV"),
    )
