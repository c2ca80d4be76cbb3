"""The story of a run in four short blocks of text: understood, found, plan, happened. Pure.

A block is a heading and lines below it that begin with two spaces. No line is longer than
`COLUMNS`, but where a path or a name is.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from importer.cli.width import cut, pad, width, wrap
from importer.i18n import later, number, tr, trn
from importer.mapping.preview import fit, samples
from importer.problems import CATALOGUE, Level
from importer.records import FIELDS, Status

if TYPE_CHECKING:
    from collections.abc import Mapping

    from importer.errors import ImporterError
    from importer.pipeline.prepare import Prepared
    from importer.plan.decide import Clash, Plan, Price
    from importer.records import Mapping as Columns
    from importer.records import Problem, Sheet

COLUMNS = 80
_EXAMPLES = 10  # rows named for each kind of problem; the results have them all
_DELIMITERS = {
    ",": later("comma"),
    ";": later("semicolon"),
    "\t": later("tab"),
    "|": later("bar"),
}
_OPEN = (Status.PENDING, Status.FAILED, Status.UNKNOWN)
_SETTLED = frozenset({Status.CREATED, Status.EXISTS, Status.DUPLICATE, Status.READY})


def understood_lines(sheet: Sheet, mapping: Columns) -> list[str]:
    """Return what was read and which columns make which field.

    With the share of values that look like it and two of them.
    """
    return [tr("Understood"), *_file_lines(sheet), *_mapping_lines(sheet, mapping)]


def found_lines(prepared: Prepared) -> list[str]:
    """Return how many rows are ready, and what is wrong with the others, most frequent first."""
    counts = Counter(outcome.status for outcome in prepared.outcomes.values())
    lines = [tr("Found"), *_counted(Counter({Status.READY: len(prepared.values)}) + counts)]
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
    if named := prepared.groups.counts():
        told = ", ".join(f"«{name}» {number(count)}" for name, count in named.items())
        text = tr("groups, looked up at Clopos before sending: {names}", names=told)
        lines += wrap(text, COLUMNS, "  - ")
    return lines


def _where(problems: list[Problem]) -> str:
    """Return rows and what they hold; a value that several hold is said once."""
    rows: dict[str, list[str]] = {}
    for problem in problems:
        value = " ".join(problem.value.split()) if problem.field != "row" else ""
        rows.setdefault(value, []).append(str(problem.row))
    return ", ".join(
        ", ".join(of) + (f" «{cut(value, 24)}»" if value else "") for value, of in rows.items()
    )


def plan_lines(plan: Plan, now: datetime) -> list[str]:
    """Return what will be sent and what it costs; `now` has a time zone."""
    counts = Counter(outcome.status for outcome in plan.known)
    lines = [tr("Plan"), "  " + trn("{n} row to create", "{n} rows to create", len(plan.to_send))]
    if there := counts[Status.EXISTS] + counts[Status.CREATED]:
        lines.append("  " + trn("{n} is at Clopos already", "{n} are at Clopos already", there))
        if plan.differing:
            fields = ", ".join(f"{field} {number(n)}" for field, n in plan.differing.items())
            lines += wrap(tr("with another value there: {fields}", fields=fields), COLUMNS, "  - ")
    if clashes := counts[Status.CONFLICT]:
        text = trn("{n} clashes with another customer", "{n} clash with other customers", clashes)
        lines.append(f"  {text}")
        for clash in plan.clashes:
            lines += wrap(_clash(clash), COLUMNS, "  - ")
    if plan.doubtful:
        text = trn(
            "{n} of an earlier run is settled first",
            "{n} of an earlier run are settled first",
            len(plan.doubtful),
        )
        lines.append(f"  {text}")
    if plan.held_back:
        text = trn("{n} held back by --limit", "{n} held back by --limit", plan.held_back)
        lines.append(f"  {text}")
    return lines + _price_lines(plan.price, now)


def _clash(clash: Clash) -> str:
    where = ", ".join(map(str, clash.rows)) + (", …" if clash.count > len(clash.rows) else "")
    return trn(
        "{reason} ({n} row: {where})",
        "{reason} ({n} rows: {where})",
        clash.count,
        reason=tr(clash.reason, field=clash.fields[0]),
        where=where,
    )


def _price_lines(price: Price, now: datetime) -> list[str]:
    """Return requests, time and end, and whether that is early enough."""
    lines = []
    if price.requests:
        text = trn("{n} request", "{n} requests", price.requests)
        if price.minutes is not None:
            end = now + timedelta(minutes=price.minutes)
            if price.finish is not None:
                end = datetime.fromtimestamp(price.finish, now.tzinfo)
            text = tr(
                "{requests}, about {time}, done at {end}",
                requests=text,
                time=duration(price.minutes * 60),
                end=_clock(end, now),
            )
        lines.append(f"  {text}")
        if price.reserve:
            share = f"{round(price.reserve * 100, 2):g}%"
            lines.append("  " + tr("{share} of the quota is left for the tills", share=share))
    if price.reads or price.sign_ins > 1:
        text = tr(
            "{creates} to create, {reads} to read, {sign_ins} to sign in",
            creates=number(price.creates),
            reads=number(price.reads),
            sign_ins=number(price.sign_ins),
        )
        lines.append(f"  - {text}")
    if price.deadline is not None:
        time = _clock(datetime.fromtimestamp(price.deadline, now.tzinfo), now)
        if price.fits:
            text = tr("done by {time}: it fits", time=time)
        else:
            text = trn(
                "not done by {time}: {n} row is created until then, the same command carries on",
                "not done by {time}: {n} rows are created until then, the same command carries on",
                price.in_time or 0,
                time=time,
            )
        lines += wrap(text, COLUMNS, "  ")
    return lines


def _clock(moment: datetime, now: datetime) -> str:
    return f"{moment:%H:%M}" if moment.date() == now.date() else f"{moment:%Y-%m-%d %H:%M}"


def happened_lines(summary: Mapping[str, Any]) -> list[str]:
    """Return what became of the rows, what it took, and what to do next."""
    order = (Status.READY, *Status)
    counts = Counter({status: summary[status] for status in order if status in summary})
    ready = "ready" in summary
    lines = [tr("Result") if ready else tr("Happened"), *_counted(counts)]
    if requests := summary.get("requests"):
        text = tr(
            "{requests} in {time}",
            requests=trn("{n} request", "{n} requests", requests["total"]),
            time=duration(summary["seconds"]),
        )
        if requests["throttled"]:
            text += ", " + trn(
                "asked to wait {n} time", "asked to wait {n} times", requests["throttled"]
            )
        lines.append(f"  {text}")
    if summary["results"] is None:
        return lines
    open_ = run_again(counts)
    settled = {*_SETTLED, *_OPEN}
    need = {status: count for status, count in counts.items() if status not in settled}
    if total := sum(need.values()):
        text = trn(
            "{n} row needs you: open {path} and filter import_status ({words})",
            "{n} rows need you: open {path} and filter import_status ({words})",
            total,
            path=summary["results"],
            words=", ".join(status for status, count in need.items() if count),
        )
    else:
        text = tr("What became of every row: {path}", path=summary["results"])
    steps = [open_, text] if open_ else [text]
    return [*lines, *(line for step in steps for line in wrap(step, COLUMNS, "  → "))]


def run_again(counts: Mapping[str, int]) -> str | None:
    """Return why the same command should be run again, None when it needn't; by status."""
    if unknown := counts.get(Status.UNKNOWN, 0):
        return trn(
            "Run the same command again: {n} row is open and will be settled first",
            "Run the same command again: {n} rows are open and will be settled first",
            unknown,
        )
    if left := counts.get(Status.PENDING, 0) + counts.get(Status.FAILED, 0):
        return trn(
            "Run the same command again: {n} row is still to be sent",
            "Run the same command again: {n} rows are still to be sent",
            left,
        )
    return None


def error_lines(error: ImporterError, columns: int | None = COLUMNS) -> list[str]:
    """Return an error in its three parts: what, why, what to do.

    None for `columns`: one line each, however long.
    """
    parts = [(tr("Error:"), error.what), ("  " + tr("why:"), error.why)]
    parts.append(("  " + tr("to do:"), error.todo))
    lines: list[str] = []
    for name, text in parts:
        if text:
            lines += wrap(text, columns or len(name) + len(text) * 2 + 1, f"{name} ")
    return lines


def duration(seconds: float) -> str:
    """Return a length of time for people: `12 seconds`, `4 minutes`, `5 h 36 min`."""
    if seconds < 2:
        return tr("{seconds} seconds", seconds=number(seconds, 1))
    if seconds < 100:
        return trn("{n} second", "{n} seconds", round(seconds))
    minutes = round(seconds / 60)
    if minutes < 100:
        return trn("{n} minute", "{n} minutes", minutes)
    return tr("{hours} h {minutes} min", hours=minutes // 60, minutes=minutes % 60)


def _counted(counts: Counter[Status]) -> list[str]:
    """Return one line for each status that occurs: the number, the status, what it means."""
    told = [(number(count), status) for status, count in counts.items() if count]
    if not told:
        return ["  " + tr("no rows")]
    numbers = max(len(count) for count, _ in told)
    names = max(len(status) for _, status in told)
    meanings = meanings_of()
    return [f"  {n:>{numbers}} {status:<{names}}  {meanings[status]}" for n, status in told]


def meanings_of() -> dict[Status, str]:
    """Return what each status means, in a few words."""
    return {
        Status.READY: tr("would be sent"),
        Status.CREATED: tr("are at Clopos now"),
        Status.EXISTS: tr("were at Clopos already, not sent"),
        Status.DUPLICATE: tr("repeat an earlier row, not sent"),
        Status.CONFLICT: tr("phone, code or cid belongs to another customer"),
        Status.INVALID: tr("held back: a value needs mending"),
        Status.REJECTED: tr("refused by Clopos"),
        Status.FAILED: tr("not created, for certain"),
        Status.UNKNOWN: tr("sent without a certain answer; run again to settle"),
        Status.PENDING: tr("not sent yet"),
    }


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


def _mapping_lines(sheet: Sheet, mapping: Columns) -> list[str]:
    rows = []
    for name in FIELDS:
        positions = mapping.columns.get(name)
        if positions:
            headers = (sheet.headers[position] or tr("(no header)") for position in positions)
            values = " · ".join(cut(text, 24) for text in samples(sheet, positions))
            fits = percent(fit(sheet, name, positions))
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
    unused = [sheet.headers[position] for position in mapping.unused if sheet.headers[position]]
    if unused:
        lines += wrap(cut(", ".join(unused), 400), COLUMNS, "  " + tr("not used:") + " ")
    secret = [sheet.headers[position] for position in mapping.secret]
    if secret:
        words = tr("secret, not used and not in the results:")
        lines += wrap(cut(", ".join(secret), 400), COLUMNS, f"  {words} ")
    return lines


def percent(share: float | None) -> str:
    """Return a share in four letters, four spaces for None."""
    return "    " if share is None else f"{int(share * 100):>3}%"
