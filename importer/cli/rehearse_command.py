"""Run `rehearse`: apart from `run`, which needs no sandbox."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from importer.cli import option_values as flags
from importer.cli.check_command import view_of
from importer.cli.environment import environment
from importer.cli.render_results import rehearsal_lines
from importer.cli.work import Ended
from importer.pipeline.rehearse import SCENARIOS, Scenario, rehearse_prepared
from importer.settings import read_settings

if TYPE_CHECKING:
    from collections.abc import Mapping


def rehearse_sheet(given: Mapping[str, Any]) -> Ended:
    """Run `rehearse` for one sheet."""
    view = view_of(given)
    settings = read_settings(environment(given, secrets=False))
    sending = flags.send_options(given)
    scenario = SCENARIOS.get(given["faults"], Scenario())
    prepared = view.prepare(given["file"], flags.sheet_options(given), settings.region)
    rehearsal = rehearse_prepared(prepared, settings, sending, scenario, reporter=view.reporter)
    if rehearsal.plan:
        view.confirm_plan(rehearsal.plan, rehearsal.summary.target, dry_run=False)
    return Ended(rehearsal.summary, rehearsal_lines)
