"""A rehearsal: the whole path of a sheet, into the sandbox, on a clock that jumps.

The code is that of `run`; hours pass in seconds. The plan's forecast is compared with what
happened. Nothing of the real brand is touched: journal and snapshot are in a temporary folder.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from importer.clopos import default_rates, parse_rates
from importer.errors import ImporterError
from importer.i18n import tr
from importer.pipeline.fixes import fix_counts
from importer.pipeline.options import SendOptions, SheetOptions
from importer.pipeline.prepare import Prepared, Source, prepare
from importer.pipeline.quota_use import measure_quota_use
from importer.pipeline.session import open_prepared, recorded
from importer.progress import NullReporter
from importer.records import Status
from importer.results.outcomes import Outcomes
from importer.results.summary import RUN_STATUSES, Summary, count
from importer.sandbox import Config, serve
from importer.sandbox.virtual_time import VirtualTimeLoop, run
from importer.settings import read_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from importer.pipeline.quota_use import QuotaUse
    from importer.pipeline.upload import Upload
    from importer.plan.decide import Plan
    from importer.progress import ProgressReporter
    from importer.sandbox import Sandbox
    from importer.settings import Settings

_MINUTE = 60.0


@dataclass(frozen=True, slots=True)
class Scenario:
    """Behaviour of Clopos, and the share of the quota that other clients take.

    `latency`: least and most seconds of an answer; `faults`: kind (see `sandbox.faults`) → share
    of creates; `tills`: the share of the quota that other clients take, in the first half of each
    `period` (seconds), as tills do.
    """

    latency: tuple[float, float] = (0.05, 0.4)
    faults: Mapping[str, float] = field(default_factory=dict)
    tills: float = 0.0
    period: float = 20.0
    seed: int = 0


SCENARIOS = {
    "typical": Scenario(
        faults={"500": 0.001, "502": 0.001, "504b": 0.002, "504c": 0.001, "drop": 0.001},
        tills=0.3,
    ),
    "harsh": Scenario(
        latency=(0.05, 1.5),
        faults={
            "slow": 0.05,  # nearly the 8 seconds after which the gateway gives up
            "500": 0.005,
            "502": 0.005,
            "503": 0.005,
            "504a": 0.01,
            "504b": 0.01,
            "504c": 0.01,
            "drop": 0.005,
            "drop_before": 0.005,
            "garbage": 0.005,
            "timeout_b": 0.002,
            "429": 0.002,
            "invalid401": 0.001,
        },
        tills=0.6,
    ),
}
"""Scenarios that `--faults` names."""


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """The plan (None: it couldn't be made), the outcomes of the rows, and the summary."""

    plan: Plan | None
    outcomes: Outcomes
    summary: Summary

    @property
    def error(self) -> ImporterError | None:
        """Return the error that ended the rehearsal early, None when it came to its end."""
        return self.summary.error

    @property
    def exit_code(self) -> int:
        """Return the exit code that the run would have."""
        return self.summary.exit_code


def rehearse(
    source: Source,
    options: SheetOptions | None = None,
    sending: SendOptions | None = None,
    scenario: Scenario | None = None,
    *,
    env: Mapping[str, str] | None = None,
    reporter: ProgressReporter | None = None,
    stdin: BinaryIO | None = None,
) -> Rehearsal:
    """Send the rows of a sheet to a sandbox that behaves as the scenario says.

    The quota is that of the API version that `env` sets up, 2 where it names no brand; `env` has
    the country of phone numbers as well. The clock begins now.

    Raises UsageError when the sheet can't be read.
    """
    settings = read_settings(env or {})
    prepared = prepare(source, options, region=settings.region, reporter=reporter, stdin=stdin)
    return rehearse_prepared(prepared, settings, sending, scenario, reporter=reporter)


def rehearse_prepared(
    prepared: Prepared,
    settings: Settings,
    sending: SendOptions | None = None,
    scenario: Scenario | None = None,
    *,
    reporter: ProgressReporter | None = None,
    stopping: Callable[[], bool] = lambda: False,
) -> Rehearsal:
    """Send prepared rows to a sandbox that behaves as the scenario says; as `rehearse`.

    `stopping` is asked now and then whether to end early.
    """
    started = time.monotonic()
    reporter = reporter or NullReporter()
    version = settings.version if settings.brand else 2
    sending = replace(sending or SendOptions(), sandbox=True, dry_run=False)
    with tempfile.TemporaryDirectory(prefix="clopos-rehearsal-", dir=_memory()) as folder:
        story = _story(
            prepared, sending, scenario or Scenario(), version, Path(folder), reporter, stopping
        )
        rehearsal = run(story, time.time())
    more = {**rehearsal.summary.more, "real_seconds": round(time.monotonic() - started, 3)}
    return replace(rehearsal, summary=replace(rehearsal.summary, more=more))


async def _story(
    prepared: Prepared,
    sending: SendOptions,
    scenario: Scenario,
    version: int,
    folder: Path,
    reporter: ProgressReporter,
    stopping: Callable[[], bool],
) -> Rehearsal:
    """Return the outcomes of the rows, the errors of the forecast, and the use of the quota."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualTimeLoop)  # noqa: S101 - `run` of virtual time makes one
    config = Config(
        latency=scenario.latency,
        rates=scenario.faults,
        seed=scenario.seed,
        groups=tuple(prepared.groups.rows) or ("My Customers",),
        log_size=10 * len(prepared.values) + 10_000,
    )
    forecasts = _Forecasts()
    others: list[float] = []
    plan = None
    async with serve(config, now=lambda: loop.wall) as sandbox:
        settings = replace(read_settings(sandbox.env(version)), state_dir=str(folder))
        tills = loop.create_task(_tills(sandbox, version, scenario, others))
        try:
            async with (
                open_prepared(
                    prepared, settings, sending, reporter=reporter, now=lambda: loop.wall
                ) as upload,
                recorded(upload),
            ):
                plan = await upload.plan()
                forecasts = await _send(upload, plan, reporter, stopping)
        finally:
            tills.cancel()
            await asyncio.gather(tills, return_exceptions=True)
        ours, creates = sandbox.arrivals(), sandbox.arrivals("create")
    outcomes = Outcomes(
        prepared.sheet.table.index,
        prepared.invalid | upload.outcomes,
        Status.PENDING,
        tr("not sent yet"),
    )
    summary = Summary(
        file=str(prepared.path),
        counts=count(outcomes.counts(), RUN_STATUSES),
        rows=len(prepared.sheet.table),
        seconds=loop.time(),
        error=upload.error,
        target=upload.target,
        requests=upload.api.requests.as_dict(),
        decided=outcomes.decided(),
        more={
            **fix_counts(prepared.fixes),
            "plan": plan.as_dict() if plan else None,
            **forecasts.as_dict(),
            "quota": _used(_quota_use(sending, version, ours, creates, others)),
        },
    )
    return Rehearsal(plan, outcomes, summary)


async def _send(
    upload: Upload, plan: Plan, reporter: ProgressReporter, stopping: Callable[[], bool]
) -> _Forecasts:
    """Send; record once a minute the end that is forecast."""
    loop = asyncio.get_running_loop()
    began = ended = loop.time()
    forecasts: list[tuple[float, float]] = []  # when, and for when
    done, stop = 0, asyncio.Event()
    with reporter.step(tr("rehearsing")) as show:
        try:
            async for progress in upload.send(plan, stop):
                if stopping():
                    stop.set()
                if not forecasts or loop.time() - forecasts[-1][0] >= _MINUTE:
                    left = progress.left or 0.0
                    forecasts.append((loop.time(), loop.time() + left))
                if progress.done > done:
                    done, ended = progress.done, loop.time()
                show(progress.done, of=progress.total)
        except ImporterError as error:
            upload.error = error
    return _Forecasts(began, ended, tuple(forecasts))


def _quota_use(
    sending: SendOptions,
    version: int,
    ours: Sequence[float],
    creates: Sequence[float],
    others: Sequence[float],
) -> QuotaUse | None:
    """Return how the quota was used while there was something to send; None: there was none."""
    rates = parse_rates(sending.rate) if sending.rate else default_rates(version)
    if not (rates and creates):
        return None
    began = creates[0]
    return measure_quota_use(
        rates,
        sending.reserve,
        [at - began for at in ours],
        [at - began for at in others],
        creates[-1] - began + 1,
    )


async def _tills(sandbox: Sandbox, version: int, scenario: Scenario, others: list[float]) -> None:
    """Send as the tills would: evenly, then not at all; they began before we did."""
    if not scenario.tills:
        return
    loop = asyncio.get_running_loop()
    limits = default_rates(version)
    pause = 1 / (scenario.tills * min(rate.limit / rate.seconds for rate in limits))
    at = -max(rate.seconds for rate in limits)
    while True:
        if at % scenario.period < scenario.period / 2:
            await asyncio.sleep(at - loop.time())
            if sandbox.others(version, at):
                others.append(at)
        at += pause


@dataclass(frozen=True, slots=True)
class _Forecasts:
    """Times of a rehearsal: begin, end and forecasts made meanwhile (loop time, seconds)."""

    began: float = 0.0
    ended: float = 0.0
    made: tuple[tuple[float, float], ...] = ()  # when, and for when

    def as_dict(self) -> dict[str, Any]:
        """Return how long it took and how far off the forecasts were, as shares of that time.

        The first was the plan's, the second is of the first minute; None: it was over by then.
        """
        took = self.ended - self.began
        off = [(end - self.ended) / took for _, end in self.made] if took else []
        after_start = off[1:]
        return {
            "minutes": round(took / 60, 3),
            "forecast_off": {
                "plan": _share(off[0]) if off else None,
                "first_minute": _share(after_start[0]) if after_start else None,
                "worst_later": _share(max(after_start, key=abs)) if after_start else None,
            },
        }


def _used(use: QuotaUse | None) -> dict[str, Any] | None:
    """Return how the quota was used. None: there was none."""
    if use is None:
        return None
    return {
        "used": _share(use.used),
        "used_in_worst_ten_minutes": _share(use.worst_ten_minutes),
        "largest_window": _share(use.largest),
        "into_reserve": use.reserve_taken,
        "into_reserve_seconds": round(use.reserve_seconds, 2),
    }


def _share(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def _memory() -> str | None:
    """Return a folder in memory where the machine has one: on a disk each intention would wait."""
    memory = "/dev/shm"  # noqa: S108 - the folder made in it is ours alone
    return memory if os.access(memory, os.W_OK) else None
