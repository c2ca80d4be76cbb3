"""Outcomes of all rows of a sheet, as a mapping and as columns of the results."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from importer.records import Outcome, Status

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from importer.clean.changes import Changes


_BLOCK = 16_384  # rows


class Outcomes(Mapping[int, Outcome]):
    """Row → outcome, for each of `rows` in their order.

    Only the `explicit` ones are stored; all other rows have `default` and `message`: a million rows
    that are ready take no memory.
    """

    def __init__(
        self,
        rows: pd.Index[int],
        explicit: Mapping[int, Outcome],
        default: Status,
        message: str = "",
        changes: Changes | None = None,
    ) -> None:
        self.rows = rows
        self.explicit = explicit
        self.default = default
        self.message = message
        self.changes = changes  # are added to the messages

    def __getitem__(self, row: int) -> Outcome:
        if outcome := self.explicit.get(row):
            return outcome
        if row not in self.rows:
            raise KeyError(row)
        return Outcome(row, self.default, message=self.message)

    def __iter__(self) -> Iterator[int]:
        return iter(self.rows.tolist())

    def __len__(self) -> int:
        return len(self.rows)

    def counts(self) -> Counter[Status]:
        """Return status → number of rows."""
        counts = Counter(outcome.status for outcome in self.explicit.values())
        if rest := len(self.rows) - len(self.explicit):
            counts[self.default] += rest
        return counts

    def decided(self) -> Counter[Status]:
        """Return status → number of rows of which a person decided that it is so."""
        return Counter(each.status for each in self.explicit.values() if each.decided)

    def blocks(self) -> Iterator[tuple[int, list[pa.Array]]]:
        """Yield RESULT_COLUMNS as text, some rows at a time, each with the position it begins at.

        All at once they would take as much memory as the sheet.
        """
        for start in range(0, len(self), _BLOCK):
            yield start, self.columns(start, start + _BLOCK)

    def columns(self, start: int, stop: int) -> list[pa.Array]:
        """Return RESULT_COLUMNS as text for the rows from position `start` up to `stop`."""
        rows = self.rows[start:stop]
        explicit = [
            (place, outcome)
            for place, row in enumerate(rows.tolist() if self.explicit else ())
            if (outcome := self.explicit.get(row))
        ]
        numbers = pc.cast(pa.array(rows), pa.string())
        default = (self.default.value, "", "", "", "", self.message)
        columns = [pa.repeat(text, len(rows)) for text in default]
        if explicit:
            mask = np.zeros(len(rows), bool)
            mask[[place for place, _ in explicit]] = True
            texts = zip(*(_texts(outcome) for _, outcome in explicit), strict=True)
            columns = [
                pc.replace_with_mask(column, mask, pa.array(column_texts, pa.string()))
                for column, column_texts in zip(columns, texts, strict=True)
            ]
        columns = [numbers, *columns]
        return self._with_changes(columns, rows)

    def _with_changes(self, columns: list[pa.Array], rows: pd.Index[int]) -> list[pa.Array]:
        """Add to the messages, the last of the columns, what was made of values."""
        changes = self.changes.of(np.asarray(rows)) if self.changes else None
        if changes is None:
            return columns
        messages = columns[-1]
        one = pc.or_(pc.equal(messages, ""), pc.equal(changes, ""))
        between = pc.if_else(one, "", "; ")
        return [*columns[:-1], pc.binary_join_element_wise(messages, between, changes, "")]


def _texts(outcome: Outcome) -> tuple[str, ...]:
    """Return the six texts that stand after the row's number."""
    of = outcome.duplicate_of
    return (
        outcome.status.value,
        outcome.clopos_id or "",
        outcome.field or "",
        outcome.existing_id or "",
        "" if of is None else str(of),
        outcome.message,
    )
