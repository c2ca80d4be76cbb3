"""Commands about sheets: each sheet of a call with its own options, one after the other."""

from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from importer.cli.translated_click import Command
from importer.errors import UsageError
from importer.i18n import plural_form, tr

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from importer.cli.project import InputSheet

ONE_CALL = frozenset(
    "project no-project help-all yes sandbox dry-run offline faults to json env-file"
    " secret-command save-mapping".split()
)
"""Flags that are about one call: a project file can't hold them."""
OF_ONE_SHEET = ("results", "payloads", "report", "mapping", "fixes", "save_mapping", "to")
"""Parameters that name a file of one sheet: several sheets can't share it."""
_NOT_KEPT = ONE_CALL | {"limit", "notify", "ping", "quiet"}
"""Flags that aren't kept with a run: about one call, or with a secret in them."""


class SheetCommand(Command):
    """A command that takes FILE…, or the sheets of a project file, and the project's options.

    Its parameters are those of the first sheet; `per_sheet` are those of each. A context without a
    parent (`fleet` makes such) has no project file.
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the arguments once for each sheet, with its options as defaults."""
        given, _, _ = self.make_parser(ctx).parse_args(list(args))
        help_option = self.get_help_option(ctx)
        if ctx.resilient_parsing or given.keys() & {help_option and help_option.name, "help_all"}:
            return super().parse_args(ctx, args)
        per_sheet: list[dict[str, Any]] = []
        for sheet in self._inputs(ctx, given):
            own = ctx if not per_sheet else click.Context(self, ctx.parent, ctx.info_name)
            own.default_map = self._defaults(sheet)
            super().parse_args(own, list(args))
            per_sheet.append(
                {**_params(own, sheet), "command": command_line([ctx.info_name or "", *args])}
            )
        _check_files(per_sheet)
        ctx.params = {**per_sheet[0], "per_sheet": tuple(per_sheet)}
        return []

    def _inputs(self, ctx: click.Context, given: dict[str, Any]) -> tuple[InputSheet, ...]:
        from importer.cli.project import InputSheet, find_project, inputs_of, load_project  # noqa: PLC0415

        named = given.get("file")
        files = [Path(each) for each in named] if isinstance(named, list | tuple) else []
        if not ctx.parent:
            if extra := files[1:]:
                text = plural_form(
                    "Got unexpected extra argument ({args})",
                    "Got unexpected extra arguments ({args})",
                    len(extra),
                )
                ctx.fail(text.format(args=" ".join(map(str, extra))))
            return (InputSheet(files[0]),) if files else ()
        project, wanted = None, given.get("project")
        wanted = Path(wanted) if isinstance(wanted, str) else None
        path = None if given.get("no_project") is True else find_project(files, wanted)
        if path:
            flags = flags_about_sheets(ctx.parent.command)
            project = load_project(path, flags, named=wanted is not None)
        sheets = inputs_of(files, project)
        if not sheets:
            argument = next(each for each in self.params if each.name == "file")
            raise click.MissingParameter(ctx=ctx, param=argument)
        if sum(str(sheet.file) == "-" for sheet in sheets) > 1:
            raise click.BadParameter(tr("standard input can be read once"), ctx, param_hint="FILE")
        return sheets

    def _defaults(self, sheet: InputSheet) -> dict[str, Any]:
        """Return the options of a sheet by the names of this command's parameters."""
        own = {name: each for each in self.params for name in flag_names(each)}
        return {str(own[name].name): value for name, value in sheet.options.items() if name in own}


def _check_files(per_sheet: Sequence[Mapping[str, Any]]) -> None:
    """Raise UsageError where one file would be written, or read, for several sheets."""
    for name in OF_ONE_SHEET:
        named = [each[name] for each in per_sheet if each.get(name)]
        if len(named) > len(set(named)):
            raise UsageError(
                tr(
                    "--{name} {path} is one file, the sheets are {n}",
                    name=name.replace("_", "-"),
                    path=named[0],
                    n=len(per_sheet),
                ),
                fix=tr("leave it out: each sheet has its own beside it"),
            )


def command_line(arguments: Sequence[str]) -> str:
    """Return the command that does the same again, as the shell of this system takes it."""
    words = ["clopos-import", *arguments]
    return subprocess.list2cmdline(words) if os.name == "nt" else shlex.join(words)


def _params(ctx: click.Context, sheet: InputSheet) -> dict[str, Any]:
    """Return what a command is given about one sheet."""
    params = dict(ctx.params)
    params["file"] = sheet.file
    params["input"] = sheet
    params["flags"] = tuple(_as_given(ctx))
    return params


def flags_about_sheets(group: click.Command) -> dict[str, click.Parameter]:
    """Return the flags of all commands about sheets, by their names."""
    commands = group.commands.values() if isinstance(group, click.Group) else ()
    return {
        name: param
        for command in commands
        if isinstance(command, SheetCommand)
        for param in command.params
        for name in flag_names(param)
    }


def flag_names(param: click.Parameter) -> tuple[str, ...]:
    """Return the names of a flag in a project file: without the hyphens in front."""
    if not isinstance(param, click.Option):
        return ()
    return tuple(each[2:] for each in param.opts if each.startswith("--"))


def _as_given(ctx: click.Context) -> Iterator[str]:
    """Yield the flags that were given, on the command line or by a project, as a shell has them."""
    for param in ctx.command.params:
        names, name = flag_names(param), param.name or ""
        if ctx.get_parameter_source(name) is ParameterSource.DEFAULT or not names:
            continue
        value = ctx.params.get(name)
        if names[0] in _NOT_KEPT or value is None or value is False:
            continue
        for each in value if isinstance(value, tuple) else (value,):
            yield f"--{names[0]}"
            if each is not True:
                yield str(each.absolute() if isinstance(each, Path) else each)
