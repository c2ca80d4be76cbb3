"""The program: arguments in, exit code out. Every error ends here, with its exit code."""

from __future__ import annotations

import contextvars
import io
import os
import sys

import click

from importer import i18n
from importer.cli.commands import WITH_SUMMARY, commands
from importer.cli.lost_output import give_up_output, is_lost_output
from importer.cli.signals import raise_keyboard_interrupt_on_signals
from importer.collector import collect_seldom
from importer.errors import Exit


def main() -> None:
    """Run the program and exit with a code of the contract."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A name of a file that is not UTF-8, a letter that an old code page lacks: \\udcff is JSON.
        sys.stdout.reconfigure(errors="backslashreplace")
    raise_keyboard_interrupt_on_signals()
    collect_seldom()
    sys.exit(run_command(sys.argv[1:]))


def run_command(arguments: list[str]) -> int:
    """Run one command line and return its exit code. Raises nothing.

    The language stays within: the next one may have another.
    """
    return contextvars.copy_context().run(_run, arguments)


def _run(arguments: list[str]) -> int:
    i18n.set_language(i18n.language_from_env(os.environ))
    try:
        code = commands.main(arguments, prog_name="clopos-import", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return Exit.USAGE
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - where errors get their exit code
        return _ended(error, arguments)
    return int(code or 0)


def _ended(error: Exception | KeyboardInterrupt, arguments: list[str]) -> int:
    from importer.cli.output import complain, ended_early  # noqa: PLC0415 - not for --help

    if isinstance(error, OSError) and is_lost_output(error):
        code, words = give_up_output(error)
        if words:
            complain(words)
        return code
    as_json = "--json" in arguments and not WITH_SUMMARY.isdisjoint(arguments)
    return ended_early(error, as_json=as_json)
