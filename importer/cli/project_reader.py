"""The project file as the page in the browser has it: by the very steps of `run FILE`."""

from __future__ import annotations

import contextvars
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from importer.cli.commands import commands
from importer.cli.environment import source_of
from importer.cli.option_values import output, send_options, sheet_options
from importer.cli.parse import parse_rows
from importer.cli.project import find_project, inputs_of, load_project
from importer.cli.sheet_command import flags_about_sheets
from importer.errors import UsageError
from importer.i18n import tr
from importer.pipeline.remote_files import shown
from importer.store.records import Kind
from importer.ui.given import Given, ProjectFiles, ProjectReader, ProjectSheet

if TYPE_CHECKING:
    from collections.abc import Mapping

    from importer.cli.project import InputSheet, Project
    from importer.cli.sources import FetchProgress
    from importer.environment import Source


_UNATTENDED = frozenset({"notify", "notify-when", "ping", "metrics", "move-to"})
"""Options for unattended runs, which the page ignores."""


def project_reader() -> ProjectReader:
    """Return how the page reads the project file of a sheet."""
    return ProjectReader(_restaurant, _options, _files, _fetch)


def _restaurant(sheet: Path) -> Source | None:
    return source_of(_given(sheet)["input"])


def _options(sheet: Path) -> Given:
    given = _given(sheet)
    found = given["input"]
    return Given(
        sheet_options(given),
        send_options(given),
        replace(output(given, Kind.RUN), results=given["results"]),
        min_age=given["min_age"],
        min_rows=parse_rows("--min-rows", given["min_rows"]) if given["min_rows"] else None,
        project=found.project.path if found.project else None,
        names=tuple(name for name in found.options if name not in _UNATTENDED),
    )


def _files(folder: Path) -> ProjectFiles:
    project = _project(folder)
    if project is None:
        return ProjectFiles()
    options = [project.options, *(each.options for each in project.sheets)]

    def named(*flags: str) -> frozenset[Path]:
        return frozenset(Path(each[flag]) for each in options for flag in flags if flag in each)

    return ProjectFiles(
        tuple(map(_sheet, _inputs(project))), named("results"), named("report", "payloads")
    )


def _fetch(folder: Path, sheet: Path, progress: FetchProgress) -> None:
    project = _project(folder)
    for each in _inputs(project) if project else ():
        if each.file == sheet:
            each.begin(fetch=True, progress=progress)


def _project(folder: Path) -> Project | None:
    """Return the project file of a folder. Raises UsageError for a wrong one."""
    path = find_project([folder / "sheet"], None)
    return load_project(path, flags_about_sheets(commands), named=False) if path else None


def _inputs(project: Project) -> list[InputSheet]:
    """Return the sheets of a project file that have its options when they are named alone."""
    found = ((each, find_project([each.file], None)) for each in inputs_of((), project))
    return [each for each, path in found if path and path.samefile(project.path)]


def _sheet(sheet: InputSheet) -> ProjectSheet:
    source = ""
    if sheet.source:
        source = tr("the query") if sheet.source.query else shown(sheet.source.url)
    return ProjectSheet(sheet.file, source, sheet.pattern.name if sheet.pattern else "")


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
