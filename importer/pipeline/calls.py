"""`check`, `run` and `arun`: the route as calls from Python.

pandas and the network are imported by the first call, so that importing this module is quick: a
scheduler, e.g. Airflow's, imports every file of its folder again and again.
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
    """Check a sheet offline: what would be imported, what is wrong, what is repeated.

    Args:
        source: Path of the sheet ("-" reads `stdin`), the bytes of a file, or a pandas frame.
        options: How to read the sheet and its values. None: detect everything.
        output: Files to write. None: no file.
        env: CLOPOS_* variables, of which `CLOPOS_REGION` matters here. None: no variable; the
            environment of the process isn't read.
        reporter: Told what is in progress. None: nothing is shown.
        stdin: Binary stream for the source "-". None: that of the process.

    Returns:
        The outcome of every row (`ready`, `invalid`, `duplicate`, `conflict`, `exists`) and the
        summary. Open questions are in `result.summary.questions`; they make `exit_code` 1.

    Raises:
        UsageError: The sheet, an option or a path of `output` can't be used.
        ServiceError: Writing a file failed, e.g. because the disk is full.

    Example:
        >>> result = check("customers.csv", SheetOptions(region="AZ"))
        >>> result.summary.counts[Status.READY], result.exit_code
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
    """Create the customers of a sheet in Clopos, within an event loop that is already running.

    Args:
        source, options, output, sending, env, reporter, stdin: As for `run`.
        stop: Set it to stop: requests in flight are finished, results are written, and other rows
            are left to the next run. None: the run ends by itself.

    Returns:
        As `run`; `result.error` is a StoppedError after `stop`.

    Raises:
        UsageError: As `run`.
        ServiceError: As `run`.

    Example:
        >>> stop = asyncio.Event()
        >>> result = await arun("customers.csv", env=os.environ, stop=stop)
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
    """Create the customers of a sheet in Clopos, and return the outcome of every row.

    A run that was interrupted is continued by the same call. An open question ends it before
    anything is sent.

    Args:
        source: Path of the sheet ("-" reads `stdin`), the bytes of a file, or a pandas frame.
        options: How to read the sheet and its values. None: detect everything.
        output: Files to write. None: no file.
        sending: Limits, pace and what to compare with. None: the defaults of `SendOptions`.
        env: CLOPOS_* variables: credentials, address, state folder. None: no variable; the
            environment of the process isn't read.
        reporter: Told how far sending is, about once a second. None: nothing is shown.
        stdin: Binary stream for the source "-". None: that of the process.

    Returns:
        The outcome of every row and the summary. `result.error` is what ended the run early, once
        rows may have been sent; None when it came to its end.

    Raises:
        UsageError: The sheet, an option or a variable can't be used; nothing was sent.
        ServiceError: Clopos refuses the credentials or can't be reached; nothing was sent.

    Example:
        >>> result = run("customers.csv", sending=SendOptions(limit=10), env=os.environ)
        >>> result.rows[result.rows["import_status"] != "created"]
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
    """Return the sheet, read and checked, once the files to write are known to be writable."""
    from importer.pipeline.last_time import with_last
    from importer.pipeline.offline import check_outputs
    from importer.pipeline.prepare import prepare

    check_outputs(source, options, output)
    options = with_last(options, settings)
    return prepare(source, options, region=settings.region, reporter=reporter, stdin=stdin)
