"""One job: the sheet of a brand, as `run --yes` does it; judged in another process."""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from importer.errors import FencedError, ServiceError
from importer.fleet.tables import Progress
from importer.i18n import tr
from importer.pipeline.last_time import with_last
from importer.pipeline.offline import check_outputs, unanswered
from importer.pipeline.online import destination, finish_run, send_plan, write_bodies
from importer.pipeline.session import open_prepared, recorded
from importer.pipeline.upload import stopped
from importer.progress import NullReporter
from importer.records import Status
from importer.results.names import default_path
from importer.store.records import Kind
from importer.store.state import IN_USE

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from contextlib import AbstractContextManager
    from pathlib import Path

    from importer.fleet.brands import Brand
    from importer.fleet.judge import Judge
    from importer.pipeline.options import Output, SendOptions, SheetOptions
    from importer.pipeline.result import Result
    from importer.progress import SendProgress
    from importer.results.summary import Summary
    from importer.settings import Settings

T = TypeVar("T")

FRESH = 60.0  # seconds: a sheet that was written since may still be written
LOOK_AGAIN = 1.0


@dataclass(frozen=True, slots=True)
class Options:
    """The flags of a brand, read.

    `log` keeps its `--log-file` open while it runs. `begin` and `end` are for `--ping`, `--notify`
    and `--metrics`; both may take seconds.
    """

    sheet: SheetOptions
    sending: SendOptions
    output: Output  # without results: beside the sheet, or where the brand says
    log: Callable[[], AbstractContextManager[None]] = contextlib.nullcontext
    begin: Callable[[], None] = lambda: None
    end: Callable[[Summary], None] = lambda _: None


class NotNowError(Exception):
    """The brand can't be run now; `str` of it says why. Try again later."""


class Watch(NullReporter):
    """Progress of an upload."""

    def __init__(self, name: str) -> None:
        self.rows: int | None = None  # of the sheet
        self.done: int | None = None
        self.left: float | None = None
        self._name = name

    def sending(self, progress: SendProgress) -> None:
        """Take how far it is."""
        self.done = (self.rows or 0) - progress.total + progress.done
        self.left = progress.left

    @property
    def progress(self) -> Progress:
        """Return it as it is kept."""
        return Progress(self._name, self.rows, self.done, self.left)


async def upload(
    brand: Brand,
    settings: Settings,
    options: Options,
    judge: Judge,
    watch: Watch,
    stop: asyncio.Event,
    begun: Callable[[int], Awaitable[None]],
) -> Result:
    """Create the customers of a brand's sheet; write the outcome of every row.

    `begun` is awaited with the number of the run (0: a dry run) once the brand is held, before
    anything is sent. When `stop` is set, requests in flight are finished, and the rest is left.

    Raises NotNowError when the brand is in use elsewhere or its sheet is still being written,
    FencedError when another process has taken the brand over: nothing is written then. UsageError
    or ServiceError when nothing could be begun; what ends it later is in the result.
    """
    started = time.monotonic()
    output = _with_results(options.output, brand, 0)
    sheet = with_last(options.sheet, settings)
    before = await _settled(brand.sheet)
    check_outputs(brand.sheet, sheet, output)
    prepared = await _unless(stop, judge.prepare(brand.sheet, sheet, settings.region))
    if _state(brand.sheet) != before:
        raise NotNowError(still_written(brand.sheet))
    watch.rows = len(prepared.sheet.table)
    output = _with_results(options.output, brand, watch.rows)
    if (asked := unanswered(prepared, settings, started=started)) is not None:
        return asked
    sending, plan = options.sending, None
    try:
        async with (
            destination(settings, sending, watch) as there,
            open_prepared(prepared, there, sending, reporter=watch) as opened,
        ):
            await begun(opened.run)
            await asyncio.to_thread(options.begin)
            write_bodies(prepared, opened, output, watch)
            async with recorded(opened):
                plan = await opened.plan(stop)
                if not sending.dry_run:
                    await send_plan(opened, plan, stop, watch)
            if isinstance(opened.error, FencedError):
                raise opened.error  # results and the end of the run are its new owner's
            result = await finish_run(
                prepared,
                opened,
                output,
                settings,
                started=started,
                plan=plan,
                stop=stop,
                reporter=watch,
            )
    except ServiceError as error:
        if error.code == IN_USE:
            raise NotNowError("; ".join(filter(None, (error.what, error.why)))) from error
        raise
    watch.done, watch.left = watch.rows - result.outcomes.counts()[Status.PENDING], None
    return result


def _with_results(output: Output, brand: Brand, rows: int) -> Output:
    """Return where results of so many rows go."""
    if output.results:
        return output
    if brand.results and brand.results.suffix:
        return replace(output, results=brand.results)
    beside = brand.results / brand.sheet.name if brand.results else brand.sheet
    return replace(output, results=default_path(beside, Kind.RUN, rows))


async def _settled(sheet: Path) -> tuple[int, int] | None:
    """Return size and time of a sheet, None where there is none. NotNowError while it is written.

    One that was written lately is looked at twice. By the clock of the machine, which may be off:
    whether it changes decides.
    """
    found = _state(sheet)
    if found and abs(time.time() - found[1] / 1e9) < FRESH:
        await asyncio.sleep(LOOK_AGAIN)
        if _state(sheet) != found:
            raise NotNowError(still_written(sheet))
    return found


def _state(sheet: Path) -> tuple[int, int] | None:
    try:
        found = sheet.stat()
    except OSError:
        return None  # reading it says why
    return found.st_size, found.st_mtime_ns


def still_written(sheet: Path | str) -> str:
    """Return the reason why a sheet isn't read yet."""
    return tr("the sheet is still being written: {path}", path=sheet)


async def _unless(stop: asyncio.Event, work: Awaitable[T]) -> T:
    """Return what the work returns. Raises StoppedError when `stop` is set meanwhile."""
    task, stopping = asyncio.ensure_future(work), asyncio.ensure_future(stop.wait())
    await asyncio.wait({task, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if not task.done():
        task.cancel()
        raise stopped()
    return task.result()
