"""Open one brand for an upload (lock, journal, rate limiter, API), and close it in any case."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections import Counter
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from importer.clean.groups import look_up
from importer.clopos import Clopos, RateLimiter, Verdict, default_rates, parse_rates
from importer.clopos.stats import Timeline
from importer.errors import FaultError, FencedError, ImporterError, ServiceError, UsageError
from importer.i18n import tr
from importer.pipeline.options import SendOptions, SheetOptions
from importer.pipeline.prepare import without_fixes
from importer.pipeline.upload import Upload
from importer.plan.cost import TOKEN_SECONDS
from importer.plan.gather import Statements
from importer.plan.rows import Rows
from importer.progress import NullReporter
from importer.results.names import lasting_name
from importer.results.summary import Target
from importer.store import open_store
from importer.store.records import Kind, RunStart

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Collection

    import pandas as pd

    from importer.clean.groups import Wanted
    from importer.clopos import ClassifiedResponse
    from importer.pipeline.prepare import Prepared
    from importer.progress import ProgressReporter
    from importer.records import Sheet
    from importer.settings import Settings
    from importer.store.base import FailureBudget, Store

_log = logging.getLogger(__name__)


@asynccontextmanager
async def open_upload(
    values: pd.DataFrame,
    settings: Settings,
    options: SendOptions,
    *,
    file: str,
    sheet: Sheet | None = None,
    choices: SheetOptions | None = None,
    region: str = "AZ",
    groups: Wanted | None = None,
    invalid: pd.DataFrame | None = None,
    as_read: pd.DataFrame | None = None,
    fixed: Collection[int] = (),
    reporter: ProgressReporter | None = None,
    now: Callable[[], float] = time.time,
) -> AsyncIterator[Upload]:
    """Open the brand of `settings` for the rows of `values`.

    `values` has a column for each of FIELDS and the row number as index; `groups` are looked up
    at Clopos first; `file` is what the journal and other runs call the sheet, `sheet` what it
    claims and decides about its rows, `choices` what was chosen for it; `invalid` are the values of
    its rows that can't be sent, `as_read` those of the sheet without its fixes and `fixed` the rows
    that they changed; national phone numbers at Clopos belong to `region`. `now` is the wall clock
    in epoch seconds. What was noted is on disk when the context is left.

    Raises UsageError or ServiceError when nothing could be begun.
    """
    reporter = reporter or NullReporter()
    target = Target.of(settings, sandbox=options.sandbox)
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(open_store(settings, file, now=now))
        for note in store.notes:
            reporter.say(note)
        limiter = await _limiter(settings, options, store, now)
        timeline = Timeline(asyncio.get_running_loop().time)
        api = await stack.enter_async_context(
            Clopos(
                settings,
                limiter,
                timeout=options.timeout,
                give_up_after=options.tuning.give_up_after,
                now=now,
                created_before=await _created_before(store),
                on_response=partial(_note_response, timeline, store.failures, limiter),
            )
        )
        values, remarks = await look_up(values, groups, api.groups)
        name = lasting_name((choices and choices.known_as) or Path(file))
        start = RunStart(
            file,
            name,
            Kind.RUN,
            settings.venue_id,
            settings.version,
            options.sandbox,
            {"flags": options.flags} if options.flags else {},
        )
        upload = Upload(
            target,
            options,
            choices or SheetOptions(),
            Rows(
                values,
                settings.base_url,
                settings.brand,
                None if as_read is None else Rows(as_read, settings.base_url, settings.brand),
                fixed,
            ),
            values.iloc[:0] if invalid is None else invalid,
            Statements(sheet.claims, sheet.decisions) if sheet else Statements(),
            name,
            region,
            api,
            limiter,
            store,
            timeline,
            now,
            reporter,
            remarks,
            run=0 if options.dry_run else await store.journal.begin(start),
        )
        _log.info("%s: %d rows are ready, %s", file, len(values), target.log_text)
        try:
            yield upload
        finally:
            await _flush(upload)


@asynccontextmanager
async def open_prepared(
    prepared: Prepared,
    settings: Settings,
    options: SendOptions,
    *,
    reporter: ProgressReporter,
    now: Callable[[], float] = time.time,
) -> AsyncIterator[Upload]:
    """Open the brand of `settings` for the rows of a prepared sheet; as `open_upload`."""
    fixed = prepared.fixes.applied.cells if prepared.fixes else ()
    # In a thread: of a large sheet it takes seconds, and the page has others to answer.
    as_read = (await asyncio.to_thread(without_fixes, prepared)).values if fixed else None
    async with open_upload(
        prepared.values,
        settings,
        options,
        file=str(prepared.path),
        sheet=prepared.sheet,
        choices=prepared.options,
        region=prepared.reading.region,
        groups=prepared.groups,
        invalid=prepared.held,
        as_read=as_read,
        fixed=fixed,
        reporter=reporter,
        now=now,
    ) as upload:
        yield upload


@asynccontextmanager
async def recorded(upload: Upload) -> AsyncIterator[None]:
    """Store the error that ends planning or sending in `Upload.error`; flush the journal."""
    try:
        yield
    except Exception as error:  # noqa: BLE001 - results are written whatever happened
        upload.error = as_importer_error(error)
    finally:
        await _flush(upload)
        _log_end(upload)


def as_importer_error(error: Exception) -> ImporterError:
    """Return the error as an ImporterError; any other exception is a FaultError."""
    if isinstance(error, ImporterError):
        return error
    # Without the exception's message: it may hold a customer's data.
    fault = FaultError(tr("Internal error in clopos-import"), why=type(error).__name__)
    fault.__cause__ = error
    return fault


async def _flush(upload: Upload) -> None:
    try:
        await upload.store.journal.flush()
        await upload.store.confirm_held()
    except FencedError as fenced:
        upload.error = fenced  # whatever else ended it: what comes now is another process's
    except ServiceError as broken:
        upload.error = upload.error or broken


async def _created_before(store: Store) -> bool:
    """Return whether an earlier run created customers: then settings and rights are right."""
    return any(run.summary.get("created") for run in await store.journal.runs())


async def _limiter(
    settings: Settings, options: SendOptions, store: Store, now: Callable[[], float]
) -> RateLimiter:
    """Return the rate limiter, with the requests that left within its windows before this run.

    Raises UsageError where each token would be used up before its first request may leave.
    """
    rates = parse_rates(options.rate) if options.rate else default_rates(settings.version)
    longest = max((rate.seconds for rate in rates), default=0.0)
    recent = [now() - sent for sent in await store.journal.recent_requests(longest)]
    limiter = RateLimiter(
        rates, reserve=options.reserve, recent=recent, record=store.journal.request_sent
    )
    if any(window.allowed < 2 and window.length > TOKEN_SECONDS for window in limiter.windows):
        raise UsageError(
            tr("--rate and --reserve leave room for nothing but signing in"),
            why=tr("a token is valid for an hour, and the next request would have to wait longer"),
            fix=tr("allow two requests an hour at least"),
        )
    return limiter


def _note_response(
    timeline: Timeline, failures: FailureBudget, limiter: RateLimiter, response: ClassifiedResponse
) -> None:
    """Count a response; pause when the failed ones of this machine come near what blocks it."""
    if response.verdict is not Verdict.UNSENT:
        timeline.count(throttled=response.verdict is Verdict.THROTTLED)
    failed = response.status is not None and response.status >= 400
    if failed and limiter.windows and (seconds := failures.add()):
        _log.warning(
            "%.0f seconds without requests: the failed answers of all brands of this machine come "
            "near the 600 a minute for which Clopos blocks an address",
            seconds,
        )
        limiter.block_for(seconds)


def _log_end(upload: Upload) -> None:
    counts = Counter(str(outcome.status) for outcome in upload.outcomes.values())
    requests = json.dumps(upload.api.requests.as_dict())
    _log.info("requests: %s; rows: %s", requests, json.dumps(counts))
    if upload.error:
        _log.error("ended early: %s", upload.error.what)
