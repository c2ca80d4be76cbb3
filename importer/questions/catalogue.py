"""Every kind of question: its code, what it is asked on, and how it is answered.

`docs/reference/questions.md` is made of this table (`make pages`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from importer.mapping.content import LAST_BIRTH_YEAR
from importer.questions import (
    codes,
    columns,
    dates,
    drift,
    letters,
    names,
    rows,
    unused,
    values,
    worksheets,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from importer.questions.evidence import Evidence
    from importer.questions.question import Question


class Kind(NamedTuple):
    """One kind of question; evidence, threshold and answers are in words, for the reference."""

    code: str
    find: Callable[[Evidence], Iterator[Question]]
    evidence: str
    threshold: str
    answers: str


def _unused(name: str, holds: str, threshold: str) -> Kind:
    return Kind(
        f"unused_{name}",
        columns.unused_column,
        f"a column that isn't used seems to hold {holds}, and `{name}` has no column",
        threshold,
        f'`--map "{name}=HEADER"`',
    )


KINDS: tuple[Kind, ...] = (
    Kind(
        "drift",
        drift.drift,
        "the sheet isn't like the one of its last run into this brand",
        "a field has other columns; the share of rows with a phone is "
        f"{drift.FEWER_PHONES:.0%} lower; there are {drift.MORE_ROWS:g} times as many rows, and "
        f"{drift.MANY} more; or another encoding than UTF-8 was found",
        "`--map`, where a column has another name",
    ),
    Kind(
        "other_worksheets",
        worksheets.other_worksheets,
        "another worksheet of the workbook has the header of a list of customers, and rows; or it "
        "has phones, e-mail addresses or dates of birth, which this one has no column for",
        "one such worksheet; none was chosen with `--sheet`",
        '`--sheet "NAME"`',
    ),
    _unused(
        "phone",
        "phone numbers",
        "70 % of its values, e-mail addresses beside them included; or all of five or more numbers "
        "are of one neighbouring country, or of that in another column",
    ),
    _unused("email", "e-mail addresses", "70 % of its values"),
    _unused(
        "date_of_birth",
        "dates of birth",
        "70 % of its values are dates, of these 70 % before 2013 and fewer than half with a time, "
        "or all with the same one or two",
    ),
    Kind(
        "unused_birthdays",
        unused.unused_birthdays,
        "a column that isn't used seems to hold days and months, and `date_of_birth` has no column",
        f"{unused.MOST_DAYS:.0%} of its values, {unused.FEWEST} at least, of three months or more",
        "`--accept unused_birthdays`: without a year Clopos can't have them",
    ),
    Kind(
        "unused_gender",
        unused.unused_gender,
        "a column that isn't used has two or three different values, and `gender` has no column",
        "all are words for genders; or the names beside one value are of women and those beside "
        f"the other of men: {unused.AGREE:.0%} of the names that tell it, by chance less often "
        f"than {unused.CHANCE:.0%} ({unused.CHANCE_OF_SIGNS:.0%} of single letters or digits); or "
        "two columns, one called after each gender, have a mark in either",
        '`--map "gender=HEADER"`',
    ),
    _unused(
        "code",
        "card numbers",
        "three or more, 95 % different, 90 % of 8 or more digits and of one length, with one "
        "beginning or the check digit of an EAN",
    ),
    Kind(
        "name_not_names",
        columns.name_is_none,
        "the names don't look like names of people or companies, or are a few words repeated",
        f"fewer than {columns.NAMES:.0%} do, without a number of the list or a date; or more than "
        f"{columns.COUNTED:.0%} have one word and a number beside the name: Table 5",
        '`--map "name=HEADER"`',
    ),
    Kind(
        "guessed_name",
        columns.guessed_name,
        "no header says name; one column holds names of two to four words, hardly one twice",
        "80 % of its values, three at least, no digits, each word with a capital; and `phone` or "
        "`email` has a column",
        '`--map "name=HEADER"`',
    ),
    Kind(
        "one_name",
        names.one_name,
        "customers with different phones have one name",
        f"{names.SHARED:.0%} of them, {names.FEWEST} at least; or {names.BY_CHANCE:.0%}, "
        f"{names.MANY} at least, {names.TIMES} times as many as have the next name; or "
        f"{names.ALONE:.0%} of the rows with a name alone, {names.FEWEST} at least, have it, but "
        "for numbers in it, or all of them alone have a value in a column that isn't used",
        "correct the sheet",
    ),
    Kind(
        "one_part",
        names.one_part,
        "one part of many names is the same text, which doesn't look like one",
        f"{names.PART:.0%} of them, {names.FEWEST} at least; it has no capital, or a word "
        "without one, where the other parts have them",
        '`--map "name=HEADER"`',
    ),
    Kind(
        "misread_letters",
        letters.misread_letters,
        "the letters of names were read in a wrong encoding before they were written",
        f"{letters.FEWEST} names or more with letters beyond ASCII, nearly all of them text of one "
        "encoding, or some if Cyrillic is meant, and far likelier in another",
        "export again in the right encoding",
    ),
    Kind(
        "phone_in_name",
        columns.phone_in_name,
        "the names have phone numbers beside them, and `phone` has no column",
        f"{columns.NAMES:.0%} of them",
        "two columns in the sheet",
    ),
    Kind(
        "shifted_column",
        rows.shifted_column,
        "a column stands a row too low: the first row has no value of it, the last has nothing "
        "else",
        f"all rows but the last have a name, and {rows.SLIPPED:.0%} of those below the first a "
        "value of it; four rows at least",
        '`--map "FIELD="`',
    ),
    Kind(
        "emails_of_others",
        rows.emails_of_others,
        "the e-mail addresses have the names of the rows above, or below, not those of their own",
        f"{rows.NAMED:.0%} of them, four at least, four times as many as have their own",
        '`--map "email="`',
    ),
    Kind(
        "moved_cells",
        rows.moved_cells,
        "in some rows the column beside `phone` or `email`, which isn't used or holds notes, has "
        "its values, and the field is empty",
        f"{rows.MOVED} rows; more rows have something else there",
        "correct the sheet",
    ),
    Kind(
        "list_beside",
        rows.list_beside,
        "right of an empty column stands another list of customers",
        f"a column of {rows.FEWEST_NAMES} names or more that isn't used, and one of phones or "
        "e-mail addresses",
        "a sheet of its own for each list",
    ),
    Kind(
        "half_a_name",
        columns.half_a_name,
        "all names are one word, and so is an unused column beside them",
        "90 % of both are one word, 70 % with a capital, half of the rows have it",
        '`--map "name=A" --map "name=B"`',
    ),
    Kind(
        "two_names",
        columns.two_names,
        "first or last names that aren't part of the name stand in columns that aren't used",
        "most of the names don't contain them",
        '`--map "name=FIRST" --map "name=LAST"`',
    ),
    Kind(
        "split_date",
        columns.split_date,
        "three unused columns side by side are day, month and year of birth",
        "all their values are numbers of that kind, and `date_of_birth` has no column",
        "join them in the sheet",
    ),
    Kind(
        "code_is_flag",
        codes.code_is_flag,
        "the codes are words for yes and no",
        "all of them, two at least",
        '`--map "code="`',
    ),
    Kind(
        "code_is_dates",
        codes.code_is_dates,
        "the codes are dates",
        "70 % of them",
        '`--map "code="`',
    ),
    Kind(
        "code_is_no_code",
        codes.code_is_no_code,
        "the codes are e-mail addresses, or names of several words",
        f"{codes.PHONES:.0%} of them",
        '`--map "code="`',
    ),
    Kind(
        "code_is_amounts",
        codes.code_is_amounts,
        "the codes are amounts of money",
        f"{codes.AMOUNTS:.0%} of them, {codes.FRACTIONS:.0%} with a fraction; with a comma, a "
        "currency, a minus, grouped thousands, or fractions of one and of two digits; or all "
        "with the sign of a currency",
        '`--map "code="`',
    ),
    Kind(
        "code_is_phones",
        codes.code_is_phones,
        "the codes are phone numbers and `phone` has no column",
        f"{codes.PHONES:.0%} of the codes",
        '`--map "phone=HEADER" --map "code="`',
    ),
    Kind(
        "shared_code",
        values.shared_code,
        "rows of different names share a code",
        f"{values.SHARED:.0%} of the codes, {values.FEWEST} rows at least; {values.NOBODYS + 1} "
        "names with one code; 3 where its digits count up, 2 where they are one digit",
        '`--map "code="`; `--none-value code=VALUE`, where few are shared',
    ),
    Kind(
        "nobodys_phone",
        values.nobodys_phone,
        "one phone stands beside different names",
        f"{values.NOBODYS} names; {values.FEWEST} that are {values.SHARED:.0%} of all; 2 where its "
        "last seven digits are one digit or count up or down",
        "`--none-value phone=VALUE`",
    ),
    Kind(
        "nobodys_email",
        values.nobodys_phone,
        "one e-mail address stands beside different names",
        f"{values.NOBODYS} names; {values.FEWEST} that are {values.SHARED:.0%} of all",
        "`--none-value email=VALUE`",
    ),
    Kind(
        "one_birthday",
        dates.one_birthday,
        "dates of birth are all the same day",
        f"{values.SHARED:.0%} of them, {values.FEWEST} at least; or {dates.BY_CHANCE:.0%}, "
        f"{values.MANY} at least",
        '`--map "date_of_birth="`',
    ),
    Kind(
        "recent_birthdays",
        dates.recent_birthdays,
        "dates of birth are of one recent year, or of two: they may have been typed without a year",
        f"{dates.FIRSTS:.0%} of them, {values.FEWEST} at least, after {LAST_BIRTH_YEAR}",
        '`--map "date_of_birth="`',
    ),
    Kind(
        "first_of_month",
        dates.first_of_month,
        "dates of birth are the first of a month",
        f"{dates.FIRSTS:.0%} of five or more different ones",
        '`--map "date_of_birth="`',
    ),
    Kind(
        "shifted_dates",
        dates.shifted_dates,
        "dates of birth have a time of the evening, and the same one or two",
        "60 % of them",
        '`--map "date_of_birth="`',
    ),
    Kind(
        "half_turned_dates",
        dates.half_turned_dates,
        "date cells, or dates of one form, never have a day above 12, the texts beside them always "
        "do",
        "three of the first or more, and one of the others",
        "`--dates DMY`",
    ),
    Kind(
        "contrary_dates",
        dates.contrary_dates,
        "the order of dates of a flag, a profile or a header isn't the one that the column proves",
        "two dates that fit the other order alone, and none that contradicts them",
        "`--dates DMY`",
    ),
    Kind(
        "gender_numbers",
        values.gender_numbers,
        "genders are the numbers 0 and 1",
        "both occur, and nothing else",
        '`--map "gender="`',
    ),
    Kind(
        "gender_words",
        values.gender_words,
        "genders that are understood are all the same, others aren't understood",
        "a fifth, two rows at least, of one to three words; one H beside nothing but M",
        '`--map "gender="`',
    ),
    Kind(
        "gender_and_names",
        unused.gender_and_names,
        "names of women have the gender of men, and the reverse",
        f"{unused.AGREE:.0%} of the names that tell it, {unused.FEWEST} at least",
        '`--map "gender="`',
    ),
    Kind(
        "other_region",
        values.other_region,
        "phones are no numbers of the region, but of another country",
        f"{values.BAD:.0%} of them ({values.BAD_OF_MANY:.0%} of {values.MANY} or more), and "
        f"{values.OF_ONE:.0%} of these; or {values.ALL_OF_ONE:.0%} are of another country, "
        f"{values.FEWEST} at least, and all numbers without a country are valid there",
        "`--region XX`",
    ),
)


def find_questions(seen: Evidence) -> tuple[Question, ...]:
    """Return everything that a person must decide about a sheet."""
    finders = dict.fromkeys(kind.find for kind in KINDS)
    return tuple(question for find in finders for question in find(seen))
