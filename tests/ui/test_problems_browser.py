"""The problem pages in a real Chromium: texts are typed, saved and taken back by keyboard."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from importer.fixes.log_file import fixes_path, load_log
from tests.ui.browsing import assert_open_to_everybody, command_ui, new_page
from tests.ui.conftest import SHEET
from tests.ui.hands import tab_to

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

    from tests.ui.browsing import Served, Watched

KINDS = ("gender.unknown_gender", "email.invalid_email?by=row", "date_of_birth.date_no_year")
ROWS = "Aysel Sınaq;050 000 00 01;;;\nCəmi;;;;\n"  # another person's phone, and no customer
SLOW = pytest.mark.slow(reason="a browser")


@pytest.fixture
def served(folder: Path) -> Iterator[Served]:
    with (folder / SHEET).open("a", encoding="utf-8") as file:
        file.write(ROWS)
    env = {"CLOPOS_STATE_DIR": str(folder.parent / "state")}
    with command_ui(folder, "--lang", "en", env=env) as started:
        yield started


def problems(page: Page, served: Served, kind: str = "") -> None:
    page.goto(f"{served.root}sheets/{SHEET}/problems/{kind}".rstrip("/"))


def texts(folder: Path) -> list[str]:
    """Return the typed texts in the file of fixes."""
    return [text for act in load_log(fixes_path(folder / SHEET)).acts for text in act.texts]  # type: ignore[union-attr]


@SLOW
def test_text_is_checked_while_it_is_typed_and_saved_by_enter(
    browser: Browser, served: Served, watched: Watched, folder: Path
) -> None:
    page = new_page(browser, served, watched)
    problems(page, served)
    page.keyboard.press("n")  # the first kind
    page.wait_for_url(re.compile(r"problems/\w+\.\w+"))
    problems(page, served, "gender.unknown_gender")
    tab_to(page, "#is-0")
    page.keyboard.press("Control+A")
    page.keyboard.type("Qadin1")
    expect(page.locator("#note-0")).to_have_text("still wrong: not a known word for a gender")
    page.keyboard.press("Backspace")
    expect(page.locator("#note-0")).to_have_text("reads as: female")
    page.keyboard.press("Enter")
    expect(page.locator("#note-0")).to_have_text("✓ saved, 1 cell · reads as: female")
    expect(page.locator("#left")).to_have_text("nothing of this kind is left")
    assert texts(folder) == ["Qadin"]
    problems(page, served)
    page.keyboard.press("u")  # take back the last act
    expect(page.get_by_role("link", name="Not a known word for a gender")).to_be_visible()


@SLOW
def test_cells_are_saved_by_enter_and_tab_and_reset_by_escape(
    browser: Browser, served: Served, watched: Watched, folder: Path
) -> None:
    with (folder / SHEET).open("a", encoding="utf-8") as file:
        file.write("Günel Demo;050 000 00 08;günel@;;\nTural Demo;050 000 00 09;tural@;;\n")
    page = new_page(browser, served, watched)
    problems(page, served, "email.invalid_email?by=row")
    cells = page.get_by_role("textbox")
    cells.nth(0).focus()
    page.keyboard.type("xyz")
    page.keyboard.press("Escape")
    expect(cells.nth(0)).to_have_value("orxan@example")
    cells.nth(0).fill("orxan@example.com")
    page.keyboard.press("Enter")
    expect(cells.nth(1)).to_be_focused()
    expect(page.locator(".note", has_text="reads as: orxan@example.com")).to_be_visible()
    cells.nth(1).fill("gunel@example.com")
    page.keyboard.press("Shift+Enter")  # up: no problem is left there
    expect(page.locator(".note", has_text="reads as: gunel@example.com")).to_be_visible()
    cells.nth(2).fill("tural@example.com")
    page.keyboard.press("Tab")
    expect(page.locator(".note", has_text="reads as: tural@example.com")).to_be_visible()
    assert texts(folder) == ["orxan@example.com", "gunel@example.com", "tural@example.com"]


@SLOW
def test_second_tab_is_shown_the_newer_text(
    browser: Browser, served: Served, watched: Watched, folder: Path
) -> None:
    page = new_page(browser, served, watched)
    problems(page, served, "email.invalid_email?by=row")
    other = watched.watch(page.context.new_page())
    problems(other, served, "email.invalid_email?by=row")
    page.get_by_role("textbox").fill("first@example.com")
    page.keyboard.press("Enter")
    expect(page.locator(".note", has_text="reads as: first@example.com")).to_be_visible()
    other.get_by_role("textbox").fill("second@example.com")
    other.keyboard.press("Enter")
    expect(other.locator(".note", has_text="This cell was changed meanwhile")).to_be_visible()
    expect(other.get_by_role("textbox")).to_have_value("first@example.com")
    assert texts(folder) == ["first@example.com"]
    assert watched.console  # the browser notes the answer 409
    watched.console.clear()


@SLOW
def test_ended_server_is_reported_and_the_typed_text_is_kept(
    browser: Browser, served: Served, watched: Watched
) -> None:
    page = new_page(browser, served, watched)
    problems(page, served, "gender.unknown_gender")
    served.process.kill()
    served.process.wait()
    page.locator("#is-0").fill("Qadın")
    page.keyboard.press("Enter")
    expect(page.locator(".note", has_text="The program was ended")).to_be_visible()
    expect(page.locator("#is-0")).to_have_value("Qadın")
    watched.console.clear()


@SLOW
@pytest.mark.parametrize("language", ["az", "en", "ru", "tr"])
def test_problem_pages_are_accessible(
    browser: Browser, served: Served, watched: Watched, language: str
) -> None:
    page = new_page(browser, served, watched)
    page.goto(f"{served.root}sheets/{SHEET}/problems/{KINDS[0]}")
    page.locator("#empty-0").click()  # for the form that takes back
    expect(page.locator("#note-0")).to_contain_text("✓")
    page.reload()
    if language != "en":
        page.locator("details.menu summary").click()
        page.locator(f"button[lang={language}]").click()
    for kind in ("", *KINDS, f"{KINDS[2]}?find=1&replace=2", "repeats", "row.malformed_row"):
        problems(page, served, kind)
        assert_open_to_everybody(page)
    for place in ("fixes", "rows/3"):
        page.goto(f"{served.root}sheets/{SHEET}/{place}")
        assert_open_to_everybody(page)
