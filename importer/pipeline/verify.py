"""An independent reader: do results agree with sheet, journal and Clopos.

It takes what a run left behind, adds up, and compares.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections import Counter
from dataclasses import asdict, dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Any, BinaryIO

from importer.clean.groups import look_up
from importer.clopos import Clopos, Existing, Quota, default_rates
from importer.errors import UsageError
from importer.i18n import tr, trn
from importer.matching.keys import customers
from importer.pipeline.prepare import Prepared, SheetOptions, prepare
from importer.pipeline.verify_checks import (
    Difference,
    lines_of,
    with_clopos,
    with_journal,
    with_sheet,
)
from importer.progress import Silent
from importer.records import Status
from importer.results.reader import read_results
from importer.settings import read_settings, require_credentials
from importer.store.sqlite_journal import Entry, Journal
from importer.store.state import brand_path, hold

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    import pandas as pd

    from importer.progress import Viewer
    from importer.records import Customer
    from importer.settings import Settings

_SHOWN = 30  # differences told in words
_BLOCK = 1000  # cids looked up in the journal at a time


@dataclass(frozen=True, slots=True)
class Verified:
    """What was compared, and where it doesn't agree."""

    summary: dict[str, Any]
    differences: tuple[Difference, ...]

    @property
    def exit_code(self) -> int:
        """Return 0 when all agrees, else 1."""
        return int(bool(self.differences))


def verify(
    path: Path,
    options: SheetOptions | None = None,
    results: Path | None = None,
    *,
    offline: bool = False,
    env: Mapping[str, str] | None = None,
    viewer: Viewer | None = None,
    stdin: BinaryIO | None = None,
) -> Verified:
    """Hold the results of a run against the sheet, the journal and Clopos.

    `options` are those of the run. `results`: FILE.results.csv when None. Clopos is read unless
    `offline`, or where there are no credentials: everyone where that costs less than looking up
    each id, and what is only read there then is whether open rows aren't at Clopos after all.

    Raises UsageError when a file can't be read, ServiceError when Clopos can't be, or a run is at
    work.
    """
    viewer, options = viewer or Silent(), options or SheetOptions()
    settings = read_settings(env or {})
    if options.region is None and settings.region:
        options = replace(options, region=settings.region)
    options = replace(options, save_mapping=None)  # who verifies changes nothing
    results = results or path.with_name(f"{path.name}.results.csv")
    today = date.today()  # noqa: DTZ011 - the day where the person is
    with viewer.busy(tr("reading {path}", path=path)):
        prepared = prepare(path, options, today=today, stdin=stdin)
        _, columns = read_results(results)
    sheet = prepared.sheet
    own = [n for n in range(len(sheet.headers)) if n not in prepared.mapping.secret]
    lines, differences = lines_of([column.to_pylist() for column in columns])
    differences += with_sheet(lines, sheet, own, prepared.outcomes)

    everyone = None
    with _journal(settings, path) as journal:
        if offline or not _may_read(settings):
            rows = _customers(settings, prepared.values)
        else:
            told = ((line.clopos_id, line.existing_id) for line in lines.values())
            ids = sorted({each for pair in told for each in pair if each})
            with viewer.busy(tr("reading what is at Clopos")):
                values, everyone, requests = asyncio.run(_read(settings, journal, prepared, ids))
            rows = _customers(settings, values)
        if journal:
            differences += with_journal(lines, rows, _recall(journal, rows))
        if everyone is not None:
            differences += with_clopos(lines, rows, everyone)
    statuses = Counter(line.status for line in lines.values())
    summary = {
        "file": str(path),
        "results": str(results),
        "rows": len(sheet.table),
        **{str(status): statuses[status] for status in Status if status is not Status.READY},
        "journal": journal is not None,
        "customers_read": None if everyone is None else len(everyone),
        "requests": None if everyone is None else requests,
        "agrees": not differences,
        "differences": [asdict(each) for each in differences],
    }
    return Verified(summary, tuple(differences))


def told(verified: Verified) -> list[str]:
    """Return for people what was compared, and what doesn't agree."""
    facts, differences = verified.summary, verified.differences
    read = facts["customers_read"]
    compared = [
        trn("{n} row", "{n} rows", facts["rows"]),
        tr("their results"),
        tr("the journal") if facts["journal"] else tr("no journal (none is on this machine)"),
        tr("not Clopos")
        if read is None
        else trn("{n} customer at Clopos", "{n} customers at Clopos", read),
    ]
    lines = [tr("Compared: {what}", what=", ".join(compared))]
    if not differences:
        return [*lines, "  " + tr("all agrees")]
    many = len(differences)
    lines.append("  " + trn("{n} thing doesn't agree:", "{n} things don't agree:", many))
    lines += [
        "  " + (each.what if each.row is None else f"{tr('row {row}', row=each.row)} {each.what}")
        for each in differences[:_SHOWN]
    ]
    if many > _SHOWN:
        text = trn("{n} more; all are in --json", "{n} more; all are in --json", many - _SHOWN)
        lines.append(f"  … {text}")
    return lines


def _may_read(settings: Settings) -> bool:
    try:
        require_credentials(settings)
    except UsageError:
        return False
    return True


def _customers(settings: Settings, values: pd.DataFrame) -> list[Customer]:
    return list(customers(values, base_url=settings.base_url, brand=settings.brand))


@contextlib.contextmanager
def _journal(settings: Settings, path: Path) -> Iterator[Journal | None]:
    """Give the brand's journal, None where this machine has none, and keep runs away."""
    file = brand_path(settings) / "journal.sqlite"
    if not file.exists():
        yield None
        return
    with hold(file.parent, f"verify {path}"), Journal(file) as journal:
        yield journal


def _recall(journal: Journal, rows: Sequence[Customer]) -> dict[str, Entry]:
    entries: dict[str, Entry] = {}
    for start in range(0, len(rows), _BLOCK):
        entries |= journal.recall([row.cid for row in rows[start : start + _BLOCK]])
    return entries


async def _read(
    settings: Settings, journal: Journal | None, prepared: Prepared, ids: list[str]
) -> tuple[pd.DataFrame, dict[str, Existing], dict[str, int]]:
    """Return the values with their groups, id → customer, and the requests that took.

    The customers are everyone, or those of `ids` where that costs less.
    """
    rates = default_rates(settings.version)
    recent: list[float] = []
    if journal:
        longest = max(rate.seconds for rate in rates)
        recent = [journal.now() - sent for sent in journal.recent_requests(longest)]
    quota = Quota(rates, recent=recent)
    note = journal.request_left if journal else lambda: None
    everyone: dict[str, Existing] = {}
    async with Clopos(settings, quota, on_request=note) as api:
        values, _ = await look_up(prepared.values, prepared.groups, api.groups)

        def worth_it(total: int) -> bool:
            return math.ceil(total / api.page_size) <= len(ids) + 1

        async for existing in api.scan(worth_it):
            everyone[existing.id] = existing
        for clopos_id in ids:
            # A list that changes while it is read may leave somebody out.
            if clopos_id not in everyone and (found := await api.get(clopos_id)):
                everyone[clopos_id] = found
        if journal:
            await journal.flush()
        return values, everyone, api.requests.as_dict()
