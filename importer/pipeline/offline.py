"""The offline half of the path: what `check` writes about a prepared sheet, and its summary."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from importer.errors import UsageError
from importer.files import check_encodable, check_writable, mode_like
from importer.i18n import tr
from importer.pipeline.answers import open_question
from importer.pipeline.fixes import fix_counts
from importer.pipeline.result import Result
from importer.plan.rows import Rows
from importer.progress import NullReporter
from importer.records import Outcome, Status
from importer.report.facts import gather
from importer.results.fingerprint import keep_edited, remember
from importer.results.names import is_results_name
from importer.results.outcomes import Outcomes
from importer.results.payloads import write_payloads
from importer.results.retention import rotate
from importer.results.summary import CHECK_STATUSES, RUN_STATUSES, Summary, Target, count, found
from importer.results.write import preflight, write_results
from importer.store.records import Kind
from importer.store.state import state_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from importer.pipeline.options import Output, SheetOptions
    from importer.pipeline.prepare import Prepared, Source
    from importer.progress import ProgressReporter
    from importer.records import Customer
    from importer.report.facts import Facts
    from importer.settings import Settings


def finish_check(
    prepared: Prepared,
    settings: Settings,
    output: Output,
    *,
    started: float,
    reporter: ProgressReporter | None = None,
) -> Result:
    """Write what `output` names about a prepared sheet, and sum up.

    `started` is when the work began, on the monotonic clock, later by the time spent in prompts.

    Raises UsageError or ServiceError when something can't be written.
    """
    reporter = reporter or NullReporter()
    prepared = _with_claims(prepared)
    outcomes = Outcomes(prepared.sheet.table.index, prepared.outcomes, Status.READY)
    sent = Rows(prepared.ready, settings.base_url, settings.brand).customers
    if output.payloads:
        with reporter.step(tr("writing {path}", path=output.payloads)):
            write_payloads(output.payloads, sent(), mode_like(prepared.path))
    results = None
    if output.results:
        results = write(
            output.results,
            prepared,
            outcomes,
            reporter,
            kind=Kind.CHECK,
            state=state_folder(settings),
            sent=sent,
        )
    seconds = time.monotonic() - started
    if output.report:
        facts = gather(
            str(prepared.path),
            prepared,
            outcomes.counts(),
            seconds=seconds,
            target=Target.of(settings).as_dict(),
        )
        report(output, facts, prepared, outcomes, results)
    countries = dict(prepared.assumed_countries.most_common())
    summary = Summary(
        file=str(prepared.path),
        counts=count(outcomes.counts(), CHECK_STATUSES),
        rows=len(prepared.sheet.table),
        seconds=seconds,
        results=str(results) if results else None,
        target=Target.of(settings),
        questions=tuple(question.as_dict() for question in prepared.questions),
        decided=outcomes.decided(),
        more={
            **found(prepared.mapping, prepared.sheet, prepared.problems),
            **fix_counts(prepared.fixes),
            **({"phone_countries": countries} if countries else {}),
            **({"groups": prepared.groups.counts()} if prepared.groups.rows else {}),
        },
    )
    return Result(prepared, outcomes, summary, results)


def _with_claims(prepared: Prepared) -> Prepared:
    """Return a sheet whose ready rows that claim a customer in `clopos_id` aren't ready.

    For `check`, which is offline: `run` finds out whether the claims hold. A spreadsheet
    may have changed the values of such a row since it was created.
    """
    ready = prepared.ready.index
    claims = {row: id_ for row, id_ in prepared.sheet.claims.items() if id_.isdecimal()}
    outcomes = {
        row: Outcome(
            row,
            Status.EXISTS,
            clopos_id=claims[row],
            message=tr("claims customer {id}; run asks Clopos", id=claims[row]),
        )
        for row in ready[ready.isin(list(claims))].tolist()
    }
    return replace(prepared, outcomes=prepared.outcomes | outcomes) if outcomes else prepared


def unanswered(prepared: Prepared, settings: Settings, *, started: float) -> Result | None:
    """Return the result of a run with an open question: nothing is sent; None if none is open."""
    if not prepared.questions:
        return None
    outcomes = Outcomes(
        prepared.sheet.table.index, prepared.outcomes, Status.PENDING, tr("not sent yet")
    )
    summary = Summary(
        file=str(prepared.path),
        counts=count(outcomes.counts(), RUN_STATUSES),
        rows=len(prepared.sheet.table),
        seconds=time.monotonic() - started,
        error=open_question(prepared.questions),
        target=Target.of(settings),
        questions=tuple(question.as_dict() for question in prepared.questions),
        more=fix_counts(prepared.fixes),
    )
    return Result(prepared, outcomes, summary)


def check_outputs(
    source: Source, options: SheetOptions | None, output: Output, *, log: Path | None = None
) -> None:
    """Raise UsageError when something that is to be written can't be, or would overwrite.

    `log` is a file to which will be added; whether it can be is found when it is opened.
    """
    taken: dict[str, str] = {}
    if isinstance(source, str | Path):
        check_encodable(Path(source))
        # Not Path.resolve: it raises for circular links.
        taken = {os.path.realpath(source): tr("sheet")}
    places = {
        "results": output.results,
        "payloads": output.payloads,
        "report": output.report,
        "save-mapping": options.save_mapping if options else None,
        "log-file": log,
    }
    for what, place in places.items():
        if place is None:
            continue
        # Results of a results file take its place, but for what a person changed (`keep_edited`).
        again = what == "results" and is_results_name(place)
        other = taken.get(os.path.realpath(place))
        if other and not (again and other == tr("sheet")):
            raise UsageError(
                tr(
                    "The {what} would overwrite the {other}: {place}",
                    what=what,
                    other=other,
                    place=place,
                ),
                fix=tr("give another path with --{what}", what=what),
            )
        taken[os.path.realpath(place)] = what
        if what == "results":
            preflight(place)
        elif what != "log-file":
            check_writable(place)


def with_remarks(prepared: Prepared, outcomes: Outcomes) -> Outcomes:
    """Return the outcomes with further remarks about each row in its message."""
    explicit = dict(outcomes.explicit)
    for row, remark in prepared.remarks.items():
        outcome = outcomes[row]
        message = "; ".join(filter(None, (outcome.message, remark)))
        explicit[row] = replace(outcome, message=message)
    return Outcomes(outcomes.rows, explicit, outcomes.default, outcomes.message, prepared.changes)


def write(
    path: Path,
    prepared: Prepared,
    outcomes: Outcomes,
    reporter: ProgressReporter,
    *,
    kind: Kind,
    state: Path,
    sent: Callable[[], Iterable[Customer]],
    keep: int | None = None,
) -> Path:
    """Write the results file and return where it is.

    `kind` is what writes it, `state` the state folder, `sent` returns the customers that are or
    would be sent; the results of `keep` runs are kept.

    Raises ServiceError when it can't be written.
    """
    messages: list[str] = []

    def make_room(place: Path) -> None:
        if message := keep_edited(place, kind, state):
            messages.append(message)
        if keep and place == path:
            rotate(place, keep)

    with reporter.step(tr("writing {path}", path=path)):
        written = write_results(
            path,
            prepared.sheet,
            with_remarks(prepared, outcomes),
            prepared.mapping.secret,
            problems=prepared.problems,
            columns=prepared.mapping.columns,
            sent=sent,
            mode=mode_like(prepared.path),
            make_room=make_room,
        )
        remember(written, kind, state)
    if written != path:
        messages.append(
            tr("{path} can't be written: the results are in {written}", path=path, written=written)
        )
    for message in messages:
        reporter.say(message)
    return written


def report(
    output: Output, facts: Facts, prepared: Prepared, outcomes: Outcomes, results: Path | None
) -> None:
    """Write the page about a run; raises ServiceError when it can't be written."""
    if output.report is None:
        return
    from importer.report import page, tables  # noqa: PLC0415 - most runs need no page

    lines = tables.from_sheet(prepared, outcomes, facts.examples())
    now = datetime.now().astimezone()
    facts = replace(facts, results=str(results or ""))
    page.write_report(
        output.report,
        facts,
        lines,
        now,
        private=output.report_private,
        mode=mode_like(prepared.path),
    )
