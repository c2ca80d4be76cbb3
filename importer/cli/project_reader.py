"""The project file as the page in the browser has it: by the very steps of `run FILE`."""

from __future__ import annotations

import contextvars
from typing import TYPE_CHECKING, Any

import click

from importer.cli.commands import commands
from importer.cli.environment import source_of
from importer.errors import UsageError
from importer.i18n import tr
from importer.ui.given import Given, ProjectReader

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from importer.environment import Source


def project_reader() -> ProjectReader:
    """Return how the page reads the project file of a sheet."""
    return ProjectReader(_restaurant, _options)


def _restaurant(sheet: Path) -> Source | None:
    return source_of(_given(sheet)["input"])


def _options(sheet: Path) -> Given:
    from importer.cli.option_values import send_options, sheet_options  # noqa: PLC0415 - pandas

    given = _given(sheet)
    found = given["input"]
    return Given(
        sheet_options(given),
        send_options(given),
        found.project.path if found.project else None,
        tuple(found.options),
    )


def _given(sheet: Path) -> Mapping[str, Any]:
    """Return the parameters of `run FILE` without a flag. Raises UsageError for a wrong file."""
    run = commands.commands["run"]
    context = click.Context(commands)
    try:
        # In a context of its own: --ui-language sets the language of its context.
        params = contextvars.copy_context().run(
            lambda: run.make_context("run", [str(sheet)], parent=context).params
        )
    except click.ClickException as error:
        raise UsageError(error.format_message(), fix=tr("see clopos-import run --help")) from error
    given: Mapping[str, Any] = params["per_sheet"][0]
    return given
