"""Sheets of a project file on the first page: fetched, in another folder, the newest of several."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import sqlite3
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from importer.cli.main import run_command
from importer.cli.project_reader import project_reader
from importer.environment import PROJECT_FILE
from tests.cli.test_sources import web
from tests.ui.conftest import real_time, serving, words_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.ui.conftest import Browser

PEOPLE = b"Name,Phone\nAnar Demo,0500000001\nLeyla Demo,0500000002\nBad Demo,12\n"


@pytest.fixture
def project_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder that is also the working folder: only there a found file may fetch sheets."""
    monkeypatch.chdir(folder)
    monkeypatch.setenv("CLOPOS_STATE_DIR", str(folder.parent / "state"))
    return folder


def project(folder: Path, text: str) -> None:
    path = folder / PROJECT_FILE
    path.write_text(text, "utf-8")
    path.chmod(0o600)


def address(name: str, page: str) -> str:
    return f"sheets/{quote(name, safe='')}/{page}"


async def fetched(browser: Browser, name: str) -> str:
    """Fetch a sheet; return the page after that."""
    there = await browser.post(address(name, "fetch"), {})
    await until(browser, name, "done", "stopped", "paused")
    return await browser.get(there)


async def until(browser: Browser, name: str, *states: str) -> dict[str, str]:
    """Wait for one of these states of a fetch; return its texts."""
    for _ in range(1200):
        _, state = await browser.ask(f"state?kind=fetch&sheet={quote(name, safe='')}")
        if state["key"].endswith(states):
            found: dict[str, str] = state["text"]
            return found
        await asyncio.sleep(0.05)
    raise AssertionError(state)


async def ready(capsys: pytest.CaptureFixture[str]) -> Any:
    """Return the number of ready rows in `check` of the project."""
    capsys.readouterr()
    await asyncio.to_thread(run_command, ["check", "--json"])
    return json.loads(capsys.readouterr().out)["ready"]


@real_time
async def test_sheet_at_an_address_is_fetched_and_counted_as_by_check(
    project_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (project_folder / "in").mkdir()
    with web(PEOPLE) as url:
        text = f'[[sheets]]\npath = "in/today.csv"\nsource = "{url}"\ndrop-bad-values = true\n'
        project(project_folder, text)
        async with serving(project_folder) as browser:
            page = words_of(await browser.get(""))
            assert "in/today.csv from http://127.0.0.1" in page
            assert "hidden" not in page
            assert "not fetched yet Fetch and open" in page
            await browser.get(address("in/today.csv", "columns"), status=404)
            page = await fetched(browser, "in/today.csv")
            assert "Which column is what?" in page, "what came is opened"
            page = words_of(await browser.get(address("in/today.csv", "customers")))
            assert "3 customers as Clopos" in page
            assert await ready(capsys) == 3
            assert "3 rows" in words_of(await browser.get(""))


@real_time
async def test_failed_fetch_shows_its_reason_and_keeps_the_earlier_sheet(
    project_folder: Path,
) -> None:
    (project_folder / "today.csv").write_bytes(PEOPLE)
    with web(b"", status=404) as url:
        project(project_folder, f'[[sheets]]\npath = "today.csv"\nsource = "{url}"\n')
        async with serving(project_folder) as browser:
            page = words_of(await fetched(browser, "today.csv"))
            assert "answer 404" in page
            assert "Fetch and open" in page
            assert "today.csv" in words_of(await browser.get(address("today.csv", "columns")))
            await browser.post(address("customers.csv", "fetch"), {}, status=404)
            await browser.post(address("other.csv", "fetch"), {}, status=404)
    assert (project_folder / "today.csv").read_bytes() == PEOPLE


@real_time
async def test_rows_of_a_query_are_fetched(project_folder: Path) -> None:
    with sqlite3.connect(project_folder / "pos.db") as db:
        db.execute("CREATE TABLE clients (name TEXT, phone TEXT)")
        db.execute("INSERT INTO clients VALUES ('Anar Demo', '0500000001')")
    db.close()
    text = '[[sheets]]\npath = "pos.csv"\nquery = "SELECT name, phone FROM clients"\n'
    project(project_folder, text + 'database = "sqlite:///pos.db"\n')
    async with serving(project_folder) as browser:
        page = words_of(await browser.get(""))
        assert "pos.csv from the query" in page
        assert "sqlite" not in page
        await fetched(browser, "pos.csv")
        page = words_of(await browser.get(address("pos.csv", "customers")))
        assert "1 customer as Clopos" in page


@real_time
async def test_newest_sheet_of_another_folder_is_opened_with_its_options(
    project_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    exports = project_folder / "exports"
    exports.mkdir()
    for day, text in enumerate((b"Name,Phone\nOld Demo,0500000001\n", PEOPLE), start=1):
        (exports / f"day-{day}.csv").write_bytes(text)
        os.utime(exports / f"day-{day}.csv", (day * 1e6, day * 1e6))
    project(
        project_folder,
        '[[sheets]]\npath = "exports/day-*.csv"\nnewest = true\nresults = "done.csv"\n'
        "drop-bad-values = true\n"
        '[[sheets]]\npath = "later/*.csv"\nnewest = true\n',
    )
    async with serving(project_folder) as browser:
        page = words_of(await browser.get(""))
        assert "exports/day-2.csv the newest of day-*.csv" in page
        assert "day-1.csv" not in page
        assert "later/*.csv" in page
        assert "no file matches" in page
        page = words_of(await browser.get(address("exports/day-2.csv", "customers")))
        assert "3 customers as Clopos" in page
        await browser.get(address("exports/day-1.csv", "columns"), status=404)
        await browser.get(address("../lists/customers.csv", "columns"), status=404)
        capsys.readouterr()
        flags = ["--json", "--results", str(project_folder.parent / "out.csv")]
        await asyncio.to_thread(run_command, ["check", "exports/day-2.csv", *flags])
        assert json.loads(capsys.readouterr().out)["ready"] == 3


@real_time
async def test_project_file_outside_the_working_folder_fetches_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder.parent)
    seen: list[str | None] = []
    with web(PEOPLE, seen=seen) as url:
        project(folder, f'[[sheets]]\npath = "today.csv"\nsource = "{url}"\n')
        async with serving(folder) as browser:
            page = words_of(await browser.get(""))
            assert "a file that came with a sheet may not do that" in page
            await browser.post(address("today.csv", "fetch"), {}, status=400)
    assert seen == []


def test_options_of_unattended_runs_are_not_named(project_folder: Path) -> None:
    text = '[options]\nping = "https://example.com/p"\nmove-to = "done"\nregion = "AZ"\n'
    project(project_folder, text)
    assert project_reader().options(project_folder / "customers.csv").names == ("region",)


@contextlib.contextmanager
def slow_web(first: bytes, rest: bytes, *, stated: bool) -> Iterator[tuple[str, threading.Event]]:
    """Run a web server that sends the rest of its answer once the event is set."""
    go_on = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            if stated:
                self.send_header("Content-Length", str(len(first + rest)))
            self.end_headers()
            self.wfile.write(first)
            go_on.wait(60)
            with contextlib.suppress(OSError):  # the page stopped the fetch
                self.wfile.write(rest)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/list.csv", go_on
    finally:
        go_on.set()
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize("stated", [True, False])
@real_time
async def test_fetch_shows_its_progress_and_can_be_stopped(
    project_folder: Path, *, stated: bool
) -> None:
    rest = b"Bad Demo,12\n" * 30_000
    with slow_web(PEOPLE + rest, rest, stated=stated) as (url, go_on):
        project(project_folder, f'[[sheets]]\npath = "today.csv"\nsource = "{url}"\n')
        async with serving(project_folder) as browser:
            there = await browser.post(address("today.csv", "fetch"), {})
            page = await browser.get(there)
            for _ in range(1200):
                if "KB fetched" in (page := await browser.get(there)):
                    break
                await asyncio.sleep(0.05)
            assert '<noscript><meta http-equiv="refresh"' in page
            assert re.search(r"KB fetched: \d+" + (" of 703" if stated else "<"), page)
            await browser.post("run/pause", {})
            go_on.set()
            await until(browser, "today.csv", "paused")
            page = words_of(await browser.get(there))
            assert "Stopped: nothing was fetched" in page
            assert not (project_folder / "today.csv").exists()
            assert "Which column is what?" in await fetched(browser, "today.csv")
