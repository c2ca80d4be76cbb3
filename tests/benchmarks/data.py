"""Sheets of invented people for the benchmarks: the same seed gives the same bytes."""

from __future__ import annotations

import csv
import random
import uuid
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HEADER = (
    "name",
    "phone",
    "email",
    "code",
    "cid",
    "gender",
    "date_of_birth",
    "description",
    "group_id",
)
_FIRST = "Anar Aysel Leyla Murad Nigar Orxan Rəşad Günay Şəbnəm İlqar Анна Иван Emre Zeynep".split()
_SECOND = "Demo Nümunə Sınaq Тестова Пример Örnek".split()
_NOTES = ("", "", "", "likes tea", "VIP, by the window", "köhnə müştəri", "с 2015 года")
_OPERATORS = (50, 51, 55, 70, 77, 99, 10)


def customers(rows: int, *, bad: float = 0.0, seed: int = 1) -> Iterator[tuple[str, ...]]:
    """Yield so many rows, of which the share `bad` has something wrong in one of six fields.

    Phones, codes and cids are distinct. Phones are spelt in three ways, all of them valid.
    """
    chance = random.Random(seed)  # noqa: S311 - no secret depends on it
    for number in range(rows):
        phone = f"{_OPERATORS[number % 7]}{2_000_001 + number // 7:07}"
        name = f"{chance.choice(_FIRST)} {chance.choice(_SECOND)} {number}"
        row = [
            name,
            _spelt(phone, number % 4),
            f"demo{number}@example.com",
            f"C{number:07}",
            str(uuid.UUID(int=chance.getrandbits(128), version=4)),
            ("male", "female", "Kişi", "Qadın", "")[number % 5],
            f"{1950 + number % 55}-{1 + number % 12:02}-{1 + number % 28:02}",
            _NOTES[number % len(_NOTES)],
            str(1 + number % 5),
        ]
        if bad and chance.random() < bad:
            _spoil(row, chance)
        yield tuple(row)


def _spelt(phone: str, way: int) -> str:
    if way < 2:
        return f"+994{phone}"
    parts = f"{phone[:2]} {phone[2:5]} {phone[5:7]} {phone[7:]}"
    return f"+994 {parts}" if way == 2 else f"0{parts}"


def _spoil(row: list[str], chance: random.Random) -> None:
    where = chance.randrange(6)
    if where == 0:
        row[0] = ""
    elif where == 1:
        row[1] = row[1][:-3]
    elif where == 2:
        row[2] = row[2].replace("@", " at ")
    elif where == 3:
        row[4] = row[4][:-2]
    elif where == 4:
        row[5] = "perhaps"
    else:
        row[6] = "31.02.1990"


def write_csv(path: Path, rows: int, *, bad: float = 0.0) -> Path:
    """Write a sheet of customers as UTF-8 with commas, unless it is there already."""
    if not path.exists():
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(HEADER)
            writer.writerows(customers(rows, bad=bad))
    return path
