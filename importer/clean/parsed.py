"""How one value of a sheet is read: text in, typed value or a problem's code out. Pure.

Every parser takes the text of a cell and returns a `Parsed`; none raises.
"""

from __future__ import annotations

from typing import Any, NamedTuple


class Parsed(NamedTuple):
    """What became of a cell.

    `value` is None when there is none. `problem` is a code of the catalogue when something was
    there and can't be used, `remarks` are codes of what a person may want to know.
    """

    value: Any = None
    problem: str | None = None
    remarks: tuple[str, ...] = ()


NOTHING = Parsed()
