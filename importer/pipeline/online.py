"""The online half of the path: plan, send, results, in one call or step by step."""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from collections import Counter
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from importer.errors import FencedError, ServiceError, StoppedError, UsageError
from importer.files import mode_like, open_files_left
from importer.i18n import number, tr, trn
from importer.mapping.saved import is_results
from importer.pipeline.answers import open_question
from importer.pipeline.fixes import both, fix_counts
from importer.pipeline.known_problems import (
    count_reported,
    digests_of,
    load_reported,
    save_reported,
)
from importer.pipeline.last_time import save_last
from importer.pipeline.offline import report, unanswered, write
from importer.pipeline.options import Output, SendOptions
from importer.pipeline.result import Result
from importer.pipeline.session import as_importer_error, open_prepared, recorded
from importer.pipeline.upload import stopped
from importer.progress import NullReporter
from importer.records import Status
from importer.report.facts import gather
from importer.results.conservation import verify_conservation
from importer.results.outcomes import Outcomes
from importer.results.payloads import write_payloads
from importer.results.summary import RUN_STATUSES, Summary, count
from importer.sandbox import Config, serve
from importer.settings import read_settings
from importer.store.records import Kind
from importer.store.state import state_folder

try:
    import uvloop
except ImportError:  # an extra that most people don't need
    uvloop = None  # type: ignore[assignment]

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from importer.pipeline.prepare import Prepared
    from importer.pipeline.upload import Upload
    from importer.plan.decide import Plan
    from importer.progress import ProgressReporter
    from importer.records import Outcome
    from importer.settings import Settings

_FEW_FILES = 64  # that may be open


async def send_prepared(
    prepared: Prepared,
    settings: Settings,
    sending: SendOptions | None,
    output: Output,
    reporter: ProgressReporter | None,
    stop: asyncio.Event | None,
    started: float,
) -> Result:
    """Plan, send and write the results of a sheet that is prepared; as `arun` from there on."""
    sending, reporter = sending or SendOptions(), reporter or NullReporter()
    stop = stop or asyncio.Event()
    if (asked := unanswered(prepared, settings, started=started)) is not None:
        return asked
    async with (
        destination(settings, sending, reporter) as there,
        open_prepared(prepared, there, sending, reporter=reporter) as upload,
    ):
        write_bodies(prepared, upload, output, reporter)
        plan = None
        try:
            async with recorded(upload):
                plan = await upload.plan(stop)
                if not sending.dry_run:
                    await send_plan(upload, plan, stop, reporter)
        finally:
            # Also when the task is cancelled: customers may have been created.
            if upload.begun or upload.error or plan:
                result = await finish_run(
                    prepared,
                    upload,
                    output,
                    settings,
                    started=started,
                    plan=plan,
                    stop=stop,
                    reporter=reporter,
                )
        return result


def write_bodies(
    prepared: Prepared, upload: Upload, output: Output, reporter: ProgressReporter
) -> None:
    """Write the bodies that are to be sent, where `output` names a file for them."""
    if output.payloads:
        with reporter.step(tr("writing {path}", path=output.payloads)):
            write_payloads(output.payloads, upload.bodies(), mode_like(prepared.path))


async def finish_run(
    prepared: Prepared,
    upload: Upload,
    output: Output,
    settings: Settings,
    *,
    started: float,
    plan: Plan | None,
    stop: asyncio.Event,
    reporter: ProgressReporter,
) -> Result:
    """Write the results of an upload and check that no row is missing; note the run; sum up.

    `started` is when the work began, on the monotonic clock, later by the time spent in prompts;
    `plan` is None where none could be made; `settings` are the user's, also where a sandbox was
    sent to. Nothing that goes wrong here is raised: it is the error of the summary, for customers
    may have been created. A run whose brand another process has taken over writes no results: they
    belong to that process.
    """
    if isinstance(upload.error, FencedError):
        output = replace(output, results=None, report=None)
    prepared = replace(prepared, remarks=both(prepared.remarks, upload.remarks))
    explicit = _with_fields(upload.outcomes, prepared.outcomes) | prepared.invalid
    rows = prepared.sheet.table.index
    outcomes = Outcomes(rows, explicit, Status.PENDING, tr("not sent yet"))
    written = None
    try:
        written = await asyncio.to_thread(
            _write_results, prepared, outcomes, upload, output, state_folder(settings), reporter
        )
    except Exception as error:  # noqa: BLE001 - rows may have been sent: the run is noted
        upload.error = as_importer_error(error)  # takes precedence over what ended the run
    if stop.is_set():  # also when that was asked while the results were being written
        upload.error = upload.error or stopped()
    _keep_understood(prepared, upload, reporter)
    known = _known_problems(prepared, outcomes, upload, reporter)
    seconds = time.monotonic() - started
    whole = _whole(output.results)
    offline = Counter(outcome.status for outcome in prepared.invalid.values())
    target = upload.target.as_dict()
    facts = gather(str(prepared.path), prepared, offline, results=whole, target=target)
    facts = await upload.finish(facts, whole, seconds)
    try:
        report(output, facts, prepared, outcomes, written or output.results)
    except Exception as error:  # noqa: BLE001 - the summary is printed all the same
        upload.error = upload.error or as_importer_error(error)
    summary = Summary(
        file=str(prepared.path),
        counts=count(outcomes.counts(), RUN_STATUSES),
        rows=len(rows),
        seconds=seconds,
        results=str(written) if written else None,
        error=upload.error,
        run=upload.run or None,
        target=upload.target,
        requests=upload.api.requests.as_dict(),
        questions=tuple(question.as_dict() for question in plan.questions) if plan else (),
        decided=known + outcomes.decided(),
        more={
            **fix_counts(prepared.fixes),
            **({"known_problems": known.total()} if upload.options.known_problems else {}),
            **({"plan": plan.as_dict()} if plan and upload.options.dry_run else {}),
        },
    )
    return Result(prepared, outcomes, summary, written)


def _known_problems(
    prepared: Prepared, outcomes: Outcomes, upload: Upload, reporter: ProgressReporter
) -> Counter[Status]:
    """Return how many rows of each status the last run reported; none without --known-problems.

    What this run reports is kept for the next one, where it came to its end.
    """
    options, sheet = upload.options, upload.choices.known_as or prepared.path
    folder = upload.choices.understood_in
    if folder is None or options.sandbox or not prepared.path.is_file():
        return Counter()
    digests = digests_of(prepared, outcomes, upload.store.key)
    earlier = load_reported(folder, sheet)
    if not (upload.error or options.dry_run):
        try:
            save_reported(folder, sheet, digests.values())
        except ServiceError as error:
            reporter.say(f"{error.what}: {error.why}")
    return count_reported(digests, earlier, outcomes) if options.known_problems else Counter()


def _keep_understood(prepared: Prepared, upload: Upload, reporter: ProgressReporter) -> None:
    """Keep how the sheet was read for its next run, where this one came to its end."""
    options = upload.options
    path, folder = prepared.path, upload.choices.understood_in
    if upload.error or options.dry_run or options.sandbox or is_results(path):
        return
    if prepared.understood and folder and path.is_file():
        try:
            save_last(folder, upload.choices.known_as or path, prepared.understood)
        except ServiceError as error:
            reporter.say(f"{error.what}: {error.why}")


def require_answers(plan: Plan, max_new: float | None = None) -> None:
    """Raise UsageError while a question about the rows is open: nothing is sent then.

    Also where more customers would be created than `max_new`: rows, or as a float a share of those
    that were compared. A nightly sheet that suddenly makes many is likely misunderstood.
    """
    if plan.questions:
        raise open_question(plan.questions)
    if creates_more(plan, max_new):
        new, rows = len(plan.to_send), len(plan.to_send) + len(plan.outcomes)
        raise UsageError(
            trn(
                "{n} of {all} row would be created, more than --max-new allows; nothing was sent",
                "{n} of {all} rows would be created, more than --max-new allows; nothing was sent",
                new,
                all=number(rows),
            ),
            why=tr("the sheet may differ from the last one, or be misunderstood"),
            fix=tr("look at `check` of the sheet; if it is right, give a higher --max-new"),
            code="max_new",
        )


def creates_more(plan: Plan, max_new: float | None) -> bool:
    """Return whether a plan creates more than `max_new`, as `require_answers` takes it."""
    new, rows = len(plan.to_send), len(plan.to_send) + len(plan.outcomes)
    most = max_new if isinstance(max_new, int) or max_new is None else max_new * rows
    return most is not None and new > most


async def send_plan(
    upload: Upload, plan: Plan, stop: asyncio.Event, reporter: ProgressReporter
) -> None:
    """Send a plan that leaves no question open. Raises UsageError as `require_answers`."""
    require_answers(plan, upload.options.max_new)
    async for progress in upload.send(plan, stop):
        reporter.sending(progress)


def declined() -> StoppedError:
    """Return the error that ends a run whose plan was not confirmed."""
    return StoppedError(
        tr("Nothing was sent"), fix=tr("run it again to send them"), code="declined"
    )


@asynccontextmanager
async def destination(
    settings: Settings, sending: SendOptions, reporter: ProgressReporter
) -> AsyncIterator[Settings]:
    """Yield the settings of the target; a sandbox is started if asked for."""
    if not sending.sandbox:
        yield settings
        return
    async with AsyncExitStack() as stack:
        # A sandbox begins empty, and so must the journal that goes with it.
        folder = tempfile.TemporaryDirectory(prefix="clopos-sandbox-")
        state = stack.enter_context(folder)
        sandbox = await stack.enter_async_context(serve(Config()))
        reporter.say(tr("A sandbox of Clopos is at {url}, for this run only", url=sandbox.url))
        yield replace(read_settings(sandbox.env(2)), state_dir=state)


def fastest_loop() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Return what makes event loops: uvloop's where it is installed, else None for asyncio's."""
    left = open_files_left()
    if left is not None and left < _FEW_FILES:
        return None  # uvloop's needs more of them
    return uvloop.new_event_loop if uvloop else None


def _write_results(
    prepared: Prepared,
    outcomes: Outcomes,
    upload: Upload,
    output: Output,
    state: Path,
    reporter: ProgressReporter,
) -> Path | None:
    if output.results is None:
        return None
    written = write(
        output.results,
        prepared,
        outcomes,
        reporter,
        kind=Kind.DRY_RUN if upload.options.dry_run else Kind.RUN,
        state=state,
        sent=upload.bodies,
        keep=output.keep,
    )
    with reporter.step(tr("reading back {path}", path=written)):
        verify_conservation(written, outcomes)
    return written


def _with_fields(outcomes: dict[int, Outcome], offline: dict[int, Outcome]) -> dict[int, Outcome]:
    """Return the outcomes; rows that repeat another name the field that `check` names.

    Matching sees that they have the same key, not what that was made of.
    """
    return {
        row: replace(outcome, field=offline[row].field)
        if outcome.status is Status.DUPLICATE and row in offline
        else outcome
        for row, outcome in outcomes.items()
    }


def _whole(path: Path | None) -> str:
    """Return the path as `report` will look for it, from another folder."""
    return os.path.realpath(path) if path else ""
