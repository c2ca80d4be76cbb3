"""Declarations of the flags; `option_values` turns what is given into options of the pipeline.

Nothing heavy is imported here, so that --help answers at once.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from importer.cli.shape_options import SHAPE_FLAGS
from importer.cli.translated_click import (
    HELP_ALL,
    OUTPUT,
    READING,
    SCHEDULED,
    SENDING,
    VALUES,
    option,
)
from importer.i18n import LANGUAGES, set_language

if TYPE_CHECKING:
    from collections.abc import Callable

    Flag = Callable[[Callable[..., Any]], Callable[..., Any]]


def takes(*flags: Flag) -> Flag:
    """Give a command these flags, in this order."""

    def give(command: Callable[..., Any]) -> Callable[..., Any]:
        for flag in reversed(flags):
            command = flag(command)
        return command

    return give


UI_LANGUAGE = option(
    "--ui-language",
    "--lang",
    type=click.Choice(LANGUAGES),
    expose_value=False,
    is_eager=True,
    callback=lambda _context, _parameter, language: set_language(language) if language else None,
    help="Language of messages and reports (for words in the sheet: --language). "
    "[default: that of LANG]",
)
JSON = option("--json", "as_json", is_flag=True, section=OUTPUT, help="Print the summary as JSON.")
FILES = click.argument(
    "file",
    nargs=-1,
    type=click.Path(path_type=Path, allow_dash=True, readable=False),
    metavar="FILE...",
)
PROJECT = takes(
    option(
        "--project",
        type=click.Path(path_type=Path, dir_okay=False),
        metavar="PATH",
        help="Take sheets and options from this project file; flags go before it. "
        "[default: clopos.toml beside FILE, else here]",
    ),
    option("--no-project", is_flag=True, help="Take no project file."),
)
ENV_FILE = option(
    "--env-file",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="PATH",
    help="Read CLOPOS_ variables from this file. [default: .env beside FILE, else here]",
)
SECRET_COMMAND = option(
    "--secret-command",
    metavar="COMMAND",
    help="Take the client secret from the first line that this command prints.",
)
SAVE_MAPPING = option(
    "--save-mapping",
    type=click.Path(path_type=Path, dir_okay=False),
    section=READING,
    help="Save which columns were taken to this file. FILE.mapping.toml is found by the next run.",
)
RESULTS = option(
    "--results",
    type=click.Path(path_type=Path),
    section=OUTPUT,
    help="File for the result of each row: .csv, .xlsx, .jsonl or .parquet. "
    "[default: FILE.results.xlsx, FILE.check.xlsx; .csv for very many rows]",
)

SHEET = takes(
    option(
        "--profile",
        metavar="NAME",
        section=READING,
        help="Name of the old POS, where it isn't recognised.",
    ),
    option(
        "--map",
        "given",
        metavar="FIELD=HEADER",
        multiple=True,
        section=READING,
        help='Take a field from this column: --map "phone=Mobil". Repeat it for more fields, or '
        "to join several columns of a name. Wins over everything found. FIELD= leaves it out.",
    ),
    option(
        "--mapping",
        type=click.Path(path_type=Path, exists=True, dir_okay=False),
        section=READING,
        help="Take the columns from this saved mapping. [default: FILE.mapping.toml]",
    ),
    option("--sheet", metavar="NAME", section=READING, help="Worksheet to read from a workbook."),
    option(
        "--encoding",
        metavar="NAME",
        section=READING,
        help="File encoding, e.g. utf-8 or windows-1251. [default: detected]",
    ),
    option(
        "--delimiter",
        metavar="CHAR",
        section=READING,
        help="Character between cells: , ; | or tab. [default: detected]",
    ),
    option(
        "--header-row",
        type=click.IntRange(min=1),
        metavar="N",
        section=READING,
        help="Number of the row with the headers. [default: detected]",
    ),
    option(
        "--region",
        metavar="AZ",
        section=VALUES,
        help="Country of phone numbers without one. [default: CLOPOS_REGION, else AZ]",
    ),
    option(
        "--dates",
        type=click.Choice(["DMY", "MDY", "YMD"], case_sensitive=False),
        section=VALUES,
        help="Order of day, month and year, where the column itself doesn't prove it.",
    ),
    option(
        "--language",
        type=click.Choice(["az", "ru", "tr", "en"]),
        section=VALUES,
        help="Language of words in the sheet, e.g. K (man in Azerbaijani, woman in Turkish). "
        "For messages: --ui-language.",
    ),
    option(
        "--drop-bad-values",
        is_flag=True,
        section=VALUES,
        help="Send a row without its bad optional values instead of holding it back. "
        "What is left out can't be added later through the API.",
    ),
    option(
        "--shared-phone",
        type=click.Choice(["hold", "without"]),
        default="hold",
        show_default=True,
        section=VALUES,
        help="Rows with the phone of another person in the list: hold them, or send them without.",
    ),
    option(
        "--none-value",
        metavar="FIELD=VALUE",
        multiple=True,
        section=VALUES,
        help="Send a phone, email or code that stands for none as nothing, however it is written: "
        "phone=+994500000000. Repeat it, or separate values by commas.",
    ),
    option(
        "--name-from",
        type=click.Choice(["phone", "email", "company"]),
        multiple=True,
        section=VALUES,
        help="Name customers without a name by this; if repeated, by the first that has a value.",
    ),
    option(
        "--accept",
        metavar="CODE",
        multiple=True,
        section=VALUES,
        help="Answer a question with: it is right as it is. Repeat it, or separate codes by "
        "commas.",
    ),
    option(
        "--fixes",
        type=click.Path(path_type=Path, exists=True, dir_okay=False),
        metavar="PATH",
        section=VALUES,
        help="Take the fixes that were made by hand from this file. [default: FILE.fixes.jsonl]",
    ),
    option("--no-fixes", is_flag=True, section=VALUES, help="Take no fixes: the sheet as it is."),
    option(
        "--group",
        metavar="NAME|ID",
        section=VALUES,
        help="Put all customers into this group of Clopos.",
    ),
    option(
        "--group-column",
        metavar="HEADER",
        section=VALUES,
        help="Put each customer into the group that this column names.",
    ),
    *SHAPE_FLAGS,
)
PRINTED = takes(
    JSON,
    option(
        "--quiet", is_flag=True, section=OUTPUT, help="Print nothing but the summary and errors."
    ),
    PROJECT,
    ENV_FILE,
    SECRET_COMMAND,
    UI_LANGUAGE,
    HELP_ALL,
)
WRITTEN = takes(
    RESULTS,
    option(
        "--payloads",
        type=click.Path(path_type=Path),
        section=OUTPUT,
        help="Write the bodies that are or would be sent, as JSON lines.",
    ),
    option(
        "--report",
        type=click.Path(path_type=Path, dir_okay=False),
        metavar="PATH.html",
        section=OUTPUT,
        help="Write a page about the run: one file to pass on to the person in charge.",
    ),
    option(
        "--report-private",
        is_flag=True,
        section=OUTPUT,
        help="Leave names, phones and values out of that page.",
    ),
)
PACE = takes(
    option(
        "--limit",
        type=click.IntRange(min=0),
        metavar="N",
        section=SENDING,
        help="Send at most N rows.",
    ),
    option(
        "--match",
        type=click.Choice(["auto", "always", "never"]),
        default="auto",
        show_default=True,
        section=SENDING,
        help="How rows are compared with Clopos before sending. auto: read all customers, or look "
        "each row up where that takes over ten minutes; always: read everything anew; never: send "
        "without a look.",
    ),
    option(
        "--recreate",
        is_flag=False,
        flag_value="0",
        type=click.IntRange(min=0),
        metavar="[N]",
        section=SENDING,
        help="Create customers anew that an earlier run created and that were deleted at Clopos "
        "since. With N: only if they are so many.",
    ),
    option(
        "--rate",
        metavar="RATE",
        section=SENDING,
        help='Rate limit, e.g. "100/min,1000/hour"; none lifts it. [default: the API\'s own quota]',
    ),
    option(
        "--reserve",
        default="10%",
        show_default=True,
        metavar="PERCENT",
        section=SENDING,
        help="Share of the quota left for the tills.",
    ),
    option(
        "--window",
        "windows",
        metavar="HH:MM-HH:MM",
        multiple=True,
        section=SCHEDULED,
        help="Send in these hours only; repeat it for more. With a reserve of its own: "
        '"22:00-08:00 reserve=0%".',
    ),
    option(
        "--time-zone",
        metavar="NAME",
        section=SCHEDULED,
        help="Time zone of --window and --finish-by, e.g. Asia/Baku. [default: the machine's]",
    ),
    option(
        "--finish-by",
        metavar="HH:MM",
        section=SCHEDULED,
        help="Say whether all rows fit, and stop in time if not; the next run continues.",
    ),
    option(
        "--concurrency",
        type=click.IntRange(1, 256),
        default=128,
        show_default=True,
        metavar="N",
        section=SENDING,
        tuning=True,
        help="Maximum number of requests in flight.",
    ),
    option(
        "--timeout",
        type=click.FloatRange(min=0.1),
        default=20.0,
        show_default=True,
        metavar="SECONDS",
        section=SENDING,
        tuning=True,
        help="Timeout per request.",
    ),
    option(
        "--settle",
        type=click.FloatRange(min=0),
        default=10.0,
        show_default=True,
        metavar="SECONDS",
        section=SENDING,
        tuning=True,
        help="Time from an uncertain response until the row is looked up at Clopos.",
    ),
    option(
        "--give-up-after",
        type=click.FloatRange(min=0),
        default=600.0,
        show_default=True,
        metavar="SECONDS",
        section=SENDING,
        tuning=True,
        help="Stop when every request has failed for so long.",
    ),
    option(
        "--max-rejected",
        default="50%",
        show_default=True,
        metavar="N|N%",
        section=SENDING,
        tuning=True,
        help="Stop when Clopos rejects more rows than this (a share counts from 20 answers on).",
    ),
)
RUN = takes(
    option(
        "--sandbox",
        is_flag=True,
        section=SENDING,
        help="Send to a temporary local sandbox instead of Clopos.",
    ),
    option(
        "--dry-run", is_flag=True, section=SENDING, help="Do everything except create customers."
    ),
    option("--yes", is_flag=True, section=SENDING, help="Send without asking."),
    option(
        "--max-new",
        metavar="N|N%",
        section=SCHEDULED,
        help="Send nothing where more customers than this would be created.",
    ),
    option(
        "--log-file",
        type=click.Path(path_type=Path, dir_okay=False),
        section=SCHEDULED,
        help="Log what was done and why it waited, without any customer; rotated at 5 MB.",
    ),
    option(
        "--keep-results",
        type=click.IntRange(min=1),
        metavar="N",
        section=SCHEDULED,
        help="Keep the results of the last N runs; older files are renamed with a timestamp.",
    ),
)
