"""The catalogue of what can be wrong with a row: stable code → how bad, in words, and what to do.

Codes are part of the contract (`problems` in the summary); the words are for people.
The rules behind them are R1 to R14 of the README's "How values are read".
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple


class Level(Enum):
    """How far a problem reaches."""

    ROW = "row"  # the row can't be imported, whatever the policy
    FIELD = "field"  # the value can't be used: holds the row back, or is dropped if asked for
    REMARK = "remark"  # the row goes; a person may want to look


class Entry(NamedTuple):
    """One kind of problem: its reach, what it is, and what a person can do about it."""

    level: Level
    title: str
    hint: str


CATALOGUE: dict[str, Entry] = {
    # rows
    "missing_name": Entry(Level.ROW, "no name", "give the customer a name, or delete the row"),
    "malformed_row": Entry(
        Level.ROW,
        "a row whose values can't be trusted, or that is no customer",
        "mend it, or delete it",
    ),
    # fields
    "invalid_phone": Entry(
        Level.FIELD, "not a phone number", "correct it, or give the country with --region"
    ),
    "phone_precision_lost": Entry(
        Level.FIELD,
        "rounded by a spreadsheet, the digits are gone",
        "export again with the column as text",
    ),
    "invalid_email": Entry(Level.FIELD, "not an e-mail address", "correct or empty it"),
    "unknown_gender": Entry(
        Level.FIELD, "not a known word for a gender", "write male or female, or empty it"
    ),
    "ambiguous_date": Entry(
        Level.FIELD,
        "day, month or century can't be told",
        "say the order with --dates DMY, MDY or YMD; write years with four digits",
    ),
    "date_no_year": Entry(Level.FIELD, "a date without a year", "add the year, or empty it"),
    "invalid_date": Entry(Level.FIELD, "not a date", "correct or empty it"),
    "implausible_date": Entry(Level.FIELD, "not a plausible date of birth", "correct or empty it"),
    "code_precision_lost": Entry(
        Level.FIELD,
        "rounded by a spreadsheet, the digits are gone",
        "export again with the column as text",
    ),
    "invalid_code": Entry(Level.FIELD, "not a code", "correct or empty it"),
    "invalid_cid": Entry(Level.FIELD, "not a UUID", "correct or empty it"),
    "invalid_group": Entry(Level.FIELD, "not a group id", "use the number of a Clopos group"),
    "cell_error": Entry(
        Level.FIELD, "a formula error of the spreadsheet", "mend the formula, or empty the cell"
    ),
    "too_long": Entry(Level.FIELD, "too long", "shorten it"),
    # remarks
    "phone_multiple": Entry(Level.REMARK, "several numbers, the first was taken", ""),
    "phone_extension_dropped": Entry(Level.REMARK, "an extension was left out", ""),
    "phone_text_dropped": Entry(Level.REMARK, "words beside the number were left out", ""),
    "phone_from_scientific": Entry(Level.REMARK, "read from scientific notation", ""),
    "name_from_phone": Entry(Level.REMARK, "no name: the phone number was taken", ""),
    "name_from_email": Entry(Level.REMARK, "no name: the e-mail address was taken", ""),
    "name_from_company": Entry(Level.REMARK, "no name: the company was taken", ""),
    "email_multiple": Entry(Level.REMARK, "several addresses, the first was taken", ""),
    "gender_not_representable": Entry(Level.REMARK, "Clopos has no value for it, left empty", ""),
    "date_from_serial": Entry(Level.REMARK, "read from a spreadsheet's day number", ""),
    "duplicate_email": Entry(Level.REMARK, "the same e-mail address as an earlier row", ""),
    "formula_like_text": Entry(Level.REMARK, "looks like a formula, kept as text", ""),
    "name_replacement_char": Entry(
        Level.REMARK, "a letter was lost (? or �) before the sheet came here", ""
    ),
}
