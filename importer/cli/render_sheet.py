"""Render how `check` read a sheet, and what it found, as blocks of text."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from importer.cli.render import COLUMNS, counted_lines, percent_column
from importer.cli.width import cut, pad, width, wrap
from importer.i18n import number, tr, tr_noop, trn
from importer.mapping.content import content_of
from importer.mapping.preview import match_share, sample_values
from importer.problems import CATALOGUE, LOSSES, Level
from importer.records import FIELDS, Status

if TYPE_CHECKING:
    from importer.pipeline.prepare import Prepared
    from importer.questions.question import Question
    from importer.records import ColumnMapping, Problem, Sheet

_EXAMPLES = 10  # rows named for each kind of problem; the results have them all
_GENDERS: dict[object, str] = {1: tr_noop("male"), 2: tr_noop("female")}  # as Clopos counts them
_DELIMITERS = {
    ",": tr_noop("comma"),
    ";": tr_noop("semicolon"),
    "\t": tr_noop("tab"),
    "|": tr_noop("bar"),
}


def understood_lines(sheet: Sheet, mapping: ColumnMapping) -> list[str]:
    """Return what was read and which columns make which field.

    With the share of values that look like it and two of them.
    """
    return [tr("Understood"), *_file_lines(sheet), *_mapping_lines(sheet, mapping)]


def found_lines(prepared: Prepared, *, counted: bool = True) -> list[str]:
    """Return how many rows are ready, and what is wrong with the others, most frequent first."""
    lines = [tr("Found")]
    if counted:
        counts = Counter(outcome.status for outcome in prepared.outcomes.values())
        lines += counted_lines(Counter({Status.READY: len(prepared.ready)}) + counts)
    lines += _problem_lines(prepared)
    for note in (*_losses(prepared), *prepared.notes):
        lines += wrap(note, COLUMNS, "  - ")
    if named := prepared.groups.counts():
        listed = ", ".join(f"«{name}» {number(count)}" for name, count in named.items())
        text = tr("groups, looked up at Clopos before sending: {names}", names=listed)
        lines += wrap(text, COLUMNS, "  - ")
    return [*lines, *_customer_lines(prepared)]


def _problem_lines(prepared: Prepared) -> list[str]:
    """Return what holds rows or values back, most frequent first, each with its advice."""
    lines: list[str] = []
    groups: dict[tuple[str, str, str], list[Problem]] = {}
    for problem in prepared.problems:
        entry = CATALOGUE[problem.code]
        if entry.level is not Level.REMARK:
            title = entry.title
            if problem.code == "malformed_row":
                title = prepared.sheet.malformed.get(problem.row, title)
            groups.setdefault((problem.field, problem.code, title), []).append(problem)
    for (name, code, title), problems in sorted(groups.items(), key=lambda item: -len(item[1])):
        entry = CATALOGUE[code]
        where = _where(problems[:_EXAMPLES])
        if (more := len(problems) - _EXAMPLES) > 0:
            where += ", " + trn("{n} more in the results", "{n} more in the results", more)
        text = trn(
            "{field}: {title} ({n} row: {where})",
            "{field}: {title} ({n} rows: {where})",
            len(problems),
            field=name,
            title=tr(title),
            where=where,
        )
        if all(problem.row not in prepared.outcomes for problem in problems):
            text += ": " + tr("sent without it")
        lines += wrap(text, COLUMNS, "  - ")
        if entry.hint:
            lines += wrap(tr(entry.hint), COLUMNS, "    → ")
    return lines


def _losses(prepared: Prepared) -> list[str]:
    """Return remarks about rows that go: values that Clopos never gets, and assumptions."""
    ready = set(prepared.ready.index.tolist())
    counts = Counter(
        (problem.field, problem.code)
        for problem in prepared.problems
        if problem.row in ready and problem.code in {*LOSSES, "phone_country_assumed"}
    )
    lines = []
    for (field, code), count in counts.most_common():
        title = tr(CATALOGUE[code].title)
        if code == "phone_country_assumed":
            countries = prepared.assumed_countries.most_common()
            title += ": " + ", ".join(f"{country} {number(of)}" for country, of in countries)
        lines.append(
            trn(
                "{field}: {title} ({n} row is sent so)",
                "{field}: {title} ({n} rows are sent so)",
                count,
                field=field,
                title=title,
            )
        )
    return lines


def _customer_lines(prepared: Prepared) -> list[str]:
    """Return three customers as Clopos will get them, from the top, the middle and the end."""
    ready = prepared.ready
    places = sorted({0, len(ready) // 2, len(ready) - 1}) if len(ready) else []
    lines = ["  " + tr("as Clopos gets them:")] if places else []
    for row, values in ready.iloc[places].iterrows():
        shown = (
            tr(_GENDERS[value]) if field == "gender" and value in _GENDERS else value
            for field, value in values.items()
            if field not in {"cid", "group_id"} and isinstance(value, str | int)
        )
        text = " · ".join(cut(" ".join(str(value).split()), 30) for value in shown)
        lines += wrap(tr("row {row}: {values}", row=row, values=text), COLUMNS, "  - ")
    return lines


def question_lines(question: Question, place: int, of: int) -> list[str]:
    """Return a question as it is asked: what was seen, what is assumed, and the answers."""
    title = tr("Question {place} of {all}", place=place, all=of) if of > 1 else tr("Question")
    lines = [title, *wrap(question.message, COLUMNS, "  ")]
    if question.examples:
        shown = ", ".join(f"«{cut(' '.join(text.split()), 30)}»" for text in question.examples)
        lines += wrap(tr("for example {values}", values=shown), COLUMNS, "  - ")
    if question.assumed:
        lines += wrap(tr("if it is right as it is: {what}", what=question.assumed), COLUMNS, "  - ")
    if all(answer.startswith("--accept ") for answer in question.answers):
        lines += wrap(tr("if it isn't: correct the list, then check it again"), COLUMNS, "  - ")
    for number_, answer in enumerate(question.answers, start=1):
        lines += wrap(answer, COLUMNS, f"  {number_}. ")
    return lines


def _where(problems: list[Problem]) -> str:
    """Return rows and what they hold; a value of several rows appears once."""
    rows: dict[str, list[str]] = {}
    for problem in problems:
        value = " ".join(problem.value.split()) if problem.field != "row" else ""
        rows.setdefault(value, []).append(str(problem.row))
    return ", ".join(
        ", ".join(of) + (f" «{cut(value, 24)}»" if value else "") for value, of in rows.items()
    )


def _file_lines(sheet: Sheet) -> list[str]:
    delimiter = _DELIMITERS.get(sheet.delimiter or "", sheet.delimiter)
    facts = [
        sheet.kind.upper(),
        sheet.encoding,
        tr(delimiter) if delimiter else None,
        tr("sheet «{name}»", name=sheet.worksheet) if sheet.worksheet else None,
        tr("header in row {row}", row=sheet.header_row),
        trn("{n} row", "{n} rows", len(sheet.table)),
    ]
    lines = wrap(f"{sheet.name}: {', '.join(filter(None, facts))}", COLUMNS, "  ", "    ")
    for note in sheet.notes:
        lines += wrap(note, COLUMNS, "  - ")
    return lines


def _mapping_lines(sheet: Sheet, mapping: ColumnMapping) -> list[str]:
    rows = []
    for name in FIELDS:
        positions = mapping.columns.get(name)
        if positions:
            headers = (sheet.headers[position] or tr("(no header)") for position in positions)
            values = " · ".join(cut(text, 24) for text in sample_values(sheet, positions, name))
            fits = percent_column(match_share(sheet, name, positions))
            rows.append((name, " + ".join(headers), f"{fits}  {values or tr('(empty)')}"))
    names = max((len(name) for name, _, _ in rows), default=0)
    widest = max((width(headers) for _, headers, _ in rows), default=0)
    headers_width = min(widest, 28)
    lines = [
        cut(f"  {name:<{names}}  ← {pad(headers, headers_width)}  {values}".rstrip(), COLUMNS)
        for name, headers, values in rows
    ]
    for note in mapping.notes:
        lines += wrap(note, COLUMNS, "  - ")
    unused = [
        f"{sheet.headers[position]} ({tr(content_of(sheet, position))})"
        for position in mapping.unused
        if sheet.headers[position] and position != mapping.country
    ]
    if unused:
        lines += wrap(cut(", ".join(unused), 400), COLUMNS, "  " + tr("not used:") + " ")
    secret = [sheet.headers[position] for position in mapping.secret]
    if secret:
        words = tr("secret, not used and not in the results:")
        lines += wrap(cut(", ".join(secret), 400), COLUMNS, f"  {words} ")
    return lines
