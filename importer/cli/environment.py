"""The variables of a command: the environment, and a file .env that adds to it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from importer.credentials import check_one_restaurant
from importer.environment import Source, read_environment
from importer.errors import UsageError
from importer.settings import read_addresses
from importer.text import strip_control

if TYPE_CHECKING:
    from collections.abc import Mapping

    from importer.cli.project import InputSheet


def environment(
    given: Mapping[str, Any], *, secrets: bool = True, kept: bool = True
) -> dict[str, str]:
    """Return the environment with what a file .env and `login` add; `given` are the flags.

    Without `secrets` neither a keyring nor another program is asked for them; without `kept`
    what `login` kept isn't looked at.

    Raises UsageError when that file can't be read or trusted, or disagrees about where to send.
    """
    env, warnings = read_environment(
        given.get("file"),
        given.get("env_file"),
        os.environ,
        secrets=secrets,
        kept=kept,
        secret_command=given.get("secret_command"),
        project=source_of(given.get("input")),
    )
    if secrets and kept:
        check_one_restaurant(env)
    for warning in warnings if not given.get("quiet") else ():
        click.echo(strip_control(warning), err=True)
    return env


def with_addresses(given: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the flags of a command with the --notify and --ping that a file .env names.

    A command without these flags has no use for them. Where that file can't be used, the flags are
    as they were: the command itself says why.

    Raises UsageError when a file can't be read that has such an address.
    """
    if "notify" not in given or (given["notify"] and given["ping"]):
        return given
    try:
        env = environment({**given, "quiet": True}, secrets=False, kept=False)
    except UsageError:
        return given
    notify, ping = read_addresses(env)
    return {**given, "notify": given["notify"] or notify, "ping": given["ping"] or ping or None}


def source_of(sheet: InputSheet | None) -> Source | None:
    """Return what the project file of a sheet says of where to send, None without a file."""
    if sheet is None or sheet.project is None:
        return None
    env_file = sheet.restaurant.get("env_file")
    return Source(
        sheet.project.path,
        sheet.variables,
        sheet.project.named,
        Path(env_file) if env_file else None,
    )
