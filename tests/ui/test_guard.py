"""Admission of requests: the table of the rules, and the same over a socket."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import aiohttp
import pytest

from importer.ui.guard import HEADERS, Asked, Door, Refusal, decide
from tests.ui.conftest import SHEET, real_time, serving

if TYPE_CHECKING:
    from pathlib import Path

ROOT, SESSION = "/0123abcd/", "secret-of-the-cookie"
HOST = "127.0.0.1:8765"
READ = Asked("GET", ROOT, (HOST,), SESSION)
WRITE = Asked("POST", f"{ROOT}sheets", (HOST,), SESSION, f"http://{HOST}", "same-origin")


@pytest.mark.parametrize(
    ("asked", "refusal"),
    [
        (READ, None),
        (WRITE, None),
        (replace(READ, hosts=("localhost:8765",)), None),
        (replace(READ, hosts=("LOCALHOST",)), None),
        (replace(READ, hosts=("[::1]:8765",)), None),
        (replace(READ, hosts=("127.0.0.1:9000",)), None),  # ssh -L
        (replace(READ, hosts=("evil.example",)), Refusal.HOST),
        (replace(READ, hosts=("127.0.0.1.evil.example:8765",)), Refusal.HOST),
        (replace(READ, hosts=("127.0.0.1@evil.example",)), Refusal.HOST),
        (replace(READ, hosts=("evil.example#127.0.0.1",)), Refusal.HOST),
        (replace(READ, hosts=("127.0.0.1:80:80",)), Refusal.HOST),
        (replace(READ, hosts=("127.0.0.2",)), Refusal.HOST),
        (replace(READ, hosts=("0.0.0.0:8765",)), Refusal.HOST),
        (replace(READ, hosts=("",)), Refusal.HOST),
        (replace(READ, hosts=()), Refusal.HOST),
        (replace(READ, hosts=(HOST, HOST)), Refusal.HOST),
        (replace(READ, hosts=(HOST, "evil.example")), Refusal.HOST),
        (replace(READ, path=f"{ROOT}static/1/app.js", hosts=("evil.example",)), Refusal.HOST),
        (replace(READ, method="PUT"), Refusal.METHOD),
        (replace(READ, method="OPTIONS"), Refusal.METHOD),
        (replace(READ, method="TRACE"), Refusal.METHOD),
        (replace(READ, cookie=None), Refusal.SESSION),
        (replace(READ, cookie=""), Refusal.SESSION),
        (replace(READ, cookie=SESSION[:-1]), Refusal.SESSION),
        (replace(READ, cookie="é"), Refusal.SESSION),
        (replace(READ, path="/", cookie=None), Refusal.SESSION),
        (replace(READ, path=f"{ROOT}static/1/app.js", cookie=None), Refusal.SESSION),
        (replace(READ, path=f"{ROOT}enter", cookie=None), None),
        (replace(READ, path=f"{ROOT}enter", cookie=None, hosts=("evil.example",)), Refusal.HOST),
        (replace(WRITE, path=f"{ROOT}enter", cookie=None), Refusal.SESSION),
        (replace(READ, path="/other/enter", cookie=None), Refusal.SESSION),
        (replace(WRITE, cookie=None), Refusal.SESSION),
        (replace(WRITE, origin=None), None),
        (replace(WRITE, fetch_site=None), None),
        (replace(WRITE, origin=None, fetch_site=None), Refusal.ORIGIN),
        (replace(WRITE, origin="null"), Refusal.ORIGIN),
        (replace(WRITE, origin="http://evil.example"), Refusal.ORIGIN),
        (replace(WRITE, origin=f"https://{HOST}"), Refusal.ORIGIN),
        (replace(WRITE, origin="http://127.0.0.1:9"), Refusal.ORIGIN),
        (replace(WRITE, origin="http://localhost:8765"), Refusal.ORIGIN),
        (replace(WRITE, fetch_site="same-site"), Refusal.ORIGIN),
        (replace(WRITE, fetch_site="cross-site"), Refusal.ORIGIN),
        (replace(WRITE, fetch_site="none", origin=None), Refusal.ORIGIN),
    ],
)
def test_request_is_admitted_by_the_table_of_rules(asked: Asked, refusal: Refusal | None) -> None:
    assert decide(asked, root=ROOT, session=SESSION) is refusal


def test_link_is_valid_once_and_for_two_minutes() -> None:
    door = Door()
    first, late = door.new_token(0.0), door.new_token(0.0)
    assert door.enter(first, 119.0) == "in"
    assert door.enter(first, 119.0) == "used"
    assert door.enter(late, 121.0) == "late"
    assert door.enter(late, 1.0) == "used"
    assert door.enter("", 1.0) == "unknown"
    assert door.enter(first[:-1], 1.0) == "unknown"


@real_time
async def test_every_response_has_the_security_headers_and_no_secret(folder: Path) -> None:
    async with serving(folder) as browser:
        addresses = [
            "",
            "nowhere",
            "sheets/none.csv/columns",
            f"sheets/{SHEET}/columns",
            "static/0/app.css",
            "enter?token=1",
        ]
        for address in addresses:
            async with browser.session.get(browser.address(address)) as answer:
                for name, value in HEADERS.items():
                    assert answer.headers[name] == value, (address, name)
                assert browser.site.session not in await answer.text()
        async with aiohttp.ClientSession() as stranger:
            for address in addresses[:-1]:
                async with stranger.get(browser.address(address)) as answer:
                    assert answer.status == 403, address
                    assert browser.site.key not in await answer.text()
                    assert answer.headers["Content-Security-Policy"]


@real_time
async def test_link_opened_twice_shows_that_it_was_used(folder: Path) -> None:
    async with serving(folder) as browser, aiohttp.ClientSession() as other:
        link = browser.site.new_link()
        async with other.get(link, allow_redirects=False) as answer:
            assert answer.status == 303
            cookie = answer.cookies[browser.site.cookie]
            assert (cookie["path"], cookie["samesite"]) == (browser.site.root, "Strict")
            assert cookie["httponly"]
        async with other.get(link) as answer:
            assert answer.status == 403
            assert "used already" in await answer.text()


@real_time
async def test_form_of_another_site_changes_nothing(folder: Path) -> None:
    async with serving(folder) as browser:
        address = browser.address("language")
        for headers in (
            {},
            {"Origin": "http://evil.example"},
            {"Origin": "null"},
            {"Origin": f"http://127.0.0.1:{browser.site.port}", "Sec-Fetch-Site": "cross-site"},
        ):
            async with browser.session.post(
                address, data={"language": "tr"}, headers=headers
            ) as answer:
                assert answer.status == 403, headers
        assert browser.site.language == "en"
        await browser.post("language", {"language": "tr"})
        assert browser.site.language == "tr"


@real_time
async def test_request_with_two_host_headers_is_refused(folder: Path) -> None:
    async with serving(folder) as browser:
        reader, writer = await asyncio.open_connection("127.0.0.1", browser.site.port)
        cookie = f"{browser.site.cookie}={browser.site.session}"
        writer.write(
            f"GET {browser.site.root} HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: evil.example\r\n"
            f"Cookie: {cookie}\r\nConnection: close\r\n\r\n".encode()
        )
        assert (await reader.readline()).split()[1] in {b"400", b"403"}
        writer.close()


@real_time
async def test_no_name_reaches_a_file_outside_of_the_folder(folder: Path) -> None:
    (folder.parent / "outside.csv").write_text("Name\nSecret Person\n", encoding="utf-8")
    (folder / "link.csv").symlink_to(folder.parent / "outside.csv")
    (folder / "folder.csv").mkdir()
    (folder / ".hidden.csv").write_text("Name\nSecret Person\n", encoding="utf-8")
    names = (
        "..%2Foutside.csv",
        "%2e%2e%2foutside.csv",
        "..",
        "link.csv",
        "folder.csv",
        ".hidden.csv",
        "%2Fetc%2Fpasswd",
        str(folder.parent / "outside.csv").replace("/", "%2F"),
        f"{SHEET}%00",
        f"{SHEET}%2F..%2F..%2Foutside.csv",
        SHEET.upper(),
        "..%5Coutside.csv",
        "CON",
    )
    async with serving(folder) as browser:
        for name in names:
            async with browser.session.get(
                browser.address(f"sheets/{name}/columns").replace("..%2F", "%2e%2e%2F")
            ) as answer:
                assert answer.status in {400, 404}, name
                assert "Secret Person" not in await answer.text()
        assert "link.csv" not in await browser.get("")
