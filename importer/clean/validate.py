"""Typed table → problems, and which rows they hold back.

Two policies: by default a row with any problem is held back, since nothing can be corrected through
the API later; on request, bad optional values are left out and the row is sent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pandera.errors import SchemaErrors

from importer.problems import CATALOGUE, LEFT_OUT, NOT_WANTED, Level
from importer.records import Cleaned, Problem
from schemas.customer import customer_schema

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    import pandas as pd

_MISSING = "not_nullable"  # pandera's own name for an empty cell that must not be
_BLOCK = 50_000  # rows validated at a time: pandera's report of bad ones takes much memory

_LEFT_OUT = {LEFT_OUT: "left_out", NOT_WANTED: "not_wanted"}


@dataclass(frozen=True, slots=True)
class Validated:
    """Values, of which the rows that are not `held` may be sent.

    `values` lacks malformed rows; `held` has them. Under the second policy the bad optional values
    are None in `values`.
    """

    values: pd.DataFrame
    problems: tuple[Problem, ...]  # in the sheet's order
    held: frozenset[int]


def validate(
    cleaned: Cleaned, *, malformed: Mapping[int, str], today: date, drop_bad_values: bool
) -> Validated:
    """Find all problems of all rows at once.

    `malformed` is row → what is wrong with its shape; a date of birth after `today` is impossible.
    """
    problems = [
        *(
            Problem(row, "row", code)
            if (code := _LEFT_OUT.get(reason))
            else Problem(row, "row", "malformed_row", reason)
            for row, reason in malformed.items()
        ),
        *cleaned.problems,
        *_judge(cleaned.values, today),
    ]
    problems.sort(key=lambda problem: problem.row)
    values = cleaned.values
    if drop_bad_values:
        held = {p.row for p in problems if CATALOGUE[p.code].level is Level.ROW}
        dropped: dict[str, list[int]] = {}
        for problem in problems:
            if CATALOGUE[problem.code].level is Level.FIELD and problem.row not in held:
                dropped.setdefault(problem.field, []).append(problem.row)
        values = values.copy()
        for name, rows in dropped.items():
            values.loc[rows, name] = None
    else:
        held = {p.row for p in problems if CATALOGUE[p.code].level is not Level.REMARK}
    return Validated(values, tuple(problems), frozenset(held))


def _judge(values: pd.DataFrame, today: date) -> list[Problem]:
    schema = customer_schema(today)
    problems: list[Problem] = []
    for start in range(0, len(values), _BLOCK):
        try:
            schema.validate(values.iloc[start : start + _BLOCK], lazy=True)
        except SchemaErrors as errors:
            cases = errors.failure_cases
            columns = (cases["index"], cases["column"], cases["check"], cases["failure_case"])
            for row, name, check, value in zip(*(c.tolist() for c in columns), strict=True):
                code = "missing_name" if check == _MISSING else check
                problems.append(Problem(int(row), name, code, _text(value)))
    return problems


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
