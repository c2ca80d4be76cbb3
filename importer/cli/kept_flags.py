"""Flags that are kept with a run: `init` writes them into a project file, `verify` uses them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import click

from importer.cli.commands import commands
from importer.cli.history import read_history
from importer.cli.sheet_command import flag_names
from importer.store.records import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from importer.settings import Settings
    from importer.store.records import RunRecord


def last_run(settings: Settings, file: Path | None) -> RunRecord | None:
    """Return the last run, of a sheet where one is named; of the brand of settings, if any."""
    for run in read_history(settings).runs:
        of_brand = not settings.brand or run.brand in {None, settings.brand}
        of_file = file is None or os.path.realpath(run.file) == os.path.realpath(file)
        if run.kind is Kind.RUN and not run.sandbox and of_brand and of_file:
            return run
    return None


def flags_of(run: RunRecord) -> dict[str, Any]:
    """Return the flags of a run: name → value as a project file has it, a list where repeated.

    A flag that `run` no longer has, e.g. of a later version, is left out.
    """
    takes = {name: param for param in commands.commands["run"].params for name in flag_names(param)}
    words = [str(each) for each in run.options.get("flags") or ()]
    found: dict[str, Any] = {}
    while words:
        name = words.pop(0).removeprefix("--")
        param = takes.get(name)
        if not isinstance(param, click.Option):
            continue
        if param.is_flag:
            found[name] = True
        elif words:
            value = words.pop(0)
            found[name] = [*found.get(name, ()), value] if param.multiple else value
    return found


def with_flags_of_last_run(given: Mapping[str, Any], settings: Settings) -> dict[str, Any]:
    """Return what `verify` is given, with flags of the run that it is about where it has none.

    `given["flags"]` are those of `verify` itself: they go before.
    """
    run = last_run(settings, given["file"])
    kept = flags_of(run) if run else {}
    own = {
        name: param for param in commands.commands["verify"].params for name in flag_names(param)
    }
    context = click.Context(commands.commands["verify"])
    chosen = {word[2:] for word in given["flags"] if word.startswith("--")}
    values = dict(given)
    for name, value in kept.items():
        if name in own and name not in chosen and name != "results":
            values[str(own[name].name)] = own[name].type_cast_value(context, value)
    return values
