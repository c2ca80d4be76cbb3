"""The file of a journal: its tables, how entries are merged, and what is taken for damage."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from importer.errors import ServiceError
from importer.i18n import tr
from importer.matching.layout3 import PACKED
from importer.store.records import LEGACY
from importer.store.sqlite_file import get_fact
from importer.store.sqlite_upgrade import upgrade

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

VERSION = 4
KEY_CHECK = "key check"  # a digest by which another key is noticed
REBUILD = "to rebuild"

RUN = (
    "id, kind, brand, base_url, file, started, finished, results, venue, version, sandbox, "
    "options, summary, forgotten"
)
"""Columns of `runs` in the order of the fields of `RunRecord`."""

RUNS = """
CREATE TABLE runs (
    id INTEGER PRIMARY KEY, kind TEXT NOT NULL DEFAULT 'run', brand TEXT, base_url TEXT, file TEXT,
    sheet TEXT, started REAL NOT NULL, finished REAL, results TEXT, venue TEXT, version INTEGER,
    sandbox INTEGER, options TEXT, summary TEXT, forgotten REAL
);
"""
ENTRY = "digest, run, state, after_id, clopos_id, packed, changed, cid"
"""Columns of `entries` in the order of the rows that are read."""

_ENTRIES = """
CREATE TABLE entries (
    digest TEXT PRIMARY KEY, run INTEGER NOT NULL, state TEXT NOT NULL, after_id INTEGER,
    clopos_id TEXT, packed TEXT NOT NULL, changed REAL NOT NULL, cid TEXT
) WITHOUT ROWID;
CREATE TABLE log (
    digest TEXT NOT NULL, run INTEGER NOT NULL, state TEXT NOT NULL, after_id INTEGER,
    clopos_id TEXT, packed TEXT NOT NULL, changed REAL NOT NULL, keys TEXT
);
"""
_PEOPLE = """
CREATE TABLE looks (
    customer TEXT, packed TEXT, run INTEGER NOT NULL, PRIMARY KEY (customer, packed)
) WITHOUT ROWID;
CREATE TABLE keys (key TEXT, customer TEXT, PRIMARY KEY (key, customer)) WITHOUT ROWID;
CREATE TABLE marks (customer TEXT, mark TEXT, PRIMARY KEY (customer, mark)) WITHOUT ROWID;
CREATE TABLE sheets (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, run INTEGER NOT NULL);
CREATE TABLE sheet_rows (
    sheet INTEGER, row_key TEXT, customer TEXT, PRIMARY KEY (sheet, row_key)
) WITHOUT ROWID;
CREATE INDEX rows_of_customers ON sheet_rows (customer, sheet);
CREATE TABLE decisions (
    row_key TEXT, customer TEXT NOT NULL, verdict TEXT NOT NULL, packed TEXT NOT NULL,
    decided REAL NOT NULL, PRIMARY KEY (row_key, customer)
) WITHOUT ROWID;
"""
_OTHERS = """
CREATE TABLE requests (sent REAL NOT NULL);
CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
"""
_COLUMNS = {
    "runs": RUN + ", sheet",
    "entries": ENTRY,
    "log": "digest, run, state, after_id, clopos_id, packed, changed, keys",
    "looks": "customer, packed, run",
    "keys": "key, customer",
    "marks": "customer, mark",
    "sheets": "id, name, run",
    "sheet_rows": "sheet, row_key, customer",
    "decisions": "row_key, customer, verdict, packed, decided",
    "requests": "sent",
    "facts": "name, value",
}
# True for every row of `entries` and `log` that isn't damaged.
_SENSE = (
    "state IN ('sent', 'created', 'existed', 'gone', 'withdrawn') "
    "AND (state IN ('created', 'existed', 'gone')) = (typeof(clopos_id) = 'text') "
    "AND length(digest) = 24 AND digest NOT GLOB '*[^0-9a-f]*' "
    "AND packed NOT GLOB '*[^ -~]*' "  # printable ASCII
    f"AND (packed NOT LIKE '{LEGACY}%' "
    f"OR length(packed) - length(replace(packed, ';', '')) = {len(PACKED) - 1})"
)

# What was created stays created: only its id can change, and only `gone` ends it.
_MERGE = """
INSERT INTO entries
SELECT digest, run, state, after_id, clopos_id, packed, changed, NULL
FROM log WHERE true ORDER BY digest, rowid
ON CONFLICT (digest) DO UPDATE SET
    state = excluded.state, clopos_id = excluded.clopos_id, changed = excluded.changed, cid = NULL,
    run = CASE excluded.state WHEN 'sent' THEN excluded.run ELSE run END,
    after_id = CASE excluded.state WHEN 'sent' THEN excluded.after_id ELSE after_id END,
    packed = CASE excluded.state WHEN 'sent' THEN excluded.packed ELSE packed END
WHERE excluded.state IN ('created', 'gone') OR state IN ('sent', 'withdrawn')
    OR (state = 'existed' AND excluded.state = 'existed')
"""
# The evidence of a row becomes that of its customer as soon as it has an id.
_IDENTIFY = """
CREATE TEMP TABLE identified AS
SELECT entries.clopos_id AS customer, entries.packed, entries.run, digest, log.keys
FROM log JOIN entries USING (digest)
WHERE log.keys IS NOT NULL AND entries.state IN ('created', 'existed')
"""
_AFTER_MERGE = (
    """
    DELETE FROM entries WHERE state = 'withdrawn'
    AND digest IN (SELECT digest FROM log WHERE state = 'withdrawn')
    """,
    _IDENTIFY,
    """
    INSERT OR IGNORE INTO looks SELECT customer, packed, run FROM identified
    WHERE packed != '' ORDER BY customer
    """,
    """
    INSERT OR IGNORE INTO keys
    SELECT value, customer FROM identified, json_each(identified.keys)
    UNION SELECT digest, customer FROM identified
    """,
    "DROP TABLE identified",
    """
    DELETE FROM looks
    WHERE customer IN (SELECT clopos_id FROM log WHERE state = 'gone')
    """,
    """
    DELETE FROM keys
    WHERE customer IN (SELECT clopos_id FROM log WHERE state = 'gone')
    """,
    "DELETE FROM log",
)


def bring_up_to_date(
    db: sqlite3.Connection, path: Path, digest: Callable[[str], str], *, lost: bool
) -> None:
    """Make or upgrade the tables of a journal, each step in a transaction of its own.

    `lost`: a new journal takes the place of one that is to be rebuilt. Raises ServiceError when it
    is from a newer version of this program, sqlite3.Error when it is damaged.
    """
    (version,) = db.execute("PRAGMA user_version").fetchone()
    if version > VERSION:
        raise ServiceError(
            tr("The journal {path} was written by a newer version of this program", path=path),
            why=tr(
                "it has layout {version}, this program knows {known}",
                version=version,
                known=VERSION,
            ),
            fix=tr("update clopos-import"),
        )
    if version == VERSION:
        return
    facts = f"INSERT INTO facts VALUES ('{KEY_CHECK}', '{digest('')}');"  # noqa: S608 - ours
    tables = RUNS + _ENTRIES + _PEOPLE
    if version:
        upgrade(db, version, tables, digest, facts)
    else:
        if lost:
            facts += f"INSERT INTO facts VALUES ('{REBUILD}', '');"  # noqa: S608 - our names
        script = f"{tables} {_OTHERS} {facts} PRAGMA user_version = {VERSION};"
        db.executescript(f"BEGIN IMMEDIATE; {script} COMMIT;")


def merge_log(db: sqlite3.Connection) -> None:
    """Bring the log to where it is looked up, in the transaction of the caller."""
    if db.execute("SELECT 1 FROM log LIMIT 1").fetchone():
        for statement in (_MERGE, *_AFTER_MERGE):
            db.execute(statement)


def check_sound(db: sqlite3.Connection) -> None:
    """Raise sqlite3.Error when something of a journal is missing or unreadable."""
    for table, columns in _COLUMNS.items():
        db.execute(f"SELECT {columns} FROM {table} LIMIT 1").fetchall()  # noqa: S608 - our names
    sound = db.execute("PRAGMA quick_check").fetchone() == ("ok",)
    strange = any(
        db.execute(f"SELECT 1 FROM {table} WHERE NOT ({_SENSE}) LIMIT 1").fetchone()  # noqa: S608
        for table in ("entries", "log")
    )
    if not sound or strange or get_fact(db, KEY_CHECK) is None:
        raise sqlite3.DatabaseError(tr("a part of it is missing or unreadable"))
