"""Runs in SQLite: those of a journal, and beside them checks and dry runs of all brands."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from typing import TYPE_CHECKING, Any

from importer.i18n import tr
from importer.store.records import History, Kind, RunRecord
from importer.store.sqlite_file import as_json, connect, read_only, wipe_deleted
from importer.store.sqlite_layout import RUN, RUNS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from importer.store.records import RunEnd, RunStart

OTHERS = "history.sqlite"
"""File of checks and dry runs, beside the folders of the brands."""

_FIELDS = RUN.split(", ")
_ERASE_OTHERS = """
DELETE FROM runs WHERE lower(brand) = lower(?) AND lower(base_url) = lower(?) AND started < ?
"""
_NEW = (
    "INSERT INTO runs (kind, brand, base_url, file, sheet, started, venue, version, sandbox, "
    "options) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_END = "UPDATE runs SET finished = ?, results = ?, summary = ? WHERE id = ?"
# Layouts 1 to 3 have fewer columns.
_OLD_RUN = (
    "id, 'run', NULL, NULL, file, started, finished, results, NULL, NULL, NULL, NULL, summary, NULL"
)


def begin(
    db: sqlite3.Connection, start: RunStart, brand: str, base_url: str, now: float
) -> tuple[int, Mapping[str, Any]]:
    """Start or resume a run; return its number and the summary of its earlier part."""
    row = db.execute(
        "SELECT id, summary FROM runs WHERE finished IS NULL ORDER BY id DESC LIMIT 1"
    ).fetchone()
    if not row:
        return _add(db, start, brand, base_url, now), {}
    db.execute(
        "UPDATE runs SET file = ?, sheet = ?, venue = ?, version = ?, sandbox = ?, options = ?, "
        "brand = ?, base_url = ? WHERE id = ?",
        (start.file, _sheet(start), *_target(start), brand, base_url, row[0]),
    )
    return int(row[0]), json.loads(row[1] or "{}")


def finish(db: sqlite3.Connection, run: int, end: RunEnd, now: float) -> None:
    """Note how a run ended, and the rows of its sheet."""
    db.execute(_END, (now if end.done else None, end.results, as_json(end.summary), run))
    if not end.done or end.rows is None:
        return
    (sheet,) = db.execute("SELECT sheet FROM runs WHERE id = ?", (run,)).fetchone()
    (number,) = db.execute(
        "INSERT INTO sheets (name, run) VALUES (?, ?) "
        "ON CONFLICT (name) DO UPDATE SET run = excluded.run RETURNING id",
        (sheet, run),
    ).fetchone()
    db.execute("DELETE FROM sheet_rows WHERE sheet = ?", (number,))
    db.executemany(
        "INSERT OR REPLACE INTO sheet_rows VALUES (?, ?, ?)",
        ((number, key, customer) for key, customer in sorted(end.rows, key=lambda row: row[0])),
    )


def runs(db: sqlite3.Connection, brand: str | None = None) -> list[RunRecord]:
    """Return the runs of an open file, newest first; `brand` where a run has none."""
    (version,) = db.execute("PRAGMA user_version").fetchone()
    columns = RUN if version >= 4 else _OLD_RUN
    rows = db.execute(f"SELECT {columns} FROM runs ORDER BY id DESC")  # noqa: S608 - our names
    return [_record(row, brand) for row in rows]


def note(
    path: Path, start: RunStart, end: RunEnd, brand: str, base_url: str, when: tuple[float, float]
) -> None:
    """Add a check or dry run to the file of these; `when` it started and finished.

    Raises UsageError when the file is another user's, OSError, sqlite3.Error.
    """
    with contextlib.closing(connect(path)) as db:
        db.executescript(RUNS.replace("CREATE TABLE", "CREATE TABLE IF NOT EXISTS"))
        db.execute("PRAGMA user_version = 4")
        with db:
            number = _add(db, start, brand, base_url, when[0])
            db.execute(_END, (when[1], end.results, as_json(end.summary), number))


def erase_others(path: Path, brand: str, base_url: str, before: float | None) -> None:
    """Erase the checks and dry runs of a brand; `before` spares what began then or later.

    Raises UsageError when the file is another user's, OSError, sqlite3.Error.
    """
    if not path.exists():
        return
    with contextlib.closing(connect(path)) as db:
        with db:
            until = float("inf") if before is None else before
            db.execute(_ERASE_OTHERS, (brand, base_url, until))
        wipe_deleted(db)


def history(folder: Path) -> History:
    """Return the runs of all brands whose folders are in `folder`."""
    found: list[RunRecord] = []
    unreadable: list[str] = []
    for path in (*sorted(folder.glob("*/journal.sqlite")), folder / OTHERS):
        if not path.exists():
            continue
        brand = path.parent.name.rpartition("-")[0] if path.name != OTHERS else None
        try:
            with contextlib.closing(read_only(path)) as db:
                found += runs(db, brand or None)
        except (sqlite3.Error, ValueError) as error:
            unreadable.append(tr("The journal can't be read: {path} ({why})", path=path, why=error))
    return History(tuple(sorted(found, key=lambda run: -run.started)), tuple(unreadable))


def _add(db: sqlite3.Connection, start: RunStart, brand: str, base_url: str, now: float) -> int:
    values = (start.kind, brand, base_url, start.file, _sheet(start), now, *_target(start))
    return int(db.execute(_NEW, values).lastrowid or 0)


def _sheet(start: RunStart) -> str:
    return start.sheet or start.file


def _target(start: RunStart) -> tuple[Any, ...]:
    return start.venue, start.version, start.sandbox, as_json(start.options)


def _record(row: tuple[Any, ...], brand_of_folder: str | None) -> RunRecord:
    values = dict(zip(_FIELDS, row, strict=True))
    values |= {
        "kind": Kind(values["kind"]),
        "brand": values["brand"] or brand_of_folder,
        "sandbox": None if values["sandbox"] is None else bool(values["sandbox"]),
        "options": json.loads(values["options"] or "{}"),
        "summary": json.loads(values["summary"] or "{}"),
    }
    return RunRecord(**values)
