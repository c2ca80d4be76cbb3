"""A sheet and its expected rows, used by `test_sheets` and `test_generated_sheets`."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

from importer.errors import UsageError
from importer.pipeline import SheetOptions
from importer.pipeline.prepare import prepare
from importer.records import MappingChoices, ReadOptions

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

TODAY = date(2026, 11, 23)


@dataclass
class Case:
    """A file, and row → the expected customer or the codes of its problems.

    `error` has words of the error where the sheet is refused. `facts` are attributes of the sheet.
    """

    data: bytes | str
    rows: Mapping[int, Any] = field(default_factory=dict)
    error: str = ""
    facts: dict[str, Any] = field(default_factory=dict)
    note: str = ""
    name: str = "list.csv"
    read: dict[str, Any] = field(default_factory=dict)
    given: tuple[tuple[str, str], ...] = ()


def check_case(case: Case, path: Path) -> None:
    """Prepare the sheet at `path` and compare the rows with the case."""
    options = SheetOptions(
        read=ReadOptions(**case.read), choices=MappingChoices(given=case.given), region="AZ"
    )
    if case.error:
        with pytest.raises(UsageError) as caught:
            prepare(path, options, today=TODAY)
        error = caught.value
        assert case.error in f"{error.what} · {error.why} · {error.fix}"
        assert error.fix
        assert "Anar Demo" not in f"{error.what}{error.why}{error.fix}"  # no person's name
        return
    found = prepare(path, options, today=TODAY)
    ready = {
        row: {field: value for field, value in customer.items() if not pd.isna(value)}
        for row, customer in zip(
            found.values.index.tolist(), found.values.to_dict("records"), strict=True
        )
    }
    for row, expected in case.rows.items():
        if isinstance(expected, dict):
            assert ready.get(row) == expected, (row, found.outcomes.get(row))
        elif expected in {"duplicate", "conflict"}:
            assert found.outcomes[row].status == expected, row
        else:
            codes = {p.code for p in found.problems if p.row == row}
            assert codes >= set(expected.split()), row
            assert found.outcomes[row].status == "invalid"
            assert row not in ready
    for fact, value in case.facts.items():
        told = getattr(found.sheet, fact)
        assert (list(told) if isinstance(told, tuple) else told) == value
    assert case.note in " · ".join(found.sheet.notes)
