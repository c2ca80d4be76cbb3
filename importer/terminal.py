"""What a person sees while a run is under way, and at its end.

Everything here goes to standard error; standard output is for data.
"""

from __future__ import annotations

import contextlib
import sys
import time
from collections import Counter
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, TextIO

from tqdm import tqdm

from importer.problems import CATALOGUE, Level
from importer.records import FIELDS, Outcome, Status

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from importer.errors import ImporterError
    from importer.plan import Plan
    from importer.prepare import Prepared

_DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
_PLAIN_EVERY = 30.0  # seconds between two lines where there is no terminal
_EXAMPLES = 3  # rows named for each kind of problem


class Terminal:
    """Shows a run as text on `stream`; moving bars and questions only where that is a terminal."""

    def __init__(self, stream: TextIO | None = None, *, ask: bool = False) -> None:
        self.stream = stream or sys.stderr
        self.ask = ask
        self.moving = self.stream.isatty()

    def say(self, text: str) -> None:
        """Show one line."""
        tqdm.write(text, file=self.stream)

    @contextlib.contextmanager
    def busy(self, what: str) -> Iterator[None]:
        """Show what is under way, on a terminal only, and wipe it away at the end."""
        if not self.moving:
            yield
            return
        self.stream.write(f"{what} …\r")
        self.stream.flush()
        try:
            yield
        finally:
            self.stream.write(" " * (len(what) + 2) + "\r")

    def understood(self, prepared: Prepared) -> None:
        """Show the file, the columns with two sample values each, and what is wrong with rows."""
        for line in (*_file_lines(prepared), *_mapping_lines(prepared), *_found_lines(prepared)):
            self.say(line)

    def planned(self, plan: Plan, *, dry_run: bool) -> bool:
        """Show the plan and ask whether to go on, where somebody is there to answer."""
        for line in _plan_lines(plan):
            self.say(line)
        if dry_run:
            self.say("  a dry run: nothing is sent")
            return True
        if not (self.ask and plan.price.creates):
            return True
        self.stream.write("Nothing can be undone through the API. Send them? [y/N] ")
        self.stream.flush()
        return sys.stdin.readline().strip().lower() in {"y", "yes"}

    @contextlib.contextmanager
    def sending(self, total: int, per_minute: float | None) -> Iterator[Callable[[Outcome], None]]:
        """Show rows done, the rate, and the time left by the quota's arithmetic."""
        if not total:
            yield lambda _: None
        elif self.moving:
            with self._bar(total, per_minute) as show:
                yield show
        else:
            yield self._lines(total, per_minute)

    @contextlib.contextmanager
    def _bar(self, total: int, per_minute: float | None) -> Iterator[Callable[[Outcome], None]]:
        counts: Counter[Status] = Counter()
        form = "{desc} {percentage:3.0f}% |{bar}| {n_fmt}/{total_fmt} {postfix}"
        with tqdm(total=total, desc="sending", file=self.stream, bar_format=form) as bar:

            def show(outcome: Outcome) -> None:
                counts[outcome.status] += 1
                bar.set_postfix_str(
                    f"{_left(total - counts.total(), per_minute)} {_counted(counts)}", refresh=False
                )
                bar.update()

            bar.set_postfix_str(_left(total, per_minute))
            yield show

    def _lines(self, total: int, per_minute: float | None) -> Callable[[Outcome], None]:
        counts: Counter[Status] = Counter()
        due = time.monotonic() + _PLAIN_EVERY

        def show(outcome: Outcome) -> None:
            nonlocal due
            counts[outcome.status] += 1
            if time.monotonic() >= due:
                due = time.monotonic() + _PLAIN_EVERY
                done = counts.total()
                self.say(
                    f"sending: {done} of {total}, {_left(total - done, per_minute)} "
                    f"{_counted(counts)}".rstrip()
                )

        return show


def error_lines(error: ImporterError) -> list[str]:
    """Return an error in its three parts: what, why, what to do."""
    lines = [f"Error: {error.what}"]
    if error.why:
        lines.append(f"  why: {error.why}")
    if error.todo:
        lines.append(f"  to do: {error.todo}")
    return lines


def summary_lines(summary: Mapping[str, Any]) -> list[str]:
    """Return what happened and what to do next."""
    counts = {status: summary[status] for status in Status if status in summary}
    told = [f"{number} {status}" for status, number in counts.items() if number]
    lines = [f"{summary['rows']} rows: {', '.join(told) or 'nothing'}"]
    if requests := summary.get("requests"):
        lines.append(
            f"{requests['total']} requests in {duration(summary['seconds'])}, "
            f"{requests['throttled']} times asked to wait"
        )
    settled = {Status.CREATED, Status.EXISTS, Status.DUPLICATE, Status.READY}
    need = sum(number for status, number in counts.items() if status not in settled)
    if need:
        words = ", ".join(s for s, number in counts.items() if number and s not in settled)
        noun = "row needs" if need == 1 else "rows need"
        lines.append(
            f"{need} {noun} you: open {summary['results']} and filter import_status ({words})"
        )
    else:
        lines.append(f"What became of every row: {summary['results']}")
    return lines


def duration(seconds: float) -> str:
    """Return a length of time for people: `12 seconds`, `4 minutes`, `5 h 36 min`."""
    if seconds < 100:
        return f"{seconds:.0f} seconds" if seconds >= 2 else f"{seconds:.1f} seconds"
    minutes = round(seconds / 60)
    return f"{minutes} minutes" if minutes < 100 else f"{minutes // 60} h {minutes % 60} min"


def _left(rows: int, per_minute: float | None) -> str:
    return "" if per_minute is None else f"{duration(rows / per_minute * 60)} left"


def _counted(counts: Counter[Status]) -> str:
    told = [f"{number} {status}" for status, number in counts.items()]
    return f"({', '.join(told)})" if told else ""


def _file_lines(prepared: Prepared) -> list[str]:
    sheet = prepared.sheet
    facts = [
        sheet.kind.upper(),
        sheet.encoding,
        _DELIMITERS.get(sheet.delimiter, sheet.delimiter) if sheet.delimiter else None,
        f"sheet «{sheet.worksheet}»" if sheet.worksheet else None,
        f"header in row {sheet.header_row}",
        f"{len(sheet.table)} rows",
    ]
    return [f"{sheet.name}: {', '.join(filter(None, facts))}", *(f"  {n}" for n in sheet.notes)]


def _mapping_lines(prepared: Prepared) -> list[str]:
    sheet, mapping = prepared.sheet, prepared.mapping
    lines = []
    width = max((len(name) for name in mapping.columns), default=0)
    for name in FIELDS:
        positions = mapping.columns.get(name)
        if not positions:
            continue
        headers = " + ".join(sheet.headers[position] or "(no header)" for position in positions)
        samples = ", ".join(f"«{text}»" for text in _samples(prepared, positions))
        lines.append(f"  {name:<{width}}  ← {headers:<24}  {samples}".rstrip())
    lines += [f"  {note}" for note in mapping.notes]
    unused = [sheet.headers[position] for position in mapping.unused if sheet.headers[position]]
    if unused:
        lines.append(_fit(f"  not used: {', '.join(unused)}", 400))
    return lines


def _samples(prepared: Prepared, positions: tuple[int, ...]) -> list[str]:
    column = prepared.sheet.table[positions[0]].head(1000)
    texts = [" ".join(text.split()) for text in column.tolist() if text.strip()]
    return [_fit(text, 24) for text in texts[:2]]


def _found_lines(prepared: Prepared) -> list[str]:
    counts = Counter(outcome.status for outcome in prepared.outcomes.values())
    lines = [
        (
            f"Found: {len(prepared.values)} ready, {counts[Status.INVALID]} invalid, "
            f"{counts[Status.DUPLICATE]} duplicate"
        )
    ]
    groups: dict[tuple[str, str], list[int]] = {}
    for problem in prepared.problems:
        if CATALOGUE[problem.code].level is not Level.REMARK:
            groups.setdefault((problem.field, problem.code), []).append(problem.row)
    for (name, code), rows in sorted(groups.items(), key=lambda item: -len(item[1])):
        entry = CATALOGUE[code]
        where = ", ".join(str(row) for row in rows[:_EXAMPLES])
        more = ", …" if len(rows) > _EXAMPLES else ""
        noun = "row" if len(rows) == 1 else "rows"
        lines.append(f"  {name}: {len(rows)} {noun} {entry.title} ({noun} {where}{more})")
        if entry.hint:
            lines.append(f"    → {entry.hint}")
    return lines


def _plan_lines(plan: Plan) -> list[str]:
    counts = Counter(outcome.status for outcome in plan.known)
    parts = [f"{len(plan.to_send)} to create"]
    if there := counts[Status.EXISTS] + counts[Status.CREATED]:
        parts.append(f"{there} at Clopos already")
    if counts[Status.CONFLICT]:
        parts.append(f"{counts[Status.CONFLICT]} in conflict")
    if plan.doubtful:
        parts.append(f"{len(plan.doubtful)} of an earlier run to be settled first")
    if plan.held_back:
        parts.append(f"{len(plan.held_back)} held back by --limit")
    lines = [f"Plan: {', '.join(parts)}"]
    price = plan.price
    if price.requests:
        line = f"  {price.requests} requests"
        if price.minutes is not None:
            end = datetime.now().astimezone() + timedelta(minutes=price.minutes)
            line += f", about {duration(price.minutes * 60)}, done at {end:%H:%M}"
        lines.append(line)
    return lines


def _fit(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"
