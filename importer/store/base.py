"""The store of a brand: everything that outlives a run, as one interface.

Two implementations: SQLite in the state folder, and PostgreSQL where `Settings.database_url` names
one. `tests/store/contract.py` is what every implementation has to pass. `importer.store` has four
functions:

    async with open_store(settings, what, now=time.time) as store    one brand, its lock held
    has_store(settings) -> bool                                      anything stored of the brand?
    await history(settings) -> History                               runs of all brands; reads only
    await note_run(settings, start, end, started=…, finished=…)      a check or dry run; no lock

Rules that hold for all of it:

- An intention is durable before its request leaves (`await journal.intend(…)`). What is noted
  close together is committed together: rows in flight share a commit.
- What was created stays created: no later intention or withdrawal hides it.
- Killed at any moment, a store holds at least everything that was awaited.
- No `cid` and no personal data is stored, only digests keyed with `Store.key`. The digests are
  pseudonymous: with the key, guessed values can be confirmed.
- Every method may raise ServiceError when the store can't be read or written, or when the brand's
  lock was lost; FencedError when another process has taken the brand over. After a write has
  failed, every later intention and `flush` fails.
- A brand that is in use elsewhere can't be opened: ServiceError with the code `state.IN_USE`.
- Methods without `async` only note something in memory, in order, and never block. One event loop
  uses a store at a time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence

    from importer.store.records import (
        Candidate,
        Decision,
        Entry,
        Erased,
        Found,
        RunEnd,
        RunRecord,
        RunStart,
        Seen,
    )


class Journal(Protocol):
    """Write-ahead log of what was sent, by `cid`, and the runs of the brand."""

    # -- before the first request ------------------------------------------------------------

    async def begin(self, start: RunStart) -> int:
        """Start a run, or resume the last one if it isn't done. Return its number, from 1 on.

        A resumed run keeps its number and start; file, sheet and options are those of `start`.
        """

    async def resumed_summary(self) -> Mapping[str, object]:
        """Return the `RunEnd.summary` of this run's earlier part, empty for a new run."""

    async def recall(self, cids: Collection[str]) -> dict[str, Entry]:
        """Return cid → entry for those of the cids that were ever intended, created or gone."""

    async def in_doubt(self) -> list[Entry]:
        """Return every entry in doubt, whatever the sheet says now; oldest first.

        They are to be settled before anything is sent. A customer at Clopos is one of them when
        `Store.digest(its cid)` is the entry's digest.
        """

    async def recent_requests(self, seconds: float) -> list[float]:
        """Return when requests left in the last `seconds`, oldest first."""

    async def rebuild(self, found: Iterable[tuple[str, Seen]]) -> None:
        """Enter customers found at Clopos as created: (cid, as it looks there).

        For a journal that was damaged or lost its key (`Store.must_rebuild`), which ends with it.
        """

    # -- while sending -----------------------------------------------------------------------

    def intend(self, cid: str, packed: str, after_id: int | None = None) -> Awaitable[None]:
        """Note that a row is about to be sent. Durable when the result has been awaited.

        `packed` is the row as it is sent; it becomes evidence of the customer when it is created.
        """

    def created(self, cid: str, clopos_id: str, keys: Sequence[str] = ()) -> None:
        """Note that the intended customer exists with this id. Durable with the next commit.

        `keys` are those of the evidence that was intended: by them `People.find` finds it.
        """

    def existed(self, cid: str, clopos_id: str, keys: Sequence[str] = ()) -> None:
        """Note that the intended customer exists, and wasn't created by a run of this journal.

        As `created`, but `created_by` doesn't list it.
        """

    def withdrawn(self, cid: str) -> None:
        """Note that the intended customer was certainly not created: it may be sent anew."""

    def settled(self, entry: Entry, clopos_id: str | None, keys: Sequence[str] = ()) -> None:
        """Record the outcome of an entry of `in_doubt`: its id, None for certainly not created."""

    def gone(self, cid: str, clopos_id: str) -> None:
        """Note that this customer was deleted at Clopos, and is to be created anew.

        The entry's state is GONE from then on: the row's next generation has another cid. What
        `People` knows of the id from rows is dropped.
        """

    def request_sent(self) -> None:
        """Note that a request leaves now, for the rate limit of the next run."""

    async def flush(self) -> None:
        """Return when everything noted so far is durable."""

    # -- afterwards --------------------------------------------------------------------------

    async def finish(self, end: RunEnd) -> None:
        """Note how the run ended. A store that is broken loses it without an error."""

    async def created_by(self, run: int) -> list[Entry]:
        """Return what a run created and what isn't gone since, by id."""

    async def forget(self, run: int, customer_ids: Collection[str]) -> int:
        """Note that these customers of a run were deleted at Clopos; return how many it had.

        As `gone`, for undoing a run: the caller has checked that Clopos no longer has them.
        """

    async def runs(self) -> list[RunRecord]:
        """Return the runs of this brand, newest first."""


class Snapshot(Protocol):
    """Copy of the customers at Clopos, for `importer.plan.sync`. A cache: it may be lost any time.

    A reading is one pass over the list or its end. `People.find` sees the customers that were put
    by the reading in progress; all that are held once it is finished. Before the first reading of
    a session it sees none. Ids that are numbers sort as such.
    """

    async def start_reading(self, scope: str) -> tuple[int, int]:
        """Begin a reading: what was put before isn't seen until it is put again, or this is done.

        Return (customers held, page size) of earlier. `scope` is whatever the copy depends on:
        venue, region of the phones, version of the evidence; for another scope all is forgotten.
        Page size 0: not known, or the list wasn't in the order of ids.
        """

    async def put(self, customers: Sequence[Seen], page_size: int) -> int:
        """Keep one page, in place of what was held of these ids. Return how many are new to it.

        New to this reading, that is: 0 means that the page brought no new customer.
        """

    async def count_below(self, customer_id: str) -> int:
        """Return how many customers with a lower id are held, seen or not."""

    async def finish_reading(self, drop_from: str | None = None) -> None:
        """End a reading that found everything: all that is held is at Clopos, and is seen.

        Customers that it didn't put are dropped, from the id `drop_from` on (None: all). A reading
        that stopped early isn't finished: of the others nothing is known.
        """

    def add(self, customer: Seen) -> None:
        """Note a customer that this run created.

        What can't be kept, and everything where nothing was read, is read from Clopos again.
        """

    async def newest_id(self) -> int | None:
        """Return the highest id that is seen, None when there is none or ids aren't numbers."""


class People(Protocol):
    """Index of evidence: which customers share a key with a row."""

    async def find(self, keys: Collection[str]) -> Found:
        """Return the customers that have any of the keys, at Clopos or in rows of the journal.

        For batches: a thousand rows at a time cost the least.
        """

    async def get(self, customer_ids: Collection[str]) -> dict[str, Candidate]:
        """Return id → candidate for those of the ids that are known."""

    async def remember(self, looks: Iterable[Seen], run: int) -> None:
        """Keep how rows looked that were matched as a customer. The same look twice is kept once.

        Rows that are created need no call: `Journal.created` keeps them.
        """

    async def mark(self, marks: Iterable[tuple[str, str]]) -> None:
        """Keep opaque marks of customers: (id, mark). See `Candidate.marks`."""

    async def marked(self) -> set[str]:
        """Return the ids of all customers that have a mark."""

    async def rows_of_last_run(self, sheet: str) -> dict[str, str | None]:
        """Return row key → customer id of the last run of this sheet that is done.

        Empty when there is no such run.
        """

    async def decide(self, decisions: Iterable[Decision]) -> None:
        """Keep decisions; a later one about the same row and customer takes its place."""

    async def decisions(self, row_keys: Collection[str]) -> dict[str, list[Decision]]:
        """Return row key → what was decided about it, oldest first."""


class FailureBudget(Protocol):
    """Failed responses of the last minute, of all brands that share an address.

    Clopos blocks an address after 600 failed requests a minute (API facts §7.1).
    """

    def add(self) -> float:
        """Count a failed response. Return how many seconds to send nothing, 0.0 for not at all.

        Never raises and hardly blocks: where counting is impossible it is off.
        """


class Store(Protocol):
    """The open store of one API and brand. It holds the brand's lock until it is closed."""

    @property
    def key(self) -> bytes:
        """Return the key of all digests of this brand."""

    @property
    def notes(self) -> Sequence[str]:
        """Return messages for the user: a journal that was renamed, a lost key."""

    @property
    def must_rebuild(self) -> bool:
        """Return whether everything has to be read from Clopos, then `Journal.rebuild` called."""

    @property
    def journal(self) -> Journal:
        """Return the journal."""

    @property
    def snapshot(self) -> Snapshot:
        """Return the copy of what is at Clopos."""

    @property
    def people(self) -> People:
        """Return the index of evidence."""

    @property
    def failures(self) -> FailureBudget:
        """Return the failure budget that this brand shares."""

    def digest(self, cid: str) -> str:
        """Return the keyed digest of a cid, whatever its case."""

    async def confirm_held(self) -> None:
        """Return when the brand is certainly this process's for longer than a request takes.

        For right before a request leaves: between intention and request a process may have been
        paused for longer than its hold on the brand lasts.

        Raises FencedError when another process has taken the brand over.
        """

    async def erase(
        self, is_meant: Callable[[str], bool] | None = None, before: float | None = None
    ) -> Erased:
        """Erase evidence, keys, marks, decisions and rows of sheets; and the whole snapshot.

        `is_meant` tells of packed evidence whether it is of the person to erase; None: everybody
        and the runs as well, with the checks and dry runs of this brand. `before` spares what
        changed at that time (epoch seconds) or later. Journals that were renamed are deleted,
        for nothing in them can be searched. Digests of cids and ids of customers stay, so that
        nothing becomes creatable. What was erased is in no file any more; in a database, in no
        table.

        Raises ServiceError when it can't be erased whole.
        """
