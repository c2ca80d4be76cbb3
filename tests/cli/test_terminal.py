"""What a person sees: blocks, bars, plain lines; the width of letters."""

from __future__ import annotations

import io
import os
import pty
import re
import time
from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from importer.cli import terminal as terminal_module
from importer.cli.render import (
    COLUMNS,
    duration,
    error_lines,
    found_lines,
    happened_lines,
    plan_lines,
    understood_lines,
)
from importer.cli.terminal import Terminal
from importer.cli.width import cut, pad, width, wrap
from importer.errors import UsageError
from importer.pipeline.prepare import Prepared, SheetOptions, prepare
from importer.plan.decide import Clash, Plan, Price
from importer.progress import Live, Silent
from importer.records import Customer, MappingChoices, Outcome, Status

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TextIO

EXPORTS = Path(__file__).parents[2] / "samples" / "exports"
NOW = datetime(2026, 11, 24, 23, 30, tzinfo=UTC)
MIXED = st.text(st.sampled_from("ab əİЖш 漢字ｱe\u0301👍\u200b"), max_size=40)


def prepared(name: str) -> Prepared:
    return prepare(EXPORTS / name, SheetOptions(), today=date(2026, 11, 24))


def price(creates: int, minutes: float | None) -> Price:
    return Price(creates, 0, 1, minutes)


def plan(creates: int, minutes: float | None = 1.0) -> Plan:
    return Plan(range(creates), (), (), 0, price(creates, minutes))


class Screen:
    """A terminal of 80 columns that remembers what was written to it."""

    def __init__(self) -> None:
        self._ours, theirs = pty.openpty()
        self.stream: TextIO = os.fdopen(theirs, "w", encoding="utf-8")

    def text(self) -> str:
        """Close the terminal and return all that was written."""
        self.stream.flush()
        os.set_blocking(self._ours, False)
        parts = []
        try:
            while part := os.read(self._ours, 65536):
                parts.append(part)
        except (BlockingIOError, OSError):
            pass
        return b"".join(parts).decode()


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
def test_wide_letters_take_two_columns_and_marks_none(text: str, columns: int) -> None:
    assert width(text) == columns


@pytest.mark.parametrize("name", ["az-excel.csv", "poster-ru.csv", "iiko-ru.xlsx", "square.csv"])
def test_no_line_of_a_block_is_longer_than_the_screen(name: str) -> None:
    sheet = prepared(name)
    lines = [*understood_lines(sheet.sheet, sheet.mapping), *found_lines(sheet)]
    assert max(map(width, lines)) <= COLUMNS
    assert [line for line in lines if not line.startswith("  ")] == ["Understood", "Found"]


def test_the_mapping_is_shown_with_how_well_it_fits_and_two_values_that_differ() -> None:
    sheet = prepared("az-excel.csv")
    lines = understood_lines(sheet.sheet, sheet.mapping)
    assert "  gender         ← Cinsi          97%  Kişi · K" in lines


def test_problems_are_grouped_with_rows_and_a_hint() -> None:
    lines = found_lines(prepared("az-excel.csv"))
    assert "  - gender: not a known word for a gender (2 rows: 36 «ailə», 66 «?»)" in lines
    assert "    → write male or female, or empty it" in lines
    rounded = "phone: rounded by a spreadsheet, the digits are gone (3 rows: 5, 67, 83 «9,945E+11»)"
    assert rounded in re.sub(r"\n    (?!→)", " ", "\n".join(lines))


def test_rows_that_are_no_customers_say_why(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text("Name;Phone\nA;;x\nB;;\nC;;y\nTotal;3\n", encoding="utf-8")
    lines = found_lines(prepare(path, SheetOptions(), today=date(2026, 11, 24)))
    assert "  - row: a total, not a customer (1 row: 5)" in lines
    moved = "more cells than the header has: its values have moved (2 rows: 2, 4)"
    assert moved in " ".join(" ".join(lines).split())


def test_of_many_problems_ten_are_named(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text("Name;Phone\n" + "".join(f"A{n};x\n" for n in range(23)), encoding="utf-8")
    found = prepare(path, SheetOptions(), today=date(2026, 11, 24))
    text = " ".join(" ".join(found_lines(found)).split())
    assert "(23 rows: 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 «x», 13 more in the results)" in text


def test_what_is_left_out_is_said() -> None:
    options = SheetOptions(drop_bad_values=True)
    sheet = prepare(EXPORTS / "az-excel.csv", options, today=date(2026, 11, 24))
    text = "not a known word for a gender (2 rows: 36 «ailə», 66 «?»): sent without it"
    assert f"- gender: {text}" in re.sub(r"\n    (?!→)", " ", "\n".join(found_lines(sheet)))


def test_the_plan_tells_price_and_end() -> None:
    assert plan_lines(plan(1200, 4.44), NOW)[1:] == [
        "  1,200 rows to create",
        "  1,201 requests, about 4 minutes, done at 23:34",
    ]
    kept = Plan(range(9), (), (), 0, Price(9, 0, 1, 1.0, reserve=0.125))
    assert plan_lines(kept, NOW)[2:] == [
        "  10 requests, about 60 seconds, done at 23:31",
        "  12.5% of the quota is left for the tills",
    ]
    assert plan_lines(plan(9, 60.0), NOW)[2].endswith("done at 2026-11-25 00:30")
    assert plan_lines(plan(1, None), NOW)[1:] == ["  1 row to create", "  2 requests"]
    assert plan_lines(Plan((), (), (), 0, Price(0, 0, 0, 0.0)), NOW)[1:] == ["  0 rows to create"]


def test_the_plan_tells_what_is_known_without_sending() -> None:
    row = Customer(2, "cid", "Anna Demo")
    known = tuple(
        Outcome(n, status)
        for n, status in enumerate([Status.EXISTS, Status.CONFLICT, Status.CONFLICT])
    )
    lines = plan_lines(Plan((), (row,), known, 2, price(0, None)), NOW)
    assert lines[2:6] == [
        "  1 is at Clopos already",
        "  2 clash with other customers",
        "  1 of an earlier run is settled first",
        "  2 held back by --limit",
    ]


def test_what_happened_ends_with_what_to_do_next() -> None:
    requests = {"total": 71, "throttled": 2}
    summary = {"rows": 70, "created": 69, "invalid": 1, "results": "x.csv"}
    summary |= {"requests": requests, "seconds": 16 * 60}
    assert happened_lines(summary) == [
        "Happened",
        "  69 created  are at Clopos now",
        "   1 invalid  held back: a value needs mending",
        "  71 requests in 16 minutes, asked to wait 2 times",
        "  → 1 row needs you: open x.csv and filter import_status (invalid)",
    ]
    summary |= {"conflict": 2, "pending": 40, "failed": 1}
    assert happened_lines(summary)[-2:] == [
        "  → Run the same command again: 41 rows are still to be sent",
        "  → 3 rows need you: open x.csv and filter import_status (conflict, invalid)",
    ]
    summary |= {"conflict": 0, "invalid": 0, "unknown": 1}
    assert happened_lines(summary)[-2:] == [
        "  → Run the same command again: 1 row is open and will be settled first",
        "  → What became of every row: x.csv",
    ]
    done = {"ready": 0, "results": "x.csv"}
    assert happened_lines(done) == [
        "Result",
        "  no rows",
        "  → What became of every row: x.csv",
    ]


def test_an_error_has_three_parts_within_the_screen() -> None:
    error = UsageError("It broke", why="because " * 20, todo="mend it")
    lines = error_lines(error)
    assert (lines[0], lines[-1]) == ("Error: It broke", "  to do: mend it")
    assert max(map(len, lines)) <= COLUMNS
    assert error_lines(UsageError("It broke")) == ["Error: It broke"]
    assert len(error_lines(error, None)) == 3


def test_an_error_in_a_log_is_one_line_a_part() -> None:
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
def test_a_length_of_time_for_people(seconds: float, words: str) -> None:
    assert duration(seconds) == words


@pytest.mark.parametrize(
    ("env", "coloured"),
    [({}, False), ({"FORCE_COLOR": "1"}, True), ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False)],
)
def test_colours_where_they_are_wanted(env: dict[str, str], coloured: bool) -> None:
    stream = io.StringIO()
    Terminal(stream, env=env).show(["Plan", "  one row"])
    assert ("\033[" in stream.getvalue()) is coloured
    assert stream.getvalue().endswith("\n  one row\n")


def test_what_a_sheet_holds_moves_no_cursor(screen: Screen) -> None:
    """…and changes no colour: a sheet may come from anybody."""
    terminal = Terminal(screen.stream, env={"TERM": "xterm", "NO_COLOR": "1"})
    terminal.say("a\x1b[2Jb")
    terminal.show(["A\rB", "  «\x9b31m» \u202ecode"])
    terminal.complain(UsageError("no\x07", why="\x1b]0;x"))
    with terminal.busy("reading \x1b[2J.csv"):
        pass
    assert [letter for letter in screen.text() if letter in "\x1b\x07\x9b\u202e"] == []


def test_a_terminal_has_bold_headings_and_red_errors(screen: Screen) -> None:
    shown = Terminal(screen.stream, env={})
    shown.show(["Plan"])
    shown.complain(UsageError("no"))
    assert screen.text() == "\033[1mPlan\033[0m\r\n\033[1;31mError: no\033[0m\r\n"


def test_sending_shows_rows_time_left_and_what_is_open(
    screen: Screen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(terminal_module, "_STEADY", 0.0)
    shown = Terminal(screen.stream, env={})
    with shown.sending(1000, 270.0, lambda: Live(throttled=2, doubtful=3)) as count:
        for row in range(500):
            count(Outcome(row, Status.CREATED if row else Status.CONFLICT))
    last = next(line for line in screen.text().split("\r") if "500/1000" in line)
    assert "sending  50% |" in last
    assert "500/1000" in last
    assert "/min, 2 minutes left, 1" in last
    assert width(last) <= COLUMNS


@pytest.mark.parametrize(
    ("live", "words"),
    [
        (Live(pause=42.0), "sending: 1 of 2 rows, Clopos asks to wait 42 seconds"),
        (
            Live(doubtful=1),
            "sending: 1 of 2 rows, waiting until what is open must have landed, 1 open",
        ),
        (Live(throttled=1, doubtful=0), "sending: 1 of 2 rows, 0.2 seconds left, 429: 1"),
    ],
)
def test_plain_lines_where_there_is_no_terminal(
    monkeypatch: pytest.MonkeyPatch, live: Live, words: str
) -> None:
    monkeypatch.setattr(terminal_module, "_LINE_EVERY", 0.01)
    stream = io.StringIO()
    with Terminal(stream, env={}).sending(2, 300.0, lambda: live) as count:
        count(Outcome(2, Status.CREATED))
        _until(lambda: words in stream.getvalue())
    assert words in stream.getvalue().splitlines()


def test_a_forecast_that_nothing_bears_out_is_not_shown(screen: Screen) -> None:
    sending = terminal_module._Sending(
        Terminal(screen.stream, env={"CI": "1"}), 5, 90.0, lambda: Live(left=0.0)
    )
    assert sending.facts() == ["0.0 seconds left"]
    sending.last -= 11
    assert sending.facts() == ["nothing new for 11 seconds"]
    sending.count(Outcome(2, Status.CREATED))
    assert sending.facts() == ["0.0 seconds left"]
    slow = terminal_module._Sending(
        Terminal(screen.stream, env={"CI": "1"}), 5, 2.0, lambda: Live(left=60.0)
    )
    slow.last -= 80
    assert slow.facts() == ["60 seconds left"]


@pytest.mark.parametrize("env", [{"CI": "true"}, {"TERM": "dumb"}])
def test_plain_lines_in_ci_and_where_nothing_can_move(
    monkeypatch: pytest.MonkeyPatch, screen: Screen, env: dict[str, str]
) -> None:
    monkeypatch.setattr(terminal_module, "_LINE_EVERY", 0.001)
    terminal = Terminal(screen.stream, env=env)
    told: list[str] = []
    monkeypatch.setattr(terminal, "say", told.append)
    terminal.complain(UsageError("no file", why="it went " + "far " * 30 + "away"))
    with terminal.busy("reading x.csv") as progress:
        progress(1, of=2)
        _until(lambda: any(" 1/2 (" in line for line in told))
    assert told[-1].startswith("reading x.csv … 1/2 (")
    error = screen.text().replace("\r\n", "\n")
    assert error.splitlines()[1].endswith("far away")  # one line, to be searched
    assert not set(error) & {"\x1b", "\r"}


def _until(true: object, seconds: float = 10.0) -> None:
    """Wait for another thread, which the test gives work that takes no time."""
    assert callable(true)
    end = time.monotonic() + seconds
    while not true() and time.monotonic() < end:
        os.sched_yield()


def test_a_long_wait_shows_what_and_how_far(
    screen: Screen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(terminal_module, "_MOVE_EVERY", 0.005)
    monkeypatch.setattr(terminal_module, "_MOVE_AFTER", 0.0)
    shown = Terminal(screen.stream, env={})
    ticks: list[int] = []
    bar = shown.bar

    def counted(what: str, total: int | None) -> object:
        ticks.append(total or 0)
        return bar(what, total)

    monkeypatch.setattr(shown, "bar", counted)
    with shown.busy("reading x.csv") as progress:
        _until(lambda: ticks == [0])
        progress(25, 100, what="reading what is at Clopos")
        _until(lambda: ticks == [0, 100])
    text = screen.text()
    assert "reading x.csv … 00:00" in text
    assert "reading what is at Clopos  25% |" in text
    assert text.rstrip(" \r").endswith("25/100") or text.endswith("\r")


def test_a_long_wait_in_plain_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminal_module, "_LINE_EVERY", 0.005)
    stream = io.StringIO()
    with Terminal(stream, env={}).busy("reading") as progress:
        progress(5, 10)
        _until(lambda: "reading … 5/10 (0.0 seconds)" in stream.getvalue())
    assert "reading … 5/10 (0.0 seconds)\n" in stream.getvalue()


def test_a_short_wait_shows_nothing(screen: Screen) -> None:
    with Terminal(screen.stream, env={}).busy("reading"):
        pass
    assert screen.text() == ""


@pytest.mark.parametrize(
    ("answer", "goes"), [("y\n", True), ("Yes\n", True), ("\n", False), ("", False)]
)
def test_sending_is_asked_for(monkeypatch: pytest.MonkeyPatch, answer: str, goes: bool) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(answer))
    stream = io.StringIO()
    assert Terminal(stream, ask=True, env={}).planned(plan(3), dry_run=False) is goes
    assert stream.getvalue().endswith("Send them? [y/N] ")


def test_what_a_person_took_for_an_answer_is_no_part_of_the_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = [0.0]

    def slowly() -> str:
        now[0] += 60
        return "y\n"

    monkeypatch.setattr("sys.stdin", SimpleNamespace(readline=slowly))
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    terminal = Terminal(io.StringIO(), ask=True, env={})
    assert terminal.planned(plan(3), dry_run=False)
    assert terminal.planned(plan(3), dry_run=False)
    assert terminal.pondered == 120


@pytest.mark.parametrize(
    ("ask", "dry_run", "rows"), [(False, False, 3), (True, True, 3), (True, False, 0)]
)
def test_nothing_is_asked_where_there_is_nothing_to_decide(
    ask: bool, dry_run: bool, rows: int
) -> None:
    stream = io.StringIO()
    assert Terminal(stream, ask=ask, env={}).planned(plan(rows), dry_run=dry_run)
    assert ("a dry run: nothing is sent" in stream.getvalue()) is dry_run
    assert "[y/N]" not in stream.getvalue()


def test_both_viewers_show_the_whole_route() -> None:
    stream = io.StringIO()
    sheet = prepared("az-excel.csv")
    shown = Terminal(stream, env={})
    silent = Silent()
    for viewer in (shown, silent):
        chosen = viewer.agree(sheet.sheet, MappingChoices(), lambda _: sheet.mapping, None)
        assert chosen is sheet.mapping
        viewer.found(sheet)
    heads = [line for line in stream.getvalue().splitlines() if line and line[0] != " "]
    assert heads == ["Understood", "Found"]
    silent.say("x")
    assert silent.planned(plan(1), dry_run=False)
    with silent.busy("x") as progress, silent.sending(1, None, Live) as count:
        progress(1, 2, what="x")
        count(Outcome(2, Status.CREATED))


def test_the_plan_explains_what_differs_and_what_clashes() -> None:
    known = (Outcome(2, Status.EXISTS, message="…"), *(Outcome(n, Status.CONFLICT) for n in (3, 4)))
    clashes = (Clash(("phone",), 1, (3,)), Clash(("phone", "code"), 9, (4, 5, 6, 7, 8)))
    made = Plan((), (), known, 0, Price(0, 0, 0, 0.0), {"email": 2, "gender": 1}, clashes)
    assert plan_lines(made, NOW)[2:] == [
        "  1 is at Clopos already",
        "  - with another value there: email 2, gender 1",
        "  2 clash with other customers",
        "  - the phone belongs to a customer with another name (1 row: 3)",
        "  - phone and code belong to two different customers (9 rows: 4, 5, 6, 7, 8, …)",
    ]


def test_the_plan_says_whether_a_deadline_is_met() -> None:
    end = NOW.timestamp()
    met = Price(1200, 2, 1, 4.44, end + 266, end + 3600, 1200)
    missed = Price(1200, 2, 1, 4.44, end + 9000, end + 3600, 700)
    assert plan_lines(Plan(range(1200), (), (), 0, met), NOW)[2:] == [
        "  1,203 requests, about 4 minutes, done at 23:34",
        "  - 1,200 to create, 2 to read, 1 to sign in",
        "  done by 2026-11-25 00:30: it fits",
    ]
    lines = plan_lines(Plan(range(1200), (), (), 0, missed), NOW)
    assert lines[2].endswith("done at 2026-11-25 02:00")
    told = " ".join(line.strip() for line in lines[4:])
    assert told == (
        "not done by 2026-11-25 00:30: 700 rows are created until then, the same command carries on"
    )
