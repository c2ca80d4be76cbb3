"""The flags of the commands: how they are written, and what they are turned into.

Nothing heavy is imported before a flag is read, so that --help answers at once.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from importer import i18n as messages
from importer.cli.translated_click import option
from importer.errors import UsageError
from importer.i18n import tr

if TYPE_CHECKING:
    from collections.abc import Callable

    from importer.pipeline.calls import Output
    from importer.pipeline.prepare import SheetOptions
    from importer.pipeline.upload import SendOptions

LANGUAGE_SPOKEN = option(
    "--lang",
    type=click.Choice(messages.LANGUAGES),
    expose_value=False,
    is_eager=True,
    callback=lambda _context, _parameter, language: messages.use(language) if language else None,
    help="Language of messages and reports. [default: that of LANG]",
)
"""For every command that tells something."""

JSON = option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
_FILE = click.argument("file", type=click.Path(path_type=Path, allow_dash=True, readable=False))
_SHEET_FLAGS = (
    option("--profile", metavar="NAME", help="The old POS, where it isn't recognised."),
    option(
        "--map",
        "given",
        metavar="FIELD=HEADER",
        multiple=True,
        help='Take a field from this column: --map "phone=Mobil". Repeat it for more fields, or '
        "to join several columns of a name. Wins over everything found. FIELD= leaves it out.",
    ),
    option(
        "--mapping",
        type=click.Path(path_type=Path, exists=True, dir_okay=False),
        help="Take the columns from this saved mapping. [default: FILE.mapping.toml]",
    ),
    option(
        "--save-mapping",
        type=click.Path(path_type=Path, dir_okay=False),
        help="Save which columns were taken, for next time.",
    ),
    option("--sheet", metavar="NAME", help="The worksheet of a workbook."),
    option("--encoding", metavar="NAME", help="Such as utf-8 or windows-1251."),
    option("--delimiter", metavar="CHAR", help="What separates cells: , ; | or tab."),
    option("--header-row", type=click.IntRange(min=1), metavar="N", help="Row of the header."),
    option(
        "--region",
        metavar="AZ",
        help="Country of phone numbers without one. [default: CLOPOS_REGION, else AZ]",
    ),
    option(
        "--dates",
        type=click.Choice(["DMY", "MDY", "YMD"], case_sensitive=False),
        help="Order of day, month and year, where the column itself doesn't prove it.",
    ),
    option(
        "--language",
        type=click.Choice(["az", "ru", "tr", "en"]),
        help="Language of words such as K (man in Azerbaijani, woman in Turkish).",
    ),
    option(
        "--drop-bad-values",
        is_flag=True,
        help="Send a row without its bad optional values instead of holding it back. "
        "What is left out can't be added later through the API.",
    ),
    option(
        "--name-from",
        type=click.Choice(["phone", "email", "company"]),
        multiple=True,
        help="Give customers without a name this instead; the first that is there, if repeated.",
    ),
    option("--group", metavar="NAME|ID", help="Put all customers into this group of Clopos."),
    option(
        "--group-column",
        metavar="HEADER",
        help="Put each customer into the group that this column names.",
    ),
    LANGUAGE_SPOKEN,
    JSON,
    option("--quiet", is_flag=True, help="Say nothing but the summary and errors."),
)


_OUTPUT_FLAGS = (
    option(
        "--results",
        type=click.Path(path_type=Path),
        help="Where to write what became of every row: .csv, .xlsx, .jsonl or .parquet. "
        "[default: FILE.results.csv]",
    ),
    option(
        "--payloads",
        type=click.Path(path_type=Path),
        help="Write the bodies that are or would be sent, as JSON lines.",
    ),
    option(
        "--report",
        type=click.Path(path_type=Path, dir_okay=False),
        metavar="PATH.html",
        help="Write a page about the run for the person who answers for it: one file, to be "
        "passed on.",
    ),
    option("--report-private", is_flag=True, help="Without names, phones and values in that page."),
)
_PACE_FLAGS = (
    option("--limit", type=click.IntRange(min=0), metavar="N", help="Send N rows at most."),
    option(
        "--rate",
        metavar="RATE",
        help='Such as "100/min,1000/hour"; none lifts it. [default: the API\'s own quota]',
    ),
    option(
        "--reserve",
        default="10%",
        show_default=True,
        metavar="PERCENT",
        help="Share of the quota left for the tills.",
    ),
    option(
        "--window",
        "windows",
        metavar="HH:MM-HH:MM",
        multiple=True,
        help="Send in these hours only; repeat it for more. With a reserve of its own: "
        '"22:00-08:00 reserve=0%".',
    ),
    option(
        "--finish-by",
        metavar="HH:MM",
        help="Say whether it fits, and stop in time if it doesn't; the next run carries on.",
    ),
    option(
        "--concurrency",
        type=click.IntRange(1, 256),
        default=64,
        metavar="N",
        help="The most requests under way at once.",
    ),
    option(
        "--timeout",
        type=click.FloatRange(min=0.1),
        default=20.0,
        show_default=True,
        metavar="SECONDS",
        help="Of one request.",
    ),
    option(
        "--settle",
        type=click.FloatRange(min=0),
        default=10.0,
        show_default=True,
        metavar="SECONDS",
        help="From a doubtful answer until the row is looked for at Clopos.",
    ),
    option(
        "--match",
        type=click.Choice(["auto", "always", "never"]),
        default="auto",
        show_default=True,
        help="Compare with what is at Clopos before sending.",
    ),
    option(
        "--give-up-after",
        type=click.FloatRange(min=0),
        default=600.0,
        show_default=True,
        metavar="SECONDS",
        help="Stop when there is nothing but failures for so long.",
    ),
    option(
        "--max-rejected",
        default="50%",
        show_default=True,
        metavar="N|N%",
        help="Stop when Clopos rejects more rows than this (a share counts from 20 answers on).",
    ),
)
_RUN_FLAGS = (
    option("--sandbox", is_flag=True, help="Into a Clopos on this machine, for this run only."),
    option("--dry-run", is_flag=True, help="Do everything but create customers."),
    option("--yes", is_flag=True, help="Don't ask before sending."),
    option(
        "--log-file",
        type=click.Path(path_type=Path, dir_okay=False),
        help="Write what was done and why it waited, without any customer; turned over at 5 MB.",
    ),
    option(
        "--keep-results",
        type=click.IntRange(min=1),
        metavar="N",
        help="Keep the results of the last N runs; earlier ones get their time into their names.",
    ),
)


def sheet_flags(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command FILE and the flags about it, and about what is written."""
    for flag in reversed(_OUTPUT_FLAGS):
        command = flag(command)
    return reading_flags(command)


def reading_flags(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command FILE and the flags about reading it."""
    for flag in reversed(_SHEET_FLAGS):
        command = flag(command)
    return _FILE(command)


def pace_flags(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the flags about how to send."""
    for flag in reversed(_PACE_FLAGS):
        command = flag(command)
    return command


def run_flags(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the flags of `run` alone."""
    for flag in reversed(_RUN_FLAGS):
        command = flag(command)
    return command


def sheet_options(given: dict[str, Any]) -> SheetOptions:
    """Return what the flags say about the sheet. Raises BadParameter or UsageError."""
    from importer.pipeline.prepare import SheetOptions  # noqa: PLC0415
    from importer.records import MappingChoices, ReadOptions  # noqa: PLC0415

    region = given["region"].upper() if given["region"] else None
    return SheetOptions(
        read=ReadOptions(
            encoding=given["encoding"],
            delimiter=_delimiter(given["delimiter"]),
            sheet=given["sheet"],
            header_row=given["header_row"],
        ),
        choices=MappingChoices(
            profile=given["profile"],
            given=tuple(_pair(text) for text in given["given"]),
            language=given["language"],
        ),
        region=region,
        dates=given["dates"],
        language=given["language"],
        drop_bad_values=given["drop_bad_values"],
        name_from=given["name_from"],
        group=given["group"],
        group_column=given["group_column"],
        mapping=given["mapping"],
        save_mapping=given["save_mapping"],
    )


def send_options(given: dict[str, Any]) -> SendOptions:
    """Return what the flags say about sending. Raises UsageError for what can't be read."""
    from importer.clopos import parse_rates  # noqa: PLC0415
    from importer.pipeline.upload import SendOptions  # noqa: PLC0415
    from importer.plan.schedule import parse_finish, parse_window  # noqa: PLC0415
    from importer.send.circuit_breaker import Pace  # noqa: PLC0415

    if given["rate"]:
        parse_rates(given["rate"])  # a slip is told before a large sheet is read
    return SendOptions(
        sandbox=given.get("sandbox", False),
        dry_run=given.get("dry_run", False),
        limit=given["limit"],
        rate=given["rate"],
        reserve=_share("--reserve ", given["reserve"]),
        timeout=given["timeout"],
        match=given["match"],
        windows=tuple(parse_window(text) for text in given["windows"]),
        finish_by=parse_finish(given["finish_by"]) if given["finish_by"] else None,
        pace=Pace(
            concurrency=given["concurrency"],
            settle=given["settle"],
            give_up_after=given["give_up_after"],
            max_rejected=_rejected(given["max_rejected"]),
        ),
    )


def output(given: dict[str, Any]) -> Output:
    """Return where to write."""
    from importer.pipeline.calls import Output  # noqa: PLC0415

    return Output(
        results=given["results"],
        payloads=given["payloads"],
        report=given["report"],
        report_private=given["report_private"],
        keep=given.get("keep_results"),
    )


def _pair(text: str) -> tuple[str, str]:
    field, equals, header = text.partition("=")
    if not equals:
        raise click.BadParameter(
            tr('{text} has no "=": write it like --map "phone=Mobile number"', text=text),
            param_hint="--map",
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
        raise UsageError(
            tr("{flag}{text} is not a share", flag=flag, text=text),
            todo=tr("write it like {flag}10%", flag=flag),
        )
    return share


def fault(text: str) -> tuple[str, float]:
    """Return kind and share of a fault such as `504b=5%`. Raises UsageError."""
    kind, _, share = text.partition("=")
    return kind.strip(), _share(f"--fault {kind.strip()}=", share)


def seconds_range(text: str) -> tuple[float, float]:
    """Return least and most of a range such as `0.05-0.4`. Raises UsageError."""
    least, _, most = text.partition("-")
    try:
        return float(least), float(most or least)
    except ValueError:
        raise UsageError(
            tr("--latency {text} is not a range of seconds", text=text),
            todo=tr("write it like --latency 0.05-0.4"),
        ) from None


def _rejected(text: str) -> float:
    """Return a number of rows as an int, a share as a float. Raises UsageError."""
    number, percent = text.strip().removesuffix("%"), text.strip().endswith("%")
    if number.isascii() and number.isdecimal() and not (percent and int(number) > 100):
        return int(number) / 100 if percent else int(number)
    raise UsageError(
        tr("--max-rejected {text} is neither a number of rows nor a share", text=text),
        todo=tr("write it like --max-rejected 50% or --max-rejected 100"),
    )
