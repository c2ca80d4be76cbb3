"""One sheet under work: read, understood and prepared from its files, again when they change."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from aiohttp import web

from importer.environment import ENV_FILES, PROJECT_FILE
from importer.errors import ImporterError
from importer.fixes.log_file import fixes_path
from importer.i18n import language, set_language
from importer.mapping.saved import saved_mapping_path
from importer.pipeline.last_time import with_last
from importer.pipeline.options import Output
from importer.pipeline.prepare import open_sheet, prepare_rows, understand
from importer.results.names import default_path, find_results
from importer.store.records import Kind
from importer.ui.folder import name_of
from importer.ui.project_sheets import find_sheet
from importer.ui.render import link
from importer.ui.site import SITE

if TYPE_CHECKING:
    from importer.pipeline.options import SheetOptions
    from importer.pipeline.prepare import Opened, Prepared
    from importer.records import ColumnMapping
    from importer.ui.given import Given
    from importer.ui.site import Site

_PAUSE = 0.7  # seconds after the last act: the next one may follow at once
_MOST = 4  # sheets that are kept in memory


@dataclass(frozen=True, slots=True)
class Judged:
    """A judged sheet: as far as it got, and the error that ended it (None: none did)."""

    given: Given | None = None  # None: the project file is wrong
    opened: Opened | None = None
    mapping: ColumnMapping | None = None
    prepared: Prepared | None = None
    error: ImporterError | None = None
    seconds: float = 0.0  # that it took
    ready: int = 0  # rows that would be sent


class Work:
    """One sheet, and the newest judgement of it.

    `judged` is None until the first one; it may be older than the last act until the next one is
    made, 0.7 s later. Read `prepared` and `opened` after `current` or `latest`.
    """

    def __init__(self, site: Site, path: Path) -> None:
        self.site = site
        self.path = path
        self.name = name_of(site.folder, path)
        self.judged: Judged | None = None
        self.tried: dict[str, int | None] = {}  # answer → rows that would be ready with it
        self.version = 0  # grows with each change
        self.acting = asyncio.Lock()  # an act is compared with the files and kept in one go
        self._judged_version = -1
        self._stamp: tuple[object, ...] = ()
        self._files: tuple[object, ...] = ()  # what they were when they were judged
        self._judged_sheet: tuple[int, int, int] | None = None  # what the file was then
        self._language = language()  # of the request that asked last
        self._judged_language = ""
        self._hurry = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def opened(self) -> Opened | None:
        """Return the sheet as it was read, None where it can't be."""
        return self.judged.opened if self.judged else None

    @property
    def prepared(self) -> Prepared | None:
        """Return the prepared sheet, None where it can't be read or understood."""
        return self.judged.prepared if self.judged else None

    @property
    def ready(self) -> int:
        """Return how many rows would be sent."""
        return self.judged.ready if self.judged else 0

    @property
    def mapping_file(self) -> Path:
        """Return where columns and answers are kept: beside the sheet, or as the project says."""
        given = self.judged.given if self.judged else None
        return saved_mapping_path(self.path, given.sheet.mapping if given else None)

    @property
    def fixes_file(self) -> Path:
        """Return where fixes are kept: beside the sheet, or as the project says."""
        given = self.judged.given if self.judged else None
        return (given and given.sheet.fixes) or fixes_path(self.path)

    @property
    def output(self) -> Output:
        """Return where a run of the sheet writes: beside it, or as the project says."""
        given = self.judged.given if self.judged else None
        output = given.output if given else Output()
        rows = len(self.opened.sheet.table) if self.opened else 0
        return replace(output, results=output.results or default_path(self.path, Kind.RUN, rows))

    @property
    def results_file(self) -> Path | None:
        """Return the results of the newest run as a plain file, None where there are none."""
        given = self.judged.given if self.judged else None
        path = (given and given.output.results) or find_results(self.path, Kind.RUN)
        return path if path and path.is_file() and not path.is_symlink() else None

    @property
    def stale(self) -> bool:
        """Return whether something has changed that isn't judged yet."""
        return self._judged_version < self.version

    @property
    def sheet_changed(self) -> bool:
        """Return whether the file of the sheet itself is another than the one that was judged."""
        return self._judged_sheet != _facts(self.path)

    def changed(self) -> None:
        """Judge the sheet again, soon: call it when an act is on disk."""
        self.version += 1
        self._language = language()
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._judge())

    async def current(self) -> Judged:
        """Return the judgement of the files as they are now."""
        self._look()
        while self.stale and self._task:
            self._hurry.set()
            await asyncio.shield(self._task)
        return self.judged or Judged()

    async def latest(self, patience: float = 0.8) -> Judged:
        """Return the newest judgement; of a large sheet it may be `stale`.

        Waits for the first one, for what follows an error, and else where the last one took no
        longer than so many seconds.
        """
        self._look()
        if self.judged is None or self.judged.error or self.judged.seconds < patience:
            return await self.current()
        return self.judged

    def _look(self) -> None:
        """Notice what another program or tab did to the files."""
        stamp = (language(), *self._facts())  # messages of rows are in the language of then
        ended = self._task is None or self._task.done()
        if stamp != self._stamp or self.judged is None or (self.stale and ended):
            self._stamp = stamp
            self.changed()

    async def _judge(self) -> None:
        while self.stale:
            if self.judged is not None:
                await self._pause()
            self._hurry.clear()
            set_language(self._language)
            version, self._stamp = self.version, (self._language, *self._facts())
            sheet = _facts(self.path)
            same = self._judged_sheet == sheet and self._judged_language == self._language
            earlier, before, files = self.opened if same else None, self.prepared, self._files
            self._files = self._stamp[1:]
            self.judged = await asyncio.to_thread(judge, self.site, self.path, earlier=earlier)
            desk, now = self.site.desk, self.prepared
            if desk and before and now and files == self._files:
                desk.reworded(self.name, before, now)
            self._judged_language = self._language
            self.tried = {}
            self._judged_version = version
            self._judged_sheet = sheet

    def _facts(self) -> tuple[object, ...]:
        """Return what changes when a file does that the judgement is made of."""
        own = (self.path, self.mapping_file, self.fixes_file)
        beside = (self.path.with_name(name) for name in (*ENV_FILES, PROJECT_FILE))
        return tuple(map(_facts, (*own, *beside, Path(PROJECT_FILE))))

    async def _pause(self) -> None:
        """Wait until nothing has changed for a while, or a page waits for it."""
        seconds = max(_PAUSE, self.judged.seconds / 2 if self.judged else 0)
        version = -1
        while version != self.version and not self._hurry.is_set():
            version = self.version
            try:
                await asyncio.wait_for(self._hurry.wait(), seconds)
            except TimeoutError:
                continue


def judge(
    site: Site, path: Path, options: SheetOptions | None = None, *, earlier: Opened | None = None
) -> Judged:
    """Read, understand and prepare a sheet, as `check` does. Raises nothing a user can cause.

    `options` are the saved ones where None, `earlier` is the file unchanged (`open_sheet`).
    """
    started = time.monotonic()
    given = opened = mapping = prepared = error = None
    try:
        given, settings = site.project.options(path), site.settings(path)
        options = options or with_last(given.sheet, settings)
        opened = open_sheet(path, options, region=settings.region, earlier=earlier)
        mapping = understand(opened)
        prepared = prepare_rows(opened, mapping)
    except ImporterError as raised:
        error = raised
    seconds = time.monotonic() - started
    ready = len(prepared.ready) if prepared else 0
    return Judged(given, opened, mapping, prepared, error, seconds, ready)


def work_of(request: web.Request) -> Work:
    """Return the sheet that the address names. Raises HTTPNotFound where the folder has none."""
    site = request.app[SITE]
    name = request.match_info["name"]
    path = find_sheet(site, name)
    if path is None:
        raise web.HTTPNotFound
    works = site.works
    work = works.pop(name, None) or Work(site, path)
    works[name] = work  # the last of the dict is the last that was used
    while len(works) > _MOST:
        works.pop(next(iter(works)))
    return work


async def prepared_of(request: web.Request, *, now: bool = True) -> tuple[Work, Prepared]:
    """Return the sheet of the address and what it came to; `now`: by the files as they are now.

    Where its columns are not clear or it can't be read, the page of its columns says so: raises
    HTTPSeeOther.
    """
    work = work_of(request)
    judged = await (work.current() if now else work.latest())
    if judged.prepared is None:
        raise web.HTTPSeeOther(link(work.site, "sheets", work.name, "columns"))
    return work, judged.prepared


def _facts(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
