"""Journals of earlier layouts, up to 3: the cid in clear, the key in the same file."""

from __future__ import annotations

import contextlib
import sqlite3
from typing import TYPE_CHECKING

from importer.i18n import tr
from importer.matching.layout3 import PACKED
from importer.store.records import LEGACY

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Digest = Callable[[str], str]

_OLD = """
    run INTEGER NOT NULL, state TEXT NOT NULL, after_id INTEGER, clopos_id TEXT,
    content TEXT NOT NULL, changed REAL NOT NULL
"""
_FROM_JSON = " || ';' || ".join(
    f"coalesce(json_extract(content, '$.{name}'), '')" for name in PACKED
)
# Layout → what makes it the next one.
_EARLIER = {
    1: "CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;",
    2: f"""
    ALTER TABLE customers RENAME TO earlier;
    CREATE TABLE customers (cid TEXT PRIMARY KEY, {_OLD}) WITHOUT ROWID;
    CREATE TABLE log (cid TEXT NOT NULL, {_OLD});
    INSERT INTO customers
    SELECT cid, run, state, after_id, clopos_id, {_FROM_JSON}, changed FROM earlier;
    DROP TABLE earlier;
    """,  # noqa: S608 - our names
}
_MERGE = """
    INSERT INTO customers SELECT * FROM log WHERE true ORDER BY cid, rowid
    ON CONFLICT (cid) DO UPDATE SET
        state = excluded.state, clopos_id = excluded.clopos_id, changed = excluded.changed,
        run = CASE excluded.state WHEN 'sent' THEN excluded.run ELSE run END,
        after_id = CASE excluded.state WHEN 'sent' THEN excluded.after_id ELSE after_id END,
        content = CASE excluded.state WHEN 'sent' THEN excluded.content ELSE content END
    WHERE state != 'created' OR excluded.state = 'created';
    DELETE FROM customers WHERE state = 'withdrawn';
    ALTER TABLE customers RENAME TO old_customers;
    ALTER TABLE runs RENAME TO old_runs;
    DROP TABLE log;
"""
# The cid itself stays only where the old one is still needed: to settle a row in doubt.
_TO_4 = f"""
    INSERT OR IGNORE INTO entries
    SELECT keyed(cid), run, state, after_id, clopos_id, '{LEGACY}' || content, changed,
        CASE state WHEN 'sent' THEN cid END
    FROM old_customers ORDER BY state;
    INSERT OR IGNORE INTO looks
    SELECT clopos_id, packed, run FROM entries WHERE state = 'created';
    INSERT OR IGNORE INTO keys SELECT digest, clopos_id FROM entries WHERE state = 'created';
    INSERT INTO runs (id, file, sheet, started, finished, results, summary)
    SELECT id, file, file, started, finished, results, summary FROM old_runs;
    DROP TABLE old_customers;
    DROP TABLE old_runs;
    DROP TABLE secret;
"""  # noqa: S608 - our names; of cids that differ in case 'created' goes before 'sent'


def is_empty(path: Path) -> bool:
    """Return whether there is no journal at a path, or one without tables."""
    if not path.exists():
        return True
    with contextlib.suppress(sqlite3.Error), contextlib.closing(sqlite3.connect(path)) as db:
        return not db.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchall()
    return False  # damaged


def old_key(path: Path) -> bytes | None:
    """Return the key that a journal of layout 1 to 3 holds, None for a newer or damaged one."""
    if not path.exists():
        return None
    with contextlib.suppress(sqlite3.Error), contextlib.closing(sqlite3.connect(path)) as db:
        (version,) = db.execute("PRAGMA user_version").fetchone()
        if 0 < version < 4:
            keys = db.execute("SELECT key FROM secret").fetchall()
            if len(keys) == 1 and isinstance(keys[0][0], bytes):
                return keys[0][0]
    return None


def upgrade(db: sqlite3.Connection, version: int, tables: str, digest: Digest, facts: str) -> None:
    """Bring a journal to layout 4: all of it in one transaction, or nothing.

    `tables` makes the tables that are new, `facts` fills them. What is removed is overwritten
    (`secure_delete`), SQLite's own log included. Raises sqlite3.Error for a damaged journal; then
    the connection has to be closed.
    """
    if db.execute("PRAGMA quick_check").fetchone() != ("ok",):
        raise sqlite3.DatabaseError(tr("a part of it is missing or unreadable"))
    db.create_function("keyed", 1, digest, deterministic=True)
    earlier = "".join(_EARLIER[old] for old in range(version, 3))
    script = f"{earlier} {_MERGE} {tables} {_TO_4} {facts} PRAGMA user_version = 4;"
    db.executescript(f"BEGIN IMMEDIATE; {script} COMMIT;")
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
