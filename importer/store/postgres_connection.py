"""Connections to PostgreSQL, and what its errors mean."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Final

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from importer.errors import ServiceError, UsageError
from importer.i18n import tr

if TYPE_CHECKING:
    from collections.abc import Iterator

    from importer.errors import ImporterError

    Connection = psycopg.Connection[Any]

AWAY_FOR = 600.0  # seconds that a database may be away before a run ends for it

# A connection that was cut, or a server that sleeps, is noticed within half a minute.
_DEFAULTS: Final[dict[str, str | int | None]] = {
    "application_name": "clopos-import",
    "connect_timeout": 10,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
}
# A commit that isn't on disk would let a row be sent twice, whatever the server's default is.
_SESSION: Final = "SET search_path = clopos; SET synchronous_commit = on"
_LIMITED: Final = "SET statement_timeout = '30s'"

# Beginnings of error codes that are temporary, or need an action at the database.
_PASSING = (
    "08",  # the connection
    "40",  # two transactions in each other's way
    "53",  # no room: disk, memory, connections
    "57P",  # shut down, or not yet started
    "57014",  # took too long
    "55P03",  # waited too long for a lock
    "25006",  # read-only: a standby that is about to take over
)


class Connections:
    """Connections to one database, opened when they are needed and used again; for threads.

    `limited`: each statement may take half a minute.
    """

    def __init__(self, url: str, *, limited: bool = False) -> None:
        self._url = url
        self._limited = limited
        self._free: list[Connection] = []

    @contextlib.contextmanager
    def use(self) -> Iterator[Connection]:
        """Give a connection to the caller alone. After an error it is closed. Raises psycopg.Error.

        One that was cut meanwhile says so at its next statement.
        """
        try:
            db = self._free.pop()
        except IndexError:
            db = connect(self._url, limited=self._limited)
        try:
            yield db
        except BaseException:
            db.close()
            self.close()  # after a restart of the server all are broken
            raise
        self._free.append(db)

    def close(self) -> None:
        """Close the connections that aren't in use."""
        while self._free:
            self._free.pop().close()


def connect(url: str, *, limited: bool = False) -> Connection:
    """Open a connection, in autocommit. `limited`: each statement may take half a minute.

    Raises UsageError for an invalid URL, psycopg.Error.
    """
    db = psycopg.connect(conninfo(url), autocommit=True)
    try:
        db.execute(_SESSION)
        if limited:
            db.execute(_LIMITED)
    except BaseException:
        db.close()
        raise
    return db


def name_of(url: str) -> str:
    """Return how a database is called in messages: host and name, no user and no password."""
    given = conninfo_to_dict(conninfo(url))
    port = given.get("port")
    host = f"{given.get('host') or 'localhost'}{f':{port}' if port else ''}"
    return f"{host}/{given.get('dbname') or given.get('user') or ''}"


def is_passing(error: Exception) -> bool:
    """Return whether the same statement may succeed later."""
    if not isinstance(error, psycopg.Error):
        return False
    code = error.sqlstate
    if code is None:  # libpq's own: no connection, or none any more
        return isinstance(error, psycopg.OperationalError)
    return code.startswith(_PASSING)


def unusable(url: str, error: Exception) -> ImporterError:
    """Return what is raised for an error of the database, or of values that it can't keep."""
    code = (isinstance(error, psycopg.Error) and error.sqlstate) or ""
    why = " ".join(str(error).split())[:300] or type(error).__name__
    name = name_of(url)
    if code.startswith("28") or "authentication failed" in why:
        return UsageError(
            tr("The database refuses these credentials: {name}", name=name),
            why=why,
            fix=tr("correct user and password in CLOPOS_DATABASE_URL"),
            code="database_credentials",
        )
    if code == "25006":
        return only_read(name, why)
    if code in {"42501", "3F000"}:
        return UsageError(
            tr("The database doesn't let us make or use our tables: {name}", name=name),
            why=why,
            fix=tr("grant the user of CLOPOS_DATABASE_URL CREATE on the database"),
            code="database_rights",
        )
    if is_passing(error):
        return ServiceError(
            tr("The database can't be reached: {name}", name=name),
            why=why,
            fix=tr("nothing is sent that can't be recorded: start the database, then run it again"),
            code="database_away",
        )  # fmt: skip
    return ServiceError(
        tr("The database can't be used: {name}", name=name),
        why=why,
        fix=tr("see its log; if its tables were changed by hand, restore them from a backup"),
        code="database",
    )


def conninfo(url: str) -> str:
    """Return what libpq takes for a URL, with our defaults. Raises UsageError for an invalid one.

    Without the reason: libpq's own quotes the URL, password and all.
    """
    wrong = UsageError(
        tr("CLOPOS_DATABASE_URL is not an address of PostgreSQL"),
        fix=tr("write it like postgresql://user:password@host/name"),
    )
    if not url.startswith(("postgresql://", "postgres://")):
        raise wrong
    try:
        given = conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        raise wrong from None
    return make_conninfo("", **(_DEFAULTS | given))


def only_read(name: str, why: str | None = None) -> ServiceError:
    """Return the error for a database that takes no changes; `name` as `name_of` has it."""
    return ServiceError(
        tr("The database can only be read: {name}", name=name),
        why=why,
        fix=tr("let CLOPOS_DATABASE_URL name the primary server, not a standby"),
        code="database_read_only",
    )
