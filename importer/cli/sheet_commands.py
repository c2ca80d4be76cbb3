"""Run `run` and `verify`: the steps of the pipeline, with prompts between.

Apart from `check`, which needs no network: aiohttp takes its time.
"""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Any

from importer.cli import option_values as flags
from importer.cli.check_command import note, sized, view_of
from importer.cli.environment import environment
from importer.cli.guards import move_done
from importer.cli.kept_flags import with_flags_of_last_run
from importer.cli.log_file import log_to
from importer.cli.parse import parse_rows
from importer.cli.render_results import result_lines, verification_lines
from importer.cli.signals import stop_on_signals
from importer.cli.work import Ended
from importer.collector import frozen
from importer.pipeline.guards import check_rows, unchanged
from importer.pipeline.last_time import with_last
from importer.pipeline.offline import check_outputs, unanswered
from importer.pipeline.online import (
    declined,
    destination,
    fastest_loop,
    finish_run,
    require_answers,
    write_bodies,
)
from importer.pipeline.session import open_prepared, recorded
from importer.pipeline.verify import verify
from importer.results.names import default_path, find_results
from importer.settings import read_settings, require_credentials
from importer.store.records import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from importer.cli.view import View
    from importer.pipeline.options import Output, SendOptions
    from importer.pipeline.prepare import Prepared
    from importer.pipeline.result import Result
    from importer.settings import Settings


def run_sheet(given: Mapping[str, Any]) -> Ended:
    """Run `run` for one sheet."""
    view = view_of(given, ask=not given["yes"] and not given["sandbox"] and sys.stdin.isatty())
    settings = read_settings(environment(given, secrets=not given["sandbox"]))
    sending, output = flags.send_options(given), flags.output(given, Kind.RUN)
    if not sending.sandbox:
        require_credentials(settings)
    sheet = with_last(flags.sheet_options(given), settings)
    check_outputs(given["file"], sheet, output, log=given["log_file"])
    as_json = given["log_format"] == "json"
    least = parse_rows("--min-rows", given["min_rows"]) if given["min_rows"] else None
    with log_to(given["log_file"], view.remark, as_json=as_json):
        with unchanged(given["file"], given["min_age"]) as read:
            prepared = view.prepare(given["file"], sheet, settings.region)
        if least:
            check_rows(prepared, least)
        output = sized(given, output, prepared, Kind.RUN, view)
        result = unanswered(prepared, settings, started=view.started)
        if result is None:
            with frozen(), asyncio.Runner(loop_factory=fastest_loop()) as runner:
                result = runner.run(_send(prepared, settings, sending, output, view))
    if sending.dry_run:
        note(result, settings, Kind.DRY_RUN, view)
    elif given["move_to"] and not sending.sandbox:
        move_done(
            given["file"],
            given["move_to"],
            result.summary,
            read,
            say=view.reporter.say,
            warn=view.remark,
        )
    return Ended(result.summary, lambda summary: result_lines(summary, given["command"]))


async def _send(
    prepared: Prepared,
    settings: Settings,
    sending: SendOptions,
    output: Output,
    view: View,
) -> Result:
    """Plan, ask, send, write the results."""
    stop, plan = asyncio.Event(), None
    async with (
        destination(settings, sending, view.reporter) as there,
        open_prepared(prepared, there, sending, reporter=view.reporter) as upload,
    ):
        write_bodies(prepared, upload, output, view.reporter)
        async with recorded(upload):
            plan = await upload.plan(stop)
            if not view.confirm_plan(plan, upload.target, dry_run=sending.dry_run):
                raise declined()
            if not sending.dry_run:
                require_answers(plan, sending.max_new)
                stop_on_signals(stop, asyncio.get_running_loop(), view.reporter.say)
                with view.watch_sending():
                    async for progress in upload.send(plan, stop):
                        view.reporter.sending(progress)
        return await finish_run(
            prepared,
            upload,
            output,
            settings,
            started=view.started,
            plan=plan,
            stop=stop,
            reporter=view.reporter,
        )


def verify_sheet(given: Mapping[str, Any]) -> Ended:
    """Run `verify` for one sheet."""
    view = view_of(given)
    file: Path = given["file"]
    env = environment(given, secrets=not given["offline"])
    given = with_flags_of_last_run(given, read_settings(env))
    verified = verify(
        file,
        flags.sheet_options(given),
        given["results"] or find_results(file, Kind.RUN) or default_path(file, Kind.RUN),
        offline=given["offline"],
        env=env,
        reporter=view.reporter,
        stdin=sys.stdin.buffer,
    )
    return Ended(verified.summary, lambda _: verification_lines(verified))
