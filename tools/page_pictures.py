"""Takes docs/images/page-*.png: the page in the browser, with an invented list of customers.

The real command and a sandbox; nothing but the pictures is kept.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from tests.sandbox_process import sandbox_and_fork_server
from tests.ui.browsing import chromium, command_ui

if TYPE_CHECKING:
    from playwright.sync_api import Page

ROOT = Path(__file__).parent.parent
IMAGES = ROOT / "docs" / "images"
LIST = "poster-ru.csv"


def take(page: Page, name: str, height: int) -> None:
    """Take a picture of the top of a page."""
    page.set_viewport_size({"width": 1200, "height": height})
    page.screenshot(path=IMAGES / f"page-{name}.png")


def main() -> int:
    """Go the way of a list and take the pictures."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "lists"
        folder.mkdir()
        shutil.copy(ROOT / "samples" / "exports" / LIST, folder)
        state = {"CLOPOS_STATE_DIR": str(Path(name) / "state")}
        with (
            sandbox_and_fork_server() as clopos,
            command_ui(folder, "--lang", "en", env=clopos.env | state) as served,
            chromium() as browser,
        ):
            clopos.sandbox("customers", {"name": "Aysel Demo", "phone": "+79000000001"})
            page = browser.new_context(reduced_motion="reduce").new_page()
            page.goto(served.link)
            page.get_by_role("link", name=LIST).click()
            take(page, "columns", 760)
            page.get_by_role("button", name="That is right: continue").click()
            take(page, "questions", 640)
            page.get_by_role("button", name="They are numbers of Russia").click()
            page.goto(f"{served.root}sheets/{LIST}/problems")
            take(page, "problems", 760)
            page.goto(f"{served.root}sheets/{LIST}/plan")
            page.get_by_role("button", name="Ask Clopos and plan").click()
            page.get_by_role("button", name="Send 10 customers").wait_for(timeout=60_000)
            take(page, "plan", 860)
            page.get_by_role("link", name="side by side").click()
            take(page, "conflicts", 760)
    return 0


if __name__ == "__main__":
    sys.exit(main())
