"""`check`, `run` and `arun`: the route as calls from Python.

They load quickly, for programs that only may call them (the scheduler of Airflow imports every
file of its folder, again and again): tables and network are imported by the first call.
"""

from __future__ import annotations

import asyncio
import time
from importlib import import_module
from typing import TYPE_CHECKING, BinaryIO

from importer.pipeline.options import Output
from importer.settings import read_settings, require_credentials

if TYPE_CHECKING:
    from collections.abc import Mapping

    from importer.pipeline.options import SendOptions, SheetOptions
    from importer.pipeline.prepare import Prepared, Source
    from importer.pipeline.result import Result
    from importer.progress import ProgressReporter
    from importer.settings import Settings


def check(
    source: Source,
    options: SheetOptions | None = None,
    output: Output | None = None,
    *,
    env: Mapping[str, str] | None = None,
    reporter: ProgressReporter | None = None,
    stdin: BinaryIO | None = None,
) -> Result:
    """Tell offline what would be imported, what is wrong and what is double.

    `source` is a path ("-": `stdin` is read), the bytes of a file, or a pandas table; `env` holds
    CLOPOS_* variables.

    Raises UsageError when the sheet can't be read or the results can't be written.
    """
    from importer.pipeline.offline import finish_check

    started = time.monotonic()
    output, settings = output or Output(), read_settings(env or {})
    prepared = _prepare(source, options, output, settings, reporter, stdin)
    return finish_check(prepared, settings, output, started=started, reporter=reporter)


async def arun(
    source: Source,
    options: SheetOptions | None = None,
    output: Output | None = None,
    sending: SendOptions | None = None,
    *,
    env: Mapping[str, str] | None = None,
    reporter: ProgressReporter | None = None,
    stdin: BinaryIO | None = None,
    stop: asyncio.Event | None = None,
) -> Result:
    """Create the customers of a sheet in Clopos, within an event loop that runs already.

    `source` is a path ("-": `stdin` is read), the bytes of a file, or a pandas table; `env` holds
    CLOPOS_* variables. When `stop` is set, requests in flight are finished, results are written,
    and the rest is left for the next run.

    Raises UsageError when the sheet can't be read, credentials are missing or the results can't
    be written; ServiceError when nothing could be begun. What ends a run later is in the result.
    """
    # In a thread: the first call imports what takes a second.
    await asyncio.to_thread(import_module, "importer.pipeline.online")
    from importer.pipeline.online import send_prepared

    started = time.monotonic()
    output, settings = output or Output(), _settings(env, sending)
    prepared = await asyncio.to_thread(_prepare, source, options, output, settings, reporter, stdin)
    return await send_prepared(prepared, settings, sending, output, reporter, stop, started)


def run(
    source: Source,
    options: SheetOptions | None = None,
    output: Output | None = None,
    sending: SendOptions | None = None,
    *,
    env: Mapping[str, str] | None = None,
    reporter: ProgressReporter | None = None,
    stdin: BinaryIO | None = None,
) -> Result:
    """Create the customers of a sheet in Clopos and tell what became of every row.

    As `arun`, on an event loop of its own.
    """
    from importer.pipeline.online import fastest_loop, send_prepared

    started = time.monotonic()
    output, settings = output or Output(), _settings(env, sending)
    prepared = _prepare(source, options, output, settings, reporter, stdin)
    with asyncio.Runner(loop_factory=fastest_loop()) as runner:
        return runner.run(
            send_prepared(prepared, settings, sending, output, reporter, None, started)
        )


def _settings(env: Mapping[str, str] | None, sending: SendOptions | None) -> Settings:
    settings = read_settings(env or {})
    if not (sending and sending.sandbox):
        require_credentials(settings)
    return settings


def _prepare(
    source: Source,
    options: SheetOptions | None,
    output: Output,
    settings: Settings,
    reporter: ProgressReporter | None,
    stdin: BinaryIO | None,
) -> Prepared:
    """Return the sheet read and checked, after a look at where things are to be written."""
    from importer.pipeline.last_time import with_last
    from importer.pipeline.offline import check_outputs
    from importer.pipeline.prepare import prepare

    check_outputs(source, options, output)
    options = with_last(options, settings)
    return prepare(source, options, region=settings.region, reporter=reporter, stdin=stdin)
