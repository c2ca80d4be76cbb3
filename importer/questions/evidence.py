"""Evidence for questions: the sheet, the mapping and the cleaned columns, looked at once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from importer.mapping.choices import address
from importer.mapping.content import Content, content, sample
from importer.records import ReadOptions

if TYPE_CHECKING:
    from collections.abc import Collection

    import pandas as pd

    from importer.questions.drift import Understood
    from importer.records import Cleaned, ColumnMapping, Reading, Sheet


@dataclass(frozen=True, slots=True)
class Evidence:
    """A sheet that was read, mapped and cleaned.

    Shares are of a sample of up to 400 filled cells spread over the column (`mapping.content`);
    what counts equal values counts all rows.
    """

    sheet: Sheet
    mapping: ColumnMapping
    reading: Reading
    cleaned: Cleaned
    accepted: Collection[str] = ()  # codes of questions that were settled earlier
    last: Understood | None = None  # by the last run of this sheet; None: not known
    read: ReadOptions = field(default_factory=ReadOptions)  # what the person chose about the file
    _samples: dict[int, list[str]] = field(default_factory=dict)
    _contents: dict[int, Content] = field(default_factory=dict)

    def sample(self, column: int) -> list[str]:
        """Return filled cells of a column, from its top to its end."""
        if column not in self._samples:
            self._samples[column] = sample(self.sheet, column)
        return self._samples[column]

    def content(self, column: int) -> Content:
        """Return what a column seems to hold."""
        if column not in self._contents:
            self._contents[column] = content(self.sample(column), self.reading.region)
        return self._contents[column]

    def named(self, column: int) -> str:
        """Return what `--map` calls a column."""
        return address(self.sheet.headers, column)

    def columns(self, name: str) -> tuple[int, ...]:
        """Return the columns that make a field."""
        return self.mapping.columns.get(name, ())

    def headers(self, name: str) -> tuple[str, ...]:
        """Return what the columns that make a field are called."""
        return tuple(self.named(column) for column in self.columns(name))

    def chosen(self, name: str, code: str = "") -> bool:
        """Return whether a person said which columns make a field, or that none does.

        Columns that were saved with the answer to a question are compared with its evidence.
        """
        reason = self.mapping.reasons.get(name)
        return reason == "--map" or (reason == "saved" and code not in self.accepted)

    def values(self, name: str) -> pd.Series[str]:
        """Return the values of a field that are there."""
        return self.cleaned.values[name].dropna()

    def filled(self, column: int) -> int:
        """Return how many cells of a column are filled."""
        return int((self.sheet.table[column] != "").sum())
