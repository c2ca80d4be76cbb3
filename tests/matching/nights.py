"""A population against the function `match` alone, night by night, with the truth beside it.

Clopos is a dictionary, the journal another; the list is complete and current. The counts are those
of who-is-this-customer §5: created twice, taken for another, lost silently, rows that need a
person.
"""

from __future__ import annotations

import json
import sys
from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from importer.matching.evidence import customer_evidence
from importer.matching.match import match
from importer.matching.verdicts import (
    Answer,
    Decision,
    Kind,
    KnownCustomer,
    MatchOptions,
    Presence,
    Row,
    Verdict,
)
from importer.records import FIELDS
from tests.matching.people import KEY, evidence, holders_for
from tests.population import Line, Look, Population, Record, initial


@dataclass
class Journal:
    """Record of a customer that a row created or was matched with."""

    seen: dict[str, None] = field(default_factory=dict)
    held: dict[str, None] = field(default_factory=dict)
    had_row: bool = False
    decided: bool = False


@dataclass
class Tally:
    """Counts over all nights; `(d)` are those where the data decide."""

    counts: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[str]] = field(default_factory=dict)
    conflicts: list[float] = field(default_factory=list)
    decidable: list[float] = field(default_factory=list)

    def note(self, what: str, example: str) -> None:
        """Count an event, and keep a few examples."""
        self.counts[what] += 1
        found = self.examples.setdefault(what, [])
        if len(found) < 12:
            found.append(example)


class Nights:
    """Runs a population through `match` night after night."""

    def __init__(
        self, seed: int, size: int, options: MatchOptions | None = None, *, decide: bool = False
    ) -> None:
        self.population = Population(Random(seed), size)  # noqa: S311 - no secret
        self.records = {record.id: record for record in self.population.typed_by_cashiers()}
        self.owner: dict[str, int] = {}
        self.values: defaultdict[str, set[str]] = defaultdict(
            set
        )  # values that a customer ever had
        self.looks: defaultdict[str, set[Look]] = defaultdict(set)
        self.gone: set[str] = set()
        self.journal: dict[str, Journal] = {}
        # Namesakes on one phone with two codes: a town soon has five such pairs.
        accepted = frozenset(["two_codes"])
        self.options = replace(options or MatchOptions(), accepted=accepted)
        self.decide = decide
        self.decisions: dict[int, Decision] = {}
        self.mistaken: set[tuple[int, int]] = set()
        self.tally = Tally()
        self.next_id = 100_000

    def run(self, nights: int) -> Tally:
        """Run some nights and return the counts."""
        for night in range(nights):
            if night:
                self.gone.update(self.population.day_at_clopos(self.records))
                self.population.next_night()
            self._night(night)
        self._look_for_the_lost()
        return self.tally

    def _known(self) -> dict[str, KnownCustomer]:
        known = {}
        for id_ in {*self.records, *self.journal}:
            journal = self.journal.get(id_, Journal())
            record = self.records.get(id_)
            now = customer_evidence({"id": id_, **record.fields}, "AZ", KEY) if record else None
            known[id_] = KnownCustomer(
                id_,
                now=now,
                seen=tuple(journal.seen),
                held=tuple(journal.held),
                presence=Presence.HERE if record else Presence.GONE,
                had_row=journal.had_row,
                decided=journal.decided,
            )
        return known

    def _night(self, night: int) -> None:
        for record in self.records.values():
            self._remember(record)
        lines = dict(enumerate(self.population.lines, start=2))
        seen: Counter[str] = Counter()
        rows = [
            Row(number, evidence(_values(line), seen), line.claim, self.decisions.get(line.person))
            for number, line in lines.items()
        ]
        known = self._known()
        found = match(rows, known, self.options, holders_for(rows, known))
        assert not found.questions, found.questions
        self._count(night, lines, found.verdicts)
        is_customer: dict[int, str] = {}
        looks = {row.number: row.evidence for row in rows}
        for journal in self.journal.values():
            journal.had_row = False
        for verdict in sorted(found.verdicts, key=lambda verdict: verdict.kind is Kind.DUPLICATE):
            id_ = self._apply(lines[verdict.row], verdict, is_customer)
            if id_ is not None:
                is_customer[verdict.row] = id_
                journal = self.journal.setdefault(id_, Journal())
                journal.seen[looks[verdict.row]] = None
                journal.had_row = True
                if self.owner.get(id_, lines[verdict.row].person) == lines[verdict.row].person:
                    self.values[id_] |= comparable(lines[verdict.row].fields)
                    self.looks[id_].add(lines[verdict.row].look)
                lines[verdict.row].claim = id_ if night % 3 == 1 else None
        for verdict in found.verdicts:
            if verdict.kind is Kind.CONFLICT:
                against = [*verdict.customers]
                against += [is_customer[row] for row in verdict.rows if row in is_customer]
                for id_ in against:
                    held = self.journal.setdefault(id_, Journal()).held
                    held[looks[verdict.row]] = None
        if self.decide:
            self._decide(lines, found.verdicts)

    def _remember(self, record: Record) -> None:
        """Note the current values of a customer, in case it is deleted later."""
        self.owner[record.id] = record.person
        self.values[record.id] |= comparable(record.fields)
        self.looks[record.id].add(record.look)

    def _apply(self, line: Line, verdict: Verdict, is_customer: dict[int, str]) -> str | None:
        if verdict.kind is Kind.CREATE:
            self.next_id += 1
            id_ = str(self.next_id)
            fields = {n: v for n, v in line.fields.items() if n not in verdict.without}
            self.records[id_] = Record(id_, line.person, fields, line.look)
            self._remember(self.records[id_])
            if line.person in self.decisions:  # then the journal has its customer
                self.decisions[line.person] = Decision(Answer.SAME, id_)
            return id_
        if verdict.kind is Kind.EXISTS:
            return verdict.customers[0]
        if verdict.kind is Kind.DUPLICATE:
            return is_customer.get(verdict.rows[0])
        return None

    # --- against the truth

    def _count(self, night: int, lines: dict[int, Line], verdicts: tuple[Verdict, ...]) -> None:
        conflicts = decidable = 0
        at_clopos = {record.person for record in self.records.values()}
        for verdict in verdicts:
            line = lines[verdict.row]
            text = f"night {night} {line.fields} {_short(verdict)}"
            if verdict.kind is Kind.CREATE:
                if line.person in at_clopos:
                    mine = [r.fields for r in self.records.values() if r.person == line.person]
                    seen = self._decides_twice(line)
                    self.tally.note("twice (d)" if seen else "twice", f"{text} {mine}")
                at_clopos.add(line.person)
            elif verdict.kind is Kind.EXISTS:
                owner = self.owner[verdict.customers[0]]
                if owner != line.person:
                    self._wrong(line, owner, text)
            elif verdict.kind is Kind.DUPLICATE:
                owner = lines[verdict.rows[0]].person
                if owner != line.person:
                    self._wrong(line, owner, text)
            elif verdict.kind is Kind.CONFLICT:
                conflicts += 1
                if self._decides(line):
                    decidable += 1
                    self.tally.note("person (d)", text)
                self.tally.counts[f"conflict {verdict.rule}"] += 1
        self.tally.conflicts.append(conflicts / len(lines))
        self.tally.decidable.append(decidable / len(lines))

    def _wrong(self, line: Line, owner: int, text: str) -> None:
        """Count a row taken for another person; the data decide if names or days differ."""
        ids = [id_ for id_, person in self.owner.items() if person == owner]
        looks = {look for id_ in ids for look in self.looks[id_]}
        looks |= {other.look for other in self.population.lines if other.person == owner}
        days = {value for id_ in ids for value in self.values[id_] if value.startswith("day")}
        by_name = all(not _may_be(line.look, look) for look in looks)
        by_day = bool(days) and "date_of_birth" in line.fields
        by_day = by_day and f"day {line.fields['date_of_birth']}" not in days
        fields = [r.fields for r in self.records.values() if r.person == owner]
        pair = (line.person, owner)
        decided = (by_name or by_day) and pair not in self.mistaken
        if not decided:
            self.mistaken.add(pair)  # nor do the data decide its later consequences
        self.tally.note("wrong (d)" if decided else "wrong", f"{text} {fields}")

    def _sharing(self, line: Line) -> list[str]:
        """Return the customers at Clopos that have, or had, a phone, code or e-mail of a row."""
        mine = {value for value in comparable(line.fields) if not value.startswith("day")}
        return [id_ for id_ in self.records if mine & self.values[id_]]

    def _decides(self, line: Line) -> bool:
        """Return whether a held row shares values with its own customer alone."""
        sharing = self._sharing(line)
        return (
            len(sharing) == 1
            and self.owner[sharing[0]] == line.person
            and all(_may_be(line.look, look) for look in self.looks[sharing[0]])
        )

    def _decides_twice(self, line: Line) -> bool:
        """Return whether the data show that a person who is created again already exists."""
        return any(
            self.owner[id_] == line.person and any(_may_be(line.look, o) for o in self.looks[id_])
            for id_ in self._sharing(line)
        ) or any(
            record.person == line.person
            and line.fields.get("date_of_birth", "none") == record.fields.get("date_of_birth")
            and record.look[:2] == line.look[:2]
            and not {"given", "initial", "short"} & {record.look[2], line.look[2]}
            for record in self.records.values()
        )

    def _look_for_the_lost(self) -> None:
        """Count the people of the last sheet who aren't at Clopos although their row is done.

        Their row was taken for another person.
        """
        lines = dict(enumerate(self.population.lines, start=2))
        seen: Counter[str] = Counter()
        rows = [Row(number, evidence(_values(line), seen)) for number, line in lines.items()]
        known = self._known()
        found = match(rows, known, self.options, holders_for(rows, known))
        at_clopos = {record.person for record in self.records.values()}
        held = {verdict.row for verdict in found.verdicts if verdict.kind is Kind.CONFLICT}
        for verdict in found.verdicts:
            line = lines[verdict.row]
            done = verdict.kind in {Kind.EXISTS, Kind.DUPLICATE} and held.isdisjoint(verdict.rows)
            if done and line.person not in at_clopos:
                owner = self.owner.get(next(iter(verdict.customers), ""))
                looks = {look for id_ in verdict.customers for look in self.looks[id_]}
                decided = owner is not None and (line.person, owner) not in self.mistaken
                decided = decided and not any(_may_be(line.look, look) for look in looks)
                what = "lost (d)" if decided else "lost"
                self.tally.note(what, f"{line.fields} {_short(verdict)}")

    def _decide(self, lines: dict[int, Line], verdicts: tuple[Verdict, ...]) -> None:
        """Decide every conflict by the truth."""
        for verdict in verdicts:
            if verdict.kind is not Kind.CONFLICT:
                continue
            person = lines[verdict.row].person
            mine = [id_ for id_, record in self.records.items() if record.person == person]
            if mine:
                self.decisions[person] = Decision(Answer.SAME, mine[0])
                self.journal.setdefault(mine[0], Journal()).decided = True
            else:
                self.decisions[person] = Decision(Answer.OTHER)


def _values(line: Line) -> dict[str, Any]:
    return {name: line.fields.get(name) for name in FIELDS}


def comparable(fields: dict[str, str]) -> set[str]:
    """Return the phone, code, e-mail and date of birth of a row, each in one spelling."""
    found = set()
    if digits := "".join(letter for letter in fields.get("phone", "") if letter.isdigit()):
        found.add(f"phone {digits[-9:]}")
    for name, label in (("code", "code"), ("email", "email"), ("date_of_birth", "day")):
        if value := fields.get(name):
            found.add(f"{label} {value.lower()}")
    return found


def _may_be(look: Look, other: Look) -> bool:
    """Return whether two spellings of a name can be one person's, to a human reader.

    Nicknames can't be recognised. A given name shows no surname, an initial only its letter.
    """
    styles = {look[2], other[2]}
    if look[0] != other[0] or "short" in styles:
        return False
    if look[1] == other[1] or "given" in styles:
        return True
    return "initial" in styles and initial(look[1]) == initial(other[1])


def _short(verdict: Verdict) -> str:
    parts = (verdict.kind, verdict.rule, verdict.customers, verdict.rows, verdict.reason)
    return " ".join(str(part) for part in parts if part)


def main(size: int, *seeds: int) -> None:
    """Print the table of who-is-this-customer §5 for some seeds."""
    modes = {
        "as it is": (MatchOptions(), False),
        "decided": (MatchOptions(), True),
        "without": (MatchOptions(share_phones=True), False),
    }
    for seed in seeds:
        for mode, (options, decide) in modes.items():
            tally = Nights(seed, size, options, decide=decide).run(10)
            counts, first, *later = tally.counts, *tally.conflicts
            sums = [
                f"{what} {counts[what] + counts[f'{what} (d)']} ({counts[f'{what} (d)']})"
                for what in ("twice", "wrong", "lost")
            ]
            shares = f"person {first:.1%} / {sum(later) / len(later):.1%}"
            decidable = sum(tally.decidable) / len(tally.decidable)
            sys.stdout.write(f"{seed:>6} {mode:<9} {' '.join(sums)} {shares} ({decidable:.2%})\n")
            if "-v" in sys.argv:
                text = json.dumps(tally.examples, ensure_ascii=False, indent=1)
                sys.stdout.write(f"{text} {tally.counts}\n")


if __name__ == "__main__":
    main(*(int(word) for word in sys.argv[1:] if word.isdigit()))
