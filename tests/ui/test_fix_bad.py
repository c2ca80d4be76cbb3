"""Fixes when something fails: a killed server, a full disk, an unwritable folder, hostile cells."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import json
import random
import re
import resource
import tempfile
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from importer.fixes.log_file import fixes_path, load_log
from tests.cli_process import command
from tests.ui.conftest import SHEET, real_time, serving, words_of
from tests.ui.forms import form_of, forms_of
from tests.ui.test_problems import FIXES, PROBLEMS
from tests.ui.test_send_bad import page_process

if TYPE_CHECKING:
    from tests.ui.conftest import Browser

EMAILS = f"{PROBLEMS}/email.invalid_email"


def write(folder: Path, rows: int) -> None:
    lines = [f"Demo {n};05000010{n:02};demo{n}" for n in range(rows)]
    (folder / SHEET).write_text("\n".join(["Ad;Mobil;E-poçt", *lines, ""]), encoding="utf-8")


async def fix_until_killed(browser: Browser, answered: list[str]) -> None:
    """Fix cells one by one, and record the responses, until the server is killed."""
    forms = forms_of(await browser.get(f"{EMAILS}?by=row"))
    for form in [form for form in forms if form["do"] == "set"]:
        text = f"demo{form['row']}@example.com"
        status, _ = await browser.ask(FIXES, form | {"is": text})
        assert status == 200
        answered.append(text)


@pytest.mark.slow(reason="a server for each of many kills")
@real_time
async def test_answered_fix_is_not_lost_when_the_server_is_killed(folder: Path) -> None:
    write(folder, 99)
    chance = random.Random(4)  # noqa: S311 - the same kills each time
    answered: list[str] = []
    for _ in range(10):
        async with page_process(folder, {}) as (process, browser):
            await browser.get(PROBLEMS)
            fixing = asyncio.create_task(fix_until_killed(browser, answered))
            await asyncio.sleep(chance.uniform(0.05, 1.5))  # during preparing, writing, answering
            process.kill()
            with contextlib.suppress(aiohttp.ClientError):
                await fixing
            await asyncio.to_thread(process.wait)
        kept = [text for act in load_log(fixes_path(folder / SHEET)).acts for text in act.texts]  # type: ignore[union-attr]
        assert kept[: len(answered)] == answered
        assert len(kept) - len(answered) <= 1, "at most the one that was on its way"
        answered = kept
    assert len(answered) > 20
    summary = json.loads(command("check", folder / SHEET, "--json").stdout)
    assert summary["fixes"] == {"cells": len(answered), "left_out": 0, "unfit": 0}
    assert summary["ready"] == len(answered)
    async with serving(folder) as browser:
        assert f"{len(answered)} ready" in words_of(await browser.get(PROBLEMS))


@real_time
async def test_fix_on_a_full_disk_is_an_error_and_can_be_repeated(
    folder: Path,
) -> None:
    write(folder, 3)
    async with serving(folder) as browser:
        forms = [f for f in forms_of(await browser.get(f"{EMAILS}?by=row")) if f["do"] == "set"]
        await browser.post(FIXES, forms[0] | {"is": "a@example.com"})
        before = fixes_path(folder / SHEET).read_bytes()
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 10, limits[1]))
        try:
            status, answer = await browser.ask(FIXES, forms[1] | {"is": "b@example.com"})
            page = words_of(await browser.post(FIXES, forms[1] | {"is": "b@example.com"}, 502))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        assert status == 502
        assert answer["error"]["what"] in page
        assert "can't be saved" in page
        assert fixes_path(folder / SHEET).read_bytes() == before
        await browser.post(FIXES, forms[1] | {"is": "b@example.com"})
        assert "2 ready" in words_of(await browser.get(PROBLEMS))


@real_time
async def test_fix_in_an_unwritable_folder_is_an_error_in_three_parts(folder: Path) -> None:
    async with serving(folder) as browser:
        form = form_of(await browser.get(f"{PROBLEMS}/gender.unknown_gender"), "set")
        fixes_path(folder / SHEET).mkdir()
        status, answer = await browser.ask(FIXES, form | {"is": "Qadın"})
        assert status == 502
        assert all(answer["error"][part] for part in ("what", "why", "fix"))
        fixes_path(folder / SHEET).rmdir()
        await browser.post(FIXES, form | {"is": "Qadın"})


class Tags(HTMLParser):
    """Collects the tags of a page with the names of their attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.found: set[tuple[str, str]] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found |= {(tag, name) for name, _ in attrs} | {(tag, "")}


def tags_of(page: str) -> set[tuple[str, str]]:
    parser = Tags()
    parser.feed(page)
    return parser.found


async def pages_of(folder: Path, cell: str) -> list[str]:
    """Return the pages of a sheet with a given text in an invalid cell."""
    quoted = cell.replace('"', '""')
    (folder / SHEET).write_text(f'Ad;Mobil;Cinsi\nDemo;0500000001;"{quoted}"\n', "utf-8")
    fixes_path(folder / SHEET).unlink(missing_ok=True)
    async with serving(folder) as browser:
        kinds = re.findall(r"/problems/gender\.\w+", await browser.get(PROBLEMS))
        kind = f"sheets/{SHEET}{kinds[0]}"
        page = await browser.get(kind)
        found = [page, await browser.get(f"{kind}?by=row"), await browser.get(PROBLEMS)]
        form = form_of(page, "set")
        await browser.post(FIXES, form | {"is": f"{cell}x"})
        return [*found, await browser.get(kind), await browser.get(FIXES)]


@functools.cache
def tags_of_pages(cell: str) -> list[set[tuple[str, str]]]:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "lists"
        folder.mkdir()
        return [tags_of(page) for page in asyncio.run(pages_of(folder, cell))]


@settings(max_examples=3, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=30))
@example('"><script>alert(1)</script>')
@example("' onfocus=alert(1) autofocus '")
@example("</textarea></p>{{ 7 * 7 }}<img src=x onerror=alert(1)>")
def test_text_of_a_cell_never_becomes_markup_in_the_pages_of_fixes(cell: str) -> None:
    for plain, page in zip(tags_of_pages("qqq"), tags_of_pages(f"q{cell}q1"), strict=True):
        assert page <= plain
