"""Run `init`: write a project file from what a run has just done."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from importer.cli.environment import environment
from importer.cli.kept_flags import flags_of, last_run
from importer.errors import Exit, UsageError
from importer.files import atomic_write
from importer.i18n import tr
from importer.mapping.saved import toml_value
from importer.settings import DEFAULT_BASE_URL, read_settings
from importer.text import strip_control

if TYPE_CHECKING:
    from collections.abc import Mapping

    from importer.store.records import RunRecord


def write_project(given: Mapping[str, Any]) -> int:
    """Write the project file of the last run and print where it is.

    Raises UsageError where there is no run, or the file exists.
    """
    settings = read_settings(environment(given, secrets=False))
    file: Path | None = given["file"]
    run = last_run(settings, file)
    if run is None:
        raise UsageError(
            tr("There is no run of {file} yet", file=file) if file else tr("There is no run yet"),
            fix=tr("run it once with the flags that it needs: they are kept with the run"),
        )
    to: Path = given["to"] or Path(os.path.realpath(run.file)).parent / "clopos.toml"
    if to.exists():
        raise UsageError(
            tr("{path} already exists", path=to),
            fix=tr("write to another file with --to, and copy what you need from there"),
        )
    with atomic_write(to, 0o600) as part:
        part.write_text("\n".join(project_lines(run, to.parent)) + "\n", encoding="utf-8")
    click.echo(strip_control(str(to)))
    return Exit.DONE


def project_lines(run: RunRecord, folder: Path) -> list[str]:
    """Return the lines of a project file in `folder` that does what a run did."""
    restaurant = {"brand": run.brand, "venue_id": run.venue}
    if run.base_url != DEFAULT_BASE_URL:
        restaurant["base_url"] = run.base_url
    sheet = os.path.realpath(run.file)
    return [
        "# Read by check, run, rehearse, verify and report; flags of a command go before it.",
        "# A path is relative to this file.",
        "",
        "[restaurant]",
        *(f"{name} = {toml_value(value)}" for name, value in restaurant.items() if value),
        "",
        "[[sheets]]",
        f"path = {toml_value(_relative(sheet, folder))}",
        *(f"{name} = {toml_value(_shown(value, folder))}" for name, value in flags_of(run).items()),
    ]


def _shown(value: Any, folder: Path) -> Any:
    """Return a value; an absolute path within the folder is written as from there."""
    absolute = isinstance(value, str) and Path(value).is_absolute()
    return _relative(value, folder) if absolute else value


def _relative(path: str, folder: Path) -> str:
    here = os.path.realpath(folder)
    inside = os.path.commonpath([here, os.path.realpath(path)]) == here
    return os.path.relpath(path, here) if inside else path
