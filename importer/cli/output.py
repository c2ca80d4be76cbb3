"""Print the end of a command: errors to standard error, the summary to standard output."""

from __future__ import annotations

import json
from typing import Any

import click

from importer.cli.crash_report import report_fault
from importer.cli.terminal import Terminal
from importer.errors import FaultError, ImporterError, StoppedError, UsageError
from importer.i18n import tr
from importer.results.summary import Summary
from importer.text import escape_control


def show_json(value: Any) -> None:
    """Print a value as one line of JSON; control characters in it are escaped."""
    click.echo(escape_control(json.dumps(value, ensure_ascii=False)))


def ended_early(error: BaseException, *, as_json: bool = False) -> int:
    """Print what ended a command before it had a summary, and one all the same; return the code.

    Anything else than an ImporterError, wrong usage or Ctrl-C is a fault: its report is written.
    """
    ended = error_of(error)
    complain(ended)
    if as_json:
        show_json(Summary(file="", error=ended).as_dict())
    return ended.exit_code


def error_of(error: BaseException) -> ImporterError:
    """Return what ended a command as an error of ours; of a fault the report is written."""
    if isinstance(error, KeyboardInterrupt | click.Abort):
        return StoppedError(tr("Interrupted"), fix=tr("run the same command again to continue"))
    if isinstance(error, click.ClickException):
        context = getattr(error, "ctx", None) or click.get_current_context(silent=True)
        command = context.command_path if context else "clopos-import"
        return UsageError(error.format_message(), fix=tr("see {command} --help", command=command))
    return error if isinstance(error, ImporterError) else report_fault(error)


def complain(error: ImporterError) -> None:
    """Show an error in its three parts; of a fault met while sending its report is written."""
    if isinstance(error, FaultError) and error.__cause__:
        error = report_fault(error.__cause__)
    Terminal().complain(error)
