"""Two ways to use a page in Chromium: by mouse, and by keyboard alone.

Controls are found by role and action, so the code is the same in every language.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from playwright.sync_api import TimeoutError as NothingCame

from tests.ui.browsing import WAIT

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import FileChooser, Page

_MOST_TABS = 400
_MOST_PRESSES = 5


class Hand(Protocol):
    """Interface of the ways to use a page."""

    def press(self, page: Page, control: str) -> None:
        """Press a button or follow a link."""

    def tick(self, page: Page, box: str) -> None:
        """Tick a box."""

    def write(self, page: Page, field: str, text: str) -> None:
        """Replace the text of a field, and press Enter."""

    def give(self, page: Page, path: Path) -> None:
        """Give a file to the first page."""


class Mouse:
    """The mouse; text is typed."""

    def press(self, page: Page, control: str) -> None:
        page.locator(control).first.click()

    def tick(self, page: Page, box: str) -> None:
        page.locator(box).check()

    def write(self, page: Page, field: str, text: str) -> None:
        page.locator(field).fill(text)
        page.locator(field).press("Enter")

    def give(self, page: Page, path: Path) -> None:
        """Drop a file onto the page."""
        data = page.evaluate_handle(
            """([bytes, name]) => {
                const data = new DataTransfer();
                data.items.add(new File([new Uint8Array(bytes)], name));
                return data;
            }""",
            [list(path.read_bytes()), path.name],
        )
        page.dispatch_event("main", "dragover", {"dataTransfer": data})
        page.dispatch_event("main", "drop", {"dataTransfer": data})


class Keyboard:
    """Tab, Enter, Space and letters."""

    def press(self, page: Page, control: str) -> None:
        tab_to(page, control)
        page.keyboard.press("Enter")

    def tick(self, page: Page, box: str) -> None:
        tab_to(page, box)
        page.keyboard.press("Space")

    def write(self, page: Page, field: str, text: str) -> None:
        tab_to(page, field)
        page.keyboard.press("Control+A")
        page.keyboard.insert_text(text)
        page.keyboard.press("Enter")

    def give(self, page: Page, path: Path) -> None:
        page.wait_for_load_state()
        page.on("filechooser", _keep_for_the_test)
        tab_to(page, "#file")
        for left in reversed(range(_MOST_PRESSES)):
            try:
                with page.expect_file_chooser(timeout=WAIT / _MOST_PRESSES) as chooser:
                    page.keyboard.press("Space")
            except NothingCame:
                # Chromium opens no chooser if seconds pass between pressing and releasing the key.
                if not left:
                    raise
            else:
                chooser.value.set_files(path)
                return


def _keep_for_the_test(chooser: FileChooser) -> None:
    """Keep Chromium from opening a file chooser of its own.

    Playwright's `expect_file_chooser` alone asks for it at the moment of the key press, and on a
    busy machine Chromium may handle the key first.
    """


def tab_to(page: Page, control: str) -> None:
    """Press Tab until the first such control has the focus."""
    wanted = page.locator(control).first
    wanted.wait_for()
    for _ in range(_MOST_TABS):
        page.keyboard.press("Tab")
        if wanted.evaluate("element => element === document.activeElement"):
            return
    raise AssertionError(f"no way by Tab to {control}")
