"""A real server on a socket of this machine, a folder, and an admitted browser.

    @real_time
    async def test_…(folder: Path) -> None:
        async with serving(folder) as browser:
            page = await browser.get("sheets/customers.csv/columns")

It needs real time, for threads prepare the sheets.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import inspect
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import aiohttp
import pandas as pd
import pytest
from aiohttp import web

from importer.cli.project_reader import project_reader
from importer.pipeline import Output, check
from importer.ui.app import make_app
from importer.ui.server import listen
from importer.ui.site import Site
from tests.ui.browsing import Watched, chromium

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping
    from pathlib import Path

    from playwright.sync_api import Browser as Chromium

    from tests.ui.browsing import Served

CUSTOMERS = """Ad Soyad;Mobil;E-poçt;Doğum tarixi;Cinsi
Aysel Demo;050 000 00 01;aysel@example.com;05.07.1991;Qadın
Orxan Demo;050 000 00 02;orxan@example;17.04.1952;Kişi
Leyla Demo;050 000 00 03;;31.12.1988;Qad1n
Kamran Demo;050 000 00 04;kamran@example.com;14.05;Kişi
"""
SHEET = "customers.csv"
COUNTING = "Counting anew after the last act"
"""What a page says whose counts are of before the last act: on a slow machine, or a long list."""
OF_A_TERMINAL = re.compile(
    r"command again|same command|--(map|region|dates|sheet|header-row|encoding|delimiter|reserve"
    r"|window|finish-by|drop-bad-values|save-mapping)\b"
)
"""What no page may say: it has a button or a field for it."""


@dataclass(frozen=True)
class Browser:
    """An admitted browser: it sends forms as a page does and returns responses as text."""

    site: Site
    session: aiohttp.ClientSession

    def address(self, path: str) -> str:
        """Return the address of a page by its path below the root, or by a whole path."""
        return f"http://127.0.0.1:{self.site.port}" + (
            path if path.startswith(self.site.root) else self.site.root + path.lstrip("/")
        )

    async def get(self, path: str, status: int = 200) -> str:
        """Return a page, after redirects, once none of its counts is being updated."""
        while COUNTING in (page := await self._get(path, status)):  # noqa: ASYNC110
            await asyncio.sleep(0.05)  # another thread prepares the sheet
        return page

    async def _get(self, path: str, status: int = 200) -> str:
        """Return the current page, after redirects."""
        async with self.session.get(self.address(path)) as response:
            text = await response.text()
            assert response.status == status, (response.status, words_of(text))
            if response.content_type == "text/html":
                assert not OF_A_TERMINAL.search(words_of(text)), OF_A_TERMINAL.findall(text)
            return text

    async def post(self, path: str, form: Mapping[str, Any], status: int = 303) -> str:
        """Send a form as the page does; return the address it redirects to, or else the page."""
        async with self.session.post(
            self.address(path),
            data=form,
            headers={"Origin": f"http://127.0.0.1:{self.site.port}"},
            allow_redirects=False,
        ) as response:
            text = await response.text()
            assert response.status == status, (response.status, words_of(text))
            return response.headers.get("Location", text)

    async def ask(self, path: str, form: Mapping[str, Any] | None = None) -> tuple[int, Any]:
        """Send a request as the script does, a GET without a form; return status and JSON."""
        headers = {
            "Accept": "application/json",
            "Origin": f"http://127.0.0.1:{self.site.port}",
        }
        method = "GET" if form is None else "POST"
        async with self.session.request(
            method, self.address(path), data=form, headers=headers
        ) as response:
            return response.status, await response.json()


@pytest.fixture(scope="session", autouse=True)
def _imported(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Import the modules that prepare a list: with them the first page would not wait for it."""
    people = pd.DataFrame({"Name": ["Demo"], "Phone": ["+994500000001"]})
    env = {"CLOPOS_STATE_DIR": str(tmp_path_factory.mktemp("state"))}
    check(people, output=Output(results=None), env=env)


@contextlib.asynccontextmanager
async def serving(folder: Path, **environ: str) -> AsyncIterator[Browser]:
    """Serve a folder and give an admitted browser; `environ` is the environment of the program."""
    environ = {"CLOPOS_STATE_DIR": str(folder.parent / "state"), **environ}
    site = Site(folder, environ, project_reader())
    site.language = "en"
    listening = listen(0)
    site.port = listening.getsockname()[1]
    site.ended = asyncio.Event()
    runner = web.AppRunner(make_app(site), access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.SockSite(runner, listening).start()
    jar = aiohttp.CookieJar(unsafe=True)  # keep cookies of an IP address
    try:
        async with aiohttp.ClientSession(cookie_jar=jar) as session:
            async with session.get(site.new_link()) as response:
                assert response.status == 200
            yield Browser(site, session)
    finally:
        await runner.cleanup()


def real_time(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Run a coroutine test on a real clock: a virtual one would not wait for threads."""

    @functools.wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        asyncio.run(test(*args, **kwargs))

    run.__signature__ = inspect.signature(test)  # type: ignore[attr-defined]
    del run.__wrapped__  # pytest takes a coroutine function for a coroutine test
    return run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with one sheet of invented people, three of whose rows need a person."""
    place = tmp_path / "lists"
    place.mkdir()
    (place / SHEET).write_text(CUSTOMERS, encoding="utf-8")
    return place


@pytest.fixture(scope="module")
def browser() -> Iterator[Chromium]:
    """Start the Chromium of this machine."""
    with chromium() as started:
        yield started


@pytest.fixture
def watched(served: Served) -> Iterator[Watched]:
    """Record forbidden acts of pages; at the end there must be none."""
    watched = Watched(served.root)
    yield watched
    assert watched.elsewhere == []
    assert watched.console == []


def words_of(page: str) -> str:
    """Return the text of a page without its markup, on one line."""
    text = re.sub(r"<(script|style)\b.*?</\1>|<[^>]*>", " ", page, flags=re.DOTALL)
    for entity, letter in (("&lt;", "<"), ("&gt;", ">"), ("&#34;", '"'), ("&#39;", "'")):
        text = text.replace(entity, letter)
    return " ".join(text.replace("&amp;", "&").split())
