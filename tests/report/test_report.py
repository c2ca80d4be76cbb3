"""The report page of a run in a real browser: it sorts, filters, and sends no request."""

from __future__ import annotations

import asyncio
import itertools
import json
import shutil
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from hypothesis import given
from hypothesis import strategies as st

from importer import i18n as messages
from importer.cli.main import run_command
from importer.clopos.stats import Timeline
from importer.errors import ServiceError, UsageError
from importer.pipeline import Output, check, run
from importer.records import RESULT_COLUMNS, Outcome, Status
from importer.report.charts import BAR, WIDTH, by_the_minute, way_of_rows
from importer.report.facts import Asked, Facts, Group, Sending
from importer.report.page import next_steps, render, write_report
from importer.report.tables import Line, Lines, from_results
from importer.sandbox import Config, serve
from tests.ui.browsing import chromium

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

EXPORTS = Path(__file__).parents[2] / "samples" / "exports"
WHEN = datetime(2026, 11, 24, 8, 30, tzinfo=UTC)
RUN = [s for s in Status if s is not Status.READY]
COLUMNS = {"name": ("Ad", "Soyad"), "phone": ("Telefon",), "code": ("Kod",)}


def facts(**changes: Any) -> Facts:
    """Return the facts of a run of 10,000 rows with every kind of outcome."""
    timeline = tuple((270, 0) for _ in range(20)) + ((12, 3), (0, 0), (0, 0)) + ((250, 0),) * 9
    requests = {"total": 7700, "posts": 7650, "reads": 40, "auths": 1, "throttled": 3}
    sending = Sending(7600, 12, 1, 29.0, 270.0, 300.0, requests, timeline)
    counts = {"created": 7540, "exists": 1900, "conflict": 3, "duplicate": 120, "invalid": 437}
    groups = (Group("phone", "invalid_phone", 437, (6, 7, 8)),)
    whole = Facts("müştərilər.csv", 10000, counts, groups, COLUMNS, 1900.0, "r.csv", sending, None)
    return replace(whole, **changes)


def line(row: int, status: Status, **outcome: Any) -> Line:
    cells = {"Ad": f"Demo {row}", "Soyad": "Əliyev", "Telefon": f"+99450{row:07}", "Kod": ""}
    return Line(Outcome(row, status, **outcome), cells)


def rows() -> Lines:
    held = {"field": "phone", "message": "the phone belongs to somebody else"}
    return Lines(
        [
            line(5, Status.CONFLICT, existing_id="1017", **held),
            line(12, Status.CONFLICT, existing_id="90", **held),
            line(101, Status.CONFLICT, existing_id="55", **held),
            line(6, Status.INVALID, message="Telefon «12»: not a phone number"),
            line(7, Status.INVALID, message="<script>alert(1)</script>"),
        ],
        {"90": 4, "55": 12},
    )


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Start the Chromium of this machine."""
    with chromium() as started:
        yield started


@pytest.fixture
def page_events() -> list[str]:
    """Return a list for the requests and console messages of a page."""
    return []


def open_report(
    browser: Browser, folder: Path, page_events: list[str], scheme: Any = "light", **options: Any
) -> Page:
    path = folder / "report.html"
    write_report(path, facts(), rows(), WHEN, **options)
    page = browser.new_page(viewport={"width": 1200, "height": 900}, color_scheme=scheme)
    page.on("request", lambda request: page_events.append(request.url))
    page.on("console", lambda message: page_events.append(message.text))
    page.goto(path.as_uri())
    assert page_events.pop(0) == path.as_uri()
    return page


def shown(page: Page) -> list[str]:
    return page.locator("table.sorts tbody tr:visible td:first-child").all_inner_texts()


def test_table_sorts_and_filters(browser: Browser, tmp_path: Path, page_events: list[str]) -> None:
    page = open_report(browser, tmp_path, page_events)
    assert shown(page) == ["5", "12", "101", "6", "7"]
    page.get_by_role("button", name="row").click()
    assert shown(page) == ["5", "6", "7", "12", "101"]
    page.keyboard.press("Enter")
    assert shown(page) == ["101", "12", "7", "6", "5"]
    assert page.locator("th[aria-sort=descending]").inner_text().startswith("row")
    page.get_by_label("status").select_option("conflict")
    assert shown(page) == ["101", "12", "5"]
    page.get_by_label("search").fill("ƏLIYEV 0000012")
    assert shown(page) == ["12"]
    assert page.locator("output").inner_text() == "1 / 5"
    page.get_by_label("search").fill("nobody")
    assert shown(page) == []
    assert page_events == []


def test_customer_id_links_to_its_row(
    browser: Browser, tmp_path: Path, page_events: list[str]
) -> None:
    page = open_report(browser, tmp_path, page_events)
    text = page.locator("#row-12").inner_text()
    assert "of customer 90" in text
    assert "= row 4 of this sheet" in text
    page.get_by_role("link", name="= row 12 of this sheet").click()
    assert page.url.endswith("#row-12")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1200, 360])
def test_report_page_has_no_accessibility_violations(
    browser: Browser, tmp_path: Path, page_events: list[str], scheme: str, width: int
) -> None:
    page = open_report(browser, tmp_path, page_events, scheme)
    page.set_viewport_size({"width": width, "height": 800})
    found = Axe().run(page).response["violations"]
    assert [each["id"] for each in found] == []
    # No element is wider than the screen.
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page_events == []


@pytest.mark.parametrize("language", ["az", "ru", "tr"])
def test_report_page_fits_a_phone_in_every_language(
    browser: Browser,
    tmp_path: Path,
    page_events: list[str],
    language: str,
) -> None:
    messages.set_language(language)
    page = open_report(browser, tmp_path, page_events)
    page.set_viewport_size({"width": 360, "height": 800})
    assert page.locator("html").get_attribute("lang") == language
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.get_by_role("button").first.click()
    assert shown(page) == ["5", "6", "7", "12", "101"]


def test_printed_page_is_dark_on_white_without_tools(
    browser: Browser, tmp_path: Path, page_events: list[str]
) -> None:
    page = open_report(browser, tmp_path, page_events, "dark")
    page.emulate_media(media="print")
    colour = page.evaluate("getComputedStyle(document.body).color")
    assert colour == "rgb(0, 0, 0)"
    assert not page.locator(".tools").is_visible()


def test_private_report_has_no_personal_data(
    browser: Browser, tmp_path: Path, page_events: list[str]
) -> None:
    page = open_report(browser, tmp_path, page_events, private=True)
    text = page.content()
    for word in ("Demo", "Əliyev", "+994", "«12»", "somebody"):
        assert word not in text
    assert shown(page) == ["5", "12", "101", "6", "7"]
    assert Axe().run(page).violations_count == 0


def test_markup_in_a_sheet_stays_text(tmp_path: Path) -> None:
    page = render(facts(file="<b>&.csv"), rows(), WHEN, private=False)
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert "&lt;b&gt;&amp;.csv" in page
    assert "default-src &#39;none&#39;" in page
    assert "with <code>--region</code>" in page  # in one piece
    with pytest.raises(ServiceError, match="can't be written"):
        write_report(tmp_path / "no" / "x.html", facts(), rows(), WHEN)


def test_report_of_a_hundred_thousand_rows_is_below_a_megabyte() -> None:
    """The number of shown rows is limited, so 20,000 conflicts stand for any number."""
    lines = Lines(
        [line(n, Status.CONFLICT, message="x" * 300) for n in range(2, 20_002)],
        {str(n): n for n in range(100_000)},
    )
    groups = tuple(Group("phone", "invalid_phone", 9, (2, 3, 4)) for _ in range(30))
    sending = replace(facts().sending or Sending(), timeline=((270, 1),) * 6000)
    page = render(facts(groups=groups, sending=sending), lines, WHEN, private=False)
    assert len(page.encode()) < 1_000_000
    assert "19,500 more are in r.csv" in page


@given(st.dictionaries(st.sampled_from(RUN), st.integers(0, 10**6), min_size=1))
def test_figure_of_stages_has_every_row(counts: dict[Status, int]) -> None:
    total = sum(counts.values())
    told = {str(status): number for status, number in counts.items()}
    stages = way_of_rows(total, told, checked=False)
    assert [stage.name for stage in stages] == ["sheet", "valid", "new", "created"]
    assert stages[0].number == total
    assert stages[-1].number == counts.get(Status.CREATED, 0)
    left = sum(part.number for stage in stages for part in stage.parts)
    assert left + stages[-1].number == total
    for stage, after in itertools.pairwise(stages):
        assert stage.kept == after.number
        assert after.y >= stage.y + BAR
        assert stage.kept_width <= WIDTH


@given(st.lists(st.tuples(st.integers(0, 300), st.integers(0, 5)), max_size=700))
def test_chart_of_requests_has_all_requests(timeline: list[tuple[int, int]]) -> None:
    buckets, top = by_the_minute(timeline, 300.0)
    assert len(buckets) <= 240
    assert sum(bucket.throttled for bucket in buckets) == sum(n for _, n in timeline)
    assert all(0 <= bucket.throttled_height <= bucket.height + 3 <= 103 for bucket in buckets)
    assert not timeline or top >= 300


def test_timeline_keeps_minutes_without_requests() -> None:
    now = [100.0]
    timeline = Timeline(lambda: now[0])
    timeline.count(throttled=False)
    now[0] += 59
    timeline.count(throttled=False)
    now[0] += 121
    timeline.count(throttled=True)
    assert timeline.minutes() == ((2, 0), (0, 0), (0, 0), (1, 1))
    assert timeline.seconds() == 180


def test_facts_are_unchanged_by_json() -> None:
    for whole in (facts(), facts(sending=None, error=("what", "", "fix"))):
        assert Facts.from_dict(json.loads(json.dumps(whole.as_dict()))) == whole


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"counts": {"unknown": 2}}, "2 rows are open"),
        ({"counts": {"pending": 1}}, "1 row is still to be sent"),
        ({"counts": {"conflict": 2}}, "Decide about 2 conflicts"),
        ({"counts": {"invalid": 1}}, "Fix 1 row in r.csv"),
        ({"counts": {"ready": 3}, "sending": None}, "clopos-import run müştərilər.csv"),
        ({"counts": {"created": 1, "duplicate": 2}}, "Nothing: every row is where"),
        ({"error": ("Clopos refuses", "no", "ask them")}, "Clopos refuses: no"),
    ],
)
def test_next_steps_follow_from_the_counts(changes: dict[str, Any], words: str) -> None:
    told = facts(**changes)
    assert any(step.startswith(words) or words in step for step in next_steps(told))
    assert words in render(told, Lines([], {}), WHEN, private=False).replace("&#39;", "'")


def test_report_of_a_run_without_requests_has_no_chart() -> None:
    requests = {"total": 0, "posts": 0, "reads": 0, "auths": 0, "throttled": 0}
    sending = Sending(0, 0, 0, 0.0, 270.0, 300.0, requests, ((0, 0),))
    page = render(facts(sending=sending), rows(), WHEN, private=False)
    assert "Requests a minute" not in page
    assert "Planned and actual" not in page
    assert "Created now" in page


def test_report_of_a_check_has_questions_and_losses_and_its_target(tmp_path: Path) -> None:
    sheet, path = tmp_path / "list.csv", tmp_path / "report.html"
    phones = "".join(f"Demo {n},+905321112{n:03}; 05{n},Bakı\n" for n in range(9))
    sheet.write_text(f"Name,Phone,City\n{phones}Ay?e,,\n", encoding="utf-8")
    env = {"CLOPOS_BRAND": "demo-brand", "CLOPOS_VENUE_ID": "7"}
    result = check(sheet, output=Output(report=path), env=env)
    page = " ".join(path.read_text("utf-8").split())
    assert "Would be sent to: brand demo-brand · venue 7 · https://" in page
    assert "Name: a letter was lost (? or �) before the sheet came here, 1 row" in page
    assert "the column City is not sent, 9 rows" in page
    assert ("Questions before anything is sent" in page) == bool(result.prepared.questions)


def test_report_with_open_questions_shows_their_answers(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    asked = Asked("Is <b> right?", 7, ("--accept a_b", "--region TR"))
    write_report(path, facts(questions=(asked,)), Lines((), {}), WHEN)
    page = path.read_text("utf-8")
    assert "Answer a question first: Is &lt;b&gt; right?" in page
    assert "<code>--accept a_b</code><br><code>--region TR</code>" in page


def test_facts_of_older_versions_are_read() -> None:
    old = facts().as_dict()
    for added in ("target", "questions", "losses", "unused"):
        del old[added]
    assert Facts.from_dict(json.loads(json.dumps(old))) == facts()
    full = facts(questions=(Asked("?", 1, ("--accept x",)),), unused=(("City", 3),))
    assert Facts.from_dict(json.loads(json.dumps(full.as_dict()))) == full


def test_check_writes_a_report(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    results = tmp_path / "results.csv"
    check(EXPORTS / "az-excel.csv", output=Output(results, report=path))
    page = path.read_text("utf-8")
    assert "63 of 81 rows can be sent" in page
    assert "row 36 «ailə»" in page
    assert "Requests a minute" not in page
    lines, counts = from_results(results, {36})
    assert counts == {"ready": 63, "invalid": 13, "conflict": 5}
    shown = Counter(each.outcome.status for each in lines.shown)
    assert shown == {Status.INVALID: 13, Status.CONFLICT: 5}


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("x.csv", None, "no results file"),
        ("x.csv", "a,b\n1,2\n", "is not a results file"),
        ("x.jsonl", "5\n", "is not a results file"),
        ("x.jsonl", "[1]\n", "is not a results file"),
        ("x.jsonl", "{", "can't be read"),
        ("x.csv", f"{','.join(RESULT_COLUMNS)},name\nx,created,,,,,,Anna\n", "is incomplete"),
    ],
)
def test_file_that_is_no_results_is_refused_for_a_report(
    tmp_path: Path, name: str, text: str | None, words: str
) -> None:
    path = tmp_path / name
    if text:
        path.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=words):
        from_results(path, ())


@pytest.mark.parametrize("private", [False, True])
def test_report_is_rebuilt_from_history_and_results(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, private: bool
) -> None:
    """If no journal has the run, it is rebuilt from the results alone."""
    sheet = tmp_path / "list.csv"
    sheet.write_text("name,phone\nAnar Demo,0500000001\nOrxan Demo,12\n", encoding="utf-8")
    results, state = tmp_path / "list.csv.results.csv", tmp_path / "state"
    arguments = ["report", str(sheet), *(["--report-private"] if private else [])]
    monkeypatch.setenv("CLOPOS_STATE_DIR", str(state))
    with ThreadPoolExecutor(1) as thread:  # the browser's event loop is in the main thread
        thread.submit(asyncio.run, _sent(sheet, state)).result()
        assert results.exists()
        later = [*arguments, "--to", str(tmp_path / "a.html")]
        assert thread.submit(run_command, later).result() == 0
        known = (tmp_path / "a.html").read_text("utf-8")
        shutil.rmtree(state)
        assert thread.submit(run_command, arguments).result() == 0
    assert "1 of 2 rows are at Clopos" in known
    assert "not a phone number" in known
    assert "Planned and actual" in known
    assert ("Orxan Demo" in known) is not private
    unknown = sheet.with_name("list.csv.report.html").read_text("utf-8")
    assert ("Orxan Demo" in unknown) is not private
    assert "1 of 2 rows are at Clopos" in unknown
    assert "Planned and actual" not in unknown


async def _sent(sheet: Path, state: Path) -> None:
    async with serve(Config(seed_customers=False)) as sandbox:
        env = sandbox.env(2) | {"CLOPOS_STATE_DIR": str(state)}
        result = await asyncio.to_thread(
            run, sheet, output=Output(Path(f"{sheet}.results.csv")), env=env
        )
    assert result.summary.as_dict()["created"] == 1
