"""`kill -9` of the server at points that no other test covers, and its next start.

While a cell is typed and between two acts: `test_problems_browser.py`, `test_fix_bad.py`; while
sending: `test_send_bad.py`.
"""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

import pytest
from yarl import URL

from tests.cli_process import serving as sandbox_process
from tests.ui.conftest import real_time, words_of
from tests.ui.forms import SHEET, field, form_of, plan, write
from tests.ui.test_send_bad import created, page_process, sure

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator
    from pathlib import Path

SLOW = pytest.mark.slow(reason="two servers, one after the other")
PEOPLE = 900


@pytest.fixture
def clopos(folder: Path) -> Iterator[dict[str, str]]:
    """Run a sandbox that answers at once and has no limits."""
    project = folder / "clopos.toml"
    project.write_text('[options]\nrate = "none"\n', "utf-8")
    project.chmod(0o600)
    with sandbox_process(folder.parent, "--no-limits") as found:
        yield found["2"]


def files(folder: Path) -> set[str]:
    return {each.name for each in folder.iterdir()}


async def killed(process: subprocess.Popen[str]) -> None:
    process.kill()
    await asyncio.to_thread(process.wait)


@SLOW
@real_time
async def test_answered_fix_is_counted_after_a_kill_while_the_sheet_is_prepared(
    folder: Path, clopos: dict[str, str]
) -> None:
    write(folder)
    kind = f"sheets/{SHEET}/problems/phone.invalid_phone"
    async with page_process(folder, clopos) as (process, browser):
        form = form_of(await browser.get(kind), "set") | {"is": "0500009999"}
        await browser.post(f"sheets/{SHEET}/fixes", form)  # the sheet is prepared 0.7 s later
        await killed(process)
    async with page_process(folder, clopos) as (_, browser):
        page = words_of(await browser.get(f"sheets/{SHEET}/problems"))
        assert "15 ready" in page
        assert "1 fix" in page


@SLOW
@real_time
async def test_no_part_of_a_list_is_left_after_a_kill_while_it_is_uploaded(
    folder: Path, clopos: dict[str, str]
) -> None:
    before = files(folder)
    async with page_process(folder, clopos) as (process, browser):
        head = (
            f"POST {browser.site.root}sheets HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            f"Origin: http://127.0.0.1\r\nContent-Length: 100000\r\n"
            "Content-Type: multipart/form-data; boundary=b\r\n"
        )
        cookies = browser.session.cookie_jar.filter_cookies(URL(browser.address("")))
        cookie = "; ".join(f"{each.key}={each.value}" for each in cookies.values())
        part = '--b\r\nContent-Disposition: form-data; name="file"; filename="new.csv"\r\n\r\nName'
        _, writer = await asyncio.open_connection("127.0.0.1", browser.site.port)
        writer.write(f"{head}Cookie: {cookie}\r\n\r\n{part}{',x' * 9000}".encode())
        await writer.drain()
        for _ in range(200):
            if files(folder) != before:
                break
            await asyncio.sleep(0.05)
        assert files(folder) != before, "a part of it is on disk"
        await killed(process)
        writer.close()
    async with page_process(folder, clopos) as (_, browser):
        assert "new.csv" not in await browser.get("")
    for each in files(folder) - before:  # for an hour another server might be writing it
        os.utime(folder / each, (0, 0))
    async with page_process(folder, clopos) as (_, browser):
        assert await browser.get("")
        assert files(folder) == before


@SLOW
@real_time
async def test_plan_can_be_made_again_after_a_kill_while_planning(
    folder: Path, clopos: dict[str, str]
) -> None:
    write(folder, PEOPLE)
    async with page_process(folder, clopos) as (process, browser):
        await browser.post(f"sheets/{SHEET}/plan", {})
        await killed(process)
    assert created(clopos) == []
    async with page_process(folder, clopos) as (_, browser):
        assert "to create 902" in words_of(await plan(browser))


@SLOW
@real_time
async def test_results_are_written_by_the_run_after_a_kill_while_writing_them(
    folder: Path, clopos: dict[str, str]
) -> None:
    write(folder, PEOPLE)
    async with page_process(folder, clopos) as (process, browser):
        shown = await plan(browser)
        form = {"plan": field(shown, "plan"), "rows": "all", **sure(shown)}
        await browser.post(f"sheets/{SHEET}/run", form)
        for _ in range(6000):
            _, state = await browser.ask(f"state?kind=run&sheet={SHEET}")
            if not state["key"].endswith("working"):
                break
            await asyncio.sleep(0.01)
        assert state["key"].endswith("writing")
        await killed(process)
    assert len(created(clopos)) == PEOPLE + 2
    assert not (folder / f"{SHEET}.results.xlsx").exists()
    async with page_process(folder, clopos) as (_, browser):
        assert "didn't come to its end" in words_of(await browser.get(f"sheets/{SHEET}/results"))
        shown = await plan(browser)
        assert "There is nothing to create" in words_of(shown)
    assert len(created(clopos)) == PEOPLE + 2
