"""Check the results of a run against sheet, journal and Clopos, independently of `run`."""

from __future__ import annotations

import asyncio
import math
import time
from collections import Counter
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, BinaryIO

from importer.clean.groups import look_up
from importer.clopos import Clopos, Existing, RateLimiter, default_rates
from importer.errors import UsageError
from importer.i18n import tr
from importer.pipeline.decisions import decided_as, decided_in
from importer.pipeline.fixes import fix_counts
from importer.pipeline.prepare import Prepared, Source, prepare
from importer.pipeline.verify_checks import (
    Difference,
    Line,
    lines_of,
    with_clopos,
    with_journal,
    with_sheet,
)
from importer.plan.gather import generations_of
from importer.plan.rows import Rows, Variant
from importer.progress import NullReporter
from importer.records import Status
from importer.results.reader import read_results
from importer.results.summary import RUN_STATUSES, Summary, Target
from importer.settings import read_settings, require_credentials
from importer.store import has_store, open_store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    import pandas as pd

    from importer.pipeline.options import SheetOptions
    from importer.progress import ProgressReporter
    from importer.records import Customer
    from importer.settings import Settings
    from importer.store.base import Store
    from importer.store.records import Entry

_BLOCK = 1000  # cids looked up in the journal at a time


@dataclass(frozen=True, slots=True)
class Verified:
    """Result of a verification: what was compared, and what differs."""

    summary: Summary
    differences: tuple[Difference, ...]

    @property
    def exit_code(self) -> int:
        """Return 0 when all agrees, else 1."""
        return self.summary.exit_code


def verify(
    source: Source,
    options: SheetOptions | None,
    results: Path,
    *,
    offline: bool = False,
    env: Mapping[str, str] | None = None,
    reporter: ProgressReporter | None = None,
    stdin: BinaryIO | None = None,
) -> Verified:
    """Check the results of a run against the sheet, the journal and Clopos.

    `options` are those of the run. Clopos is read unless `offline`, or where there are no
    credentials: everyone where that costs less than looking up each id, and what is only read
    there then is whether open rows aren't at Clopos after all.

    Raises UsageError when a file can't be read, ServiceError when Clopos can't be, or a run is in
    progress.
    """
    settings = read_settings(env or {})
    started = time.monotonic()
    prepared = prepare(source, options, region=settings.region, reporter=reporter, stdin=stdin)
    verified = verify_prepared(prepared, settings, results, offline=offline, reporter=reporter)
    seconds = time.monotonic() - started
    return replace(verified, summary=replace(verified.summary, seconds=seconds))


def verify_prepared(
    prepared: Prepared,
    settings: Settings,
    results: Path,
    *,
    offline: bool = False,
    reporter: ProgressReporter | None = None,
) -> Verified:
    """Check the results of a run against prepared rows, the journal and Clopos; as `verify`."""
    started = time.monotonic()
    reporter = reporter or NullReporter()
    _, columns = read_results(results)
    sheet = prepared.sheet
    own = [n for n in range(len(sheet.headers)) if n not in prepared.mapping.secret]
    lines, differences = lines_of([column.to_pylist() for column in columns])
    differences += with_sheet(lines, sheet, own, prepared.outcomes)

    compared = asyncio.run(
        _compare(settings, prepared, lines, reporter, offline=offline or not _may_read(settings))
    )
    differences += compared.differences
    everyone, requests = compared.everyone, compared.requests
    summary = Summary(
        file=str(prepared.path),
        counts=_count(lines.values()),
        rows=len(sheet.table),
        seconds=time.monotonic() - started,
        results=str(results),
        target=Target.of(settings),
        requests=requests,
        agrees=not differences,
        more={
            **fix_counts(prepared.fixes),
            "journal": compared.journal,
            "customers_read": None if everyone is None else len(everyone),
            "agrees": not differences,
            "differences": [asdict(each) for each in differences],
        },
    )
    return Verified(summary, tuple(differences))


def _count(lines: Iterable[Line]) -> dict[Status, int]:
    """Return status → number of lines; a status that isn't one is a difference already."""
    words = Counter(line.status for line in lines)
    return {status: words[str(status)] for status in RUN_STATUSES}


def _may_read(settings: Settings) -> bool:
    try:
        require_credentials(settings)
    except UsageError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class _Compared:
    """Facts of journal and Clopos. `everyone` is id → customer, None where Clopos wasn't read."""

    differences: tuple[Difference, ...]
    journal: bool
    everyone: dict[str, Existing] | None = None
    requests: dict[str, int] | None = None


async def _compare(
    settings: Settings,
    prepared: Prepared,
    lines: Mapping[int, Line],
    reporter: ProgressReporter,
    *,
    offline: bool,
) -> _Compared:
    """Compare the results with the journal, where there is one, and with Clopos."""
    differences: list[Difference] = []
    async with AsyncExitStack() as stack:
        store = None
        if has_store(settings):
            what = f"verify {prepared.path}"
            store = await stack.enter_async_context(open_store(settings, what))
        values, everyone, requests = prepared.values, None, None
        if not offline:
            named = ((line.clopos_id, line.existing_id) for line in lines.values())
            ids = sorted({each for pair in named for each in pair if each})
            with reporter.step(tr("reading what is at Clopos")):
                values, everyone, requests = await _read(settings, store, prepared, ids)
        rows = Rows(values, settings.base_url, settings.brand)
        customers = list(rows.customers())
        if store:
            customers, entries = await _recall(store, rows, lines)
            differences += with_journal(lines, customers, entries)
        if everyone is not None:
            found = list(with_clopos(lines, customers, everyone))
            doubted = {each.row for each in found if each.row and lines[each.row].existed}
            if doubted:
                decided = decided_in(prepared.sheet)
                decided |= await decided_as(rows, store, doubted) if store else {}
                found = list(with_clopos(lines, customers, everyone, decided))
            differences += found
    return _Compared(tuple(differences), store is not None, everyone, requests)


async def _recall(
    store: Store, rows: Rows, lines: Mapping[int, Line]
) -> tuple[list[Customer], dict[str, Entry]]:
    """Return the customers as they were sent, and cid → entry of the journal.

    A row that was created may have been sent without its phone or code, or by a later generation
    of its key.
    """
    generations = await generations_of(rows, store)
    customers = list(rows.customers(variants=generations))
    entries = await _entries(store, customers)
    for fields in (("phone",), ("code",), ("phone", "code")):
        created = {row for row, line in lines.items() if line.status == Status.CREATED}
        missing = [c.row for c in customers if c.row in created and c.cid not in entries]
        variants = {row: Variant(without=fields) for row in missing}
        others = {c.row: c for c in rows.customers(missing, variants)}
        found = await _entries(store, list(others.values()))
        entries |= found
        customers = [
            others[c.row] if c.row in others and others[c.row].cid in found else c
            for c in customers
        ]
    return customers, entries


async def _entries(store: Store, customers: Sequence[Customer]) -> dict[str, Entry]:
    entries: dict[str, Entry] = {}
    for start in range(0, len(customers), _BLOCK):
        cids = [customer.cid for customer in customers[start : start + _BLOCK]]
        entries |= await store.journal.recall(cids)
    return entries


def _nothing() -> None:
    """Record nothing: there is no journal."""


async def _read(
    settings: Settings, store: Store | None, prepared: Prepared, ids: list[str]
) -> tuple[pd.DataFrame, dict[str, Existing], dict[str, int]]:
    """Return the values with their groups, id → customer, and the requests that took.

    The customers are everyone, or those of `ids` where that costs less.
    """
    rates = default_rates(settings.version)
    recent: list[float] = []
    record: Callable[[], None] = _nothing
    if store:
        longest = max(rate.seconds for rate in rates)
        now = time.time()
        recent = [now - sent for sent in await store.journal.recent_requests(longest)]
        record = store.journal.request_sent
    limiter = RateLimiter(rates, recent=recent, record=record)
    everyone: dict[str, Existing] = {}
    async with Clopos(settings, limiter) as api:
        values, _ = await look_up(prepared.values, prepared.groups, api.groups)

        def worth_it(total: int) -> bool:
            return math.ceil(total / api.page_size) <= len(ids) + 1

        async for existing in api.scan(worth_it):
            everyone[existing.id] = existing
        for clopos_id in ids:
            # A list that changes while it is read may lack a customer.
            if clopos_id not in everyone and (found := await api.get(clopos_id)):
                everyone[clopos_id] = found
        if store:
            await store.journal.flush()
        return values, everyone, api.requests.as_dict()
