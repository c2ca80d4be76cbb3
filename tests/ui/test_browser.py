"""The page in a real Chromium: accessibility, many tabs, no request to other hosts."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.sandbox_process import Processes, sandbox_and_fork_server
from tests.ui.browsing import assert_open_to_everybody, command_ui, new_page

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

    from tests.ui.browsing import Served, Watched

SAMPLES = Path(__file__).parents[2] / "samples" / "exports"
POSTER = "poster-ru.csv"
PAGES = (
    "",
    "credentials",
    *(
        f"sheets/{POSTER}/{page}"
        for page in (
            "columns questions problems customers rows plan rehearsal conflicts run results".split()
        )
    ),
    f"sheets/{POSTER}/problems/repeats",
    "sheets/picture.csv/columns",
)
SLOW = pytest.mark.slow(reason="a browser, for a minute or more")


@pytest.fixture(scope="module")
def clopos() -> Iterator[Processes]:
    with sandbox_and_fork_server() as started:
        yield started


@pytest.fixture
def served(folder: Path, clopos: Processes) -> Iterator[Served]:
    """Serve a new folder, whose lists are sent to the sandbox of this module."""
    for each in clopos.sandbox("customers"):
        clopos.sandbox("customers", {"id": each["id"]}, method="DELETE")
    env = clopos.env | {"CLOPOS_STATE_DIR": str(folder.parent / "state")}
    with command_ui(folder, "--lang", "en", env=env) as started:
        yield started


@SLOW
@pytest.mark.parametrize("language", ["az", "en", "ru", "tr"])
def test_every_page_is_accessible(
    browser: Browser, served: Served, watched: Watched, folder: Path, language: str
) -> None:
    shutil.copy(SAMPLES / POSTER, folder)
    (folder / "picture.csv").write_bytes(b"\x89PNG\r\n\x1a\n")
    page = new_page(browser, served, watched)
    if language != "en":
        page.locator("details.menu summary").click()
        page.locator(f"button[lang={language}]").click()
    assert page.locator("html").get_attribute("lang") == language
    for address in PAGES:
        page.goto(served.root + address)
        assert_open_to_everybody(page)


def test_first_page_is_accessible_and_sends_no_request(
    browser: Browser, served: Served, watched: Watched
) -> None:
    page = new_page(browser, served, watched)
    assert Axe().run(page).violations_count == 0
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    page.locator("details.menu summary").click()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Türkçe")).to_be_hidden()


def test_page_reports_that_its_server_has_ended(
    browser: Browser, served: Served, watched: Watched
) -> None:
    page = new_page(browser, served, watched)
    page.clock.install()
    gone = page.locator("#gone")
    page.evaluate("() => { dispatchEvent(new Event('focus')); }")
    expect(gone).to_be_hidden()
    served.process.kill()
    served.process.wait()
    page.clock.fast_forward(3000)
    page.evaluate("() => { dispatchEvent(new Event('focus')); }")
    expect(gone).to_be_visible()
    watched.console.clear()  # the browser's own report of a failed request


@SLOW
def test_credentials_that_fail_stay_typed_though_no_page_has_them(
    browser: Browser, served: Served, watched: Watched
) -> None:
    page = new_page(browser, served, watched)
    page.goto(f"{served.root}credentials")
    page.get_by_label("Brand").fill("demo")
    page.get_by_label("Client secret").fill("wrong")
    page.get_by_role("button", name="Sign in to try them").click()
    expect(page.get_by_role("alert").filter(has_text="check «Client ID»")).to_be_visible()
    expect(page.get_by_label("Brand")).to_have_value("demo")
    expect(page.get_by_label("Client secret")).to_have_value("wrong")
    assert watched.console  # the browser notes the answer
    watched.console.clear()
    for name in ("Brand", "Client secret"):
        page.get_by_label(name).fill("")  # what was found in the environment works
    page.get_by_role("button", name="Sign in to try them").click()
    expect(page.get_by_text("They work.")).to_be_visible()


def test_link_works_in_one_browser_only(browser: Browser, served: Served, watched: Watched) -> None:
    new_page(browser, served, watched)
    thief = browser.new_context().new_page()
    assert thief.goto(served.link).status in {200, 403}  # type: ignore[union-attr]
    answer = thief.goto(served.link)
    assert answer
    assert answer.status == 403
    assert "used already" in answer.text()
    elsewhere = browser.new_context().new_page()
    answer = elsewhere.goto(served.root)
    assert answer
    assert answer.status == 403


@SLOW
def test_seven_tabs_all_load_while_a_run_is_shown(
    browser: Browser, served: Served, watched: Watched, folder: Path
) -> None:
    rows = "".join(f"Demo Number{n},050{n:07}\n" for n in range(3000))
    (folder / "many.csv").write_text(f"Name,Phone\n{rows}", encoding="utf-8")
    page = new_page(browser, served, watched)
    page.goto(f"{served.root}sheets/many.csv/plan")
    page.get_by_role("button", name="Ask Clopos and plan").click()
    page.get_by_label("Create 3,000 customers").check()
    page.get_by_role("button", name="Send 3,000 customers").click()
    tabs = []
    for _ in range(7):
        tab = watched.watch(page.context.new_page())
        tab.goto(f"{served.root}run")
        expect(tab.locator("#live-done, #ended").first).to_be_visible()
        tabs.append(tab)
    page.goto(f"{served.root}sheets/many.csv/columns")
    expect(page.get_by_role("heading", level=1)).to_have_text("Which column is what?")


@SLOW
def test_pages_work_without_a_script(browser: Browser, served: Served, watched: Watched) -> None:
    page = new_page(browser, served, watched, java_script_enabled=False)
    page.set_input_files("#file", SAMPLES / POSTER)
    page.get_by_role("button", name="Open it").click()
    page.get_by_role("button", name="That is right: continue").click()
    page.get_by_role("button", name="They are numbers of Russia").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("23 rows are held back")
    page.locator("details.menu summary").click()
    page.get_by_role("button", name="Türkçe").click()
    assert page.locator("html").get_attribute("lang") == "tr"
