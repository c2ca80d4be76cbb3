"""Cost of matching the rows of a sheet: `python -m benchmarks.matching`.

    python -m benchmarks.matching [ROWS] [CUSTOMERS]

100,000 rows against 1,000,000 customers in an index in SQLite, as it is on a night: 98 of 100 rows
are as they were, the others are new, changed or of another person. Prints microseconds of the
processor a row for each step, and the memory.
"""

from __future__ import annotations

import gc
import random
import resource
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from importer.matching.customers import as_seen, by_look, first_keys
from importer.matching.evidence import (
    as_at_clopos,
    index_keys,
    lookup_keys,
    row_evidence,
)
from importer.matching.keys import cid_of, row_key, scope_of
from importer.matching.match import match
from importer.matching.verdicts import KnownCustomer, Row
from importer.records import FIELDS, Customer

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

_KEY = b"k" * 32
_SCOPE = scope_of("https://clopos.example", "demo")
_BATCH = 5000  # keys of a query
_SYLLABLES = "al ay be ca də el fa gü hə in ka lə mi na or pə qa rə sa ta ul və xa yu zə".split()


def main(rows: int, customers: int) -> None:
    """Build the index, then measure."""
    gc.set_threshold(10_000, 20, 20)  # as the command does
    with tempfile.TemporaryDirectory() as folder:
        database = sqlite3.connect(Path(folder) / "index.sqlite")
        started = time.process_time()
        _build(database, customers)
        _say(f"index of {customers:,} customers built in {time.process_time() - started:.0f} s")
        sheet = [
            _changed(_customer(number * (customers // rows)), number) for number in range(rows)
        ]
        before = _megabytes()

        seconds: dict[str, float] = {}
        started = time.process_time()
        keyed = [_keyed(fields) for fields in sheet]
        _say(f"(the cid, as before: {(time.process_time() - started) / rows * 1e6:.1f} µs a row)")

        started = time.process_time()
        packed = [row_evidence(customer, made_of, _KEY) for customer, made_of in keyed]
        made = [Row(number, evidence) for number, evidence in enumerate(packed, start=2)]
        seconds["evidence"] = time.process_time() - started

        started = time.process_time()
        known, holders = _find(database, made)
        seconds["finding candidates"] = time.process_time() - started

        started = time.process_time()
        found = match(made, known, holders=holders)
        seconds["match"] = time.process_time() - started

    for step, taken in seconds.items():
        _say(f"{step:<20} {taken / rows * 1e6:6.1f} µs a row")
    _say(f"{'together':<20} {sum(seconds.values()) / rows * 1e6:6.1f} µs a row")
    _say(f"memory: {_megabytes() - before:.0f} MB more at most than before the first step")
    _say(str(Counter(f"{verdict.kind} {verdict.rule}" for verdict in found.verdicts)))


def _customer(number: int) -> dict[str, str | None]:
    chance = random.Random(number)  # noqa: S311 - no secret
    word = "".join(chance.choices(_SYLLABLES, k=2)).capitalize()
    surname = "".join(chance.choices(_SYLLABLES, k=3)).capitalize()
    has = chance.random
    fields: dict[str, str | None] = dict.fromkeys(FIELDS)
    return fields | {
        "name": f"{word} {surname}ov",
        "phone": f"+99450{number:07}" if has() < 0.9 else None,
        "code": f"{number:07}" if has() < 0.5 else None,
        "email": f"person{number}@example.com" if has() < 0.3 else None,
        "date_of_birth": f"{1950 + number % 60}-05-{1 + number % 28:02}" if has() < 0.3 else None,
    }


def _changed(fields: dict[str, str | None], number: int) -> dict[str, str | None]:
    kind = number % 200
    if kind == 0:
        return fields | {"phone": f"+99455{number:07}", "code": None, "email": None}
    if kind == 1:
        return fields | {"name": "Somebody Else"}
    if kind == 2:
        return fields | {"email": f"new{number}@example.com"}
    if kind == 3:
        return fields | {"phone": f"+99470{number:07}"}
    return fields


def _keyed(fields: dict[str, str | None]) -> tuple[Customer, str]:
    key = row_key(fields, Counter())
    sent = fields | {"cid": cid_of(key, _SCOPE)}
    return Customer(row=0, **sent), key.made_of  # type: ignore[arg-type]


def _build(database: sqlite3.Connection, customers: int) -> None:
    database.execute("PRAGMA synchronous = OFF")
    database.execute("CREATE TABLE looks (id INTEGER PRIMARY KEY, packed TEXT)")
    database.execute("CREATE TABLE keys (key TEXT, id INT, PRIMARY KEY (key, id)) WITHOUT ROWID")
    keys: list[tuple[str, int]] = []
    for number in range(customers):
        packed = row_evidence(*_keyed(_customer(number)), _KEY)
        database.execute("INSERT INTO looks VALUES (?, ?)", (number, packed))
        keys += [(key, number) for key in index_keys(packed)]
    keys.sort()
    database.executemany("INSERT INTO keys VALUES (?, ?)", keys)
    database.commit()


def _find(
    database: sqlite3.Connection, rows: Sequence[Row]
) -> tuple[dict[str, KnownCustomer], dict[str, list[str]]]:
    """Return the candidates by id, and key → ids of those that have it.

    Rows that are as they were need one key; the others all of theirs.
    """
    known: dict[str, KnownCustomer] = {}
    holders: dict[str, list[str]] = {}
    _look_up(database, first_keys(rows), known, holders)
    looks = by_look(known.values())

    def ids(key: str) -> Collection[str]:
        return holders.get(key, ())

    others = [row for row in rows if not as_seen(row, looks, ids)]
    keys = {key for row in others for key in lookup_keys(row.evidence)}
    _look_up(database, keys, known, holders)
    return known, holders


def _look_up(
    database: sqlite3.Connection,
    keys: Collection[str],
    known: dict[str, KnownCustomer],
    holders: dict[str, list[str]],
) -> None:
    ids: set[int] = set()
    for key, id_ in _select(database, "SELECT key, id FROM keys WHERE key IN ({})", sorted(keys)):
        holders.setdefault(key, []).append(str(id_))
        ids.add(id_)
    sql = "SELECT id, packed FROM looks WHERE id IN ({})"
    for id_, packed in _select(database, sql, sorted(ids)):
        known[str(id_)] = KnownCustomer(str(id_), as_at_clopos(packed), (packed,))


def _select(
    database: sqlite3.Connection, sql: str, values: list[str] | list[int]
) -> Iterator[tuple[Any, Any]]:
    for start in range(0, len(values), _BATCH):
        batch = values[start : start + _BATCH]
        yield from database.execute(sql.format(",".join("?" * len(batch))), batch)


def _megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    given = [int(word) for word in sys.argv[1:]]
    main(given[0] if given else 100_000, given[1] if len(given) > 1 else 1_000_000)
