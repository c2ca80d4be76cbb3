"""Facts and rows → the page."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from importer import __version__
from importer import i18n as messages
from importer.files import atomic_write
from importer.i18n import number, tr, trn
from importer.problems import CATALOGUE
from importer.records import Status
from importer.report import charts
from importer.report.facts import Sending
from importer.results.wording import duration, how_to_decide, meanings_of, run_again
from importer.text import shorten

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from importer.report.facts import Facts
    from importer.report.tables import Line, Lines

_FOLDER = Path(__file__).parent
_MOST = 500  # rows shown one by one; the results file has all of them
_VALUE = 80  # letters of a value
_FLAG = re.compile(r"--[a-z][a-z-]+")
_DONE = (Status.CREATED, Status.EXISTS, Status.DUPLICATE, Status.READY)


@dataclass(frozen=True, slots=True)
class _Example:
    row: int
    value: str


def write_report(
    path: Path,
    facts: Facts,
    lines: Lines,
    when: datetime,
    *,
    private: bool = False,
    mode: int | None = None,
) -> None:
    """Write the page. `private`: without names, phones and values; `mode` as in `atomic_write`.

    Raises ServiceError when it can't be written.
    """
    page = render(facts, lines, when, private=private)
    with atomic_write(path, mode) as part:
        part.write_text(page, encoding="utf-8")


def render(facts: Facts, lines: Lines, when: datetime, *, private: bool) -> str:
    """Return the page as HTML; `when` is the time of the run."""
    environment = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {"tr": tr, "trn": trn, "duration": duration}
    environment.filters |= {"number": number, "flags": _flags}
    style, script = ((_FOLDER / name).read_text("utf-8") for name in ("page.css", "page.js"))
    need = [line for line in lines.shown if str(line.outcome.status) not in _DONE]
    need.sort(key=lambda line: (line.outcome.status is Status.INVALID, line.outcome.row))
    more = max(0, len(need) - _MOST)
    need = need[:_MOST]
    checked = facts.sending is None
    # Where nothing was asked of Clopos, there is no pace to be shown.
    asked = facts.sending if facts.sending and facts.sending.requests.get("total") else Sending()
    buckets, top = charts.by_the_minute(asked.timeline, asked.quota)
    return environment.get_template("page.html").render(
        facts=facts,
        private=private,
        when=when,
        version=__version__,
        language=messages.language(),
        style=style,
        script=script,
        policy=_policy(style, script),
        headline=headline(facts),
        steps=list(next_steps(facts)),
        stages=charts.way_of_rows(facts.rows, facts.counts, checked=checked),
        bar=charts.BAR,
        names=_stage_names(),
        target=_target(facts),
        losses=[_group(group, facts, lines, private=private) for group in facts.losses],
        meanings={str(status): text for status, text in meanings_of().items()},
        groups=[_group(group, facts, lines, private=private) for group in facts.groups],
        need=[_row(line, facts, lines, private=private) for line in need],
        more=more,
        clashes=any(line.outcome.field or line.outcome.existing_id for line in need),
        shown_rows={line.outcome.row for line in need},
        buckets=buckets,
        top=top,
        plan=_plan(asked, facts.seconds),
        idle=sum(sent == 0 for sent, _ in asked.timeline),
    )


def headline(facts: Facts) -> str:
    """Return the result in one sentence."""
    counts = facts.counts
    if facts.sending is None:
        return trn(
            "{done} of {n} row can be sent",
            "{done} of {n} rows can be sent",
            facts.rows,
            done=number(counts.get(Status.READY, 0)),
        )
    at_clopos = counts.get(Status.CREATED, 0) + counts.get(Status.EXISTS, 0)
    return trn(
        "{done} of {n} row is at Clopos",
        "{done} of {n} rows are at Clopos",
        facts.rows,
        done=number(at_clopos),
    )


def next_steps(facts: Facts) -> Iterator[str]:
    """Yield what is to be done next, most urgent first."""
    counts = facts.counts
    if facts.error:
        what, why, fix = facts.error
        yield ": ".join(filter(None, (what, why)))
        if fix:
            yield fix
    if again := run_again(counts):
        yield again
    for asked in facts.questions:
        yield tr("Answer a question first: {message}", message=asked.message)
    if n := counts.get(Status.CONFLICT, 0):
        yield how_to_decide(n, Path(facts.results).name)
    if n := counts.get(Status.INVALID, 0) + counts.get(Status.REJECTED, 0):
        yield trn(
            "Fix {n} row in {path} and run that file: what is at Clopos is not sent again",
            "Fix {n} rows in {path} and run that file: what is at Clopos is not sent again",
            n,
            path=Path(facts.results).name,
        )
    if n := counts.get(Status.READY, 0):
        yield trn(
            "Send {n} row: clopos-import run {file}",
            "Send {n} rows: clopos-import run {file}",
            n,
            file=facts.file,
        )
    if set(facts.counts) <= {str(status) for status in _DONE} and not counts.get(Status.READY):
        yield tr("Nothing: every row is where it should be")


def _group(group: Any, facts: Facts, lines: Lines, *, private: bool) -> dict[str, Any]:
    entry = CATALOGUE[group.code]
    headers = facts.columns.get(group.field, ())
    by_row = {line.outcome.row: line for line in lines.shown}
    examples = [
        _Example(row, "" if private else _value(by_row.get(row), headers)) for row in group.rows
    ]
    return {
        "field": group.field,
        "headers": " + ".join(headers),
        "title": tr(entry.title),
        "hint": tr(entry.hint) if entry.hint else "",
        "code": group.code,
        "number": group.number,
        "examples": examples,
        "more": group.number - len(examples),
    }


def _value(line: Line | None, headers: tuple[str, ...]) -> str:
    return shorten(line.text(headers), _VALUE) if line else ""


def _row(line: Line, facts: Facts, lines: Lines, *, private: bool) -> dict[str, Any]:
    outcome = line.outcome
    row: dict[str, Any] = {
        "row": outcome.row,
        "status": str(outcome.status),
        "field": outcome.field or "",
        "existing_id": outcome.existing_id or "",
        # The holder may be a row of this very sheet.
        "holder_row": lines.row_of.get(outcome.existing_id or ""),
        "name": "",
        "contact": "",
        "message": "",
    }
    if not private:
        row["name"] = _value(line, facts.columns.get("name", ()))
        pairs = (_value(line, facts.columns.get(name, ())) for name in ("phone", "code"))
        row["contact"] = " · ".join(filter(None, pairs))
        row["message"] = outcome.message
    return row


def _flags(text: str) -> Markup:
    """Return a text whose flags are not broken at the end of a line."""
    return Markup(_FLAG.sub(r"<code>\g<0></code>", str(escape(text))))  # noqa: S704 - escaped


def _plan(sending: Sending, seconds: float) -> list[tuple[str, str, str]]:
    """Return (what, planned, happened) for each figure of the plan."""
    took = sending.requests
    if not took:
        return []
    lines = [
        (tr("customers sent"), sending.creates, took.get("posts", 0)),
        (tr("look-ups"), sending.reads, took.get("reads", 0)),
        (tr("sign-ins"), sending.sign_ins, took.get("auths", 0)),
    ]
    planned = tr("no limit") if sending.minutes is None else duration(sending.minutes * 60)
    return [
        *((name, number(planned), number(done)) for name, planned, done in lines),
        (tr("time"), planned, duration(seconds)),
        (tr("times Clopos asked to wait (429)"), "0", number(took.get("throttled", 0))),
    ]


def _target(facts: Facts) -> list[str]:
    """Return the target in parts; empty where it isn't known."""
    target = facts.target
    if not target or not (target["brand"] or target["sandbox"]):
        return []
    venue, version = target["venue"], target["version"]
    parts = (
        tr("a sandbox, not Clopos") if target["sandbox"] else None,
        tr("brand {brand}", brand=target["brand"]) if target["brand"] else None,
        tr("venue {venue}", venue=venue) if venue else None,
        None if target["sandbox"] else target["base_url"],
        tr("API version {version}", version=version),
    )
    return [part for part in parts if part]


def _stage_names() -> dict[str, str]:
    return {
        "sheet": tr("In the sheet"),
        "valid": tr("Valid, once each"),
        "new": tr("New to Clopos"),
        "ready": tr("Ready to be sent"),
        "created": tr("Created now"),
    }


def _policy(style: str, script: str) -> str:
    """Return a policy under which the page loads nothing and runs only its own script."""

    def digest(text: str) -> str:
        return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()

    return (
        f"default-src 'none'; style-src 'sha256-{digest(style)}'; "
        f"script-src 'sha256-{digest(script)}'; base-uri 'none'; form-action 'none'"
    )
