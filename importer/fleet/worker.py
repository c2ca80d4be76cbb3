"""A worker: many uploads in one process, heartbeats, and the care for crashed workers' jobs."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import socket
import time
import traceback
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from importer.errors import Exit, FencedError, ImporterError, UsageError
from importer.fleet import jobs, tables
from importer.fleet.brands import parse_brands
from importer.fleet.credentials import settings_of
from importer.fleet.database import open_database
from importer.fleet.jobs import Beats, PutOffError
from importer.fleet.judge import Judge
from importer.fleet.logs import BRAND, RUN
from importer.fleet.metrics import Listen, serve_metrics
from importer.fleet.remote import address_of, copied
from importer.fleet.schedule import last_due, next_due
from importer.fleet.setup import check_server
from importer.fleet.upload import NotNowError, Watch, upload
from importer.fleet.watchdog import Watchdog
from importer.i18n import tr
from importer.pipeline.session import as_importer_error
from importer.results.summary import Summary
from importer.store.state import state_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping
    from pathlib import Path

    from importer.fleet.brands import Brand, Fleet
    from importer.fleet.database import Database
    from importer.fleet.upload import Options
    from importer.settings import Settings

_log = logging.getLogger(__name__)
_CONNECTIONS = 4
_TICK = 1.0
_TRIES = (60.0, 300.0, 1500.0)  # seconds until Clopos is tried again; then the next night
_LOOK_IDLE = 1.0


@dataclass(frozen=True, slots=True)
class Work:
    """Task of a worker. `parse` reads the flags of a brand; `env` is the environment."""

    path: Path  # of brands.toml
    url: str
    env: Mapping[str, str]
    parse: Callable[[Brand], Options]
    slots: int = 50
    until_idle: bool = False
    queues: tuple[str, ...] = ()  # none: all
    listen: Listen | None = None  # where /metrics and /healthz are; None: nowhere
    beats: Beats = field(default_factory=Beats)


def read_brands(path: Path) -> Fleet:
    """Read brands.toml. Raises UsageError when it can't be read, or nothing of it be used."""
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            tr("{path} can't be read", path=path),
            why=getattr(error, "strerror", None) or tr("it is not UTF-8"),
            fix=tr("write it, or name another file with --brands"),
        ) from error
    return parse_brands(text, path.absolute())


async def work(what: Work) -> int:
    """Work until a signal ends it, or nothing is left to do; return the exit code.

    Raises ServiceError when the database can't be reached or only be read at the start, or its
    tables become those of a newer version; UsageError when it has no tables, may lose what it has
    committed, or brands.toml can't be used.
    """
    fleet = read_brands(what.path)
    await check_server(what.url)
    async with open_database(what.url, size=_CONNECTIONS, patient=True) as database:
        await tables.check_tables(database)
        worker = Worker(what, database, fleet)
        async with serve_metrics(what.listen, worker):
            return await worker.run()


@dataclass(slots=True)
class _Running:
    """A job in hand."""

    stop: asyncio.Event
    watch: Watch


class Worker:
    """The state of a worker: its jobs in hand, and whether it is ending."""

    def __init__(self, what: Work, database: Database, fleet: Fleet) -> None:
        self.name = f"{socket.gethostname()}-{os.getpid()}"
        self.database = database
        self.what = what
        self.running: dict[str, _Running] = {}
        self.rows_done = 0
        self.watchdog = Watchdog(what.beats.dead)
        self._judge = Judge()
        self._ending = asyncio.Event()
        self._fleet = fleet
        self._read_at: tuple[int, int] | None = None
        self._due: dict[tuple[str, str, str], float] = {}
        self._queue = jobs.queue_worker(
            database,
            self.run_brand,
            slots=what.slots,
            beats=what.beats,
            queues=what.queues or None,
        )

    async def run(self) -> int:
        """Take jobs until a signal, or `end`; return the exit code."""
        self._hear_signals()
        self.watchdog.start()
        await self._schedule()
        _log.info("worker %s: %d slots", self.name, self.what.slots)
        beats = self.what.beats
        beside = [
            asyncio.ensure_future(_each(_TICK, self._tick)),
            asyncio.ensure_future(_each(beats.heartbeat, self._note_worker)),
            asyncio.ensure_future(_each(beats.progress, self._note_progress)),
            asyncio.ensure_future(_each(beats.care, self._care)),
            asyncio.ensure_future(_each(beats.poll, self._schedule)),
        ]
        if self.what.until_idle:
            beside.append(asyncio.ensure_future(_each(_LOOK_IDLE, self._look_idle)))
        queue = asyncio.ensure_future(jobs.run_queue(self._queue))
        try:
            await asyncio.wait({queue, *beside}, return_when=asyncio.FIRST_COMPLETED)
            asked = self._ending.is_set()
            self.end()
            await queue
            for task in beside:
                if task.done():
                    task.result()  # one of these ends by an error alone
        finally:
            for task in beside:
                task.cancel()
            await asyncio.gather(*beside, return_exceptions=True)
            self.watchdog.stop()
            self._judge.close()
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._drop_worker(), timeout=5)
        if not asked:
            return Exit.SERVICE  # the queue gave up, and has logged why
        return Exit.USAGE if self.brands().broken else Exit.DONE

    def end(self) -> None:
        """Take no more jobs; finish what is in flight and hand the rest to others."""
        self._ending.set()
        jobs.stop_queue(self._queue)
        for running in self.running.values():
            running.stop.set()

    def brands(self) -> Fleet:
        """Return what brands.toml says now; while it can't be read, what it said last."""
        try:
            found = self.what.path.stat()
            read_at = (found.st_mtime_ns, found.st_size)
            if read_at != self._read_at:
                self._read_at = read_at
                self._fleet = read_brands(self.what.path)
                for broken in self._fleet.broken.values():
                    _log.warning("brands.toml: %s", broken.what)
        except (OSError, UsageError) as wrong:
            _log.warning("brands.toml can't be used, its last version counts: %s", wrong)
        return self._fleet

    async def run_brand(self, name: str, stop: asyncio.Event) -> None:
        """Do the job of a brand. Raises PutOffError where it isn't done, and nothing else."""
        BRAND.set(name)
        running = self.running[name] = _Running(stop, Watch(name))
        if self._ending.is_set():
            stop.set()
        try:
            await self._run(name, running)
        except PutOffError as later:
            _log.info("put off by %.0f s", later.seconds)
            raise
        except FencedError:
            # Put off, which counts only if the job is still ours.
            _log.warning("another process has the brand, its run here ends")
            raise PutOffError(self.what.beats.put_off) from None
        except Exception as error:
            _log.error("the job can't be done here: %s", _where(error))
            raise PutOffError(self.what.beats.put_off) from error
        finally:
            del self.running[name]

    async def _run(self, name: str, running: _Running) -> None:
        later = PutOffError(self.what.beats.put_off)
        if self._ending.is_set():
            raise PutOffError(0)
        if await tables.is_paused(self.database, name):
            raise later
        fleet = self.brands()
        brand = fleet.brands.get(name)
        if brand is None:
            gone = UsageError(
                tr("There is no brand {name} in brands.toml", name=name),
                fix=tr("add it to the file again"),
            )
            await self._end(running, Exit.USAGE, fleet.broken.get(name, gone))
            return
        try:
            settings = await asyncio.to_thread(settings_of, brand, self.what.env)
        except UsageError as error:
            if self.what.until_idle:
                await self._end(running, Exit.USAGE, error)
                return
            # Another worker may have them.
            _log.warning("%s", error.what)
            await tables.note_wait(self.database, name, _words(error), Exit.USAGE)
            raise later from error
        code, ended_by = await self._upload(brand, settings, running)
        if self._ending.is_set() and code == Exit.STOPPED:
            raise PutOffError(0)
        failures = await self._end(running, code, ended_by)
        if code == Exit.SERVICE and failures <= len(_TRIES) and not self.what.until_idle:
            raise PutOffError(_TRIES[failures - 1] if failures else self.what.beats.put_off)

    async def _upload(
        self, brand: Brand, settings: Settings, running: _Running
    ) -> tuple[int, ImporterError | None]:
        """Run the upload of a brand; return its exit code and what ended it early."""

        async def begun(run: int) -> None:
            RUN.set(run)
            await tables.begin(self.database, brand.name, self.name)
            _log.info("begun with %s", brand.sheet_at or brand.sheet)

        options: Options | None = None
        try:
            options = self.what.parse(brand)
            copies = state_folder(settings) / "sheets"
            with options.log():
                async with copied(brand, copies) as here:
                    result = await upload(
                        here, settings, options, self._judge, running.watch, running.stop, begun
                    )
            found = result.summary  # whose files are copies, perhaps, that are gone by now
            results = found.results and address_of(found.results, brand, here)
            summary = replace(found, file=address_of(found.file, brand, here), results=results)
        except NotNowError as why:
            _log.info("%s", why)
            await tables.note_wait(self.database, brand.name, str(why))
            raise PutOffError(self.what.beats.put_off) from why
        except FencedError:
            raise
        except Exception as raised:  # noqa: BLE001 - every job gets an exit code
            error = as_importer_error(raised)
            if error.__cause__:
                _log.error("internal error: %s", _where(raised))
            summary = Summary(file=str(brand.sheet), error=error)
        if options and not (self._ending.is_set() and summary.exit_code == Exit.STOPPED):
            try:
                await asyncio.to_thread(options.end, summary)
            except ImporterError as unsaid:  # the rows are sent all the same
                _log.warning("%s", unsaid.what)
        return summary.exit_code, summary.error

    async def _end(self, running: _Running, code: int, error: ImporterError | None) -> int:
        """Note how a job ended; return how many tries in a row Clopos refused."""
        progress = running.watch.progress
        self.rows_done += progress.done or 0
        words = _words(error) if error else None
        level = logging.WARNING if words else logging.INFO
        _log.log(level, "ended with exit code %d%s", code, f": {words}" if words else "")
        return await tables.end(self.database, self.name, progress, code, words)

    async def _tick(self) -> None:
        self.watchdog.tick()
        if self._ending.is_set():  # a signal may have come before the queue had started
            jobs.stop_queue(self._queue)

    async def _note_worker(self) -> None:
        while self._queue.worker_id is None:  # noqa: ASYNC110 - the engine has no event for it
            await asyncio.sleep(0.1)
        await tables.note_worker(
            self.database,
            self._queue.worker_id,
            self.name,
            self.what.slots,
            len(self.running),
        )

    async def _drop_worker(self) -> None:
        await tables.drop_worker(self.database, self.name)

    async def _note_progress(self) -> None:
        moving = [running.watch.progress for running in self.running.values()]
        if moving:
            await tables.note_progress(self.database, self.name, moving)

    async def _care(self) -> None:
        """Give back the jobs of crashed workers, unless others may have been cut off as we were.

        Raises ServiceError when the tables were upgraded by a newer version meanwhile.
        """
        await tables.check_tables(self.database)
        dead = self.what.beats.dead
        if time.monotonic() - self.database.lost_at > 2 * dead and (
            given := await jobs.give_back(self.database, dead)
        ):
            _log.warning("%d jobs of dead workers given back", given)

    async def _schedule(self) -> None:
        """Give jobs for brands whose time has come, by the clock of the database."""
        if self._ending.is_set():
            return
        now, due = await jobs.now(self.database), []
        for brand in self.brands().brands.values():
            if brand.schedule is None:
                continue
            key = (brand.name, brand.schedule, brand.zone)
            if now < self._due.get(key, 0.0):
                continue
            if (moment := last_due(brand.schedule, brand.zone, now)) is not None:
                due.append((brand.name, brand.queue, moment))
            self._due[key] = next_due(brand.schedule, brand.zone, now)
        if due and (given := await jobs.give_due(self.database, due)):
            _log.info("%d brands are due", given)

    async def _look_idle(self) -> None:
        if await jobs.is_idle(self.database, self.what.queues):
            self.end()

    def _hear_signals(self) -> None:
        loop = asyncio.get_running_loop()

        def heard() -> None:
            if self._ending.is_set():
                os._exit(Exit.STOPPED)  # the second time; the journal has all that left
            _log.info("ending: %d uploads finish what is in flight", len(self.running))
            self.end()

        for number in (signal.SIGINT, signal.SIGTERM):
            with contextlib.suppress(NotImplementedError):  # Windows: Ctrl-C ends it at once
                loop.add_signal_handler(number, heard)


async def _each(seconds: float, work: Callable[[], Coroutine[None, None, None]]) -> None:
    """Do something now and each so many seconds, until it raises or is cancelled."""
    while True:
        await work()
        await asyncio.sleep(seconds)


def _words(error: ImporterError) -> str:
    return "; ".join(filter(None, (error.what, error.why, error.fix)))


def _where(error: BaseException) -> str:
    """Return the kind of an error and where it was raised: its message may hold a value."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f" at {frames[-1].filename}:{frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}{where}"
