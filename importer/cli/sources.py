"""Sheets from elsewhere: fetched into a local file before a command reads it.

HTTP needs nothing more; what fsspec opens (s3://, sftp://, …) and SQL need the extra `[sources]`.
The file has the time at which its source was changed, where that is known: for `--min-age`.
"""

from __future__ import annotations

import base64
import contextlib
import csv
import glob
import os
import urllib.request
import warnings
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError
from urllib.parse import unquote, urlsplit, urlunsplit

from importer.errors import ImporterError, UsageError
from importer.files import atomic_write
from importer.i18n import tr
from importer.pipeline.remote_files import (
    changed_at,
    fsspec,
    open_system,
    scheme_of,
    shown,
    without_passwords,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    FetchProgress = Callable[[int, int | None], None]

NAMES = ("source", "query", "database")
"""Keys of an entry of a project file that say where its sheet comes from."""
_TIMEOUT = 60.0  # seconds without a byte
_CHUNK = 64 * 1024
_ROWS = 1000  # of a query, after which its progress is shown


@dataclass(frozen=True, slots=True)
class Source:
    """Source of a sheet: an address, or a query and its database.

    `newest`: the address is a pattern, and the newest of what matches is meant. A database that
    begins with `$` is the name of a variable of the environment.
    """

    url: str = ""
    newest: bool = False
    query: str = ""
    database: str = ""


def parse_source(facts: Mapping[str, Any], path: str, *, newest: bool) -> Source | None:
    """Return the source that an entry of a project file names by source, query and database.

    `path` is where its sheet is put. Raises ValueError, with the reason for people.
    """
    named = {name: facts[name] for name in NAMES if name in facts}
    if not named:
        return None
    if not all(isinstance(value, str) and value for value in named.values()):
        raise ValueError(tr("source, query and database are texts"))
    if glob.has_magic(path):
        raise ValueError(tr("path is the name of one file, in which the fetched list is kept"))
    if ("source" in named) == ("query" in named) or ("query" in named) != ("database" in named):
        raise ValueError(tr("it has either a source, or a query and its database"))
    if "source" in named and "://" not in named["source"]:
        raise ValueError(
            tr("source is an address, e.g. s3://bucket/list.csv; a file of this machine is a path")
        )
    if newest and not glob.has_magic(named.get("source", "")):
        raise ValueError(tr("newest is for a source with a *"))
    return Source(
        named.get("source", ""), newest, named.get("query", ""), named.get("database", "")
    )


def fetch(
    source: Source,
    path: Path,
    env: Mapping[str, str] = os.environ,
    *,
    progress: FetchProgress | None = None,
) -> None:
    """Put what a source has into a file, in one step; an earlier file stays where that fails.

    `progress` is given the bytes that came and those that are to come (None: not known); what it
    raises ends the fetch.

    Raises UsageError where it can't be reached, found or read; ServiceError where the file can't
    be written.
    """
    progress = progress or _no_progress
    with atomic_write(path, 0o600) as part:
        try:
            with warnings.catch_warnings(action="ignore"):  # of other people's libraries
                if source.query:
                    _fetch_rows(source, part, env, progress)
                elif scheme_of(source.url) in {"http", "https"}:
                    _fetch_http(source.url, part, progress)
                else:
                    _fetch_file(source, part, progress)
        except ImporterError:
            raise
        except ImportError as error:
            raise _failed(
                source,
                str(error)[:200],
                tr('install it: pip install "clopos-import[sources]", and what the error names'),
            ) from None
        except HTTPError as error:
            error.close()  # it is the response, and holds its connection
            raise _failed(source, tr("answer {status}", status=error.code)) from None
        except Exception as error:  # noqa: BLE001 - libraries raise what they like
            address = source.url or _database(source, env)
            raise _failed(source, without_passwords(_why(error), address), _fix(error)) from None


def _no_progress(_done: int, _of: int | None) -> None:
    """Show no progress of a fetch."""


def _fetch_http(url: str, part: Path, progress: FetchProgress) -> None:
    parts = urlsplit(url)
    bare = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
    request = urllib.request.Request(bare, headers={"User-Agent": "clopos-import"})  # noqa: S310
    if parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
        # Not for another host to which the answer may lead.
        request.add_unredirected_header(
            "Authorization", f"Basic {base64.b64encode(pair).decode('ascii')}"
        )
    with (
        urllib.request.urlopen(request, timeout=_TIMEOUT) as answer,  # noqa: S310
        part.open("wb") as file,
    ):
        stated = answer.headers.get("Content-Length")
        of = int(stated) if stated and stated.isdecimal() else None
        while chunk := answer.read(_CHUNK):
            file.write(chunk)
            progress(file.tell(), of)
        if of is not None:
            _check_whole(url, file.tell(), of)
        changed = answer.headers.get("Last-Modified")
    with contextlib.suppress(ValueError):  # it isn't said, or not as a date
        _set_time(part, parsedate_to_datetime(changed or "").timestamp())


def _fetch_file(source: Source, part: Path, progress: FetchProgress) -> None:
    def report(size: int, value: int, **_: Any) -> None:
        progress(value, size or None)

    system, name = open_system(source.url)
    if source.newest:
        found = {each: system.info(each) for each in system.glob(name)}
        if not found:
            raise FileNotFoundError(tr("no file matches"))
        name = max(found, key=lambda each: (changed_at(found[each]), each))
    system.get_file(
        name, str(part), callback=fsspec().callbacks.Callback(hooks={"progress": report})
    )
    facts = system.info(name)  # afterwards: one that has grown meanwhile didn't come whole
    if (size := facts.get("size")) is not None:
        _check_whole(source.url, part.stat().st_size, size)
    if changed := changed_at(facts):
        _set_time(part, changed)


def _set_time(part: Path, changed: float) -> None:
    os.utime(part, (changed, changed))


def _check_whole(url: str, came: int, stated: int) -> None:
    if came != stated:
        raise UsageError(
            tr("{url} was cut off", url=shown(url)),
            why=tr("{n} of {all} bytes came", n=came, all=stated),
            fix=tr("run the command again"),
            code="source",
        )


def _fetch_rows(
    source: Source, part: Path, env: Mapping[str, str], progress: FetchProgress
) -> None:
    import sqlalchemy  # noqa: PLC0415 - an extra

    address = _database(source, env)
    if not address:
        raise UsageError(
            tr("{name} is not set", name=source.database),
            why=tr("the project file names it as the address of a database"),
            fix=tr("set it to an address, e.g. postgresql://user@host/name"),
            code="source",
        )
    engine = sqlalchemy.create_engine(address)
    try:
        with engine.connect() as connection:
            rows = connection.execute(sqlalchemy.text(source.query))
            with part.open("w", encoding="utf-8", newline="") as file:
                writer = csv.writer(file, quoting=csv.QUOTE_ALL)
                writer.writerow(rows.keys())
                for n, row in enumerate(rows):
                    writer.writerow(_texts(row))
                    if n % _ROWS == 0:
                        progress(file.tell(), None)
    finally:
        engine.dispose()


def _database(source: Source, env: Mapping[str, str]) -> str:
    named = source.database
    return env.get(named[1:], "") if named.startswith("$") else named


def _texts(row: Iterable[Any]) -> list[str]:
    return ["" if value is None else str(value) for value in row]


def _failed(source: Source, why: str, fix: str | None = None) -> UsageError:
    name = tr("the query") if source.query else shown(source.url)
    return UsageError(
        tr("{source} can't be fetched; nothing was sent", source=name),
        why=why,
        fix=fix or tr("check that it is there and that these credentials may read it"),
        code="source",
    )


def _why(error: Exception) -> str:
    """Return why in a few words: messages of databases may hold addresses and values."""
    if isinstance(error, OSError):
        reason = getattr(error, "reason", None)
        return str(error.strerror or getattr(reason, "strerror", None) or reason or error)[:200]
    cause = getattr(error, "orig", None) or error
    return (
        f"{type(cause).__name__}: {str(cause).splitlines()[0][:160]}"
        if str(cause)
        else type(cause).__name__
    )


def _fix(error: Exception) -> str | None:
    reason = getattr(error, "reason", error)
    if isinstance(error, PermissionError):
        return tr("check the user and the password or key, and their right to read it")
    if isinstance(reason, ConnectionError | TimeoutError) or "Connect" in type(error).__name__:
        return tr("check that its server is up and can be reached; then run the command again")
    return None
