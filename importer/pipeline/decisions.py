"""Decisions about conflicts that are made one at a time: kept where those of a results file are."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from importer.matching.evidence import row_evidence
from importer.matching.verdicts import Answer
from importer.plan.gather import row_digest
from importer.plan.rows import Rows
from importer.store import has_store, open_store
from importer.store.records import Decision

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from importer.pipeline.prepare import Prepared
    from importer.plan.rows import KeyedRow
    from importer.records import Sheet
    from importer.settings import Settings
    from importer.store.base import Store


def keyed_rows(
    prepared: Prepared, settings: Settings, wanted: Collection[int]
) -> dict[int, KeyedRow]:
    """Return row → the row with its key, by which decisions find it again.

    Looks at all rows: a second for 100,000 of them.
    """
    rows = Rows(prepared.values, settings.base_url, settings.brand)
    return {keyed.customer.row: keyed for keyed in rows.keyed() if keyed.customer.row in wanted}


def keep_decisions(
    rows: Iterable[KeyedRow],
    settings: Settings,
    what: str,
    answers: Mapping[int, tuple[Answer, str | None]],
) -> None:
    """Keep what was decided about rows: row → (answer, id of the customer it is about).

    The next run follows it. It is durable when this returns. Nothing is asked of Clopos. `what` is
    shown to another process that wants the brand meanwhile.

    Raises ServiceError when the store can't be written, or a run is in progress.
    """
    asyncio.run(_keep(rows, settings, what, answers))


async def _keep(
    rows: Iterable[KeyedRow],
    settings: Settings,
    what: str,
    answers: Mapping[int, tuple[Answer, str | None]],
) -> None:
    async with open_store(settings, what) as store:
        await store.people.decide(
            Decision(
                row_digest(store, customer, key),
                *answers[customer.row],
                row_evidence(customer, key.made_of, store.key),
            )
            for customer, key in rows
            if customer.row in answers
        )


def decisions_about(rows: Iterable[KeyedRow], settings: Settings, what: str) -> dict[int, Answer]:
    """Return row → what was decided about it last, for those of `rows` that were decided.

    Raises ServiceError when the store can't be read, or a run is in progress.
    """
    return asyncio.run(_about(rows, settings, what)) if has_store(settings) else {}


async def _about(rows: Iterable[KeyedRow], settings: Settings, what: str) -> dict[int, Answer]:
    async with open_store(settings, what) as store:
        found = await _last(rows, store)
    return {row: decision.answer for row, decision in found.items()}


async def decided_as(rows: Rows, store: Store, wanted: Collection[int]) -> dict[int, str]:
    """Return row → id of the customer that it is by a decision in the store, for those `wanted`."""
    found = await _last((each for each in rows.keyed() if each.customer.row in wanted), store)
    return {
        row: decision.customer_id
        for row, decision in found.items()
        if decision.answer is Answer.SAME and decision.customer_id
    }


def decided_in(sheet: Sheet) -> dict[int, str]:
    """Return row → id of the customer that it is by a decision in the sheet itself."""
    same = str(Answer.SAME)
    return {row: id_ for row, (word, id_) in sheet.decisions.items() if word == same and id_}


async def _last(rows: Iterable[KeyedRow], store: Store) -> dict[int, Decision]:
    """Return row → what was decided about it last."""
    digests = {customer.row: row_digest(store, customer, key) for customer, key in rows}
    found = await store.people.decisions([*digests.values()])
    return {row: found[key][-1] for row, key in digests.items() if key in found}
