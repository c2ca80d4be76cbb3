"""A question: evidence that a reading of a whole column or sheet is likely wrong."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

_IN_JSON = ("code", "field", "message", "columns", "rows", "examples", "assumed", "answers")


@dataclass(frozen=True, slots=True)
class Question:
    """Question, and the flags that answer it, the best one first.

    `code` is stable, one of `catalogue.KINDS`; `field` is one of FIELDS, or "sheet". `rows` is how
    many rows it is about, `examples` a few of their values, `assumed` what is done if no one
    answers. `same` names the evidence: an answer that was kept holds while it stays the same.
    """

    code: str
    field: str
    message: str
    columns: tuple[str, ...] = ()
    rows: int = 0
    examples: tuple[str, ...] = ()
    assumed: str = ""
    answers: tuple[str, ...] = ()
    same: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Return it as values of JSON."""
        values = {name: getattr(self, name) for name in _IN_JSON}
        return {k: list(v) if isinstance(v, tuple) else v for k, v in values.items()}

    @property
    def evidence(self) -> str:
        """Return the evidence that a saved answer is compared with: `same`, else the columns."""
        return self.same or " + ".join(self.columns)


def as_it_is(code: str) -> str:
    """Return the flag that says "it is right as it is"."""
    return f"--accept {code}"


def take(field: str, header: str) -> str:
    """Return the flag that makes a column the field; an empty header leaves the field out."""
    return f'--map "{field}={quotable(header)}"'


def stand_for_none(field: str, values: Iterable[str]) -> str:
    """Return the flag that says that values of a field, as they are sent, stand for none."""
    return "--none-value " + shlex.quote(",".join(f"{field}={value}" for value in values))


def quotable(text: str) -> str:
    """Return a text as it stands between the quotes of a flag."""
    return text.replace("\\", "\\\\").replace('"', '\\"')
