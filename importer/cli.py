"""The commands: arguments in, result rendered, exit code chosen.

Nothing heavy is imported before a command is at work, so that --help answers at once.
"""

from __future__ import annotations

import json
import os
import platform
import signal
import sys
import tempfile
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from importer import __version__
from importer.errors import ImporterError, UsageError

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from importer.pipeline import Output, Result
    from importer.prepare import SheetOptions
    from importer.upload import SendOptions

EXIT_USAGE, EXIT_FAULT, EXIT_STOPPED = 2, 4, 130

_FILE = click.argument("file", type=click.Path(path_type=Path, allow_dash=True))
_SHEET_FLAGS = (
    click.option("--profile", metavar="NAME", help="The old POS, where it isn't recognised."),
    click.option(
        "--map",
        "given",
        metavar="FIELD=HEADER",
        multiple=True,
        help='Take a field from this column: --map "phone=Mobil". Repeat it for more fields, or '
        "to join several columns of a name. Wins over everything found. FIELD= leaves it out.",
    ),
    click.option(
        "--mapping",
        type=click.Path(path_type=Path, exists=True, dir_okay=False),
        help="Take the columns from this saved mapping. [default: FILE.mapping.toml]",
    ),
    click.option(
        "--save-mapping",
        type=click.Path(path_type=Path, dir_okay=False),
        help="Save which columns were taken, for next time.",
    ),
    click.option("--sheet", metavar="NAME", help="The worksheet of a workbook."),
    click.option("--encoding", metavar="NAME", help="Such as utf-8 or windows-1251."),
    click.option("--delimiter", metavar="CHAR", help="What separates cells: , ; | or tab."),
    click.option(
        "--header-row", type=click.IntRange(min=1), metavar="N", help="Row of the header."
    ),
    click.option(
        "--region",
        metavar="AZ",
        help="Country of phone numbers without one. [default: CLOPOS_REGION, else AZ]",
    ),
    click.option(
        "--dates",
        type=click.Choice(["DMY", "MDY", "YMD"], case_sensitive=False),
        help="Order of day, month and year, where the column itself doesn't prove it.",
    ),
    click.option(
        "--language",
        type=click.Choice(["az", "ru", "tr", "en"]),
        help="Language of words such as K (man in Azerbaijani, woman in Turkish).",
    ),
    click.option(
        "--drop-bad-values",
        is_flag=True,
        help="Send a row without its bad optional values instead of holding it back. "
        "What is left out can't be added later through the API.",
    ),
    click.option(
        "--results",
        type=click.Path(path_type=Path),
        help="Where to write what became of every row: .csv, .xlsx, .jsonl or .parquet. "
        "[default: FILE.results.csv]",
    ),
    click.option(
        "--payloads",
        type=click.Path(path_type=Path),
        help="Write the bodies that are or would be sent, as JSON lines.",
    ),
    click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON."),
    click.option("--quiet", is_flag=True, help="Say nothing but the summary and errors."),
)


def _sheet_flags(command: Callable[..., Any]) -> Callable[..., Any]:
    for flag in reversed(_SHEET_FLAGS):
        command = flag(command)
    return _FILE(command)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 88})
@click.version_option(__version__, prog_name="clopos-import")
def commands() -> None:
    """Create the customers of an old POS in Clopos: once, within the quota, all accounted for.

    \b
    A migration, step by step:
      clopos-import check customers.xlsx           what would be imported, what is wrong
      clopos-import run customers.xlsx --sandbox   the whole way, into a Clopos on this machine
      clopos-import run customers.xlsx --limit 10  ten real customers; look at them in Clopos
      clopos-import run customers.xlsx             all

    \b
    Credentials are read from the environment or a file .env in this folder, never from flags:
      CLOPOS_CLIENT_ID, CLOPOS_CLIENT_SECRET, CLOPOS_BRAND, CLOPOS_VENUE_ID,
      CLOPOS_INTEGRATOR_ID (its presence selects version 2 of the API), CLOPOS_BASE_URL

    \b
    Exit codes:
      0    every row is created, exists, or is a duplicate (check: nothing is wrong)
      1    done, but rows need a person
      2    wrong usage, or a sheet that can't be read; nothing was sent
      3    Clopos refused or can't be reached; mend it and run the same command again
      4    a fault of this program, with a report to send
      130  interrupted; run the same command again
    """  # noqa: D301 - click's mark for text that is not to be wrapped


@commands.command()
@_sheet_flags
def check(**flags: Any) -> int:
    """Say what would be imported from FILE, what is wrong with it and what is double. Offline.

    FILE is a customer list as it came out of the old POS (CSV, Excel, …); - is standard input.
    """
    from importer import pipeline  # noqa: PLC0415 - pandas and pandera take half a second

    result = pipeline.check(
        flags["file"],
        _sheet_options(flags),
        _output(flags),
        env=_environment(),
        viewer=_viewer(flags, ask=False),
        stdin=sys.stdin.buffer,
    )
    return _render(result, flags)


@commands.command()
@_sheet_flags
@click.option("--sandbox", is_flag=True, help="Into a Clopos on this machine, for this run only.")
@click.option("--dry-run", is_flag=True, help="Do everything but create customers.")
@click.option("--limit", type=click.IntRange(min=0), metavar="N", help="Send N rows at most.")
@click.option(
    "--rate",
    metavar="RATE",
    help='Such as "100/min,1000/hour"; none lifts it. [default: the API\'s own quota]',
)
@click.option(
    "--reserve",
    default="10%",
    show_default=True,
    metavar="PERCENT",
    help="Share of the quota left for the tills.",
)
@click.option(
    "--concurrency",
    type=click.IntRange(1, 256),
    default=64,
    metavar="N",
    help="The most requests under way at once.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(min=0.1),
    default=20.0,
    show_default=True,
    metavar="SECONDS",
    help="Of one request.",
)
@click.option(
    "--settle",
    type=click.FloatRange(min=0),
    default=10.0,
    show_default=True,
    metavar="SECONDS",
    help="From a doubtful answer until the row is looked for at Clopos.",
)
@click.option(
    "--match",
    type=click.Choice(["auto", "always", "never"]),
    default="auto",
    show_default=True,
    help="Compare with what is at Clopos before sending.",
)
@click.option(
    "--give-up-after",
    type=click.FloatRange(min=0),
    default=600.0,
    show_default=True,
    metavar="SECONDS",
    help="Stop when there is nothing but failures for so long.",
)
@click.option(
    "--max-rejected",
    default="50%",
    show_default=True,
    metavar="N|N%",
    help="Stop when Clopos rejects more rows than this (a share counts from 20 answers on).",
)
@click.option("--yes", is_flag=True, help="Don't ask before sending.")
def run(**flags: Any) -> int:
    """Check FILE, plan, send, and write what became of every row.

    The same command again carries on where it was interrupted and sends nothing twice.
    """
    from importer import pipeline  # noqa: PLC0415 - pandas and pandera take half a second

    ask = not flags["yes"] and not flags["sandbox"] and sys.stdin.isatty()
    viewer = _viewer(flags, ask=ask)
    result = pipeline.run(
        flags["file"],
        _sheet_options(flags),
        _output(flags),
        _send_options(flags),
        env=_environment(),
        viewer=viewer,
        stdin=sys.stdin.buffer,
        on_start=lambda stop: _stop_on_signals(stop, viewer.say),
    )
    return _render(result, flags)


@commands.command()
@click.option("--port", type=click.IntRange(0, 65535), default=8089, show_default=True, metavar="N")
@click.option(
    "--store",
    default=":memory:",
    show_default=True,
    metavar="PATH",
    help="A SQLite file that keeps the customers.",
)
@click.option("--empty", is_flag=True, help="Begin without the few customers that are there.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of faults by chance.")
@click.option(
    "--fault",
    "faults",
    metavar="KIND=SHARE",
    multiple=True,
    help="Let this share of creations fail, such as 504b=5%: 429, 500, 502, 503, 504a (not "
    "created), 504b (created), 504c (created late), drop, timeout, garbage, no_id, slow, …",
)
@click.option("--latency", default="0-0", metavar="MIN-MAX", help="Seconds an answer takes.")
@click.option("--no-limits", is_flag=True, help="Lift the quota and the other limits.")
def sandbox(**flags: Any) -> int:
    """Run a local Clopos to try things on, until Ctrl-C.

    It prints the lines to copy into another terminal, where the other commands then use it. Its
    quota is the real one. Faults can be ordered while it runs: see importer/sandbox/inspection.py.
    """
    from importer.sandbox import Config  # noqa: PLC0415 - a server takes a moment
    from importer.sandbox.command import run_sandbox  # noqa: PLC0415
    from importer.sandbox.config import changed  # noqa: PLC0415

    limits = ("auth_per_minute", "failed_per_minute", "per_minute", "v1_per_minute", "v1_per_hour")
    config = Config(
        seed=flags["seed"],
        seed_customers=not flags["empty"],
        rates=dict(_rate(text) for text in flags["faults"]),
        latency=_range(flags["latency"]),
    )
    if flags["no_limits"]:
        config = changed(config, dict.fromkeys(limits))
    run_sandbox(port=flags["port"], store=flags["store"], config=config, say=click.echo)
    return 0


def main() -> None:
    """Run the program and exit with a code of the contract."""
    sys.exit(_main(sys.argv[1:]))


def _main(arguments: list[str]) -> int:
    try:
        code = commands.main(arguments, prog_name="clopos-import", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return EXIT_USAGE
    except ImporterError as error:
        _complain(error)
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        click.echo("Interrupted; run the same command again to carry on", err=True)
        return EXIT_STOPPED
    except BrokenPipeError:
        # Whoever read our output has gone: there is nobody left to tell.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_STOPPED
    except Exception:  # noqa: BLE001 - the one place that turns a fault into a report
        click.echo(_report_fault(), err=True)
        return EXIT_FAULT
    return int(code or 0)


def _complain(error: ImporterError) -> None:
    from importer.terminal import error_lines  # noqa: PLC0415

    for line in error_lines(error):
        click.echo(line, err=True)


def _report_fault() -> str:
    """Write a report of the exception at hand and say where it is.

    Without the exception's own words: they may hold a customer's data.
    """
    kind, _, trace = sys.exc_info()
    frames = traceback.extract_tb(trace)
    lines = [
        f"clopos-import {__version__}, Python {platform.python_version()}, {platform.platform()}",
        f"{getattr(kind, '__name__', kind)} at",
        *(f"  {Path(f.filename).name}:{f.lineno} in {f.name}: {f.line}" for f in frames),
    ]
    with tempfile.NamedTemporaryFile(
        "w", prefix="clopos-import-fault-", suffix=".txt", delete=False, encoding="utf-8"
    ) as report:
        report.write("\n".join(lines) + "\n")
    return (
        "Error: a fault of clopos-import, not of yours\n"
        f"  why: {lines[1][:-3]}\n"
        f"  to do: send {report.name} to the developers (there is no customer in it); "
        "what was sent is in the journal, the same command carries on"
    )


def _sheet_options(flags: dict[str, Any]) -> SheetOptions:
    from importer.prepare import SheetOptions  # noqa: PLC0415
    from importer.records import MappingChoices, ReadOptions  # noqa: PLC0415

    region = flags["region"].upper() if flags["region"] else None
    return SheetOptions(
        read=ReadOptions(
            encoding=flags["encoding"],
            delimiter=_delimiter(flags["delimiter"]),
            sheet=flags["sheet"],
            header_row=flags["header_row"],
        ),
        choices=MappingChoices(
            profile=flags["profile"],
            given=tuple(_pair(text) for text in flags["given"]),
            language=flags["language"],
        ),
        region=region,
        dates=flags["dates"],
        language=flags["language"],
        drop_bad_values=flags["drop_bad_values"],
        mapping=flags["mapping"],
        save_mapping=flags["save_mapping"],
    )


def _send_options(flags: dict[str, Any]) -> SendOptions:
    from importer.send import Pace  # noqa: PLC0415
    from importer.upload import SendOptions  # noqa: PLC0415

    return SendOptions(
        sandbox=flags["sandbox"],
        dry_run=flags["dry_run"],
        limit=flags["limit"],
        rate=flags["rate"],
        reserve=_share("--reserve", flags["reserve"]),
        timeout=flags["timeout"],
        match=flags["match"],
        pace=Pace(
            concurrency=flags["concurrency"],
            settle=flags["settle"],
            give_up_after=flags["give_up_after"],
            max_rejected=_rejected(flags["max_rejected"]),
        ),
    )


def _output(flags: dict[str, Any]) -> Output:
    from importer.pipeline import Output  # noqa: PLC0415

    return Output(results=flags["results"], payloads=flags["payloads"])


def _pair(text: str) -> tuple[str, str]:
    field, equals, header = text.partition("=")
    if not equals:
        raise click.BadParameter(
            f'{text} has no "=": write it like --map "phone=Mobile number"', param_hint="--map"
        )
    return field.strip(), header.strip()


def _delimiter(text: str | None) -> str | None:
    return {"tab": "\t", "\\t": "\t"}.get(text.lower(), text) if text else None


def _share(flag: str, text: str) -> float:
    """Return a share from a percentage.

    Raises UsageError when it isn't one from 0% to below 100%.
    """
    try:
        share = float(text.strip().removesuffix("%")) / 100
    except ValueError:
        share = -1.0
    if not 0 <= share < 1:
        raise UsageError(f"{flag} {text} is not a share", todo=f"write it like {flag} 10%")
    return share


def _rate(text: str) -> tuple[str, float]:
    kind, _, share = text.partition("=")
    return kind.strip(), _share("--fault", share)


def _range(text: str) -> tuple[float, float]:
    least, _, most = text.partition("-")
    try:
        return float(least), float(most or least)
    except ValueError:
        raise UsageError(
            f"--latency {text} is not a range of seconds", todo="write it like --latency 0.05-0.4"
        ) from None


def _rejected(text: str) -> float:
    if text.strip().endswith("%"):
        return _share("--max-rejected", text)
    if text.strip().isdecimal() and int(text) > 1:
        return float(text)
    raise UsageError(
        f"--max-rejected {text} is neither a share nor a number above 1",
        todo="write it like --max-rejected 50% or --max-rejected 100",
    )


def _environment() -> dict[str, str]:
    """Return the environment with what a file .env in this folder adds to it."""
    from dotenv import dotenv_values  # noqa: PLC0415

    try:
        added = dotenv_values(".env", interpolate=False)
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            "The file .env can't be read", why=str(error), todo="mend it, or take it away"
        ) from error
    return {name: value for name, value in added.items() if value is not None} | dict(os.environ)


def _viewer(flags: dict[str, Any], *, ask: bool) -> Any:
    from importer.terminal import Terminal  # noqa: PLC0415
    from importer.viewer import Silent  # noqa: PLC0415

    return Silent() if flags["quiet"] and not ask else Terminal(ask=ask)


def _render(result: Result, flags: dict[str, Any]) -> int:
    from importer.terminal import summary_lines  # noqa: PLC0415

    if result.error:
        _complain(result.error)
    if flags["as_json"]:
        click.echo(json.dumps(result.summary, ensure_ascii=False))
    else:
        click.echo("\n".join(summary_lines(result.summary)))
    return result.exit_code


def _stop_on_signals(stop: asyncio.Event, say: Callable[[str], None]) -> None:
    """Let the first Ctrl-C or SIGTERM finish what is in flight and the second leave at once."""
    import asyncio  # noqa: PLC0415

    loop = asyncio.get_running_loop()
    asked = 0.0

    def on_signal(*_: object) -> None:
        nonlocal asked
        if asked and time.monotonic() - asked > 0.2:  # one key press may arrive as two signals
            os._exit(EXIT_STOPPED)  # the journal has all that left
        if not asked:
            asked = time.monotonic()
            loop.call_soon_threadsafe(stop.set)
            say("Stopping: what is in flight is finished first; Ctrl-C again leaves at once")

    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):  # there is no SIGHUP on Windows
            signal.signal(getattr(signal, name), on_signal)
