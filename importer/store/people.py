"""Answers of an index of evidence, made of the rows that either implementation finds."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from importer.matching.verdicts import Answer
from importer.store.records import LEGACY, Candidate, Decision

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def grouped(pairs: Iterable[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    """Return first → the seconds that stand beside it, each once and in order."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for first, second in pairs:
        found[first].append(second)
    return {
        first: tuple(dict.fromkeys(seconds) if len(seconds) > 1 else seconds)
        for first, seconds in found.items()
    }


def candidates(
    remote: Mapping[str, str],
    looks: Iterable[tuple[str, str]],
    marks: Iterable[tuple[str, str]],
) -> dict[str, Candidate]:
    """Return id → candidate: id → look at Clopos, (id, look of a row), (id, mark)."""
    rows, marked = grouped(looks), grouped(marks)
    return {
        each: Candidate(
            each,
            remote.get(each),
            # An entry whose evidence was erased has a look of layout 3, too: an empty one.
            tuple(packed for packed in rows.get(each, ()) if not packed.startswith(LEGACY)),
            marked.get(each, ()),
        )
        for each in remote.keys() | rows.keys() | marked.keys()
    }


def decisions_by_row(
    rows: Iterable[tuple[str, str, str, str, float]],
) -> dict[str, list[Decision]]:
    """Return row key → decisions, of (row key, answer, customer or "", packed, when)."""
    found: defaultdict[str, list[Decision]] = defaultdict(list)
    for key, answer, customer, packed, decided in rows:
        found[key].append(Decision(key, Answer(answer), customer or None, packed, decided))
    return dict(found)
