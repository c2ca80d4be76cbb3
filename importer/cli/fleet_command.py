"""Run the commands of `fleet`."""

from __future__ import annotations

import asyncio
import contextlib
import difflib
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

import click

from importer.cli.environment import environment
from importer.cli.history import history_lines, history_rows, read_history
from importer.cli.output import complain, show_json
from importer.cli.render_fleet import status_lines
from importer.collector import frozen
from importer.errors import Exit, ImporterError, UsageError
from importer.i18n import tr, trn
from importer.settings import read_settings
from importer.store.state import state_folder
from importer.text import strip_control

try:
    from importer.fleet import jobs, tables
    from importer.fleet.database import open_database
    from importer.fleet.logs import log_to_stderr
    from importer.fleet.metrics import Listen
    from importer.fleet.setup import check_server, set_up
    from importer.fleet.status_now import read_status
    from importer.fleet.worker import Work, read_brands, work
except ImportError as error:
    raise UsageError(
        tr("The libraries of `fleet` are not installed"),
        why=str(error),
        fix=tr("pip install 'clopos-import[fleet]'"),
    ) from error

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence

    from importer.fleet.brands import Fleet
    from importer.fleet.database import Database
    from importer.fleet.status import Status

T = TypeVar("T")

_BEATS = jobs.Beats()


def init_tables(given: Mapping[str, Any]) -> int:
    """Make or upgrade the tables of the database."""
    with _database_url(_environment(given)) as url:
        asyncio.run(set_up(url))
    click.echo(tr("The tables are ready"))
    return Exit.DONE


def start_worker(given: Mapping[str, Any], beats: jobs.Beats = _BEATS) -> int:
    """Run a worker; return its exit code."""
    from importer.cli.fleet_options import parse_options
    from importer.pipeline.online import fastest_loop

    env = _environment(given)
    path = given["brands"].absolute()
    listen = _listen(given["metrics"])
    _complain_of(read_brands(path))
    with log_to_stderr(), _database_url(env, embedded=given["embedded"]) as url:
        if given["embedded"]:
            asyncio.run(set_up(url))
        what = Work(
            path,
            url,
            env | {"CLOPOS_DATABASE_URL": url},
            lambda brand: parse_options(brand, path.parent),
            slots=given["slots"],
            until_idle=given["until_idle"],
            queues=given["queues"],
            listen=listen,
            beats=beats,
        )
        with frozen(), asyncio.Runner(loop_factory=fastest_loop()) as runner:
            return runner.run(work(what))


def give_jobs(given: Mapping[str, Any]) -> int:
    """Give jobs for the brands that are named; return USAGE where one of them can't have any."""
    from importer.cli.fleet_options import parse_options

    path, names = given["brands"].absolute(), given["names"]
    if bool(names) == given["everything"]:
        raise UsageError(
            tr("No brand is named"), fix=tr("name the brands, or give --all"), code="usage"
        )
    fleet = read_brands(path)
    wanted = fleet.names if given["everything"] else _known(fleet, names)
    queues, wrong = {}, [fleet.broken[name] for name in wanted if name in fleet.broken]
    for name in wanted:
        if brand := fleet.brands.get(name):
            try:
                parse_options(brand, path.parent)
                queues[name] = brand.queue
            except UsageError as error:
                wrong.append(error)

    async def give(database: Database) -> None:
        await jobs.give(database, queues)

    if queues:
        _with_database(given, give)
        click.echo(trn("{n} job given", "{n} jobs given", len(queues)))
    for each in dict.fromkeys(wrong):
        complain(each)
    return Exit.USAGE if wrong else Exit.DONE


def stop_job(given: Mapping[str, Any]) -> int:
    """Stop the jobs of a brand."""
    name = given["name"]

    async def stop(database: Database) -> int:
        return await jobs.stop_brand(database, name)

    if not _with_database(given, stop):
        _known(read_brands(given["brands"]), [name])
        click.echo(tr("{name} has no job", name=strip_control(name)))
    return Exit.DONE


def set_paused(given: Mapping[str, Any], *, paused: bool) -> int:
    """Pause or resume the brands that are named, or all."""
    fleet = read_brands(given["brands"])
    names = _known(fleet, given["names"]) if given["names"] else fleet.names

    async def change(database: Database) -> None:
        await tables.set_paused(database, names, paused=paused)
        if not paused:
            await jobs.forward(database, names)

    _with_database(given, change)
    return Exit.DONE


def show_status(given: Mapping[str, Any]) -> int:
    """Print the status of the fleet.

    Return USAGE where brands.toml or the database needs correcting, SERVICE where no worker can
    write to the database.
    """
    fleet = read_brands(given["brands"])

    async def read(database: Database) -> tuple[Status, ImporterError | None]:
        found = await read_status(fleet, database, _BEATS.dead)
        try:
            await check_server(database.url)
        except ImporterError as error:
            return found, error
        return found, None

    found, wrong = _with_database(given, read)
    if given["as_json"]:
        show_json(found.as_dict())
    else:
        click.echo(strip_control("\n".join(status_lines(found))))
    code = _complain_of(fleet)
    if wrong:
        complain(wrong)
        return wrong.exit_code
    return code


def show_history(given: Mapping[str, Any]) -> int:
    """Print the runs of all brands that the database has."""
    env = _environment(given)
    with _database_url(env) as url:
        rows = history_rows(read_history(replace(read_settings(env), database_url=url)).runs)
    if given["as_json"]:
        show_json(rows)
    else:
        click.echo(strip_control("\n".join(history_lines(rows))))
    return Exit.DONE


def _with_database(given: Mapping[str, Any], work: Callable[[Database], Awaitable[T]]) -> T:
    """Run a coroutine with the database of the fleet; return its result."""

    async def connected(url: str) -> T:
        async with open_database(url) as database:
            await tables.check_tables(database)
            return await work(database)

    with _database_url(_environment(given)) as url:
        return asyncio.run(connected(url))


@contextlib.contextmanager
def _database_url(env: Mapping[str, str], *, embedded: bool = False) -> Iterator[str]:
    """Give the address of the database; our own is started, and stopped when it is no longer used.

    Raises UsageError where there is none.
    """
    from importer.store.embedded import embedded_postgres

    settings = read_settings(env)
    folder = state_folder(settings) / "postgres"
    if settings.database_url and not embedded:
        yield settings.database_url
    elif embedded or folder.is_dir():
        with embedded_postgres(folder) as url:
            yield url
    else:
        raise UsageError(
            tr("There is no database for the fleet"),
            fix=tr("set CLOPOS_DATABASE_URL, or start a worker with --embedded"),
        )


def _environment(given: Mapping[str, Any]) -> dict[str, str]:
    """Return the environment with what a file .env beside brands.toml adds.

    Credentials of `login` are of one restaurant; brands have their own.
    """
    return environment({**given, "file": given["brands"]}, secrets=False, kept=False)


def _known(fleet: Fleet, names: Sequence[str]) -> list[str]:
    """Return the names. Raises UsageError for one that isn't in brands.toml."""
    for name in names:
        if name not in fleet.names:
            nearest = difflib.get_close_matches(name, fleet.names, 1, 0.0)
            raise UsageError(
                tr("There is no brand {name} in brands.toml", name=name),
                fix=tr("did you mean {nearest}?", nearest=nearest[0]),
            )
    return list(names)


def _complain_of(fleet: Fleet) -> int:
    """Say what is wrong with single brands; return the exit code that goes with it."""
    for error in dict.fromkeys(fleet.broken.values()):
        complain(error)
    return Exit.USAGE if fleet.broken else Exit.DONE


def _listen(text: str | None) -> Listen | None:
    """Read `HOST:PORT` or `none`. Raises UsageError."""
    if text is None:
        return Listen()
    if text == "none":
        return None
    host, _, port = text.rpartition(":")
    if not (port.isascii() and port.isdecimal() and int(port) < 65536):
        raise UsageError(
            tr("--metrics {text} is not an address", text=text),
            fix=tr("write it like --metrics 127.0.0.1:9464, or --metrics none"),
        )
    return Listen(host.strip("[]") or "127.0.0.1", int(port), must=True)
