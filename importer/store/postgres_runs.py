"""Runs in PostgreSQL: those of brands, and beside them checks and dry runs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from importer.store import postgres_layout
from importer.store.records import Kind, RunRecord
from importer.store.sqlite_file import as_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from importer.settings import Settings
    from importer.store.postgres_connection import Connection
    from importer.store.records import RunEnd, RunStart

_FIELDS = RunRecord.__dataclass_fields__.keys()

_UNFINISHED: Final = """
SELECT id, summary FROM runs WHERE brand_id = %s AND finished IS NULL ORDER BY id DESC LIMIT 1
"""
_NEW: Final = """
INSERT INTO runs (brand_id, id, kind, file, sheet, started, venue, version, sandbox, options,
    summary)
SELECT %s, coalesce(max(id), 0) + 1, %s, %s, %s, %s, %s, %s, %s, %s, '{}'
FROM runs WHERE brand_id = %s RETURNING id
"""
_RESUME: Final = """
UPDATE runs SET file = %s, sheet = %s, venue = %s, version = %s, sandbox = %s, options = %s
WHERE brand_id = %s AND id = %s
"""
_END: Final = """
UPDATE runs SET finished = %s, results = %s, summary = %s WHERE brand_id = %s AND id = %s
RETURNING sheet
"""
_SHEET: Final = """
INSERT INTO sheets (brand_id, name, run) VALUES (%s, %s, %s)
ON CONFLICT (brand_id, name) DO UPDATE SET run = excluded.run RETURNING id
"""
_NO_ROWS: Final = "DELETE FROM sheet_rows WHERE brand_id = %s AND sheet = %s"
_ROWS: Final = """
INSERT INTO sheet_rows
SELECT DISTINCT ON (row_key) %s, %s::bigint, row_key, customer
FROM unnest(%s::text[], %s::text[]) WITH ORDINALITY AS rows (row_key, customer, position)
ORDER BY row_key, position DESC
"""
_NOTE: Final = """
INSERT INTO checks (kind, brand, base_url, file, sheet, started, venue, version, sandbox,
    options, finished, results, summary)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""
_COLUMNS: Final = """
runs.id, kind, brand, base_url, file, started, finished, results, venue, version, sandbox,
options, summary, forgotten
"""
_RUNS: Final = (
    f"SELECT {_COLUMNS} FROM runs JOIN brands ON brand_id = brands.id WHERE brand_id = %s "  # noqa: S608 - our names
    "ORDER BY runs.id DESC"
)
_HISTORY: Final = (
    f"SELECT {_COLUMNS} FROM runs JOIN brands ON brand_id = brands.id "  # noqa: S608 - our names
    f"UNION ALL SELECT {_COLUMNS.replace('runs.id', 'id')} FROM checks"
)


def begin(db: Connection, brand: int, start: RunStart, now: float) -> tuple[int, Mapping[str, Any]]:
    """Start or resume a run; return its number and the summary of its earlier part."""
    if row := db.execute(_UNFINISHED, (brand,)).fetchone():
        db.execute(_RESUME, (start.file, _sheet(start), *_target(start), brand, row[0]))
        return int(row[0]), json.loads(row[1])
    values = (brand, start.kind, start.file, _sheet(start), now, *_target(start), brand)
    new = db.execute(_NEW, values).fetchone()
    return (int(new[0]) if new else 0), {}


def finish(db: Connection, brand: int, run: int, end: RunEnd, now: float) -> None:
    """Note how a run ended, and the rows of its sheet."""
    values = (now if end.done else None, end.results, as_json(end.summary), brand, run)
    ended = db.execute(_END, values).fetchone()
    if ended is None or not end.done or end.rows is None:
        return
    rows = [*end.rows]
    sheet = db.execute(_SHEET, (brand, ended[0], run)).fetchone()
    number = sheet[0] if sheet else None
    db.execute(_NO_ROWS, (brand, number))
    keys, customers = [key for key, _ in rows], [customer for _, customer in rows]
    db.execute(_ROWS, (brand, number, keys, customers))


def runs(db: Connection, brand: int) -> list[RunRecord]:
    """Return the runs of a brand, newest first."""
    return [_record(row) for row in db.execute(_RUNS, (brand,))]


def note(
    db: Connection, start: RunStart, end: RunEnd, settings: Settings, when: tuple[float, float]
) -> None:
    """Add a check or dry run; `when` it started and finished."""
    postgres_layout.prepare(db)
    where = (settings.brand, settings.base_url, start.file, _sheet(start))
    ended = (when[1], end.results, as_json(end.summary))
    db.execute(_NOTE, (start.kind, *where, when[0], *_target(start), *ended))


def history(db: Connection) -> list[RunRecord]:
    """Return the runs, checks and dry runs of all brands, newest first."""
    if not postgres_layout.exists(db):
        return []
    found = [_record(row) for row in db.execute(_HISTORY)]
    return sorted(found, key=lambda run: -run.started)


def _sheet(start: RunStart) -> str:
    return start.sheet or start.file


def _target(start: RunStart) -> tuple[Any, ...]:
    return start.venue, start.version, start.sandbox, as_json(start.options)


def _record(row: tuple[Any, ...]) -> RunRecord:
    values = dict(zip(_FIELDS, row, strict=True))
    values["kind"] = Kind(values["kind"])
    values["options"] = json.loads(values["options"])
    values["summary"] = json.loads(values["summary"])
    return RunRecord(**values)
