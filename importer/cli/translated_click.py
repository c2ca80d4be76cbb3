"""Commands and options whose help is in the language that is spoken, chosen after they are made."""

from __future__ import annotations

import functools
import inspect

import click

from importer.i18n import tr


class _Spoken:
    """Has a help text that is translated when it is read."""

    _help: str | None = None

    @property
    def help(self) -> str | None:
        """The help in the language spoken."""
        return tr(self._help) if self._help else self._help

    @help.setter  # noqa: A003 - click's name for it
    def help(self, text: str | None) -> None:
        self._help = inspect.cleandoc(text) if text else text  # as Python 3.13 does


class Option(_Spoken, click.Option):
    """An option."""


class Command(_Spoken, click.Command):
    """A command. Its line in the list of commands is the first sentence of its help, whole."""

    def get_short_help_str(self, limit: int = 45) -> str:  # noqa: ARG002 - of click
        """Return the first sentence."""
        return " ".join((self.help or "").split("\n\n")[0].split()).split(". ")[0].rstrip(".")

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        """Return --help, which click makes before it knows the language."""
        found = super().get_help_option(ctx)
        if found:
            found.help = tr("Show this message and exit.")
        return found


class Group(Command, click.Group):
    """A group of commands."""

    command_class = Command


option = functools.partial(click.option, cls=Option)
