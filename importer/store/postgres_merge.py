"""Bring the log of a brand to where it is looked up: the same rules as in SQLite.

What was created stays created: only its id can change, and only `gone` ends it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from importer.store.postgres_connection import Connection

_ANY: Final = "SELECT 1 FROM log WHERE brand_id = %s LIMIT 1"
_TAKEN: Final = "CREATE TEMP TABLE taken (LIKE log, turn integer) ON COMMIT DROP"
# Taken out and read in one statement: a fact of an earlier holder may be written meanwhile.
_TAKE: Final = """
WITH gone AS (DELETE FROM log WHERE brand_id = %s RETURNING *)
INSERT INTO taken SELECT gone.*, row_number() OVER (PARTITION BY digest ORDER BY id) FROM gone
"""
_ANALYSE: Final = "ANALYZE taken"
_TURNS: Final = "SELECT max(turn) FROM taken"
# One note of each digest at a time: a statement can't change a row twice.
_MERGE: Final = """
INSERT INTO entries AS known
SELECT brand_id, digest, run, state, after_id, clopos_id, packed, changed
FROM taken WHERE turn = %s ORDER BY digest
ON CONFLICT (brand_id, digest) DO UPDATE SET
    state = excluded.state, clopos_id = excluded.clopos_id, changed = excluded.changed,
    run = CASE excluded.state WHEN 'sent' THEN excluded.run ELSE known.run END,
    after_id = CASE excluded.state WHEN 'sent' THEN excluded.after_id ELSE known.after_id END,
    packed = CASE excluded.state WHEN 'sent' THEN excluded.packed ELSE known.packed END
WHERE excluded.state IN ('created', 'gone') OR known.state IN ('sent', 'withdrawn')
    OR (known.state = 'existed' AND excluded.state = 'existed')
"""
_DROP_WITHDRAWN: Final = """
DELETE FROM entries USING (SELECT DISTINCT digest FROM taken WHERE state = 'withdrawn') AS w
WHERE brand_id = %s AND entries.digest = w.digest AND state = 'withdrawn'
"""
# The evidence of a row becomes that of its customer as soon as it has an id.
_LOOKS: Final = """
INSERT INTO looks
SELECT DISTINCT entries.brand_id, entries.clopos_id, entries.packed, entries.run
FROM taken JOIN entries USING (brand_id, digest)
WHERE taken.keys IS NOT NULL AND entries.state IN ('created', 'existed') AND entries.packed != ''
ON CONFLICT DO NOTHING
"""
_KEYS: Final = """
INSERT INTO keys
SELECT entries.brand_id, key, entries.clopos_id
FROM taken JOIN entries USING (brand_id, digest),
    LATERAL (SELECT json_array_elements_text(taken.keys::json) UNION SELECT digest) AS k (key)
WHERE taken.keys IS NOT NULL AND entries.state IN ('created', 'existed')
ORDER BY key
ON CONFLICT DO NOTHING
"""
_GONE_LOOKS: Final = """
DELETE FROM looks WHERE brand_id = %s
AND customer IN (SELECT clopos_id FROM taken WHERE state = 'gone')
"""
_GONE_KEYS: Final = """
DELETE FROM keys WHERE brand_id = %s
AND customer IN (SELECT clopos_id FROM taken WHERE state = 'gone')
"""
_DONE: Final = "DROP TABLE taken"


def merge_log(db: Connection, brand: int) -> None:
    """Merge what was noted of a brand, in the transaction of the caller, which holds the brand."""
    if db.execute(_ANY, (brand,)).fetchone() is None:
        return
    db.execute(_TAKEN)
    db.execute(_TAKE, (brand,))
    db.execute(_ANALYSE)
    row = db.execute(_TURNS).fetchone()
    for turn in range(1, (row[0] or 0 if row else 0) + 1):
        db.execute(_MERGE, (turn,))
    db.execute(_DROP_WITHDRAWN, (brand,))
    db.execute(_LOOKS)
    db.execute(_KEYS)
    db.execute(_GONE_LOOKS, (brand,))
    db.execute(_GONE_KEYS, (brand,))
    db.execute(_DONE)
