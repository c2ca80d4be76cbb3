"""A rehearsal: the whole way of a sheet into the sandbox on a clock that jumps.

The engine is that of `run`; hours pass in seconds. What the plan foretold is held against what
happened. Nothing of the real brand is touched: journal and snapshot live in a folder that goes.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import tempfile
import time
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from importer.cli.log_file import log_to
from importer.cli.render import COLUMNS, duration, happened_lines
from importer.cli.width import wrap
from importer.clopos import default_rates, parse_rates
from importer.i18n import number, tr
from importer.pipeline.prepare import Prepared, SheetOptions, prepare
from importer.pipeline.quota_use import judge
from importer.pipeline.upload import SendOptions, Uploaded, upload
from importer.progress import Live, Silent, Viewer
from importer.records import Status
from importer.report.facts import gather
from importer.results.outcomes import Outcomes
from importer.results.summary import RUN_STATUSES, count, exit_code
from importer.sandbox import Config, serve
from importer.sandbox.virtual_time import VirtualTimeLoop, run
from importer.settings import read_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from importer.errors import ImporterError
    from importer.pipeline.quota_use import Use
    from importer.records import Outcome
    from importer.sandbox import Sandbox

_MINUTE = 60.0


@dataclass(frozen=True, slots=True)
class Scenario:
    """How Clopos behaves, and who else is there.

    `latency`: least and most seconds of an answer; `faults`: kind (see `sandbox.faults`) → share
    of creates; `stranger`: the share of the quota somebody else takes, the first half of each
    `period` (seconds), as tills do when somebody pays.
    """

    latency: tuple[float, float] = (0.05, 0.4)
    faults: Mapping[str, float] = field(default_factory=dict)
    stranger: float = 0.0
    period: float = 20.0
    seed: int = 0


SCENARIOS = {
    "typical": Scenario(
        faults={"500": 0.001, "502": 0.001, "504b": 0.002, "504c": 0.001, "drop": 0.001},
        stranger=0.3,
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
        stranger=0.6,
    ),
}
"""What `--faults` names."""


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What became of the rows, the summary that `--json` prints, and what ended it early."""

    outcomes: Outcomes
    summary: dict[str, Any]
    error: ImporterError | None

    @property
    def exit_code(self) -> int:
        """Return the exit code that the run would have."""
        return self.error.exit_code if self.error else exit_code(self.outcomes.counts())


def rehearse(
    path: Path,
    options: SheetOptions | None = None,
    sending: SendOptions | None = None,
    scenario: Scenario | None = None,
    *,
    env: Mapping[str, str] | None = None,
    viewer: Viewer | None = None,
    stdin: BinaryIO | None = None,
) -> Rehearsal:
    """Send the rows of a sheet to a sandbox that behaves as the scenario says.

    The quota is that of the API version that `env` sets up, 2 where it names no brand; `env` has
    the country of phone numbers as well. The clock begins now.

    Raises UsageError when the sheet can't be read.
    """
    started = time.monotonic()
    viewer = viewer or Silent()
    settings = read_settings(env or {})
    options = replace(options or SheetOptions(), save_mapping=None)
    if options.region is None and settings.region:
        options = replace(options, region=settings.region)
    today = date.today()  # noqa: DTZ011 - the day where the person is
    with viewer.busy(tr("reading {path}", path=path)):
        prepared = prepare(path, options, today=today, stdin=stdin)
    viewer.found(prepared)
    version = settings.version if settings.brand else 2
    how = (sending or SendOptions(), scenario or Scenario(), version)
    with _folder() as folder, log_to(None):
        uploaded, told = run(_story(path, prepared, how, folder, viewer), time.time())
    said = prepared.outcomes | uploaded.outcomes
    outcomes = Outcomes(prepared.sheet.table.index, said, Status.PENDING, tr("not sent yet"))
    counts = outcomes.counts()
    summary = {
        "file": str(path),
        "rows": len(prepared.sheet.table),
        **count(counts, RUN_STATUSES),
        "requests": uploaded.requests.as_dict(),
        "plan": uploaded.plan.as_dict() if uploaded.plan else None,
        **told,
        "real_seconds": round(time.monotonic() - started, 3),
        "results": None,
    }
    return Rehearsal(outcomes, summary, uploaded.error)


async def _story(
    path: Path,
    prepared: Prepared,
    how: tuple[SendOptions, Scenario, int],
    folder: Path,
    viewer: Viewer,
) -> tuple[Uploaded, dict[str, Any]]:
    """Return what became of the rows, and what the forecast and the quota came to."""
    sending, scenario, version = how
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualTimeLoop)  # noqa: S101 - `run` of virtual time makes one
    config = Config(
        latency=scenario.latency,
        rates=scenario.faults,
        seed=scenario.seed,
        groups=tuple(prepared.groups.rows) or ("My Customers",),
        log_size=10 * len(prepared.values) + 10_000,
    )
    watching = _Watching(viewer, loop)
    others: list[float] = []
    async with serve(config, now=lambda: loop.wall) as sandbox:
        stranger = loop.create_task(_stranger(sandbox, version, scenario, others))
        try:
            uploaded = await upload(
                prepared.values,
                replace(read_settings(sandbox.env(version)), state_dir=str(folder)),
                replace(sending, sandbox=False, dry_run=False),
                watching,
                asyncio.Event(),
                facts=gather(str(path), prepared, {}),
                results=folder / "results.csv",
                groups=prepared.groups,
                now=lambda: loop.wall,
            )
        finally:
            stranger.cancel()
            await asyncio.gather(stranger, return_exceptions=True)
        rates = parse_rates(sending.rate) if sending.rate else default_rates(version)
        ours, creates = sandbox.arrivals(), sandbox.arrivals("create")
    use = None
    if rates and creates:
        began = creates[0]  # until then there was nothing to send
        ours, others = [at - began for at in ours], [at - began for at in others]
        use = judge(rates, sending.reserve, ours, others, creates[-1] - began + 1)
    return uploaded, watching.told() | _used(use) | {"seconds": round(loop.time(), 3)}


async def _stranger(
    sandbox: Sandbox, version: int, scenario: Scenario, others: list[float]
) -> None:
    """Send as the tills would: evenly, then not at all; they were at it before we began."""
    if not scenario.stranger:
        return
    loop = asyncio.get_running_loop()
    limits = default_rates(version)
    pause = 1 / (scenario.stranger * min(rate.limit / rate.seconds for rate in limits))
    at = -max(rate.seconds for rate in limits)
    while True:
        if at % scenario.period < scenario.period / 2:
            await asyncio.sleep(at - loop.time())
            if sandbox.others(version, at):
                others.append(at)
        at += pause


class _Watching(Silent):
    """Shows the plan and how far it is, and notes each minute when the end is foretold."""

    def __init__(self, viewer: Viewer, loop: VirtualTimeLoop) -> None:
        self.planned = viewer.planned  # type: ignore[method-assign]
        self._viewer = viewer
        self._loop = loop
        self._began = self._ended = 0.0  # loop time
        self._forecasts: list[tuple[float, float]] = []  # when, and for when

    @contextlib.contextmanager
    def sending(
        self,
        total: int,
        per_minute: float | None,  # noqa: ARG002 - the shape of a viewer
        live: Callable[[], Live],
    ) -> Iterator[Callable[[Outcome], None]]:
        """Tell how far it is; a rate would be one of a clock that nobody has."""
        loop, done = self._loop, 0
        self._began = self._ended = loop.time()
        self._forecast(live)
        with self._viewer.busy(tr("rehearsing")) as progress:

            def noted(_: Outcome) -> None:
                nonlocal done
                done += 1
                self._ended = loop.time()
                if self._ended - self._forecasts[-1][0] >= _MINUTE:
                    self._forecast(live)
                progress(done, of=total)

            yield noted

    def _forecast(self, live: Callable[[], Live]) -> None:
        now = self._loop.time()
        left = live().left
        self._forecasts.append((now, self._ended if left is None else now + left))

    def told(self) -> dict[str, Any]:
        """Return when it ended and how far off the forecasts were, as shares of the time it took.

        The first was the plan's, the second is of the first minute; None: it was over by then.
        """
        took = self._ended - self._began
        off = [(end - self._ended) / took for _, end in self._forecasts] if took else []
        later = off[1:]
        return {
            "minutes": round(took / 60, 3),
            "forecast_off": {
                "plan": _share(off[0]) if off else None,
                "first_minute": _share(later[0]) if later else None,
                "worst_later": _share(max(later, key=abs)) if later else None,
            },
        }


def _used(use: Use | None) -> dict[str, Any]:
    """Return how the quota was used. None: there was none."""
    return {
        "quota": use
        and {
            "used": _share(use.used),
            "used_in_worst_ten_minutes": _share(use.worst_ten_minutes),
            "largest_window": _share(use.largest),
            "into_reserve": use.reserve_taken,
            "into_reserve_seconds": round(use.reserve_seconds, 2),
        }
    }


def _share(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def rehearsed_lines(summary: Mapping[str, Any]) -> list[str]:
    """Return what became of the rows, and how far off the forecast was."""
    lines = happened_lines(summary)
    off, quota = summary["forecast_off"], summary["quota"]
    texts = []
    if off["plan"] is not None:
        texts.append(tr("the plan's end was {off} off", off=_percent(off["plan"])))
    if off["worst_later"] is not None:
        texts.append(
            tr(
                "the forecast after a minute was {first} off, later {worst} at most",
                first=_percent(off["first_minute"]),
                worst=_percent(off["worst_later"]),
            )
        )
    if quota:
        text = tr("{used} of what was left of the quota was used", used=_percent(quota["used"]))
        if quota["used_in_worst_ten_minutes"] is not None:
            worst = _percent(quota["used_in_worst_ten_minutes"])
            text += ", " + tr("{worst} in the worst ten minutes", worst=worst)
        texts.append(text)
        texts.append(
            tr(
                "the fullest window had {share} of its limit",
                share=_percent(quota["largest_window"]),
            )
        )
    texts.append(
        tr(
            "rehearsed in {time}; nothing was sent to Clopos",
            time=duration(summary["real_seconds"]),
        )
    )
    return lines + [line for text in texts for line in wrap(text, COLUMNS, "  - ")]


def _percent(share: float) -> str:
    return f"{number(abs(share) * 100, 1)} %"


@contextlib.contextmanager
def _folder() -> Iterator[Path]:
    """Make a folder for the journal that is gone afterwards: in memory where the machine has one.

    On a disk each intention would wait for it, and hours for thousands of those.
    """
    memory = "/dev/shm"  # noqa: S108 - the folder made in it is ours alone
    where = memory if os.access(memory, os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="clopos-rehearsal-", dir=where) as name:
        yield Path(name)
