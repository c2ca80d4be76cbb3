"""Erase what is kept on this machine of a person, of a brand, or of an earlier time."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import TYPE_CHECKING

from importer.errors import UsageError
from importer.i18n import tr
from importer.plan.person import person_test
from importer.store import has_store, open_store
from importer.store.records import Erased
from importer.store.state import brand_path

if TYPE_CHECKING:
    from importer.settings import Settings


def erase(settings: Settings, *, person: str | None = None, older: float | None = None) -> Erased:
    """Erase evidence of customers of the brand; without `person` and `older`, of all.

    `person` is a phone, an e-mail address, a code or a whole name; `older` an age in seconds.
    Digests of cids and ids of customers stay: nothing becomes creatable by it. `results` are the
    results files of earlier runs that are still there: they are the user's.

    Raises UsageError when nothing is kept of the brand, or `person` is empty; ServiceError when a
    run of the brand is in progress, or what is kept can't be erased.
    """
    if not settings.brand:
        raise UsageError(tr("No brand is named"), fix=tr("set CLOPOS_BRAND, or give --brand NAME"))
    if person is not None and not person.strip():
        raise UsageError(
            tr("No person is named"), fix=tr("give a phone, an e-mail address, a code or a name")
        )
    if not has_store(settings):
        raise UsageError(
            tr("Nothing is kept of the brand {brand}", brand=settings.brand),
            why=tr("no run for {url} was made on this machine", url=settings.base_url),
            fix=tr("check CLOPOS_BRAND, CLOPOS_BASE_URL and CLOPOS_STATE_DIR"),
        )
    erased = asyncio.run(_erase(settings, person, older))
    for path in (brand_path(settings) / "sheets").glob("*.problems"):
        path.unlink(missing_ok=True)  # digests of rows: their problems are reported once more
    present = tuple(path for path in erased.results if Path(path).exists())
    return Erased(erased.customers, erased.entries, present)


async def _erase(settings: Settings, person: str | None, older: float | None) -> Erased:
    async with open_store(settings, "erase") as store:
        meant = None
        if person is not None:
            meant = person_test(person, settings.region or "AZ", store.key)
        return await store.erase(meant, None if older is None else time.time() - older)
