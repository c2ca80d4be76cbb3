"""Run `history`, `report`, `undo-list` and `forget`: they look at runs that have ended.

Each imports its work in its body: `history` needs neither pandas nor a network.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from importer.cli.environment import environment
from importer.cli.history import history_lines, history_rows, read_history
from importer.cli.output import show_json
from importer.cli.terminal import Terminal
from importer.errors import Exit
from importer.i18n import trn
from importer.settings import read_settings
from importer.text import strip_control

if TYPE_CHECKING:
    from collections.abc import Mapping


def show_history(given: Mapping[str, Any]) -> int:
    """Print the runs of all brands; exit code 3 where a journal can't be read."""
    found = read_history(read_settings(environment(given, secrets=False)))
    rows = history_rows(found.runs)
    if given["as_json"]:
        show_json(rows)
    else:
        click.echo(strip_control("\n".join(history_lines(rows))))
    for sentence in found.unreadable:
        click.echo(strip_control(sentence), err=True)
    return Exit.SERVICE if found.unreadable else Exit.DONE


def write_undo_list(given: Mapping[str, Any]) -> int:
    """Write what a run created and print where; raises UsageError for a run that isn't known."""
    from importer.pipeline.undo import undo_list

    run = given["run"]
    to = given["to"] or Path(f"undo-run-{run}.xlsx")
    created = undo_list(run, to, read_settings(environment(given)), reporter=Terminal())
    many = len(created.present)
    text = trn("{n} customer to delete: {path}", "{n} customers to delete: {path}", many, path=to)
    click.echo(strip_control(text))
    return Exit.DONE


def forget_run(given: Mapping[str, Any]) -> int:
    """Forget what a run created; raises UsageError while Clopos still has any of it."""
    from importer.pipeline.undo import forget

    many = forget(given["run"], read_settings(environment(given)), reporter=Terminal())
    click.echo(
        trn(
            "{n} customer may be created anew",
            "{n} customers may be created anew",
            many,
        )
    )
    return Exit.DONE


def write_report(given: Mapping[str, Any]) -> int:
    """Write the page of a run and print where it is. Raises UsageError when it can't be written."""
    from importer.report.rebuild import rebuild_report

    found = read_history(read_settings(environment(given, secrets=False)))
    results = given["input"].options.get("results")
    file = Path(results) if results and Path(results).is_file() else given["file"]
    page = rebuild_report(file, given["to"], found.runs, private=given["report_private"])
    click.echo(strip_control(str(page)))
    return Exit.DONE
