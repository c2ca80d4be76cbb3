"""A PostgreSQL for all tests of this folder, a database for each."""

from __future__ import annotations

import itertools
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest

from importer.store.embedded import embedded_postgres
from tests.fleet.lab import Lab, new_lab

if TYPE_CHECKING:
    from collections.abc import Iterator

_numbers = itertools.count()


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """Run a PostgreSQL; give the URL of its default database."""
    # Not below pytest's folder: for root it runs as another user, and each new session of pytest
    # removes the right to enter that folder.
    place = tempfile.TemporaryDirectory(prefix="fleet-", ignore_cleanup_errors=True)
    with place as folder, embedded_postgres(Path(folder) / "postgres") as url:
        yield url


@pytest.fixture
def url(server: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Make an empty database and set CLOPOS_DATABASE_URL to it; give its URL."""
    name = f"fleet_{next(_numbers)}"
    with psycopg.connect(server, autocommit=True) as db:
        db.execute(f"CREATE DATABASE {name}".encode())
    url = server.replace("/postgres?", f"/{name}?")
    monkeypatch.setenv("CLOPOS_DATABASE_URL", url)
    return url


@pytest.fixture
def lab(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:
    """Run a sandbox, and a fleet without brands in the working folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CLOPOS_STATE_DIR", str(tmp_path / "state"))
    with new_lab(tmp_path, url) as lab:
        assert lab.fleet("init") == 0
        yield lab
