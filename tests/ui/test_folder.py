"""Uploads: their folder, their name, and the clean-up of failed ones."""

from __future__ import annotations

import asyncio
import io
import os
from pathlib import Path, PurePath

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from importer.errors import UsageError
from importer.ui import folder as of_folder
from importer.ui.folder import SUFFIXES, list_sheets, remove_abandoned, safe_name
from tests.ui.conftest import CUSTOMERS, SHEET, Browser, real_time, serving, words_of

KINDS = Path(__file__).parents[1] / "kinds" / "sheets"


async def upload(browser: Browser, name: str, body: bytes) -> tuple[int, str]:
    form = aiohttp.FormData()
    form.add_field("file", io.BytesIO(body), filename=name, content_type="text/csv")
    async with browser.session.post(
        browser.address("sheets"),
        data=form,
        headers={"Origin": f"http://127.0.0.1:{browser.site.port}"},
        allow_redirects=False,
    ) as answer:
        return answer.status, answer.headers.get("Location") or await answer.text()


def parts(folder: Path) -> list[Path]:
    return list(folder.glob(".clopos*"))


@real_time
async def test_upload_never_overwrites_a_file(folder: Path) -> None:
    async with serving(folder) as browser:
        status, place = await upload(browser, SHEET, CUSTOMERS.encode())
        assert (status, place.rpartition("/sheets/")[2]) == (303, f"{SHEET}/columns")
        status, place = await upload(browser, SHEET, b"Name\nB Demo\n")
        assert place.endswith(
            "/sheets/customers%20%282%29.csv/columns?kept=customers%20%282%29.csv"
        )
        assert "It is kept as «customers (2).csv»" in words_of(await browser.get(place))
        assert (folder / SHEET).read_text("utf-8") == CUSTOMERS
        many = await asyncio.gather(
            *(upload(browser, SHEET, f"Name\n{n}\n".encode()) for n in range(8))
        )
        assert len({place for _, place in many}) == 8
        assert not parts(folder)


@real_time
async def test_upload_that_is_no_list_is_an_error_and_leaves_no_file(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(of_folder, "MOST_BYTES", 1024**2)
    async with serving(folder) as browser:
        for name, body, words in (
            ("page.exe", b"MZ", "This is not a customer list"),
            ("empty.csv", b"", "The file is empty"),
            ("large.csv", bytes(1024**2 + 1), "more than 1 MB"),
        ):
            status, text = await upload(browser, name, body)
            assert status == 400
            assert words in text
            assert "Fix:" in text
        status, text = await upload(browser, "", b"Name\nA\n")
        assert status == 400
        assert "No file was chosen" in text
    assert [each.name for each in list_sheets(folder)] == [SHEET]
    assert not parts(folder)


@real_time
async def test_interrupted_upload_leaves_no_file(folder: Path) -> None:
    async with serving(folder) as browser:
        port, site = browser.site.port, browser.site
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        head = (
            f"POST {site.root}sheets HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
            f"Cookie: {site.cookie}={site.session}\r\nSec-Fetch-Site: same-origin\r\n"
            "Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 100000\r\n\r\n"
            '--b\r\nContent-Disposition: form-data; name="file"; filename="cut.csv"\r\n\r\nName\n'
        )
        writer.write(head.encode() + b"A Demo\n" * 900)
        await writer.drain()
        for _ in range(100):
            if parts(folder):
                break
            await asyncio.sleep(0.02)
        assert parts(folder)
        writer.transport.abort()
        for _ in range(100):
            if not parts(folder):
                break
            await asyncio.sleep(0.02)
        assert not parts(folder)
        assert not (folder / "cut.csv").exists()


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write everywhere")
@real_time
async def test_upload_into_an_unwritable_folder_is_an_error(folder: Path) -> None:
    async with serving(folder) as browser:
        os.chmod(folder, 0o500)  # noqa: PTH101 - a test waits for it
        status, text = await upload(browser, "new.csv", b"Name\nA\n")
        os.chmod(folder, 0o700)  # noqa: PTH101
    assert status == 502
    assert "can't be written" in words_of(text)


@real_time
async def test_upload_on_a_full_disk_is_an_error(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("importer.ui.folder.os.fsync", full)
    async with serving(folder) as browser:
        status, text = await upload(browser, "new.csv", b"Name\nA\n")
        assert status == 502
        assert "No space left on device" in text
        assert not (folder / "new.csv").exists()


def test_incomplete_upload_of_a_killed_server_is_removed_once_no_server_writes_it(
    tmp_path: Path,
) -> None:
    old, new = (tmp_path / f".clopos-upload-{n * 16}.part" for n in "01")
    other = tmp_path / ".clopos-upload-mine.part"
    for path in (old, new, other):
        path.touch()
    os.utime(old, (1, 1))
    os.utime(other, (1, 1))
    remove_abandoned(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([new.name, other.name])


def test_page_takes_every_kind_of_file_that_the_command_reads() -> None:
    refused = {".bz2", ".ldif", ".pdf", ".vcf", ".xz", ".yaml"}  # with what to do instead
    texts = {".md"}  # are notes more often than tables
    for suffix in {path.suffix for path in KINDS.iterdir()} - refused - texts:
        assert safe_name(f"customers{suffix}") == f"customers{suffix}"


@given(st.text(max_size=300), st.sampled_from(SUFFIXES))
def test_name_of_an_upload_stays_in_its_folder(text: str, suffix: str) -> None:
    try:
        name = safe_name(text + suffix)
    except UsageError:
        return
    assert PurePath(name).name == name
    assert not name.startswith((".", "~"))
    assert name.isprintable()
    assert len(name.encode()) < 200
    assert PurePath(name).suffix.lower() in SUFFIXES
    assert safe_name(name) == name
