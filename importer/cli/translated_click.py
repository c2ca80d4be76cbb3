"""Click with texts in the user's language: help, and click's own errors about wrong usage."""

from __future__ import annotations

import functools
import inspect
from typing import Any

import click

from importer.i18n import plural_form, tr, tr_noop

READING = tr_noop("Reading the file")
VALUES = tr_noop("Values")
SHAPE = tr_noop("Shape of values")
SENDING = tr_noop("Sending")
OUTPUT = tr_noop("Output")
SCHEDULED = tr_noop("Scheduled runs")
OTHER = tr_noop("Options")
_SECTIONS = (READING, VALUES, SHAPE, SENDING, OUTPUT, SCHEDULED, OTHER)

# Click looks its words up in the process-wide catalogue of gettext. These ask ours, which knows
# the language of the context.
for _module in (click.core, click.exceptions, click.formatting, click.parser, click.types):
    for _name, _function in (("_", tr), ("ngettext", plural_form)):
        if hasattr(_module, _name):
            setattr(_module, _name, _function)


class _Translated:
    """Has a help text that is translated when it is read."""

    _help: str | None = None

    @property
    def help(self) -> str | None:
        """The help in the user's language."""
        return tr(self._help) if self._help else self._help

    @help.setter  # noqa: A003 - click's name for it
    def help(self, text: str | None) -> None:
        self._help = inspect.cleandoc(text) if text else text  # as Python 3.13 does


class Option(_Translated, click.Option):
    """An option. `section` is its heading in the help; only --help-all shows a `tuning` one."""

    def __init__(
        self, *args: Any, section: str = OTHER, tuning: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.section = section
        self.tuning = tuning


class Command(_Translated, click.Command):
    """A command. Its line in the list of commands is the first sentence of its help, whole.

    `epilog` is the arguments of an example, which is the last line of its help.
    """

    def get_short_help_str(self, limit: int = 45) -> str:
        """Return the first sentence, however long."""
        del limit
        return " ".join((self.help or "").split("\n\n")[0].split()).split(". ")[0].rstrip(".")

    def get_help_option_names(self, ctx: click.Context) -> list[str]:
        """Return -h and --help, also in a context without a parent: click keeps the first ones."""
        del ctx
        return ["-h", "--help"]

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        """Return --help, which click makes before it knows the language."""
        found = super().get_help_option(ctx)
        if found:
            found.help = tr("Show this message and exit.")
        return found

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the example."""
        if self.epilog is not None:
            with formatter.section(tr("Example")):
                formatter.write_text(f"{ctx.command_path} {self.epilog}".rstrip())

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options under the headings of their sections."""
        sections: dict[str, list[tuple[str, str]]] = {section: [] for section in _SECTIONS}
        for param in self.get_params(ctx):
            if not isinstance(param, click.Option):
                continue
            tuning = isinstance(param, Option) and param.tuning
            record = param.get_help_record(ctx)
            if record and (not tuning or ctx.meta.get(SHOW_ALL)):
                sections[getattr(param, "section", OTHER)].append(record)
        for section, records in sections.items():
            if records:
                with formatter.section(tr(section)):
                    formatter.write_dl(records)


class Group(Command, click.Group):
    """A group of commands."""

    command_class = Command

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options, then the commands."""
        super().format_options(ctx, formatter)
        self.format_commands(ctx, formatter)


option = functools.partial(click.option, cls=Option)

SHOW_ALL = "importer.help_all"


def _show_all(context: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted and not context.resilient_parsing:
        context.meta[SHOW_ALL] = True
        click.echo(context.get_help())
        context.exit()


HELP_ALL = option(
    "--help-all",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_show_all,
    help="Show all options, those for fine tuning too, and exit.",
)
