"""The customers of a sandbox, in SQLite.

Each method is one synchronous step, so that no two requests of the event loop overlap in it.
"""

from __future__ import annotations

import json
import sqlite3
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from importer.errors import UsageError
from importer.i18n import tr

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

SCHEMA = """
CREATE TABLE IF NOT EXISTS customers (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  brand TEXT NOT NULL,
  cid TEXT NOT NULL,
  venue_id INTEGER NOT NULL,
  group_id INTEGER,
  name TEXT NOT NULL,
  email TEXT,
  phone TEXT,
  code TEXT,
  description TEXT,
  gender INTEGER,
  date_of_birth TEXT,
  phones TEXT NOT NULL,          -- JSON array of further numbers
  address TEXT,
  created_at TEXT NOT NULL,
  hidden INTEGER NOT NULL,       -- blocks its values, is never shown
  folded_name TEXT NOT NULL,     -- for the partial filter, without regard to case
  numbers TEXT NOT NULL,         -- phone and phones, a line each, for the substring filter
  UNIQUE (brand, phone), UNIQUE (brand, code), UNIQUE (brand, cid)
);
CREATE INDEX IF NOT EXISTS shown ON customers (brand, hidden, created_at, id);
CREATE INDEX IF NOT EXISTS by_id ON customers (brand, hidden);
"""
UNIQUE = ("phone", "code", "cid")
FIELDS = tuple("name email phone code cid description group_id gender date_of_birth".split())
SORTS = ("id", "cid", "group_id", "name", "email", "address", "created_at", "updated_at")
COLUMNS = (
    "brand",
    *FIELDS,
    "venue_id",
    "phones",
    "address",
    "created_at",
    "hidden",
    "folded_name",
    "numbers",
)
INSERT = (
    f"INSERT INTO customers ({', '.join(COLUMNS)})"  # noqa: S608 - our names
    f" VALUES ({', '.join(f':{column}' for column in COLUMNS)})"
)


@dataclass(frozen=True, slots=True)
class Query:
    """Filters of a list. None: no such filter."""

    brand: str
    name: str | None = None  # part of it
    phones: str | None = None  # digits, see Config.phones_filter
    phones_filter: str = "all"
    group_id: int | None = None
    since: str | None = None  # YYYY-MM-DD, both inclusive, on created_at
    until: str | None = None
    created_by: str | None = None  # a stamp: later ones aren't shown yet
    sort: str = "created_at"
    descending: bool = True
    page: int = 1
    limit: int = 50


class ClashError(Exception):
    """A value of `field` is taken already."""

    def __init__(self, field: str) -> None:
        super().__init__(field)
        self.field = field


class Store:
    """The customers of all brands."""

    def __init__(self, path: str = ":memory:") -> None:
        """Open or make the store. Raises UsageError when the file can't be used."""
        try:
            self._db = sqlite3.connect(path, isolation_level=None)
            self._db.row_factory = sqlite3.Row
            # Nothing is lost when the process is killed; a power cut may take the last moments.
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = OFF")
            self._db.executescript(SCHEMA)
        except sqlite3.Error as error:
            raise UsageError(
                tr("The sandbox can't keep its customers in {path}", path=path),
                why=str(error),
                fix=tr("name another file, or leave it out to keep them in memory"),
            ) from error

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def add(
        self,
        brand: str,
        values: Mapping[str, Any],
        *,
        now: float,
        venue_id: int = 1,
        order: Iterable[str] = UNIQUE,
        hidden: bool = False,
    ) -> dict[str, Any]:
        """Create a customer and return its row; all or nothing.

        `values` has keys of FIELDS, and maybe `phones` and `address`; `cid` is made when it isn't
        there. Values are compared as raw strings within the brand (API facts §13).

        Raises ClashError for the first field of `order` whose value is taken.
        """
        phones = list(values.get("phones") or ())
        row = {name: values.get(name) for name in FIELDS} | {
            "brand": brand,
            "cid": values.get("cid") or str(uuid.uuid4()),
            "venue_id": venue_id,
            "phones": json.dumps(phones, ensure_ascii=False),
            "address": values.get("address"),
            "created_at": stamp(now),
            "hidden": hidden,
            "folded_name": values["name"].casefold(),
            "numbers": "\n".join([values.get("phone") or "", *phones]),
        }
        try:
            cursor = self._db.execute(INSERT, row)
        except sqlite3.IntegrityError:
            raise ClashError(self._clash(row, order)) from None
        return row | {"id": cursor.lastrowid, "phones": phones}

    def _clash(self, row: Mapping[str, Any], order: Iterable[str]) -> str:
        for field in (*order, *UNIQUE):
            sql = f"SELECT 1 FROM customers WHERE brand = ? AND {field} = ?"  # noqa: S608 - our names
            if self._db.execute(sql, (row["brand"], row[field])).fetchone():
                return field
        raise AssertionError("an insert failed and nothing clashes")

    def get(self, brand: str, number: int) -> dict[str, Any] | None:
        """Return a visible customer by id, None when there is none."""
        sql = "SELECT * FROM customers WHERE id = ? AND brand = ? AND hidden = 0"
        return next(iter(self._row(sql, (number, brand))), None)

    def holder(self, brand: str, field: str, value: Any) -> dict[str, Any]:
        """Return the customer who has a unique value. Raises IndexError when there is none."""
        sql = f"SELECT * FROM customers WHERE brand = ? AND {field} = ?"  # noqa: S608 - our names
        return self._row(sql, (brand, value))[0]

    def remove(self, number: int, *, hidden: bool = False) -> bool:
        """Delete a customer; hidden: it is only shown no more, and blocks its values.

        Return whether there was one.
        """
        sql = "UPDATE customers SET hidden = 1" if hidden else "DELETE FROM customers"
        return self._db.execute(f"{sql} WHERE id = ?", (number,)).rowcount > 0

    def find(self, query: Query) -> tuple[list[dict[str, Any]], int]:
        """Return one page of customers, and how many match in all."""
        where, values = ["brand = ?", "hidden = 0"], [query.brand]
        conditions: list[tuple[str, Any]] = [
            ("instr(folded_name, ?)", query.name.casefold() if query.name is not None else None),
            ("group_id = ?", query.group_id),
            ("substr(created_at, 1, 10) >= ?", query.since),
            ("substr(created_at, 1, 10) <= ?", query.until),
            ("created_at <= ?", query.created_by),
        ]
        phone_filters = {
            "all": "instr(numbers, ?)",
            "extra": "instr(phones, ?)",
            "exact": "phone = ?",
        }
        if query.phones_filter in phone_filters:
            conditions.append((phone_filters[query.phones_filter], query.phones))
        for condition, value in conditions:
            if value is not None:
                where.append(condition)
                values.append(value)
        rest = f"FROM customers WHERE {' AND '.join(where)}"
        (total,) = self._db.execute(f"SELECT count(*) {rest}", values).fetchone()
        column = "created_at" if query.sort == "updated_at" else query.sort
        direction = "DESC" if query.descending else "ASC"
        order = f"ORDER BY {column} {direction}, id {direction} LIMIT ? OFFSET ?"
        page = [*values, query.limit, (query.page - 1) * query.limit]
        return self._row(f"SELECT * {rest} {order}", page), total

    def everyone(self, *, hidden: bool = True) -> list[dict[str, Any]]:
        """Return all customers of all brands in the order they were created."""
        where = "" if hidden else "WHERE hidden = 0"
        return self._row(f"SELECT * FROM customers {where} ORDER BY id", ())  # noqa: S608

    def count(self) -> int:
        """Return the number of customers, hidden ones too."""
        return int(self._db.execute("SELECT count(*) FROM customers").fetchone()[0])

    def _row(self, sql: str, values: Iterable[Any]) -> list[dict[str, Any]]:
        rows = [dict(row) for row in self._db.execute(sql, tuple(values))]
        for row in rows:
            row["phones"] = json.loads(row["phones"])
            row["hidden"] = bool(row["hidden"])
        return rows


def stamp(epoch: float) -> str:
    """Return the time as records have it: UTC with six decimals (API facts §9)."""
    return _stamp(int(epoch))


@lru_cache(maxsize=16)
def _stamp(epoch: int) -> str:
    return datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%dT%H:%M:%S.000000Z")
