"""Catalogue of what can be wrong with a row: stable code → reach, words, and what to do.

Codes are part of the contract (`problems` in the summary); the words are for people.
The rules behind them are R1 to R14 of docs/reference/rules.md.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from importer.i18n import tr, tr_noop
from importer.text import shorten

if TYPE_CHECKING:
    from collections.abc import Iterable

    from importer.records import ColumnMapping, Problem, Sheet


class Level(Enum):
    """Reach of a problem."""

    ROW = "row"  # the row can't be imported, whatever the policy
    FIELD = "field"  # the value can't be used: holds the row back, or is left out on request
    REMARK = "remark"  # the row is sent; a person may want to look


class Entry(NamedTuple):
    """One kind of problem: its rule, reach, what it is, and what a person can do about it."""

    rule: str  # R1 to R14
    level: Level
    title: str
    hint: str


LEFT_OUT = tr_noop("left out by hand")
"""Problem of a row that a person left out (`fixes`)."""

NOT_WANTED = tr_noop("left out by --where")
"""What is wrong with a row that a condition leaves out (`clean.where`)."""

CATALOGUE: dict[str, Entry] = {
    # rows
    "missing_name": Entry(
        "R2", Level.ROW, tr_noop("no name"), tr_noop("give the customer a name, or delete the row")
    ),
    "malformed_row": Entry(
        "R11",
        Level.ROW,
        tr_noop("a row whose values can't be trusted, or that is no customer"),
        tr_noop("fix or delete the row (in a results file, also clear import_message)"),
    ),
    "left_out": Entry("R11", Level.ROW, LEFT_OUT, ""),
    "not_wanted": Entry("R11", Level.ROW, NOT_WANTED, ""),
    "name_lost": Entry(
        "R14",
        Level.ROW,
        tr_noop("a name of which little but question marks is left"),
        tr_noop("export again in UTF-8, or type the name"),
    ),
    "not_a_name": Entry(
        "R2",
        Level.ROW,
        tr_noop("text of a program, words in brackets or signs in place of a name"),
        tr_noop("type the name, or delete the row"),
    ),
    # fields
    "invalid_phone": Entry(
        "R3",
        Level.FIELD,
        tr_noop("not a phone number"),
        tr_noop("correct it, or give the country with --region"),
    ),
    "phone_precision_lost": Entry(
        "R4",
        Level.FIELD,
        tr_noop("rounded by a spreadsheet, the digits are gone"),
        tr_noop("export again, with the column formatted as text"),
    ),
    "invalid_email": Entry(
        "R5", Level.FIELD, tr_noop("not an e-mail address"), tr_noop("correct or empty it")
    ),
    "unknown_gender": Entry(
        "R6",
        Level.FIELD,
        tr_noop("not a known word for a gender"),
        tr_noop("write male or female, or empty it"),
    ),
    "ambiguous_date": Entry(
        "R7",
        Level.FIELD,
        tr_noop("ambiguous: day, month or century unclear"),
        tr_noop("say the order with --dates DMY, MDY or YMD; write years with four digits"),
    ),
    "date_no_year": Entry(
        "R7", Level.FIELD, tr_noop("a date without a year"), tr_noop("add the year, or empty it")
    ),
    "date_year_only": Entry(
        "R7", Level.FIELD, tr_noop("only a year"), tr_noop("add day and month, or empty it")
    ),
    "date_with_time": Entry(
        "R7",
        Level.FIELD,
        tr_noop("a time of day, which no date of birth has: the day may be another"),
        tr_noop("write the day alone"),
    ),
    "invalid_date": Entry("R7", Level.FIELD, tr_noop("not a date"), tr_noop("correct or empty it")),
    "implausible_date": Entry(
        "R7", Level.FIELD, tr_noop("not a plausible date of birth"), tr_noop("correct or empty it")
    ),
    "code_precision_lost": Entry(
        "R4",
        Level.FIELD,
        tr_noop("rounded by a spreadsheet, the digits are gone"),
        tr_noop("export again, with the column formatted as text"),
    ),
    "invalid_code": Entry("R8", Level.FIELD, tr_noop("not a code"), tr_noop("correct or empty it")),
    "invalid_cid": Entry("R8", Level.FIELD, tr_noop("not a UUID"), tr_noop("correct or empty it")),
    "invalid_group": Entry(
        "R8", Level.FIELD, tr_noop("not a group id"), tr_noop("use the number of a Clopos group")
    ),
    "cell_error": Entry(
        "R10",
        Level.FIELD,
        tr_noop("a formula error of the spreadsheet"),
        tr_noop("correct the formula, or empty the cell"),
    ),
    "not_as_typed": Entry(
        "R8",
        Level.FIELD,
        tr_noop("the spreadsheet turned it into a date, a time, TRUE or FALSE"),
        tr_noop("type it again in a cell formatted as text, or empty it"),
    ),
    "too_long": Entry("R10", Level.FIELD, tr_noop("too long"), tr_noop("shorten it")),
    # remarks
    "phone_multiple": Entry(
        "R3", Level.REMARK, tr_noop("several numbers, the first was taken"), ""
    ),
    "phone_extension_dropped": Entry("R3", Level.REMARK, tr_noop("an extension was left out"), ""),
    "phone_text_dropped": Entry(
        "R3", Level.REMARK, tr_noop("words beside the number were left out"), ""
    ),
    "phone_from_scientific": Entry(
        "R4", Level.REMARK, tr_noop("read from scientific notation"), ""
    ),
    "phone_country_assumed": Entry(
        "R3", Level.REMARK, tr_noop("not a number of the region: read as if it began with a +"), ""
    ),
    "name_from_phone": Entry(
        "R2", Level.REMARK, tr_noop("no name: the phone number was taken"), ""
    ),
    "name_from_email": Entry(
        "R2", Level.REMARK, tr_noop("no name: the e-mail address was taken"), ""
    ),
    "name_from_company": Entry("R2", Level.REMARK, tr_noop("no name: the company was taken"), ""),
    "email_multiple": Entry(
        "R5", Level.REMARK, tr_noop("several addresses, the first was taken"), ""
    ),
    "gender_not_representable": Entry(
        "R6", Level.REMARK, tr_noop("Clopos has no value for it, left empty"), ""
    ),
    "stands_for_none": Entry(
        "R10", Level.REMARK, tr_noop("said to stand for none, left empty"), ""
    ),
    "date_next_day": Entry(
        "R7",
        Level.REMARK,
        tr_noop("written as the evening before, like most of the column: the day after was taken"),
        "",
    ),
    "date_from_serial": Entry(
        "R7", Level.REMARK, tr_noop("read from a spreadsheet's day number"), ""
    ),
    "duplicate_email": Entry(
        "R9", Level.REMARK, tr_noop("the same e-mail address as an earlier row"), ""
    ),
    "formula_like_text": Entry(
        "R14", Level.REMARK, tr_noop("looks like a formula, kept as text"), ""
    ),
    "name_replacement_char": Entry(
        "R14", Level.REMARK, tr_noop("a letter was lost (? or �) before the sheet came here"), ""
    ),
}


LOSSES = frozenset(
    [
        "phone_multiple",
        "phone_extension_dropped",
        "phone_text_dropped",
        "email_multiple",
        "gender_not_representable",
        "name_replacement_char",
        "stands_for_none",
    ]
)
"""Remarks about what the sheet has and Clopos will never get (R12)."""


def field_word(field: str) -> str:
    """Return a field as a word within a sentence; anything else as it is, without underscores."""
    return {
        "name": tr("name"),
        "phone": tr("phone"),
        "email": tr("email"),
        "code": tr("code"),
        "gender": tr("gender"),
        "date_of_birth": tr("date of birth"),
        "description": tr("description"),
        "group_id": tr("group"),
    }.get(field, field.replace("_", " "))


def describe_rows(
    problems: Iterable[Problem], sheet: Sheet, mapping: ColumnMapping
) -> dict[int, str]:
    """Return row → all its problems, in words."""
    words: dict[int, list[str]] = {}
    for problem in problems:
        words.setdefault(problem.row, []).append(describe(problem, sheet, mapping))
    return {row: "; ".join(parts) for row, parts in words.items()}


def describe(problem: Problem, sheet: Sheet, mapping: ColumnMapping) -> str:
    """Return what is wrong with one value, where, and how to fix it."""
    entry = CATALOGUE[problem.code]
    if problem.code in {"left_out", "not_wanted"}:
        return tr(entry.title)
    if problem.field == "row":
        return f"{tr(sheet.malformed.get(problem.row, entry.title))}: {tr(entry.hint)}"
    positions = mapping.columns.get(problem.field, ())
    header = sheet.headers[positions[0]] if positions else problem.field
    value = f" «{shorten(problem.value, 60)}»" if problem.value else ""
    text = f"{header}{value}: {tr(entry.title)}"
    return text if entry.level is Level.REMARK or not entry.hint else f"{text} ({tr(entry.hint)})"
