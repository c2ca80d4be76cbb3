"""Summary of a command as one value: the JSON of `--json` and the exit code."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from importer.errors import Exit
from importer.i18n import tr
from importer.records import Status

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from importer.errors import ImporterError
    from importer.records import ColumnMapping, Problem, Sheet
    from importer.settings import Settings


CHECK_STATUSES = (Status.READY, Status.INVALID, Status.DUPLICATE, Status.CONFLICT, Status.EXISTS)
RUN_STATUSES = tuple(status for status in Status if status is not Status.READY)
DECIDED = frozenset({Status.CREATED, Status.EXISTS, Status.DUPLICATE, Status.READY})
"""Statuses of rows that need no attention."""


@dataclass(frozen=True, slots=True)
class Target:
    """Target of a run. `brand` and `venue` are None where they aren't set."""

    brand: str | None
    venue: str | None
    base_url: str
    version: int
    sandbox: bool = False

    @classmethod
    def of(cls, settings: Settings, *, sandbox: bool = False) -> Target:
        """Return the target of these settings."""
        return cls(
            settings.brand or None,
            settings.venue_id or None,
            settings.base_url,
            settings.version,
            sandbox,
        )

    @property
    def text(self) -> str:
        """Return it in words, for a person who is about to send there."""
        brand = self.brand or tr("no brand")
        venue = tr(", venue {venue}", venue=self.venue) if self.venue else ""
        where = tr("sandbox on this machine") if self.sandbox else self.base_url
        return tr(
            "to {brand}{venue}: {where}, version {version} of the API",
            brand=brand,
            venue=venue,
            where=where,
            version=self.version,
        )

    @property
    def log_text(self) -> str:
        """Return it in English, for a log."""
        return f"to brand {self.brand}, venue {self.venue}, {self.base_url}, v{self.version}"

    def as_dict(self) -> dict[str, Any]:
        """Return it as values of JSON."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class Summary:
    """Summary of a command.

    `counts` is status → rows, for each status that the command can give; None when no row was
    read. `seconds` exclude the time of prompts. `error` is what ended the command early, None when
    it came to its end. `questions` are the open ones, as in the JSON. `more` holds the keys of this
    command alone. `decided` is status → rows that a person decided about. `agrees` is what `verify`
    found; None for other commands.
    """

    file: str
    counts: Mapping[Status, int] | None = None
    rows: int = 0
    seconds: float = 0.0
    results: str | None = None
    error: ImporterError | None = None
    run: int | None = None
    target: Target | None = None
    requests: Mapping[str, int] | None = None
    questions: tuple[Mapping[str, Any], ...] = ()
    more: Mapping[str, Any] = field(default_factory=dict)
    agrees: bool | None = None
    decided: Mapping[Status, int] = field(default_factory=dict)

    @property
    def exit_code(self) -> Exit:
        """Return the exit code of the command."""
        if self.error:
            return self.error.exit_code
        if self.questions or self.agrees is False:
            return Exit.ROWS_NEED_YOU
        if self.agrees:
            return Exit.DONE
        counts = Counter(self.counts or {})
        counts.subtract(self.decided)
        occurring = (status for status, number in counts.items() if number)
        return Exit.DONE if DECIDED.issuperset(occurring) else Exit.ROWS_NEED_YOU

    def as_dict(self) -> dict[str, Any]:
        """Return the summary as `--json` prints it."""
        return {
            "ok": self.exit_code is Exit.DONE,
            "exit_code": int(self.exit_code),
            "error": self.error.as_dict() if self.error else None,
            "run": self.run,
            "target": self.target.as_dict() if self.target else None,
            "file": self.file,
            "rows": self.rows,
            **{str(status): number for status, number in (self.counts or {}).items()},
            **({"requests": dict(self.requests)} if self.requests is not None else {}),
            "seconds": round(self.seconds, 3),
            "results": self.results,
            "questions": [dict(question) for question in self.questions],
            **self.more,
        }


def count(counts: Mapping[Status, int], statuses: Iterable[Status]) -> dict[Status, int]:
    """Return status → number of rows, for each of `statuses`."""
    return {status: counts.get(status, 0) for status in statuses}


def found(mapping: ColumnMapping, sheet: Sheet, problems: Iterable[Problem]) -> dict[str, Any]:
    """Return what `check` adds: field → header (a list where several make it), code → count.

    `unused` is header → how many of its cells are filled, for columns that no field takes.
    """
    headers = {
        name: [sheet.headers[position] for position in positions]
        for name, positions in mapping.columns.items()
    }
    codes = Counter(problem.code for problem in problems)
    unused: Counter[str] = Counter()
    for position in mapping.unused:
        unused[sheet.headers[position]] += int((sheet.table[position] != "").sum())
    return {
        "mapping": {name: one[0] if len(one) == 1 else one for name, one in headers.items()},
        "unused": dict(unused),
        "problems": dict(sorted(codes.items())),
    }
