"""From list to results in a real Chromium: by mouse and by keyboard alone, in every language."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Page, expect

from importer.i18n import LANGUAGES
from tests.sandbox_process import Processes, sandbox_and_fork_server
from tests.ui.browsing import Served, assert_open_to_everybody, command_ui, new_page
from tests.ui.hands import Hand, Keyboard, Mouse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser

    from tests.ui.browsing import Watched

REPO = Path(__file__).parents[2]
POSTER = REPO / "samples" / "exports" / "poster-ru.csv"
TURKISH = REPO / "tests" / "reports" / "sheets" / "12-turkish-without-zero.csv"
HANDS: dict[str, Hand] = {"mouse": Mouse(), "keyboard": Keyboard()}
SLOW = pytest.mark.slow(reason="a browser, for half a minute")

GO_ON = "button[name=then][value=next]"
FIRST_ANSWER = ".question button[name=answer][value='1']"
PLAN = "main form[action$='/plan'] .acts button"


@pytest.fixture(scope="module")
def clopos() -> Iterator[Processes]:
    with sandbox_and_fork_server() as started:
        yield started


@pytest.fixture
def served(folder: Path, clopos: Processes, language: str) -> Iterator[Served]:
    """Serve a new folder in a language, whose lists are sent to the sandbox of this module."""
    for each in clopos.sandbox("customers"):
        clopos.sandbox("customers", {"id": each["id"]}, method="DELETE")
    env = clopos.env | {"CLOPOS_STATE_DIR": str(folder.parent / "state")}
    with command_ui(folder, "--lang", language, env=env) as started:
        yield started


def step(page: Page, hand: Hand, part: str) -> None:
    """Go to the page of a step by the links at the top."""
    hand.press(page, f"nav.steps a[href$='/{part}']")
    page.wait_for_url(f"**/{part}")


def shown_customers(page: Page) -> set[tuple[str, str]]:
    """Return the (name, phone) pairs that the page shows as those to be sent."""
    rows = page.locator("table.customers").last.locator("tbody tr")
    return {(row[0], row[1]) for row in (each.split("\t")[1:3] for each in rows.all_inner_texts())}


def at_clopos(clopos: Processes) -> set[tuple[str, str]]:
    return {(each["name"], each["phone"] or "") for each in clopos.sandbox("customers")}


def answer(page: Page, hand: Hand, sheet: Path) -> set[tuple[str, str]]:
    """Give a list, confirm the columns, answer the question; return the shown customers."""
    hand.give(page, sheet)
    page.wait_for_url("**/columns")
    hand.press(page, GO_ON)
    page.wait_for_url("**/questions")
    hand.press(page, FIRST_ANSWER)
    expect(page.locator(".question")).to_have_count(0)
    step(page, hand, "customers")
    return shown_customers(page)


def plan(page: Page, hand: Hand, rows: int) -> None:
    """Plan, and wait until the page shows this number of rows to create."""
    hand.press(page, PLAN)
    expect(page.locator(f"input[name=sure][value='{rows}']")).to_be_visible()


def journey(
    page: Page,
    hand: Hand,
    clopos: Processes,
    folder: Path,
    look: Callable[[Page], object],
) -> None:
    """Send two lists; fix a value of the second and decide two conflicts."""
    shown = answer(page, hand, TURKISH)
    step(page, hand, "plan")
    plan(page, hand, len(shown))
    hand.tick(page, "input[name=sure]")
    hand.press(page, "button[name=rows][value=all]")
    expect(page.locator("#ended")).to_be_visible()
    assert at_clopos(clopos) == shown
    first = shown

    hand.press(page, ".brand a")
    assert len(answer(page, hand, POSTER)) == 75
    step(page, hand, "problems")
    hand.press(page, "a[href$='gender.unknown_gender']")
    hand.write(page, "#is-0", "Мужской")
    expect(page.locator("#note-0")).to_contain_text("✓")
    step(page, hand, "customers")
    shown = shown_customers(page)
    assert len(shown) == 76
    other, left_out = sorted(each for each in shown if each[1])[:2]
    there = {("Aysel Demo", other[1]), ("Orxan Demo", left_out[1])}
    ids = {
        name: clopos.sandbox("customers", {"name": name, "phone": phone})["id"]
        for name, phone in there
    }

    step(page, hand, "rehearsal")
    hand.press(page, "form[action$='/rehearsal'] button")
    expect(page.locator(".status.created").first).to_be_visible()
    assert at_clopos(clopos) == first | there, "a rehearsal sends nothing"
    step(page, hand, "plan")
    plan(page, hand, 74)
    hand.press(page, "button[name=rows][value=first]")
    page.wait_for_url("**/run")
    expect(page.locator("#ended")).to_be_visible()
    look(page)
    assert len(at_clopos(clopos) - first) == 12

    hand.press(page, "main a[href$='/conflicts']")
    page.wait_for_url("**/conflicts")
    for name, button in (("Aysel Demo", "value=other"), ("Orxan Demo", "value=skip")):
        about = f".conflict form:has(input[name=about][value='{ids[name]}'])"
        hand.press(page, f"{about} button[{button}]")
        expect(page.locator(f"{about} button[{button}][aria-pressed=true]")).to_be_visible()
    look(page)
    step(page, hand, "plan")
    plan(page, hand, 65)
    hand.tick(page, "input[name=sure]")
    hand.press(page, "button[name=rows][value=all]")
    expect(page.locator("#ended")).to_be_visible()
    expected = (shown - {other, left_out}) | {(other[0], "")} | there | first
    assert at_clopos(clopos) == expected
    assert len(clopos.sandbox("customers")) == len(expected)

    hand.press(page, "main a[href$='/results']")
    page.wait_for_url("**/results")
    look(page)
    with page.expect_download() as download:
        hand.press(page, "a[href$='results.csv']")
    with Path(download.value.path()).open(encoding="utf-8-sig", newline="") as file:
        counts = Counter(row["import_status"] for row in csv.DictReader(file))
    assert (counts["created"], counts["exists"]) == (65, 10)  # ten were there from the first run
    assert (folder / f"{POSTER.name}.results.xlsx").is_file()


@SLOW
@pytest.mark.parametrize("by", HANDS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_clopos_has_the_shown_customers_at_the_end(
    browser: Browser,
    served: Served,
    watched: Watched,
    clopos: Processes,
    folder: Path,
    language: str,
    by: str,
) -> None:
    page = new_page(browser, served, watched)
    assert page.locator("html").get_attribute("lang") == language
    look = assert_open_to_everybody if by == "mouse" else Page.title  # once is enough
    journey(page, HANDS[by], clopos, folder, look)
