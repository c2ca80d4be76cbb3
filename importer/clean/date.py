"""Dates of birth → YYYY-MM-DD (R7). What is plausible is the pandera model's to say."""

from __future__ import annotations

import re
from datetime import date, timedelta

from importer.clean.parsed import NOTHING, Parsed
from importer.text import bare, fold

_TIME = r"(?:[T ,]+[0-9]{1,2}:[0-9]{2}.*)?"
_YEAR_FIRST = re.compile(r"([0-9]{4})([-/.])([0-9]{1,2})\2([0-9]{1,2})" + _TIME)
_COMPACT = re.compile(r"((?:18|19|20)[0-9]{2})([0-9]{2})([0-9]{2})")
_NUMERIC = re.compile(
    r"([0-9]{1,2})\s*([-/.])\s*([0-9]{1,2})\s*\2\s*([0-9]{4}|[0-9]{1,2})\s*(?:г\.?|года)?" + _TIME
)
_NO_YEAR = re.compile(r"(?:--)?([0-9]{1,2})[-/.]([0-9]{1,2})\.?")
_ZEROS = re.compile(r"0+(?:[-/.]0+){2}" + _TIME)
_NUMBER = re.compile(r"[0-9]{1,6}(?:\.[0-9]+)?")
_WORDS = re.compile(r"[0-9]+|[^\W\d_]+")
_LAST_SERIAL = 109_574  # the last day of 2199

_MONTHS = {
    1: "january januar jan январь января янв yanvar yan ocak oca",
    2: "february feb февраль февраля фев fevral fev şubat şub",
    3: "march mar март марта мар mart",
    4: "april apr апрель апреля апр aprel nisan nis",
    5: "may май мая mayıs",
    6: "june jun июнь июня июн iyun iyn haziran haz",
    7: "july jul июль июля июл iyul iyl temmuz tem",
    8: "august aug август августа авг avqust avq ağustos ağu",
    9: "september sep sept сентябрь сентября сен сент sentyabr sen eylül eyl",
    10: "october oct октябрь октября окт oktyabr okt ekim eki",
    11: "november nov ноябрь ноября ноя нояб noyabr noy kasım kas",
    12: "december dec декабрь декабря дек dekabr dek aralık ara",
}
_MONTH = {fold(word): month for month, words in _MONTHS.items() for word in words.split()}
_FILLER = frozenset(fold(word) for word in ("г", "года", "год", "of", "il", "th", "st", "nd", "rd"))


def parse_date(text: str, order: str | None, serials: int | None) -> Parsed:
    """Read a cell that should hold a date.

    `order` is that of three-part numeric dates, None: only those that fit one order. `serials` is
    the year that a workbook counts its days from (1900 or 1904), None: not a workbook.
    """
    plain = bare(text)
    if not plain or (plain == "0" and serials is None) or _ZEROS.fullmatch(plain):
        return NOTHING
    if match := _YEAR_FIRST.fullmatch(plain):
        return _day(int(match[1]), int(match[3]), int(match[4]))
    if match := _COMPACT.fullmatch(plain):
        return _day(int(match[1]), int(match[2]), int(match[3]))
    if match := _NUMERIC.fullmatch(plain):
        return _numeric(match[1], match[3], match[4], order)
    if serials and _NUMBER.fullmatch(plain):
        return _from_serial(float(plain), serials)
    if match := _NO_YEAR.fullmatch(plain):
        fits = (
            1 <= min(int(match[1]), int(match[2])) <= 12 and max(int(match[1]), int(match[2])) <= 31
        )
        return Parsed(None, "date_no_year" if fits else "invalid_date")
    return _with_words(plain)


def proven_order(texts: list[str]) -> str | None:
    """Return the order that the numeric dates of a column prove, None when they prove none.

    A day above 12 proves where the day stands; a column that proves two orders proves nothing.
    """
    orders = set()
    for text in texts:
        if match := _NUMERIC.fullmatch(bare(text)):
            first, second = int(match[1]), int(match[3])
            if len(match[4]) == 4 and max(first, second) <= 31 and min(first, second) <= 12:
                if first > 12:
                    orders.add("DMY")
                elif second > 12:
                    orders.add("MDY")
    return orders.pop() if len(orders) == 1 else None


def _day(year: int, month: int, day: int) -> Parsed:
    if year == 0:
        return Parsed(None, "date_no_year")
    try:
        return Parsed(date(year, month, day).isoformat())
    except ValueError:
        return Parsed(None, "invalid_date")


def _numeric(first: str, second: str, last: str, order: str | None) -> Parsed:
    if len(last) < 4:
        return Parsed(None, "ambiguous_date")
    one, two, year = int(first), int(second), int(last)
    if order in {"DMY", "MDY"}:
        day, month = (one, two) if order == "DMY" else (two, one)
        return _day(year, month, day)
    as_dmy, as_mdy = _day(year, two, one), _day(year, one, two)
    if as_dmy.value and as_mdy.value and as_dmy != as_mdy:
        return Parsed(None, "ambiguous_date")
    return as_dmy if as_dmy.value else as_mdy


def _from_serial(number: float, serials: int) -> Parsed:
    """Read the day number of a workbook; the 1900 count has a 29 February 1900 that never was."""
    if number != int(number) or number > _LAST_SERIAL:
        return Parsed(None, "invalid_date")
    days = int(number)
    if serials == 1904:
        start = date(1904, 1, 1)
    else:
        start = date(1899, 12, 30) if days > 59 else date(1899, 12, 31)
    return Parsed((start + timedelta(days)).isoformat(), None, ("date_from_serial",))


def _with_words(text: str) -> Parsed:
    """Read `17 aprel 1986`, `March 15, 1992`, `15 марта 1992 г.`."""
    words = [word for word in _WORDS.findall(fold(text)) if word not in _FILLER]
    months = [_MONTH[word] for word in words if word in _MONTH]
    numbers = [word for word in words if word.isdecimal()]
    if len(months) != 1 or len(numbers) != len(words) - 1:
        return Parsed(None, "invalid_date")
    years = [int(number) for number in numbers if len(number) == 4]
    days = [int(number) for number in numbers if len(number) <= 2]
    if len(years) == 1 and len(days) == 1:
        return _day(years[0], months[0], days[0])
    if not years and len(days) == 1:
        return Parsed(None, "date_no_year")
    return Parsed(None, "ambiguous_date" if len(days) == 2 and not years else "invalid_date")
