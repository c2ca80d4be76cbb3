"""Flags of unattended runs: guards, notifications, pings, figures."""

from __future__ import annotations

from pathlib import Path

import click

from importer.cli.options import takes
from importer.cli.translated_click import OUTPUT, SCHEDULED, option
from importer.settings import NOTIFY, PING

WATCH = takes(
    option(
        "--known-problems",
        type=click.Choice(["ok"]),
        section=SCHEDULED,
        help="ok: rows that the last run of the sheet reported need no attention again: exit "
        "code 1 and --notify are for new ones.",
    ),
    option(
        "--min-age",
        type=click.FloatRange(min=0),
        metavar="SECONDS",
        section=SCHEDULED,
        help="Send nothing where the sheet was changed less than so long ago: it may still be "
        "being written.",
    ),
    option(
        "--min-rows",
        metavar="N|N%",
        section=SCHEDULED,
        help="Send nothing where the sheet has fewer rows than this, or than this share of those "
        "of its last run.",
    ),
    option(
        "--move-to",
        type=click.Path(path_type=Path, file_okay=False),
        metavar="FOLDER",
        section=SCHEDULED,
        help="Move the sheet there when no row of it is still to be sent.",
    ),
    option(
        "--notify",
        metavar="URL",
        multiple=True,
        envvar=NOTIFY,
        section=SCHEDULED,
        help="Send a message there when the run ends, by Apprise: mailto://, tgram://, slack://, "
        "json://, … Better in the project file or CLOPOS_NOTIFY: a URL may hold a password.",
    ),
    option(
        "--notify-when",
        type=click.Choice(["need", "failure", "always"]),
        default="need",
        show_default=True,
        section=SCHEDULED,
        help="need: a person is needed (exit code not 0); failure: exit code 2 or more.",
    ),
    option(
        "--ping",
        metavar="URL",
        envvar=PING,
        section=SCHEDULED,
        help="Ask for URL/start when the run begins, then URL when it is done (exit code 0 or 1), "
        "else URL/fail: for a service that notices a night without a run.",
    ),
    option(
        "--metrics",
        type=click.Path(path_type=Path, dir_okay=False),
        metavar="PATH.prom",
        section=SCHEDULED,
        help="Write figures of the run for the textfile collector of node_exporter.",
    ),
    option(
        "--log-format",
        type=click.Choice(["text", "json"]),
        default="text",
        show_default=True,
        section=OUTPUT,
        help="Format of the lines of --log-file.",
    ),
)
