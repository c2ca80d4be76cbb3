"""The business rules of a customer that is sent to Clopos, as a pandera model.

The one place of them. Nothing is coerced: what can't be read was found out before, cell by cell
(coercion in pandera hides the other errors of a row behind the first). A check's name is the
problem's code.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pandera.pandas import Check, Column, DataFrameSchema

if TYPE_CHECKING:
    from datetime import date

    import pandas as pd

E164 = r"\+[1-9][0-9]{6,14}"
EMAIL = r"[^@\s.]+(?:\.[^@\s.]+)*@[^@\s.]+(?:\.[^@\s.]+)*\.[^\W\d_]{2,}"
UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
LONGEST = 255  # not documented; the usual width of such a column in the framework Clopos uses
OLDEST = 120  # years; programs write 1604, 1900 or 1904 where the year isn't known


def customer_schema(today: date) -> DataFrameSchema:
    """Return the model of a table of customers: text columns, None for nothing.

    A spreadsheet completes a date without a year by this year: so dates of birth in the year of
    `today` are implausible.
    """
    first_plausible_day = f"{today.year - OLDEST}-01-01"
    first_implausible_day = f"{today.year}-01-01"
    return DataFrameSchema(
        {
            "name": _text("missing_name", r"(?s:.*\S.*)", nullable=False),
            "phone": _text("invalid_phone", E164),
            "email": _text("invalid_email", EMAIL),
            "code": _text("invalid_code", r"\S(?s:.*)"),
            "cid": _text("invalid_cid", UUID),
            "gender": Column(
                checks=Check(lambda values: values.isin([1, 2]), name="unknown_gender"),
                nullable=True,
            ),
            "date_of_birth": Column(
                checks=Check(
                    lambda days: (days >= first_plausible_day) & (days < first_implausible_day),
                    name="implausible_date",
                ),
                nullable=True,
            ),
            "description": Column(nullable=True),
            "group_id": Column(
                checks=Check(lambda ids: ids > 0, name="invalid_group"),
                nullable=True,
            ),
        },
        strict=True,
    )


def _text(code: str, pattern: str, *, nullable: bool = True) -> Column:
    """Return a column of which every text matches the whole pattern and isn't too long."""

    def matches(texts: pd.Series[str]) -> pd.Series[bool]:
        return texts.str.fullmatch(pattern)

    def fits(texts: pd.Series[str]) -> pd.Series[bool]:
        return texts.str.len() <= LONGEST

    checks = [Check(matches, name=code), Check(fits, name="too_long")]
    return Column(checks=checks, nullable=nullable)
