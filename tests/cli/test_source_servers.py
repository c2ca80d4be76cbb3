"""Sheets fetched from real servers: S3, SFTP and PostgreSQL."""

from __future__ import annotations

import asyncio
import os
import tempfile
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncssh
import psycopg
import pytest
import s3fs
from moto.core.authorization import enable_iam_authentication

from importer.cli.sources import Source, fetch
from importer.errors import UsageError
from importer.store.embedded import embedded_postgres
from tests.s3 import serving_s3, set_s3_variables

if TYPE_CHECKING:
    from collections.abc import Iterator

OLD = b"Name,Phone\nAnar Demo,0500000009\n"
SHEET = b"Name,Phone\nAnar Demo,0500000001\n"


def fetch_error(source: Source, folder: Path, env: dict[str, str] | None = None) -> str:
    """Fetch a source that fails; return the parts of the error. Checks that no file changed."""
    (folder / "list.csv").write_bytes(b"earlier")
    with pytest.raises(UsageError) as found:
        fetch(source, folder / "list.csv", env or {})
    assert [each.name for each in folder.iterdir() if each.is_file()] == ["list.csv"]
    assert (folder / "list.csv").read_bytes() == b"earlier"
    parts = (found.value.what, found.value.why, found.value.fix)
    assert all(parts)
    text = " | ".join(map(str, parts))
    assert "hidden" not in text
    return text


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    """Run an S3 server with a bucket; give its address."""
    with serving_s3() as url:
        yield url


@pytest.fixture
def bucket(s3: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Make the bucket of a POS, and set the variables of its user."""
    system = set_s3_variables(s3, monkeypatch)
    if not system.exists("pos"):
        system.mkdir("pos")
        system.pipe({"pos/drop/a-2.csv": OLD, "pos/drop/a-10.csv": SHEET, "pos/other.csv": OLD})
    return system


def test_object_of_s3_is_fetched_with_its_time(bucket: Any, tmp_path: Path) -> None:
    fetch(Source("s3://pos/drop/a-10.csv"), tmp_path / "list.csv")
    assert (tmp_path / "list.csv").read_bytes() == SHEET
    changed = bucket.info("pos/drop/a-10.csv")["LastModified"].timestamp()
    assert (tmp_path / "list.csv").stat().st_mtime == changed


@pytest.mark.slow(reason="times at S3 are whole seconds")
def test_newest_object_of_a_pattern_is_fetched(bucket: Any, tmp_path: Path) -> None:
    first = bucket.info("pos/drop/a-2.csv")["LastModified"]
    newest = first
    while newest <= first:
        bucket.pipe("pos/drop/a-1.csv", b"newest")
        newest = bucket.info("pos/drop/a-1.csv", refresh=True)["LastModified"]
    fetch(Source("s3://pos/drop/*.csv", newest=True), tmp_path / "list.csv")
    assert (tmp_path / "list.csv").read_bytes() == b"newest"


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("s3://pos/none.csv", "not exist"),
        ("s3://none/list.csv", "not exist"),
        ("s3://pos/drop", "not exist"),
        ("s3://pos/none-*.csv", "no file matches"),
        ("s4://pos/other.csv", "addresses with s4:// aren't supported | did you mean s3://"),
    ],
)
@pytest.mark.usefixtures("bucket")
def test_missing_object_is_an_error(url: str, why: str, tmp_path: Path) -> None:
    assert why in fetch_error(Source(url, newest="*" in url), tmp_path)


@pytest.mark.usefixtures("bucket")
def test_keys_that_s3_refuses_are_an_error(tmp_path: Path) -> None:
    s3fs.S3FileSystem.clear_instance_cache()
    with enable_iam_authentication():
        told = fetch_error(Source("s3://pos/other.csv"), tmp_path)
    assert "Access Key Id you provided does not exist" in told
    assert "the user and the password or key" in told


@pytest.mark.usefixtures("bucket")
def test_s3_without_keys_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    s3fs.S3FileSystem.clear_instance_cache()
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    assert "Unable to locate credentials" in fetch_error(Source("s3://pos/other.csv"), tmp_path)


@pytest.mark.slow(reason="it is tried several times")
@pytest.mark.usefixtures("bucket")
def test_unreachable_s3_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    s3fs.S3FileSystem.clear_instance_cache()
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    assert "check that its server is up" in fetch_error(Source("s3://pos/other.csv"), tmp_path)


class Accounts(asyncssh.SSHServer):  # type: ignore[misc]
    """An SSH server that lets one user in, by password."""

    def __init__(self, connections: list[Any]) -> None:
        self._connections = connections

    def connection_made(self, conn: Any) -> None:
        self._connections.append(conn)

    def password_auth_supported(self) -> bool:
        return True

    def begin_auth(self, username: str) -> bool:
        return bool(username)

    def validate_password(self, username: str, password: str) -> bool:
        return (username, password) == ("pos", "hidden")


class Cutting(asyncssh.SFTPServer):  # type: ignore[misc]
    """An SFTP server on which a file grows, or shrinks, while it is read."""

    def read(self, file_obj: Any, offset: int, size: int) -> Any:
        if file_obj.name.endswith(b"growing.csv"):
            return super().read(file_obj, offset, size)[:-5] if offset == 0 else b""
        return super().read(file_obj, offset, size)


@contextmanager
def sftp(root: Path, key: asyncssh.SSHKey) -> Iterator[int]:
    """Run an SFTP server in a thread; give its port."""
    connections: list[Any] = []
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    async def start() -> Any:
        return await asyncssh.create_server(
            lambda: Accounts(connections),
            "127.0.0.1",
            0,
            server_host_keys=[key],
            sftp_factory=lambda channel: Cutting(channel, chroot=str(root)),
        )

    async def stop() -> None:
        server.close()
        for connection in connections:  # connections that the client keeps open
            connection.abort()
        await asyncio.sleep(0)  # closed once their sockets are
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    server = asyncio.run_coroutine_threadsafe(start(), loop).result(10)
    try:
        yield server.get_port()
        asyncio.run_coroutine_threadsafe(stop(), loop).result(10)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@pytest.fixture
def drop(tmp_path: Path) -> Iterator[str]:
    """Run an SFTP server whose key this user trusts; give the address of its drop folder."""
    root, home = tmp_path / "root", tmp_path / "home"
    (root / "drop").mkdir(parents=True)
    for place, (name, body) in enumerate({"b": OLD, "a": SHEET, "growing": SHEET}.items()):
        (root / "drop" / f"{name}.csv").write_bytes(body)
        os.utime(root / "drop" / f"{name}.csv", (1000 * place, 1000 * place))
    key = asyncssh.generate_private_key("ssh-ed25519")
    with sftp(root, key) as port:
        (home / ".ssh").mkdir(parents=True)
        line = f"[127.0.0.1]:{port} ".encode() + key.export_public_key()
        (home / ".ssh" / "known_hosts").write_bytes(line)
        yield f"sftp://pos:hidden@127.0.0.1:{port}/drop"


def test_file_of_an_sftp_server_is_fetched_with_its_time(drop: str, tmp_path: Path) -> None:
    fetch(Source(f"{drop}/a.csv"), tmp_path / "list.csv")
    assert (tmp_path / "list.csv").read_bytes() == SHEET
    assert (tmp_path / "list.csv").stat().st_mtime == 1000


def test_newest_file_of_an_sftp_server_is_fetched(drop: str, tmp_path: Path) -> None:
    fetch(Source(f"{drop}/[ab].csv", newest=True), tmp_path / "list.csv")
    assert (tmp_path / "list.csv").read_bytes() == SHEET


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("a.csv", "none.csv", "No such file"),
        ("a.csv", "", "directory"),
        ("a.csv", "growing.csv", "27 of 32 bytes came"),
        (":hidden", ":other-hidden", "Permission denied"),
        (":hidden", ":hid/den@hidden", "check that it"),
        (":hidden", "", "Permission denied"),
        ("sftp:", "sfpt:", "did you mean sftp://"),
    ],
)
def test_failed_download_from_an_sftp_server_is_an_error(
    old: str, new: str, why: str, drop: str, tmp_path: Path
) -> None:
    assert why in fetch_error(Source(f"{drop}/a.csv".replace(old, new)), tmp_path)


def test_unreachable_sftp_server_is_an_error(tmp_path: Path) -> None:
    told = fetch_error(Source("sftp://pos:hidden@127.0.0.1:9/a.csv"), tmp_path)
    assert "check that its server is up" in told


def test_unknown_sftp_host_gets_no_password(drop: str, tmp_path: Path) -> None:
    (tmp_path / "home" / ".ssh" / "known_hosts").write_text("")
    told = fetch_error(Source(f"{drop}/a.csv"), tmp_path)
    assert "Host key is not trusted" in told
    assert "known_hosts" in told


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    """Run a PostgreSQL with the table of a POS."""
    place = tempfile.TemporaryDirectory(prefix="sources-", ignore_cleanup_errors=True)
    with place as folder, embedded_postgres(Path(folder) / "postgres") as url:
        with psycopg.connect(url) as db:
            db.execute("CREATE TABLE clients (name text, phone text, born date, spent numeric)")
            db.execute(
                "INSERT INTO clients VALUES ('Ələkbər Demo', '0500000001', '1990-03-25', 12.50),"
                " ('Lale, Demo', NULL, NULL, NULL)"
            )
        yield url


@pytest.mark.slow(reason="a PostgreSQL is started")
def test_texts_in_rows_of_postgresql_are_unchanged(postgres: str, tmp_path: Path) -> None:
    query = 'SELECT name AS "Name", phone AS "Phone", born AS "Born", spent FROM clients'
    fetch(Source(query=query, database="$POS"), tmp_path / "list.csv", {"POS": postgres})
    assert (tmp_path / "list.csv").read_text("utf-8").splitlines() == [
        '"Name","Phone","Born","spent"',
        '"Ələkbər Demo","0500000001","1990-03-25","12.50"',
        '"Lale, Demo","","",""',
    ]


@pytest.mark.slow(reason="a PostgreSQL is started")
@pytest.mark.parametrize(
    ("query", "old", "new", "why"),
    [
        ("SELECT name FROM client", "", "", 'relation "client" does not exist'),
        ("SELEC name FROM clients", "", "", "syntax error"),
        ("DELETE FROM clients", "", "", "does not return rows"),
        ("SELECT name FROM clients", "//postgres:", "//nobody:hidden", '"nobody" does not exist'),
        ("SELECT name FROM clients", "/postgres?", "/none?", '"none" does not exist'),
        ("SELECT name FROM clients", "host=", "host=/none", "check that it"),
        ("SELECT name FROM clients", "postgresql:", "postgresq:", "postgresq"),
    ],
)
def test_failed_query_of_postgresql_is_an_error(
    query: str, old: str, new: str, why: str, postgres: str, tmp_path: Path
) -> None:
    address = postgres.replace(old, new, 1)
    assert why in fetch_error(Source(query=query, database="$POS"), tmp_path, {"POS": address})
    with psycopg.connect(postgres) as db:
        assert db.execute("SELECT count(*) FROM clients").fetchone() == (2,)
