"""The catalogue of what can be wrong with a row: stable code → how bad, in words, and what to do.

Codes are part of the contract (`problems` in the summary); the words are for people.
The rules behind them are R1 to R14 of the README's "How values are read".
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

from importer.i18n import later


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
    "missing_name": Entry(
        Level.ROW, later("no name"), later("give the customer a name, or delete the row")
    ),
    "malformed_row": Entry(
        Level.ROW,
        later("a row whose values can't be trusted, or that is no customer"),
        later("mend it (in results: empty its import_message too), or delete it"),
    ),
    # fields
    "invalid_phone": Entry(
        Level.FIELD,
        later("not a phone number"),
        later("correct it, or give the country with --region"),
    ),
    "phone_precision_lost": Entry(
        Level.FIELD,
        later("rounded by a spreadsheet, the digits are gone"),
        later("export again with the column as text"),
    ),
    "invalid_email": Entry(
        Level.FIELD, later("not an e-mail address"), later("correct or empty it")
    ),
    "unknown_gender": Entry(
        Level.FIELD,
        later("not a known word for a gender"),
        later("write male or female, or empty it"),
    ),
    "ambiguous_date": Entry(
        Level.FIELD,
        later("day, month or century can't be told"),
        later("say the order with --dates DMY, MDY or YMD; write years with four digits"),
    ),
    "date_no_year": Entry(
        Level.FIELD, later("a date without a year"), later("add the year, or empty it")
    ),
    "invalid_date": Entry(Level.FIELD, later("not a date"), later("correct or empty it")),
    "implausible_date": Entry(
        Level.FIELD, later("not a plausible date of birth"), later("correct or empty it")
    ),
    "code_precision_lost": Entry(
        Level.FIELD,
        later("rounded by a spreadsheet, the digits are gone"),
        later("export again with the column as text"),
    ),
    "invalid_code": Entry(Level.FIELD, later("not a code"), later("correct or empty it")),
    "invalid_cid": Entry(Level.FIELD, later("not a UUID"), later("correct or empty it")),
    "invalid_group": Entry(
        Level.FIELD, later("not a group id"), later("use the number of a Clopos group")
    ),
    "cell_error": Entry(
        Level.FIELD,
        later("a formula error of the spreadsheet"),
        later("mend the formula, or empty the cell"),
    ),
    "too_long": Entry(Level.FIELD, later("too long"), later("shorten it")),
    # remarks
    "phone_multiple": Entry(Level.REMARK, later("several numbers, the first was taken"), ""),
    "phone_extension_dropped": Entry(Level.REMARK, later("an extension was left out"), ""),
    "phone_text_dropped": Entry(Level.REMARK, later("words beside the number were left out"), ""),
    "phone_from_scientific": Entry(Level.REMARK, later("read from scientific notation"), ""),
    "name_from_phone": Entry(Level.REMARK, later("no name: the phone number was taken"), ""),
    "name_from_email": Entry(Level.REMARK, later("no name: the e-mail address was taken"), ""),
    "name_from_company": Entry(Level.REMARK, later("no name: the company was taken"), ""),
    "email_multiple": Entry(Level.REMARK, later("several addresses, the first was taken"), ""),
    "gender_not_representable": Entry(
        Level.REMARK, later("Clopos has no value for it, left empty"), ""
    ),
    "date_from_serial": Entry(Level.REMARK, later("read from a spreadsheet's day number"), ""),
    "duplicate_email": Entry(Level.REMARK, later("the same e-mail address as an earlier row"), ""),
    "formula_like_text": Entry(Level.REMARK, later("looks like a formula, kept as text"), ""),
    "name_replacement_char": Entry(
        Level.REMARK, later("a letter was lost (? or �) before the sheet came here"), ""
    ),
}
