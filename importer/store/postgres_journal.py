"""The journal in PostgreSQL: notes go to the committer of the process, all else is done at once."""

from __future__ import annotations

import asyncio
import contextlib
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from importer.errors import ImporterError
from importer.store import postgres_runs
from importer.store.postgres_committer import Note, Sent
from importer.store.postgres_merge import merge_log
from importer.store.records import Entry, State, as_id

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from importer.store.postgres_connection import Connection
    from importer.store.postgres_server import Brand
    from importer.store.records import RunEnd, RunRecord, RunStart, Seen

_WITHDRAWN = "withdrawn"

_ENTRY: Final = "digest, run, state, after_id, clopos_id, packed, changed"
_RECALL: Final = f"SELECT {_ENTRY} FROM entries WHERE brand_id = %s AND digest = ANY(%s)"  # noqa: S608 - our names
_IN_DOUBT: Final = f"SELECT {_ENTRY} FROM entries WHERE brand_id = %s AND state = 'sent'"  # noqa: S608
_CREATED: Final = (
    f"SELECT {_ENTRY} FROM entries WHERE brand_id = %s AND state = 'created' AND run = %s"  # noqa: S608
)
# A clock that was set back: when they left isn't known any more.
_FUTURE: Final = """
WITH ahead AS (DELETE FROM requests WHERE brand_id = %s AND second > clock() RETURNING count)
INSERT INTO requests AS known
SELECT %s, floor(clock())::bigint, sum(count) FROM ahead HAVING count(*) > 0
ON CONFLICT (brand_id, second) DO UPDATE SET count = known.count + excluded.count
"""
_OLD: Final = "DELETE FROM requests WHERE brand_id = %s AND second < clock() - %s"
_REQUESTS: Final = (
    "SELECT clock() - second, count FROM requests WHERE brand_id = %s ORDER BY second"
)
_REBUILT_ENTRIES: Final = """
INSERT INTO entries
SELECT %s, digest, 0, 'created', NULL, customer, packed, %s
FROM unnest(%s::text[], %s::text[], %s::text[]) AS found (digest, customer, packed)
ON CONFLICT DO NOTHING
"""
_LOOKS: Final = """
INSERT INTO looks SELECT %s, customer, packed, %s
FROM unnest(%s::text[], %s::text[]) AS found (customer, packed) ON CONFLICT DO NOTHING
"""
_KEYS: Final = """
INSERT INTO keys SELECT %s, key, customer
FROM unnest(%s::text[], %s::text[]) AS found (key, customer) ON CONFLICT DO NOTHING
"""
_REBUILT: Final = "UPDATE brands SET rebuild = false WHERE id = %s"
_GONE: Final = """
UPDATE entries SET state = 'gone', changed = %s
WHERE brand_id = %s AND run = %s AND state = 'created' AND clopos_id = ANY(%s)
RETURNING clopos_id
"""
_NO_LOOKS: Final = "DELETE FROM looks WHERE brand_id = %s AND customer = ANY(%s)"
_NO_KEYS: Final = "DELETE FROM keys WHERE brand_id = %s AND customer = ANY(%s)"
_NO_MARKS: Final = "DELETE FROM marks WHERE brand_id = %s AND customer = ANY(%s)"
_FORGOTTEN: Final = "UPDATE runs SET forgotten = %s WHERE brand_id = %s AND id = %s"


class PostgresJournal:
    """`base.Journal` of a brand. `now` is the wall clock, `digest` makes the digest of a cid."""

    def __init__(
        self,
        brand: Brand,
        digest: Callable[[str], str],
        now: Callable[[], float],
        *,
        must_rebuild: bool,
    ) -> None:
        self._brand = brand
        self._digest = digest
        self._now = now
        self._run = 0
        self._resumed: Mapping[str, Any] = {}
        self.must_rebuild = must_rebuild

    # -- before the first request ------------------------------------------------------------

    async def begin(self, start: RunStart) -> int:
        """See `base.Journal`."""
        self._run, self._resumed = await self._brand.run(postgres_runs.begin, start, self._now())
        return self._run

    async def resumed_summary(self) -> Mapping[str, object]:
        """See `base.Journal`."""
        return self._resumed

    async def recall(self, cids: Collection[str]) -> dict[str, Entry]:
        """See `base.Journal`."""
        by_digest = {self._digest(cid): cid for cid in cids}
        entries = await self._brand.run(_entries, _RECALL, list(by_digest))
        return {by_digest[entry.digest]: entry for entry in entries}

    async def in_doubt(self) -> list[Entry]:
        """See `base.Journal`."""
        entries = await self._brand.run(_entries, _IN_DOUBT)
        return sorted(entries, key=lambda entry: (entry.changed, entry.digest))

    async def recent_requests(self, seconds: float) -> list[float]:
        """See `base.Journal`. By the database's clock: other machines may have sent them."""
        now = self._now()
        found = await self._brand.run(_recent_requests, seconds)
        return [now - age for age, count in found for _ in range(count)]

    async def rebuild(self, found: Iterable[tuple[str, Seen]]) -> None:
        """See `base.Journal`."""
        entries = [(self._digest(cid), seen) for cid, seen in found]
        await self._brand.run(_rebuild, entries, self._now())
        self.must_rebuild = False

    # -- while sending -----------------------------------------------------------------------

    def intend(self, cid: str, packed: str, after_id: int | None = None) -> asyncio.Future[None]:
        """See `base.Journal`."""
        durable: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._note(self._digest(cid), State.SENT, after_id, None, packed, durable=durable)
        return durable

    def created(self, cid: str, clopos_id: str, keys: Sequence[str] = ()) -> None:
        """See `base.Journal`."""
        self._note(self._digest(cid), State.CREATED, None, clopos_id, "", keys)

    def existed(self, cid: str, clopos_id: str, keys: Sequence[str] = ()) -> None:
        """See `base.Journal`."""
        self._note(self._digest(cid), State.EXISTED, None, clopos_id, "", keys)

    def withdrawn(self, cid: str) -> None:
        """See `base.Journal`."""
        self._note(self._digest(cid), _WITHDRAWN, None, None, "")

    def settled(self, entry: Entry, clopos_id: str | None, keys: Sequence[str] = ()) -> None:
        """See `base.Journal`."""
        if clopos_id is None:
            self._note(entry.digest, _WITHDRAWN, None, None, "")
        else:
            self._note(entry.digest, State.CREATED, None, clopos_id, "", keys)

    def gone(self, cid: str, clopos_id: str) -> None:
        """See `base.Journal`."""
        self._note(self._digest(cid), State.GONE, None, clopos_id, "")

    def request_sent(self) -> None:
        """See `base.Journal`."""
        request = Sent(self._brand.lease.brand_id, self._now(), self._now)
        self._brand.server.committer.sent(request)

    async def flush(self) -> None:
        """See `base.Journal`."""
        await self._brand.server.committer.flush()
        if self._brand.lease.error:
            raise self._brand.lease.error

    # -- afterwards --------------------------------------------------------------------------

    async def finish(self, end: RunEnd) -> None:
        """See `base.Journal`."""
        if end.rows is not None:  # it may be written twice
            end = replace(end, rows=[*end.rows])
        with contextlib.suppress(ImporterError):
            await self._brand.run(postgres_runs.finish, self._run, end, self._now())

    async def created_by(self, run: int) -> list[Entry]:
        """See `base.Journal`."""
        entries = await self._brand.run(_entries, _CREATED, run)
        return sorted(entries, key=_by_id)

    async def forget(self, run: int, customer_ids: Collection[str]) -> int:
        """See `base.Journal`."""
        return await self._brand.run(_forget, run, list(customer_ids), self._now())

    async def runs(self) -> list[RunRecord]:
        """See `base.Journal`."""
        return await self._brand.run(postgres_runs.runs)

    def _note(
        self,
        digest: str,
        state: str,
        after_id: int | None,
        clopos_id: str | None,
        packed: str,
        keys: Sequence[str] | None = None,
        *,
        durable: asyncio.Future[None] | None = None,
    ) -> None:
        stored = None if keys is None else json.dumps(keys)
        row = (digest, self._run, state, after_id, clopos_id, packed, self._now(), stored)
        self._brand.server.committer.note(Note(self._brand.lease, row, durable))


def _by_id(entry: Entry) -> tuple[bool, int | str]:
    number = as_id(entry.clopos_id or "")
    return isinstance(number, str), number


def _entries(db: Connection, brand: int, sql: str, *values: Any) -> list[Entry]:
    merge_log(db, brand)
    return [
        Entry(digest, State(state), run, *others)
        for digest, run, state, *others in db.execute(sql, (brand, *values))
    ]


def _recent_requests(db: Connection, brand: int, seconds: float) -> list[tuple[float, int]]:
    """Return (age in seconds, count), oldest first."""
    db.execute(_FUTURE, (brand, brand))
    db.execute(_OLD, (brand, seconds))
    return [(age, count) for age, count in db.execute(_REQUESTS, (brand,))]


def _rebuild(db: Connection, brand: int, found: list[tuple[str, Seen]], now: float) -> None:
    merge_log(db, brand)
    digests = [digest for digest, _ in found]
    customers = [seen.customer_id for _, seen in found]
    packed = [seen.packed for _, seen in found]
    db.execute(_REBUILT_ENTRIES, (brand, now, digests, customers, packed))
    add_looks(db, brand, [seen for _, seen in found], 0)
    db.execute(_KEYS, (brand, digests, customers))
    db.execute(_REBUILT, (brand,))


def add_looks(db: Connection, brand: int, looks: list[Seen], run: int) -> None:
    """Add evidence of customers, and the keys by which it is found."""
    customers = [seen.customer_id for seen in looks]
    db.execute(_LOOKS, (brand, run, customers, [seen.packed for seen in looks]))
    pairs = [(key, seen.customer_id) for seen in looks for key in seen.keys]
    db.execute(_KEYS, (brand, [key for key, _ in pairs], [customer for _, customer in pairs]))


def _forget(db: Connection, brand: int, run: int, customer_ids: list[str], now: float) -> int:
    merge_log(db, brand)
    gone = [row[0] for row in db.execute(_GONE, (now, brand, run, customer_ids))]
    db.execute(_NO_LOOKS, (brand, gone))
    db.execute(_NO_KEYS, (brand, gone))
    db.execute(_NO_MARKS, (brand, gone))
    db.execute(_FORGOTTEN, (now, brand, run))
    return len(gone)
