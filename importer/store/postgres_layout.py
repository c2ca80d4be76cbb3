"""The tables of all brands in PostgreSQL, schema `clopos`, and their upgrades.

A brand is first in every key. Times of leases and requests are the database's, by `clock()`: the
clocks of the workers may differ. The other times are the worker's own, as in SQLite.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from importer.errors import ServiceError, UsageError
from importer.i18n import tr
from importer.store.postgres_connection import only_read

if TYPE_CHECKING:
    import psycopg

_FIRST: Final = """
CREATE FUNCTION clock() RETURNS double precision LANGUAGE sql
AS 'SELECT extract(epoch FROM clock_timestamp())::double precision';

CREATE TABLE brands (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    base_url text NOT NULL, brand text NOT NULL, key bytea NOT NULL,
    rebuild boolean NOT NULL
);
CREATE UNIQUE INDEX brands_once ON brands (lower(base_url), lower(brand));
-- Unique: an update that changes the token, and no other, waits for the fence (FOR KEY SHARE).
CREATE TABLE leases (
    brand_id bigint PRIMARY KEY REFERENCES brands, token bigint NOT NULL, owner text NOT NULL,
    until double precision NOT NULL, UNIQUE (brand_id, token)
);
CREATE TABLE runs (
    brand_id bigint REFERENCES brands, id bigint, kind text NOT NULL, file text NOT NULL,
    sheet text NOT NULL, started double precision NOT NULL, finished double precision,
    results text, venue text, version integer, sandbox boolean, options text NOT NULL,
    summary text NOT NULL, forgotten double precision, PRIMARY KEY (brand_id, id)
);
CREATE TABLE checks (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, kind text NOT NULL, brand text NOT NULL,
    base_url text NOT NULL, file text NOT NULL, sheet text NOT NULL,
    started double precision NOT NULL, finished double precision, results text, venue text,
    version integer, sandbox boolean, options text NOT NULL, summary text NOT NULL,
    forgotten double precision
);
CREATE TABLE entries (
    brand_id bigint, digest text, run bigint NOT NULL, state text NOT NULL, after_id bigint,
    clopos_id text, packed text NOT NULL, changed double precision NOT NULL,
    PRIMARY KEY (brand_id, digest)
);
CREATE INDEX entries_of_customers ON entries (brand_id, clopos_id);
CREATE TABLE log (
    brand_id bigint, id bigint GENERATED ALWAYS AS IDENTITY, digest text NOT NULL,
    run bigint NOT NULL, state text NOT NULL, after_id bigint, clopos_id text,
    packed text NOT NULL, changed double precision NOT NULL, keys text,
    PRIMARY KEY (brand_id, id)
) WITH (autovacuum_vacuum_scale_factor = 0.02);
CREATE TABLE looks (brand_id bigint, customer text, packed text NOT NULL, run bigint NOT NULL);
-- By its hash: evidence may be longer than an index takes.
CREATE UNIQUE INDEX looks_once ON looks (brand_id, customer, hashtextextended(packed, 0));
CREATE TABLE keys (
    brand_id bigint, key text, customer text, PRIMARY KEY (brand_id, key, customer)
);
CREATE INDEX keys_of_customers ON keys (brand_id, customer);
CREATE TABLE marks (brand_id bigint, customer text, mark text NOT NULL);
CREATE UNIQUE INDEX marks_once ON marks (brand_id, customer, hashtextextended(mark, 0));
CREATE TABLE sheets (
    brand_id bigint, id bigint GENERATED ALWAYS AS IDENTITY, name text NOT NULL,
    run bigint NOT NULL, PRIMARY KEY (brand_id, id), UNIQUE (brand_id, name)
);
CREATE TABLE sheet_rows (
    brand_id bigint, sheet bigint, row_key text, customer text,
    PRIMARY KEY (brand_id, sheet, row_key)
);
CREATE INDEX rows_of_customers ON sheet_rows (brand_id, customer);
CREATE TABLE decisions (
    brand_id bigint, row_key text, customer text, verdict text NOT NULL, packed text NOT NULL,
    decided double precision NOT NULL, PRIMARY KEY (brand_id, row_key, customer)
);
CREATE TABLE requests (
    brand_id bigint, second bigint, count integer NOT NULL, PRIMARY KEY (brand_id, second)
) WITH (autovacuum_vacuum_scale_factor = 0.02);
CREATE TABLE snapshots (
    brand_id bigint PRIMARY KEY, edition text NOT NULL, taken double precision NOT NULL,
    content bytea NOT NULL
);
ALTER TABLE snapshots ALTER content SET STORAGE EXTERNAL; -- it is compressed already
CREATE TABLE failures (
    address text, worker text, second bigint, count integer NOT NULL,
    PRIMARY KEY (address, worker, second)
) WITH (autovacuum_vacuum_scale_factor = 0.02);
"""
_LAYOUTS: Final = (_FIRST,)
"""Statements that make each layout of the one before; the first of nothing."""

VERSION = len(_LAYOUTS)

_VERSION: Final = "SELECT version FROM clopos.layout"
# Not by to_regclass, which wouldn't see what another process made while the lock was waited for.
_EXISTS: Final = """
SELECT 1 FROM pg_catalog.pg_tables WHERE schemaname = 'clopos' AND tablename = 'layout'
"""
_LOCK: Final = "SELECT pg_advisory_xact_lock(hashtextextended('clopos.layout', 0))"
_BEGIN: Final = """
CREATE SCHEMA IF NOT EXISTS clopos;
CREATE TABLE IF NOT EXISTS clopos.layout (version integer NOT NULL);
"""
_SAFETY: Final = """
SELECT current_setting('fsync'), current_setting('full_page_writes'),
  current_setting('transaction_read_only')
"""


def prepare(db: psycopg.Connection[Any]) -> None:
    """Make or upgrade the tables, all of it in one transaction.

    Raises ServiceError when they are of a newer version of this program, and as `check_server`.
    """
    check_server(db)
    if _layout(db) == VERSION:
        return
    with db.transaction():
        db.execute(_LOCK)  # another process may be making the same tables
        version = _layout(db)
        if version == VERSION:
            return
        if not version:
            db.execute(_BEGIN)
        for layout in _LAYOUTS[version:]:
            db.execute(layout)
        db.execute("DELETE FROM clopos.layout")
        db.execute("INSERT INTO clopos.layout VALUES (%s)", (VERSION,))


def exists(db: psycopg.Connection[Any]) -> bool:
    """Return whether there are tables. Raises ServiceError when they are of a newer version."""
    return _layout(db) > 0


def _layout(db: psycopg.Connection[Any]) -> int:
    """Return the version of the tables, 0 where there are none."""
    row = db.execute(_VERSION).fetchone() if db.execute(_EXISTS).fetchone() else None
    version = int(row[0]) if row else 0
    if version > VERSION:
        raise ServiceError(
            tr("The tables of the database were made by a newer version of this program"),
            why=tr(
                "it has layout {version}, this program knows {known}",
                version=version,
                known=VERSION,
            ),
            fix=tr("update clopos-import"),
            code="newer_layout",
        )
    return version


def check_server(db: psycopg.Connection[Any]) -> None:
    """Check that a server keeps what it is given.

    Raises UsageError when it may lose what it has committed, ServiceError when it can only be read;
    psycopg.Error.
    """
    *safety, read_only = db.execute(_SAFETY).fetchone() or ("on", "on", "off")
    for name, value in zip(("fsync", "full_page_writes"), safety, strict=True):
        if value != "on":
            raise UsageError(
                tr("The database doesn't keep what it has committed: {name} is off", name=name),
                why=tr("after a power cut rows could be sent twice"),
                fix=tr("set {name} = on in postgresql.conf, and reload it", name=name),
                code="not_durable",
            )
    if read_only == "on":
        raise only_read(f"{db.info.host}:{db.info.port}/{db.info.dbname}")
