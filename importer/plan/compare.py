"""What is known of the rows of a sheet: by the journal, and by what is at Clopos."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from importer.i18n import tr
from importer.plan.decide import mended, reading_pays
from importer.store.records import Block, Remembered
from importer.store.sqlite_journal import SENT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from importer.clopos import Clopos
    from importer.progress import Viewer
    from importer.records import Customer
    from importer.store.records import Known
    from importer.store.sqlite_journal import Entry, Journal
    from importer.store.sqlite_snapshot import Snapshot

_BLOCK = 1000  # rows that are compared with what is known at a time
_ENOUGH = 10_000  # rows that nothing is known of: whatever Clopos holds, reading it pays


class Comparison:
    """Compares the customers of a sheet, a block at a time, with journal and snapshot.

    `rows` gives the customers anew with each call.
    """

    def __init__(
        self, rows: Callable[[], Iterator[Customer]], journal: Journal, snapshot: Snapshot
    ) -> None:
        self.rows = rows
        self.journal = journal
        self.snapshot = snapshot
        # cid of a row in doubt → highest id before it, and whether other values were sent then
        self.after: dict[str, tuple[int | None, bool]] = {}
        self.lost: list[tuple[str, str, Mapping[str, str]]] = []  # what a damaged journal had

    async def refresh(self, api: Clopos, match: str, limit: int | None, viewer: Viewer) -> None:
        """Learn what is at Clopos, if that is wanted and costs less than it saves.

        `match` is auto, always or never; `limit` how many rows may be sent, None for all.
        """
        if self.journal.to_rebuild:
            match = "always"
        unknown = 0 if match == "never" else self._unknown_rows(limit)
        if not unknown:
            return

        with viewer.busy(tr("reading what is at Clopos")) as progress:

            def pays(pages: int, total: int) -> bool:
                progress(max(0, total - pages * api.page_size), of=total)
                return match == "always" or reading_pays(pages, unknown, total)

            await self.snapshot.refresh(api, pays)

    def _unknown_rows(self, limit: int | None) -> int:
        """Count the rows to be sent of which the journal knows nothing, as far as it matters."""
        most = _ENOUGH if limit is None else min(_ENOUGH, limit)
        rows, unknown = self.rows(), 0
        while unknown < most and (block := list(islice(rows, _BLOCK))):
            unknown += len(block) - len(self.journal.recall([row.cid for row in block]))
        return min(unknown, most)

    def blocks(self, run: int) -> Iterator[Block]:
        """Yield the customers of the sheet with what journal and snapshot know of them."""
        rows = self.rows()
        while block := list(islice(rows, _BLOCK)):
            entries = self.journal.recall([row.cid for row in block])
            index = self.snapshot.look_up(block)
            for row in block:
                self._compare(row, entries.get(row.cid), index.by_cid.get(row.cid))
            remembered = {
                cid: Remembered(
                    entry.state == SENT, entry.run == run, entry.clopos_id, entry.content
                )
                for cid, entry in entries.items()
            }
            yield Block(block, remembered, index)

    def _compare(self, row: Customer, entry: Entry | None, known: Known | None) -> None:
        """Note what is in doubt, and let the journal know what was found out about it."""
        if entry and entry.state == SENT:
            other = mended(row, entry.content, self.journal.key)
            self.after[row.cid] = (entry.after_id, other)
            if known:
                self.journal.created(row.cid, known.id)
        elif known and not entry and self.journal.to_rebuild:
            self.lost.append((row.cid, known.id, known.content))
