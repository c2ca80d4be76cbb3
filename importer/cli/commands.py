"""The commands: arguments in, result rendered, exit code chosen.

Nothing heavy is imported before a command is at work, so that --help answers at once.
"""

from __future__ import annotations

import errno
import gc
import io
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from importer import __version__
from importer import i18n as messages
from importer.cli import options as flags
from importer.cli.signals import end_like_ctrl_c, stop_on_signals
from importer.cli.translated_click import Group, Option, option
from importer.cli.width import harmless
from importer.errors import Exit, ImporterError, ServiceError, UsageError
from importer.i18n import tr

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from importer.pipeline.calls import Result

_NO_OUTPUT = {  # what writing to standard output ends in; files of ours have errors of their own
    errno.EPIPE: Exit.STOPPED,  # whoever read it has gone: there is nobody left to tell
    errno.EIO: Exit.STOPPED,
    errno.ENOSPC: Exit.SERVICE,
    errno.EFBIG: Exit.SERVICE,
}


def _install_completion(context: click.Context, _: click.Parameter, shell: str | None) -> None:
    if shell is None or context.resilient_parsing:
        return
    from importer.cli.completion import install_completion  # noqa: PLC0415

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
@flags.LANGUAGE_SPOKEN
def commands() -> None:
    """Create the customers of an old POS in Clopos: once, within the quota, all accounted for.

    \b
    A migration, step by step:
      clopos-import check list.xlsx           what would be sent, what is wrong
      clopos-import run list.xlsx --sandbox   a rehearsal on this machine
      clopos-import run list.xlsx --limit 10  ten real customers: look at them
      clopos-import run list.xlsx             all

    \b
    Credentials come from the environment or a file .env here, never from flags:
      CLOPOS_CLIENT_ID, CLOPOS_CLIENT_SECRET, CLOPOS_BRAND, CLOPOS_VENUE_ID,
      CLOPOS_INTEGRATOR_ID (if set: version 2 of the API), CLOPOS_BASE_URL

    \b
    Exit codes:
      0    every row is created, exists or is a duplicate (check: nothing wrong)
      1    done, but rows need a person
      2    wrong usage, or a sheet that can't be read; nothing was sent
      3    Clopos refused or can't be reached; mend it, run the same again
      4    a fault of this program, with a report to send
      130  interrupted; run the same command again
    """  # noqa: D301 - click's mark for text that is not to be wrapped


@commands.command()
@flags.sheet_flags
def check(**given: Any) -> int:
    """Say what would be imported from FILE, what is wrong with it and what is double. Offline.

    FILE is a customer list as it came out of the old POS (CSV, Excel, …); - is standard input.
    """
    from importer.pipeline import calls as pipeline  # noqa: PLC0415 - pandas and pandera take half a second

    result = pipeline.check(
        given["file"],
        flags.sheet_options(given),
        flags.output(given),
        env=_environment(),
        viewer=_viewer(given, ask=False, ask_columns=_can_say_columns(given)),
        stdin=sys.stdin.buffer,
    )
    return _render(result, given)


@commands.command()
@flags.sheet_flags
@flags.pace_flags
@flags.run_flags
def run(**given: Any) -> int:
    """Check FILE, plan, send, and write what became of every row.

    The same command again carries on where it was interrupted and sends nothing twice.
    """
    from importer.cli.log_file import log_to  # noqa: PLC0415
    from importer.pipeline import calls as pipeline  # noqa: PLC0415 - pandas and pandera take half a second

    ask = not given["yes"] and not given["sandbox"] and sys.stdin.isatty()
    viewer = _viewer(given, ask=ask, ask_columns=_can_say_columns(given))
    with log_to(given["log_file"]):
        result = pipeline.run(
            given["file"],
            flags.sheet_options(given),
            flags.output(given),
            flags.send_options(given),
            env=_environment(),
            viewer=viewer,
            stdin=sys.stdin.buffer,
            on_start=lambda stop: _begin(stop, viewer.say),
        )
    return _render(result, given)


@commands.command()
@flags.sheet_flags
@option("--offline", is_flag=True, help="Don't read Clopos: sheet, results, journal alone.")
def verify(**given: Any) -> int:
    """Hold the results of a run of FILE against the sheet, the journal and Clopos.

    An independent reader: it adds up, and compares every customer that was created field by
    field. Give the flags of the run. Exit code 0 only when all agrees.
    """
    from importer.pipeline.verify import told, verify  # noqa: PLC0415

    if given["as_json"]:
        messages.use("en")  # programs read it
    verified = verify(
        given["file"],
        flags.sheet_options(given),
        given["results"],
        offline=given["offline"],
        env=_environment(),
        viewer=_viewer(given, ask=False),
        stdin=sys.stdin.buffer,
    )
    if given["as_json"]:
        click.echo(json.dumps(verified.summary, ensure_ascii=False))
    else:
        click.echo(harmless("\n".join(told(verified))))
    return verified.exit_code


@commands.command()
@flags.reading_flags
@flags.pace_flags
@option("--faults", type=click.Choice(["typical", "harsh"]), help="What goes wrong meanwhile.")
def rehearse(**given: Any) -> int:
    """Send FILE into the sandbox on a clock that jumps: hours in seconds, nothing real touched.

    What the plan foretold is held against what happened. The sandbox is empty, and has the quota
    of the API version that is set up; its clock begins now.
    """
    from importer.pipeline.rehearse import SCENARIOS, Scenario, rehearse, rehearsed_lines  # noqa: PLC0415

    if given["as_json"]:
        messages.use("en")  # programs read it
    rehearsal = rehearse(
        given["file"],
        flags.sheet_options(given),
        flags.send_options(given),
        SCENARIOS.get(given["faults"], Scenario()),
        env=_environment(),
        viewer=_viewer(given, ask=False),
        stdin=sys.stdin.buffer,
    )
    if rehearsal.error:
        _complain(rehearsal.error)
    lines = rehearsed_lines(rehearsal.summary)
    told = json.dumps(rehearsal.summary, ensure_ascii=False) if given["as_json"] else lines
    click.echo(told if isinstance(told, str) else "\n".join(told))
    return rehearsal.exit_code


@commands.command()
@flags.LANGUAGE_SPOKEN
@flags.JSON
def history(as_json: bool) -> int:
    """List the runs of the brand: when, which file, what became of its rows, what it took."""
    from importer.cli.history import history_lines, runs_of  # noqa: PLC0415
    from importer.settings import read_settings, require_brand  # noqa: PLC0415
    from importer.store.state import brand_path  # noqa: PLC0415

    settings = read_settings(_environment())
    require_brand(settings)
    runs = runs_of(brand_path(settings) / "journal.sqlite")
    lines = [json.dumps(runs, ensure_ascii=False)] if as_json else history_lines(runs)
    click.echo(harmless("\n".join(lines)))
    return 0


@commands.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@option(
    "--to",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="PATH.html",
    help="Where to write the page. [default: FILE.report.html]",
)
@option("--report-private", is_flag=True, help="Without names, phones and values.")
@flags.LANGUAGE_SPOKEN
def report(**given: Any) -> int:
    """Write the page about a run that has ended.

    FILE is its results, or the sheet beside which they lie.
    """
    from importer.report.rebuild import report_later  # noqa: PLC0415
    from importer.settings import read_settings  # noqa: PLC0415
    from importer.store.state import state_folder  # noqa: PLC0415

    settings = read_settings(_environment())
    page = report_later(
        given["file"], given["to"], state_folder(settings), private=given["report_private"]
    )
    click.echo(page)
    return 0


@commands.command()
@option("--port", type=click.IntRange(0, 65535), default=8089, show_default=True, metavar="N")
@option(
    "--store",
    default=":memory:",
    show_default=True,
    metavar="PATH",
    help="A SQLite file that keeps the customers.",
)
@option("--empty", is_flag=True, help="Begin without the few customers that are there.")
@option("--seed", type=int, default=0, show_default=True, help="Of faults by chance.")
@option(
    "--fault",
    "faults",
    metavar="KIND=SHARE",
    multiple=True,
    help="Let this share of creations fail, such as 504b=5%: 429, 500, 502, 503, 504a (not "
    "created), 504b (created), 504c (created late), drop, timeout, garbage, no_id, slow, …",
)
@option("--latency", default="0-0", metavar="MIN-MAX", help="Seconds an answer takes.")
@option("--no-limits", is_flag=True, help="Lift the quota and the other limits.")
def sandbox(**given: Any) -> int:
    """Run a local Clopos to try things on, until Ctrl-C.

    It prints the lines to copy into another terminal, where the other commands then use it. Its
    quota is the real one. Faults can be ordered while it runs: see importer/sandbox/inspection.py.
    """
    from importer.sandbox import Config  # noqa: PLC0415 - a server takes a moment
    from importer.sandbox.command import run_sandbox  # noqa: PLC0415
    from importer.sandbox.config import changed  # noqa: PLC0415

    limits = ("auth_per_minute", "failed_per_minute", "per_minute", "v1_per_minute", "v1_per_hour")
    config = Config(
        seed=given["seed"],
        seed_customers=not given["empty"],
        rates=dict(flags.fault(text) for text in given["faults"]),
        latency=flags.seconds_range(given["latency"]),
    )
    if given["no_limits"]:
        config = changed(config, dict.fromkeys(limits))
    run_sandbox(port=given["port"], store=given["store"], config=config, say=click.echo)
    return 0


def main() -> None:
    """Run the program and exit with a code of the contract."""
    end_like_ctrl_c()
    sys.exit(_main(sys.argv[1:]))


def _main(arguments: list[str]) -> int:
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A file's name that is no text, a letter that an old code page lacks: \udcff is JSON too.
        sys.stdout.reconfigure(errors="backslashreplace")
    messages.use(messages.spoken(os.environ))
    try:
        code = commands.main(arguments, prog_name="clopos-import", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return Exit.USAGE
    except click.ClickException as error:
        context = getattr(error, "ctx", None)
        command = context.command_path if context else "clopos-import"
        todo = tr("see {command} --help", command=command)
        _complain(UsageError(error.format_message(), todo=todo))
        return Exit.USAGE
    except ImporterError as error:
        _complain(error)
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        click.echo(tr("Interrupted; run the same command again to carry on"), err=True)
        return Exit.STOPPED
    except Exception as error:  # noqa: BLE001 - the one place that turns a fault into a report
        if isinstance(error, OSError) and error.errno in _NO_OUTPUT:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            if _NO_OUTPUT[error.errno] == Exit.SERVICE:
                _complain(_unwritable(error))
            return _NO_OUTPUT[error.errno]
        from importer.cli.crash_report import report_fault  # noqa: PLC0415 - seldom needed

        _complain(report_fault(error))
        return Exit.FAULT
    return int(code or 0)


def _unwritable(error: OSError) -> ServiceError:
    return ServiceError(
        tr("Standard output can't be written"),
        why=error.strerror,
        todo=tr("free some space or lead it elsewhere, then run the same command again"),
    )


def _complain(error: ImporterError) -> None:
    from importer.cli.terminal import Terminal  # noqa: PLC0415

    Terminal().complain(error)


def _environment() -> dict[str, str]:
    """Return the environment with what a file .env in this folder adds to it."""
    from dotenv import dotenv_values  # noqa: PLC0415

    try:
        added = dotenv_values(".env", interpolate=False)
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            tr("The file .env can't be read"), why=str(error), todo=tr("mend it, or take it away")
        ) from error
    return {name: value for name, value in added.items() if value is not None} | dict(os.environ)


def _viewer(given: dict[str, Any], *, ask: bool, ask_columns: bool = False) -> Any:
    from importer.cli.terminal import Terminal  # noqa: PLC0415
    from importer.progress import Silent  # noqa: PLC0415

    return Silent() if given["quiet"] and not ask else Terminal(ask=ask, ask_columns=ask_columns)


def _can_say_columns(given: dict[str, Any]) -> bool:
    """Tell whether somebody is there to say which columns are meant."""
    silent = given["quiet"] or given["as_json"] or given.get("yes")
    return not silent and sys.stdin.isatty() and sys.stderr.isatty()


def _render(result: Result, given: dict[str, Any]) -> int:
    from importer.cli.render import happened_lines  # noqa: PLC0415
    from importer.cli.terminal import Terminal  # noqa: PLC0415

    if result.error:
        _complain(result.error)
    if given["as_json"]:
        click.echo(json.dumps(result.summary, ensure_ascii=False))
    else:
        Terminal(sys.stdout).show(happened_lines(result.summary))
    return result.exit_code


def _begin(stop: asyncio.Event, say: Callable[[str], None]) -> None:
    """Get ready for a long run: signals end it gently, and what is there stays there."""
    gc.freeze()  # a sixth of the processor's time went into looking at modules and sheet again
    gc.set_threshold(10_000, 20, 20)  # and some more into looking at rows under way
    stop_on_signals(stop, say)
