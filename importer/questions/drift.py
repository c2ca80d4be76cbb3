"""Compare how a nightly sheet was read last time and tonight."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from importer.i18n import percent, tr
from importer.questions.question import Question, as_it_is

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from importer.questions.evidence import Evidence

_MAKES = ("name", "phone", "email", "code", "cid", "gender", "date_of_birth")
"""Fields whose other columns would make other customers."""
FEWER_PHONES = 0.3
"""Share of the rows that lost their phone."""
MORE_ROWS = 2.0
MANY = 20  # new rows that are more than a good night


@dataclass(frozen=True, slots=True)
class Understood:
    """Reading of a sheet: field → headers, encoding, rows, and the share that has a phone."""

    columns: Mapping[str, tuple[str, ...]]
    rows: int
    phones: float
    encoding: str | None = None


def understood(seen: Evidence) -> Understood:
    """Return what is kept of a sheet for next time: headers and numbers, nothing of people."""
    rows = len(seen.cleaned.values)
    return Understood(
        columns={name: seen.headers(name) for name in _MAKES if seen.columns(name)},
        rows=rows,
        phones=len(seen.values("phone")) / rows if rows else 0.0,
        encoding=seen.sheet.encoding,
    )


def drift(seen: Evidence) -> Iterator[Question]:
    """Ask where a sheet differs from the last run of it so that other customers would be made."""
    last = seen.last
    if last is None:
        return
    now = understood(seen)
    found = [
        tr(
            "{field} was «{before}», and is «{after}»",
            field=name,
            before=" + ".join(last.columns.get(name, ())) or "-",
            after=" + ".join(now.columns.get(name, ())) or "-",
        )
        for name in _MAKES
        if last.columns.get(name, ()) != now.columns.get(name, ()) and not seen.chosen(name)
    ]
    if now.phones < last.phones - FEWER_PHONES:
        found.append(
            tr(
                "{before} of the rows had a phone, and {after} have one",
                before=percent(last.phones),
                after=percent(now.phones),
            )
        )
    if now.rows > max(MORE_ROWS * last.rows, last.rows + MANY):
        found.append(tr("it had {before} rows, and has {after}", before=last.rows, after=now.rows))
    if now.encoding != last.encoding and now.encoding not in {None, "utf-8"} and last.encoding:
        found.append(
            tr("it was {before}, and is {after}", before=last.encoding, after=now.encoding)
        )
    if found:
        yield Question(
            code="drift",
            field="sheet",
            message=tr(
                "the sheet isn't like the one of the last run: {what}", what="; ".join(found)
            ),
            columns=tuple(dict.fromkeys(h for headers in now.columns.values() for h in headers)),
            rows=now.rows,
            assumed=tr("it is the same list, and its customers are created as it says now"),
            answers=(as_it_is("drift"),),
            same="; ".join(found),
        )
