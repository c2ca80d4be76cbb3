"""The route, and the same as a Python call: `check(…)` offline, `run(…)` all the way."""

from __future__ import annotations

import asyncio
import contextlib
import os
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from importer.errors import ImporterError, UsageError
from importer.files import can_be_written, must_be_text
from importer.i18n import tr
from importer.mapping.columns import map_columns
from importer.mapping.profiles import load_profiles
from importer.mapping.saved import save_mapping
from importer.matching.keys import customers
from importer.pipeline.prepare import Prepared, SheetOptions, judge, mapping_path, said
from importer.progress import Silent, Viewer
from importer.read.sheet import read
from importer.records import Status
from importer.report.facts import gather
from importer.results import summary
from importer.results.outcomes import Outcomes
from importer.results.payloads import write_payloads
from importer.results.write import preflight, results_frame, write_results
from importer.settings import Settings, read_settings, require_credentials

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import pandas as pd

    from importer.pipeline.upload import SendOptions, Uploaded
    from importer.records import Mapping as Columns
    from importer.report.facts import Facts

__all__ = ["Output", "Result", "SheetOptions", "check", "run"]


@dataclass(frozen=True, slots=True)
class Output:
    """Where to write. None for `results`: FILE.results.csv; for the others: nowhere."""

    results: Path | None = None
    payloads: Path | None = None
    report: Path | None = None  # a page for the person who answers for the run
    report_private: bool = False  # without names, phones and values
    keep: int | None = None  # results of so many runs are kept, the newest included


@dataclass(frozen=True, slots=True)
class Result:
    """What became of every row, and the summary that `--json` prints.

    `summary` has the keys of `--json`. `results` is the file that was written, None when that was
    impossible. `error` is what ended the run early, None when it came to its end.
    """

    prepared: Prepared
    outcomes: Outcomes
    summary: dict[str, Any]
    results: Path | None
    error: ImporterError | None = None

    @property
    def rows(self) -> pd.DataFrame:
        """Return the sheet's rows with what became of each in front, as the results file has it.

        All cells are text, "" for nothing; the index is the row number a spreadsheet shows.
        """
        return results_frame(
            self.prepared.sheet,
            _with_remarks(self.prepared, self.outcomes),
            self.prepared.mapping.secret,
        )

    @property
    def exit_code(self) -> int:
        """Return the exit code of the command."""
        if self.error:
            return self.error.exit_code
        return summary.exit_code(self.outcomes.counts())


def check(
    path: Path | str,
    options: SheetOptions | None = None,
    output: Output | None = None,
    *,
    env: Mapping[str, str] | None = None,
    viewer: Viewer | None = None,
    stdin: BinaryIO | None = None,
) -> Result:
    """Say offline what would be imported, what is wrong and what is double.

    `env` holds CLOPOS_* variables; a `path` of "-" is read from `stdin`.

    Raises UsageError when the sheet can't be read or the results can't be written.
    """
    started = time.monotonic()
    path = Path(path)
    options, output = options or SheetOptions(), output or Output()
    settings = read_settings(env or {})
    results = _results_path(path, output, options)
    viewer = viewer or Silent()
    prepared = _prepare(path, options, settings, viewer, stdin)
    outcomes = Outcomes(prepared.sheet.table.index, prepared.outcomes, Status.READY)
    if output.payloads:
        rows = customers(prepared.values, base_url=settings.base_url, brand=settings.brand)
        with viewer.busy(tr("writing {path}", path=output.payloads)):
            write_payloads(output.payloads, rows)
    results = _write(results, prepared, outcomes, viewer)
    seconds = time.monotonic() - started - viewer.pondered
    if output.report:
        facts = gather(str(path), prepared, outcomes.counts(), seconds=seconds)
        _report(output, facts, prepared, outcomes, results)
    told = {
        "file": str(path),
        "rows": len(prepared.sheet.table),
        **summary.count(outcomes.counts(), summary.CHECK_STATUSES),
        **summary.found(prepared.mapping, prepared.sheet, prepared.problems),
        **({"groups": prepared.groups.counts()} if prepared.groups.rows else {}),
        "seconds": round(seconds, 3),
        "results": str(results),
    }
    return Result(prepared, outcomes, told, results)


def run(
    path: Path | str,
    options: SheetOptions | None = None,
    output: Output | None = None,
    sending: SendOptions | None = None,
    *,
    env: Mapping[str, str] | None = None,
    viewer: Viewer | None = None,
    stdin: BinaryIO | None = None,
    on_start: Callable[[asyncio.Event], None] = lambda _: None,
) -> Result:
    """Create the customers of a sheet in Clopos and write what became of every row.

    `on_start` is called when the first row is about to be sent, with an event that ends the run
    early when it is set: what is in flight is finished and the results are written. Before that
    any exception may end it: nothing was sent.

    Raises UsageError when the sheet can't be read, credentials are missing or the results can't
    be written; ServiceError when nothing could be begun. What ends a run later is in the result.
    """
    # Late: `check` needs no network, and reads nothing back.
    from importer.pipeline.upload import SendOptions, stopped, upload  # noqa: PLC0415
    from importer.results.conservation import account  # noqa: PLC0415
    from importer.results.retention import keep_earlier  # noqa: PLC0415

    started = time.monotonic()
    path = Path(path)
    options, output = options or SheetOptions(), output or Output()
    sending = sending or SendOptions()
    viewer = viewer or Silent()
    settings = read_settings(env or {})
    if not sending.sandbox:
        require_credentials(settings)
    results = _results_path(path, output, options)
    prepared = _prepare(path, options, settings, viewer, stdin)
    offline = Counter(outcome.status for outcome in prepared.outcomes.values())
    facts = gather(str(path), prepared, offline, results=str(results))
    whole = Path(os.path.realpath(results))  # as `report` will look for it, from another folder

    stop = asyncio.Event()

    async def main(settings: Settings) -> Uploaded:
        return await upload(
            prepared.values,
            settings,
            sending,
            viewer,
            stop,
            facts=facts,
            results=whole,
            payloads=output.payloads,
            on_start=on_start,
            groups=prepared.groups,
        )

    with contextlib.ExitStack() as stack:
        if sending.sandbox:
            # A sandbox begins empty, and so must the journal that goes with it.
            folder = tempfile.TemporaryDirectory(prefix="clopos-sandbox-")
            settings = replace(settings, state_dir=stack.enter_context(folder))
        with asyncio.Runner(loop_factory=_fastest_loop()) as runner:
            uploaded = runner.run(main(settings))
    prepared = replace(prepared, remarks=_both(prepared.remarks, uploaded.remarks))
    sent = Counter(str(outcome.status) for outcome in uploaded.outcomes.values())
    said = uploaded.outcomes
    said.update(prepared.outcomes)  # a new one of a million rows would weigh much
    outcomes = Outcomes(prepared.sheet.table.index, said, Status.PENDING, tr("not sent yet"))
    error, written = uploaded.error, None
    try:
        if output.keep:
            keep_earlier(results, output.keep)
        written = _write(results, prepared, outcomes, viewer)
        with viewer.busy(tr("reading back {path}", path=written)):
            account(written, outcomes)
    except ImporterError as unaccounted:
        error = unaccounted  # graver than whatever ended the run
    if stop.is_set():  # also when that was asked while the results were being written
        error = error or stopped()
    seconds = time.monotonic() - started - viewer.pondered
    if output.report:
        ended = facts.ended(sent, uploaded.sending, error, seconds=seconds)
        _report(output, ended, prepared, outcomes, written or results)
    told = {
        "file": str(path),
        "rows": len(prepared.sheet.table),
        **summary.count(outcomes.counts(), summary.RUN_STATUSES),
        "requests": uploaded.requests.as_dict(),
        **({"plan": uploaded.plan.as_dict()} if sending.dry_run and uploaded.plan else {}),
        "seconds": round(seconds, 3),
        "results": str(written) if written else None,
    }
    return Result(prepared, outcomes, told, written, error)


def _fastest_loop() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Return what makes event loops: uvloop's where it is installed, else None for asyncio's."""
    try:
        import uvloop  # noqa: PLC0415 - an extra that most people don't need
    except ImportError:
        return None
    return uvloop.new_event_loop


def _prepare(
    path: Path,
    options: SheetOptions,
    settings: Settings,
    viewer: Viewer,
    stdin: BinaryIO | None,
) -> Prepared:
    if options.region is None and settings.region:
        options = replace(options, region=settings.region)
    today = date.today()  # noqa: DTZ011 - the day where the person is
    with viewer.busy(tr("reading {path}", path=path)):
        sheet = read(path, options.read, stdin)
        choices, profiles = said(path, options), load_profiles()

    def save(mapping: Columns) -> str:
        place = options.save_mapping or mapping_path(path, options)
        save_mapping(place, mapping, sheet)
        return str(place)

    mapping = viewer.agree(
        sheet,
        choices,
        lambda choices: map_columns(sheet, profiles, choices),
        None if mapping_path(path, options).is_file() else save,
    )
    with viewer.busy(tr("cleaning {path}", path=path)) as progress:

        def on_stage(what: str) -> None:
            progress(what=what)

        prepared = judge(sheet, mapping, options, today=today, on_stage=on_stage)
    viewer.found(prepared)
    return prepared


def _results_path(path: Path, output: Output, options: SheetOptions) -> Path:
    """Return where the results go. Raises UsageError when what is asked for can't be written."""
    name = "customers" if str(path) == "-" else str(path)
    results = output.results or Path(f"{name}.results.csv")
    places = {
        "results": results,
        "payloads": output.payloads,
        "report": output.report,
        "save-mapping": options.save_mapping,
    }
    must_be_text(path)
    # Not Path.resolve: it raises where links lead round in a circle.
    taken = {os.path.realpath(path): tr("sheet")}
    for what, place in places.items():
        if place is None:
            continue
        if other := taken.get(os.path.realpath(place)):
            raise UsageError(
                tr(
                    "The {what} would overwrite the {other}: {place}",
                    what=what,
                    other=other,
                    place=place,
                ),
                todo=tr("give another path with --{what}", what=what),
            )
        taken[os.path.realpath(place)] = what
        (preflight if what == "results" else can_be_written)(place)
    return results


def _with_remarks(prepared: Prepared, outcomes: Outcomes) -> Outcomes:
    said = dict(outcomes.said)
    for row, remark in prepared.remarks.items():
        outcome = outcomes[row]
        said[row] = replace(outcome, message="; ".join(filter(None, (outcome.message, remark))))
    return Outcomes(outcomes.rows, said, outcomes.default, outcomes.message, prepared.changes)


def _both(remarks: dict[int, str], others: dict[int, str]) -> dict[int, str]:
    """Return what both say of each row."""
    rows = remarks.keys() | others.keys()
    return {row: "; ".join(filter(None, (remarks.get(row), others.get(row)))) for row in rows}


def _write(path: Path, prepared: Prepared, outcomes: Outcomes, viewer: Viewer) -> Path:
    with viewer.busy(tr("writing {path}", path=path)):
        return write_results(
            path,
            prepared.sheet,
            _with_remarks(prepared, outcomes),
            prepared.mapping.secret,
            problems=prepared.problems,
            columns=prepared.mapping.columns,
        )


def _report(
    output: Output, facts: Facts, prepared: Prepared, outcomes: Outcomes, results: Path
) -> None:
    from importer.report.page import write_report  # noqa: PLC0415 - most runs need no page
    from importer.report.tables import from_sheet  # noqa: PLC0415

    assert output.report is not None  # noqa: S101 - the caller asks
    lines = from_sheet(prepared, outcomes, facts.examples())
    now = datetime.now().astimezone()
    facts = replace(facts, results=str(results))
    write_report(output.report, facts, lines, now, private=output.report_private)
