"""The flags of a brand in brands.toml, read as `run` reads its own."""

from __future__ import annotations

import contextvars
import logging
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import click

from importer.cli import option_values
from importer.cli.commands import commands
from importer.cli.log_file import log_to
from importer.cli.watching import begin_watching, end_watching
from importer.errors import UsageError
from importer.fleet.upload import Options
from importer.i18n import tr
from importer.store.records import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from importer.fleet.brands import Brand

_log = logging.getLogger("importer.fleet")
# Help, and flags for a person at a terminal; credentials have a key of their own.
_MEANINGLESS = frozenset("--help -h --help-all --env-file --secret-command --json --quiet".split())


def parse_options(brand: Brand, folder: Path) -> Options:
    """Read the flags of a brand; paths in them are relative to `folder`.

    Raises UsageError, naming the brand, for what `run` wouldn't take.
    """
    where = f"[brands.{brand.name}] options"
    run = commands.commands["run"]
    arguments = _whole_paths(run, brand.options, folder)
    for each in arguments:
        if each.partition("=")[0] in _MEANINGLESS:
            raise UsageError(
                tr("{where}: {flag} can't be used here", where=where, flag=each),
                fix=tr("remove it"),
            )
    try:
        # In a context of its own: --ui-language sets the language of its context.
        given = contextvars.copy_context().run(
            lambda: run.make_context("run", [str(brand.sheet), *arguments]).params
        )
        output = replace(option_values.output(given, Kind.RUN), results=given["results"])
        return Options(
            option_values.sheet_options(given),
            option_values.send_options(given),
            output,
            partial(log_to, given["log_file"], _log.warning, as_json=given["log_format"] == "json"),
            begin=lambda: begin_watching([given]),
            end=lambda summary: end_watching([given], [summary]),
        )
    except click.ClickException as error:
        raise UsageError(
            f"{where}: {error.format_message()}", fix=tr("see clopos-import run --help")
        ) from error
    except UsageError as error:
        raise UsageError(f"{where}: {error.what}", why=error.why, fix=error.fix) from error


def _whole_paths(command: click.Command, options: Sequence[str], folder: Path) -> list[str]:
    """Return flags whose paths don't depend on the working folder."""
    takes: Mapping[str, click.Parameter] = {
        name: param for param in command.params for name in param.opts
    }

    def is_path(flag: str) -> bool:
        return flag in takes and isinstance(takes[flag].type, click.Path)

    whole: list[str] = []
    for each in options:
        flag, equals, value = each.partition("=")
        if whole and is_path(whole[-1]):
            whole.append(str(folder / each))
        elif equals and is_path(flag):
            whole.append(f"{flag}={folder / value}")
        else:
            whole.append(each)
    return whole
