"""Output for people: blocks, bars, plain lines; the width of letters."""

from __future__ import annotations

import contextlib
import functools
import io
import os
import pty
import re
import time
from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from importer.cli.progress_bars import SendingBar
from importer.cli.render import COLUMNS, error_lines
from importer.cli.render_plan import plan_lines
from importer.cli.render_results import result_lines
from importer.cli.render_sheet import found_lines, understood_lines
from importer.cli.terminal import Tempo, Terminal
from importer.cli.view import View
from importer.cli.width import cut, pad, width, wrap
from importer.errors import UsageError
from importer.matching.verdicts import Reason
from importer.pipeline import SheetOptions
from importer.pipeline.prepare import Prepared, prepare
from importer.plan.cost import Price
from importer.plan.decide import Approach, Clash, Compared, Decided, Plan
from importer.progress import NullReporter, SendProgress
from importer.records import Outcome, Status
from importer.results.summary import Summary, Target
from importer.results.wording import duration

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import TextIO

EXPORTS = Path(__file__).parents[2] / "samples" / "exports"
NOW = datetime(2026, 11, 24, 23, 30, tzinfo=UTC)
TARGET = Target("demo", "1", "https://clopos.example/open-api", 2)
MIXED = st.text(st.sampled_from("ab əİЖш 漢字ｱe\u0301👍\u200b"), max_size=40)


@functools.cache
def prepared(name: str) -> Prepared:
    return prepare(EXPORTS / name, SheetOptions(), today=date(2026, 11, 24))


def price(creates: int, minutes: float | None) -> Price:
    return Price(creates, 0, 1, minutes)


def plan(creates: int, minutes: float | None = 1.0) -> Plan:
    return planned(range(creates), price(creates, minutes))


def planned(
    rows: Sequence[int],
    cost: Price,
    *,
    outcomes: tuple[Outcome, ...] = (),
    held_back: int = 0,
    differing: dict[str, int] | None = None,
    clashes: tuple[Clash, ...] = (),
    compared: Compared | None = None,
) -> Plan:
    decided = Decided(rows, {}, outcomes, held_back, {}, differing or {}, clashes)
    return Plan(decided, cost, compared or Compared(Approach.LIST))


class Screen:
    """A terminal of 80 columns that keeps the text written to it."""

    def __init__(self) -> None:
        self._written = b""
        self._ours, theirs = pty.openpty()
        self.stream: TextIO = os.fdopen(theirs, "w", encoding="utf-8")

    def text(self) -> str:
        """Return all text written so far."""
        self.stream.flush()
        os.set_blocking(self._ours, False)
        with contextlib.suppress(OSError):
            while part := os.read(self._ours, 65536):
                self._written += part
        return self._written.decode(errors="replace")


@pytest.fixture
def screen() -> Iterator[Screen]:
    screen = Screen()
    yield screen
    screen.stream.close()
    os.close(screen._ours)


@given(MIXED, st.integers(1, 40))
def test_text_is_cut_and_filled_to_the_columns_it_takes(text: str, columns: int) -> None:
    assert width(pad(text, columns)) == columns
    assert width(cut(text, columns)) <= columns
    assert cut(text, columns) == text or cut(text, columns).endswith("…")


@given(MIXED, st.integers(10, 40))
def test_wrapped_text_loses_no_word(text: str, columns: int) -> None:
    lines = wrap(text, columns, "  - ")
    assert " ".join(line[4:] for line in lines) == text
    assert all(width(line) <= columns or " " not in line[4:] for line in lines)


@pytest.mark.parametrize(
    ("text", "columns"), [("漢字", 4), ("e\u0301", 1), ("Əli", 3), ("Анна", 4), ("a\u200bb", 2)]
)
def test_wide_letters_take_two_columns_and_combining_marks_none(text: str, columns: int) -> None:
    assert width(text) == columns


@pytest.mark.usefixtures("untraced")
@pytest.mark.parametrize("name", ["az-excel.csv", "poster-ru.csv", "iiko-ru.xlsx", "square.csv"])
def test_no_line_of_a_block_is_longer_than_the_screen(name: str) -> None:
    sheet = prepared(name)
    lines = [*understood_lines(sheet.sheet, sheet.mapping), *found_lines(sheet)]
    assert max(map(width, lines)) <= COLUMNS
    assert [line for line in lines if not line.startswith("  ")] == ["Understood", "Found"]


def test_mapping_is_shown_with_its_match_share_and_two_sample_values() -> None:
    sheet = prepared("az-excel.csv")
    lines = understood_lines(sheet.sheet, sheet.mapping)
    assert "  gender         ← Cinsi          97%  Kişi · K" in lines


def test_problems_are_grouped_with_rows_and_a_hint() -> None:
    lines = found_lines(prepared("az-excel.csv"))
    assert "  - gender: not a known word for a gender (2 rows: 36 «ailə», 66 «?»)" in lines
    assert "    → write male or female, or empty it" in lines
    rounded = "phone: rounded by a spreadsheet, the digits are gone (3 rows: 5, 67, 83 «9,945E+11»)"
    assert rounded in re.sub(r"\n    (?!→)", " ", "\n".join(lines))


def test_rows_that_are_no_customers_are_shown_with_the_reason(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text("Name;Phone\nA;;x\nB;;\nC;;y\nTotal;3\n", encoding="utf-8")
    lines = found_lines(prepare(path, SheetOptions(), today=date(2026, 11, 24)))
    assert "  - row: a total, not a customer (1 row: 5)" in lines
    moved = "more cells than the header has: its values have moved (2 rows: 2, 4)"
    assert moved in " ".join(" ".join(lines).split())


def test_problem_lists_its_first_ten_rows(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text("Name;Phone\n" + "".join(f"A{n};x\n" for n in range(23)), encoding="utf-8")
    found = prepare(path, SheetOptions(), today=date(2026, 11, 24))
    text = " ".join(" ".join(found_lines(found)).split())
    assert "(23 rows: 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 «x», 13 more in the results)" in text


def test_values_left_out_are_reported() -> None:
    options = SheetOptions(drop_bad_values=True)
    sheet = prepare(EXPORTS / "az-excel.csv", options, today=date(2026, 11, 24))
    text = "not a known word for a gender (2 rows: 36 «ailə», 66 «?»): sent without it"
    assert f"- gender: {text}" in re.sub(r"\n    (?!→)", " ", "\n".join(found_lines(sheet)))


def test_plan_shows_its_requests_and_its_end() -> None:
    assert plan_lines(plan(1200, 4.44), NOW)[1:] == [
        "  1,200 rows to create",
        "  1,201 requests, about 4 minutes, done at 23:34",
    ]
    kept = planned(range(9), Price(9, 0, 1, 1.0, reserve=0.125))
    assert plan_lines(kept, NOW)[2:] == [
        "  10 requests, about 60 seconds, done at 23:31",
        "  12.5% of the quota is left for the tills",
    ]
    assert plan_lines(plan(9, 60.0), NOW)[2].endswith("done at 2026-11-25 00:30")
    assert plan_lines(plan(1, None), NOW)[1:] == ["  1 row to create", "  2 requests"]
    assert plan_lines(planned((), Price(0, 0, 0, 0.0)), NOW)[1:] == ["  0 rows to create"]


def test_plan_counts_the_rows_that_are_not_sent() -> None:
    statuses = [
        Status.EXISTS,
        Status.CONFLICT,
        Status.CONFLICT,
        Status.DUPLICATE,
        Status.UNKNOWN,
    ]
    outcomes = tuple(Outcome(n, status) for n, status in enumerate(statuses))
    lines = plan_lines(planned((), price(0, None), outcomes=outcomes, held_back=2), NOW)
    assert lines[2:7] == [
        "  1 is at Clopos already",
        "  1 repeats an earlier row",
        "  2 need a decision",
        "  1 of an earlier run is still uncertain",
        "  2 held back by --limit",
    ]


@pytest.mark.parametrize(
    ("compared", "words"),
    [
        (Compared(Approach.LIST, 20_000), ""),
        (Compared(Approach.LOOK_UP, 9_000_000, 33.0), "(reading all customers takes 33 minutes"),
        (Compared(Approach.BLIND), "may be created again"),
    ],
)
def test_plan_names_the_limits_of_the_comparison(compared: Compared, words: str) -> None:
    text = " ".join(plan_lines(planned(range(3), price(3, 1.0), compared=compared), NOW))
    assert (" ! " in text) is bool(words)
    assert words in re.sub(r"\s+", " ", text)


def test_result_block_ends_with_the_next_step() -> None:
    requests = {"total": 71, "throttled": 2}
    counts = {Status.CREATED: 69, Status.INVALID: 1}
    summary = Summary("x", counts, 70, seconds=16 * 60, results="x.csv", requests=requests)
    assert result_lines(summary) == [
        "Result",
        "  69 created  created in Clopos",
        "   1 invalid  not sent: a value needs fixing",
        "  71 requests in 16 minutes, asked to wait 2 times",
        "  → 1 row needs your attention: open x.csv and filter import_status for invalid",
    ]
    counts |= {Status.CONFLICT: 2, Status.PENDING: 40, Status.FAILED: 1}
    assert result_lines(summary)[-5:] == [
        "  → Run it again: 41 rows are still to be sent",
        "  → 3 rows need your attention: open x.csv and filter import_status for invalid,",
        "    conflict",
        "  → Decide about 2 conflicts: write same, other or skip into a column",
        "    import_decision of x.csv and run that file",
    ]
    counts |= {Status.CONFLICT: 0, Status.INVALID: 0, Status.UNKNOWN: 1}
    assert result_lines(summary)[-2:] == [
        "  → Run it again: 1 row is open and will be settled first",
        "  → The outcome of every row: x.csv",
    ]
    assert result_lines(Summary("x", {Status.READY: 0}, results="x.csv")) == [
        "Result",
        "  no rows",
        "  → The outcome of every row: x.csv",
    ]


def test_error_has_three_parts_within_80_columns() -> None:
    error = UsageError("It broke", why="because " * 20, fix="mend it")
    lines = error_lines(error)
    assert (lines[0], lines[-1]) == ("Error: It broke", "  fix: mend it")
    assert max(map(len, lines)) <= COLUMNS
    assert error_lines(UsageError("It broke")) == ["Error: It broke"]
    assert len(error_lines(error, None)) == 3


def test_error_in_a_log_has_one_line_for_each_part() -> None:
    stream = io.StringIO()
    Terminal(stream, env={}).complain(UsageError("It broke", why="because " * 20))
    assert len(stream.getvalue().splitlines()) == 2


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.04, "0.0 seconds"),
        (12.3, "12 seconds"),
        (240, "4 minutes"),
        (5.6 * 3600, "5 h 36 min"),
    ],
)
def test_duration_is_rounded_for_people(seconds: float, words: str) -> None:
    assert duration(seconds) == words


@pytest.mark.parametrize(
    ("env", "coloured"),
    [({}, False), ({"FORCE_COLOR": "1"}, True), ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False)],
)
def test_colours_follow_terminal_and_environment(env: dict[str, str], coloured: bool) -> None:
    stream = io.StringIO()
    Terminal(stream, env=env).show(["Plan", "  one row"])
    assert ("\033[" in stream.getvalue()) is coloured
    assert stream.getvalue().endswith("\n  one row\n")


def test_control_characters_of_a_sheet_are_not_sent_to_the_terminal(screen: Screen) -> None:
    """They would move the cursor or change colours: a sheet may be hostile."""
    terminal = Terminal(screen.stream, env={"TERM": "xterm", "NO_COLOR": "1"})
    terminal.say("a\x1b[2Jb")
    terminal.show(["A\rB", "  «\x9b31m» \u202ecode"])
    terminal.complain(UsageError("no\x07", why="\x1b]0;x"))
    with terminal.step("reading \x1b[2J.csv"):
        pass
    assert [letter for letter in screen.text() if letter in "\x1b\x07\x9b\u202e"] == []


def test_headings_are_bold_and_errors_are_red_on_a_terminal(screen: Screen) -> None:
    shown = Terminal(screen.stream, env={})
    shown.show(["Plan"])
    shown.complain(UsageError("no"))
    assert screen.text() == "\033[1mPlan\033[0m\r\n\033[1;31mError: no\033[0m\r\n"


def test_sending_shows_rows_time_left_and_uncertain_rows(screen: Screen) -> None:
    shown = Terminal(screen.stream, env={}, tempo=Tempo(steady=0.0))
    counts = {Status.CREATED: 499, Status.CONFLICT: 1}
    with shown.watch_sending():
        shown.sending(SendProgress(1000, counts, 270.0, throttled=2, uncertain=3))
    last = next(line for line in screen.text().split("\r") if "500/1000" in line)
    assert "sending 50% |" in last
    assert "/min, 2 minutes left, 1" in last
    assert width(last) <= COLUMNS


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"pause": 42.5}, "sending: 1 of 2 rows, Clopos asks to wait 42 seconds"),
        (
            {"uncertain": 1},
            "sending: 1 of 2 rows, waiting before 1 uncertain row is checked, 1 uncertain",
        ),
        ({"throttled": 1}, "sending: 1 of 2 rows, 0.2 seconds left, 429: 1"),
    ],
)
def test_progress_is_a_plain_line_without_a_terminal(facts: dict[str, Any], words: str) -> None:
    stream = io.StringIO()
    shown = Terminal(stream, env={}, tempo=Tempo(line_every=0.01), clock=lambda: 0.0)
    with shown.watch_sending():
        shown.sending(SendProgress(2, {Status.CREATED: 1}, 300.0, **facts))
        _until(lambda: words in stream.getvalue())
    assert words in stream.getvalue().splitlines()


def test_forecast_is_replaced_by_no_progress_while_no_row_ends_for_long(screen: Screen) -> None:
    now = [0.0]
    terminal = Terminal(screen.stream, env={"CI": "1"}, clock=lambda: now[0])
    sending = SendingBar(terminal)
    sending.update(SendProgress(5, {}, 90.0, left=0.0))
    assert sending.facts() == ["0.0 seconds left"]
    now[0] = 11.0
    assert sending.facts() == ["no progress for 11 seconds"]
    sending.update(SendProgress(5, {Status.CREATED: 1}, 90.0, left=0.0))
    assert sending.facts() == ["5/min", "0.0 seconds left"]
    slow = SendingBar(terminal)
    slow.update(SendProgress(5, {}, 2.0, left=60.0))
    now[0] += 50
    assert slow.facts() == ["10 seconds left"]


@pytest.mark.parametrize("env", [{"CI": "true"}, {"TERM": "dumb"}])
def test_progress_is_plain_lines_in_ci_and_where_nothing_can_move(
    screen: Screen, env: dict[str, str]
) -> None:
    terminal = Terminal(screen.stream, env=env, tempo=Tempo(line_every=0.001))
    terminal.complain(UsageError("no file", why="it went " + "far " * 30 + "away"))
    with terminal.step("reading x.csv") as progress:
        progress(1, of=2)
        _until(lambda: "reading x.csv … 1/2 (" in screen.text())
    lines = screen.text().replace("\r\n", "\n").splitlines()
    assert lines[1].endswith("far away")  # one line, for the search below
    assert not set("".join(lines)) & {"\x1b", "\r"}


def _until(true: object, seconds: float = 10.0) -> None:
    """Wait for a condition that another thread makes true at once."""
    assert callable(true)
    end = time.monotonic() + seconds
    while not true() and time.monotonic() < end:
        os.sched_yield()


def test_long_wait_shows_its_step_and_progress(screen: Screen) -> None:
    shown = Terminal(screen.stream, env={}, tempo=Tempo(move_every=0.005, move_after=0.0))
    with shown.step("reading x.csv") as progress:
        _until(lambda: "reading x.csv … 00:00" in screen.text())
        progress(25, 100, what="reading what is at Clopos")
        _until(lambda: "25/100" in screen.text())
    assert "reading what is at Clopos 25% |" in screen.text()


def test_long_wait_in_plain_lines_shows_its_step() -> None:
    stream = io.StringIO()
    with Terminal(stream, env={}, tempo=Tempo(line_every=0.005)).step("reading") as progress:
        progress(5, 10)
        _until(lambda: "reading … 5/10 (0.0 seconds)" in stream.getvalue())
    assert "reading … 5/10 (0.0 seconds)\n" in stream.getvalue()


def test_short_wait_shows_no_step(screen: Screen) -> None:
    with Terminal(screen.stream, env={}).step("reading"):
        pass
    assert screen.text() == ""


@pytest.mark.parametrize(
    ("answer", "goes"), [("y\n", True), ("Yes\n", True), ("\n", False), ("", False)]
)
def test_sending_needs_a_yes(monkeypatch: pytest.MonkeyPatch, answer: str, goes: bool) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(answer))
    stream = io.StringIO()
    assert (
        View(Terminal(stream, env={}), ask=True).confirm_plan(plan(3), TARGET, dry_run=False)
        is goes
    )
    question = " ".join(stream.getvalue().split())
    assert question.endswith(f"Send 3 customers {TARGET.text}? [y/N]")


def test_time_of_answering_is_not_part_of_the_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = [0.0]

    def slowly() -> str:
        now[0] += 60
        return "y\n"

    monkeypatch.setattr("sys.stdin", SimpleNamespace(readline=slowly))
    terminal = Terminal(io.StringIO(), env={}, clock=lambda: now[0])
    view = View(terminal, ask=True)
    assert view.confirm_plan(plan(3), dry_run=False)
    assert view.confirm_plan(plan(3), dry_run=False)
    assert terminal.prompt_seconds == 120


@pytest.mark.parametrize(
    ("ask", "dry_run", "rows"), [(False, False, 3), (True, True, 3), (True, False, 0)]
)
def test_no_question_is_asked_without_rows_or_in_a_dry_run(
    ask: bool, dry_run: bool, rows: int
) -> None:
    stream = io.StringIO()
    assert View(Terminal(stream, env={}), ask=ask).confirm_plan(plan(rows), dry_run=dry_run)
    assert ("a dry run: nothing is sent" in stream.getvalue()) is dry_run
    assert "[y/N]" not in stream.getvalue()


def test_terminal_shows_the_blocks_understood_and_found() -> None:
    stream = io.StringIO()
    View(Terminal(stream, env={})).prepare(EXPORTS / "az-excel.csv", SheetOptions(), "")
    heads = [line for line in stream.getvalue().splitlines() if line and line[0] != " "]
    assert heads == ["Understood", "Found"]


def test_null_reporter_accepts_every_event_and_shows_nothing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    null = NullReporter()
    null.say("x")
    null.sending(SendProgress(2))
    with null.step("x") as progress:
        progress(1, 2, what="x")
    assert capsys.readouterr() == ("", "")


def test_plan_explains_differences_and_conflicts() -> None:
    outcomes = (
        Outcome(2, Status.EXISTS, message="…"),
        *(Outcome(n, Status.CONFLICT) for n in (3, 4)),
    )
    clashes = (
        Clash("phone", Reason.OTHER_NAME, 1, (3,)),
        Clash(None, Reason.SAME_NAME, 9, (4, 5, 6, 7, 8)),
    )
    made = planned(
        (),
        Price(0, 0, 0, 0.0),
        outcomes=outcomes,
        differing={"email": 2, "gender": 1},
        clashes=clashes,
    )
    assert plan_lines(made, NOW)[2:] == [
        "  1 is at Clopos already",
        "  - with another value there: email 2, gender 1",
        "  2 need a decision",
        "  - the phone belongs to another customer, with another name (1 row: 3)",
        "  - maybe another customer: the same name (9 rows: 4, 5, 6, 7, 8, …)",
    ]


def test_plan_shows_whether_a_deadline_is_met() -> None:
    end = NOW.timestamp()
    met = Price(1200, 2, 1, 4.44, end + 266, end + 3600, 1200)
    missed = Price(1200, 2, 1, 4.44, end + 9000, end + 3600, 700)
    assert plan_lines(planned(range(1200), met), NOW)[2:] == [
        "  1,203 requests, about 4 minutes, done at 23:34",
        "  - 1,200 to create, 2 to read, 1 to sign in",
        "  done by 2026-11-25 00:30: it fits",
    ]
    lines = plan_lines(planned(range(1200), missed), NOW)
    assert lines[2].endswith("done at 2026-11-25 02:00")
    told = " ".join(line.strip() for line in lines[4:])
    assert told == (
        "will not finish by 2026-11-25 00:30: 700 rows will be created by then; run it "
        "again: it continues"
    )
