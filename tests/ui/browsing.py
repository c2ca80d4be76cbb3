"""The real command `ui`, and the Chromium of this machine that opens its pages."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect, sync_playwright

from tests.cli_process import PROGRAM

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, ConsoleMessage, Page

FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run "
    "--disable-background-networking --disable-component-update --disable-sync"
).split()

WAIT = 90_000
"""Milliseconds that a page gets for anything: beside other tests, seconds are common."""
expect.set_options(timeout=WAIT)


@dataclass
class Served:
    """A folder served by the command; `link` admits one browser, once."""

    link: str
    process: subprocess.Popen[str]

    @property
    def root(self) -> str:
        """Return the address of the first page."""
        return self.link.partition("enter?")[0]

    def new_link(self) -> str:
        """Press Enter in the terminal and return the new link."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return next(line.strip() for line in self.process.stdout if "enter?" in line)


@contextlib.contextmanager
def command_ui(folder: Path, *arguments: str, env: dict[str, str]) -> Iterator[Served]:
    """Run `clopos-import ui` in a folder until the block ends."""
    with subprocess.Popen(
        [*PROGRAM, "ui", str(folder), "--no-open", "--port", "0", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | env,
    ) as process:
        assert process.stdout
        try:
            yield Served(process.stdout.readline().strip(), process)
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
                try:
                    process.wait(20)
                except subprocess.TimeoutExpired:
                    process.kill()


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """Start the Chromium of this machine; skip the test where there is none."""
    if not (path := shutil.which("chromium")):
        pytest.skip("there is no chromium on this machine (Debian: apt-get install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@dataclass
class Watched:
    """Forbidden acts of a page: requests to other hosts, messages in the console."""

    root: str
    elsewhere: list[str] = field(default_factory=list)
    console: list[str] = field(default_factory=list)

    def watch(self, page: Page) -> Page:
        """Record the forbidden acts of a page from now on."""
        page.on("request", lambda request: self._asked(request.url))
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.console.append(str(error)))
        return page

    def _said(self, message: ConsoleMessage) -> None:
        if message.type != "debug":  # advice about forms of passwords
            self.console.append(message.text)

    def _asked(self, url: str) -> None:
        if not url.startswith((self.root, "blob:", "data:")):
            self.elsewhere.append(url)


def new_page(browser: Browser, served: Served, watched: Watched, **options: Any) -> Page:
    """Open a page in a new browser context with a new link."""
    context = browser.new_context(reduced_motion="reduce", **options)  # no transitions of colours
    context.set_default_timeout(WAIT)
    page = watched.watch(context.new_page())
    page.goto(served.new_link())
    return page


def assert_open_to_everybody(page: Page) -> None:
    """Check a page with axe-core, light and dark, wide and narrow, and for reflow."""
    expect(page.locator("[data-stale]")).to_have_count(0)  # the page reloads itself with the counts
    for width, scheme in ((1280, "light"), (390, "dark"), (1280, "dark"), (390, "light")):
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        found = Axe().run(page)
        assert found.violations_count == 0, (page.url, width, scheme, found.generate_report())
    for width in (320, 1280):
        page.set_viewport_size({"width": width, "height": 900})
        beyond = page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        assert beyond <= 0, (page.url, width)
