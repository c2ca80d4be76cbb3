"""The commands and their flags.

Each imports its work in its body, so that --help answers at once.
"""

from __future__ import annotations

import functools
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from importer import __version__
from importer.cli import options as flags
from importer.cli.fleet_group import fleet
from importer.cli.sheet_command import SheetCommand
from importer.cli.translated_click import Group, Option, option
from importer.cli.watch_options import WATCH
from importer.i18n import tr

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from importer.cli.work import Ended

WITH_SUMMARY = frozenset({"check", "run", "rehearse", "verify", "erase"})


def _for_each_sheet(command: Callable[..., Ended | int]) -> Callable[..., int]:
    """Let a command about one sheet work through all sheets of a call."""

    @functools.wraps(command)
    def for_each(*, per_sheet: Sequence[Mapping[str, Any]], **_: Any) -> int:
        from importer.cli.work import work_through

        return work_through(command, per_sheet)

    return for_each


def _install_completion(context: click.Context, _: click.Parameter, shell: str | None) -> None:
    if shell is None or context.resilient_parsing:
        return
    from importer.cli.completion import install_completion

    path = install_completion(commands, shell.removeprefix("$SHELL"), os.environ)
    click.echo(tr("Installed in {path}; it works in the next shell", path=path))
    context.exit()


@click.group(
    cls=Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 88}
)
@click.version_option(
    __version__,
    prog_name="clopos-import",
    cls=Option,
    help="Show the version and exit.",
)
@option(
    "--install-completion",
    is_flag=False,
    flag_value="$SHELL",
    metavar="[SHELL]",
    expose_value=False,
    is_eager=True,
    callback=_install_completion,
    help="Complete commands and flags with Tab from now on, in bash, zsh or fish.",
)
@flags.UI_LANGUAGE
def commands() -> None:
    """Create the customers of an old POS in Clopos: once, within the quota, all accounted for.

    \b
    A migration, step by step:
      clopos-import check list.xlsx           what would be sent, what is wrong
      clopos-import run list.xlsx --sandbox   a rehearsal on this machine
      clopos-import run list.xlsx --limit 10  ten real customers: look at them
      clopos-import run list.xlsx             all

    \b
    Credentials come from login, the environment or a file .env, never from flags:
      CLOPOS_CLIENT_ID, CLOPOS_CLIENT_SECRET, CLOPOS_BRAND, CLOPOS_VENUE_ID,
      CLOPOS_INTEGRATOR_ID (if set: version 2 of the API), CLOPOS_BASE_URL

    \b
    Exit codes:
      0    every row is created, exists or is a duplicate (check: nothing wrong)
      1    done, but rows need a person
      2    wrong usage, or a sheet that can't be read; nothing was sent
      3    Clopos refused or can't be reached; fix it, run the same command again
      4    a fault of this program, with a report to send
      130  interrupted; run the same command again
    """  # noqa: D301 - click's mark for text that is not to be wrapped


@commands.command(cls=SheetCommand, epilog="list.xlsx")
@flags.FILES
@flags.takes(flags.SHEET, flags.SAVE_MAPPING, flags.WRITTEN, flags.PRINTED)
@_for_each_sheet
def check(**given: Any) -> Ended | int:
    """Show what would be imported from FILE, what is wrong with it and what is repeated. Offline.

    FILE is a customer list as it came out of the old POS (CSV, Excel, …); - is standard input.
    Without FILE, the sheets of the project file clopos.toml are taken.
    """
    from importer.cli.check_command import check_sheet

    return check_sheet(given)


@commands.command(cls=SheetCommand, epilog="list.xlsx --limit 10")
@flags.FILES
@flags.takes(
    flags.SHEET, flags.SAVE_MAPPING, flags.PACE, flags.RUN, WATCH, flags.WRITTEN, flags.PRINTED
)
@_for_each_sheet
def run(**given: Any) -> Ended | int:
    """Check FILE, plan, send, and write the outcome of every row.

    The same command again continues where it was interrupted and sends nothing twice.
    """
    from importer.cli.sheet_commands import run_sheet

    return run_sheet(given)


@commands.command(cls=SheetCommand, epilog="list.xlsx")
@flags.FILES
@option(
    "--offline",
    is_flag=True,
    help="Compare sheet, results and journal only; don't read Clopos.",
)
@flags.takes(flags.SHEET, flags.RESULTS, flags.PRINTED)
@_for_each_sheet
def verify(**given: Any) -> Ended | int:
    """Compare the results of a run of FILE with the sheet, the journal and Clopos.

    An independent reader: it adds up, and compares every customer that was created field by
    field. Give the flags of the run. Exit code 0 only when all agrees.
    """
    from importer.cli.sheet_commands import verify_sheet

    return verify_sheet(given)


@commands.command(cls=SheetCommand, epilog="list.xlsx --faults typical")
@flags.FILES
@option(
    "--faults", type=click.Choice(["typical", "harsh"]), help="Simulate faults of this strength."
)
@flags.takes(flags.SHEET, flags.PACE, flags.PRINTED)
@_for_each_sheet
def rehearse(**given: Any) -> Ended | int:
    """Send FILE into the sandbox on a fast clock: hours in seconds, nothing real is touched.

    The plan's forecast is compared with what happened. The sandbox is empty, and has the quota
    of the API version that is set up; its clock starts now.
    """
    from importer.cli.rehearse_command import rehearse_sheet

    return rehearse_sheet(given)


@commands.command(epilog="")
@click.argument("folder", type=click.Path(path_type=Path), default=Path(), required=False)
@option(
    "--port",
    type=click.IntRange(0, 65535),
    metavar="N",
    help="Port on this machine; 0: any that is free. [default: 8765, else any]",
)
@option("--no-open", is_flag=True, help="Only print the link; don't open the browser.")
@option(
    "--make-shortcut",
    is_flag=True,
    help="Put a file on the desktop that starts this with a double click, and exit.",
)
@flags.takes(flags.UI_LANGUAGE)
def ui(**given: Any) -> int:
    """Do it all in the browser: drop the list, answer, fix, try, send, look.

    FOLDER is where the lists are and where uploaded ones are kept; by default the current one.
    The page is served on this machine, for this machine only, until Ctrl-C.
    """
    from importer.cli.ui_command import open_page

    return open_page(given)


@commands.command(epilog="--brand cafe")
@option("--brand", metavar="NAME", help="The restaurant. [default: asked for, or CLOPOS_BRAND]")
@option("--dry-run", is_flag=True, help="Try them only, keep nothing.")
@option(
    "--forget",
    is_flag=True,
    help="Forget the credentials of the brand; without --brand, those of all.",
)
@flags.takes(flags.JSON, flags.ENV_FILE, flags.SECRET_COMMAND, flags.UI_LANGUAGE)
def login(**given: Any) -> int:
    """Ask for credentials, try them, say where they lead, and keep them for all commands.

    They are kept in the keyring of the system where there is one (pip install
    "clopos-import[keyring]"), else in a file that only you can read. Without a terminal they are
    taken from the environment or a file .env.
    """
    from importer.cli.login import log_in

    return log_in(given)


@commands.command(epilog="--json")
@flags.takes(flags.JSON, flags.ENV_FILE, flags.UI_LANGUAGE)
def history(**given: Any) -> int:
    """List runs, dry runs and checks of all brands: when, which file, the outcome of its rows."""
    from importer.cli.later_commands import show_history

    return show_history(given)


@commands.command(cls=SheetCommand, epilog="list.xlsx --report-private")
@flags.FILES
@option(
    "--to",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="PATH.html",
    help="Where to write the page. [default: FILE.report.html]",
)
@option("--report-private", is_flag=True, help="Leave names, phones and values out.")
@flags.takes(flags.PROJECT, flags.ENV_FILE, flags.UI_LANGUAGE)
@_for_each_sheet
def report(**given: Any) -> Ended | int:
    """Write the page about a run that has ended.

    FILE is its results, or the sheet beside which they lie.
    """
    from importer.cli.later_commands import write_report

    return write_report(given)


@commands.command(epilog="list.xlsx")
@click.argument("file", type=click.Path(path_type=Path), required=False)
@option(
    "--to",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="PATH",
    help="Where to write it. [default: clopos.toml beside the sheet]",
)
@flags.takes(flags.ENV_FILE, flags.UI_LANGUAGE)
def init(**given: Any) -> int:
    """Write a project file, clopos.toml, that does what the last run of FILE did.

    Without FILE: the last run of any sheet. Other commands find the file beside the sheet, or in
    the folder they are started in, and take sheets and options from it.
    """
    from importer.cli.init import write_project

    return write_project(given)


@commands.command(epilog="--kind cron --at 03:15")
@option(
    "--kind",
    type=click.Choice(["systemd", "cron", "windows"]),
    default="windows" if os.name == "nt" else "systemd",
    show_default=True,
    help="What is to start it.",
)
@option(
    "--at",
    type=click.DateTime(["%H:%M"]),
    default="03:15",
    show_default=True,
    metavar="HH:MM",
    help="Time of day to start at.",
)
@option("--time-zone", metavar="NAME", help="Time zone of --at. [default: the machine's]")
@option(
    "--to",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="FOLDER",
    help="Write the files there, e.g. to /etc/systemd/system. [default: print them]",
)
@flags.takes(flags.PROJECT, flags.ENV_FILE, flags.UI_LANGUAGE)
def schedule(**given: Any) -> int:
    """Print a schedule that starts the project file every night: for systemd, cron or Windows.

    Paths in it are absolute. Nothing is installed without --to.
    """
    from importer.cli.schedule_command import show_schedule

    return show_schedule(given)


@commands.command("undo-list", epilog="7")
@click.argument("run", type=click.IntRange(min=1))
@option(
    "--to",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="PATH",
    help="Where to write the list: .xlsx or .csv. [default: undo-run-N.xlsx]",
)
@flags.takes(flags.ENV_FILE, flags.UI_LANGUAGE)
def undo_list(**given: Any) -> int:
    """Write what RUN created and Clopos still has, to be deleted by hand in the back office.

    RUN is the number that `history` shows.
    """
    from importer.cli.later_commands import write_undo_list

    return write_undo_list(given)


@commands.command(epilog="7")
@click.argument("run", type=click.IntRange(min=1))
@flags.takes(flags.ENV_FILE, flags.UI_LANGUAGE)
def forget(**given: Any) -> int:
    """Let the customers of RUN be created anew, after they were deleted in the back office.

    It is checked first that Clopos no longer has them.
    """
    from importer.cli.later_commands import forget_run

    return forget_run(given)


@commands.command(epilog="--older-than 1y")
@option("--person", is_flag=True, help="Erase one person: asked for, or read from standard input.")
@option(
    "--brand",
    is_flag=False,
    flag_value="",
    metavar="[NAME]",
    help="Erase all customers of the brand. [default: CLOPOS_BRAND]",
)
@option(
    "--older-than", metavar="AGE", help="Erase what hasn't changed for so long, e.g. 90d or 1y."
)
@option("--yes", is_flag=True, help="Don't ask.")
@flags.takes(flags.JSON, flags.ENV_FILE, flags.UI_LANGUAGE)
def erase(**given: Any) -> int:
    """Erase what this machine keeps of customers: a person, a brand, or what is old.

    This lets no customer be created again. Nothing changes at Clopos.
    """
    from importer.cli.erase import erase_kept

    return erase_kept(given)


@commands.command(epilog="--fault 504b=5%")
@option("--port", type=click.IntRange(0, 65535), default=8089, show_default=True, metavar="N")
@option(
    "--store",
    default=":memory:",
    show_default=True,
    metavar="PATH",
    help="A SQLite file that keeps the customers.",
)
@option("--empty", is_flag=True, help="Start without the few customers that it has otherwise.")
@option("--seed", type=int, default=0, show_default=True, help="Seed for random faults.")
@option(
    "--fault",
    "faults",
    metavar="KIND=SHARE",
    multiple=True,
    help="Let this share of creations fail, e.g. 504b=5%: 429, 500, 502, 503, 504a (not "
    "created), 504b (created), 504c (created late), drop, timeout, garbage, no_id, slow, …",
)
@option("--latency", default="0-0", metavar="MIN-MAX", help="Seconds until each response.")
@option("--no-limits", is_flag=True, help="Lift the quota and the other limits.")
def sandbox(**given: Any) -> int:
    """Run a local Clopos to try things on, until Ctrl-C.

    It prints the lines to copy into another terminal, where the other commands then use it. Its
    quota is that of Clopos. Faults can be switched on while it runs: see
    importer/sandbox/inspection.py.
    """
    from importer.cli.sandbox_command import serve_sandbox

    return serve_sandbox(given)


commands.add_command(fleet)
