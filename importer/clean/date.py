"""Dates of birth → YYYY-MM-DD (R7). The pandera model decides what is plausible."""

from __future__ import annotations

import re
from datetime import date, timedelta

from importer.clean.parsed import NOTHING, Parsed
from importer.text import bare, fold

_TIME = r"(?:[T ,]+(?P<time>[0-9]{1,2}:[0-9]{2}.{0,40}))?"
_YEAR_FIRST = re.compile(r"([0-9]{4})([-/.])([0-9]{1,2})\2([0-9]{1,2})" + _TIME, re.DOTALL)
_COMPACT = re.compile(r"((?:18|19|20)[0-9]{2})([0-9]{2})([0-9]{2})")
_NUMERIC = re.compile(
    r"([0-9]{1,2})\s*([-/.])\s*([0-9]{1,2})\s*\2\s*([0-9]{4}|[0-9]{1,2})\s*(?:г\.?|года)?" + _TIME,
    re.DOTALL,
)
_NO_YEAR = re.compile(r"(?:--)?([0-9]{1,2})[-/.]([0-9]{1,2})\.?")
# Zeros, an empty form, and what a spreadsheet shows for the day 0.
_BLANK = re.compile(
    rf"0+(?:[-/.]0+){{2}}{_TIME}|[\s./_-]+|1900-01-00|0?0([./])0?1\2(?:1900|00)"
    r"|0?1/0?0/(?:1900|00)",
    re.DOTALL,
)
_CLOCK = re.compile(
    r"(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2})(?:[.,][0-9]{1,9})?)?\s?"
    r"(?P<half>[ap]\.?m\.?)?",
    re.IGNORECASE,
)
EVENING = "17:00"
"""From this time on a moment is midnight of the next day, further east."""
EMPTY = frozenset(  # "no date" of 1C, Delphi, .NET, SQL Server, Windows and spreadsheets
    ["0001-01-01", "1753-01-01", "1601-01-01", "1899-12-30", "1899-12-31", "1900-01-01"]
)
"""Dates that no customer was born on. One is a slip; many are a system's word for nothing."""
_YEAR = re.compile(r"(?:19|20)[0-9]{2}(?:\.0)?")
_SHORT = re.compile(r"0[0-9]{5}")  # DDMMYY, or as Americans write it
_NUMBER = re.compile(r"[0-9]{1,6}(?:\.[0-9]+)?")
_WORDS = re.compile(r"[0-9]+|[^\W\d_]+")
_MOST_LETTERS = 100
_LAST_SERIAL = 109_574  # the last day of 2199

_MONTHS = {
    1: "january januar jan январь января янв yanvar yan ocak oca jänner janvier janv enero "
    "ene gennaio gen styczeń stycznia sty січень січня січ იანვარი იან",
    2: "february feb февраль февраля фев fevral fev şubat şub februar février févr febrero "
    "febbraio luty lutego lut лютий лютого лют თებერვალი თებ",
    3: "march mar март марта мар mart märz mrz mars marzo marzec marca березень березня бер "
    "მარტი მარ",
    4: "april apr апрель апреля апр aprel nisan nis avril avr abril abr aprile kwiecień kwietnia "
    "kwi квітень квітня кві აპრილი აპრ",
    5: "may май мая mayıs mai mayo maggio mag maj maja травень травня тра მაისი მაი",
    6: "june jun июнь июня июн iyun iyn haziran haz juni juin junio giugno giu czerwiec czerwca "
    "cze червень червня чер ივნისი ივნ",
    7: "july jul июль июля июл iyul iyl temmuz tem juli juillet juil julio luglio lug lipiec lipca "
    "lip липень липня лип ივლისი ივლ",
    8: "august aug август августа авг avqust avq ağustos ağu août agosto ago sierpień sierpnia sie "
    "серпень серпня сер აგვისტო აგვ",
    9: "september sep sept сентябрь сентября сен сент sentyabr sen eylül eyl septembre septiembre "
    "settembre set wrzesień września wrz вересень вересня вер სექტემბერი სექ",
    10: "october oct октябрь октября окт oktyabr okt ekim eki oktober octobre octubre ottobre ott "
    "październik października paź жовтень жовтня жов ოქტომბერი ოქტ",
    11: "november nov ноябрь ноября ноя нояб noyabr noy kasım kas novembre noviembre listopad "
    "listopada lis листопад листопада лис ნოემბერი ნოე",
    12: "december dec декабрь декабря дек dekabr dek aralık ara dezember dez décembre déc "
    "diciembre dicembre dic grudzień grudnia gru грудень грудня гру დეკემბერი დეკ",
}
_MONTH = {fold(word): month for month, words in _MONTHS.items() for word in words.split()}
MONTHS = frozenset(_MONTH)
"""Words that are a month, or short for one, folded."""
_FILLER = frozenset(
    fold(word) for word in "г года год р року of il th st nd rd de del er r".split()
)


def parse_date(
    text: str,
    order: str | None,
    serials: int | None,
    times: frozenset[str] = frozenset(),
    *,
    day_second: bool = False,
) -> Parsed:
    """Read a cell that should hold a date.

    `order` is that of three-part numeric dates, None: only those that fit one order. `serials` is
    the year that a workbook counts its days from (1900 or 1904), None: not a workbook. `times` are
    times of day (HH:MM) that most dates of the column have; any other but midnight is a problem.
    `day_second`: the column has dates like 1990-25-03, so that 1990-05-03 may mean either.
    """
    plain = bare(text)
    if len(plain) > _MOST_LETTERS:
        return Parsed(None, "invalid_date")
    if not plain or (plain == "0" and serials is None) or _BLANK.fullmatch(plain):
        return NOTHING
    if match := _YEAR_FIRST.fullmatch(plain):
        return _at(match["time"], _year_first(match, day_second=day_second), times)
    if match := _COMPACT.fullmatch(plain):
        return _day(int(match[1]), int(match[2]), int(match[3]))
    if match := _NUMERIC.fullmatch(plain):
        return _at(match["time"], _numeric(match[1], match[3], match[4], order), times)
    if _YEAR.fullmatch(plain):
        return Parsed(None, "date_year_only")
    if _SHORT.fullmatch(plain):
        return Parsed(None, "ambiguous_date")
    if serials and _NUMBER.fullmatch(plain):
        return _from_serial(float(plain), serials)
    if match := _NO_YEAR.fullmatch(plain):
        fits = (
            1 <= min(int(match[1]), int(match[2])) <= 12 and max(int(match[1]), int(match[2])) <= 31
        )
        return Parsed(None, "date_no_year" if fits else "invalid_date")
    return _with_words(plain)


def _year_first(match: re.Match[str], *, day_second: bool) -> Parsed:
    day = _day(int(match[1]), int(match[3]), int(match[4]))
    if day_second and day.value and int(match[3]) != int(match[4]) <= 12:
        return Parsed(None, "ambiguous_date")
    return day


def time_of(text: str) -> str | None:
    """Return the time of day of a date as HH:MM; None when there is none, and for midnight."""
    plain = bare(text)
    match = len(plain) <= _MOST_LETTERS and (
        _YEAR_FIRST.fullmatch(plain) or _NUMERIC.fullmatch(plain)
    )
    return _clock(match["time"]) if match and match["time"] else None


def _clock(text: str) -> str | None:
    clock = _CLOCK.match(text)
    if clock is None:
        return None
    hour = int(clock["hour"])
    if clock["half"]:
        hour = hour % 12 + (12 if clock["half"].lower().startswith("p") else 0)
    midnight = hour % 24 == 0 and int(clock["minute"]) == int(clock["second"] or 0) == 0
    return None if midnight else f"{hour:02}:{clock['minute']}"


def _at(text: str | None, day: Parsed, times: frozenset[str]) -> Parsed:
    """Return the day that a date with a time means, kind 1: a birth date has no time of day.

    Of moments that were written in another time zone, as most of the column have it, those of the
    evening mean the next day.
    """
    time = _clock(text) if text else None
    if time is None or day.value is None:
        return day
    if time not in times:
        return Parsed(None, "date_with_time")
    if time < EVENING:
        return day
    following = date.fromisoformat(day.value) + timedelta(1)
    return Parsed(following.isoformat(), None, ("date_next_day",))


def proven_order(texts: list[str]) -> str | None:
    """Return the order that the numeric dates of a column prove, None when they don't.

    A day above 12 proves its own place; a column that proves two orders proves nothing.
    """
    orders = set()
    for text in texts:
        if len(text) <= _MOST_LETTERS and (match := _NUMERIC.fullmatch(bare(text))):
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
        value = date(year, month, day).isoformat()
    except ValueError:
        return Parsed(None, "invalid_date")
    return Parsed(value)


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
