"""Words of the page for what programs write as codes: fields, answers, delimiters."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, NamedTuple

import phonenumbers

from importer.i18n import language, percent, tr, trn
from importer.mapping.content import content_of
from importer.mapping.countries import country_name
from importer.mapping.preview import match_share, sample_values

if TYPE_CHECKING:
    from collections.abc import Sequence

    from importer.questions.question import Question
    from importer.records import ColumnMapping, Sheet

_ORDERS = {"DMY": "31.12.1990", "MDY": "12/31/1990", "YMD": "1990-12-31"}


def field_name(field: str) -> str:
    """Return what a field is called in the page."""
    return {
        "name": tr("Name"),
        "phone": tr("Phone"),
        "email": tr("E-mail"),
        "code": tr("Card or customer code"),
        "cid": tr("Unique id (UUID)"),
        "gender": tr("Gender"),
        "date_of_birth": tr("Date of birth"),
        "description": tr("Note"),
        "group_id": tr("Customer group"),
        "sheet": tr("The list as a whole"),
        "row": tr("The row as a whole"),
    }.get(field, field)


def delimiter_name(delimiter: str) -> str:
    """Return what a delimiter is called."""
    return {
        ",": tr("comma"),
        ";": tr("semicolon"),
        "\t": tr("tab"),
        "|": tr("bar"),
    }.get(delimiter, delimiter)


def region_name(region: str) -> str:
    """Return a country as its name and the beginning of its phone numbers: «Türkiye (+90)»."""
    code = phonenumbers.country_code_for_region(region)
    return f"{country_name(region, language())} (+{code})" if code else region


def question_words(question: Question) -> str:
    """Return a question as the page asks it: countries by their names."""
    if question.code == "other_region" and len(regions := question.same.split()) == 2:
        return trn(
            "{n} phone is no number of this country: {region}. It looks like one of: {other}",
            "{n} phones are no numbers of this country: {region}. They look like those of: {other}",
            question.rows,
            region=region_name(regions[0]),
            other=region_name(regions[1]),
        )
    return question.message


def order_name(order: str) -> str:
    """Return an order of dates in words, with an example."""
    names = {
        "DMY": tr("day, month, year"),
        "MDY": tr("month, day, year"),
        "YMD": tr("year, month, day"),
    }
    return f"{names.get(order, order)} ({_ORDERS.get(order, '')})"


def file_facts(sheet: Sheet) -> list[str]:
    """Return how a sheet was read, in words."""
    facts = (
        sheet.kind.upper(),
        sheet.encoding,
        delimiter_name(sheet.delimiter) if sheet.delimiter else None,
        tr("sheet «{name}»", name=sheet.worksheet) if sheet.worksheet else None,
        tr("header in row {row}", row=sheet.header_row),
        trn("{n} row", "{n} rows", len(sheet.table)),
    )
    return [fact for fact in facts if fact]


def answer_words(answer: str) -> str:
    """Return an answer, which is flags as text, as a person says it."""
    parts = shlex.split(answer)
    pairs = list(zip(parts[::2], parts[1::2], strict=False))
    mapped: dict[str, list[str]] = {}
    for flag, value in pairs:
        if flag == "--map":
            field, _, header = value.partition("=")
            mapped.setdefault(field, []).append(header)
    words = [_map_words(field, headers) for field, headers in mapped.items()]
    for flag, value in pairs:
        if flag == "--accept":
            words.append(tr("It is right as it is"))
        elif flag == "--region":
            words.append(tr("They are numbers of {country}", country=region_name(value)))
        elif flag == "--dates":
            words.append(tr("Order of the dates: {order}", order=order_name(value)))
        elif flag == "--sheet":
            words.append(tr("Read the worksheet «{name}»", name=value))
        elif flag == "--none-value":
            words.append(none_words(value))
        elif flag != "--map":
            words.append(f"{flag} {value}")
    return "; ".join(words) or answer


def none_words(listed: str) -> str:
    """Return values that stand for none, as their flag lists them: `phone=A,phone=B`."""
    values = [text.partition("=")[2] for text in listed.split(",")]
    return trn(
        "It stands for none: {values}",
        "They stand for none: {values}",
        len(values),
        values=", ".join(values),
    )


def settled_words(code: str, evidence: str) -> str:
    """Return what was accepted as right, by the code of the question and what it was asked on."""
    words = {
        "code_is_amounts": tr("the codes are amounts of money"),
        "code_is_dates": tr("the codes are dates"),
        "code_is_flag": tr("the codes are words for yes and no"),
        "code_is_no_code": tr("the codes are e-mail addresses or names"),
        "code_is_phones": tr("the codes are phone numbers"),
        "contrary_dates": tr("the dates are in another order than was given"),
        "drift": tr("the list differs from the last time"),
        "first_of_month": tr("dates of birth are the first of a month"),
        "gender_numbers": tr("genders are 0 and 1"),
        "gender_and_names": tr("genders that the names contradict"),
        "gender_words": tr("words for a gender that aren't understood"),
        "guessed_name": tr("a column of names whose header doesn't say so"),
        "half_a_name": tr("names are one word"),
        "half_turned_dates": tr("dates whose day and month a spreadsheet swapped"),
        "misread_letters": tr("names whose letters may be read wrongly"),
        "name_not_names": tr("names that don't look like names"),
        "nobodys_email": tr("one e-mail address of several people"),
        "nobodys_phone": tr("one phone of several people"),
        "one_birthday": tr("one date of birth of most people"),
        "emails_of_others": tr("e-mail addresses of the neighbouring rows"),
        "moved_cells": tr("cells of some rows that may have moved"),
        "list_beside": tr("another list beside the customers"),
        "recent_birthdays": tr("dates of birth of one recent year"),
        "one_part": tr("one part of many names"),
        "one_name": tr("one name of most people"),
        "other_region": tr("phones that are numbers of another country"),
        "other_worksheets": tr("other worksheets list customers"),
        "phone_in_name": tr("names with phone numbers beside them"),
        "shared_code": tr("one code of several people"),
        "shifted_column": tr("a column that stands a row too low"),
        "shifted_dates": tr("dates of birth with a time of the evening"),
        "split_date": tr("day, month and year of birth in three columns"),
        "two_names": tr("first or last names that aren't used"),
        "unused_birthdays": tr("a column of birthdays without a year that isn't used"),
        "unused_code": tr("a column of card numbers that isn't used"),
        "unused_date_of_birth": tr("a column of dates of birth that isn't used"),
        "unused_email": tr("a column of e-mail addresses that isn't used"),
        "unused_gender": tr("a column of genders that isn't used"),
        "unused_phone": tr("a column of phones that isn't used"),
    }.get(code)
    return ": ".join(filter(None, (words or code, evidence)))


def _map_words(field: str, headers: Sequence[str]) -> str:
    named = [f"«{header}»" for header in headers if header]
    if not named:
        return tr("Leave this out: {field}", field=field_name(field))
    return tr("{field} is {column}", field=field_name(field), column=" + ".join(named))


class FieldLine(NamedTuple):
    """A field as the page of columns shows it."""

    field: str
    title: str
    columns: tuple[int, ...]
    fits: str  # share of values that look like the field
    values: str  # the first ones
    reason: str


def field_line(sheet: Sheet, mapping: ColumnMapping | None, field: str) -> FieldLine:
    """Return a field with the columns that make it and what they hold."""
    columns = tuple(mapping.columns.get(field, ())) if mapping else ()
    fits, values = fit_words(sheet, field, columns)
    reason = mapping.reasons.get(field, "") if mapping else ""
    return FieldLine(field, field_name(field), columns, fits, values, _reason(reason))


def fit_words(sheet: Sheet, field: str, columns: Sequence[int]) -> tuple[str, str]:
    """Return how well columns fit a field, and their first values."""
    if not columns:
        return "", ""
    share = match_share(sheet, field, columns)
    fits = "" if share is None else percent(share)
    return fits, " · ".join(sample_values(sheet, columns, field)) or tr("(empty)")


def column_name(sheet: Sheet, column: int) -> str:
    """Return a header, or where the column stands if it has none."""
    return sheet.headers[column] or tr("column {n}, no header", n=column + 1)


def unused_words(sheet: Sheet, column: int) -> str:
    """Return a column that isn't used, with what it seems to hold and its first values."""
    values = " · ".join(sample_values(sheet, [column]))
    return f"{tr(content_of(sheet, column))}: {values}"


def _reason(reason: str) -> str:
    if reason == "saved":
        return tr("saved")
    return "" if reason == "--map" else reason
