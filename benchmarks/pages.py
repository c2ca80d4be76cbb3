"""Speed of the page in the browser with a large list: `python -m benchmarks.pages [ROWS]`.

The real command in a process of its own, asked over a real socket; no browser, so what a browser
needs to draw a page isn't in it. One row in ten has something wrong. It plans and sends into a
sandbox without limits, and stops on the way. `make bench` shows the table.
"""

from __future__ import annotations

import csv
import html
import http.cookiejar
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
import zlib
from contextlib import contextmanager
from pathlib import Path
from statistics import quantiles
from typing import TYPE_CHECKING, Any, NamedTuple

from benchmarks.data import customers
from benchmarks.sending import sandbox
from benchmarks.table import into_page
from importer.records import FIELDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

ACTS = 40
SHEET = "sheets/customers.csv/"
LOOK = 0.05  # seconds between two looks at a task


class Bar(NamedTuple):
    """A figure and the most that it should be; None: it is only told."""

    name: str
    value: float
    unit: str
    most: float | None = None


class Visitor:
    """A browser without a screen: it was let in by a link and sends the forms of pages."""

    def __init__(self, link: str) -> None:
        self.root = link.partition("enter?")[0]
        jar = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        self._opener = urllib.request.build_opener(jar)
        self.get(link)

    def get(self, address: str) -> str:
        """Return a page by its whole address or its path below the root."""
        whole = urllib.parse.urljoin(self.root, address)
        with self._opener.open(whole, timeout=300) as answer:
            return str(answer.read().decode())

    def post(self, address: str, form: Mapping[str, str], *, as_script: bool = False) -> str:
        """Send a form; return the page it leads to, or what the script gets."""
        headers = {"Sec-Fetch-Site": "same-origin"}
        if as_script:
            headers["Accept"] = "application/json"
        data = urllib.parse.urlencode(form).encode()
        request = urllib.request.Request(self.root + address, data, headers)  # noqa: S310
        with self._opener.open(request, timeout=300) as answer:
            return str(answer.read().decode())

    def state(self, kind: str) -> dict[str, Any]:
        """Return how the newest task of a kind stands, as the script asks for it."""
        found: dict[str, Any] = json.loads(self.get(f"state?kind={kind}&sheet=customers.csv"))
        return found

    def wait(self, kind: str, true: Callable[[dict[str, Any]], object]) -> float:
        """Wait until something is true of a task; return the seconds."""
        started = time.perf_counter()
        while not true(self.state(kind)):
            time.sleep(LOOK)
        return time.perf_counter() - started


def seconds(work: Callable[[], Any]) -> float:
    """Return how long it took."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def megabytes(process: subprocess.Popen[str]) -> float:
    """Return the most memory that a process ever had (Linux)."""
    status = Path(f"/proc/{process.pid}/status").read_text("ascii")
    found = re.search(r"VmHWM:\s+(\d+)", status)
    return int(found[1]) / 1024 if found else 0.0


def set_cells(visitor: Visitor, key: str) -> list[float]:
    """Give texts of one kind of problem new ones, one after the other; return the seconds."""
    page = visitor.get(f"{SHEET}problems/{key}")
    took = []
    forms = re.findall(r"<form.*?data-fix>(.*?)</form>", page, re.DOTALL)[:ACTS]
    for number, form in enumerate(forms):
        fields = dict(re.findall(r'name="(\w+)"(?: id="[^"]*")? value="([^"]*)"', form))
        fields |= {"do": "set", "is": f"fixed{number}@example.com"}
        took.append(seconds(lambda f=fields: visitor.post(f"{SHEET}fixes", f, as_script=True)))  # type: ignore[misc]
    return took


def ended(state: Mapping[str, Any]) -> bool:
    """Return whether a task has ended."""
    words = str(state["key"]).split()
    return bool(words) and words[-1] not in {"working", "pausing", "writing"}


def sent(state: Mapping[str, Any]) -> bool:
    """Return whether a run sends nothing any more."""
    return ended(state) or str(state["key"]).endswith(" writing")


@contextmanager
def page_of(rows: int, env: Mapping[str, str]) -> Iterator[tuple[subprocess.Popen[str], Visitor]]:
    """Serve a folder with a list of so many rows, from a process of its own."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "lists"
        folder.mkdir()
        with (folder / "customers.csv").open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([FIELDS, *customers(rows, bad=0.1)])
        project = folder / "clopos.toml"
        project.write_text('[options]\nrate = "none"\nmatch = "always"\n', encoding="utf-8")
        project.chmod(0o600)
        process = subprocess.Popen(
            [sys.executable, "-m", "importer", "ui", folder, "--no-open", "--port", "0"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **env, "CLOPOS_STATE_DIR": str(Path(name) / "state")},
        )
        try:
            assert process.stdout
            yield process, Visitor(process.stdout.readline().strip())
        finally:
            process.terminate()
            process.wait()


def measure(rows: int = 100_000) -> Iterator[Bar]:
    """Yield the figures of ui.md §4.12, in the order of a migration."""
    with sandbox() as clopos:
        started = time.perf_counter()
        with page_of(rows, clopos.env) as (process, visitor):
            yield Bar("from the command to the first page", time.perf_counter() - started, "s", 1.0)
            yield from _look(visitor)
            yield Bar("memory at most, before planning", megabytes(process), "MB", 450)
            yield from _send(visitor)
            yield Bar("memory at most", megabytes(process), "MB", 450)


def _look(visitor: Visitor) -> Iterator[Bar]:
    """Yield the figures of the pages about the list, and of fixes."""
    first = seconds(lambda: visitor.get(f"{SHEET}columns"))
    yield Bar("the list for the first time, pandas and reading included", first, "s")
    pages = ("columns", "questions", "problems", "customers", "rows")
    took = [seconds(lambda p=page: visitor.get(SHEET + p)) for page in pages for _ in range(5)]  # type: ignore[misc]
    yield Bar(f"{', '.join(pages)}: the slowest of five each", max(took), "s", 0.5)
    searched = seconds(lambda: visitor.get(f"{SHEET}rows?q=demo99"))
    yield Bar("a search in all rows", searched, "s")
    keys = re.findall(r"/problems/([\w.]+)\"", visitor.get(f"{SHEET}problems"))
    took = set_cells(visitor, next(each for each in keys if each.startswith("email")))
    yield Bar(
        f"setting a text to its answer, {len(took)} times, p95",
        quantiles(took, n=20)[-1],
        "s",
        0.15,
    )
    counted = seconds(lambda: visitor.get(SHEET + "questions"))
    yield Bar("all counts after the last of them", counted, "s", 2.5)
    sizes = (len(zlib.compress(visitor.get(SHEET + page).encode())) for page in pages)
    yield Bar("the largest page, packed", max(sizes) / 1024, "KB", 60)


def _send(visitor: Visitor) -> Iterator[Bar]:
    """Yield the figures of planning, of sending and of stopping on the way."""
    visitor.post(f"{SHEET}plan", {})
    yield Bar("planning", visitor.wait("plan", ended), "s")
    page = visitor.get(f"{SHEET}plan")
    form = {
        name: html.unescape(value)
        for name, value in re.findall(r'name="(plan|sure)" value="([^"]*)"', page)
    }
    visitor.post(f"{SHEET}run", {**form, "rows": "all"}, as_script=True)
    visitor.wait("run", lambda state: "created" in state["text"].get("live-counts", ""))
    pages = [seconds(lambda: visitor.get(f"{SHEET}rows")) for _ in range(5)]
    yield Bar("a page of rows while it sends, the slowest of five", max(pages), "s", 0.5)
    asked = seconds(lambda: visitor.post("run/pause", {}, as_script=True))
    yield Bar("stopping: the answer", asked, "s", 0.5)
    yield Bar("stopping: until nothing is sent any more", visitor.wait("run", sent), "s", 1.0)
    answers: list[float] = []

    def written(state: Mapping[str, Any]) -> bool:
        answers.append(seconds(lambda: visitor.get(f"{SHEET}run")))
        return ended(state)

    yield Bar("stopping: until the results are written", visitor.wait("run", written), "s")
    yield Bar("a page while they are written, the slowest", max(answers), "s", 0.3)
    yield Bar(
        "the results for the first time", seconds(lambda: visitor.get(f"{SHEET}results")), "s"
    )


def table(bars: list[Bar]) -> str:
    """Return the figures as a table in Markdown."""
    lines = ["| | measured | wanted |", "|---|---:|---:|"]
    for name, value, unit, most in bars:
        figure = f"{value:.2f}" if unit == "s" else f"{value:,.0f}"
        wanted = "" if most is None else f"≤ {most:g} {unit}"
        missed = " (no)" if most is not None and value > most else ""
        lines.append(f"| {name} | {figure} {unit} | {wanted}{missed} |")
    return "\n".join(lines)


if __name__ == "__main__":
    shown = table(list(measure(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)))
    print(shown)  # noqa: T201 - that is what it is for
    if "--readme" in sys.argv:
        into_page("the page in the browser", shown)
