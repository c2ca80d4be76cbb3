"""Read the newest customers back, to find out whether requests without an answer created any.

Filters and sort orders are a hint, never proof (API facts §5.1): a list counts as complete only
where its own numbers say so, and one that lacks ids which are known proves nothing. Nor is a cid
that isn't listed proof of absence where a newer customer looks as the row does: Clopos may have
given it a cid of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from importer.errors import ServiceError
from importer.i18n import tr
from importer.matching.evidence import look_keys

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from importer.clopos import Clopos, Existing
    from importer.store.base import Journal


@dataclass(slots=True)
class Twins:
    """Newer customers that look as the wanted rows do, and have another cid.

    `looks` is mark of a row → its packed evidence, `as_seen` makes that of a customer at Clopos.
    Customers whose cid the journal has are rows of their own.
    """

    looks: Mapping[str, str]
    as_seen: Callable[[Existing], str]
    journal: Journal
    _seen: dict[str, dict[str, str]] = field(init=False)  # wanted key → cid → id

    def __post_init__(self) -> None:
        self._seen = {key: {} for packed in self.looks.values() for key in look_keys(packed)}

    def look_at(self, existing: Existing) -> None:
        """Take a listed customer into account."""
        if existing.cid and self._seen:
            for key in self._seen.keys() & look_keys(self.as_seen(existing)):
                self._seen[key][existing.cid] = existing.id

    async def of(self, wanted: Mapping[str, int | None]) -> dict[str, tuple[str, ...]]:
        """Return mark → ids, for the wanted rows of which there are any."""
        found: dict[str, dict[str, str]] = {}
        for mark, after_id in wanted.items():
            for key in look_keys(self.looks[mark]) if mark in self.looks else ():
                for cid, id_ in self._seen[key].items():
                    if not id_.isdecimal() or int(id_) > (after_id or 0):
                        found.setdefault(mark, {})[cid] = id_
        cids = {cid for twins in found.values() for cid in twins}
        ours = {cid for cid, entry in (await self.journal.recall(cids)).items() if entry.clopos_id}
        twins = {
            mark: tuple(id_ for cid, id_ in each.items() if cid not in ours)
            for mark, each in found.items()
        }
        return {mark: ids for mark, ids in twins.items() if ids}


async def find_created(
    api: Clopos,
    wanted: Mapping[str, int | None],
    newest_id: int | None,
    mark: Callable[[str], str] = str,
    created: Mapping[str, str] | None = None,
    twins: Twins | None = None,
) -> dict[str, str]:
    """Read the newest customers until every `wanted` one is found or certainly not there.

    `wanted` is mark of a cid → the highest id known before the request left (None: not known);
    `mark` makes marks of cids, `newest_id` is the highest id known now. Return mark → id, "" for
    certainly not there. A mark that is missing could not be determined: the list isn't in the order
    asked for, lags, shows no cids, or looking the last rows up one by one is cheaper. `twins` is
    shown every customer that was read.

    `created` is id → mark of customers that were created lately. Raises ServiceError where one of
    them has another cid now: then a cid that isn't listed proves nothing.
    """
    created = created or {}
    found: dict[str, str] = {}
    seen: set[int] = set()
    total: int | None = None
    number = 1
    while True:
        page = await api.page(number, sort=("id", -1))
        ids = [int(existing.id) for existing in page.customers if existing.id.isdecimal()]
        if twins:
            for existing in page.customers:
                twins.look_at(existing)
        marks = {mark(each.cid): each.id for each in page.customers if each.cid is not None}
        if any(created.get(id_, each) != each for each, id_ in marks.items()):
            raise cid_not_kept()
        found |= {each: marks[each] for each in marks.keys() & wanted.keys()}
        if len(found) == len(wanted) or not page.shows_cids:
            return found
        new = set(ids) - seen
        seen |= new
        # Inserts shift customers to later pages, so some appear twice. Deletes shift them up, so
        # one may move to a page that was read already and be missed.
        moved_up = None not in {total, page.total} and (page.total or 0) < (total or 0)
        total = page.total
        stale = bool(newest_id) and max(seen, default=0) < (newest_id or 0)
        if total is not None and len(seen) >= total and not moved_up and not stale:
            return {cid: found.get(cid, "") for cid in wanted}
        in_order = ids == sorted(ids, reverse=True) and len(ids) == len(page.customers)
        if number == 1 and newest_id:
            in_order &= bool(ids) and ids[0] >= newest_id
        if moved_up or not in_order or not new:
            return found
        reached = {cid for cid, after in wanted.items() if after is not None and ids[-1] <= after}
        open_rows = len(wanted.keys() - found.keys() - reached)
        if open_rows <= number:
            return dict.fromkeys(reached, "") | found
        number += 1


def cid_not_kept() -> ServiceError:
    """Return what ends a run at a Clopos that gives customers cids of its own."""
    return ServiceError(
        tr("Clopos doesn't keep the cid of customers"),
        why=tr(
            "it answered with another one: nothing would keep a row that is sent again from being "
            "created twice"
        ),
        fix=tr(
            "ask Clopos; with --match always --accept cid_not_kept it continues: uncertain rows "
            "are searched by name and phone, and never sent again"
        ),
        code="cid_not_kept",
    )
