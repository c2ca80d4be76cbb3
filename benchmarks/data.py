"""Sheets of invented people for the benchmarks: the same seed gives the same bytes."""

from __future__ import annotations

import contextlib
import csv
import random
import sqlite3
import sys
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

from importer.records import FIELDS
from importer.sandbox.store import INSERT, Store

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_FIRST = "Anar Aysel Leyla Murad Nigar Orxan Rəşad Günay Şəbnəm İlqar Анна Иван Emre Zeynep".split()
_SECOND = "Demo Nümunə Sınaq Тестова Пример Örnek".split()
_NOTES = ("", "", "", "likes tea", "VIP, by the window", "köhnə müştəri", "с 2015 года")
_OPERATORS = (50, 51, 55, 70, 77, 99, 10)


def customers(rows: int, *, bad: float = 0.0, seed: int = 1) -> Iterator[tuple[str, ...]]:
    """Yield `rows` rows, of which the share `bad` has something wrong in one of six fields.

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


def to_be_sent(rows: int) -> Iterator[tuple[str, ...]]:
    """Yield rows as Clopos takes them: for senders that don't clean."""
    for number, row in enumerate(customers(rows)):
        name, phone, email, code, cid, _, born, note, _ = row
        phone = "+" + "".join(filter(str.isdecimal, phone)).removeprefix("994").removeprefix("0")
        gender = ("1", "2", "")[number % 3]
        yield name, phone.replace("+", "+994"), email, code, cid, gender, born, note, "1"


def fill(path: Path, rows: int) -> None:
    """Make the store of a sandbox at which all of `to_be_sent` are already."""
    Store(str(path)).close()
    with contextlib.closing(sqlite3.connect(path)) as db, db:
        db.executemany(INSERT, map(_stored, to_be_sent(rows)))


def _stored(row: tuple[str, ...]) -> dict[str, object]:
    found: dict[str, object] = {
        name: value or None for name, value in zip(FIELDS, row, strict=True)
    }
    return found | {
        "brand": "sandbox",
        "gender": int(row[5]) if row[5] else None,
        "group_id": int(row[8]),
        "venue_id": 1,
        "phones": "[]",
        "address": None,
        "created_at": "2026-01-01T00:00:00.000000Z",
        "hidden": 0,
        "folded_name": row[0].casefold(),
        "numbers": row[1].removeprefix("+"),
    }


def write_csv(path: Path, rows: Iterable[tuple[str, ...]]) -> None:
    """Write a sheet of customers as UTF-8 with commas."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(FIELDS)
        writer.writerows(rows)


def write_workbook(path: Path, rows: Iterable[tuple[str, ...]]) -> None:
    """Write a sheet of customers as XLSX."""
    import xlsxwriter  # noqa: PLC0415 - for one of them only

    with xlsxwriter.Workbook(path, {"constant_memory": True}) as book:
        sheet = book.add_worksheet()
        for number, row in enumerate((FIELDS, *rows)):
            sheet.write_row(number, 0, row)


def main(folder: Path, rows: int, small: int) -> None:
    """Write the sheets that are to be checked."""
    write_csv(folder / "clean.csv", customers(rows))
    write_csv(folder / "bad.csv", customers(rows, bad=0.1))
    write_csv(folder / "small.csv", customers(small))
    write_workbook(folder / "small.xlsx", customers(small))


if __name__ == "__main__":
    # As a process of its own: what it takes must not count as memory of those that are measured.
    place, first, second = sys.argv[1:]
    if first == "--store":
        fill(Path(place) / "million.sqlite", int(second))
    elif first == "--send":
        write_csv(Path(place) / f"send-{second}.csv", to_be_sent(int(second)))
    else:
        main(Path(place), int(first), int(second))
