"""Forms of the page, for tests of planning and sending."""

from __future__ import annotations

import asyncio
import html
import re
from typing import TYPE_CHECKING

from tests.ui.conftest import words_of

if TYPE_CHECKING:
    from pathlib import Path

    from importer.sandbox import Sandbox
    from tests.ui.conftest import Browser

SHEET = "people.csv"
PEOPLE = 12  # and two whose phones others have


def write(folder: Path, number: int = PEOPLE) -> None:
    """Write people, two of them with phones of other customers, and one with an invalid phone."""
    rows = "".join(f"Demo Number{n},050{1000 + n:07},\n" for n in range(number))
    rows += "Aysel Demo,0500002001,\nLeyla Demo,0500002002,\nBad Phone,12,\n"
    (folder / SHEET).write_text(f"Name,Phone,Code\n{rows}", encoding="utf-8")


async def ended(browser: Browser, kind: str) -> None:
    """Wait until the newest task of a kind has ended, by reloading as a page without a stream."""
    for _ in range(1200):
        status, state = await browser.ask(f"state?kind={kind}&sheet={SHEET}")
        assert status == 200
        if state["key"] and state["key"].rpartition(" ")[2] not in {
            "working",
            "pausing",
            "writing",
        }:
            return
        await asyncio.sleep(0.05)
    raise AssertionError(state)


async def several(sandbox: Sandbox, number: int) -> None:
    """Wait until the sandbox has at least so many customers."""
    while len(names(sandbox)) < number:  # noqa: ASYNC110 - of another thread
        await asyncio.sleep(0.05)


async def plan(browser: Browser) -> str:
    """Plan, and return the page of the plan."""
    await browser.post(f"sheets/{SHEET}/plan", {})
    await ended(browser, "plan")
    return await browser.get(f"sheets/{SHEET}/plan")


def field(page: str, name: str) -> str:
    """Return the value of a field of a form."""
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found, (name, words_of(page))
    return found[1]


async def send(browser: Browser, page: str, rows: str, **form: str) -> str:
    """Send the plan of a page, and return the page of the ended run."""
    await browser.post(f"sheets/{SHEET}/run", {"plan": field(page, "plan"), "rows": rows, **form})
    await ended(browser, "run")
    return await browser.get(f"sheets/{SHEET}/run")


def names(sandbox: Sandbox) -> list[str]:
    """Return the names of all customers."""
    return [each["name"] for each in sandbox.customers()]


def forms_of(page: str) -> list[dict[str, str]]:
    """Return the forms of a page: their fields with values, and their buttons as `do: …`."""
    found = []
    for text in re.findall(r"<form\b[^>]*>.*?</form>", page, flags=re.DOTALL):
        fields = {
            name: html.unescape(value)
            for name, value in re.findall(
                r'<input\b[^>]*?name="([^"]+)"[^>]*?value="([^"]*)"', text
            )
        }
        buttons = re.findall(r'<button\b[^>]*?name="do"[^>]*?value="([^"]+)"', text)
        action = re.search(r'action="([^"]+)"', text)
        found += [{**fields, "": action[1] if action else "", "do": do} for do in buttons or [""]]
        if fields.get("do"):
            found[-1]["do"] = fields["do"]
    return found


def form_of(page: str, do: str, **wanted: str) -> dict[str, str]:
    """Return the first form of an act with these values of fields."""
    for form in forms_of(page):
        if form["do"] == do and wanted.items() <= form.items():
            return form
    raise AssertionError((do, wanted, words_of(page)))
