"""The file of a journal: its tables, how they came to be, and what is taken for damage."""

from __future__ import annotations

import os
import secrets
import sqlite3
from typing import TYPE_CHECKING

from importer.errors import ServiceError
from importer.files import make_durable
from importer.i18n import tr
from importer.matching.keys import TOLD

if TYPE_CHECKING:
    from pathlib import Path

VERSION = 3

_RUNS = """
CREATE TABLE runs (
    id INTEGER PRIMARY KEY, started REAL NOT NULL, finished REAL, file TEXT, results TEXT,
    summary TEXT
);
CREATE TABLE requests (sent REAL NOT NULL);
CREATE TABLE secret (key BLOB NOT NULL);
"""
_FACTS = "CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;"
_ENTRY = """
    run INTEGER NOT NULL, state TEXT NOT NULL, after_id INTEGER, clopos_id TEXT,
    content TEXT NOT NULL, changed REAL NOT NULL
"""
_CUSTOMERS = f"""
CREATE TABLE customers (cid TEXT PRIMARY KEY, {_ENTRY}) WITHOUT ROWID;
CREATE TABLE log (cid TEXT NOT NULL, {_ENTRY});
"""
_KEY = "INSERT INTO secret VALUES (x'{}');"
_FROM_JSON = " || ';' || ".join(f"coalesce(json_extract(content, '$.{name}'), '')" for name in TOLD)
# Layout → what makes it the next one.
_UPGRADES = {
    1: _FACTS,
    2: f"""
    ALTER TABLE customers RENAME TO earlier;
    {_CUSTOMERS}
    INSERT INTO customers
    SELECT cid, run, state, after_id, clopos_id, {_FROM_JSON}, changed FROM earlier;
    DROP TABLE earlier;
    """,  # noqa: S608 - our names
}
CUSTOMER = "cid, run, state, after_id, clopos_id, content, changed"
_COLUMNS = {
    "runs": "id, started, finished, file, results, summary",
    "customers": CUSTOMER,
    "log": CUSTOMER,
    "requests": "sent",
    "facts": "name, value",
}
# What every row of `customers` and `log` says, unless it was damaged.
_SENSE = (
    "state IN ('sent', 'created', 'withdrawn') "
    "AND (state = 'created') = (typeof(clopos_id) = 'text') "
    f"AND length(content) - length(replace(content, ';', '')) = {len(TOLD) - 1} "
    "AND length(cid) + length(content) = length(CAST(cid || content AS BLOB))"  # ASCII
)
# Not what the disk or its permissions say, but what is in the file.
_DAMAGE = {sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}

# Of what was created only the id can change: nothing hides that it is there.
_SORT_IN = """
INSERT INTO customers SELECT * FROM log WHERE true ORDER BY cid, rowid
ON CONFLICT (cid) DO UPDATE SET
    state = excluded.state, clopos_id = excluded.clopos_id, changed = excluded.changed,
    run = CASE excluded.state WHEN 'sent' THEN excluded.run ELSE run END,
    after_id = CASE excluded.state WHEN 'sent' THEN excluded.after_id ELSE after_id END,
    content = CASE excluded.state WHEN 'sent' THEN excluded.content ELSE content END
WHERE state != 'created' OR excluded.state = 'created'
"""
_DROP_WITHDRAWN = """
DELETE FROM customers WHERE state = 'withdrawn'
AND cid IN (SELECT cid FROM log WHERE state = 'withdrawn')
"""


def connect(path: Path) -> sqlite3.Connection:
    """Open a journal, or make one that only its owner can read, and bring it up to date.

    Raises ServiceError when it is from a newer version of this program, OSError or sqlite3.Error
    when it can't be opened or is damaged (`is_damage`).
    """
    if not path.exists():
        # What a journal left that somebody took away would be taken for a part of this one.
        for suffix in ("-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
        make_durable(path.parent)
    db = sqlite3.connect(path, check_same_thread=False)
    try:
        db.execute("PRAGMA journal_mode = WAL")
        # An intention lost in a power cut would be a customer sent twice.
        db.execute("PRAGMA synchronous = FULL")
        db.execute("PRAGMA fullfsync = 1")  # on a Mac, fsync alone doesn't reach the disk
        (version,) = db.execute("PRAGMA user_version").fetchone()
        if version > VERSION:
            raise ServiceError(
                tr(
                    "The journal {path} was written by a newer version of this program",
                    path=path,
                ),
                why=tr(
                    "it has layout {version}, this program knows {known}",
                    version=version,
                    known=VERSION,
                ),
                todo=tr("update clopos-import"),
            )
        if version == 0:
            key = secrets.token_hex(32)
            _to_version(db, VERSION, _RUNS + _FACTS + _CUSTOMERS + _KEY.format(key))
        for old in range(version or VERSION, VERSION):
            _to_version(db, old + 1, _UPGRADES[old])
        _check(db)
    except BaseException:
        db.close()
        raise
    return db


def sort_in(db: sqlite3.Connection) -> None:
    """Bring what the log says to where it is looked up, in the transaction of the caller."""
    if db.execute("SELECT 1 FROM log LIMIT 1").fetchone():
        for statement in (_SORT_IN, _DROP_WITHDRAWN, "DELETE FROM log"):
            db.execute(statement)


def is_damage(error: sqlite3.Error) -> bool:
    """Tell whether an error is of what is in the file, not of the disk or its permissions."""
    # What Python or we raise, without a code, is about the content.
    return getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF in _DAMAGE


def _to_version(db: sqlite3.Connection, version: int, script: str) -> None:
    """Change the layout in one step: a process that is killed meanwhile leaves the old one."""
    db.executescript(f"BEGIN IMMEDIATE; {script} PRAGMA user_version = {version}; COMMIT;")


def _check(db: sqlite3.Connection) -> None:
    """Raise sqlite3.Error when something of a journal is missing or unreadable."""
    for table, columns in _COLUMNS.items():
        db.execute(f"SELECT {columns} FROM {table} LIMIT 1").fetchall()  # noqa: S608 - our names
    sound = db.execute("PRAGMA quick_check").fetchone() == ("ok",)
    strange = any(
        db.execute(f"SELECT 1 FROM {table} WHERE NOT ({_SENSE}) LIMIT 1").fetchone()  # noqa: S608
        for table in ("customers", "log")
    )
    if not sound or strange or db.execute("SELECT count(*) FROM secret").fetchone() != (1,):
        raise sqlite3.DatabaseError(tr("something of it is missing or unreadable"))
