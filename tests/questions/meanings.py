"""Sheets with a changed meaning and their intended one, to fuzz misunderstandings.

A sheet is a list of invented people under well-known headers. A mutation changes the names of
columns, the place of values or their spelling, as people and programs do; `meant` stays.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

HEADERS = {
    "name": ("Ad Soyad", "Full name", "ФИО", "Müşteri adı"),
    "phone": ("Telefon", "Phone", "Телефон", "Mobil nömrə"),
    "email": ("E-poçt", "Email", "Эл. почта", "E-posta"),
    "code": ("Müştəri kodu", "Customer code", "Код клиента", "Müşteri kodu"),
    "gender": ("Cinsi", "Gender", "Пол", "Cinsiyet"),
    "date_of_birth": ("Doğum tarixi", "Date of birth", "Дата рождения", "Doğum tarihi"),
}
_UNKNOWN = ("Sütun A", "Данные", "Zzyx", "Bölmə", "Extra", "Поле", "x1", "Məlumat", "Diğerleri")
_FIRST = "Aysel Tural Nigar Elvin Lalə Rauf Günel Samir Aydan Kamran Leyla Orxan".split()
_LAST = "Nümunə Örnəkli Misalzadə Sınaqlı Primer Testova".split()


@dataclass(frozen=True)
class Drawn:
    """A sheet: field → header, field → cells as they are written, field → values as meant."""

    headers: dict[str, str]
    cells: dict[str, list[str]]
    meant: dict[str, list[object]]

    def csv(self) -> bytes:
        """Return the sheet as a file."""
        lines = [";".join(self.headers.values())]
        lines += [";".join(cells) for cells in zip(*self.cells.values(), strict=True)]
        return ("\n".join(lines) + "\n").encode()


def draw(random: Random) -> Drawn:
    """Return a sheet of 3 to 14 people."""
    number = random.randint(3, 14)
    people = random.sample([f"{first} {last}" for first in _FIRST for last in _LAST], number)
    phones = [f"+99450{n:07}" for n in random.sample(range(1, 9_000_000), number)]
    emails = [f"kim{n}@example.com" for n in random.sample(range(1000), number)]
    codes = [f"{n}" for n in random.sample(range(1000, 100_000), number)]
    genders: list[object] = [random.choice([1, 2]) for _ in people]
    genders[:2] = [1, 2]
    births = [
        f"{random.randint(1950, 2005)}-{random.randint(1, 12):02}-{random.randint(1, 28):02}"
        for _ in people
    ]
    births[0] = births[0][:8] + "27"
    language = random.randrange(4)
    man = ("kişi", "male", "м", "erkek")[language]
    woman = ("qadın", "female", "ж", "kadın")[language]
    cells = {
        "name": people,
        "phone": [f"0{phone[4:6]} {phone[6:9]} {phone[9:11]} {phone[11:]}" for phone in phones],
        "email": emails,
        "code": codes,
        "gender": [man if each == 1 else woman for each in genders],
        "date_of_birth": [f"{day[8:]}.{day[5:7]}.{day[:4]}" for day in births],
    }
    meant: dict[str, list[object]] = {
        "name": list(people),
        "phone": list(phones),
        "email": list(emails),
        "code": list(codes),
        "gender": genders,
        "date_of_birth": list(births),
    }
    return Drawn({name: words[language] for name, words in HEADERS.items()}, cells, meant)


def _renamed(sheet: Drawn, random: Random) -> Drawn:
    field = random.choice([name for name in sheet.headers if name not in {"code", "gender"}])
    return replace(sheet, headers=sheet.headers | {field: random.choice(_UNKNOWN)})


def _swapped(sheet: Drawn, random: Random) -> Drawn:
    """Exchange the headers of two columns."""
    one, two = random.sample(list(sheet.headers), 2)
    headers = sheet.headers | {one: sheet.headers[two], two: sheet.headers[one]}
    return replace(sheet, headers=headers)


def _column(field: str, write: Callable[[str, int], str]) -> Callable[[Drawn, Random], Drawn]:
    """Return a mutation that rewrites the cells of a column."""

    def mutated(sheet: Drawn, random: Random) -> Drawn:
        turn = random.randrange(1000)
        cells = [write(cell, turn) for cell in sheet.cells[field]]
        return replace(sheet, cells=sheet.cells | {field: cells})

    return mutated


def _iso(cell: str) -> str:
    return "-".join(reversed(cell.split(".")))


def _month_first(cell: str, _: int) -> str:
    day, month, year = cell.split(".")
    return f"{month}/{day}/{year}"


def _evening_before(cell: str, _: int) -> str:
    return f"{date.fromisoformat(_iso(cell)) - timedelta(1)}T20:00:00.000Z"


def _genders(sheet: Drawn, random: Random) -> Drawn:
    """Write genders as the numbers or letters of another system."""
    men, women = random.choice([("1", "0"), ("0", "1"), ("H", "M"), ("D", "H"), ("x1", "x2")])
    cells = [men if each == 1 else women for each in sheet.meant["gender"]]
    return replace(sheet, cells=sheet.cells | {"gender": cells})


def _one_value(field: str, value: str) -> Callable[[Drawn, Random], Drawn]:
    """Return a mutation that puts a placeholder into most rows of a column."""

    def mutated(sheet: Drawn, random: Random) -> Drawn:
        del random
        keep = len(sheet.cells[field]) // 4
        cells = sheet.cells[field][:keep] + [value] * (len(sheet.cells[field]) - keep)
        meant = sheet.meant[field][:keep] + [None] * (len(sheet.cells[field]) - keep)
        return replace(
            sheet, cells=sheet.cells | {field: cells}, meant=sheet.meant | {field: meant}
        )

    return mutated


def _other_country(sheet: Drawn, random: Random) -> Drawn:
    """Write the phones as national numbers of Turkey."""
    tails = random.sample(range(1_000_000), len(sheet.cells["phone"]))
    cells = [f"532 2{n // 10_000:02} {n // 100 % 100:02} {n % 100:02}" for n in tails]
    meant: list[object] = [f"+90{cell.replace(' ', '')}" for cell in cells]
    return replace(
        sheet, cells=sheet.cells | {"phone": cells}, meant=sheet.meant | {"phone": meant}
    )


def _shifted(sheet: Drawn, random: Random) -> Drawn:
    """Move a column down by a row: its last value gets an extra row."""
    field = random.choice([name for name in sheet.headers if name != "name"])
    cells = {name: [*column, ""] for name, column in sheet.cells.items()}
    cells[field] = ["", *sheet.cells[field]]
    meant = {name: [*column, None] for name, column in sheet.meant.items()}
    return replace(sheet, cells=cells, meant=meant)


def _shifted_names(sheet: Drawn, random: Random) -> Drawn:
    """Move the names up by a row: the first name replaces the header."""
    del random
    first, *others = sheet.cells["name"]
    cells = sheet.cells | {"name": [*others, ""]}
    return replace(sheet, headers=sheet.headers | {"name": first}, cells=cells)


def _no_headers(sheet: Drawn, random: Random) -> Drawn:
    """Remove the header row: the first person is in its place."""
    del random
    headers = {name: column[0] for name, column in sheet.cells.items()}
    return Drawn(
        headers,
        {name: column[1:] for name, column in sheet.cells.items()},
        {name: column[1:] for name, column in sheet.meant.items()},
    )


def _phone_in_name(sheet: Drawn, random: Random) -> Drawn:
    """Write name and phone into one cell, as a phone book does."""
    form = random.choice(["{} {}", "{}, {}", "{} ({})", "{1} {0}"])
    pairs = zip(sheet.cells["name"], sheet.cells["phone"], strict=True)
    cells = {"name": [form.format(*pair) for pair in pairs]}
    cells |= {name: sheet.cells[name] for name in sheet.cells if name not in {"name", "phone"}}
    headers = {name: header for name, header in sheet.headers.items() if name != "phone"}
    return replace(sheet, headers=headers, cells=cells)


def _extra_cell(sheet: Drawn, random: Random) -> Drawn:
    """Put a separator into a cell of one row, which moves the cells after it to the right."""
    field = random.choice(list(sheet.cells)[:-1])
    cells, row = list(sheet.cells[field]), random.randrange(len(sheet.cells[field]))
    cells[row] = ";" + cells[row]
    return replace(sheet, cells=sheet.cells | {field: cells})


def _days(cell: str) -> int:
    return (date.fromisoformat(_iso(cell)) - date(1899, 12, 30)).days


def _seconds(cell: str) -> int:
    return (date.fromisoformat(_iso(cell)) - date(1970, 1, 1)).days * 86_400


MUTATIONS: dict[str, Callable[[Drawn, Random], Drawn]] = {
    "renamed": _renamed,
    "swapped": _swapped,
    "month first": _column("date_of_birth", _month_first),
    "evening before": _column("date_of_birth", _evening_before),
    "years": _column("date_of_birth", lambda cell, _: cell[-4:]),
    "six digits": _column("date_of_birth", lambda cell, _: cell[:2] + cell[3:5] + cell[-2:]),
    "rounded codes": _column("code", lambda cell, _: f"{cell[0]},{cell[1]}E+15"),
    "grouped codes": _column("code", lambda cell, _: f"{cell[:-3]}.{cell[-3:]}"),
    "one code": _column("code", lambda _, turn: str(turn)),
    "genders": _genders,
    "enumerated": _column("phone", lambda cell, turn: f"{turn % 9 + 1}) {cell}"),
    "digit in front": _column("phone", lambda cell, turn: f"{turn % 90 + 10}{cell}"),
    "other country": _other_country,
    "phone for none": _one_value("phone", "050 000 00 00"),
    "email for none": _one_value("email", "no@example.com"),
    "birthday for none": _one_value("date_of_birth", "01.01.1970"),
    "code for none": _one_value("code", "000000"),
    "names lost": _column("name", lambda cell, _: "?" * len(cell)),
    "names are numbers": _column("name", lambda cell, turn: str(turn + len(cell))),
    "shifted by a row": _shifted,
    "names over their header": _shifted_names,
    "no headers": _no_headers,
    "phone in name": _phone_in_name,
    "extra cell": _extra_cell,
    "serial days": _column("date_of_birth", lambda cell, _: str(_days(cell))),
    "epoch seconds": _column("date_of_birth", lambda cell, _: str(_seconds(cell))),
    "epoch milliseconds": _column("date_of_birth", lambda cell, _: f"{_seconds(cell)}000"),
    "ages": _column("date_of_birth", lambda cell, _: str(2026 - int(cell[-4:]))),
    "packed days": _column("date_of_birth", lambda cell, _: cell.replace(".", "")),
    "short years": _column("date_of_birth", lambda cell, _: cell[:6] + cell[-2:]),
    "no year": _column("date_of_birth", lambda cell, _: cell[:6]),
    "float phones": _column("phone", lambda cell, _: f"994{cell.replace(' ', '')[1:]}.0"),
    "rounded phones": _column("phone", lambda cell, _: f"9,945{cell[2]}E+11"),
    "phones in thousands": _column("phone", lambda cell, _: f"{int(cell.replace(' ', '')):,}"),
    "phones without their end": _column("phone", lambda cell, _: cell[:-1]),
    "reversed phones": _column("phone", lambda cell, _: cell[::-1]),
    "float codes": _column("code", lambda cell, _: f"{cell}.0"),
    "codes in thousands": _column("code", lambda cell, _: f"{int(cell):,}"),
    "padded codes": _column("code", lambda cell, _: f"{cell:>12}"),
    "codes of a date": _column(
        "code", lambda cell, _: f"{int(cell) % 28 + 1:02}.{int(cell) % 12 + 1:02}.2024"
    ),
    "emails are links": _column("email", lambda cell, _: f"mailto:{cell}"),
    "emails in upper case": _column("email", lambda cell, _: cell.upper()),
    "blank in address": _column("email", lambda cell, _: f"ad {cell}"),
}
"""What may happen to a sheet; of the codes that are grouped either reading is what was meant."""
