"""Sheets at addresses are fetched before a command reads them, or there is a clear error."""

from __future__ import annotations

import json
import sqlite3
import threading
from base64 import b64encode
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import fsspec
import pytest

from importer.cli.main import run_command
from importer.cli.sources import Source, fetch
from importer.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SHEET = b"Name,Phone\nAnar Demo,0500000001\n"


@contextmanager
def web(
    body: bytes,
    *,
    stated: int | None = None,
    status: int = 200,
    seen: list[str | None] | None = None,
    headers: dict[str, str] | None = None,
) -> Iterator[str]:
    """Run a web server with one response; `seen` collects the credentials of requests."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if seen is not None:
                seen.append(self.headers["Authorization"])
            self.send_response(status)
            self.send_header("Content-Length", str(len(body) if stated is None else stated))
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/list.csv?key=hidden"
        finally:
            server.shutdown()
            thread.join()


def project(folder: Path, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    path = folder / "clopos.toml"
    path.write_text(text, "utf-8")
    path.chmod(0o600)


def checked(capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, Any]]:
    capsys.readouterr()
    code = run_command(["check", "--json", "--quiet"])
    return code, json.loads(capsys.readouterr().out)


def test_sheet_of_a_web_address_is_fetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with web(SHEET) as url:
        project(tmp_path, f'[[sheets]]\npath = "list.csv"\nsource = "{url}"', monkeypatch)
        code, facts = checked(capsys)
    assert (code, facts["ready"]) == (0, 1)
    assert (tmp_path / "list.csv").read_bytes() == SHEET


@pytest.mark.parametrize(
    ("status", "stated", "why"), [(404, None, "answer 404"), (200, 999, "bytes came")]
)
def test_incomplete_download_leaves_the_earlier_sheet(
    status: int,
    stated: int | None,
    why: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "list.csv").write_bytes(b"earlier")
    with web(SHEET, stated=stated, status=status) as url:
        project(tmp_path, f'[[sheets]]\npath = "list.csv"\nsource = "{url}"', monkeypatch)
        code, facts = checked(capsys)
    assert code == 2
    assert why in str(facts["error"])
    assert "hidden" not in str(facts["error"])
    assert (tmp_path / "list.csv").read_bytes() == b"earlier"


def test_user_and_password_of_a_web_address_are_sent_to_its_host_alone(tmp_path: Path) -> None:
    first: list[str | None] = []
    second: list[str | None] = []
    with web(SHEET, seen=second) as target:
        there = {"Location": target.replace("127.0.0.1", "localhost")}
        with web(b"", seen=first, status=302, headers=there) as url:
            source = url.replace("//", "//pos:hid%2Fden@").replace("hidden", "x")
            fetch(Source(source), tmp_path / "list.csv")
    assert first == ["Basic " + b64encode(b"pos:hid/den").decode()]
    assert second == [None]
    assert (tmp_path / "list.csv").read_bytes() == SHEET


@pytest.mark.parametrize("changed", ["Thu, 01 Oct 2026 00:00:00 GMT", "yesterday", ""])
def test_fetched_sheet_has_the_time_of_its_last_change(
    changed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without one from the server it is the time of the download, which `--min-age` refuses."""
    with web(SHEET, headers={"Last-Modified": changed}) as url:
        text = f'[[sheets]]\npath = "list.csv"\nsource = "{url}"\n[options]\nmin-age = 60'
        project(tmp_path, text, monkeypatch)
        code = run_command(["run", "--sandbox", "--yes", "--quiet", "--rate", "none"])
    assert code == (0 if changed.endswith("GMT") else 2)
    assert ((tmp_path / "list.csv").stat().st_mtime == 1_790_812_800) == (code == 0)


def test_newest_file_of_a_pattern_is_fetched(tmp_path: Path) -> None:
    memory = fsspec.filesystem("memory")
    for name, body in (("b", b"old"), ("a", SHEET)):
        memory.pipe(f"/drop/{name}.csv", body)
    fetch(Source("memory://drop/*.csv", newest=True), tmp_path / "list.csv")
    assert (tmp_path / "list.csv").read_bytes() == SHEET


def test_address_with_a_bracket_is_a_pattern_only_with_newest(tmp_path: Path) -> None:
    memory = fsspec.filesystem("memory")
    memory.pipe("/one/list[1].csv", SHEET)
    memory.pipe("/one/list1.csv", b"another")
    fetch(Source("memory://one/list[1].csv"), tmp_path / "list.csv")
    assert (tmp_path / "list.csv").read_bytes() == SHEET


def test_texts_in_rows_of_a_query_are_unchanged(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "pos.db") as db:
        db.execute("CREATE TABLE clients (name TEXT, phone TEXT, code TEXT, visits INTEGER)")
        rows = [("Ələkbər Demo", "0500000001", "007", 3), ("Lale, Demo", None, None, None)]
        db.executemany("INSERT INTO clients VALUES (?, ?, ?, ?)", rows)
    db.close()
    query = 'SELECT name AS "Name", phone AS "Phone", code AS "Code", visits FROM clients'
    source = Source(query=query, database="$POS")
    fetch(source, tmp_path / "list.csv", {"POS": f"sqlite:///{tmp_path}/pos.db"})
    assert (tmp_path / "list.csv").read_text("utf-8").splitlines() == [
        '"Name","Phone","Code","visits"',
        '"Ələkbər Demo","0500000001","007","3"',
        '"Lale, Demo","","",""',
    ]


@pytest.mark.parametrize(
    ("source", "why"),
    [
        (Source("memory://nothing/x.csv"), "fetched"),
        (Source("memory://nothing/*.csv", newest=True), "no file matches"),
        (Source("nonsense://x/y"), "write it like"),
        (Source("htps://x/y"), "did you mean https://"),
        (Source("http://pos:hidden@127.0.0.1:9/x.csv"), "its server is up"),
        (Source("http://pos:hid/hidden@127.0.0.1/x.csv"), "fetched"),
        (Source("zip://a.csv::http://pos:hidden@127.0.0.1:9/x.zip"), "127.0.0.1:9/x.zip"),
        (Source("http://127.0.0.1:9/x.csv"), "refused"),
        (Source(query="SELECT 1", database="$NONE"), "not set"),
        (Source(query="SELECT 1", database="nonsense"), "fetched"),
        (Source(query="SELECT 1", database="nonsense://u:hidden@h/x"), "load plugin"),
        (Source(query="SELECT 1", database="postgresql://u:hid@hidden@127.0.0.1:9/x"), "fetched"),
        (Source(query="SELECT * FROM none", database="sqlite://"), "no such table"),
    ],
)
def test_source_that_cannot_be_used_is_an_error_without_secrets(
    source: Source, why: str, tmp_path: Path
) -> None:
    with pytest.raises(UsageError) as told:
        fetch(source, tmp_path / "list.csv", {})
    text = f"{told.value.what} {told.value.why} {told.value.fix}"
    assert why in text
    assert "hidden" not in text
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        ('path = "*.csv"\nsource = "https://x/y"', "the name of one file"),
        ('path = "a.csv"\nquery = "SELECT 1"', "database"),
        ('path = "a.csv"\nsource = "https://x/y"\nquery = "SELECT 1"\ndatabase = "x"', "either"),
        ('path = "a.csv"\nsource = 5', "text"),
        ('path = "a.csv"\nsource = "s3:/x/y.csv"', "an address"),
    ],
)
def test_wrong_source_in_a_project_is_an_error(
    entry: str,
    why: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    project(tmp_path, f"[[sheets]]\n{entry}", monkeypatch)
    code, facts = checked(capsys)
    assert code == 2
    assert why in str(facts["error"])
