"""Findings, plan and outcome of a run in numbers: no names, no phones, no values."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from importer.problems import CATALOGUE, LOSSES, Level
from importer.records import Status

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from importer.errors import ImporterError
    from importer.pipeline.prepare import Prepared

EXAMPLES = 3  # rows named for each kind of problem


@dataclass(frozen=True, slots=True)
class Group:
    """Problems of one kind with one field."""

    field: str
    code: str
    number: int  # how many rows have it
    rows: tuple[int, ...]  # the first of them


@dataclass(frozen=True, slots=True)
class Asked:
    """A question that is open, without the values that it shows as examples."""

    message: str
    rows: int
    answers: tuple[str, ...]  # flags, the best one first


@dataclass(frozen=True, slots=True)
class Sending:
    """Planned and actual cost of sending. Minutes and rates are None where there is no limit."""

    creates: int = 0  # planned
    reads: int = 0
    sign_ins: int = 0
    minutes: float | None = None
    per_minute: float | None = None  # the pace after the reserve
    quota: float | None = None  # what Clopos allows a minute
    requests: Mapping[str, int] = field(default_factory=dict)  # what it took, by kind
    timeline: tuple[tuple[int, int], ...] = ()  # (requests, 429s) of every minute
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class Facts:
    """A run in numbers, as the journal keeps it."""

    file: str
    rows: int
    counts: Mapping[str, int]  # status → rows
    groups: tuple[Group, ...]
    columns: Mapping[str, tuple[str, ...]]  # field → headers
    seconds: float = 0.0
    results: str = ""
    sending: Sending | None = None  # None: `check`
    error: tuple[str, str, str] | None = None  # what ended it early: what, why, what to do
    target: Mapping[str, Any] | None = None  # as `Target.as_dict`; None: not known
    questions: tuple[Asked, ...] = ()
    losses: tuple[Group, ...] = ()  # remarks about values that Clopos never gets
    unused: tuple[tuple[str, int], ...] = ()  # header of a column that isn't sent, filled cells

    def examples(self) -> set[int]:
        """Return the rows that are named as examples."""
        return {row for group in (*self.groups, *self.losses) for row in group.rows}

    def ended(
        self,
        statuses: Mapping[str, int],
        sending: Sending,
        error: ImporterError | None,
        *,
        seconds: float,
    ) -> Facts:
        """Return the facts of the sheet with the outcomes of the rows that were ready."""
        counts = Counter(self.counts) + Counter(statuses)
        counts[Status.PENDING] += self.rows - counts.total()
        return replace(
            self,
            counts={str(status): counts[status] for status in Status if counts[status]},
            sending=sending,
            error=(error.what, error.why or "", error.fix or "") if error else None,
            seconds=seconds,
        )

    def as_dict(self) -> dict[str, Any]:
        """Return it as values of JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, facts: Mapping[str, Any]) -> Facts:
        """Return what `as_dict` gave. Raises TypeError, KeyError for anything else."""
        sending = facts["sending"]
        if sending:
            timeline = tuple((sent, throttled) for sent, throttled in sending["timeline"])
            sending = Sending(**(sending | {"timeline": timeline}))
        # What older runs didn't note is empty.
        groups, losses = (
            tuple(Group(**(group | {"rows": tuple(group["rows"])})) for group in facts.get(key, ()))
            for key in ("groups", "losses")
        )
        questions = (
            Asked(**(asked | {"answers": tuple(asked["answers"])}))
            for asked in facts.get("questions", ())
        )
        columns = {name: tuple(headers) for name, headers in facts["columns"].items()}
        error = tuple(facts["error"]) if facts["error"] else None
        new = {
            "groups": groups,
            "losses": losses,
            "questions": tuple(questions),
            "unused": tuple((header, cells) for header, cells in facts.get("unused", ())),
            "columns": columns,
            "sending": sending,
            "error": error,
        }
        return cls(**(dict(facts) | new))


def gather(file: str, prepared: Prepared, counts: Mapping[Status, int], **more: Any) -> Facts:
    """Return the facts of a sheet; `counts` is status → rows, `more` are fields of Facts."""
    headers = prepared.sheet.headers
    return Facts(
        file=file,
        rows=len(prepared.sheet.table),
        counts={str(status): counts[status] for status in Status if counts.get(status)},
        groups=_groups(prepared, lambda code: CATALOGUE[code].level is not Level.REMARK),
        losses=_groups(prepared, LOSSES.__contains__),
        questions=tuple(
            Asked(question.message, question.rows, question.answers)
            for question in prepared.questions
        ),
        unused=tuple(
            (headers[position], filled)
            for position in prepared.mapping.unused
            if (filled := int((prepared.sheet.table[position] != "").sum()))
        ),
        columns={
            name: tuple(headers[position] for position in positions)
            for name, positions in prepared.mapping.columns.items()
        },
        **more,
    )


def _groups(prepared: Prepared, wanted: Callable[[str], bool]) -> tuple[Group, ...]:
    """Return the problems with a wanted code by field and code, most frequent first."""
    rows: dict[tuple[str, str], list[int]] = {}
    for problem in prepared.problems:
        if wanted(problem.code):
            rows.setdefault((problem.field, problem.code), []).append(problem.row)
    found = (
        Group(name, code, len(where), tuple(where[:EXAMPLES]))
        for (name, code), where in rows.items()
    )
    return tuple(sorted(found, key=lambda group: -group.number))
