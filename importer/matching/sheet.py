"""The rows of a sheet among themselves: which repeat each other, and who holds which value.

Within a sheet the order decides who keeps a disputed value, never whether two people are merged:
rows are first joined by their evidence, then judged in the sheet's order.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import combinations
from typing import TYPE_CHECKING

from importer.matching.evidence import lookup_keys, unpack
from importer.matching.fit import Person, consistent, fit, same
from importer.matching.names import alike

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from importer.matching.evidence import Evidence
    from importer.matching.verdicts import Row

_MOST_COMPARED = 50  # rows of one value; of more, only those of one name


class SheetPerson(Person):
    """A person of this sheet: the row that stands for it and those that repeat it."""

    __slots__ = ("customer", "kept")

    def __init__(self, kept: int, looks: Iterable[Evidence], customer: str | None = None) -> None:
        super().__init__(looks)
        self.kept = kept
        self.customer = customer


class SharedKeys:
    """The keys that several rows of a sheet have, and the people found by them.

    `rows` are the numbers of the rows that share a key. A name alone doesn't count.
    """

    def __init__(self) -> None:
        self.rows: set[int] = set()
        self._first: dict[str, int] = {}
        self._shared: set[str] = set()
        self._people: defaultdict[str, dict[SheetPerson, None]] = defaultdict(dict)
        self._named: defaultdict[tuple[str, str], dict[SheetPerson, None]] = defaultdict(dict)

    def note(self, number: int, keys: Iterable[str]) -> None:
        """Note the keys of a row."""
        for key in keys:
            first = self._first.setdefault(key, number)
            if first != number and not key.startswith("n"):
                self._shared.add(key)
                self.rows.update((first, number))

    def of(self, row: Row) -> list[str]:
        """Return the keys that another row has, too."""
        if row.number not in self.rows:
            return []
        return [key for key in lookup_keys(row.evidence) if key in self._shared]

    def add(self, person: SheetPerson, keys: Iterable[str]) -> None:
        """Let a person be found by keys."""
        outlines = person.looks[-1].outlines
        for key in keys:
            if len(self._people[key]) < _MOST_COMPARED:
                self._people[key][person] = None
            for outline in outlines:
                self._named[key, outline][person] = None

    def find(self, keys: Iterable[str], outlines: Collection[str]) -> list[SheetPerson]:
        """Return people that have one of the keys, each once: the first, and all of these names.

        The shop's own phone or e-mail address may be that of all its customers. Each compared with
        each, they would take hours; and what so many have is evidence only beside an equal name.
        """
        found: dict[SheetPerson, None] = {}
        for key in keys:
            found.update(self._people.get(key, {}))
            for outline in outlines:
                found.update(self._named.get((key, outline), {}))
        return list(found)


class _Leaders:
    """The first row of each group; groups are joined one by one."""

    def __init__(self, rows: Iterable[int]) -> None:
        self._leader = {row: row for row in rows}

    def __call__(self, row: int) -> int:
        leader = self._leader
        while leader[row] != row:
            leader[row] = row = leader[leader[row]]
        return row

    def join(self, row: int, other: int) -> None:
        first, second = sorted((self(row), self(other)))
        self._leader[second] = first


def joined(rows: Sequence[Row], keys: Mapping[int, Sequence[str]]) -> list[list[int]]:
    """Return the rows in groups that are one person each, in the order of their first rows.

    Rows are joined by M3, M5, M7, M10 and M11, also by way of others; but only where all of a
    group are alike and no birthdays differ. Else each stands alone.
    """
    people = {n: Person([unpack(row.evidence)]) for row in rows if keys[n := row.number]}
    lead = _Leaders(row.number for row in rows)
    by_key: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for number, person in people.items():
        outlines = person.looks[0].outlines
        places = [(key, outline) for key in keys[number] for outline in ("", *outlines)]
        for compared in (by_key[place] for place in places):
            for other in compared:
                if lead(number) != lead(other) and repeats(person.looks[0], people[other]):
                    lead.join(number, other)
            if len(compared) < _MOST_COMPARED:
                compared.append(number)

    groups: defaultdict[int, list[int]] = defaultdict(list)
    for row in rows:
        groups[lead(row.number)].append(row.number)
    found = []
    for group in groups.values():
        if len(group) == 1 or _one_person([people[number].looks[0] for number in group]):
            found.append(group)
        else:
            found += [[number] for number in group]
    order = {row.number: index for index, row in enumerate(rows)}
    return sorted(found, key=lambda group: order[group[0]])


def repeats(row: Evidence, person: Person) -> bool:
    """Return whether a row is a person of the same sheet."""
    if not any(alike(row.name, name) for name in person.names):
        return False  # quickly: a thousand rows may have one phone
    shared = fit(row, person)
    return shared.birthday is not False and same(row, person, shared, in_sheet=True) is not None


def are_apart(evidences: Collection[Evidence], people: Iterable[SheetPerson]) -> bool:
    """Return whether one of these rows repeats a person whom another of them can't be.

    People who exist weren't among the rows that were joined: this looks as if they had been.
    """
    return any(
        not all(consistent(evidence, person) for evidence in evidences)
        for person in people
        if any(repeats(evidence, person) for evidence in evidences)
    )


def best_fitting(evidences: list[Evidence], people: list[SheetPerson]) -> list[SheetPerson]:
    """Return the people that these rows, which are one person, fit best: one, none, or equals."""
    scores = {
        person: max(
            (
                found.score
                for evidence in evidences
                if same(evidence, person, found := fit(evidence, person), in_sheet=True)
            ),
            default=None,
        )
        for person in people
        if all(consistent(evidence, person) for evidence in evidences)
    }
    fitting = {person: score for person, score in scores.items() if score is not None}
    best = max(fitting.values(), default=None)
    return [person for person, score in fitting.items() if score == best]


def _one_person(evidences: Sequence[Evidence]) -> bool:
    looks = {(evidence.name, evidence.birthday): evidence for evidence in evidences}
    return len(looks) <= _MOST_COMPARED and all(
        consistent(one, Person([other])) for one, other in combinations(looks.values(), 2)
    )
