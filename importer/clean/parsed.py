"""Result of parsing one value: text in, typed value or a problem's code out.

Every parser takes the text of a cell and returns a `Parsed`; none raises.
"""

from __future__ import annotations

from typing import Any, NamedTuple


class Parsed(NamedTuple):
    """Result of parsing a cell.

    `value` is None for an empty cell or a problem. `problem` is a code of the catalogue when the
    text can't be used; `remarks` are codes of what a person may want to know.
    """

    value: Any = None
    problem: str | None = None
    remarks: tuple[str, ...] = ()


NOTHING = Parsed()
