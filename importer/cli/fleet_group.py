"""The commands of `fleet` and their flags; `fleet_command` is what they do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from importer.cli import options as flags
from importer.cli.translated_click import Group, option

BRANDS = option(
    "--brands",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("brands.toml"),
    show_default=True,
    metavar="PATH",
    help="File that names the brands.",
)
COMMON = flags.takes(BRANDS, flags.ENV_FILE, flags.UI_LANGUAGE)
NAMES = click.argument("names", metavar="[BRAND]...", nargs=-1)


@click.group(cls=Group)
def fleet() -> None:
    """Send the sheets of many brands, from many machines. Needs PostgreSQL.

    \b
    brands.toml names the brands, their sheets, schedules and credentials;
    CLOPOS_DATABASE_URL names the database that all workers share:
      clopos-import fleet init          make its tables
      clopos-import fleet work          a worker; one on each machine
      clopos-import fleet run --all     a job for each brand, now
      clopos-import fleet status        progress, and who needs a person
    """  # noqa: D301 - click's mark for text that is not to be wrapped


@fleet.command(epilog="--brands brands.toml")
@COMMON
def init(**given: Any) -> int:
    """Create the tables in the database, or bring them up to date."""
    from importer.cli.fleet_command import init_tables

    return init_tables(given)


@fleet.command(epilog="--slots 20")
@option(
    "--slots",
    type=click.IntRange(1, 1000),
    default=50,
    show_default=True,
    metavar="N",
    help="Uploads that may be in progress at a time.",
)
@option("--until-idle", is_flag=True, help="End when no job is waiting or running.")
@option(
    "--embedded",
    is_flag=True,
    help="Use a PostgreSQL of its own in the state folder, started where needed.",
)
@option(
    "--queue",
    "queues",
    metavar="NAME",
    multiple=True,
    help="Take jobs of this queue only; repeat it for more. [default: all]",
)
@option(
    "--metrics",
    metavar="HOST:PORT",
    help="Address of /metrics and /healthz; none: no server. [default: 127.0.0.1:9464]",
)
@COMMON
def work(**given: Any) -> int:
    """Run a worker: take jobs and do them, until Ctrl-C.

    The first Ctrl-C or SIGTERM finishes requests in flight and leaves the rest to other workers.
    """
    from importer.cli.fleet_command import start_worker

    return start_worker(given)


@fleet.command(epilog="--all")
@NAMES
@option("--all", "everything", is_flag=True, help="All brands of the file.")
@COMMON
def run(**given: Any) -> int:
    """Queue a job for each BRAND, now. A worker does it as `run --yes` would."""
    from importer.cli.fleet_command import give_jobs

    return give_jobs(given)


@fleet.command(epilog="cafe")
@click.argument("name", metavar="BRAND")
@COMMON
def stop(**given: Any) -> int:
    """Stop the job of BRAND: finish requests in flight, leave other rows to its next job."""
    from importer.cli.fleet_command import stop_job

    return stop_job(given)


@fleet.command(epilog="cafe")
@NAMES
@COMMON
def pause(**given: Any) -> int:
    """Start no job of these brands (default: all) until `resume`. Running jobs continue."""
    from importer.cli.fleet_command import set_paused

    return set_paused(given, paused=True)


@fleet.command(epilog="cafe")
@NAMES
@COMMON
def resume(**given: Any) -> int:
    """Resume paused brands (default: all)."""
    from importer.cli.fleet_command import set_paused

    return set_paused(given, paused=False)


@fleet.command(epilog="--json")
@flags.JSON
@COMMON
def status(**given: Any) -> int:
    """Show progress: workers, running jobs, their finish time, what is late or needs a person."""
    from importer.cli.fleet_command import show_status

    return show_status(given)


@fleet.command(epilog="--json")
@flags.JSON
@COMMON
def history(**given: Any) -> int:
    """List the runs of all brands, newest first."""
    from importer.cli.fleet_command import show_history

    return show_history(given)
