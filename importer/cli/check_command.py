"""Run `check`, offline; with what the other commands about a sheet share.

Imported only when one of them runs: importing pandas is slow.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from importer.cli import option_values as flags
from importer.cli.environment import environment
from importer.cli.render_results import result_lines
from importer.cli.terminal import Terminal
from importer.cli.view import View
from importer.cli.work import Ended
from importer.errors import ImporterError
from importer.i18n import trn
from importer.pipeline.last_time import with_last
from importer.pipeline.offline import check_outputs, finish_check
from importer.results.names import sheet_name
from importer.settings import read_settings
from importer.store import note_run
from importer.store.records import Kind, RunEnd, RunStart

if TYPE_CHECKING:
    from collections.abc import Mapping

    from importer.pipeline.options import Output
    from importer.pipeline.prepare import Prepared
    from importer.pipeline.result import Result
    from importer.settings import Settings


def check_sheet(given: Mapping[str, Any]) -> Ended:
    """Run `check` for one sheet."""
    view = view_of(given)
    settings = read_settings(environment(given, secrets=False))
    output = flags.output(given, Kind.CHECK)
    sheet = with_last(flags.sheet_options(given), settings)
    check_outputs(given["file"], sheet, output)
    prepared = view.prepare(given["file"], sheet, settings.region, counted=False)
    output = sized(given, output, prepared, Kind.CHECK, view)
    result = finish_check(prepared, settings, output, started=view.started, reporter=view.reporter)
    note(result, settings, Kind.CHECK, view)
    return Ended(result.summary, result_lines)


def note(result: Result, settings: Settings, kind: Kind, view: View) -> None:
    """Note a check or dry run for `history`; that it can't be noted is a remark."""
    summary, now = result.summary, time.time()
    start = RunStart(
        summary.file,
        sheet_name(Path(summary.file)),
        kind,
        settings.venue_id,
        settings.version,
        bool(summary.target and summary.target.sandbox),
    )
    counts = {str(status): number for status, number in (summary.counts or {}).items() if number}
    whole = os.path.realpath(summary.results) if summary.results else None
    end = RunEnd(done=summary.error is None, results=whole, summary=counts)
    try:
        asyncio.run(note_run(settings, start, end, started=now - summary.seconds, finished=now))
    except ImporterError as error:
        view.reporter.say(error.what)


def sized(
    given: Mapping[str, Any], output: Output, prepared: Prepared, kind: Kind, view: View
) -> Output:
    """Return where to write, now that the number of rows is known."""
    rows = len(prepared.sheet.table)
    sized = flags.output(given, kind, rows)
    if sized != output:
        check_outputs(given["file"], flags.sheet_options(given), sized)
        view.reporter.say(
            trn(
                "{n} row is too many for a workbook: the results go to {path}",
                "{n} rows are too many for a workbook: the results go to {path}",
                rows,
                path=sized.results,
            )
        )
    return sized


def view_of(given: Mapping[str, Any], *, ask: bool = False) -> View:
    """Return what these flags let a command show and ask; `ask`: also whether to send."""
    silent = given["quiet"] or given["as_json"] or given.get("yes")
    columns = not silent and sys.stdin.isatty() and sys.stderr.isatty()
    terminal = None if given["quiet"] and not ask else Terminal()
    return View(terminal, ask=ask, ask_columns=columns)
