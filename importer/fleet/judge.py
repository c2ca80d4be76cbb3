"""Prepare sheets in a process of their own: a large one must not delay heartbeats."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import threading
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import TYPE_CHECKING

from importer.errors import FaultError
from importer.i18n import language, set_language, tr
from importer.pipeline.prepare import Prepared, prepare

if TYPE_CHECKING:
    from pathlib import Path

    from importer.pipeline.options import SheetOptions

_SHEETS = 20  # until the process is restarted, to return the memory of large sheets


class Judge:
    """A process that prepares sheets, one at a time; started with the first, and after a crash."""

    def __init__(self) -> None:
        self._pool: ProcessPoolExecutor | None = None
        self._given = 0  # sheets, to that process

    async def prepare(self, sheet: Path, options: SheetOptions, region: str) -> Prepared:
        """Read, map, clean, validate and dedupe a sheet.

        Raises as `pipeline.prepare.prepare`; FaultError when the process crashed on it, twice.
        """
        for _ in range(2):  # another sheet may have crashed it
            pool = self._next_pool()
            loop = asyncio.get_running_loop()
            try:
                return await loop.run_in_executor(
                    pool, _prepare, sheet, options, region, language()
                )
            except BrokenProcessPool:
                if self._pool is pool:
                    self._pool = None
        raise FaultError(
            tr("The process that reads sheets ended unexpectedly: {path}", path=sheet),
            why=tr("the machine may have too little memory for this sheet"),
        )

    def _next_pool(self) -> ProcessPoolExecutor:
        # Not `max_tasks_per_child`: tasks that wait then may wait for ever (cpython issue 115634).
        if self._pool is not None and self._given >= _SHEETS:
            self._pool.shutdown(wait=False)
            self._pool = None
        if self._pool is None:
            spawning = multiprocessing.get_context("spawn")
            self._pool, self._given = ProcessPoolExecutor(1, spawning, initializer=_set_up), 0
        self._given += 1
        return self._pool

    def close(self) -> None:
        """End the process, without waiting for the sheet in hand."""
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)


def _prepare(sheet: Path, options: SheetOptions, region: str, ui_language: str) -> Prepared:
    set_language(ui_language)
    return prepare(sheet, options, region=region)


def _set_up() -> None:
    """Leave signals to the worker, and end when the worker ends."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(0)
