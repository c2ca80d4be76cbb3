"""Read customers at Clopos by their ids, one request each, within the quota."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from importer.clopos import Clopos, RateLimiter, default_rates
from importer.i18n import tr
from importer.pipeline.upload import stopped
from importer.progress import NullReporter
from importer.settings import require_credentials
from importer.store import open_store

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from importer.clopos import Existing
    from importer.progress import ProgressReporter
    from importer.settings import Settings
    from importer.store.base import Store

Customers = dict[str, "Existing | None"]
"""Id → customer, None where Clopos has none."""


def read_customers(
    ids: Collection[str],
    settings: Settings,
    what: str,
    *,
    reporter: ProgressReporter | None = None,
    stopping: Callable[[], bool] = lambda: False,
) -> Customers:
    """Read customers by id; `what` is shown to another process that wants the brand meanwhile.

    Raises UsageError without credentials, ServiceError when Clopos can't be reached or a run is in
    progress, StoppedError when `stopping`, which is asked now and then, says so.
    """
    require_credentials(settings)

    async def read() -> Customers:
        async with open_store(settings, what) as store:
            return await read_by_id(ids, settings, store, reporter or NullReporter(), stopping)

    return asyncio.run(read())


async def read_by_id(
    ids: Collection[str],
    settings: Settings,
    store: Store,
    reporter: ProgressReporter,
    stopping: Callable[[], bool] = lambda: False,
) -> Customers:
    """Read customers by id with an open store, which notes the requests; as `read_customers`."""
    rates = default_rates(settings.version)
    now = time.time()
    longest = max(rate.seconds for rate in rates)
    recent = [now - sent for sent in await store.journal.recent_requests(longest)]
    limiter = RateLimiter(rates, recent=recent, record=store.journal.request_sent)
    found: Customers = {}
    async with Clopos(settings, limiter) as api:
        with reporter.step(tr("reading what is at Clopos")) as progress:
            for id_ in ids:
                if stopping():
                    raise stopped()
                found[id_] = await api.get(id_)
                progress(len(found), of=len(ids))
    await store.journal.flush()
    return found
