"""Find the customers that were created from rows before they were fixed.

A fix of a row that was sent changes nothing at Clopos, and may change all that tells who the row
is: its name and its phone. What an earlier run sent is what the sheet says without the fixes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from importer.matching.evidence import row_evidence, whole_key
from importer.matching.verdicts import Answer, Decision

if TYPE_CHECKING:
    from importer.plan.gather import Gathered
    from importer.plan.rows import Rows
    from importer.store.base import Store


async def take_sent_before(rows: Rows, gathered: Gathered, store: Store) -> None:
    """Let fixed rows be the customers that were created from them, or matched, before the fixes.

    Of several rows that were equal the first was sent, and a row that still says the same is that
    customer itself. Neither a decision nor a claim of the sheet gives way.
    """
    if rows.as_read is None:
        return
    now = {row.number: row.evidence for row in gathered.rows}
    before = {
        customer.row: evidence
        for customer, key in rows.as_read.keyed()
        if customer.row in rows.fixed
        and customer.row in now
        and (evidence := row_evidence(customer, key.made_of, store.key)) != now[customer.row]
    }
    keys = {row: whole_key(evidence) for row, evidence in before.items()}
    gathered.add(await store.people.find({*keys.values()}))
    taken = {*keys.values()} & {whole_key(evidence) for evidence in now.values()}
    customers: dict[int, str] = {}
    for row, key in keys.items():
        if key in taken:
            continue
        taken.add(key)
        gathered.before_fixes[row] = before[row]
        ids = [
            id_
            for id_ in gathered.holders.get(key, ())
            if before[row] in gathered.customers[id_].seen
        ]
        if len(ids) == 1:
            customers[row] = ids[0]
    gathered.rows = [
        row._replace(decision=Decision(Answer.SAME, customers[row.number]))
        if row.number in customers and row.decision is None and row.claim is None
        else row
        for row in gathered.rows
    ]
