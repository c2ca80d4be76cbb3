"""Undo a run by hand: a list of what it created, and forgetting it when that has been deleted."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from importer.errors import UsageError
from importer.files import atomic_write
from importer.i18n import tr, trn
from importer.pipeline.customers_by_id import read_by_id
from importer.progress import NullReporter
from importer.settings import require_credentials
from importer.store import has_store, open_store
from importer.text import escape_formula

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from importer.clopos import Existing
    from importer.progress import ProgressReporter
    from importer.settings import Settings
    from importer.store.base import Store

COLUMNS = ("id", "name", "phone", "code")
_NAMED = 20  # customers that an error names


@dataclass(frozen=True, slots=True)
class Created:
    """Customers of a run that are left at Clopos: id → customer, None where it is gone."""

    run: int
    customers: Mapping[str, Existing | None]

    @property
    def present(self) -> list[Existing]:
        """Return the customers that are still at Clopos, by id."""
        return [each for each in self.customers.values() if each is not None]


def undo_list(
    run: int,
    to: Path,
    settings: Settings,
    *,
    reporter: ProgressReporter | None = None,
    stopping: Callable[[], bool] = lambda: False,
) -> Created:
    """Write what a run created and Clopos still has, for deletion by hand in the back office.

    `to` ends in .xlsx or .csv; its columns are COLUMNS. `stopping` is asked now and then whether to
    end early: nothing is written then.

    Raises UsageError for a run that created nothing or another suffix, ServiceError when Clopos
    can't be reached or the file can't be written, StoppedError when `stopping` says so.
    """
    if to.suffix.lower() not in {".xlsx", ".csv"}:
        raise UsageError(
            tr("The list can't be written as {suffix}", suffix=to.suffix or to.name),
            fix=tr("let the path end in .xlsx or .csv"),
        )
    created = asyncio.run(_read(run, settings, reporter or NullReporter(), stopping))
    cells = [
        [each.id, each.name or "", ", ".join(each.typed_phones), each.code or ""]
        for each in created.present
    ]
    table = pd.DataFrame(cells, columns=list(COLUMNS), dtype=str)
    with atomic_write(to, 0o600) as part:
        if to.suffix.lower() == ".csv":
            table.map(escape_formula).to_csv(part, index=False, encoding="utf-8-sig")
        else:
            options = {"strings_to_formulas": False, "strings_to_urls": False}
            with pd.ExcelWriter(
                part, engine="xlsxwriter", engine_kwargs={"options": options}
            ) as book:
                table.to_excel(book, index=False, sheet_name="undo")
    return created


def forget(run: int, settings: Settings, *, reporter: ProgressReporter | None = None) -> int:
    """Let what a run created be created anew, once it was deleted at Clopos; return how many.

    Raises UsageError while Clopos still has any of it: nothing is forgotten then.
    """
    return asyncio.run(_forget(run, settings, reporter or NullReporter()))


async def _forget(run: int, settings: Settings, reporter: ProgressReporter) -> int:
    require_credentials(settings)
    async with open_store(settings, f"forget {run}") as store:
        created = await _created(run, settings, store, reporter)
        if present := created.present:
            ids = ", ".join(each.id for each in present[:_NAMED])
            raise UsageError(
                trn(
                    "{n} customer of run {run} is still at Clopos: {ids}",
                    "{n} customers of run {run} are still at Clopos: {ids}",
                    len(present),
                    run=run,
                    ids=ids + (", …" if len(present) > _NAMED else ""),
                ),
                fix=tr("delete them in the back office first; undo-list writes them down"),
            )
        return await store.journal.forget(run, list(created.customers))


async def _read(
    run: int, settings: Settings, reporter: ProgressReporter, stopping: Callable[[], bool]
) -> Created:
    require_credentials(settings)
    if not has_store(settings):
        raise _no_run(run)
    async with open_store(settings, f"undo-list {run}") as store:
        return await _created(run, settings, store, reporter, stopping)


async def _created(
    run: int,
    settings: Settings,
    store: Store,
    reporter: ProgressReporter,
    stopping: Callable[[], bool] = lambda: False,
) -> Created:
    entries = await store.journal.created_by(run)
    ids = [entry.clopos_id for entry in entries if entry.clopos_id]
    if not ids:
        raise _no_run(run)
    found = await read_by_id(ids, settings, store, reporter, stopping)
    return Created(run, found)


def _no_run(run: int) -> UsageError:
    return UsageError(
        tr("Nothing is known that run {run} of this brand created", run=run),
        fix=tr("clopos-import history lists the runs and their numbers"),
    )
